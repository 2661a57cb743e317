"""What the live rules come to for a block of people: their facts, who is held back, what fires, and arrays for the kernel.

Everything that stands is worked out anew at each read; only what fires is stored (kpis/firing.py). Without a live rule
nothing is asked. Whatever goes wrong takes a rule out, or all of them, and never a feed down.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection

from distributors.blocks import Calendar, Ints, Spread
from distributors.conditions import Fact
from distributors.conditions.checks import Column
from distributors.conditions.facts import Block
from distributors.records import day_of
from kpis import firing, rules
from kpis.firing import Match

from ..ranking.blocks import People, no_rules
from ..ranking.shelf import Shelf
from . import activity_facts
from .arrays import Arranging
from .asked import open_calls
from .decisions import Columns, Mask, Ruling, known, offer_of
from .somebody import brought_by

logger = logging.getLogger(__name__)


def of(
    people: People,
    *,
    numbers: Mapping[str, int],
    shelf: Shelf,
    calendar: Calendar,
    spread: Spread,
    as_of: datetime,
    fire: bool = False,
    sponsors: Ints | None = None,
) -> Ruling:
    """What the rules of these versions say of these people. Never raises.

    `fire` writes what newly holds, so that the very same ranking has it. No query without a live rule; else those of the
    facts that rules ask for, one for what is asked of these people, one for cooldowns where something holds, and one for
    their `sponsors` (ids, 0 for none) if a rule holds anybody back and they are not given.
    """
    try:
        book = rules.book(numbers)
        if not book.rules:
            return Ruling(no_rules(), numbers)
        return Evaluation(people, book, shelf, calendar, spread, as_of, numbers).ruling(fire=fire, sponsors=sponsors)
    except Exception:
        logger.exception("All rules are left out of a ranking: they could not be worked out.")
        return Ruling(no_rules(), numbers)


@dataclass(eq=False)
class Evaluation(Arranging):
    """The facts that its rules ask for, whom they leave alone, and what newly holds."""

    def ruling(self, *, fire: bool, sponsors: Ints | None) -> Ruling:
        columns = self.columns()
        matched = rules.matches(self.book, columns, self.n, self.days).astype(bool)
        matched[list(self.broken)] = False
        held = self.held_back(matched, sponsors)
        acting, reached = matched & ~held, rules.valid(self.book, self.days) & ~held
        fired = self.fire(columns, matched, acting) if fire else 0
        asked = open_calls(self.people, self.book, self.shelf, self.days)
        arrays = self.arrays(acting, reached, asked)
        return Ruling(
            arrays, self.numbers, self.book, self.people, self.shelf, self.days, columns, matched, acting, reached,
            asked, frozenset(self.broken), fired,
        )  # fmt: skip

    # Facts

    def columns(self) -> Columns:
        """Every fact that the book asks for. One that cannot be worked out takes its rules out, and no other."""
        try:
            return activity_facts.everything(self.book.facts, self.block(), self.numbers)
        except Exception:
            logger.exception("Facts for rules are worked out one by one, since together they fail.")
            return dict(self.each_alone())

    def block(self) -> Block:
        return Block(
            people=self.people, calendar=self.calendar, spread=self.spread, markets=self.shelf.markets,
            languages=self.shelf.languages, as_of=self.as_of, line_ids=self.shelf.line_ids, buying=self.buying,
        )  # fmt: skip

    def each_alone(self) -> Iterator[tuple[Fact, Column]]:
        for fact in self.book.facts:
            try:
                yield fact, activity_facts.everything([fact], self.block(), self.numbers)[fact]
            except Exception as error:
                for place, ruled in enumerate(self.book.rules):
                    if fact in ruled.definition.facts:
                        self.leave_out(place, error)
                yield fact, Column(np.full(self.n, np.nan))

    # Who is held back, and firing

    def held_back(self, matched: Mask, sponsors: Ints | None) -> Mask:
        """Of a rule that matches somebody, or that does something to others. R x n."""
        held = np.zeros_like(matched)
        asking = [
            at
            for at, one in enumerate(self.book.rules)
            if one.definition.held_back and (matched[at].any() or any(done.shuts_out for done in one.definition.then))
        ]
        if not asking:
            return held
        teams = sponsors_of(self.people.ids) if sponsors is None else sponsors
        for at in asking:
            one = self.book.rules[at]
            held[at] = rules.held_back(one.rule.pk, one.definition.held_back, teams, self.people.ids)
        return held

    def fire(self, columns: Columns, matched: Mask, acting: Mask) -> int:
        """A failure costs a firing, which the next sweep makes up for, and not the page."""
        due = list(self.due(columns, matched, acting))
        try:
            return len(firing.fire(due, self.book, as_of=self.as_of))
        except Exception:
            logger.exception("Rules are fired one by one, since together they fail.")
            return sum(self.fire_alone(rule, due) for rule in sorted({one.rule for one in due}))

    def fire_alone(self, rule: int, due: Sequence[Match]) -> int:
        try:
            return len(firing.fire([one for one in due if one.rule == rule], self.book, as_of=self.as_of))
        except Exception as error:
            self.leave_out(rule, error)
            return 0

    def due(self, columns: Columns, matched: Mask, acting: Mask) -> Iterator[Match]:
        """What holds, is not cooling, and has something to do. Who is held back is looked at as all others are."""
        who = np.flatnonzero(matched.any(axis=0))
        if not len(who):
            return
        cooling = firing.cooling(self.book, self.people.ids[who].tolist(), self.days[who])
        due = matched[:, who] & ~cooling
        offer = offer_of(self.shelf)
        for rule in np.flatnonzero(due.any(axis=1)).tolist():
            if brought := brought_by(self.book.rules[rule].definition, self.shelf, offer):
                due[rule, due[rule]] = ~self.somebody.lacking(brought, who[due[rule]])
        for rule, at in zip(*np.nonzero(due), strict=True):
            place = int(who[at])
            facts = [(one.path, one.value) for one in known(self.book.rules[rule], columns, place)]
            yield Match(
                rule=int(rule),
                person=int(self.people.ids[place]),
                day=day_of(int(self.days[place])),
                facts=facts,
                held_back=not acting[rule, place],
            )


def sponsors_of(ids: Ints) -> Ints:
    """Their sponsors' ids, 0 without one, in the same order. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, coalesce(sponsor_id, 0) FROM distributors_distributor WHERE id = ANY(%s::bigint[])",
            [ids.tolist()],
        )
        found = dict(cursor.fetchall())
    return np.array([found.get(pk, 0) for pk in ids.tolist()], np.int64)
