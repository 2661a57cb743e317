"""The rules that are live, ready to be asked of many people at once, and who is in the part that a rule leaves alone.

Kept in memory by the version of what it is made of: nobody asks the database for rules who asked before.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.utils.translation import gettext as _

from distributors import versions
from distributors.blocks import Ints
from distributors.conditions import ConditionError, Fact, Problem
from distributors.conditions.checks import Checks, Column, compiled
from distributors.kept import Kept
from distributors.models import Segment
from distributors.records import FOREVER, NEVER, day_number

from . import definitions
from .definitions import Definition
from .models import Rule, RuleDraft, RuleVersion
from .rule_effects import Bits, Join, Mask

log = logging.getLogger(__name__)

#: What a book is made of: rules, and the segments that they name.
NAMES = ("rules", "kpis")


@dataclass(frozen=True, eq=False)
class Ruled:
    """A live rule with what it says."""

    rule: Rule
    version: RuleVersion
    definition: Definition

    @property
    def numbered(self) -> str:
        """`12.3`: the rule's id and its version's number, as logs name it."""
        return f"{self.rule.pk}.{self.version.number}"


class Broken(NamedTuple):
    """A live rule that is left out."""

    rule: Rule
    version: RuleVersion

    @property
    def sentence(self) -> str:
        """Why, in the reader's language."""
        try:
            definition = readable(self.version)
        except ConditionError as error:
            return str(error)
        return problem_with_segments(definition, segments_there([definition]))


