"""What the live rules decided for people, and why: each decision with its reason, for HQ and in the person's words."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from math import isnan
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from distributors import conditions
from distributors.blocks import Ints
from distributors.conditions import Fact, Leaf, checks
from distributors.conditions.checks import Column
from kpis.rule_effects import MOST_BOOST, Offer, Pin, nothing
from kpis.rules import Book, Ruled

from ..ranking.blocks import People, Rules
from ..ranking.shelf import Shelf
from .asked import Asked, earlier, when_fired

logger = logging.getLogger(__name__)

Mask = npt.NDArray[np.bool_]
Columns = Mapping[Fact, Column]
Value = float | str | None


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


def offer_of(shelf: Shelf) -> Offer:
    return Offer(
        keys=[one.key for one in shelf.activities],
        kinds=[one.kind for one in shelf.activities],
        lines=[one.line.code if one.line else "" for one in shelf.activities],
    )


def remembered(ruled: Ruled, one: Asked) -> Iterator[Known]:
    """The conditions of a firing, as the version read that fired."""
    when = when_fired(ruled, one)
    leaves = dict(conditions.leaves(when)) if when is not None else {}
    for path, value in json.loads(one.facts):
        if path in leaves:
            yield Known(path, leaves[path], value)
