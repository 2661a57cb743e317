"""Live counts of a rule: each condition, each group and the whole, exact beside a count person by person."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from activities.preview import sampling
from activities.rules import activity_facts, counting, tried_on
from activities.rules.counting import Count
from activities.rules.decisions import value_of
from distributors import conditions
from distributors.conditions import ConditionError, Group, How, Leaf, Node
from distributors.conditions.vocabulary import Op
from distributors.models import Distributor, Market
from kpis.models import Policy
from tests import factories as f
from tests.activities.preview_field import company
from tests.distributors.measures import measure
from tests.pages import now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

Json = dict[str, Any]
THEN: list[Json] = [{"effect": "boost", "target": {"kind": "reach_out"}, "by": 0.05}]


def leaf(fact: str, op: str, value: object = None, **of: object) -> Json:
    return {"fact": fact, "is": op} | ({"of": of} if of else {}) | ({} if value is None else {"value": value})


NEW, LEADS = leaf("joined_days", "at_most", 40), leaf("team_size", "at_least", 1)
LAPSED, MEXICO = leaf("customers", "at_least", 2, reason="lapsed"), leaf("market", "one_of", ["mx"])
GOAL = leaf("goal_percent", "less_than", 50, metric="sales", period="month")
TREE: Json = {
    "if": {"all": [{"any": [NEW, LEADS, GOAL]}, {"none": [MEXICO, LAPSED]}]},
    "but_not": leaf("joined_days", "at_least", 500),
    "then": THEN,
}


@pytest.fixture
def field() -> None:
    company()


def holds(node: Node, values: dict[conditions.Fact, Any]) -> bool:
    """One person and one condition at a time, as the contract has it."""
    if isinstance(node, Group):
        met = [holds(part, values) for part in node.parts]
        return {How.ALL: all(met), How.ANY: any(met), How.NONE: not any(met)}[node.how]
    value = values[node.fact]
    if value is None:
        return node.op is Op.UNKNOWN
    return {
        Op.AT_LEAST: lambda: value >= node.values[0], Op.AT_MOST: lambda: value <= node.values[0],
        Op.LESS_THAN: lambda: value < node.values[0], Op.ONE_OF: lambda: value in node.values,
        Op.KNOWN: lambda: True, Op.UNKNOWN: lambda: False,
    }[node.op]()  # fmt: skip


def each_person(definition: Json) -> list[dict[str, bool]]:
    """Of everybody alone: path -> whether that part holds for her; `all` for the whole rule."""
    parts = counting.parts_of(definition)
    found = []
    for person in Distributor.objects.active().with_market():
        alone = tried_on.one(person, f.NOW)
        columns = activity_facts.everything(counting.facts_in(parts), alone.block)
        values = {fact: value_of(column, 0) for fact, column in columns.items()}
        here = {path: holds(node, values) for path, node in parts.nodes.items()}
        here["all"] = here["if"] and not here.get("but_not", False)
        found.append(here)
    return found


@pytest.mark.usefixtures("field")
def test_it_works() -> None:
    """Every part of the tree is counted as one would by hand."""
    naive = each_person(TREE)
    counts = counting.of(TREE, f.NOW)
    assert list(counts.nodes) == [
        "if", "if.all.0", "if.all.0.any.0", "if.all.0.any.1", "if.all.0.any.2", "if.all.1", "if.all.1.none.0",
        "if.all.1.none.1", "but_not",
    ]  # fmt: skip
    assert {path: n.people for path, n in counts.nodes.items()} == {
        path: sum(one[path] for one in naive) for path in counts.nodes
    }
    assert counts.matched == Count(sum(one["all"] for one in naive))
    assert (counts.total, counts.seen, counts.whole) == (40, 40, True)
    assert 0 < counts.matched.people < counts.nodes["if"].people
    assert all(not n.error for n in counts.nodes.values())


@pytest.mark.usefixtures("field")
def test_any_tree(seed: int = 11) -> None:
    dice = random.Random(seed)
    leaves = [NEW, LEADS, LAPSED, MEXICO, GOAL, leaf("goal_percent", "unknown", metric="sales", period="month"),
              leaf("rank", "known"), leaf("days_since", "at_least", 10, metric="sales", line="")]  # fmt: skip

    def tree(depth: int) -> Json:
        if depth == 0 or dice.random() < 0.3:
            return dice.choice(leaves)
        return {dice.choice(["all", "any", "none"]): [tree(depth - 1) for _ in range(dice.randint(1, 3))]}

    for _ in range(6):
        definition = {"if": tree(3), "then": THEN}
        naive = each_person(definition)
        counts = counting.of(definition, f.NOW)
        assert {path: n.people for path, n in counts.nodes.items()} == {
            path: sum(one[path] for one in naive) for path in counts.nodes
        }


@pytest.mark.usefixtures("field")
def test_who_has_left_does_not_count() -> None:
    before = counting.of({"if": LEADS}, f.NOW)
    leader = Distributor.objects.filter(recruits__isnull=False).distinct()[0]
    Distributor.objects.filter(pk=leader.pk).update(left_on=f.TODAY)
    tried_on.KEPT.results.clear()
    after = counting.of({"if": LEADS}, f.NOW)
    assert after.total == before.total - 1
    assert after.matched and before.matched and after.matched.people == before.matched.people - 1


# What does not read


@pytest.mark.usefixtures("field")
@pytest.mark.parametrize("broken", [
    {"fact": ""}, {"fact": "team_size", "is": "at_least"}, {"fact": "team_size", "is": "at_least", "value": "many"},
    {"fact": "no_such"}, {}, None, 7, "x", [], {"all": []}, {"all": "x"}, {"any": [None]},
    leaf("customers", "at_least", 2, reason="nobody"), {**NEW, "more": 1},
])  # fmt: skip
def test_a_broken_condition_counts_nothing_and_the_others_do(broken: object) -> None:
    counts = counting.of({"if": {"all": [NEW, broken, {"any": [LEADS]}]}, "but_not": MEXICO, "then": THEN}, f.NOW)
    alone = counting.of({"if": {"all": [NEW, {"any": [LEADS]}]}, "but_not": MEXICO, "then": THEN}, f.NOW)
    assert counts.nodes.keys() >= {"if.all.0", "if.all.2", "if.all.2.any.0", "but_not"}
    assert counts.nodes["if.all.0"] == alone.nodes["if.all.0"]
    assert counts.nodes["if.all.2.any.0"] == alone.nodes["if.all.1.any.0"]
    assert "if.all.1" not in counts.nodes and "if" not in counts.nodes
    assert counts.matched is None and counts.parts.definition is None and counts.parts.problems


@pytest.mark.usefixtures("field")
@pytest.mark.parametrize("said", [{}, {"if": None}, {"if": 3, "but_not": "x", "then": 1}, {"if": {"all": {}}}])
def test_nothing_that_reads(said: Json) -> None:
    counts = counting.of(said, f.NOW)
    assert (counts.nodes, counts.matched, counts.share) == ({}, None, 0.0)
    assert counts.parts.problems


@pytest.mark.usefixtures("field")
def test_a_broken_exception_leaves_the_total_open() -> None:
    counts = counting.of({"if": NEW, "but_not": {"fact": ""}, "then": THEN}, f.NOW)
    assert counts.nodes["if"].people and counts.matched is None


@pytest.mark.usefixtures("field")
def test_huge_is_not_read_to_its_end() -> None:
    deep: object = NEW
    for _ in range(3000):
        deep = {"all": [deep]}
    assert counting.of({"if": deep, "then": THEN}, f.NOW).matched is None
    wide = {"all": [NEW] * 30_000}
    assert len(counting.of({"if": wide, "then": THEN}, f.NOW).nodes) <= counting.MOST_NODES


def test_nobody_in_the_field() -> None:
    Market.objects.all().delete()
    for everybody in (False, True):
        counts = counting.of(TREE, f.NOW, everybody=everybody)
        assert (counts.total, counts.matched, counts.share) == (0, Count(0), 0.0)


# A sample


@pytest.fixture
def sampled(field: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SAMPLE", 25)


@pytest.mark.usefixtures("sampled")
def test_a_sample_says_how_far_it_may_be_off() -> None:
    counts, exact = counting.of(TREE, f.NOW), counting.of(TREE, f.NOW, everybody=True)
    assert (counts.total, counts.seen, counts.whole) == (40, 25, False)
    assert (exact.total, exact.seen, exact.whole) == (40, 40, True)
    naive = each_person(TREE)
    assert exact.matched == Count(sum(one["all"] for one in naive))
    for path, n in counts.nodes.items():
        assert exact.nodes[path] == Count(sum(one[path] for one in naive))
        assert n.error > 0
        assert abs(n.people - exact.nodes[path].people) <= 2 * n.error
    assert counting.of(TREE, f.NOW + timedelta(seconds=30)).nodes == counts.nodes


def test_the_error_is_that_of_a_sample() -> None:
    """3,400 of 100,000 from 5,000 is known within some 500; all of them exactly."""
    assert counting.estimated(170, 5_000, 100_000) == Count(3_400, 525)
    assert counting.estimated(3_400, 100_000, 100_000) == Count(3_400)
    assert counting.estimated(0, 5_000, 100_000).error > 0


# What is kept


@pytest.mark.usefixtures("field")
def test_facts_are_worked_out_once(django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another threshold on the same facts asks for the versions and nothing else."""
    asked: list[str] = []

    def everything(facts: Any, block: Any, numbers: Any = None) -> Any:
        asked.extend(fact.name for fact in facts)
        return worked_out(facts, block, numbers)

    worked_out = activity_facts.everything
    monkeypatch.setattr(activity_facts, "everything", everything)
    sales = leaf("measured", "at_least", 50, metric="sales", line="", days=28)
    counting.of({"if": {"all": [sales, NEW]}, "then": THEN}, f.NOW)
    assert asked == ["measured", "joined_days"]
    for value in (100, 150):
        with django_assert_num_queries(1):
            counting.of({"if": {"all": [sales | {"value": value}, NEW]}, "then": THEN}, f.NOW)
    assert asked == ["measured", "joined_days"]
    counting.of({"if": {"all": [sales | {"of": {**sales["of"], "days": 14}}, NEW]}, "then": THEN}, f.NOW)
    assert asked == ["measured", "joined_days", "measured"]


