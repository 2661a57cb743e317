"""Conditions from JSON: read, refused with a sentence for each problem, written back, and what their schema says."""

from __future__ import annotations

import json
import math

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from distributors.conditions import (
    MOST_CHARACTERS,
    MOST_DEPTH,
    MOST_LEAVES,
    MOST_VALUES,
    ConditionError,
    Fact,
    Group,
    How,
    Known,
    Leaf,
    facts_of,
    leaves,
    read,
    schema,
    written,
)
from distributors.conditions.from_json import CUSTOMER_REASONS, MOST_PROBLEMS, PERIODS
from distributors.conditions.vocabulary import OPERATORS, VOCABULARY, Op
from distributors.metrics import METRICS

KNOWN = Known(
    segments={3: "Starters"}, lines={"eye": "Eye care"}, activities={"call": "Call a customer"}, campaigns={5: "Eye month"},
    incentives={7: "Spring trip"}, markets={"us": "United States", "de": "Germany"}, ranks=["Silver", "Gold"],
)  # fmt: skip
CHANGE = {"metric": "sales", "line": "", "days": 7}
FELL = {"fact": "change", "of": CHANGE, "is": "at_most", "value": -50}
GOLD = {"fact": "rank", "is": "one_of", "value": ["Gold"]}
TEAM = {"fact": "team_size", "is": "at_least", "value": 2}


def problems(raw, **options) -> list[tuple[str, str]]:
    with pytest.raises(ConditionError) as refused:
        read(raw, **options)
    return [tuple(problem) for problem in refused.value.problems]


def paths(raw, **options) -> list[str]:
    return [path for path, _sentence in problems(raw, **options)]


def test_it_works() -> None:
    raw = {"all": [FELL, {"none": [GOLD, {"fact": "in_segment", "of": {"segment": 3}, "is": "yes"}]}]}
    tree = read(raw, known=KNOWN)
    fell = Leaf(Fact("change", (("metric", "sales"), ("line", ""), ("days", 7))), Op.AT_MOST, (-50.0,))
    gold, starter = Leaf(Fact("rank"), Op.ONE_OF, ("Gold",)), Leaf(Fact("in_segment", (("segment", 3),)), Op.YES)
    assert tree == Group(How.ALL, (fell, Group(How.NONE, (gold, starter))))
    assert written(tree) == raw
    assert [path for path, _leaf in leaves(tree)] == ["all.0", "all.1.none.0", "all.1.none.1"]
    assert facts_of([tree, None, fell]) == (fell.fact, gold.fact, starter.fact)


def test_every_problem_is_told_at_once_with_its_place() -> None:
    raw = {"all": [
        {"fact": "sails", "is": "at_least", "value": 1},
        {"any": [{**FELL, "of": {"metric": "money", "line": "", "days": 0}, "value": "much"}, {**GOLD, "is": "is"}]},
        {**TEAM, "is": "between", "value": [5, 2]},
        {"none": []},
    ]}  # fmt: skip
    assert problems(raw) == [
        ("if.all.0.fact", "There is no fact “sails”."),
        ("if.all.1.any.0.of.metric", "Choose a figure."),
        ("if.all.1.any.0.of.days", "Enter a whole number of days from 1 to 90."),
        ("if.all.1.any.0.value", "Enter a number."),
        ("if.all.1.any.1.is", "“rank” is compared by one of these: one_of, not_one_of, unknown, known."),
        ("if.all.2.value", "Nothing lies between these two: enter the smaller one first."),
        ("if.all.3", "This group is empty. Add a condition or remove the group."),
    ]
    assert paths(raw, path="but_not")[0] == "but_not.all.0.fact"
    assert paths({"fact": "sails"}, path="") == ["fact"]


@pytest.mark.parametrize("raw", [
    None, [], "all", 5, True, {}, {"al": [FELL]}, {"all": [FELL], "any": [FELL]}, {**FELL, "all": [FELL]},
    {"all": [FELL], "name": "x"},
])  # fmt: skip
def test_what_is_neither_a_condition_nor_a_group_is_refused(raw) -> None:
    assert paths(raw) == ["if"]


