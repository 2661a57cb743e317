"""What a rule would have done over the last seven days, had it been live: how often, for how many people, and what.

Each day is looked at as of its end (today as of now): figures, goals and whether she was here by what is known of that day
now. Customers, goals set since and lists are those of today, which the page says. Days are each market's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, sqrt

import numpy as np

from distributors.blocks import Ints
from distributors.records import FOREVER, NEVER, day_number, day_of
from kpis import rules
from kpis.definitions import Definition
from kpis.models import Firing, Rule
from kpis.rule_effects import LEADER, Effect, ToSomebody

from ..preview.trial import Mask, Z
from . import counting, tried_on
from .counting import Count, Parts
from .decisions import offer_of
from .somebody import Somebody, brought_by
from .tried_on import Crowd, Sponsors

DAYS = 7


@dataclass(frozen=True)
class Day:
    """People of the whole field on one day, named as in the field's first market."""

    day: date
    matched: Count
    fired: Count


@dataclass(frozen=True)
class Done:
    """What one effect would have come to.

    `times`: to-dos, notices or memberships of one that fires; of one that holds as long as the condition does, people for
    whom it held on any of the days. `without_leader`: firings whose effect is for a leader and found none.
    """

    effect: Effect
    times: Count
    without_leader: Count


@dataclass(frozen=True)
class Replay:
    total: int
    seen: int
    times: Count  # firings
    people: Count  # for whom it fired at least once
    held_back: Count  # of these people: for whom it would have done nothing
    nobody: Count  # people beside these, who have nobody today that what it brings is about
    days: list[Day]  # the oldest first
    effects: list[Done]

    @property
    def whole(self) -> bool:
        return self.seen >= self.total


def of(definition: Definition, crowd: Crowd, rule: Rule | None = None) -> Replay:
    """`rule`: whose real firings before these days count for the cooldown. Three queries when the facts are kept."""
    sponsors = tried_on.sponsors(crowd)
    matched = by_day(definition, crowd)
    lacking = without_anybody(definition, crowd, matched.sum(axis=0) > 0)
    fired = firings(matched & ~lacking, crowd.days, last_fired(rule, definition, crowd), definition.cooldown_days)
    quiet = rules.held_back(rule.pk if rule else 0, definition.held_back, sponsors.ids, crowd.people.ids).astype(bool)
    return told(definition, crowd, matched, fired, quiet, sponsors, lacking)


def without_anybody(definition: Definition, crowd: Crowd, among: Mask) -> Mask:
    """n: who of `among` has nobody that the rule could bring her anything about, as things are today."""
    found = np.zeros(crowd.seen, bool)
    brought = brought_by(definition, crowd.shelf, offer_of(crowd.shelf))
    if brought:
        looks = Somebody(crowd.people, crowd.shelf, crowd.block.calendar, crowd.block.buying)
        found[among] = looks.lacking(brought, np.flatnonzero(among))
    return found


# The days


def by_day(definition: Definition, crowd: Crowd) -> Mask:
    """DAYS x n, the oldest day first: whether the rule held for each of the crowd at the end of that day."""
    parts = counting.parts_of(definition)
    return np.stack([on_day(definition, parts, crowd, ago) for ago in reversed(range(DAYS))])


def on_day(definition: Definition, parts: Parts, crowd: Crowd, ago: int) -> Mask:
    day = crowd.days - ago
    here = (crowd.people.joined <= day) & valid(definition, day)
    chances = any(fact.name == "goal_chance" for fact in definition.facts)
    return here & counting.matched_of(parts, crowd.past(ago, chances=chances))


def valid(definition: Definition, days: Ints) -> Mask:
    """Of each own local day whether the rule is valid on it."""
    first = NEVER if definition.starts_on is None else day_number(definition.starts_on)
    last = FOREVER if definition.ends_on is None else day_number(definition.ends_on)
    return (first <= days) & (days <= last)


def firings(matched: Mask, today: Ints, last: Ints, cooldown: int) -> Mask:
    """DAYS x n: on which of the days it fires. `last` is the own day number of the firing before them, NEVER without."""
    fired = np.zeros_like(matched)
    for place, held in enumerate(matched):
        day = today - (len(matched) - 1 - place)
        fired[place] = held & (day - last >= cooldown)
        last = np.where(fired[place], day, last)
    return fired


def last_fired(rule: Rule | None, definition: Definition, crowd: Crowd) -> Ints:
    """n: the own day number of the last real firing before these days, NEVER without one. One query."""
    found = np.full(crowd.seen, NEVER, np.int64)
    if rule is None or not crowd.seen:
        return found
    first = crowd.days - (DAYS - 1)
    since = day_of(int(first.min())) - timedelta(days=definition.cooldown_days)
    rows = tried_on.of_people(Firing.objects.filter(rule=rule, day__gt=since), crowd.people.ids)
    for pk, day in rows.order_by("day").values_list("distributor_id", "day"):
        place = crowd.place(pk)
        if place is not None and day_number(day) < first[place]:
            found[place] = day_number(day)
    return found


# What it comes to


def told(
    definition: Definition, crowd: Crowd, matched: Mask, fired: Mask, quiet: Mask, sponsors: Sponsors, lacking: Mask
) -> Replay:
    any_day: Mask = fired.sum(axis=0) > 0
    last = int(crowd.block.calendar.today[0]) if len(crowd.block.markets) else 0
    return Replay(
        total=crowd.total,
        seen=crowd.seen,
        times=summed(fired.sum(axis=0), crowd.total),
        people=counting.scaled(any_day, crowd.total),
        held_back=counting.scaled(any_day & quiet, crowd.total),
        nobody=counting.scaled(lacking & ~any_day, crowd.total),
        days=[
            Day(
                day_of(last - (DAYS - 1 - place)),
                counting.scaled(matched[place], crowd.total),
                counting.scaled(fired[place], crowd.total),
            )
            for place in range(DAYS)
        ],
        effects=[done(effect, crowd, matched & ~quiet, fired & ~quiet, sponsors.active) for effect in definition.then],
    )


def done(effect: Effect, crowd: Crowd, matched: Mask, fired: Mask, led: Mask) -> Done:
    """`led`: who has an active leader."""
    nobody = counting.estimated(0, 1, 1)
    if not effect.fires:
        return Done(effect, counting.scaled(matched.sum(axis=0) > 0, crowd.total), nobody)
    times = fired.sum(axis=0)
    if isinstance(effect, ToSomebody) and effect.to == LEADER:
        return Done(effect, summed(times * led, crowd.total), summed(times * ~led, crowd.total))
    return Done(effect, summed(times, crowd.total), nobody)


def summed(times: Ints, total: int) -> Count:
    """How often for each person looked at -> how often for everybody; the error of a mean, with all of a small field seen."""
    seen = len(times)
    if seen >= total:
        return Count(int(times.sum()))
    error = Z * total * sqrt(float(times.var()) / max(1, seen - 1) * (1 - seen / total)) if seen else 0.0
    rare = counting.scaled(times > 0, total)
    return Count(round(int(times.sum()) * total / max(1, seen)), max(ceil(error), rare.error))
