"""Trees asked of many people at once say what a plain interpreter says of each of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distributors.conditions import checks
from distributors.conditions.checks import Column, compiled, reasons
from distributors.conditions.tree import Fact, Group, How, Leaf, leaves
from distributors.conditions.vocabulary import OPERATORS, VOCABULARY, Kind, Op

JOINED, TEAM, RANK, MARKET = (Fact(name) for name in ("joined_days", "team_size", "rank", "market"))
LATE, STARTER = Fact("decline"), Fact("in_segment", (("segment", 1),))
NAN = math.nan


# The plain interpreter: one person, one tree, as vocabulary.py says it in words.


def plainly(node, values) -> bool:
    if isinstance(node, Group):
        parts = [plainly(part, values) for part in node.parts]
        return {"all": all(parts), "any": any(parts), "none": not any(parts)}[node.how]
    value, wanted = values[node.fact], node.values
    if value is None:
        return node.op == "unknown"
    if node.op == "unknown":
        return False
    if node.op == "known":
        return True
    if node.op == "at_least":
        return value >= wanted[0]
    if node.op == "at_most":
        return value <= wanted[0]
    if node.op == "more_than":
        return value > wanted[0]
    if node.op == "less_than":
        return value < wanted[0]
    if node.op == "equals":
        return value == wanted[0]
    if node.op == "between":
        return wanted[0] <= value <= wanted[1]
    if node.op == "one_of":
        return value in wanted
    if node.op == "not_one_of":
        return value not in wanted
    return (value == 1) == (node.op == "yes")


def columns_of(people: list[dict]) -> dict[Fact, Column]:
    found = {}
    for fact in people[0] if people else FACTS:
        values = [person[fact] for person in people]
        if VOCABULARY[fact.name].kind is Kind.CHOICE:
            codes = {name: float(code) for code, name in enumerate(NAMES)}
            found[fact] = Column(np.array([NAN if v is None else codes.get(v, 99.0) for v in values]), codes)
        else:
            found[fact] = Column(np.array([NAN if v is None else float(v) for v in values], float))
    return found


def told_plainly(nodes, people) -> list[list[int]]:
    return [[int(node is not None and plainly(node, person)) for person in people] for node in nodes]


FACTS = [JOINED, TEAM, LATE, RANK, MARKET, STARTER]
NAMES = [f"name {n}" for n in range(12)]
#: Few enough that values, cuts and their neighbours meet; and some at the ends of what floats can do.
NUMBERS = [
    0.0, -0.0, 1.0, -1.0, 7.0, 28.0, 0.1 + 0.2, 0.3, math.nextafter(7.0, 8.0), math.nextafter(7.0, 6.0), 5e-324, -5e-324,
    1e12, -1e12, 2.0**53, 1e-300, 100.0, 99.999999999,
]  # fmt: skip
HUGE = [1.7976931348623157e308, -1.7976931348623157e308, 1e200]
thresholds = st.sampled_from(NUMBERS) | st.floats(-1e12, 1e12) | st.integers(-50, 50).map(float)


@st.composite
def some_leaf(draw):
    fact = draw(st.sampled_from(FACTS))
    op = draw(st.sampled_from(OPERATORS[VOCABULARY[fact.name].kind]))
    if op is Op.BETWEEN:
        return Leaf(fact, op, tuple(sorted((draw(thresholds), draw(thresholds)))))
    if op in (Op.ONE_OF, Op.NOT_ONE_OF):
        return Leaf(fact, op, tuple(draw(st.lists(st.sampled_from([*NAMES, "nobody's"]), min_size=1, unique=True))))
    return Leaf(fact, op, () if op in (Op.UNKNOWN, Op.KNOWN, Op.YES, Op.NO) else (draw(thresholds),))


some_tree = st.recursive(
    some_leaf(),
    lambda parts: st.builds(Group, st.sampled_from(How), st.lists(parts, min_size=0, max_size=4).map(tuple)),
    max_leaves=12,
)
values_of = {
    Kind.NUMBER: st.none() | thresholds | st.sampled_from(HUGE),
    Kind.CHOICE: st.none() | st.sampled_from([*NAMES, "of no code"]),
    Kind.FLAG: st.sampled_from([None, 0, 1]),
}
some_person = st.fixed_dictionaries({fact: values_of[VOCABULARY[fact.name].kind] for fact in FACTS})


@pytest.fixture(scope="module", autouse=True)
def compiled_ahead():
    """Not within an example, which has its time."""
    checks.compile_ahead()


def test_it_works() -> None:
    quiet = Leaf(JOINED, Op.AT_LEAST, (30.0,))
    gold = Leaf(RANK, Op.ONE_OF, ("Gold", "Silver"))
    asked = compiled([Group(How.ALL, (quiet, Group(How.NONE, (gold,)))), None, gold])
    assert asked.facts == (JOINED, RANK)
    columns = {
        JOINED: Column(np.array([30.0, 29.0, NAN, 400.0, 30.0])),
        RANK: Column(np.array([1.0, 1.0, 1.0, 0.0, NAN]), {"Gold": 0.0, "Iron": 1.0}),
    }
    answer = asked.run(columns, 5)
    assert answer.dtype == np.uint8
    assert answer.tolist() == [[1, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0]]
    assert asked.run_leaves(columns, 5).tolist() == [[1, 0, 0, 1, 1], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0]]


@settings(max_examples=400, deadline=None)
@given(st.lists(some_tree | st.none(), min_size=1, max_size=12), st.lists(some_person, max_size=20))
def test_the_same_as_a_plain_interpreter_of_each_person(nodes, people) -> None:
    columns, n = columns_of(people), len(people)
    asked = compiled(nodes)
    assert asked.run(columns, n).tolist() == told_plainly(nodes, people)
    single = [leaf for node in nodes if node is not None for _path, leaf in leaves(node)]
    assert asked.run_leaves(columns, n).tolist() == told_plainly(single, people)


@settings(max_examples=300, deadline=None)
@given(some_tree, some_person)
def test_reasons_of_one_person(node, person) -> None:
    """Changing everything else does not change the answer: they are what made the tree true."""
    found = reasons(node, person)
    assert checks.holds(node, person) == plainly(node, person)
    if not plainly(node, person):
        assert found == []
        return
    every = dict(leaves(node))
    assert [every[path] for path, _leaf in found] == [leaf for _path, leaf in found]
    decided = {path: plainly(every[path], person) for path, _leaf in found}
    for others in (False, True):
        assert answered(node, {path: decided.get(path, others) for path in every})


def answered(node, truth, path="") -> bool:
    if isinstance(node, Leaf):
        return truth[path]
    parts = [
        answered(part, truth, f"{path}.{node.how}.{i}" if path else f"{node.how}.{i}")
        for i, part in enumerate(node.parts)
    ]
    return {"all": all(parts), "any": any(parts), "none": not any(parts)}[node.how]


def test_reasons_are_the_leaves_that_decided() -> None:
    quiet, big, gold = (
        Leaf(JOINED, Op.AT_LEAST, (30.0,)),
        Leaf(TEAM, Op.AT_LEAST, (5.0,)),
        Leaf(RANK, Op.ONE_OF, ("Gold",)),
    )
    tree = Group(How.ALL, (quiet, Group(How.ANY, (big, gold)), Group(How.NONE, (Leaf(LATE, Op.UNKNOWN),))))
    said = reasons(tree, {JOINED: 31.0, TEAM: 2.0, RANK: "Gold", LATE: 3.0})
    assert [path for path, _leaf in said] == ["all.0", "all.1.any.1", "all.2.none.0"]
    assert reasons(tree, {JOINED: 29.0, TEAM: 2.0, RANK: "Gold", LATE: 3.0}) == []
    assert reasons(quiet, {JOINED: 31.0}) == [("", quiet)]
    assert reasons(quiet, {JOINED: NAN}) == reasons(quiet, {}) == []
    assert reasons(Leaf(JOINED, Op.UNKNOWN), {}) == [("", Leaf(JOINED, Op.UNKNOWN))]


@pytest.mark.parametrize("n", [0, 1, checks.BLOCK - 1, checks.BLOCK, checks.BLOCK + 1, checks.ENCODED + 77])
def test_any_number_of_people(n: int) -> None:
    values = np.arange(n, dtype=float)
    nodes = [Leaf(JOINED, Op.MORE_THAN, (float(k),)) for k in (0, checks.BLOCK - 1, checks.ENCODED)]
    both = Group(How.ALL, (nodes[0], Leaf(JOINED, Op.AT_MOST, (checks.BLOCK + 0.0,))))
    found = compiled([*nodes, both]).run({JOINED: Column(values)}, n)
    assert found.shape == (4, n)
    for row, least in zip(found, (0, checks.BLOCK - 1, checks.ENCODED), strict=False):
        assert (row == (values > least)).all()
    assert (found[3] == ((values > 0) & (values <= checks.BLOCK))).all()


def test_more_numbers_than_one_column_of_codes_holds() -> None:
    rng = np.random.default_rng(5)
    values = np.concatenate([rng.integers(-20, 720, 5000) / 2, [NAN, -0.0, 1e300, -1e300]])
    single = [Leaf(JOINED, op, (float(k),)) for k in range(350) for op in (Op.AT_LEAST, Op.MORE_THAN, Op.EQUALS)]
    spans = [Leaf(JOINED, Op.BETWEEN, (float(a), float(b))) for a, b in rng.integers(0, 350, (400, 2)) if a <= b]
    nodes = [*single, *spans, Leaf(JOINED, Op.KNOWN), Leaf(JOINED, Op.UNKNOWN)]
    asked = compiled(nodes)
    assert len(asked.columns) > 2
    with np.errstate(invalid="ignore"):
        for leaf, row in zip(nodes, asked.run({JOINED: Column(values)}, len(values)), strict=True):
            assert (row == [plainly(leaf, {JOINED: None if v != v else v}) for v in values.tolist()]).all(), leaf


def test_more_names_than_one_column_of_codes_holds() -> None:
    names = [f"rank {n}" for n in range(600)]
    values = np.array([*range(600), 601, -1, NAN], float)
    nodes = [Leaf(RANK, op, tuple(names[k : k + 50])) for k in range(0, 600, 10) for op in (Op.ONE_OF, Op.NOT_ONE_OF)]
    asked = compiled(nodes)
    assert len(asked.columns) > 2
    found = asked.run({RANK: Column(values, {name: float(n) for n, name in enumerate(names)})}, len(values))
    people = [{RANK: name} for name in [*names, "none of them", "none of them", None]]
    assert found.tolist() == told_plainly(nodes, people)


@pytest.mark.parametrize("cuts", [
    [float(k) for k in range(200)] + [1e12],  # all but one in one field of the grid
    [k / 1000 for k in range(250)],  # one in every fourth field
    [float(k * k * k) for k in range(-80, 80)],  # fields of one, of many and of none
    [5e-324 * k for k in range(9)], [7.0],
], ids=len)  # fmt: skip
def test_however_numbers_lie(cuts) -> None:
    rng = np.random.default_rng(len(cuts))
    near = np.array(cuts)[rng.integers(0, len(cuts), 3000)]
    values = np.concatenate(
        [near, np.nextafter(near, np.inf), np.nextafter(near, -np.inf), near + rng.normal(0, 2, 3000)]
    )
    nodes = [Leaf(JOINED, Op.AT_LEAST, (cut,)) for cut in cuts]
    found = compiled(nodes).run({JOINED: Column(values)}, len(values))
    assert (found == [values >= cut for cut in cuts]).all()


def test_what_is_asked_twice_is_worked_out_once() -> None:
    one, two = Leaf(JOINED, Op.AT_LEAST, (30.0,)), Leaf(TEAM, Op.AT_LEAST, (1.0,))
    tree = Group(How.ALL, (one, two))
    asked = compiled([tree, Group(How.ALL, (two, one)), Group(How.NONE, (tree,)), tree, one])
    assert len(asked.columns) == 2
    assert len(asked.program.is_any) == 2  # `all` of both, and what `none` is the opposite of


@pytest.mark.parametrize("values", [
    np.arange(10)[::2], np.arange(5, dtype=np.float32), np.arange(5), np.broadcast_to(np.float64(2), 5),
    np.asfortranarray(np.arange(10.0).reshape(5, 2))[:, 1],
])  # fmt: skip
def test_columns_of_any_make(values) -> None:
    found = compiled([Leaf(JOINED, Op.AT_LEAST, (2.0,))]).run({JOINED: Column(values)}, 5)
    assert found.tolist() == [(values >= 2).astype(int).tolist()]


def test_columns_of_other_people_are_refused() -> None:
    asked = compiled([Leaf(JOINED, Op.AT_LEAST, (2.0,))])
    for wrong in (np.zeros(4), np.zeros(6), np.zeros((5, 1))):
        with pytest.raises(ValueError, match="5 people"):
            asked.run({JOINED: Column(wrong)}, 5)
    with pytest.raises(KeyError):
        asked.run({TEAM: Column(np.zeros(5))}, 5)


def test_nothing_to_ask() -> None:
    assert compiled([]).run({}, 3).shape == (0, 3)
    assert compiled([None]).run({}, 3).tolist() == [[0, 0, 0]]
    assert compiled([None]).run_leaves({}, 3).shape == (0, 3)
    assert compiled([Group(How.ALL), Group(How.ANY), Group(How.NONE)]).run({}, 2).tolist() == [[1, 1], [0, 0], [1, 1]]


def test_infinite_values_stay_within_bounds() -> None:
    nodes = [Leaf(JOINED, Op.AT_LEAST, (float(k),)) for k in range(300)]
    found = compiled(nodes).run({JOINED: Column(np.array([math.inf, -math.inf]))}, 2)
    assert found.tolist() == [[1, 0]] * 300


def test_kernels_are_compiled_ahead_for_the_one_form_of_their_arguments() -> None:
    checks.compile_ahead()
    people = [dict.fromkeys(FACTS, None)] * 3
    compiled([Leaf(fact, Op.UNKNOWN) for fact in FACTS[:5]]).run(columns_of(people), 3)
    compiled([Leaf(JOINED, Op.AT_LEAST, (2.0,))]).run({JOINED: Column(np.broadcast_to(np.float32(2), 5))}, 5)
    kept = np.zeros(5)
    kept.flags.writeable = False
    compiled([Leaf(JOINED, Op.AT_LEAST, (2.0,))]).run({JOINED: Column(kept)}, 5)
    compiled([]).run({}, 1)
    for one in (checks.encode_numbers, checks.encode_names, checks.combine):
        assert len(one.signatures) == 1, one