@pytest.mark.parametrize("raw", [{"all": []}, {"any": {}}, {"none": FELL}, {"all": None}, {"all": "x"}])
def test_a_group_without_conditions_is_refused(raw) -> None:
    assert paths(raw) == ["if"]


@pytest.mark.parametrize(("change", "where"), [
    ({"fact": None}, "fact"), ({"fact": ["change"]}, "fact"), ({"fact": ""}, "fact"), ({"fact": "a\0b"}, "fact"),
    ({"more": 1}, ""),
    ({"of": None}, "of"), ({"of": []}, "of"), ({"of": {**CHANGE, "weeks": 1}}, "of"),
    ({"of": {"metric": "sales", "days": 7}}, "of.line"), ({"of": {**CHANGE, "metric": ""}}, "of.metric"),
    ({"of": {**CHANGE, "metric": ["sales"]}}, "of.metric"), ({"of": {**CHANGE, "line": None}}, "of.line"),
    ({"of": {**CHANGE, "line": "a\0"}}, "of.line"), ({"of": {**CHANGE, "line": "\ud800"}}, "of.line"),
    ({"of": {**CHANGE, "line": "x" * 61}}, "of.line"), ({"of": {**CHANGE, "line": "nails"}}, "of.line"),
    ({"of": {"metric": "enrolments", "line": "eye", "days": 7}}, "of.line"),
    ({"of": {**CHANGE, "days": 0}}, "of.days"), ({"of": {**CHANGE, "days": 91}}, "of.days"),
    ({"of": {**CHANGE, "days": 7.5}}, "of.days"), ({"of": {**CHANGE, "days": True}}, "of.days"),
    ({"of": {**CHANGE, "days": "7"}}, "of.days"), ({"of": {**CHANGE, "days": 10**400}}, "of.days"),
    ({"of": {**CHANGE, "days": math.inf}}, "of.days"), ({"of": {**CHANGE, "days": math.nan}}, "of.days"),
    ({"is": None}, "is"), ({"is": "one_of"}, "is"), ({"is": ["at_most"]}, "is"), ({"is": "yes"}, "is"),
    ({"is": "unknown"}, "value"), ({"value": None}, "value"), ({"value": True}, "value"), ({"value": "50"}, "value"),
    ({"value": [50]}, "value"), ({"value": math.nan}, "value"), ({"value": math.inf}, "value"),
    ({"value": -math.inf}, "value"), ({"value": 1e13}, "value"), ({"value": 10**5000}, "value"),
    ({"is": "between", "value": 5}, "value"), ({"is": "between", "value": [1]}, "value"),
    ({"is": "between", "value": [1, 2, 3]}, "value"), ({"is": "between", "value": [2, 1]}, "value"),
    ({"is": "between", "value": [1, math.nan]}, "value"),
])  # fmt: skip
def test_a_condition_on_a_number_is_refused(change, where) -> None:
    assert paths({"all": [FELL, {**FELL, **change}]}, known=KNOWN) == [f"if.all.1.{where}".rstrip(".")]


@pytest.mark.parametrize("value", [
    None, "Gold", [], ["Gold", "Gold"], ["Gold", 5], ["Gold", None], [["Gold"]], ["Gold", ""], ["Gold", "a\0"],
    ["\ud83d"], ["x" * 61], [f"rank {n}" for n in range(MOST_VALUES + 1)], ["Platinum"],
])  # fmt: skip
def test_a_condition_on_a_name_is_refused(value) -> None:
    assert paths({**GOLD, "value": value}, known=KNOWN) == ["if.value"]


