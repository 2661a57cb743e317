"""What the live rules come to for a block of people: arrays for the kernel, what fires, and the reason of each decision.

Everything that stands is worked out anew at each read; only what fires is stored (kpis/firing.py). Without a live rule
nothing is asked. Whatever goes wrong takes a rule out, or all of them, and never a feed down.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from math import isnan
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.core.cache import cache
from django.db import connection

from distributors import conditions, reordering
from distributors.blocks import RECRUITS, Buying, Calendar, Ints, Spread, dues
from distributors.conditions import ConditionError, Fact, Leaf, Node, checks
from distributors.conditions.checks import Column
from distributors.conditions.facts import Block
from distributors.records import day_of
from distributors.timing import care, contacts
from kpis import firing, rules
from kpis.firing import Match
from kpis.rule_effects import HER, LEADER, MOST_BOOST, Offer, Pin, Standing, Trigger, nothing
from kpis.rules import Book, Ruled

from ..ranking.blocks import CALL, People, Rules, no_rules
from ..ranking.memory import hidden
from ..ranking.shelf import Shelf
from . import activity_facts

logger = logging.getLogger(__name__)

Mask = npt.NDArray[np.bool_]
Columns = Mapping[Fact, Column]
Value = float | str | None

#: How long it is told that a rule could not be worked out (`failing`).
TOLD_SECONDS = 2 * 3600


class Did(NamedTuple):
    """What a rule did to an activity: `effect` is the effect's name, or ONLY: hidden because it is for others."""

    effect: str
    activity: int  # place on the shelf
    amount: float = 0.0  # what it adds to the score before all rules together are bounded
    recruit: int = 0  # whom the card is about, of a leader's to-do
    until: date | None = None  # its last day, of a pin or a to-do


ONLY, HELD_BACK = "only", "held_back"
#: What brought a card to her, and not only moved it.
PIN, TRIGGER, BOOST = "pin", "trigger", "boost"


@dataclass(frozen=True)
class Known:
    """A condition that made it so, with what was known then."""

    path: str
    leaf: Leaf
    value: Value


@dataclass(frozen=True)
class Decision:
    """A rule that holds for somebody now, or that asked something of her when it fired; and what it did."""

    rule: int  # id
    name: str
    number: int  # of the version
    facts: tuple[Known, ...]
    did: tuple[Did, ...]
    whom: int  # whose facts they are: her own, or a recruit's
    since: date | None = None  # of what was asked when it fired; None of what holds now
    held_back: bool = False  # it holds, and does nothing for her


@dataclass(frozen=True)
class Asked:
    """An open to-do of one of the people, as a firing left it (kpis.Call)."""

    place: int  # of the reader among the people
    activity: int  # place on the shelf
    rule: int  # place in the book
    number: int  # of the version that fired
    definition: str | None  # JSON of that version, when the book has a newer one
    whom: int  # whose firing it was
    recruit: int  # the same of a leader's to-do about a recruit, else 0
    since: date
    until: date  # the last day it is asked for, of the call and of the rule
    day: date  # of the firing
    facts: str  # JSON
    acted: bool  # she has done, put off or dismissed it since
    pk: int


