"""For how many people each condition of a rule holds, each group of them, and the whole: told beside the builder's controls.

Each condition is read alone, so that one which is not finished yet counts nothing and the others still do. A group counts
once everything in it reads. Figures are exact over up to 5,000 people; of a larger field as many are drawn by lot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from math import ceil, floor, log10
from typing import Any, cast

import numpy as np
from django.utils.translation import gettext as _

from distributors import conditions, versions
from distributors.conditions import MOST_DEPTH, MOST_LEAVES, ConditionError, Group, How, Leaf, Node, Problem, checks
from distributors.conditions.vocabulary import VOCABULARY, Op
from distributors.conditions.vocabulary import Group as FactGroup
from distributors.conditions.worded import Names
from distributors.wording import number, percent
from kpis import definitions
from kpis.definitions import Definition
from kpis.rule_effects import Eligible

from ..preview.trial import Mask, wilson
from . import activity_facts, tried_on
from .tried_on import Crowd

#: The two trees of a definition.
IF, BUT_NOT = TREES = "if", "but_not"
GROUPS = tuple(how.value for how in How)
#: More parts than any tree that is not refused has: a condition may be an only part of so many groups.
MOST_NODES = MOST_LEAVES * MOST_DEPTH

#: Facts that come round or run out while nothing happens but days going by, beside those of the calendar.
TURNING = frozenset({
    "goal_days_left", "goal_pace", "campaign_days_run", "campaign_days_left", "prize_days_left", "anniversary_days",
})  # fmt: skip
#: Those that only grow by it: of a person who is past a number it never holds again by time alone.
GROWING = frozenset({"joined_days", "years", "days_since", "days_since_first"})

#: JSON of a definition, or what was read of it.
Said = Mapping[str, Any] | Definition


@dataclass(frozen=True)
class Count:
    """People of the whole field. `error`: how far it may be off in 19 of 20 samples; 0 when everybody was looked at."""

    people: int
    error: int = 0


@dataclass(frozen=True, eq=False)
class Parts:
    """What reads of a definition: its conditions and groups by path (`if.all.0`), and what is wrong with the rest."""

    nodes: dict[str, Node]
    problems: list[Problem]
    definition: Definition | None  # when all of it reads
    has_but_not: bool

    @property
    def when(self) -> Node | None:
        return self.nodes.get(IF)

    @property
    def but_not(self) -> Node | None:
        return self.nodes.get(BUT_NOT)

    @property
    def whole(self) -> bool:
        """Whether both trees read, so that it is known for whom the rule holds."""
        return self.when is not None and (self.but_not is not None or not self.has_but_not)


@dataclass(frozen=True, eq=False)
class Counts:
    total: int  # active people
    seen: int  # of whom so many were looked at
    waiting: int  # of those looked at, whose newest facts are still to be read
    parts: Parts
    nodes: dict[str, Count]  # by path
    matched: Count | None  # for whom the rule holds; None while a condition is not finished
    unknown: dict[str, Count] = field(default_factory=dict)  # by path of what is not known of most people, of how many

    @property
    def whole(self) -> bool:
        return self.seen >= self.total

    @property
    def share(self) -> float:
        """Of the field."""
        return self.matched.people / self.total if self.matched and self.total else 0.0


# Read


def parts_of(said: Said, known: Names | None = None, today: date | None = None) -> Parts:
    """`known`: the names that may be named; `today`: the day it would be published on. None does not check them."""
    raw = definitions.written(said) if isinstance(said, Definition) else said
    trees = {path: raw[path] for path in TREES if raw.get(path) is not None}
    nodes = {path: node for name, tree in trees.items() for path, node in nodes_of(tree, name, known)}
    definition, problems = read(raw, known, today)
    return Parts(nodes, problems, definition, BUT_NOT in trees)


def read(raw: Mapping[str, Any], known: Names | None, today: date | None) -> tuple[Definition | None, list[Problem]]:
    try:
        return definitions.read(raw, known, today=today), []
    except ConditionError as refused:
        return None, refused.problems


def nodes_of(tree: object, path: str, known: Names | None) -> Iterator[tuple[str, Node]]:
    """Everything in a tree of JSON that reads by itself, with its path."""
    for n, (where, part) in enumerate(parts_in(tree, path)):
        if n == MOST_NODES:
            return
        try:
            yield where, conditions.read(part, path=where, known=known)
        except ConditionError:
            continue


def parts_in(tree: object, path: str, depth: int = 0) -> Iterator[tuple[str, object]]:
    """The tree, then its parts and theirs, in reading order."""
    yield path, tree
    how = how_of(tree)
    if how is None or depth > MOST_DEPTH:
        return
    inside = cast("Mapping[str, Any]", tree)[how]
    for place, part in enumerate(inside if isinstance(inside, list) else []):
        yield from parts_in(part, f"{path}.{how}.{place}", depth + 1)


def how_of(tree: object) -> str | None:
    """all, any, none of a group in JSON; None for anything else."""
    return next((how for how in GROUPS if how in tree), None) if isinstance(tree, Mapping) else None


# Count


def of(said: Said, as_of: datetime, *, known: Names | None = None, everybody: bool = False) -> Counts:
    """One query when the people and the facts asked for are kept. `everybody` counts all of a large field one by one."""
    parts = parts_of(said, known)
    if everybody:
        return exactly(parts, as_of)
    crowd = tried_on.of(as_of)
    return of_crowd(parts, crowd)


def of_crowd(parts: Parts, crowd: Crowd) -> Counts:
    found = holding(parts, crowd)
    return Counts(
        total=crowd.total,
        seen=crowd.seen,
        waiting=crowd.waiting,
        parts=parts,
        nodes={path: scaled(held, crowd.total) for path, held in found.items()},
        matched=scaled(matching(parts, found), crowd.total) if parts.whole else None,
        unknown=unknown_in(parts, crowd),
    )


def unknown_in(parts: Parts, crowd: Crowd) -> dict[str, Count]:
    """By path the conditions that ask what is not known of most people: that few meet them says little."""
    asked = {
        path: node.fact
        for path, node in parts.nodes.items()
        if isinstance(node, Leaf) and node.op not in {Op.KNOWN, Op.UNKNOWN}
    }
    missing = {fact: np.isnan(column.values) for fact, column in crowd.columns(asked.values()).items()}
    return {
        path: scaled(missing[fact], crowd.total) for path, fact in asked.items() if 2 * missing[fact].sum() > crowd.seen
    }


def holding(parts: Parts, crowd: Crowd) -> dict[str, Mask]:
    """Of each person of the crowd, whether each part holds for her."""
    return held_by(parts, crowd.columns(facts_in(parts)), crowd.seen)


def held_by(parts: Parts, columns: tried_on.Columns, n: int) -> dict[str, Mask]:
    if not parts.nodes:
        return {}
    rows = checks.compiled(list(parts.nodes.values())).run(columns, n)
    return dict(zip(parts.nodes, rows.astype(bool), strict=True))


def matching(parts: Parts, found: Mapping[str, Mask]) -> Mask:
    """Who is matched by a rule both of whose trees read."""
    return found[IF] & ~found[BUT_NOT] if parts.has_but_not else found[IF]


def matched_of(parts: Parts, crowd: Crowd) -> Mask:
    """For whom of the crowd the rule holds; nobody while a condition is not finished."""
    return matching(parts, holding(parts, crowd)) if parts.whole else np.zeros(crowd.seen, bool)


def facts_in(parts: Parts) -> tuple[conditions.Fact, ...]:
    return conditions.facts_of(parts.nodes.values())


def scaled(held: Mask, total: int) -> Count:
    """So many of those looked at -> of everybody."""
    return estimated(int(held.sum()), len(held), total)


def estimated(people: int, seen: int, total: int) -> Count:
    if seen >= total:
        return Count(people)
    share = people / max(1, seen)
    return Count(round(share * total), ceil(total * wilson(share, seen, total)))


def exactly(parts: Parts, as_of: datetime) -> Counts:
    """Over everybody, block by block."""
    numbers, asked, total, matched = versions.current(), facts_in(parts), 0, 0
    sums = dict.fromkeys(parts.nodes, 0)
    for block in tried_on.everybody(as_of):
        n = len(block.people.ids)
        found = held_by(parts, activity_facts.everything(asked, block, numbers), n)
        total += n
        matched += int(matching(parts, found).sum()) if parts.whole else 0
        sums = {path: n + int(found[path].sum()) for path, n in sums.items()}
    return Counts(
        total=total,
        seen=total,
        waiting=0,
        parts=parts,
        nodes={path: Count(n) for path, n in sums.items()},
        matched=Count(matched) if parts.whole else None,
    )


# Reach


@dataclass(frozen=True)
class Reach:
    """`most` is what a second approver is asked about."""

    today: int  # for so many it holds today
    most: int
    from_others: bool  # it keeps something from everybody else, whom it so reaches too


def reach(said: Said, as_of: datetime) -> int:
    return reaches(said, as_of).most


def reaches(said: Said, as_of: datetime) -> Reach:
    """For how many people it holds, and for how many it does or may once days have gone by, counted one by one.

    Nobody gets round a second approver by publishing on a Tuesday what holds on Wednesdays, or on the eve of everybody's
    anniversary. What only these people are shown is taken from all others, so such a rule reaches everybody. Nothing that
    reaches a person depends on when the rule is valid. ConditionError for what does not read.
    """
    definition = said if isinstance(said, Definition) else definitions.read(said)
    but_not = definition.but_not
    wide = on_any_day(definition.when, holds=True), on_any_day(but_not, holds=False) if but_not else False
    said_trees = (definition.when, but_not or False, *wide)
    trees = [tree for tree in said_trees if not isinstance(tree, bool)]
    numbers, asked, compiled = versions.current(), conditions.facts_of(trees), checks.compiled(trees)
    total, today, some_day = 0, 0, 0
    for block in tried_on.everybody(as_of):
        n = len(block.people.ids)
        rows = iter(compiled.run(activity_facts.everything(asked, block, numbers), n).astype(bool))
        inside, outside, may, must_not = (
            np.full(n, tree) if isinstance(tree, bool) else next(rows) for tree in said_trees
        )
        total += n
        today += int((inside & ~outside).sum())
        some_day += int((may & ~must_not).sum())
    from_others = any(isinstance(effect, Eligible) for effect in definition.then)
    return Reach(today, total if from_others else some_day, from_others)


def on_any_day(node: Node, *, holds: bool) -> Node | bool:
    """The tree with every condition that days alone turn taken as `holds` says; True or False when nothing else is left."""
    if isinstance(node, Leaf):
        if VOCABULARY[node.fact.name].group == FactGroup.CALENDAR or node.fact.name in TURNING:
            return holds
        if node.fact.name in GROWING:
            return sooner_or_later(node) if holds else for_good(node)
        return node
    inside = [on_any_day(part, holds=holds != (node.how is How.NONE)) for part in node.parts]
    parts = tuple(part for part in inside if not isinstance(part, bool))
    if node.how is How.ALL:
        return False if False in inside else Group(node.how, parts) if parts else True
    met = True in inside
    if node.how is How.ANY:
        return True if met else Group(node.how, parts) if parts else False
    return False if met else Group(node.how, parts) if parts else True


def sooner_or_later(leaf: Leaf) -> Leaf:
    """Whether it holds or will, of a number that only grows: who is past the upper end never comes back to it."""
    if leaf.op in {Op.AT_LEAST, Op.MORE_THAN}:
        return Leaf(leaf.fact, Op.KNOWN)
    if leaf.op in {Op.EQUALS, Op.BETWEEN}:
        return Leaf(leaf.fact, Op.AT_MOST, leaf.values[-1:])
    return leaf


def for_good(leaf: Leaf) -> Leaf | bool:
    """Whether it holds and always will, of a number that only grows."""
    return False if leaf.op in {Op.AT_MOST, Op.LESS_THAN, Op.EQUALS, Op.BETWEEN} else leaf


# In words


def said_count(count: Count) -> str:
    """412 · about 3,400 · under 80"""
    if not count.error:
        return number(count.people)
    if not count.people:
        return _("under %(n)s") % {"n": number(rounded_up(count.error))}
    return _("about %(n)s") % {"n": number(rounded(count))}


def share_said(part: float, whole: float) -> str:
    """72%, floored · under 1%"""
    floored = floor(100 * part / whole + 1e-9)
    return _("under %(n)s") % {"n": percent(1)} if part and not floored else percent(floored)


def rounded(count: Count) -> int:
    """No finer than its error is known; exactly where there is none."""
    unit = size_of(count.error)
    return unit * round(count.people / unit)


def rounded_up(error: int) -> int:
    """To two places: an error is never told smaller than it is."""
    unit = max(1, size_of(error) // 10)
    return unit * ceil(error / unit)


def size_of(n: int) -> int:
    """213 -> 100."""
    return int(10 ** floor(log10(n))) if n >= 1 else 1