@pytest.mark.parametrize("name", ["a\0", "\ud800", "x\ud83d", "\x7f", "x" * 61])
def test_what_no_database_keeps_is_refused_whatever_names_there_are(name) -> None:
    assert paths({**GOLD, "value": [name]}) == ["if.value"]
    assert paths({**FELL, "of": {**CHANGE, "line": name}}) == ["if.of.line"]
    assert paths({"fact": "done", "of": {"activity": name, "days": 7}, "is": "known"}) == ["if.of.activity"]


@pytest.mark.parametrize("value", [math.nan, True, "5", None])
def test_what_is_no_number_is_not_called_too_large(value) -> None:
    assert problems({**FELL, "value": value}) == [("if.value", "Enter a number.")]


@pytest.mark.parametrize(("raw", "where"), [
    ({"fact": "market", "is": "one_of", "value": ["fr"]}, "value"),
    ({"fact": "language", "is": "one_of", "value": ["tlh"]}, "value"),
    ({"fact": "weekday", "is": "one_of", "value": ["7"]}, "value"),
    ({"fact": "in_segment", "of": {"segment": 4}, "is": "yes"}, "of.segment"),
    ({"fact": "in_segment", "of": {"segment": 0}, "is": "yes"}, "of.segment"),
    ({"fact": "in_segment", "of": {"segment": 2**60}, "is": "yes"}, "of.segment"),
    ({"fact": "in_segment", "of": {"segment": 3}, "is": "yes", "value": True}, "value"),
    ({"fact": "campaign_days_left", "of": {"campaign": 6}, "is": "known"}, "of.campaign"),
    ({"fact": "campaign_days_left", "of": {"campaign": -1}, "is": "known"}, "of.campaign"),
    ({"fact": "prize_percent", "of": {"incentive": 1}, "is": "known"}, "of.incentive"),
    ({"fact": "done", "of": {"activity": "dance", "days": 7}, "is": "at_least", "value": 1}, "of.activity"),
    ({"fact": "customers", "of": {"reason": ""}, "is": "at_least", "value": 1}, "of.reason"),
    ({"fact": "goal_percent", "of": {"metric": "sales", "period": "year"}, "is": "unknown"}, "of.period"),
    ({"fact": "rank", "of": {"metric": "sales"}, "is": "unknown"}, "of"),
])  # fmt: skip
def test_what_is_not_there_is_refused(raw, where) -> None:
    assert paths(raw, known=KNOWN) == [f"if.{where}"]


@pytest.mark.parametrize("raw", [
    {"fact": "campaign_days_left", "of": {"campaign": 0}, "is": "known"},
    {"fact": "prize_percent", "of": {"incentive": 0}, "is": "at_least", "value": 80},
    {"fact": "done", "of": {"activity": "", "days": 90}, "is": "equals", "value": 0},
    {"fact": "goal_percent", "of": {"metric": "", "period": ""}, "is": "between", "value": [80, 99.5]},
    {"fact": "weekday", "is": "one_of", "value": ["0", "6"]},
    {"fact": "rank", "of": {}, "is": "unknown"},
    {**FELL, "of": {**CHANGE, "days": 7.0}, "value": -0.0},
])  # fmt: skip
def test_none_in_particular_is_allowed(raw) -> None:
    read(raw, known=KNOWN)


def test_names_are_not_looked_up_when_nobody_says_which_there_are() -> None:
    assert read({**GOLD, "value": ["Platinum"]}) == Leaf(Fact("rank"), Op.ONE_OF, ("Platinum",))


def test_equal_conditions_read_as_one() -> None:
    """Order of fields, 7 and 7.0, 0 and -0.0: the same fact is worked out once."""
    one = read({**FELL, "value": 0})
    same = read({"value": -0.0, "is": "at_most", "of": {"days": 7.0, "line": "", "metric": "sales"}, "fact": "change"})
    assert one == same and hash(one) == hash(same)
    assert math.copysign(1, same.values[0]) == 1


def nested(depth: int) -> dict:
    return {"all": [nested(depth - 1)]} if depth else FELL