@dataclass(frozen=True, eq=False)
class Ruling:
    """`rules` is what the kernel takes. The rest says why, for HQ and in the person's words; it is worked out when asked."""

    rules: Rules
    numbers: Mapping[str, int]  # versions of the reference data
    book: Book | None = None
    people: People | None = None
    shelf: Shelf | None = None
    days: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # each one's own
    columns: Columns = field(default_factory=dict)
    matched: Mask = field(default_factory=lambda: np.zeros((0, 0), bool))  # R x n: holds
    acting: Mask = field(default_factory=lambda: np.zeros((0, 0), bool))  # and she is not held back
    reached: Mask = field(default_factory=lambda: np.zeros((0, 0), bool))  # valid, and she is not held back
    asked: Sequence[Asked] = ()
    broken: frozenset[int] = frozenset()  # places of rules that were left out
    fired: int = 0  # how often a rule fired just now
    told: dict[int, list[Decision]] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Version of the rules."""
        return self.numbers.get("rules", 0)

    def decisions(self, place: int = 0) -> list[Decision]:
        """Of one of the people: every rule that holds for her or keeps something from her, then what was asked of her."""
        if place not in self.told:
            try:
                self.told[place] = list(self.decided(place))
            except Exception:
                logger.exception("What rules decided cannot be told.")
                self.told[place] = []
        return self.told[place]

    def decided(self, place: int) -> Iterator[Decision]:
        for rule in range(len(self.book.rules) if self.book else 0):
            if rule not in self.broken and (found := self.standing(rule, place)) is not None:
                yield found
        for one in self.asked:
            if one.place == place:
                yield self.asked_of(one)

    def standing(self, rule: int, place: int) -> Decision | None:
        """None of a rule that does not hold for her and keeps nothing from her either."""
        assert self.book is not None and self.people is not None
        ruled, holds, acts = self.book.rules[rule], bool(self.matched[rule, place]), bool(self.acting[rule, place])
        did = tuple(
            one
            for one in effects_on(
                ruled, acts, bool(self.reached[rule, place]), self.days[place : place + 1], self.offer
            )
            if self.came_true(place, one)
        )
        if not holds and not did:
            return None
        return Decision(
            rule=ruled.rule.pk,
            name=ruled.rule.name,
            number=ruled.version.number,
            facts=tuple(known(ruled, self.columns, place)) if holds else (),
            did=did,
            whom=int(self.people.ids[place]),
            held_back=holds and not acts,
        )

    def came_true(self, place: int, did: Did) -> bool:
        """What another rule allows is not kept from her, and of all pins one is on top."""
        if did.effect == ONLY:
            return self.is_barred(place, did.activity)
        return did.effect != PIN or (self.rules.pin[place] == did.activity and not self.rules.pin_about[place])

    def asked_of(self, one: Asked) -> Decision:
        assert self.book is not None
        ruled = self.book.rules[one.rule]
        pinned = self.rules.pin[one.place] == one.activity and self.rules.pin_about[one.place] in (0, one.recruit)
        return Decision(
            rule=ruled.rule.pk,
            name=ruled.rule.name,
            number=one.number,
            facts=tuple(remembered(ruled, one)),
            did=(Did(TRIGGER, one.activity, 0.0 if pinned else MOST_BOOST, one.recruit, one.until),),
            whom=one.whom,
            since=one.day,
        )

    @cached_property
    def offer(self) -> Offer:
        assert self.shelf is not None
        return offer_of(self.shelf)

    def is_barred(self, place: int, activity: int) -> bool:
        return bool(self.rules.barred.shape[0] and self.rules.barred[place, activity])

    def logged(self, activities: Iterable[int], place: int = 0) -> dict[str, list[list[object]]]:
        """Slate.versions["ruled"]: for each of these activities by key (`.r5` behind it for a to-do about one recruit) what
        the rules did to it: [rule id, version, effect, amount]. Under "" the rules that held and did nothing to any of
        them; HELD_BACK says why, where it is that."""
        found: dict[str, list[list[object]]] = {}
        offered = set(activities)
        for decision in self.decisions(place):
            acted = False
            for did in decision.did:
                if did.activity in offered:
                    acted = True
                    key = self.offer.keys[did.activity] + (f".r{did.recruit}" if did.recruit else "")
                    found.setdefault(key, []).append([decision.rule, decision.number, did.effect, did.amount])
            if not acted:
                why = HELD_BACK if decision.held_back else ""
                found.setdefault("", []).append([decision.rule, decision.number, why, 0.0])
        return found

    def on(self, activity: int, recruit: int, place: int = 0) -> list[tuple[Decision, Did]]:
        """What was done to one card, most telling first: what put it there, then what moved it up, then the rest."""
        order = {TRIGGER: 0, PIN: 1, BOOST: 2}
        found = [
            (decision, did)
            for decision in self.decisions(place)
            for did in decision.did
            if did.activity == activity and did.recruit in (0, recruit)
        ]
        return sorted(found, key=lambda one: (order.get(one[1].effect, 3), -one[1].amount))


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
class Evaluation:
    """One block of people and the book that is worked out for them."""

    people: People
    book: Book
    shelf: Shelf
    calendar: Calendar
    spread: Spread
    as_of: datetime
    numbers: Mapping[str, int]
    broken: set[int] = field(default_factory=set)

    @property
    def n(self) -> int:
        return len(self.people.ids)

    @cached_property
    def days(self) -> Ints:
        return self.calendar.today[self.people.market]

    @cached_property
    def buying(self) -> Buying:
        return reordering.of(self.numbers, self.shelf.markets)

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

    def leave_out(self, place: int, error: Exception) -> None:
        ruled = self.book.rules[place]
        self.broken.add(place)
        logger.error("Rule %s (%s) is left out: %s", ruled.rule.pk, ruled.rule.name, error, exc_info=error)
        tell_failing(ruled.rule.pk, f"{type(error).__name__}: {error}"[:200])

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
        """What holds and is not cooling."""
        who = np.flatnonzero(matched.any(axis=0))
        if not len(who):
            return
        cooling = firing.cooling(self.book, self.people.ids[who].tolist(), self.days[who])
        for rule, at in zip(*np.nonzero(matched[:, who] & ~cooling), strict=True):
            place = int(who[at])
            facts = [(one.path, one.value) for one in known(self.book.rules[rule], columns, place)]
            yield Match(
                rule=int(rule),
                person=int(self.people.ids[place]),
                day=day_of(int(self.days[place])),
                facts=facts,
                held_back=not acting[rule, place],
            )

    # Arrays

    def arrays(self, acting: Mask, reached: Mask, asked: Sequence[Asked]) -> Rules:
        out = self.standing(acting, reached)
        for one in asked:
            # What asks her for it shows it to her as well, whether or not its condition holds still.
            if not one.acted:
                out.let[one.place, one.activity] = 1
        barred = out.barred.astype(bool) | (out.only.astype(bool) & ~out.let.astype(bool))
        pin, about = self.pinned(out.pins, barred), np.zeros(self.n, np.int64)
        for one in asked:
            if (
                pin[one.place] >= 0
                and about[one.place] == 0
                and not self.has_card(one.place, pin[one.place], 0, barred)
            ):
                pin[one.place] = -1
            if not one.acted and pin[one.place] < 0 and self.has_card(one.place, one.activity, one.recruit, barred):
                pin[one.place], about[one.place] = one.activity, one.recruit
            else:
                out.boost[one.place, one.activity] += MOST_BOOST
        calls, calls_at = calls_of(asked, self.n)
        boost = np.clip(out.boost, -MOST_BOOST, MOST_BOOST)
        return Rules(boost, barred.astype(np.uint8), pin, about, calls, calls_at)

    def pinned(self, pins: Ints, barred: Mask) -> Ints:
        """An activity by person, -1 for none. Of several that are to be on top the first that she has a card of."""
        first = np.where(pins == 1, np.arange(pins.shape[1]), -1).max(axis=1, initial=-1)
        # Cards are looked for only where it makes a difference: a rule may pin for everybody.
        for place in np.flatnonzero((pins > 1).any(axis=1)):
            wanted = np.flatnonzero(pins[place])
            by_order = wanted[np.argsort(pins[place, wanted])].tolist()
            first[place] = next((one for one in by_order if self.has_card(int(place), one, 0, barred)), -1)
        return first

    def standing(self, acting: Mask, reached: Mask) -> Standing:
        """All effects that hold, rule by rule in the order of the book. After one that fails it starts again without it."""
        offer, out = offer_of(self.shelf), nothing(self.n, len(self.shelf.activities))
        for place, ruled in enumerate(self.book.rules):
            if place in self.broken:
                continue
            try:
                for effect in ruled.definition.then:
                    effect.hold(acting[place], reached[place], self.days, offer, out)
            except Exception as error:
                self.leave_out(place, error)
                return self.standing(acting, reached)
        return out

    def has_card(self, place: int, activity: int, recruit: int, barred: Mask) -> bool:
        """Whether she has a card of it (of that recruit) at all: a pin that nobody sees would keep the next one away."""
        arrays, m = self.shelf.arrays, int(self.people.market[place])
        if barred[place, activity] or not arrays.sold[m, activity]:
            return False
        if not arrays.readable[self.people.language[place], activity]:
            return False
        one, today = arrays.activity[activity], int(self.days[place])
        hides = self.people.hides[self.people.hides_at[place] : self.people.hides_at[place + 1]]
        if recruit:
            return not hidden(hides, one["id"], 2, recruit, today)
        if one["about"] < 0:
            return not hidden(hides, one["id"], 0, 0, today)
        return self.fits_anybody(place, one, hides, today)

    def fits_anybody(self, place: int, activity: Any, hides: Any, today: int) -> bool:
        """Whether anybody is due for it whom she has not answered for already, as the kernel finds them."""
        people, m = self.people, int(self.people.market[place])
        customers = people.customers[people.customers_at[place] : people.customers_at[place + 1]]
        lines = people.lines[people.lines_at[place] : people.lines_at[place + 1]]
        recruits = people.recruits[people.recruits_at[place] : people.recruits_at[place + 1]]
        due = dues(len(customers), len(lines), len(recruits))
        many = care(recruits, today, contacts(customers, lines, m, today, self.calendar.now, self.buying, due), due)
        kind = 2 if activity["about"] >= RECRUITS else 1
        return any(
            one["reason"] == activity["about"]
            and (kind == 2 or activity["line"] in (0, one["line"]))
            and not hidden(hides, activity["id"], kind, one["person"], today)
            for one in due[:many]
        )


# What holds


def known(ruled: Ruled, columns: Columns, place: int) -> Iterator[Known]:
    """The conditions that make it so for somebody, with their values."""
    when = ruled.definition.when
    values = {leaf.fact: value_of(columns[leaf.fact], place) for _path, leaf in conditions.leaves(when)}
    for path, leaf in checks.reasons(when, values):
        yield Known(path, leaf, values[leaf.fact])


def value_of(column: Column, place: int) -> Value:
    """As conditions are told: a number, the name of a choice, None for unknown."""
    value = float(column.values[place])
    if isnan(value):
        return None
    if column.codes:
        return next((name for name, code in column.codes.items() if code == value), None)
    return value


def effects_on(ruled: Ruled, holds: bool, reached: bool, days: Ints, offer: Offer) -> Iterator[Did]:
    """What its standing effects do for one person, one by one."""
    for effect in ruled.definition.then:
        if effect.fires:
            continue
        out = nothing(1, len(offer.keys))
        effect.hold(np.array([holds]), np.array([reached]), days, offer, out)
        for activity in np.flatnonzero(out.boost[0]).tolist():
            yield Did(effect.name, activity, float(out.boost[0, activity]))
        if isinstance(effect, Pin):
            until = earlier(effect.until, ruled.definition.ends_on)
            for activity in np.flatnonzero(out.pins[0]).tolist():
                yield Did(effect.name, activity, until=until)
        for activity in np.flatnonzero(out.barred[0] | out.let[0]).tolist():
            yield Did(effect.name, activity)
        for activity in np.flatnonzero((out.only[0] != 0) & (out.let[0] == 0)).tolist():
            yield Did(ONLY, activity)


def earlier(day: date, ends_on: date | None) -> date:
    """Nothing that a rule does outlasts the rule."""
    return day if ends_on is None else min(day, ends_on)


def offer_of(shelf: Shelf) -> Offer:
    return Offer(
        keys=[one.key for one in shelf.activities],
        kinds=[one.kind for one in shelf.activities],
        lines=[one.line.code if one.line else "" for one in shelf.activities],
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


# What was asked

# What rules that are live now ask of these people today. An answer to another recruit's card is no answer; of what is asked of
# herself about her customers any is.
CALLS = """
SELECT c.id, c.to_id, c.activity, c.since, c.until, f.day, f.rule_id, v.number, f.distributor_id, f.facts,
       CASE WHEN v.id <> ALL(%(versions)s::bigint[]) THEN v.definition END AS definition, EXISTS (
    SELECT FROM activities_action a JOIN activities_activity one ON one.id = a.activity_id
    WHERE a.distributor_id = c.to_id AND one.key = c.activity AND a.undone_at IS NULL AND a.at >= f.at
      AND a.kind IN ('done', 'snooze', 'dismiss')
      AND (c.to_id = f.distributor_id OR a.about_key IN ('', 'r' || f.distributor_id))
) AS acted
FROM unnest(%(ids)s::bigint[], %(days)s::date[]) AS who(id, today)
JOIN kpis_call c ON c.to_id = who.id AND c.what = 'activity' AND c.until >= who.today AND c.since <= who.today
JOIN kpis_firing f ON f.id = c.firing_id AND f.rule_id = ANY(%(rules)s::bigint[])
JOIN kpis_ruleversion v ON v.id = f.version_id
"""


def open_calls(people: People, book: Book, shelf: Shelf, days: Ints) -> list[Asked]:
    """By rule priority, then the newest first; none that its rule does not ask for any more. One query."""
    rule_place = {one.rule.pk: place for place, one in enumerate(book.rules)}
    key_place = {one.key: place for place, one in enumerate(shelf.activities)}
    reader = {int(pk): place for place, pk in enumerate(people.ids)}
    asks = asks_of(book)
    asked = {
        "ids": people.ids.tolist(),
        "days": [day_of(day) for day in days],
        "rules": list(rule_place),
        "versions": [one.version.pk for one in book.rules],
    }
    with connection.cursor() as cursor:
        cursor.execute(CALLS, asked)
        rows = cursor.fetchall()
    found = []
    for pk, to, key, since, until, day, rule, number, whom, facts, definition, acted in rows:
        activity, place = key_place.get(key), reader[to]
        if activity is None or (rule_place[rule], key, HER if to == whom else LEADER) not in asks:
            continue
        if days[place] > book.last[rule_place[rule]]:
            continue
        about_recruits = shelf.arrays.activity["about"][activity] >= RECRUITS
        recruit = whom if to != whom and about_recruits else 0
        if recruit and not is_recruit_of(people, place, recruit):
            continue
        found.append(
            Asked(
                place=place, activity=activity, rule=rule_place[rule], number=number,
                definition=definition, whom=whom, recruit=recruit, since=since,
                until=earlier(until, book.rules[rule_place[rule]].definition.ends_on),
                day=day, facts=facts, acted=acted, pk=pk,
            )
        )  # fmt: skip
    priority = [one.definition.priority for one in book.rules]
    return sorted(found, key=lambda one: (-priority[one.rule], -one.since.toordinal(), -one.pk))


def asks_of(book: Book) -> set[tuple[int, str, str]]:
    """Which rules ask, by place, as they read now; for which activity, and whom: HER or LEADER."""
    return {
        (place, effect.activity, effect.to)
        for place, one in enumerate(book.rules)
        for effect in one.definition.then
        if isinstance(effect, Trigger)
    }


def is_recruit_of(people: People, place: int, pk: int) -> bool:
    """She may have moved to another leader, or have left."""
    hers = people.recruits["id"][people.recruits_at[place] : people.recruits_at[place + 1]]
    return bool((hers == pk).any())


def calls_of(asked: Collection[Asked], n: int) -> tuple[Any, Ints]:
    """Leaders' to-dos about a recruit, by person and activity, each once."""
    named = sorted({(one.place, one.activity, one.recruit) for one in asked if one.recruit})
    calls = np.array([(activity, recruit) for _place, activity, recruit in named], CALL)
    many = np.bincount([place for place, _activity, _recruit in named], minlength=n)
    return calls, np.concatenate([[0], np.cumsum(many)]).astype(np.int64)


def remembered(ruled: Ruled, one: Asked) -> Iterator[Known]:
    """The conditions of a firing, as the version read that fired."""
    when = ruled.definition.when if one.definition is None else read_when(json.loads(one.definition))
    leaves = dict(conditions.leaves(when)) if when is not None else {}
    for path, value in json.loads(one.facts):
        if path in leaves:
            yield Known(path, leaves[path], value)


def read_when(definition: dict[str, Any]) -> Node | None:
    """None when what was published once does not read any more."""
    try:
        return conditions.read(definition.get("if"))
    except ConditionError:
        return None


# What fails


FAILING = "rules.failing"


def tell_failing(rule_id: int, problem: str) -> None:
    """For the list of rules. Of two processes at once one may be forgotten: whoever comes next tells it again."""
    told = failing()
    if told.get(rule_id) != problem:
        cache.set(FAILING, told | {rule_id: problem}, TOLD_SECONDS)


def failing() -> dict[int, str]:
    """Rules that could not be worked out lately, by id, each with its problem."""
    found: dict[int, str] = cache.get(FAILING) or {}
    return found