@pytest.mark.usefixtures("field")
def test_after_a_few_minutes_they_are_read_again() -> None:
    counts = counting.of({"if": LEADS, "then": THEN}, f.NOW)
    f.distributor(sponsor=Distributor.objects.filter(recruits__isnull=True)[0])
    assert counting.of({"if": LEADS, "then": THEN}, f.NOW).matched == counts.matched
    later = counting.of({"if": LEADS, "then": THEN}, f.NOW + timedelta(minutes=tried_on.MINUTES))
    assert later.matched and counts.matched and later.matched.people == counts.matched.people + 1


def test_facts_are_forgotten_before_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    f.distributor()
    monkeypatch.setattr(tried_on, "MOST_FACTS", 2)
    crowd = tried_on.of(f.NOW)
    for definition in ({"if": {"all": [NEW, LEADS]}}, {"if": {"all": [MEXICO, LEADS]}}):
        parts = counting.parts_of(definition)
        assert set(crowd.columns(counting.facts_in(parts))) == set(counting.facts_in(parts))
    assert len(crowd.facts) == 2


# Reach


@pytest.mark.usefixtures("sampled")
def test_reach_is_everybody_whom_it_holds_for() -> None:
    assert counting.reach(TREE, f.NOW) == sum(one["all"] for one in each_person(TREE))