def test_too_deep() -> None:
    read(nested(MOST_DEPTH))
    found = problems(nested(MOST_DEPTH + 1))
    assert found == [("if" + ".all.0" * MOST_DEPTH, "Groups stand at most 5 deep in one another. Take this one apart.")]
    raw: dict = FELL
    for _ in range(50_000):
        raw = {"none": [raw]}
    assert len(problems(raw)) == 1


def test_too_many() -> None:
    read({"all": [FELL] * MOST_LEAVES})
    assert paths({"all": [FELL] * (MOST_LEAVES + 1)}) == [f"if.all.{MOST_LEAVES}"]
    assert paths({"any": [{"all": [FELL] * 30}, {"all": [FELL] * 30}]}) == ["if.any.1.all.10"]
    assert len(problems({"all": [FELL] * 1_000_000})) == 1
    assert len(problems({"all": [None] * 1_000_000})) == MOST_PROBLEMS


def test_too_long() -> None:
    names = [f"{n:02} {'x' * 50}" for n in range(MOST_VALUES)]
    long = {**GOLD, "value": names}
    few = MOST_CHARACTERS // len(json.dumps(long))
    read({"all": [long] * few})
    assert paths({"all": [long] * (few + 1)}) == ["if"]


# Whatever comes in


def test_a_sentence_never_repeats_what_could_do_harm() -> None:
    (found,) = problems({"fact": "x\0\ud800\n" + "y" * 1000})
    assert found[1].encode() and "\0" not in found[1] and len(found[1]) < 200


