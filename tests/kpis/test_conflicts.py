"""Conditions that cannot be or always are, and rules that pull apart: said before anything is published."""

from __future__ import annotations

import random
from typing import Any

import pytest

from distributors import conditions
from distributors.conditions import Fact, Group, How, Leaf, Node
from distributors.conditions.vocabulary import Op
from kpis import contradictions, definitions
from kpis.conflicts import conflicts
from kpis.contradictions import for_everybody, form, impossible
from kpis.models import Rule, RuleVersion
from kpis.rule_effects import Offer
from kpis.rules import Ruled

from .rules import ASK, FELL, GOLD, KNOWN, definition, team

OFFER = Offer(keys=["tips", "win-back"], kinds=["refocus", "reach_out"], lines=["eye", ""])
WEEKDAY = {"fact": "weekday", "is": "one_of", "value": ["0", "1"]}
WEEKEND = {"fact": "weekday", "is": "one_of", "value": ["5", "6"]}
MEMBER = {"fact": "in_segment", "of": {"segment": 7}, "is": "yes"}
CHANCE = {"fact": "goal_chance", "of": {"metric": "", "period": ""}}


def node(raw: dict[str, Any]) -> Node:
    return conditions.read(raw)


# What cannot be


@pytest.mark.parametrize(
    "raw",
    [
        {"all": [team("at_least", 5), team("at_most", 3)]},
        {"all": [team("more_than", 3), team("at_most", 3)]},
        {"all": [team("equals", 3), team("equals", 4)]},
        {"all": [team("between", [1, 3]), team("more_than", 3)]},
        {"all": [team("at_least", 1), {"fact": "team_size", "is": "unknown"}]},
        {"all": [{"fact": "team_size", "is": "known"}, {"fact": "team_size", "is": "unknown"}]},
        {"all": [WEEKDAY, WEEKEND]},
        {"all": [GOLD, GOLD | {"is": "not_one_of"}]},
        {"all": [MEMBER, MEMBER | {"is": "no"}]},
        {"all": [team("at_least", 5), {"none": [team("at_least", 4)]}]},
        {"all": [team("at_least", 5), {"all": [FELL, {"any": [team("at_most", 3), team("equals", 4)]}]}]},
        {"any": [team("at_most", -1), {"all": [WEEKDAY, WEEKEND]}]},
        {"all": [{"any": [FELL, GOLD]}, {"none": [GOLD, FELL]}]},
        {"none": [FELL, {"none": [FELL]}]},
        team("less_than", 0),
        CHANCE | {"is": "more_than", "value": 100},
        {"fact": "day_of_month", "is": "equals", "value": 32},
    ],
)  # fmt: skip
def test_it_works(raw: dict[str, Any]) -> None:
    why = impossible(form(node(raw)))
    assert why.endswith("so it holds for nobody.")


@pytest.mark.parametrize(
    "raw",
    [
        {"all": [team("at_least", 3), team("at_most", 3)]},
        {"all": [team("at_least", 5), FELL | {"value": 3}]},
        {"all": [{"any": [team("at_least", 5), FELL]}, team("at_most", 3)]},
        {"all": [GOLD, {"fact": "rank", "is": "one_of", "value": ["Gold", "Silver"]}]},
        {"none": [team("at_least", 0)]},  # whose team is unknown
        {"all": [FELL, FELL | {"of": {"metric": "sales", "line": "", "days": 14}, "is": "at_least", "value": 0}]},
        FELL | {"value": -1000},
        {"all": [WEEKDAY, {"fact": "weekday", "is": "not_one_of", "value": ["0"]}]},
    ],
)
def test_what_may_be(raw: dict[str, Any]) -> None:
    assert impossible(form(node(raw))) == ""


@pytest.mark.parametrize(
    ("raw", "always"),
    [
        ({"any": [team("at_most", 3), team("at_least", 2)]}, True),
        ({"any": [team("at_most", 3), team("more_than", 3)]}, True),
        ({"any": [team("at_most", 3), team("more_than", 4)]}, False),
        (team("at_least", 0), True),
        (team("at_least", 1), False),
        ({"any": [MEMBER, MEMBER | {"is": "no"}]}, True),
        ({"fact": "weekday", "is": "one_of", "value": list("0123456")}, True),
        ({"fact": "rank", "is": "one_of", "value": ["Gold"]}, False),
        ({"any": [GOLD, GOLD | {"is": "not_one_of"}]}, True),
        ({"fact": "team_size", "is": "known"}, False),
        ({"none": [{"all": [WEEKDAY, WEEKEND]}]}, True),
        (FELL, False),
    ],
)
def test_what_always_is(raw: dict[str, Any], always: bool) -> None:
    assert for_everybody(form(node(raw))) is always


