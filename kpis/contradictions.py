"""Whether conditions can hold for anybody at all, and whether they hold for everybody: told from the tree alone.

Fact by fact: what is asked of a fact changes at the numbers and names that the tree itself mentions, so that one value
between each two of them stands for all. It finds what excludes itself within the conditions on one fact and what is said
and denied at once; it never calls a tree impossible that holds for somebody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils.translation import gettext as _

from distributors.conditions import Fact, How, Leaf, Node
from distributors.conditions.vocabulary import VOCABULARY, Kind, Op, Unit

Value = float | str | None  # None: unknown

#: Facts that go no further than this.
WITHIN: dict[str, tuple[float, float]] = {
    "goal_chance": (0, 100), "decline": (0, 100), "day_of_month": (1, 31), "anniversary_days": (0, 365),
}  # fmt: skip
NEVER_BELOW_0 = {Unit.COUNT, Unit.DAYS, Unit.YEARS}
#: All there are of a choice, where that is certain. ANOTHER stands for the names that a tree does not mention.
NAMES: dict[str, tuple[str, ...]] = {"weekday": ("0", "1", "2", "3", "4", "5", "6")}
ANOTHER = ""


@dataclass(frozen=True)
class Said:
    leaf: Leaf
    denied: bool = False


@dataclass(frozen=True)
class Joined:
    """All of the parts, or any: without repetitions and in no order, never one that is joined in the same way."""

    every: bool
    parts: frozenset[Said | Joined]


Form = Said | Joined


def form(node: Node, denied: bool = False) -> Form:
    """The same for all ways to write the same: `none` is a denied `any`, what is denied is a leaf."""
    if isinstance(node, Leaf):
        return said(node, denied)
    denied ^= node.how is How.NONE
    return joined((node.how is How.ALL) ^ denied, [form(part, denied) for part in node.parts])


def said(leaf: Leaf, denied: bool) -> Said:
    if leaf.op in {Op.NO, Op.KNOWN}:
        return Said(Leaf(leaf.fact, Op.YES if leaf.op is Op.NO else Op.UNKNOWN), not denied)
    if leaf.op in {Op.ONE_OF, Op.NOT_ONE_OF}:
        return Said(Leaf(leaf.fact, leaf.op, tuple(sorted({str(name) for name in leaf.values}))), denied)
    return Said(leaf, denied)


def joined(every: bool, parts: Sequence[Form]) -> Form:
    flat: set[Form] = set()
    for part in parts:
        flat |= part.parts if isinstance(part, Joined) and part.every == every else {part}
    return flat.pop() if len(flat) == 1 else Joined(every, frozenset(flat))


def deny(one: Form) -> Form:
    if isinstance(one, Said):
        return Said(one.leaf, not one.denied)
    return Joined(not one.every, frozenset(deny(part) for part in one.parts))


def but_not(one: Form, other: Form) -> Form:
    return joined(True, [one, deny(other)])


def apart(one: Form, other: Form) -> bool:
    """Nobody meets both, of which each is possible: what they ask of the same facts excludes itself."""
    both = joined(True, [one, other])
    shared = {leaf.fact for leaf in leaves(one)} & {leaf.fact for leaf in leaves(other)}
    return denies_itself(both) or any(excluded(both, fact) for fact in shared)


def impossible(one: Form) -> str:
    """Why it holds for nobody, in a sentence; empty when it may hold."""
    return why_never(one, with_unknown=True)


def for_everybody(one: Form) -> bool:
    """It holds whatever the facts are, of whomever they are known of."""
    return bool(why_never(deny(one), with_unknown=False))


def why_never(one: Form, *, with_unknown: bool) -> str:
    if isinstance(one, Joined) and not one.every:
        found = [why_never(part, with_unknown=with_unknown) for part in one.parts]
        return sorted(found)[0] if found and all(found) else ""
    if isinstance(one, Joined):
        found = [why for part in one.parts if (why := why_never(part, with_unknown=with_unknown))]
        if found:
            return sorted(found)[0]
        if denies_itself(one):
            return _("It asks for something and for its opposite, so it holds for nobody.")
    for fact in sorted({leaf.fact for leaf in leaves(one)}):
        if excluded(one, fact, with_unknown=with_unknown):
            label = str(VOCABULARY[fact.name].label)
            return _("What it asks of “%(fact)s” cannot be, so it holds for nobody.") % {"fact": label}
    return ""


def denies_itself(one: Form) -> bool:
    parts = among(one)
    return any(parts.issuperset(among(deny(part))) for part in parts)


def excluded(one: Form, fact: Fact, *, with_unknown: bool = True) -> bool:
    return not allowed(one, fact, samples(one, fact, with_unknown=with_unknown))


def among(one: Form) -> frozenset[Form]:
    """What all has to hold for it to hold."""
    return one.parts if isinstance(one, Joined) and one.every else frozenset((one,))


def leaves(one: Form) -> Iterator[Leaf]:
    if isinstance(one, Said):
        yield one.leaf
    else:
        for part in one.parts:
            yield from leaves(part)


def allowed(one: Form, fact: Fact, values: frozenset[Value]) -> frozenset[Value]:
    """Those of the values with which it may hold, whatever the other facts are."""
    if isinstance(one, Said):
        if one.leaf.fact != fact:
            return values
        return frozenset(value for value in values if meets(one.leaf, value) is not one.denied)
    found = [allowed(part, fact, values) for part in one.parts]
    return frozenset.intersection(values, *found) if one.every else frozenset().union(*found)


def samples(one: Form, fact: Fact, *, with_unknown: bool) -> frozenset[Value]:
    """A value of each sort that the tree tells apart."""
    about = [leaf for leaf in leaves(one) if leaf.fact == fact]
    kind = VOCABULARY[fact.name].kind
    if kind is Kind.FLAG:
        return frozenset((0.0, 1.0))
    asked = with_unknown or any(leaf.op is Op.UNKNOWN for leaf in about)
    unknown: frozenset[Value] = frozenset((None,)) if asked else frozenset()
    if kind is Kind.CHOICE:
        mentioned = {value for leaf in about for value in leaf.values}
        return unknown | frozenset(NAMES.get(fact.name) or {*mentioned, ANOTHER})
    return unknown | numbers(fact, [float(value) for leaf in about for value in leaf.values])


def numbers(fact: Fact, mentioned: Sequence[float]) -> frozenset[Value]:
    least, most = within(fact)
    ends = {end for end in (least, most) if end is not None}
    marks = sorted({*mentioned, *ends}) or [0.0]
    between = [(a + b) / 2 for a, b in pairwise(marks)]
    return frozenset(
        value
        for value in (marks[0] - 1, *marks, *between, marks[-1] + 1)
        if (least is None or value >= least) and (most is None or value <= most)
    )


def within(fact: Fact) -> tuple[float | None, float | None]:
    if fact.name in WITHIN:
        return WITHIN[fact.name]
    return (0.0 if VOCABULARY[fact.name].unit in NEVER_BELOW_0 else None), None


def meets(leaf: Leaf, value: Value) -> bool:
    """As checks.py has it, of one value."""
    op, values = leaf.op, leaf.values
    if op is Op.UNKNOWN:
        return value is None
    if value is None:
        return False
    if op is Op.YES:
        return value == 1.0
    if isinstance(value, str):
        return (value in values) is (op is Op.ONE_OF)
    return compares(op, value, [float(one) for one in values])


def compares(op: Op, value: float, to: Sequence[float]) -> bool:
    if op is Op.BETWEEN:
        return to[0] <= value <= to[1]
    return {
        Op.AT_LEAST: value >= to[0],
        Op.AT_MOST: value <= to[0],
        Op.MORE_THAN: value > to[0],
        Op.LESS_THAN: value < to[0],
        Op.EQUALS: value == to[0],
    }[op]