some_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from([*VOCABULARY, *Op, *METRICS, 10**400, "Gold", "eye", ""]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["all", "any", "none", "fact", "of", "is", "value", "x"]), inner, max_size=4)
    | st.dictionaries(st.sampled_from(["metric", "line", "days", "period", "segment", "activity"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(some_json)
def test_nothing_but_a_refusal_whatever_comes(raw) -> None:
    try:
        tree = read(raw, known=KNOWN)
    except ConditionError as error:
        assert 0 < len(error.problems) <= MOST_PROBLEMS
        assert all(path.split(".")[0] == "if" and sentence.endswith(".") for path, sentence in error.problems)
        assert str(error) == error.problems[0].sentence
    else:
        assert read(written(tree)) == tree


# What the schema says: the same, save for what no schema can say

PARAMS = {
    "metric": st.sampled_from([*METRICS, ""]), "line": st.sampled_from(["", "eye"]), "days": st.integers(0, 91),
    "period": st.sampled_from([*PERIODS, "year"]), "segment": st.integers(-1, 3), "activity": st.sampled_from(["", "call"]),
    "reason": st.sampled_from([*CUSTOMER_REASONS, "x"]), "campaign": st.integers(-1, 5), "incentive": st.integers(-1, 7),
}  # fmt: skip
VALUES = (
    st.integers(-10, 10) | st.floats(-1e13, 1e13) | st.booleans() | st.none() | st.just("Gold")
    | st.lists(st.sampled_from(["Gold", "us", "de", "0", "6", "en", "", "a\0", "x" * 61]), max_size=3)
    | st.lists(st.integers(-3, 3), min_size=1, max_size=3)
)  # fmt: skip


@st.composite
def nearly_a_leaf(draw):
    kind = draw(st.sampled_from(list(VOCABULARY.values())))
    raw = {"fact": kind.name, "is": draw(st.sampled_from(OPERATORS[kind.kind])).value}
    if kind.takes:
        raw["of"] = {param: draw(PARAMS[param]) for param in kind.takes}
    if raw["is"] not in ("yes", "no", "known", "unknown"):
        raw["value"] = draw(VALUES)
    for spoiled in draw(st.lists(st.sampled_from(["fact", "of", "is", "value", "x", "of.x", "of.days"]), max_size=1)):
        inner = raw.get("of", {}) if "." in spoiled else raw
        name = spoiled.split(".")[-1]
        if draw(st.booleans()):
            inner.pop(name, None)
        else:
            inner[name] = draw(VALUES)
    return raw


nearly_a_tree = st.recursive(
    nearly_a_leaf(),
    lambda parts: st.dictionaries(
        st.sampled_from(["all", "any", "none", "all"]), st.lists(parts, max_size=3), max_size=2
    ),
    max_leaves=6,
)
#: What read says besides. Everything else that it refuses the schema refuses.
BESIDES = ("Nothing lies between", "At most", "A rule has at most")


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(nearly_a_tree)
def test_the_schema_says_the_same(raw) -> None:
    valid = VALIDATOR.is_valid(json.loads(json.dumps(raw)))
    try:
        read(raw)
    except ConditionError as error:
        assume(not all(sentence.startswith(BESIDES) for _path, sentence in error.problems))
        assert not valid, (raw, error.problems)
    else:
        assert valid, raw


VALIDATOR = jsonschema_rs.Draft202012Validator(schema())


def every_leaf() -> list[dict]:
    """Each fact with each of its operators."""
    of = {"metric": "sales", "line": "eye", "days": 7, "period": "week", "segment": 3, "activity": "call",
          "reason": "lapsed", "campaign": 5, "incentive": 7}  # fmt: skip
    names = {"market": ["us", "de"], "language": ["de"], "rank": ["Gold"], "weekday": ["0", "6"]}
    found = []
    for kind in VOCABULARY.values():
        for op in OPERATORS[kind.kind]:
            raw = {"fact": kind.name, "is": op.value}
            if kind.takes:
                raw["of"] = {param: of[param] for param in kind.takes}
            if op is Op.BETWEEN:
                raw["value"] = [1, 2.5]
            elif op not in (Op.YES, Op.NO, Op.KNOWN, Op.UNKNOWN):
                raw["value"] = names.get(kind.name, 3)
            found.append(raw)
    return found


@pytest.mark.parametrize("raw", every_leaf(), ids=lambda raw: f"{raw['fact']}-{raw['is']}")
def test_every_fact_with_every_operator_is_read_and_written_and_in_the_schema(raw) -> None:
    assert written(read(raw, known=KNOWN)) == raw
    assert VALIDATOR.is_valid(raw)


@pytest.mark.parametrize("raw", [
    {**GOLD, "value": ["Gold", "Gold"]}, {**GOLD, "value": []}, {**GOLD, "value": ["a\0"]},
    {**GOLD, "value": [f"rank {n}" for n in range(MOST_VALUES + 1)]}, {**FELL, "value": 1e13}, {"all": []},
    {**FELL, "of": {**CHANGE, "metric": "enrolments", "line": "eye"}}, {**FELL, "is": "known"}, nested(MOST_DEPTH + 1),
    {"all": [FELL], "any": [FELL]}, {**FELL, "x": 1},
])  # fmt: skip
def test_what_the_schema_refuses(raw) -> None:
    assert problems(raw)
    assert not VALIDATOR.is_valid(raw)


def test_the_schema_is_one_and_can_stand_in_another() -> None:
    jsonschema_rs.meta.validate(schema())
    within = {"type": "object", "properties": {"if": {"$ref": "urn:pep:condition"}}, "$defs": {"condition": schema()}}
    whole = jsonschema_rs.Draft202012Validator(within)
    assert whole.is_valid({"if": nested(MOST_DEPTH)})
    assert not whole.is_valid({"if": nested(MOST_DEPTH + 1)})
    assert not whole.is_valid({"if": {"all": []}})
    json.dumps(schema())


def test_the_schema_has_titles_and_units() -> None:
    defs = schema()["$defs"]
    assert defs["fact_days_since"]["title"] == "days since the last"
    assert defs["fact_days_since"]["description"] == "Her figures. In days"
    assert {"const": "sales", "title": "Sales"} in defs["fact_change"]["properties"]["of"]["properties"]["metric"][
        "oneOf"
    ]
