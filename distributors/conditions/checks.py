"""Conditions asked of many people at once: trees compiled to tests of bytes, one row of the answer a tree.

Each fact's column is encoded once: a number as how many cuts it reaches, the cuts being all that leaves compare it with; a
name as its class, among names that no leaf tells apart. Every leaf is then a range of codes. Trees combine rows of such
bytes block by block, while they are in the processor's cache; what two trees have in common is worked out once.

NumberCodes are compared as they are, in float64: what is above a number reaches the next float. What is unknown has a code of
its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..blocks import Floats, Ints
from ..compiling import kernel
from .tree import Fact, Group, How, Leaf, Node, leaves
from .vocabulary import VOCABULARY, Kind, Op

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.uint32]

#: The code of what is unknown; those of what is known are below it.
UNKNOWN = 255
#: In one column of codes; a fact that is compared with more numbers has several.
MOST_CUTS = UNKNOWN - 1
#: A grid between the least and the greatest cut says where to look for a value.
FIELDS = 1024
#: So many people are encoded before they are checked, and so many checked at a time: codes and masks stay in the cache.
ENCODED, BLOCK, SOME = 32_768, 4_096, 1_024


class Column(NamedTuple):
    """A fact of n people: `values` with NaN where it is unknown. Of a FLAG they are 0 or 1, of a CHOICE codes of names.

    `codes` gives each name a whole number from 0 on. A value that is nobody's code is known, and none of the names.
    """

    values: Floats
    codes: Mapping[str, float] = {}


class Within(NamedTuple):
    """Is a byte of this row one of the `width` from `low` on?"""

    row: int
    low: int
    width: int


class Program(NamedTuple):
    """Rows are codes first, then one of each of G groups of tests; a group asks rows before its own. Tests of the answer last."""

    is_any: Bytes  # G: 1 when one of its tests is enough
    at: Ints  # G + 1: tests of group g are at[g]:at[g + 1]
    row: Ints
    low: Bytes
    width: Bytes
    out_row: Ints
    out_low: Bytes
    out_width: Bytes


class NumberCodes(NamedTuple):
    """How numbers are encoded: as how many of the cuts they reach."""

    fact: Fact
    cuts: Floats  # sorted, and NaN behind them as far as a search may look
    least: float
    scale: float  # fields of the grid to the unit
    starts: Places  # FIELDS: how many cuts lie in fields before
    step: int  # the first of a binary search in one field

    def encode(self, values: Floats, _codes: Mapping[str, float], out: Bytes) -> None:
        encode_numbers(values, self.cuts, self.least, self.scale, self.starts, self.step, out)


class NameCodes(NamedTuple):
    """How names are encoded: as their class, 0 for those that no leaf asks for."""

    fact: Fact
    classes: Mapping[str, int]

    def encode(self, values: Floats, codes: Mapping[str, float], out: Bytes) -> None:
        asked = {int(codes[name]): one for name, one in self.classes.items() if name in codes}
        table = np.zeros(max(asked, default=0) + 3, np.uint32)
        for code, one in asked.items():
            table[code + 1] = one
        encode_names(values, table, out)


@dataclass(frozen=True)
class Checks:
    """Trees ready to be asked of any number of people."""

    nodes: tuple[Node | None, ...]
    facts: tuple[Fact, ...]
    columns: tuple[NumberCodes | NameCodes, ...]
    program: Program

    def run(self, columns: Mapping[Fact, Column], n: int) -> Bytes:
        """For whom each tree holds: 0 or 1 [nodes, n]. A tree that is None holds for nobody.

        Raises KeyError without the column of a fact, ValueError for one that is not of n people.
        """
        values = {fact: floats(columns[fact].values, n) for fact in self.facts}
        out = np.empty((len(self.nodes), n), np.uint8)
        codes = np.empty((len(self.columns), min(n, ENCODED)), np.uint8)
        rows = np.empty((len(self.columns) + len(self.program.is_any) + 1, min(n, BLOCK)), np.uint8)
        for first in range(0, n, ENCODED):
            size = min(ENCODED, n - first)
            for row, column in enumerate(self.columns):
                fact = column.fact
                column.encode(values[fact][first : first + size], columns[fact].codes, codes[row, :size])
            combine(codes, first, size, self.program, rows, out)
        return out

    def run_leaves(self, columns: Mapping[Fact, Column], n: int) -> Bytes:
        """The same of each leaf by itself [leaves, n]: those of the first tree in reading order, then of the second..."""
        return self.single.run(columns, n)

    @cached_property
    def single(self) -> Checks:
        return compiled([leaf for node in self.nodes if node is not None for _path, leaf in leaves(node)])


def floats(values: Floats, n: int) -> Floats:
    """As kernels take them: they are compiled for one kind of array, and look at no bounds."""
    if values.shape != (n,):
        raise ValueError(f"A column of {n} people has the shape {values.shape}.")
    if values.dtype == np.float64 and values.flags.c_contiguous and values.flags.writeable:
        return values
    return np.require(values, np.float64, ["C", "W"])


def compiled(nodes: Sequence[Node | None]) -> Checks:
    """Checks of these trees, in their order."""
    plan, asked = Plan(), dict[Fact, dict[Leaf, None]]()
    for _path, leaf in chain.from_iterable(leaves(node) for node in nodes if node is not None):
        asked.setdefault(leaf.fact, {})[leaf] = None
    for fact, of_fact in asked.items():
        plan.encode(fact, list(of_fact))
    roots = [Within(0, 0, 0) if node is None else plan.test(node) for node in nodes]
    return Checks(tuple(nodes), tuple(asked), tuple(plan.columns), plan.program(roots))


class Plan:
    """What is being compiled: every fact's columns first, then the trees."""

    def __init__(self) -> None:
        self.columns: list[NumberCodes | NameCodes] = []
        #: What each leaf asks: whether one of these tests holds, or all.
        self.leaves: dict[Leaf, tuple[bool, list[Within]]] = {}
        self.groups: dict[tuple[bool, tuple[Within, ...]], int] = {}

    def encode(self, fact: Fact, asked: list[Leaf]) -> None:
        if VOCABULARY[fact.name].kind is not Kind.CHOICE:
            self.encode_numbers(fact, asked)
            return
        for some in sharing(asked):
            self.encode_names(fact, some)

    def encode_numbers(self, fact: Fact, asked: list[Leaf]) -> None:
        spans = {leaf: span(leaf) for leaf in asked}
        cuts = sorted({cut for ends in spans.values() for cut in ends if cut is not None})
        row = len(self.columns)
        place: dict[float | None, tuple[int, int]] = {
            cut: (row + at // MOST_CUTS, at % MOST_CUTS + 1) for at, cut in enumerate(cuts)
        }
        self.columns += [numbers(fact, cuts[at : at + MOST_CUTS]) for at in range(0, max(1, len(cuts)), MOST_CUTS)]
        for leaf, (least, below) in spans.items():
            if leaf.op is Op.UNKNOWN:
                tests = [Within(row, UNKNOWN, 1)]
            else:
                tests = reaches(row, place.get(least), place.get(below))
            self.leaves[leaf] = False, tests

    def encode_names(self, fact: Fact, asked: list[Leaf]) -> None:
        row, asking = len(self.columns), dict[str, list[int]]()
        for at, leaf in enumerate(asked):
            for name in leaf.values:
                asking.setdefault(str(name), []).append(at)
        alike = sorted({tuple(by) for by in asking.values()})
        classes = {name: 1 + alike.index(tuple(by)) for name, by in asking.items()}
        self.columns.append(NameCodes(fact, classes))
        for leaf in asked:
            wanted = {classes[str(name)] for name in leaf.values}
            if leaf.op is Op.UNKNOWN:
                wanted = {UNKNOWN}
            elif leaf.op in (Op.KNOWN, Op.NOT_ONE_OF):
                wanted = set(range(UNKNOWN)) - wanted
            self.leaves[leaf] = True, [Within(row, low, width) for low, width in runs(wanted)]

    def test(self, node: Node) -> Within:
        """The one test that says whether a tree holds."""
        if isinstance(node, Leaf):
            is_any, tests = self.leaves[node]
        else:
            is_any, tests = node.how is not How.ALL, [self.test(part) for part in node.parts]
            if node.how is How.NONE:
                return Within(self.group(is_any, tests), 0, 1)
        return tests[0] if len(tests) == 1 else Within(self.group(is_any, tests), 1, 1)

    def group(self, is_any: bool, tests: list[Within]) -> int:
        """The row of a group; the same for another one with the same tests, in whatever order."""
        key = is_any, tuple(sorted(set(tests)))
        return len(self.columns) + self.groups.setdefault(key, len(self.groups))

    def program(self, out: list[Within]) -> Program:
        tests = [test for _is_any, group in self.groups for test in group]
        sizes = [len(group) for _is_any, group in self.groups]
        return Program(
            np.array([is_any for is_any, _group in self.groups], np.uint8),
            np.cumsum([0, *sizes], dtype=np.int64),
            *arrays(tests),
            *arrays(out),
        )


def arrays(tests: list[Within]) -> tuple[Ints, Bytes, Bytes]:
    return (
        np.array([test.row for test in tests], np.int64),
        np.array([test.low for test in tests], np.uint8),
        np.array([test.width for test in tests], np.uint8),
    )


def above(number: float) -> float:
    """The least float that is more than this one."""
    return math.nextafter(number, math.inf)


#: The values that a leaf is true for: from the first cut on, and below the second.
SPANS: dict[Op, Callable[..., tuple[float | None, float | None]]] = {
    Op.AT_LEAST: lambda a: (a, None),
    Op.AT_MOST: lambda a: (None, above(a)),
    Op.MORE_THAN: lambda a: (above(a), None),
    Op.LESS_THAN: lambda a: (None, a),
    Op.EQUALS: lambda a: (a, above(a)),
    Op.BETWEEN: lambda a, b: (a, above(b)),
    Op.YES: lambda: (1.0, None),
    Op.NO: lambda: (None, 1.0),
    Op.KNOWN: lambda: (None, None),
    Op.UNKNOWN: lambda: (None, None),
}


def span(leaf: Leaf) -> tuple[float | None, float | None]:
    return SPANS[leaf.op](*leaf.values)


def reaches(row: int, least: tuple[int, int] | None, below: tuple[int, int] | None) -> list[Within]:
    """Tests that are all true for codes from one cut on and below another, each given by its row and code there."""
    if least is None:
        return [Within(below[0], 0, below[1])] if below else [Within(row, 0, UNKNOWN)]
    if below is None:
        return [Within(least[0], least[1], UNKNOWN - least[1])]
    if least[0] == below[0]:
        return [Within(least[0], least[1], max(0, below[1] - least[1]))]
    return [*reaches(row, least, None), *reaches(row, None, below)]


def numbers(fact: Fact, cuts: list[float]) -> NumberCodes:
    """The grid over these cuts, MOST_CUTS at most. Whatever it looks like, a search of one field ends at the right cut."""
    sorted_cuts = np.array(cuts, np.float64)
    least, wide = (cuts[0], cuts[-1] - cuts[0]) if cuts else (0.0, 0.0)
    scale = min(max((FIELDS - 1) / wide, 1e-300), 1e300) if wide > 0 else 1.0
    fields = np.clip((sorted_cuts - least) * scale, 0, FIELDS - 1).astype(np.int64)
    fullest = int(np.bincount(fields, minlength=1).max())
    step = 1 << (fullest.bit_length() - 1) if fullest else 0
    starts = np.searchsorted(fields, np.arange(FIELDS)).astype(np.uint32)
    return NumberCodes(fact, np.append(sorted_cuts, np.full(2 * step, np.nan)), least, scale, starts, step)


def sharing(asked: list[Leaf]) -> Iterator[list[Leaf]]:
    """Leaves over names, by the column of codes that they can share."""
    some, names = list[Leaf](), set[object]()
    for leaf in asked:
        if some and len(names.union(leaf.values)) > MOST_CUTS:
            yield some
            some, names = [], set()
        some.append(leaf)
        names.update(leaf.values)
    if some:
        yield some


def runs(codes: set[int]) -> list[tuple[int, int]]:
    """Codes as stretches without a gap: the first, and how many."""
    found = list[tuple[int, int]]()
    for code in sorted(codes):
        if found and sum(found[-1]) == code:
            found[-1] = found[-1][0], found[-1][1] + 1
        else:
            found.append((code, 1))
    return found


# Loops are simple and over slices, and indices have no sign: only those does the compiler turn into vectors.


@kernel
def encode_numbers(
    values: Floats, cuts: Floats, least: float, scale: float, starts: Places, step: int, out: Bytes
) -> None:
    """How many cuts each value reaches: those in fields before its own, and by a binary search those in that one.

    Subtracting, multiplying and cutting off keep an order: whatever they round, a cut of a field before is not above the
    value, and one of a field behind is.
    """
    last, at = starts.shape[0] - 1.0, np.empty(SOME, np.uint32)
    for first in range(0, values.shape[0], SOME):
        some, codes = values[first : first + SOME], out[first : first + SOME]
        for i in range(some.shape[0]):
            field = min(max((some[i] - least) * scale, 0.0), last)
            at[i] = np.uint32(np.int32(field if some[i] == some[i] else 0.0))
        for i in range(some.shape[0]):
            at[i] = starts[at[i]]
        ahead = np.uint32(step)
        while ahead > 0:
            for i in range(some.shape[0]):
                at[i] = np.uint32(at[i] + ahead) if some[i] >= cuts[at[i] + ahead - np.uint32(1)] else at[i]
            ahead = np.uint32(ahead >> np.uint32(1))
        for i in range(some.shape[0]):
            codes[i] = np.uint8(at[i]) if some[i] == some[i] else np.uint8(UNKNOWN)


@kernel
def encode_names(values: Floats, classes: Places, out: Bytes) -> None:
    """The class of each value's code, from a table that begins with what is below the first code and ends with what is above."""
    last, at = classes.shape[0] - 1.0, np.empty(SOME, np.uint32)
    for first in range(0, values.shape[0], SOME):
        some, codes = values[first : first + SOME], out[first : first + SOME]
        for i in range(some.shape[0]):
            field = min(max(some[i] + 1.0, 0.0), last)
            at[i] = np.uint32(np.int32(field if some[i] == some[i] else 0.0))
        for i in range(some.shape[0]):
            codes[i] = np.uint8(classes[at[i]]) if some[i] == some[i] else np.uint8(UNKNOWN)


@kernel
def combine(codes: Bytes, first: int, people: int, program: Program, rows: Bytes, out: Bytes) -> None:
    """The answer about people `first` and following, from their codes. `rows` is room for a block of them."""
    columns = codes.shape[0]
    for start in range(0, people, rows.shape[1]):
        size = min(rows.shape[1], people - start)
        for row in range(columns):
            some, into = codes[row, start : start + size], rows[row, :size]
            for i in range(size):
                into[i] = some[i]
        for group in range(program.is_any.shape[0]):
            combine_group(group, rows[columns + group, :size], program, rows)
        for k in range(out.shape[0]):
            low, width = program.out_low[k], program.out_width[k]
            some, into = rows[program.out_row[k], :size], out[k, first + start : first + start + size]
            for i in range(size):
                into[i] = np.uint8(some[i] - low) < width


@kernel
def combine_group(group: int, into: Bytes, program: Program, rows: Bytes) -> None:
    size, is_any = into.shape[0], program.is_any[group]
    for i in range(size):
        into[i] = 1 - is_any
    for test in range(program.at[group], program.at[group + 1]):
        some, low, width = rows[program.row[test], :size], program.low[test], program.width[test]
        if is_any:
            for i in range(size):
                into[i] |= np.uint8(some[i] - low) < width
        else:
            for i in range(size):
                into[i] &= np.uint8(some[i] - low) < width


def compile_ahead() -> int:
    """Compile the above as pages call it; how many kernels were compiled."""
    sales, market = Fact("joined_days"), Fact("market")
    trees = [Leaf(sales, Op.AT_LEAST, (1.0,)), Leaf(market, Op.ONE_OF, ("us",))]
    one = np.zeros(1)
    compiled(trees).run({sales: Column(one), market: Column(one, {"us": 0.0})}, 1)
    return sum(len(one.stats.cache_misses) for one in (encode_numbers, encode_names, combine))


#: The same of one known value.
TRUE: dict[Op, Callable[..., bool]] = {
    Op.AT_LEAST: lambda value, a: value >= a,
    Op.AT_MOST: lambda value, a: value <= a,
    Op.MORE_THAN: lambda value, a: value > a,
    Op.LESS_THAN: lambda value, a: value < a,
    Op.EQUALS: lambda value, a: value == a,
    Op.BETWEEN: lambda value, a, b: a <= value <= b,
    Op.ONE_OF: lambda value, *names: value in names,
    Op.NOT_ONE_OF: lambda value, *names: value not in names,
    Op.YES: lambda value: value >= 1,
    Op.NO: lambda value: value < 1,
    Op.KNOWN: lambda _value: True,
    Op.UNKNOWN: lambda _value: False,
}

Values = Mapping[Fact, float | str | None]


def holds(node: Node, values: Values) -> bool:
    """Whether a tree holds for one person, of whom names are given as such; None, NaN or nothing is unknown."""
    if isinstance(node, Group):
        found = [holds(part, values) for part in node.parts]
        return all(found) if node.how is How.ALL else any(found) == (node.how is How.ANY)
    value = values.get(node.fact)
    if value is None or value != value:
        return node.op is Op.UNKNOWN
    return TRUE[node.op](value, *node.values)


def reasons(node: Node, values: Values) -> list[tuple[str, Leaf]]:
    """The leaves, with their paths, that made a tree true for one person; none when it is not true.

    Of `any` those that are true, of `none` all: that each of them is false is what made it true.
    """
    return list(deciding(node, values, "")) if holds(node, values) else []


def deciding(node: Node, values: Values, path: str) -> Iterator[tuple[str, Leaf]]:
    """What the answer of this part rests on: each part that alone could have made it another, else all of them."""
    if isinstance(node, Leaf):
        yield path, node
        return
    found = [holds(part, values) for part in node.parts]
    alone = node.how is not How.ALL  # one true part decides `any` and `none`, one that is false decides `all`
    for place, part in enumerate(node.parts):
        if found[place] == alone or alone not in found:
            yield from deciding(part, values, f"{path}.{node.how}.{place}" if path else f"{node.how}.{place}")
