"""What a rule does: held while it holds, or left behind when it fires; and a new effect is one small class."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np
import pytest
from django.utils.translation import override

from activities.models import Activity
from distributors.conditions import ConditionError
from distributors.records import day_number
from kpis import definitions
from kpis.models import Call, Firing
from kpis.rule_effects import BLANKS, EFFECTS, KINDS, OWN_BLANKS, Effect, Fired, Offer, Standing, Writes, nothing
from kpis.rule_fields import Fields

from .rules import ASK, KNOWN, definition

OFFER = Offer(
    keys=["tips", "train", "win-back"], kinds=["refocus", "build_team", "reach_out"], lines=["eye", "", "eye"]
)
DAY = date(2026, 8, 27)
TOMORROW = date(2026, 8, 28)


def effect(raw: dict[str, Any]) -> Effect:
    [found] = definitions.read(definition(raw)).then
    assert {"effect": found.name, **found.written()} == raw
    return found


def held(
    *raws: dict[str, Any],
    matched: tuple[bool, ...] = (True, False),
    reached: tuple[bool, ...] = (True, True),
    day: date = DAY,
) -> Standing:
    """For two people, of whom the first matches, and the three activities of OFFER."""
    out = nothing(len(matched), len(OFFER.keys))
    for raw in raws:
        days = np.full(len(matched), day_number(day))
        effect(raw).hold(np.array(matched), np.array(reached), days, OFFER, out)
    return out


def fired(raw: dict[str, Any], leader: int | None = 9) -> Writes:
    out = Writes()
    effect(raw).fire(2, Fired(Firing(pk=1, distributor_id=5), leader, DAY, TOMORROW if leader else None), out)
    return out


def said(raw: dict[str, Any]) -> str:
    return effect(raw).sentence(KNOWN)


def problem(raw: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ConditionError) as found:
        definitions.read(definition(raw), KNOWN)
    [only] = found.value.problems
    return only.path, only.sentence


# While it holds


def test_suppress_hides_from_whom_it_matches() -> None:
    out = held({"effect": "suppress", "target": {"activity": "tips"}})
    assert out.barred.tolist() == [[1, 0, 0], [0, 0, 0]]


def test_eligible_is_for_those_it_matches_and_nobody_else() -> None:
    out = held({"effect": "eligible", "target": {"line": "eye"}})
    assert out.only.tolist() == [[1, 0, 1], [1, 0, 1]]
    assert out.let.tolist() == [[1, 0, 1], [0, 0, 0]]
    nobody = held({"effect": "eligible", "target": {"line": "eye"}}, matched=(False, False))
    assert nobody.only.any()
    assert not nobody.let.any()


def test_eligible_hides_nothing_from_those_for_whom_there_is_no_such_rule() -> None:
    out = held({"effect": "eligible", "target": {"line": "eye"}}, matched=(False, False), reached=(True, False))
    assert out.only.tolist() == [[1, 0, 1], [0, 0, 0]]
    assert {name for name, one in EFFECTS.items() if one.shuts_out} == {"eligible"}


def test_boosts_add_up() -> None:
    up, down = ({"effect": "boost", "target": {"kind": "refocus"}, "by": by} for by in (0.1, -0.04))
    assert held(up, down).boost.round(9).tolist() == [[0.06, 0, 0], [0, 0, 0]]


def test_a_pin_holds_to_the_end_of_its_day_and_the_first_one_comes_first() -> None:
    first, second = (
        {"effect": "pin", "target": {"activity": key}, "until": until}
        for key, until in (("tips", "2026-08-27"), ("win-back", "2026-08-30"))
    )
    assert held(first, second).pins.tolist() == [[1, 0, 2], [0, 0, 0]]
    assert held(second, first, first).pins.tolist() == [[2, 0, 1], [0, 0, 0]]
    assert held(first, second, day=TOMORROW).pins.tolist() == [[0, 0, 1], [0, 0, 0]]
    assert not held(first, second, day=date(2026, 8, 31)).pins.any()


@pytest.mark.parametrize("name", ["suppress", "eligible", "boost", "pin"])
def test_an_activity_that_is_gone_is_no_error(name: str) -> None:
    more = {"boost": {"by": 0.1}, "pin": {"until": "2026-08-30"}}.get(name, {})
    out, before = held({"effect": name, "target": {"activity": "gone"}, **more}), nothing(2, 3)
    assert all((a == b).all() for a, b in zip(out, before, strict=True))


@pytest.mark.parametrize(
    ("target", "places"), [({"activity": "train"}, [1]), ({"kind": "reach_out"}, [2]), ({"line": "eye"}, [0, 2])]
)
def test_targets(target: dict[str, str], places: list[int]) -> None:
    out = held({"effect": "suppress", "target": target})
    assert np.flatnonzero(out.barred[0]).tolist() == places


def test_kinds_are_those_of_activities() -> None:
    assert {name: str(label) for name, label in KINDS.items()} == {
        name: str(label) for name, label in Activity.Kind.choices
    }


def test_what_stands_leaves_nothing_behind_and_what_fires_holds_nothing() -> None:
    for raw in ({"effect": "suppress", "target": {"activity": "tips"}},):
        assert fired(raw) == Writes()
    out, before = held(ASK), nothing(2, 3)
    assert all((a == b).all() for a, b in zip(out, before, strict=True))
    assert {name for name, one in EFFECTS.items() if one.fires} == {"trigger", "notice", "segment"}


# When it fires


def test_a_trigger_is_a_call_for_so_many_days() -> None:
    [call] = fired(ASK).calls
    assert (call.to_id, call.what, call.place, call.activity) == (5, Call.What.ACTIVITY, 2, "win-back")
    assert (call.firing.pk, call.since, call.until) == (1, DAY, date(2026, 9, 2))


def test_for_her_leader_on_her_leaders_day() -> None:
    [call] = fired(ASK | {"for": "leader"}).calls
    assert (call.to_id, call.since, call.until) == (9, TOMORROW, date(2026, 9, 3))
    assert fired(ASK | {"for": "leader"}, leader=None) == Writes()


def test_a_notice_is_a_call_without_an_activity() -> None:
    raw = {"effect": "notice", "for": "her", "days": 1, "title": {"en": "News"}, "text": {"en": "Look."}}
    [call] = fired(raw).calls
    assert (call.to_id, call.what, call.activity) == (5, Call.What.NOTICE, "")
    assert (call.since, call.until) == (DAY, DAY)


@pytest.mark.parametrize(("days", "until"), [({"days": 28}, date(2026, 9, 23)), ({}, None)])
def test_a_member_for_so_many_days(days: dict[str, int], until: date | None) -> None:
    [member] = fired({"effect": "segment", "segment": 7, **days}).members
    assert (member.segment_id, member.distributor_id, member.since, member.until) == (7, 5, DAY, until)


# In words


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (ASK, "show “Win {name} back” on top of her list for 7 days"),
        (ASK | {"days": 1, "for": "leader"}, "show her leader “Win {name} back” on top of the list for 1 day"),
        ({"effect": "notice", "for": "leader", "days": 3, "title": {"en": "Call {name}"}, "text": {"en": "{reason}"}},
         "tell her leader: “Call {name}”"),
        ({"effect": "pin", "target": {"activity": "tips"}, "until": "2026-09-01"},
         "put “Tips for the new line” on top of her list until 1 September 2026"),
        ({"effect": "boost", "target": {"kind": "refocus"}, "by": -0.05},
         "move activities of the kind “Refocus” down by 5 points"),
        ({"effect": "boost", "target": {"line": "eye"}, "by": 0.01}, "move activities of the line “Eye” up by 1 point"),
        ({"effect": "boost", "target": {"line": "eye"}, "by": 0.03}, "move activities of the line “Eye” up by 3 points"),
        ({"effect": "boost", "target": {"line": "eye"}, "by": 0.02449},
         "move activities of the line “Eye” up by 2.4 points"),
        ({"effect": "boost", "target": {"line": "eye"}, "by": 0.1}, "move activities of the line “Eye” up by 10 points"),
        ({"effect": "suppress", "target": {"activity": "tips"}}, "do not show “Tips for the new line”"),
        ({"effect": "eligible", "target": {"activity": "tips"}},
         "show “Tips for the new line” only to her"),
        ({"effect": "segment", "segment": 7, "days": 28}, "add her to “Comeback” for 28 days"),
        ({"effect": "segment", "segment": 7}, "add her to “Comeback”"),
    ],
)  # fmt: skip
def test_it_says_what_it_does(raw: dict[str, Any], sentence: str) -> None:
    assert said(raw) == sentence


def test_a_notice_speaks_to_its_reader() -> None:
    found = effect(
        {
            "effect": "notice", "for": "leader", "days": 3,
            "title": {"en": "Call {name}", "de": "Ruf {name} an"}, "text": {"en": "{reason}. [{sales_7} so far.]"},
        }
    )  # fmt: skip
    blanks = {"name": "Dora {x}", "reason": "Half of it."}
    assert found.said("de-at", **blanks) == ("Ruf Dora x an", "Half of it.")
    assert found.said("es", **blanks, figures={"sales_7": "$40"}) == ("Call Dora x", "Half of it. $40 so far.")


def test_hq_reads_its_title_in_the_language_of_the_page() -> None:
    raw = {
        "effect": "notice", "for": "her", "days": 3, "title": {"en": "News", "de": "Neues"}, "text": {"en": "Look."},
    }  # fmt: skip
    with override("de-at"):
        assert "Neues" in said(raw)
    with override("es"):
        assert "News" in said(raw)


# Refused

FIELDS = "The fields are: " + ", ".join(f"{{{one}}}" for one in BLANKS + OWN_BLANKS) + "."


@pytest.mark.parametrize(
    ("changed", "path", "sentence"),
    [
        ({"title": {"de": "Neues"}}, "title.en", "Write it in English at least: who reads another language gets that until it is written."),
        ({"text": {}}, "text.en", "Write it in English at least: who reads another language gets that until it is written."),
        ({"text": {"en": " "}}, "text.en", "English: Write it in words."),
        ({"text": {"en": 5}}, "text.en", "English: Write it in words."),
        ({"text": {"en": "Hi {me}"}}, "text.en", f"English: {{me}} is not a field. {FIELDS}"),
        ({"text": {"en": "Hi {}"}}, "text.en", f"English: {{}} is not a field. {FIELDS}"),
        ({"text": {"en": "{name.__class__}"}}, "text.en", f"English: {{name.__class__}} is not a field. {FIELDS}"),
        ({"text": {"en": "{name!r}"}}, "text.en", f"English: {{name!r}} is not a field. {FIELDS}"),
        ({"text": {"en": "{name:>999999}"}}, "text.en", f"English: {{name:>999999}} is not a field. {FIELDS}"),
        ({"text": {"en": "Hi", "de": "Hallo {me}"}}, "text.de", f"German: {{me}} is not a field. {FIELDS}"),
        ({"text": {"en": "Hi {name"}}, "text.en", "English: Each { needs its } in the same line, with the name of a field between them."),
        ({"text": {"en": "Hi [there"}}, "text.en", "English: Each [ needs its ] in the same line."),
        ({"title": {"en": "{prize_left} to go"}}, "title.en", "English: Without her figures nothing is left of it: put the part that needs one in [brackets]."),
        ({"for": "leader", "text": {"en": "News.[ {goal_left}]"}}, "text.en", "English: Her leader is not told her goals and prizes: leave out {goal_left}."),
        ({"title": {"en": "x" * 121}}, "title.en", "English: Keep it within 120 characters."),
        ({"text": {"en": "Hi", "xx": "Hi"}}, "text.xx", "There is no field xx here."),
        ({"days": 31}, "days", "Enter a whole number from 1 to 30."),
        ({"for": "everybody"}, "for", "Choose whom it is for: her or her leader."),
        ({"loud": True}, "loud", "There is no field loud here."),
    ],
)  # fmt: skip
def test_a_notice_is_refused(changed: dict[str, Any], path: str, sentence: str) -> None:
    raw = {"effect": "notice", "for": "her", "days": 3, "title": {"en": "News"}, "text": {"en": "Look."}} | changed
    assert problem(raw) == (f"then.0.{path}", sentence)


@pytest.mark.parametrize("by", [0, 0.11, -0.2, "0.05", True, None])
def test_a_boost_is_bounded(by: object) -> None:
    path, sentence = problem({"effect": "boost", "target": {"kind": "refocus"}, "by": by})
    assert path == "then.0.by"
    assert sentence == (
        "0 moves nothing. Enter more, or less." if by == 0 else "Enter a number of points from −10 to +10."
    )


@pytest.mark.parametrize("target", [{}, {"activity": "tips", "kind": "refocus"}, {"colour": "red"}])
def test_a_target_is_one_of_three(target: dict[str, str]) -> None:
    told = "Choose one activity, one kind of activity or one product line."
    assert problem({"effect": "suppress", "target": target}) == ("then.0.target", told)


@pytest.mark.parametrize("target", [{"kind": "singing"}, {"line": "moon"}, {"activity": "gone"}, {"activity": 5}])
def test_a_target_that_is_not_there(target: dict[str, Any]) -> None:
    path, _sentence = problem({"effect": "suppress", "target": target})
    assert path == f"then.0.target.{next(iter(target))}"


def test_a_pin_is_of_one_activity() -> None:
    path, _sentence = problem({"effect": "pin", "target": {"activity": "tips", "kind": "x"}, "until": "2026-09-01"})
    assert path == "then.0.target.kind"


@pytest.mark.parametrize("days", [0, 366, "7", 7.5])
def test_a_stay_is_a_year_at_most(days: object) -> None:
    assert problem({"effect": "segment", "segment": 7, "days": days})[0] == "then.0.days"


# A new one


@dataclass(frozen=True)
class Ring(Effect):
    """Rings a bell so many times."""

    name = "ring"
    label = "Ring"
    fires = True
    times: int

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.whole("times", 1, 3))

    def written(self) -> dict[str, Any]:
        return {"times": self.times}

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {"times": {"type": "integer", "minimum": 1, "maximum": 3}}

    def sentence(self, names: object) -> str:
        return f"ring {self.times} times"

    def fire(self, place: int, fired: Fired, out: Writes) -> None:
        out.calls.append(Call(firing=fired.firing, to_id=fired.firing.distributor_id, place=place))


def test_a_new_effect_is_one_class_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EFFECTS, Ring.name, Ring)
    raw = definition({"effect": "ring", "times": 2}, ASK)
    found = definitions.read(raw)
    assert definitions.written(found)["then"] == raw["then"]
    assert "then ring 2 times and show" in definitions.sentence(found, KNOWN)
    [call] = fired({"effect": "ring", "times": 2}).calls
    assert (call.place, call.to_id) == (2, 5)
    assert problem({"effect": "ring", "times": 4}) == ("then.0.times", "Enter a whole number from 1 to 3.")
    named = [one["properties"]["effect"]["const"] for one in definitions.schema()["$defs"]["effect"]["oneOf"]]
    assert named == [*EFFECTS]
