"""How conditions and facts read."""

from __future__ import annotations

import math
import re

import pytest

from distributors.conditions import checks, read
from distributors.conditions.tree import Fact, Group, How, Leaf
from distributors.conditions.vocabulary import OPERATORS, VOCABULARY, Kind, Op
from distributors.conditions.worded import Names, condition, read_back, told
from distributors.metrics import METRICS
from distributors.models import Market
from tests.distributors.test_conditions import KNOWN as NAMES
from tests.distributors.test_conditions import every_leaf

US = Market(code="us", currency="USD", price_level=1, language="en")
MEXICO = Market(code="mx", currency="MXN", price_level=10, language="es")
ROW = {"metric": "sales", "line": "", "days": 7}


def leaf(fact: str, op: str = "known", value=None, **of) -> Leaf:
    raw = {"fact": fact, "is": op} | ({"of": of} if of else {})
    return read(raw if value is None else raw | {"value": value})


def hers(one: Leaf, value, market: Market = US) -> str:
    return told(one, value, to="her", name="Dana", market=market, names=NAMES)


def leaders(one: Leaf, value, market: Market = US) -> str:
    return told(one, value, to="leader", name="Dana", market=market, names=NAMES)


def test_it_works() -> None:
    fell = leaf("change", "at_most", -50, **ROW)
    assert condition(fell, NAMES) == "sales in the last 7 days fell by 50% or more against her own 4 weeks before"
    assert hers(fell, -62.4) == "Your sales in the last 7 days are 62% below your own four weeks before."
    assert leaders(fell, -62.4) == "Dana’s sales in the last 7 days are 62% below her own four weeks before."
    assert told(fell, -62.4, to="hq", name="Dana", market=US, names=NAMES) == leaders(fell, -62.4)


def change(op: str, value) -> str:
    said = condition(leaf("change", op, value, **ROW), NAMES)
    start, end = "sales in the last 7 days ", " against her own 4 weeks before"
    assert said.startswith(start) and said.endswith(end)
    return said[len(start) : -len(end)]


@pytest.mark.parametrize(("op", "value", "said"), [
    ("at_most", -50, "fell by 50% or more"),
    ("less_than", -50, "fell by more than 50%"),
    ("at_least", -10, "did not fall by more than 10%"),
    ("more_than", -10, "did not fall by 10% or more"),
    ("at_least", 20, "rose by 20% or more"),
    ("more_than", 20, "rose by more than 20%"),
    ("at_most", 20, "did not rise by more than 20%"),
    ("less_than", 20, "did not rise by 20% or more"),
    ("at_least", 0, "did not fall"), ("at_most", 0, "did not rise"), ("more_than", 0, "rose"), ("less_than", 0, "fell"),
    ("equals", 0, "did not change"), ("equals", -12.5, "fell by exactly 12.5%"), ("equals", 5, "rose by exactly 5%"),
    ("between", [-50, -20], "fell by 20 to 50%"), ("between", [20, 50], "rose by 20 to 50%"),
    ("between", [-20, 50], "moved between -20% and 50%"), ("between", [-20, -20], "fell by exactly 20%"),
    ("between", [0, 20], "rose by 0 to 20%"), ("between", [0, 0], "did not change"),
])  # fmt: skip
def test_which_way_a_change_goes(op, value, said) -> None:
    assert change(op, value) == said


#: What a sentence claims of a change, by how it begins: which side it speaks of, and whether it denies that.
CLAIMS = {"did not fall": (-1, False), "did not rise": (1, False), "fell": (-1, True), "rose": (1, True)}


def claims(said: str, value: float) -> bool:
    """The sentence taken at its word, as somebody who knows nothing of operators reads it."""
    side, affirms = next(claim for begins, claim in CLAIMS.items() if said.startswith(begins))
    found = re.search(r"(more than |exactly )?([\d.]+)%( or more)?", said)
    far = value * side
    if found is None:
        holds = far > 0
    elif found[3]:
        holds = far >= float(found[2])
    else:
        holds = far > float(found[2]) if found[1] == "more than " else far == float(found[2])
    return holds is affirms


@pytest.mark.parametrize("op", ["at_least", "more_than", "at_most", "less_than", "equals"])
@pytest.mark.parametrize("bound", [-50, 0, 50])
def test_the_sentence_holds_for_whom_the_condition_holds(op: str, bound: int) -> None:
    """Also at the far end, where a rise by 736% is no fall by at most 50%."""
    one = leaf("change", op, bound, **ROW)
    said = change(op, bound)
    if said != "did not change":
        for value in (-100.0, -51.0, -50.0, -49.0, 0.0, 49.0, 50.0, 51.0, 736.0):
            assert claims(said, value) == checks.holds(one, {one.fact: value}), (said, value)


