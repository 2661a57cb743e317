"""The builder's fields and the JSON of a definition: each made from the other, and nothing that is typed is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings
from django.utils.datastructures import MultiValueDict
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as some

from activities.rules import moving
from activities.rules.form_rows import definition_of, fields_of
from activities.rules.moving import pressed
from distributors.blocks import REASONS, RECRUITS
from distributors.conditions import MOST_DEPTH
from distributors.conditions.vocabulary import OPERATORS, VOCABULARY, FactType, Group, Kind, Op
from distributors.metrics import METRICS
from kpis import definitions
from kpis.models.campaign import FIRST_DAY, LAST_DAY
from kpis.rule_effects import EFFECTS, KINDS

FELL: dict[str, Any] = {
    "if": {
        "all": [
            {
                "fact": "change",
                "of": {"metric": "sales", "line": "", "days": 28},
                "is": "at_most",
                "value": -50,
            }
        ]
    },
    "then": [{"effect": "trigger", "activity": "win-back", "for": "her", "days": 7}],
}


def sent(**fields: str | list[str]) -> MultiValueDict[str, str]:
    """Fields by name, written with __ for a dot."""
    return MultiValueDict(
        {
            name.replace("__", ".").replace("IF", "if"): said if isinstance(said, list) else [said]
            for name, said in fields.items()
        }
    )


def test_it_works() -> None:
    fields = fields_of(FELL)
    assert fields["if.all.0.fact"] == "change"
    assert fields["if.all.0.of.days"] == "28"
    assert fields["if.all.0.value"] == "-50"
    assert fields["then.0.activity"] == "win-back"
    assert definition_of(fields) == FELL


# Any definition that reads

words = some.text("abcdefghij -ü", min_size=1, max_size=12).map(str.strip).filter(bool)
keys = some.from_regex(r"[a-z][a-z0-9-]{0,11}", fullmatch=True)
ids = some.integers(1, 2**40)
amounts = some.one_of(some.integers(-(10**9), 10**9), some.floats(-1e9, 1e9, allow_nan=False))
days = some.dates(FIRST_DAY, LAST_DAY).map(lambda day: day.isoformat())


@some.composite
def leaf(draw: Any) -> dict[str, Any]:
    fact = VOCABULARY[draw(some.sampled_from(sorted(VOCABULARY)))]
    op = draw(some.sampled_from(OPERATORS[fact.kind]))
    found: dict[str, Any] = {"fact": fact.name}
    if fact.takes:
        found["of"] = draw(params(fact))
    found["is"] = op.value
    if fact.kind is Kind.CHOICE and op in {Op.ONE_OF, Op.NOT_ONE_OF}:
        found["value"] = draw(some.lists(choice(fact), min_size=1, max_size=3, unique=True))
    elif op is Op.BETWEEN:
        found["value"] = sorted(draw(some.lists(amounts, min_size=2, max_size=2)))
    elif fact.kind is Kind.NUMBER and op not in {Op.KNOWN, Op.UNKNOWN}:
        found["value"] = draw(amounts)
    return found


def choice(fact: FactType) -> some.SearchStrategy[str]:
    known = {"weekday": list("0123456"), "language": [code for code, _name in settings.LANGUAGES]}
    return some.sampled_from(known[fact.name]) if fact.name in known else words


@some.composite
def params(draw: Any, fact: FactType) -> dict[str, Any]:
    metrics = [*METRICS, ""] if fact.group is Group.GOALS else list(METRICS)
    of = {
        "metric": some.sampled_from(metrics), "line": some.one_of(some.just(""), keys), "days": some.integers(1, 90),
        "period": some.sampled_from(["", "week", "month", "campaign"]), "segment": ids,
        "activity": some.one_of(some.just(""), keys), "reason": some.sampled_from([*REASONS[:RECRUITS], "all"]),
        "campaign": some.integers(0, 99), "incentive": some.integers(0, 99),
    }  # fmt: skip
    found = {name: draw(of[name]) for name in fact.takes}
    if "line" in found and not METRICS[found["metric"]].scoped:
        found["line"] = ""
    return found


def tree(depth: int = MOST_DEPTH) -> some.SearchStrategy[dict[str, Any]]:
    if not depth:
        return leaf()
    group = some.tuples(
        some.sampled_from(["all", "any", "none"]),
        some.lists(some.deferred(lambda: tree(depth - 1)), min_size=1, max_size=2),
    ).map(lambda pair: {pair[0]: pair[1]})
    return some.one_of(leaf(), group)


target = some.one_of(
    keys.map(lambda key: {"activity": key}), keys.map(lambda code: {"line": code}),
    some.sampled_from(sorted(KINDS)).map(lambda kind: {"kind": kind}),
)  # fmt: skip
told = some.fixed_dictionaries({"en": words}, optional={"de": words, "es": words})
whom = some.sampled_from(["her", "leader"])
#: Each effect's fields; one that is not here fails test_every_effect_is_tried.
BY_EFFECT: dict[str, some.SearchStrategy[dict[str, Any]]] = {
    "trigger": some.fixed_dictionaries({"activity": keys, "for": whom, "days": some.integers(1, 30)}),
    "notice": some.fixed_dictionaries({"for": whom, "days": some.integers(1, 30), "title": told, "text": told}),
    "pin": some.fixed_dictionaries({"target": keys.map(lambda key: {"activity": key}), "until": days}),
    "boost": some.fixed_dictionaries(
        {"target": target, "by": some.floats(-0.1, 0.1, allow_subnormal=False).filter(lambda by: abs(by) > 1e-9)}
    ),
    "suppress": some.fixed_dictionaries({"target": target}),
    "eligible": some.fixed_dictionaries({"target": target}),
    "segment": some.fixed_dictionaries({"segment": ids}, optional={"days": some.integers(1, 365)}),
}
effect = some.sampled_from(sorted(BY_EFFECT)).flatmap(
    lambda name: BY_EFFECT[name].map(lambda fields: {"effect": name, **fields})
)
definition = some.fixed_dictionaries(
    {"if": tree(), "then": some.lists(effect, min_size=1, max_size=5)},
    optional={
        "but_not": tree(2), "from": days, "to": days, "priority": some.integers(1, 100),
        "cooldown_days": some.integers(1, 365), "held_back": some.integers(0, 50),
    },
)  # fmt: skip


def test_every_effect_is_tried() -> None:
    assert set(BY_EFFECT) == set(EFFECTS)


@given(definition)
@hypothesis(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_definition_comes_back_from_its_fields(found: dict[str, Any]) -> None:
    assert definition_of(fields_of(found)) == found


@given(definition)
@hypothesis(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_the_builder_shows_reads_as_what_is_stored(found: dict[str, Any]) -> None:
    """It puts a single condition into a group; the fields of what it shows are the same again."""
    shown = moving.begun(found)
    assert definition_of(fields_of(shown)) == shown


# Whatever is sent

names = some.lists(
    some.sampled_from(["if", "all", "any", "none", "0", "1", "007", "-1", "fact", "of", "is", "value", "then", "effect",
                       "target", "how", "days", "metric", "title", "en", "by", "but_not", "priority", "from", "\0", ""]),
    min_size=1, max_size=20,
).map(".".join)  # fmt: skip
values = some.one_of(
    some.sampled_from(["change", "market", "in_segment", "at_least", "between", "one_of", "trigger", "boost", "all", "x",
                       "1e999", "nan", "9" * 5000, "-0", "1_0", "\0", "٣", "12", "line:", ":", "kind:reach_out"]),
    some.text(max_size=8),
)  # fmt: skip


@given(some.dictionaries(names, some.lists(values, max_size=3), max_size=12))
@hypothesis(max_examples=400, deadline=None)
def test_nothing_that_is_sent_breaks_it(fields: dict[str, list[str]]) -> None:
    found = definition_of(MultiValueDict(fields))
    json.dumps(found, allow_nan=False)
    assert "\\u0000" not in json.dumps({key: value for key, value in found.items() if key in {"if", "then"}})
    again = definition_of(fields_of(found))
    assert definition_of(fields_of(again)) == again


def test_what_is_no_number_stays_as_it_was_typed() -> None:
    fields = fields_of(FELL)
    fields["if.all.0.value"] = "half"
    fields["priority"] = "high"
    found = definition_of(fields)
    assert found["if"]["all"][0]["value"] == "half"
    assert found["priority"] == "high"
    assert fields_of(found)["if.all.0.value"] == "half"


def test_what_is_missing_stays_missing() -> None:
    found = definition_of(sent(IF__all__0__fact="", then__0__effect=""))
    assert found == {"if": {"all": [{"fact": ""}]}, "then": [{"effect": ""}]}


def test_a_fact_chosen_a_moment_ago_brings_its_parameters() -> None:
    found = definition_of(sent(IF__all__0__fact="change", IF__all__0__was=""))
    assert found["if"]["all"][0] == {
        "fact": "change", "of": {"metric": "sales", "line": "", "days": 28}, "is": "at_least",
    }  # fmt: skip


def test_what_was_typed_about_another_fact_is_not_kept_for_this_one() -> None:
    fields = fields_of(FELL)
    fields["if.all.0.fact"] = "joined_days"
    assert definition_of(fields)["if"]["all"][0] == {"fact": "joined_days", "is": "at_most"}


def test_a_figure_without_lines_has_none() -> None:
    fields = fields_of({"if": {"fact": "measured", "of": {"metric": "sales", "line": "eye", "days": 7}, "is": "known"}})
    fields["if.of.metric"] = "enrolments"
    assert definition_of(fields)["if"]["of"] == {"metric": "enrolments", "line": "", "days": 7}


def test_an_effect_chosen_a_moment_ago_begins_for_her_and_seven_days() -> None:
    found = definition_of(sent(then__0__effect="notice"))["then"][0]
    assert found == {"effect": "notice", "for": "her", "days": 7, "title": {}, "text": {}}
    assert definition_of(sent(then__0__effect="segment"))["then"] == [{"effect": "segment"}]  # for good


def test_points_are_hundredths() -> None:
    fields = sent(then__0__effect="boost", then__0__target="line:eye", then__0__by="5")
    assert definition_of(fields)["then"] == [{"effect": "boost", "target": {"line": "eye"}, "by": 0.05}]
    assert fields_of(definition_of(fields))["then.0.by"] == "5"


def test_another_way_to_hang_together_keeps_the_conditions() -> None:
    fields = fields_of(FELL)
    fields["if.how"] = "none"
    assert definition_of(fields)["if"] == {"none": FELL["if"]["all"]}


# The buttons

A, B, C = ({"fact": name, "is": "known"} for name in ("market", "rank", "language"))
EFFECT = {"effect": "suppress", "target": {"kind": "reach_out"}}


def rule(*parts: Any, how: str = "all", **more: Any) -> dict[str, Any]:
    return {"if": {how: list(parts)}, "then": [EFFECT]} | more


def test_a_condition_is_added_at_the_end_and_the_hand_goes_there() -> None:
    found, at = pressed(rule(A), "add:if.all")
    assert found == rule(A, {"fact": ""})
    assert at == "if.all.1.fact"


def test_a_group_is_added_with_room_for_a_condition() -> None:
    found, at = pressed(rule(A), "group:if.all")
    assert found == rule(A, {"any": [{"fact": ""}]})
    assert at == "if.all.1.any.0.fact"


def test_but_not_comes_with_its_first_condition_and_goes_with_its_last() -> None:
    found, _at = pressed(rule(A), "add:but_not")
    assert found["but_not"] == {"any": [{"fact": ""}]}
    found, at = pressed(found, "remove:but_not.any.0")
    assert found == rule(A)
    assert at == "add.but_not"


def test_parts_move_as_in_an_outline() -> None:
    found = rule(A, {"any": [B]}, C)
    assert pressed(found, "down:if.all.0").definition == rule({"any": [A, B]}, C)
    assert pressed(found, "up:if.all.2").definition == rule(A, {"any": [B, C]})
    assert pressed(found, "up:if.all.1.any.0").definition == rule(A, B, {"any": []}, C)
    assert pressed(found, "down:if.all.1.any.0").definition == rule(A, {"any": []}, B, C)
    assert pressed(rule(A, B), "up:if.all.1") == (rule(B, A), "down.if.all.0")
    assert pressed(found, "up:if.all.0").definition == found


def test_nothing_moves_deeper_than_groups_may_stand() -> None:
    deepest: dict[str, Any] = {"any": [A]}
    for _level in range(MOST_DEPTH - 2):
        deepest = {"any": [deepest]}
    found = rule({"any": [B]}, deepest)
    assert pressed(found, "up:if.all.1").definition == rule(deepest, {"any": [B]})
    path = "if.all.1" + ".any.0" * (MOST_DEPTH - 2) + ".any"
    assert pressed(found, f"group:{path}").definition == found
    assert pressed(found, f"add:{path}").definition != found


def test_effects_are_added_moved_and_removed() -> None:
    found, at = pressed(rule(A), "add:then")
    assert at == "then.1.effect"
    assert pressed(found, "up:then.1") == (rule(A, then=[{"effect": ""}, EFFECT]), "down.then.0")
    assert pressed(found, "remove:then.0").definition["then"] == [{"effect": ""}]
    for _more in range(9):
        found, _at = pressed(found, "add:then")
    assert len(found["then"]) == definitions.MOST_EFFECTS


@pytest.mark.parametrize("do", ["", "add", "add:", "add:then.9", "remove:if", "remove:if.all.7", "remove:then.7", "up:x.1",
                                "down:then", "down:then.1.2", "add:if.all.0", "group:then", "nonsense:if.all", "up:then.9"])  # fmt: skip
def test_a_button_that_makes_no_sense_changes_nothing(do: str) -> None:
    found = rule(A)
    assert pressed(found, do).definition == found
    assert found == rule(A)


@given(definition, some.lists(some.tuples(some.sampled_from(sorted(moving.VERBS)), names), max_size=6))
@hypothesis(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_press_loses_a_condition_that_it_does_not_remove(
    found: dict[str, Any], presses: list[tuple[str, str]]
) -> None:
    for verb, path in presses:
        before = moving.begun(found)
        found = pressed(found, f"{verb}:{path}").definition
        if verb != "remove":
            assert moving.count(found["if"]) >= moving.count(before["if"])