@pytest.mark.usefixtures("field")
def test_reach_does_not_depend_on_the_day_it_is_asked() -> None:
    """Today is a Thursday, the 27th: what holds on other days reaches as many people."""
    wednesday, first = leaf("weekday", "one_of", ["2"]), leaf("day_of_month", "equals", 1)
    new = counting.reach({"if": NEW, "then": THEN}, f.NOW)
    everybody = Distributor.objects.count()
    for definition, reached in (
        ({"if": {"all": [NEW, wednesday]}}, new),
        ({"if": {"all": [NEW, {"any": [first, MEXICO]}]}}, new),
        ({"if": {"all": [NEW, {"none": [leaf("weekday", "one_of", ["3"])]}]}}, new),
        ({"if": wednesday}, everybody),
        ({"if": NEW, "but_not": leaf("weekday", "one_of", ["3"])}, new),
        ({"if": NEW, "but_not": {"all": [MEXICO, leaf("weekday", "one_of", ["3"])]}}, new),
        ({"if": {"any": [NEW, wednesday]}}, everybody),
    ):
        assert counting.reach({**definition, "then": THEN}, f.NOW) == reached, definition
    assert counting.reach({"if": NEW, "but_not": MEXICO, "then": THEN}, f.NOW) < new
    assert counting.reach({"if": NEW, "then": THEN, "from": "2026-12-01"}, f.NOW) == new