@pytest.mark.parametrize(("one", "said"), [
    (leaf("measured", "at_least", 250, **ROW), "sales in the last 7 days came to 250 or more"),
    (leaf("measured", "between", [1000, 2500.5], **ROW), "sales in the last 7 days came to 1,000 to 2,500.5"),
    (leaf("measured", "at_most", 0, metric="orders", line="eye", days=1), "she had no orders of Eye care in the last 1 day"),
    (leaf("measured", "equals", 0, metric="order_size", line="", days=28), "she had no orders in the last 28 days"),
    (leaf("measured", "less_than", 1, metric="orders", line="", days=7), "orders in the last 7 days came to less than 1"),
    (leaf("change", "at_most", -50, metric="orders", line="", days=10),
     "orders in the last 10 days fell by 50% or more against her own 40 days before"),
    (leaf("days_since", "unknown", metric="orders", line=""), "she has never had an order"),
    (leaf("days_since", "known", metric="orders", line="eye"), "she has had an order of Eye care"),
    (leaf("days_since", "at_least", 1, metric="orders", line=""), "her last order was 1 or more days ago"),
    (leaf("days_since", "at_most", 1, metric="orders", line=""), "her last order was at most 1 day ago"),
    (leaf("days_since", "equals", 0, metric="enrolments", line=""), "her last enrolment was today"),
    (leaf("days_since", "less_than", 1, metric="enrolments", line=""), "her last enrolment was today"),
    (leaf("days_since_first", "at_most", 7, metric="orders", line=""), "her first order was at most 7 days ago"),
    (leaf("decline", "at_least", 60), "the chance that her sales halve over the next 28 days is 60% or more"),
    (leaf("goal_percent", "between", [80, 99.5], metric="", period=""), "her most important goal has reached 80 to 99.5%"),
    (leaf("goal_percent", "unknown", metric="sales", period="week"), "her weekly goal for sales is not set"),
    (leaf("goal_pace", "at_most", -10, metric="orders", period="month"),
     "her monthly goal for orders is 10 or more percentage points behind its pace"),
    (leaf("goal_pace", "at_least", -10, metric="orders", period="month"),
     "her monthly goal for orders is not behind its pace by more than 10 percentage points"),
    (leaf("goal_pace", "less_than", 1, metric="orders", period="month"),
     "her monthly goal for orders is not ahead of its pace by 1 or more percentage points"),
    (leaf("goal_left", "less_than", 50, metric="sales", period="week"), "her weekly goal for sales still needs less than 50"),
    (leaf("market", "one_of", ["us", "de"]), "her market is United States or Germany"),
    (leaf("language", "not_one_of", ["de"]), "her language is not German"),
    (leaf("rank", "one_of", ["Gold", "Silver", "Iron"]), "her rank is Gold, Silver or Iron"),
    (leaf("joined_days", "at_most", 30), "she joined at most 30 days ago"),
    (leaf("anniversary_days", "equals", 0), "today is her anniversary"),
    (leaf("team_size", "at_most", 0), "she has no direct recruits"),
    (leaf("in_segment", "no", segment=3), "she is not in the segment “Starters”"),
    (leaf("in_segment", "yes", segment=4), "she is in the segment “4”"),
    (leaf("done", "at_least", 1, activity="call", days=30), "she did “Call a customer” in the last 30 days"),
    (leaf("done", "at_least", 2, activity="call", days=30), "she did “Call a customer” 2 times or more in the last 30 days"),
    (leaf("done", "equals", 1, activity="", days=30), "she finished activities exactly once in the last 30 days"),
    (leaf("dismissed", "less_than", 1, activity="call", days=30),
     "she did not dismiss “Call a customer” in the last 30 days"),
    (leaf("seen", "at_least", 3, activity="", days=7), "she opened her list on 3 or more of the last 7 days"),
    (leaf("customers", "at_least", 3, reason="reorder_due"), "3 or more of her customers are due to reorder"),
    (leaf("customers", "equals", 1, reason="reorder_due"), "exactly 1 of her customers is due to reorder"),
    (leaf("customers", "at_most", 0, reason="all"), "she has no customers on her list"),
    (leaf("campaign_days_left", "at_most", 3, campaign=5), "“Eye month” ends in at most 3 days"),
    (leaf("campaign_days_left", "unknown", campaign=0), "no campaign counts for her"),
    (leaf("prize_percent", "at_least", 80, incentive=0), "she has reached 80% or more of her nearest prize"),
    (leaf("weekday", "one_of", ["0", "6"]), "today is Monday or Sunday"),
    (leaf("team_size", "unknown"), "nothing is known of this: direct recruits"),
], ids=str)  # fmt: skip
def test_in_hqs_words(one, said) -> None:
    assert condition(one, NAMES) == said


