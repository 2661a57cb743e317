"""A rule as JSON: read with every problem at once, written back the same, said in a sentence, described by a JSON Schema."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from django.utils import translation

from distributors.conditions import ConditionError
from kpis import definitions
from kpis.definitions import Definition, cannot_be_kept, read, schema, sentence, written
from kpis.rule_effects import Boost, Pin, Target, Trigger

from .rules import ASK, FELL, GOLD, KNOWN, definition, team

TODAY = date(2026, 8, 27)
PIN = {"effect": "pin", "target": {"activity": "tips"}, "until": "2026-09-27"}
UP = {"effect": "boost", "target": {"activity": "win-back"}, "by": 0.05}
HIDE = {"effect": "suppress", "target": {"activity": "win-back"}}
TELL = {"effect": "notice", "for": "her", "days": 3, "title": {"en": "News"}, "text": {"en": "Look at {name}."}}


def problems(raw: Any, **fields: Any) -> list[tuple[str, str]]:
    with pytest.raises(ConditionError) as found:
        read(raw, **{"known": KNOWN, "today": TODAY} | fields)
    return [tuple(one) for one in found.value.problems]


def problem(raw: Any, **fields: Any) -> tuple[str, str]:
    [only] = problems(raw, **fields)
    return only


def test_it_works() -> None:
    raw = definition(
        ASK, UP | {"target": {"line": "eye"}}, PIN,
        when={"all": [FELL, team("at_least", 2)]}, but_not=GOLD, **{"from": "2026-09-01", "to": "2026-12-01"},
        priority=60, cooldown_days=14, held_back=10,
    )  # fmt: skip
    found = read(raw, KNOWN, today=TODAY)
    assert found.then == (
        Trigger("her", 7, "win-back"),
        Boost(Target("line", "eye"), 0.05),
        Pin("tips", date(2026, 9, 27)),
    )
    assert (found.starts_on, found.ends_on) == (date(2026, 9, 1), date(2026, 12, 1))
    assert (found.priority, found.cooldown_days, found.held_back) == (60, 14, 10)
    assert [fact.name for fact in found.facts] == ["change", "team_size", "rank"]
    assert written(found) == raw
    assert read(written(found), KNOWN, today=TODAY) == found


def test_what_is_absent_is_usual() -> None:
    found = read(definition())
    assert found == Definition(found.when, None, (Trigger("her", 7, "win-back"),), None, None, 50, 28, 0)
    assert written(found) == definition(priority=50, cooldown_days=28, held_back=0)


def test_it_is_read_back_in_one_sentence() -> None:
    said = sentence(read(definition(ASK, UP, but_not=GOLD, to="2026-12-01"), KNOWN), KNOWN)
    assert said.startswith("If ")
    assert ", but not if " in said
    assert said.endswith(
        ", then show “Win {name} back” on top of her list for 7 days and move “Win {name} back” up by 5 points."
        " Until 1 December 2026."
    )
    three = sentence(read(definition(ASK, UP, TELL)), KNOWN)
    assert "for 7 days; move “Win {name} back” up by 5 points; and tell her: “News”." in three
    assert "but not" not in three


def test_alternatives_before_but_not_and_in_it_stand_in_brackets() -> None:
    either, other = {"any": [FELL, team("at_least", 3)]}, {"any": [GOLD, team("at_least", 9)]}
    said = sentence(read(definition(ASK, when=either, but_not=other), KNOWN), KNOWN)
    assert said.startswith("If (") and ", but not if (" in said and "), then " in said
    assert "(" not in sentence(read(definition(ASK, when=either), KNOWN), KNOWN)


def test_every_problem_is_told_at_once() -> None:
    raw = {
        "if": {"all": [FELL | {"value": "much"}, {"fact": "charm"}]},
        "but_not": {"any": []},
        "then": [UP | {"by": 5}, {"effect": "sing"}, ASK | {"days": 0, "for": "him", "activity": "gone"}],
        "priority": 0,
        "cooldown_days": 366,
        "held_back": True,
        "from": "soon",
        "colour": "red",
    }
    found = dict(problems(raw))
    assert {path for path in found if path.startswith(("if", "but_not"))}
    assert {path: said for path, said in found.items() if not path.startswith(("if", "but_not"))} == {
        "then.0.by": "Enter a number of points from −10 to +10.",
        "then.1.effect": "Choose what happens.",
        "then.2.days": "Enter a whole number from 1 to 30.",
        "then.2.for": "Choose whom it is for: her or her leader.",
        "then.2.activity": "There is no activity gone.",
        "priority": "Enter a whole number from 1 to 100.",
        "cooldown_days": "Enter a whole number from 1 to 365.",
        "held_back": "Enter a whole number from 0 to 50.",
        "from": "Enter a day such as 2026-12-01, from 2000 to 2199.",
        "colour": "There is no field colour here.",
    }


@pytest.mark.parametrize(
    ("raw", "path", "said"),
    [
        ({"then": [ASK]}, "if", "Say for whom: add a condition."),
        ({"if": FELL}, "then", "Say what happens: add an effect."),
        ({"if": FELL, "then": []}, "then", "Say what happens: add an effect."),
        (definition(*[ASK] * 6), "then", "A rule does at most 5 things. Make another rule for the others."),
        (definition("sing"), "then.0", "Write this as fields in braces."),
        (definition(ASK, ASK), "then.1", "The rule does this already."),
        (definition(PIN, PIN | {"target": {"activity": "win-back"}}), "then.1",
         "A rule puts one activity on top. Keep one of the two."),
        (definition(HIDE, UP), "then.1", "The rule both shows and hides this. Keep one of the two."),
        (definition(ASK, HIDE), "then.1", "The rule both shows and hides this. Keep one of the two."),
        (definition(**{"from": "2026-12-02", "to": "2026-12-01"}), "to", "It ends before it starts. Choose a later end."),
        (definition(to="2026-08-26"), "to", "That day has passed. Choose a later one."),
        (definition(to="1999-12-31"), "to", "Enter a day such as 2026-12-01, from 2000 to 2199."),
        (definition(when=team("at_least", 5) | {}, but_not=team("at_least", 5)), "but_not",
         "“But not” says the same as “If”, so it holds for nobody."),
        (definition(when=team("at_least", 5), but_not=team("at_least", 3)), "but_not",
         "“But not” takes away everybody whom “If” finds."),
        (definition(when={"all": [team("at_least", 5), team("at_most", 3)]}), "if",
         "What it asks of “direct recruits” cannot be, so it holds for nobody."),
        ([], "", "Write this as fields in braces."),
    ],
)  # fmt: skip
def test_what_is_incomplete_or_contradicts_itself(raw: Any, path: str, said: str) -> None:
    assert (path, said) in problems(raw)


@pytest.mark.parametrize(
    ("until", "said"),
    [
        (None, "Say until when it stays on top."),
        ("2026-08-26", "That day has passed. Choose a later one."),
        ("2026-09-28", "Choose a day within the next 31 days."),
        ("for ever", "Enter a day such as 2026-12-01, from 2000 to 2199."),
    ],
)
def test_a_pin_expires(until: str | None, said: str) -> None:
    raw = definition({name: value for name, value in (PIN | {"until": until}).items() if value})
    assert problem(raw) == ("then.0.until", said)


def test_what_was_published_once_still_reads_when_its_days_have_passed() -> None:
    raw = definition(PIN, to="2026-10-01")
    assert read(raw, KNOWN, today=TODAY) == read(raw) == read(raw, today=TODAY)
    assert [path for path, _said in problems(raw, today=date(2027, 1, 1))] == ["then.0.until", "to"]


def test_names_are_checked_against_those_there_are() -> None:
    there = definition(ASK, {"effect": "segment", "segment": 7}, UP | {"target": {"line": "eye"}})
    read(there, KNOWN)
    gone = KNOWN._replace(segments={}, lines={}, activities={})
    assert problems(there, known=gone) == [
        ("then.0.activity", "There is no activity win-back."),
        ("then.1.segment", "This segment no longer exists. Choose another."),
        ("then.2.target.line", "There is no product line eye."),
    ]
    assert read(there) == read(there, KNOWN)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (definition(when={"fact": "rank", "is": "one_of", "value": ["x" * 21_000]}),
         "A rule has at most 20,000 characters"),
        (definition(TELL | {"title": {"en": "a\0b"}}), "This is not a rule that can be read."),
        (definition(TELL | {"title": {"en": "\ud800"}}), "This is not a rule that can be read."),
        (definition(UP | {"by": float("nan")}), "This is not a rule that can be read."),
        (definition(UP | {"by": date(2026, 1, 1)}), "This is not a rule that can be read."),
    ],
)  # fmt: skip
def test_what_is_huge_or_what_no_database_keeps(raw: Any, said: str) -> None:
    path, found = problem(raw)
    assert path == ""
    assert found.startswith(said)
    assert cannot_be_kept(raw) == found


def test_what_is_nested_without_end_is_refused() -> None:
    deep: Any = FELL
    for _level in range(100_000):
        deep = [deep]
    assert problem(definition(when=deep)) == ("", "This is not a rule that can be read.")


@pytest.mark.parametrize("seed", range(300))
def test_whatever_is_sent_is_refused_in_sentences_and_never_fails(seed: int) -> None:
    """Anything may come through the API: each field in turn becomes nonsense."""
    draw = random.Random(seed)
    everything = [ASK, UP, PIN, TELL, {"effect": "segment", "segment": 7}]
    raw = deepcopy(definition(*everything, but_not=GOLD, to="2026-12-01", priority=3))
    nonsense = [None, True, -1, 10**30, 1e308, "", "x", [], {}, [[]], {"a": None}, "{name", {"en": "{name.__class__}"}]
    for _change in range(draw.randint(1, 4)):
        place, key = draw.choice(list(places(raw)))
        place[key] = deepcopy(draw.choice(nonsense))
    try:
        found = read(raw, KNOWN, today=TODAY)
    except ConditionError as error:
        assert error.problems
        assert all(one.sentence.endswith((".", "?")) for one in error.problems)
    else:
        assert read(json.loads(json.dumps(written(found))), KNOWN, today=TODAY) == found
        sentence(found, KNOWN)


def places(raw: Any) -> Any:
    """Every container with each of its keys."""
    for key, value in list(raw.items() if isinstance(raw, dict) else enumerate(raw)):
        yield raw, key
        if isinstance(value, dict | list):
            yield from places(value)


def test_problems_speak_the_readers_language() -> None:
    with translation.override("de"):
        assert problem({"if": FELL, "then": []})[0] == "then"


# JSON Schema


def test_the_schema_describes_every_field_and_refers_to_what_it_defines() -> None:
    found = schema()
    assert set(found["properties"]) == {
        "$schema", "if", "but_not", "then", "from", "to", "priority", "cooldown_days", "held_back",
    }  # fmt: skip
    assert found["required"] == ["if", "then"]
    json.dumps(found)
    # Conditions are a resource of their own within it.
    assert found["$defs"]["condition"]["$id"]
    for one in refers(found | {"$defs": found["$defs"] | {"condition": {}}}):
        assert one.startswith("#/$defs/")
        assert one.removeprefix("#/$defs/") in found["$defs"]


def refers(found: Any) -> Any:
    for value in found.values() if isinstance(found, dict) else found:
        if isinstance(value, dict | list):
            yield from refers(value)
    if isinstance(found, dict) and "$ref" in found:
        yield found["$ref"]


def test_the_schemas_limits_are_the_readers() -> None:
    found = schema()["properties"]
    assert (found["then"]["maxItems"], definitions.MOST_EFFECTS) == (5, 5)
    for name, (least, most) in (
        ("priority", definitions.PRIORITY),
        ("cooldown_days", definitions.COOLDOWN),
        ("held_back", definitions.HELD_BACK),
    ):
        assert (found[name]["minimum"], found[name]["maximum"]) == (least, most)
        read(definition(**{name: least}))
        read(definition(**{name: most}))
        for beyond in (least - 1, most + 1):
            assert problem(definition(**{name: beyond}))[0] == name