@pytest.mark.usefixtures("field")
def test_reach_does_not_depend_on_the_days_that_go_by() -> None:
    """What time alone turns may hold on another day; a number that only grows comes back to nobody who is past it."""
    everybody, new = Distributor.objects.count(), counting.reach({"if": NEW, "then": THEN}, f.NOW)
    old = leaf("joined_days", "at_least", 3000)
    assert counting.of({"if": old, "then": THEN}, f.NOW).matched == Count(0)
    some = [leaf(fact, "equals", 3, metric="", period="") for fact in ("goal_days_left", "goal_pace")]
    some += [leaf(fact, "equals", 3, campaign=0) for fact in ("campaign_days_run", "campaign_days_left")]
    some += [leaf("prize_days_left", "equals", 3, incentive=0), leaf("anniversary_days", "equals", 200)]
    for one in some:
        assert counting.reach({"if": {"all": [NEW, one]}, "then": THEN}, f.NOW) == new > 0, one
        assert counting.reach({"if": NEW, "but_not": {"none": [one]}, "then": THEN}, f.NOW) == new, one
    for definition, reached in (
        ({"if": old}, everybody),
        ({"if": leaf("years", "more_than", 50)}, everybody),
        ({"if": leaf("joined_days", "equals", 40)}, new),
        ({"if": leaf("joined_days", "between", [39, 40])}, new),
        ({"if": {"none": [leaf("joined_days", "at_most", 40)]}}, everybody),
        ({"if": MEXICO, "but_not": leaf("joined_days", "at_most", 5000)}, counting.reach({"if": MEXICO, "then": THEN}, f.NOW)),
        ({"if": {"none": [leaf("joined_days", "more_than", 40)]}}, new),
    ):  # fmt: skip
        assert counting.reach({**definition, "then": THEN}, f.NOW) == reached, definition
    assert new < everybody


@pytest.mark.parametrize(("fact", "of"), [("days_since", ["sales", ""]), ("days_since_first", ["sales", ""])])
def test_reach_counts_who_will_have_waited_long_enough(fact: str, of: list[str]) -> None:
    """Who never bought waits for nothing."""
    sold, _never = f.distributor(), f.distributor()
    measure(sold, "sales", f.TODAY - timedelta(days=3), 100)
    long = leaf(fact, "at_least", 30, metric=of[0], line=of[1])
    assert counting.reaches({"if": long, "then": THEN}, f.NOW) == counting.Reach(0, 1, from_others=False)


@pytest.mark.usefixtures("field")
def test_what_others_no_longer_see_reaches_them_too() -> None:
    only: Json = {"effect": "eligible", "target": {"kind": "reach_out"}}
    today = counting.reach({"if": NEW, "then": THEN}, f.NOW)
    found = counting.reaches({"if": NEW, "then": [*THEN, only]}, f.NOW)
    assert found == counting.Reach(today, Distributor.objects.active().count(), from_others=True)
    assert found.most > found.today


def test_reach_of_what_does_not_read_is_refused() -> None:
    with pytest.raises(ConditionError):
        counting.reach({"if": {"fact": "no_such"}, "then": THEN}, f.NOW)


# Some of them


@pytest.mark.usefixtures("field")
def test_whom_hq_named_comes_first_then_all_markets() -> None:
    crowd = tried_on.of(f.NOW)
    jenna, other = Distributor.objects.order_by("-pk")[:2]
    Policy.objects.create().samples.add(jenna, other)
    everybody = np.arange(crowd.seen)
    found = tried_on.first_of(crowd, everybody, 10)
    assert set(found[:2]) == {jenna.pk, other.pk}
    assert len(found) == len(set(found)) == 10
    assert {Distributor.objects.get(pk=pk).market.code for pk in found[2:]} == {"us", "de", "mx"}
    assert found == tried_on.first_of(crowd, everybody, 10)
    without = np.flatnonzero(crowd.people.ids != jenna.pk)
    assert jenna.pk not in tried_on.first_of(crowd, without, 10)
    assert tried_on.first_of(crowd, without[:0], 10) == []


@pytest.mark.usefixtures("field")
def test_parts_of_a_crowd_are_the_same_people() -> None:
    """What is cut out of the arrays is what loading these alone gives."""
    crowd = tried_on.of(f.NOW)
    places = np.array([30, 3, 17])
    some = tried_on.among(crowd.people, places)
    for i, place in enumerate(places.tolist()):
        alone = sampling.people_of([int(crowd.people.ids[place])], crowd.shelf)
        for name in ("goals", "days", "customers", "lines", "recruits", "tags", "hides", "shown", "skills"):
            at, one = getattr(some, f"{name}_at"), getattr(alone, name)
            assert (getattr(some, name)[at[i] : at[i + 1]] == one).all()
        assert some.ids[i] == alone.ids[0] and some.market[i] == alone.market[0]


def test_every_leaf_is_a_condition_of_the_tree() -> None:
    parts = counting.parts_of(TREE)
    leaves = [path for path, node in parts.nodes.items() if isinstance(node, Leaf)]
    assert parts.when is not None
    assert [f"if.{path}" for path, _leaf in conditions.leaves(parts.when)] + ["but_not"] == leaves