@pytest.mark.parametrize(("one", "value", "to_her", "to_others"), [
    (leaf("measured", **ROW), 250.0, "Your sales in the last 7 days came to $250.",
     "Dana’s sales in the last 7 days came to $250."),
    (leaf("measured", metric="orders", line="eye", days=7), 0.0, "You had no orders of Eye care in the last 7 days.",
     "Dana had no orders of Eye care in the last 7 days."),
    (leaf("change", **ROW), 20.9, "Your sales in the last 7 days are 20% above your own four weeks before.",
     "Dana’s sales in the last 7 days are 20% above her own four weeks before."),
    (leaf("change", **ROW), -0.9, "Your sales in the last 7 days are level with your own four weeks before.",
     "Dana’s sales in the last 7 days are level with her own four weeks before."),
    (leaf("change", metric="order_size", line="", days=28), -30.0,
     "Your average order values in the last 28 days are 30% below your own 16 weeks before.",
     "Dana’s average order values in the last 28 days are 30% below her own 16 weeks before."),
    (leaf("days_since", metric="orders", line=""), 1.0, "Your last order was 1 day ago.", "Dana’s last order was 1 day ago."),
    (leaf("days_since", metric="orders", line=""), 31.0, "Your last order was 31 days ago.",
     "Dana’s last order was 31 days ago."),
    (leaf("days_since", metric="orders", line=""), None, "You have not had an order yet.", "Dana has not had an order yet."),
    (leaf("days_since", metric="orders", line=""), math.nan, "You have not had an order yet.",
     "Dana has not had an order yet."),
    (leaf("goal_percent", metric="sales", period="week"), 89.99, "Your weekly goal for sales is at 89%.",
     "Dana’s weekly goal for sales is at 89%."),
    (leaf("goal_left", metric="orders", period="week"), 2.0, "Your weekly goal for orders still needs 2.",
     "Dana’s weekly goal for orders still needs 2."),
    (leaf("goal_pace", metric="", period=""), -12.7, "Your most important goal is 12 percentage points behind its pace.",
     "Dana’s most important goal is 12 percentage points behind its pace."),
    (leaf("market"), "de", "Your market is Germany.", "Dana’s market is Germany."),
    (leaf("in_segment", "yes", segment=3), 1.0, "You are in the group “Starters”.", "Dana is in the segment “Starters”."),
    (leaf("in_segment", "yes", segment=3), 0.0, "You are not in the group “Starters”.",
     "Dana is not in the segment “Starters”."),
    (leaf("done", activity="call", days=30), 3.0, "You did “Call a customer” 3 times in the last 30 days.",
     "Dana did “Call a customer” 3 times in the last 30 days."),
    (leaf("seen", activity="", days=7), 2.0, "You opened your list on 2 of the last 7 days.",
     "Dana opened her list on 2 of the last 7 days."),
    (leaf("customers", reason="reorder_due"), 1.0, "1 of your customers is due to reorder.",
     "1 of Dana’s customers is due to reorder."),
    (leaf("customers", reason="reorder_due"), 0.0, "None of your customers is due to reorder.",
     "None of Dana’s customers is due to reorder."),
    (leaf("campaign_days_left", campaign=5), 0.0, "“Eye month” ends today.", "“Eye month” ends today."),
    (leaf("prize_percent", incentive=0), 92.0, "You are at 92% of your nearest prize.", "Dana is at 92% of her nearest prize."),
    (leaf("weekday"), "0", "Today is Monday.", "Today is Monday."),
], ids=str)  # fmt: skip
def test_told_with_the_number(one, value, to_her, to_others) -> None:
    assert (hers(one, value), leaders(one, value)) == (to_her, to_others)