def test_the_same_is_the_same_however_it_is_written() -> None:
    one = {"all": [FELL, {"all": [GOLD, FELL]}, {"none": [team("at_least", 5), MEMBER]}]}
    other = {"all": [{"none": [MEMBER]}, {"none": [team("at_least", 5)]}, {"any": [GOLD]}, FELL]}
    assert form(node(one)) == form(node(other))
    assert form(node(one)) != form(node({"all": [FELL, GOLD]}))
    ranks = {"fact": "rank", "is": "one_of", "value": ["Gold", "Silver"]}
    assert form(node(ranks)) == form(node(ranks | {"value": ["Silver", "Gold"]}))


A, B, RANK, HERE = (
    Fact("team_size"),
    Fact("customers", (("reason", "all"),)),
    Fact("rank"),
    Fact("in_segment", (("segment", 7),)),
)
VALUES: dict[Fact, list[Any]] = {
    A: [None, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0], B: [None, 0.0, 1.0, 1.5, 2.0, 5.0],
    RANK: [None, "x", "y", "z"], HERE: [0.0, 1.0],
}  # fmt: skip


def tree(draw: random.Random, depth: int = 3) -> Node:
    if depth and draw.random() < 0.6:
        parts = tuple(tree(draw, depth - 1) for _part in range(draw.randint(1, 3)))
        return Group(draw.choice([How.ALL, How.ALL, How.ANY, How.NONE]), parts)
    fact = draw.choice([A, A, B, RANK, HERE])
    if fact is HERE:
        return Leaf(fact, draw.choice([Op.YES, Op.NO]))
    if draw.random() < 0.15:
        return Leaf(fact, draw.choice([Op.KNOWN, Op.UNKNOWN]))
    if fact is RANK:
        return Leaf(fact, draw.choice([Op.ONE_OF, Op.NOT_ONE_OF]), tuple(draw.sample("xyz", draw.randint(1, 2))))
    op = draw.choice([Op.AT_LEAST, Op.AT_MOST, Op.MORE_THAN, Op.LESS_THAN, Op.EQUALS, Op.BETWEEN])
    values = sorted(float(draw.randint(0, 3)) for _each in range(2 if op is Op.BETWEEN else 1))
    return Leaf(fact, op, tuple(values))


def holds(node: Node, of: dict[Fact, Any]) -> bool:
    """As the issue says it, one person at a time."""
    if isinstance(node, Group):
        parts = [holds(part, of) for part in node.parts]
        return {How.ALL: all(parts), How.ANY: any(parts), How.NONE: not any(parts)}[node.how]
    value, to = of[node.fact], node.values
    if value is None:
        return node.op is Op.UNKNOWN
    tests = {
        Op.UNKNOWN: lambda: False, Op.KNOWN: lambda: True, Op.YES: lambda: value == 1, Op.NO: lambda: value == 0,
        Op.ONE_OF: lambda: value in to, Op.NOT_ONE_OF: lambda: value not in to,
        Op.AT_LEAST: lambda: value >= to[0], Op.AT_MOST: lambda: value <= to[0], Op.MORE_THAN: lambda: value > to[0],
        Op.LESS_THAN: lambda: value < to[0], Op.EQUALS: lambda: value == to[0],
        Op.BETWEEN: lambda: to[0] <= value <= to[1],
    }  # fmt: skip
    return tests[node.op]()


def people(draw: random.Random) -> list[dict[Fact, Any]]:
    return [{fact: draw.choice(values) for fact, values in VALUES.items()} for _person in range(60)]


@pytest.mark.parametrize("seed", range(400))
def test_nothing_that_holds_for_somebody_is_called_impossible(seed: int) -> None:
    draw = random.Random(seed)
    one, field = tree(draw), people(draw)
    found = [holds(one, person) for person in field]
    if any(found):
        assert impossible(form(one)) == ""
    if for_everybody(form(one)):
        named = conditions.facts_of([one])
        assert all(
            yes for yes, person in zip(found, field, strict=True) if all(person[fact] is not None for fact in named)
        )


@pytest.mark.parametrize("seed", range(200))
def test_a_form_says_what_its_tree_says(seed: int) -> None:
    """Also denied, and beside others."""
    draw = random.Random(seed)
    one, other = tree(draw), tree(draw)
    for person in people(draw):
        first, second = holds(one, person), holds(other, person)
        assert told(form(one), person) is first
        assert told(contradictions.deny(form(one)), person) is not first
        assert told(contradictions.but_not(form(one), form(other)), person) is (first and not second)
        if first and second:
            assert not contradictions.apart(form(one), form(other))


def told(one: contradictions.Form, person: dict[Fact, Any]) -> bool:
    if isinstance(one, contradictions.Said):
        return holds(one.leaf, person) is not one.denied
    return (all if one.every else any)([told(part, person) for part in one.parts])


def test_most_of_what_no_value_of_one_fact_meets_is_found() -> None:
    """Of trees about one fact alone it is exact."""
    draw, missed, nobody = random.Random(1), 0, 0
    for _tree in range(2000):
        one = tree(draw, 2)
        if conditions.facts_of([one]) != (A,):
            continue
        never = not any(holds(one, {A: value}) for value in VALUES[A])
        nobody += never
        missed += never and not impossible(form(one))
    assert nobody > 20
    assert missed == 0


# Beside other rules


