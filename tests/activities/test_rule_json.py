"""A rule as JSON: taken along, and another one begun with it; what is wrong with a text is told, and the text kept."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from activities.models import Activity
from activities.rules.as_json import MOST_BYTES
from distributors.models import Role
from kpis.models import Rule, RuleDraft
from tests import factories as make
from tests.activities.test_rules_pages import COMPLETE, FELL, Desk, live, plain
from tests.pages import now, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

NAME = "Begun with a text"


@pytest.fixture(autouse=True)
def win_back() -> Activity:
    return make.activity("win-back", "Win {name} back", about=Activity.About.LAPSED)


def send(text: str, name: str = NAME, desk: Desk | None = None) -> Any:
    return (desk or Desk()).post("rule_from_json", name=name, definition=text)


def refused(text: str) -> str:
    """What is told of it; nothing is made, and the text is in its field."""
    response = send(text)
    assert response.status_code == 422 and not Rule.objects.exists()
    assert response.context["typed"].text == text and response.context["typed"].name == NAME
    return plain(response)


def test_it_works() -> None:
    """Out of one rule and into another, which opens in the builder."""
    rule, desk = live(), Desk()
    assert reverse("rule_json", args=[rule.pk]) in words(desk.get("rule", rule.pk))
    taken = desk.get("rule_json", rule.pk)
    assert taken["Content-Type"] == "application/json; charset=utf-8"
    assert taken["Content-Disposition"] == 'attachment; filename="sales-fell-by-half-against-her-own-four-weeks.json"'
    assert taken.content.decode().index('"fact"') < taken.content.decode().index('"value"')
    said = taken.json()
    assert said.pop("$schema") == "http://testserver" + reverse("rule_schema")
    assert said == COMPLETE

    assert reverse("rule_from_json") in words(desk.get("rules"))
    assert desk.get("rule_from_json").status_code == 200
    response = send(taken.content.decode(), desk=desk)
    made = Rule.objects.get(name=NAME)
    assert (response.status_code, response["Location"]) == (303, reverse("rule_edit", args=[made.pk]))
    assert made.state == Rule.State.DRAFT and made.draft.definition == COMPLETE and made.draft.by == desk.user
    assert "fell by 50% or more" in plain(desk.get("rule_edit", made.pk))


def test_what_is_taken_keeps_to_the_schema_that_it_names() -> None:
    desk = Desk(Role.HQ_VIEWER)
    validator = jsonschema_rs.Draft202012Validator(desk.get("rule_schema").json())
    taken = desk.get("rule_json", live().pk).json()
    validator.validate(taken)
    assert not validator.is_valid(taken | {"schema": "x"})


def test_a_draft_is_taken_where_it_is_asked_for_or_all_there_is() -> None:
    rule, desk = live(), Desk(Role.HQ_VIEWER)
    RuleDraft.objects.create(rule=rule, definition=COMPLETE | {"priority": 70}, based_on=1, saved_at=make.NOW)
    assert desk.get("rule_json", rule.pk).json()["priority"] == 50
    assert desk.get("rule_json", rule.pk, of="draft").json()["priority"] == 70
    alone = Rule.objects.create(name="規則", created_at=make.NOW)
    assert list(desk.get("rule_json", alone.pk).json()) == ["$schema"]
    assert f'filename="rule-{alone.pk}.json"' in desk.get("rule_json", alone.pk)["Content-Disposition"]


def test_every_problem_is_told_with_its_path() -> None:
    said = {"if": {"all": [FELL | {"value": "half"}, {"fact": "mood"}]}, "then": [{"effect": "sing"}], "colour": 1}
    page = refused(json.dumps(said))
    assert "What you typed is still here:" in page
    assert "if.all.0.value Enter a number." in page
    assert "if.all.1.fact There is no fact “mood”." in page
    assert "then.0.effect Choose what happens." in page
    assert "colour" in page


def test_names_that_are_not_there_are_told() -> None:
    said = COMPLETE | {"then": [{"effect": "trigger", "activity": "gone", "for": "her", "days": 7}]}
    assert "then.0.activity" in refused(json.dumps(said))


@pytest.mark.parametrize(("text", "said"), [
    ("", "This is not JSON: look at line 1, character 1."),
    ('{\n  "if": {,\n}', "This is not JSON: look at line 2, character 10."),
    ("[]", "Write this as fields in braces."),
    ("null", "Write this as fields in braces."),
    ('{"if": 1, "if": 2}', "A field stands here twice: if. Remove one of them."),
    ('{"priority": NaN}', "This is not a rule that can be read."),
    ('{"priority": 1' + "0" * 5000 + "}", "This is not a rule that can be read."),
    ("[" * 60_000, "This is not a rule that can be read."),
    ('{"x": "\\u0000"}', "This is not a rule that can be read."),
    ('{"\\ud800": 1}', "This is not a rule that can be read."),
    (json.dumps({"if": "x" * 30_000}), "A rule has at most 20,000 characters"),
])  # fmt: skip
def test_what_is_no_rule_is_told_in_a_sentence(text: str, said: str) -> None:
    assert said in refused(text)


def test_a_file_is_read_into_the_field() -> None:
    desk = Desk()
    text = json.dumps(COMPLETE | {"priority": 900})
    sent = {"name": NAME, "definition": "left", "file": SimpleUploadedFile("r.json", b"\xef\xbb\xbf" + text.encode())}
    response = desk.post("rule_from_json", **sent)
    assert response.status_code == 422 and "priority Enter a whole number from 1 to 100." in plain(response)
    assert response.context["typed"].text == text
    sent["file"] = SimpleUploadedFile("r.json", json.dumps(COMPLETE).encode())
    assert desk.post("rule_from_json", **sent).status_code == 303
    assert RuleDraft.objects.get().definition == COMPLETE


@pytest.mark.parametrize(("content", "said"), [
    (b"\xff\xfe{", "This file is not text. Choose a file of JSON, in UTF-8."),
    (b" " * (MOST_BYTES + 1), "This is more than 200 kB. A rule is far shorter."),
])  # fmt: skip
def test_a_file_that_is_none_leaves_what_was_typed(content: bytes, said: str) -> None:
    sent = {"name": NAME, "definition": "typed before", "file": SimpleUploadedFile("r.json", content)}
    response = Desk().post("rule_from_json", **sent)
    assert response.status_code == 422 and said in plain(response)
    assert response.context["typed"].text == "typed before"


def test_a_text_is_200_kilobytes_at_most() -> None:
    text = json.dumps(COMPLETE)
    assert "This is more than 200 kB." in refused(text + " " * (MOST_BYTES + 1 - len(text)))
    assert send(text + " " * (MOST_BYTES - len(text))).status_code == 303


@pytest.mark.parametrize("name", ["", "Taken"])
def test_a_name_that_will_not_do_keeps_the_text(name: str) -> None:
    Rule.objects.create(name="Taken", created_at=make.NOW)
    response = send(json.dumps(COMPLETE), name)
    assert response.status_code == 422 and response.context["refused"]
    assert response.context["typed"].text == json.dumps(COMPLETE)


def test_who_only_reads_takes_and_begins_none() -> None:
    rule, desk = live(), Desk(Role.HQ_VIEWER)
    assert desk.get("rule_json", rule.pk).status_code == 200
    assert desk.get("rule_from_json").status_code in {302, 303, 403, 404}
    assert send(json.dumps(COMPLETE), desk=desk).status_code in {302, 303, 403, 404}
    assert reverse("rule_from_json") not in words(desk.get("rules"))
    assert Rule.objects.count() == 1