def test_money_is_told_in_her_markets_own() -> None:
    sold = leaf("measured", **ROW)
    assert hers(sold, 62.5) == "Your sales in the last 7 days came to $62.50."
    assert hers(sold, 62.5, MEXICO) == "Your sales in the last 7 days came to MX$625."
    assert hers(leaf("measured", metric="orders", line="", days=7), 62.0, MEXICO).endswith("came to 62.")
    assert hers(leaf("goal_left", metric="sales", period=""), 5.0, MEXICO).endswith("still needs MX$50.")


@pytest.mark.parametrize("raw", every_leaf(), ids=lambda raw: f"{raw['fact']}-{raw['is']}")
@pytest.mark.parametrize("specific", [True, False])
def test_every_fact_with_every_operator_has_its_sentences(raw, specific) -> None:
    one = read(raw)
    if not specific:
        empty = {"line": "", "activity": "", "campaign": 0, "incentive": 0, "period": "", "metric": "enrolments"}
        one = Leaf(Fact(one.fact.name, tuple((k, empty.get(k, v)) for k, v in one.fact.of)), one.op, one.values)
    said = condition(one, NAMES)
    assert is_clean(said) and said[0] in "“0123456789" + said[0].lower()
    values = {Kind.NUMBER: (0.0, 1.0, 7.9, -3.0, None), Kind.FLAG: (0.0, 1.0, None), Kind.CHOICE: ("us", "2", None)}
    for value in values[VOCABULARY[one.fact.name].kind]:
        for sentence in (hers(one, value), leaders(one, value)):
            assert is_clean(sentence) and sentence.endswith(".") and sentence[0] == sentence[0].upper()
        assert "Dana" not in hers(one, value)


def is_clean(said: str) -> bool:
    return not re.search(r"%\(|!|None,|“”|“0”|  |at at|nan", said)


@pytest.mark.parametrize("metric", METRICS)
def test_every_figure_has_its_words(metric) -> None:
    for fact in ("days_since", "days_since_first", "measured", "change"):
        of = {"metric": metric, "line": ""} | ({"days": 14} if fact in ("measured", "change") else {})
        for op in OPERATORS[Kind.NUMBER]:
            one = Leaf(Fact(fact, tuple(of.items())), op, (1.0, 2.0)[: 2 if op is Op.BETWEEN else 1])
            assert is_clean(condition(one, NAMES))
        assert is_clean(hers(one, 3.0)) and is_clean(leaders(one, None))


# Trees

A, B, C = leaf("rank", "one_of", ["Gold"]), leaf("team_size", "at_least", 2), leaf("joined_days", "at_most", 30)
SAID_A, SAID_B, SAID_C = "her rank is Gold", "she has 2 or more direct recruits", "she joined at most 30 days ago"


def group(how: str, *parts) -> Group:
    return Group(How(how), parts)


@pytest.mark.parametrize(("tree", "said"), [
    (A, SAID_A),
    (group("all", A), SAID_A),
    (group("all", A, B), f"{SAID_A} and {SAID_B}"),
    (group("all", A, B, C), f"{SAID_A}, {SAID_B} and {SAID_C}"),
    (group("any", A, B, C), f"{SAID_A}, {SAID_B} or {SAID_C}"),
    (group("all", A, group("any", B, C)), f"{SAID_A} and ({SAID_B} or {SAID_C})"),
    (group("any", group("all", A, B), C), f"({SAID_A} and {SAID_B}) or {SAID_C}"),
    (group("all", A, group("all", B, C)), f"{SAID_A}, {SAID_B} and {SAID_C}"),
    (group("all", group("any", A), group("all", group("any", B))), f"{SAID_A} and {SAID_B}"),
    (group("none", A), f"not true: {SAID_A}"),
    (group("none", A, B), f"none of these: {SAID_A}; {SAID_B}"),
    (group("all", A, group("none", B, C)), f"{SAID_A} and (none of these: {SAID_B}; {SAID_C})"),
    (group("none", group("all", A, B), C), f"none of these: ({SAID_A} and {SAID_B}); {SAID_C}"),
    (group("none", group("none", A)), f"not true: (not true: {SAID_A})"),
])  # fmt: skip
def test_a_tree_reads_as_one_sentence(tree, said) -> None:
    assert read_back(tree, NAMES) == said


def test_names_is_what_conditions_know() -> None:
    gone = Names({}, {}, {}, {}, {}, {}, ())
    assert condition(leaf("done", "at_least", 2, activity="call", days=7), gone) == (
        "she did “call” 2 times or more in the last 7 days"
    )