def live(name: str, raw: dict[str, Any]) -> Ruled:
    rule = Rule(pk=abs(hash(name)) % 1000, name=name)
    return Ruled(rule, RuleVersion(rule=rule, number=1), definitions.read(raw))


def warned(raw: dict[str, Any], *others: Ruled, offer: Offer | None = OFFER) -> list[tuple[str | None, str]]:
    found = conflicts(definitions.read(raw), others, offer=offer, names=KNOWN)
    return [(one.rule and one.rule.name, one.sentence) for one in found]


HIDE = {"effect": "suppress", "target": {"activity": "win-back"}}
HIDE_KIND = {"effect": "suppress", "target": {"kind": "reach_out"}}
UP = {"effect": "boost", "target": {"activity": "win-back"}, "by": 0.05}
PIN = {"effect": "pin", "target": {"activity": "win-back"}, "until": "2026-09-01"}
ONLY = {"effect": "eligible", "target": {"activity": "win-back"}}
GOLDS = definition(UP, when=GOLD)


@pytest.mark.parametrize("shows", [UP, PIN, ONLY, ASK])
@pytest.mark.parametrize("hides", [HIDE, HIDE_KIND])
def test_one_hides_what_the_other_shows(shows: dict[str, Any], hides: dict[str, Any]) -> None:
    for own, other in ((shows, hides), (hides, shows)):
        [(rule, said)] = warned(definition(own), live("Quiet", definition(other, when=GOLD)))
        assert rule == "Quiet"
        assert said.startswith("“Quiet” says: ")
        assert "do not show" in said


def test_it_says_what_each_says() -> None:
    [(_rule, said)] = warned(definition(PIN), live("Quiet", definition(HIDE_KIND, when=GOLD)))
    assert said == (
        "“Quiet” says: do not show activities of the kind “Reach out”. This rule says: put “Win {name} back” on top of her "
        "list until 1 September 2026. For whom both hold, what is hidden stays hidden."
    )


@pytest.mark.parametrize(
    "other",
    [
        definition(HIDE | {"target": {"activity": "tips"}}, when=GOLD),  # another activity
        definition(HIDE | {"target": {"kind": "refocus"}}, when=GOLD),
        definition(UP, when=GOLD),  # both show
        definition(HIDE, when={"all": [GOLD, FELL | {"is": "at_least", "value": 0}]}),  # never the same people
        definition(HIDE, when=GOLD, to="2026-08-31"),  # never at the same time
    ],
)  # fmt: skip
def test_what_does_not_meet_is_no_conflict(other: dict[str, Any]) -> None:
    assert warned(definition(UP, **{"from": "2026-09-01"}), live("Other", other)) == []


def test_what_her_leader_is_shown_is_not_hidden_from_her() -> None:
    assert warned(definition(ASK | {"for": "leader"}), live("Quiet", definition(HIDE, when=GOLD))) == []


def test_without_an_offer_only_the_same_activity_is_recognised() -> None:
    hides = live("Quiet", definition(HIDE_KIND, when=GOLD))
    assert warned(definition(UP), hides, offer=None) == []
    assert warned(definition(UP), live("Quiet", definition(HIDE, when=GOLD)), offer=None)


def test_two_pins_at_the_same_priority() -> None:
    other = PIN | {"target": {"activity": "tips"}}
    [(rule, said)] = warned(definition(PIN), live("Tips first", definition(other, when=GOLD)))
    assert (rule, said) == (
        "Tips first",
        "“Tips first” puts something on top too, at the same priority: the older rule wins. "
        "Give the more important one a higher priority.",
    )
    assert warned(definition(PIN, priority=60), live("Tips first", definition(other, when=GOLD))) == []


def test_the_same_conditions_as_another_rule() -> None:
    one = {"all": [FELL, team("at_least", 5)]}
    turned = {"all": [team("at_least", 5), FELL]}
    assert warned(definition(UP, when=one), live("Twin", definition(when=turned))) == [
        ("Twin", "“Twin” has the same conditions. One rule can do both.")
    ]
    assert warned(definition(UP, when=one), live("Twin", definition(when=turned, but_not=GOLD))) == []
    assert warned(definition(UP, when=one, but_not=GOLD), live("Twin", definition(when=turned, but_not=GOLD)))


def test_it_is_at_odds_with_itself() -> None:
    assert warned(definition(UP, HIDE_KIND)) == [
        (
            None,
            "It says both: move “Win {name} back” up by 5 points, and: do not show activities of the kind “Reach out”. "
            "What is hidden stays hidden.",
        )
    ]
    everybody = {"any": [team("at_most", 3), team("at_least", 2)]}
    [(_none, said)] = warned(definition(when=everybody))
    assert said == "“If” holds for everybody of whom it is known. Is there a condition too many?"
    [(_none, said)] = warned(definition(when=FELL, but_not=everybody))
    assert said == "“But not” holds for everybody of whom it is known, so hardly anybody is left."


def test_nothing_to_warn_of() -> None:
    assert warned(definition(), live("Other", GOLDS), live("Third", definition(PIN, when=team("at_least", 5)))) == []