@dataclass(frozen=True, eq=False)
class Book:
    """The live rules, those of the higher priority first. Shared between readers, so nobody changes it."""

    rules: tuple[Ruled, ...]
    checks: Checks  # of all `when`, then of all `but_not`
    first: Ints  # validity by rule, inclusive day numbers
    last: Ints
    broken: tuple[Broken, ...] = ()

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What has to be known of somebody to say which rules hold for her."""
        return self.checks.facts


KEPT: Kept[Book] = Kept(most=2)


def book(numbers: Mapping[str, int]) -> Book:
    """The book of these versions (versions.current(), read before), or a newer one. No query when it is kept."""
    mine = {name: numbers.get(name, 0) for name in NAMES}

    def holds() -> bool:
        now = versions.current()
        return mine == {name: now[name] for name in NAMES}

    return KEPT.of(tuple(mine.values()), built, holds=holds)


def built() -> Book:
    """From the database: one query, and one for segments if a rule names any."""
    live = list(
        RuleVersion.objects.filter(rule__state=Rule.State.LIVE)
        .order_by("rule_id", "-number")
        .distinct("rule_id")
        .select_related("rule")
    )
    found: list[Ruled] = []
    broken: list[Broken] = []
    for version in live:
        try:
            found.append(Ruled(version.rule, version, readable(version)))
        except ConditionError:
            broken.append(Broken(version.rule, version))
    there = segments_there([one.definition for one in found])
    without = [one for one in found if problem_with_segments(one.definition, there)]
    return book_of(
        (one for one in found if one not in without), [*broken, *(Broken(one.rule, one.version) for one in without)]
    )


def readable(version: RuleVersion) -> Definition:
    """ConditionError whatever is wrong with it: one rule never keeps the others from being read."""
    try:
        return definitions.read(version.definition)
    except ConditionError:
        raise
    except Exception as error:
        log.exception("rule %s version %s does not read", version.rule_id, version.number)
        raise ConditionError([Problem("", _("It cannot be read. Write it again."))]) from error


def segments_there(named_by: Sequence[Definition]) -> dict[int, bool]:
    """Whether it is by rules, by id, of the segments that these name and that exist. One query if any names one."""
    named = {pk for one in named_by for pk in segments_of(one)}
    return dict(Segment.objects.filter(pk__in=named).values_list("pk", "by_rules")) if named else {}


def segments_of(definition: Definition) -> set[int]:
    """Ids of those it asks about or adds to."""
    return {fact["segment"] for fact in definition.facts if fact.name == "in_segment"} | joins(definition)


def joins(definition: Definition) -> set[int]:
    return {effect.segment for effect in definition.then if isinstance(effect, Join)}


def naming(segment_ids: Sequence[int]) -> dict[int, list[str]]:
    """The rules, not ended, whose newest version or open draft names each of these segments. Two queries."""
    newest = (
        RuleVersion.objects.exclude(rule__state=Rule.State.ENDED)
        .order_by("rule_id", "-number")
        .distinct("rule_id")
        .select_related("rule")
    )
    drafts = RuleDraft.objects.exclude(rule__state=Rule.State.ENDED).select_related("rule")
    found: dict[int, dict[int, str]] = {pk: {} for pk in segment_ids}
    said = [*((one.rule, one.definition) for one in newest), *((one.rule, one.definition) for one in drafts)]
    for rule, definition in said:
        for pk in segments_in(definition) & found.keys():
            found[pk][rule.pk] = rule.name
    return {pk: [name for _rule, name in sorted(rules.items())] for pk, rules in found.items()}


def segments_in(said: Any) -> set[int]:
    """As segments_of, of JSON that need not be complete: whatever stands under `segment`, at any depth."""
    found, left = set(), [said]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += one.values()
            named = one.get("segment")
            if isinstance(named, int) and not isinstance(named, bool):
                found.add(named)
        elif isinstance(one, list):
            left += one
    return found


def problem_with_segments(definition: Definition, there: Mapping[int, bool]) -> str:
    """Why it cannot be done, in a sentence; empty when it can."""
    if not segments_of(definition) <= there.keys():
        return _("It names a segment that no longer exists.")
    if not all(there[pk] for pk in joins(definition)):
        return _("It adds people to a segment whose members are not by rules.")
    return ""


def book_of(found: Iterable[Ruled], broken: Iterable[Broken] = ()) -> Book:
    """Any rules as a book: those that are live, or a draft that HQ looks at."""
    rules = tuple(sorted(found, key=lambda one: (-one.definition.priority, one.rule.pk or 0)))
    said = [one.definition for one in rules]
    return Book(
        rules,
        compiled([*(one.when for one in said), *(one.but_not for one in said)]),
        np.array([day_number(one.starts_on) if one.starts_on else NEVER for one in said], np.int64),
        np.array([day_number(one.ends_on) if one.ends_on else FOREVER for one in said], np.int64),
        tuple(broken),
    )


def matches(book: Book, columns: Mapping[Fact, Column], n: int, days: Ints) -> Bits:
    """Of n people, which rules hold for whom: 1 where its condition does, `but not` does not, and it is valid on her day.

    R x n, in the order of the book. `days` are each one's own local days, as day numbers.
    """
    rules = len(book.rules)
    found = book.checks.run(columns, n)
    holds = found[:rules] & (1 - found[rules:])
    return holds & valid(book, days)


def valid(book: Book, days: Ints) -> Mask:
    """Which rules are valid for whom on her day, matched or not. R x n."""
    found = np.ones((len(book.rules), len(days)), bool)
    for place in np.flatnonzero((book.first > NEVER) | (book.last < FOREVER)):
        found[place] = (book.first[place] <= days) & (days <= book.last[place])
    return found


# Held back


def held_back(rule_id: int, percent: int, sponsor_ids: Ints, ids: Ints) -> Mask:
    """Who is among the `percent` of teams for whom the rule does nothing. A team is who shares a sponsor; 0 for none.

    Decided by the two ids alone: the same on every machine and for ever, and another part for each rule.
    """
    teams = np.where(sponsor_ids > 0, sponsor_ids, ids).astype(np.uint64)
    rule = mixed(np.array([rule_id], np.uint64))
    # 53 bits are what a float holds: the share of all numbers that lie below it.
    share = (mixed(teams ^ rule) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return share < percent / 100


def mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """splitmix64: every bit of what comes out depends on every bit of what goes in."""
    z = numbers + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
