"""The catalogue of activities: complete, readable, compliant, measurable, and loaded the same each time."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from activities import catalogue
from activities.catalogue import CatalogueError, Content, load, read
from activities.models import Activity, ActivityText, Skill
from distributors.metrics import METRICS, How, split_key
from tests import factories

LINES = {"eye", "lip", "skin", "body", "fragrance"}
# What regulators read as a claim, and what presses or blames, by language.
BANNED = {
    "en": r"\bearn|income|guarantee|\bcures?\b|\bheals?\b|anti-?ag|the company wants|limited time|hurry|last chance"
    r"|don.t miss|disappoint|you should have|\bfree money|financial freedom|lose weight|detox",
    "de": r"verdien|einkommen|garantier|\bheilt|heilung|letzte chance|(firma|unternehmen) (will|möchte)|enttäusch"
    r"|nur noch heute|finanzielle freiheit|abnehmen|entgift",
    "es": r"gana(r|s|rás)? (dinero|más)|ingresos|garantiz|\bcura(r|n)?\b|sanar|última oportunidad|la empresa quiere"
    r"|decepcion|libertad financiera|adelgaz|desintoxic|date prisa",
}
LOUD = re.compile("[!¡\N{DOUBLE EXCLAMATION MARK}\N{FULLWIDTH EXCLAMATION MARK}\u2600-\u27bf\U0001f000-\U0001faff]")
PERSON = set(Activity.About.values) - {Activity.About.NOBODY}


@pytest.fixture(scope="module")
def content() -> Content:
    return read()


@pytest.fixture
def lines(db: None) -> None:
    for code in LINES:
        factories.product_line(code)


def words(content: Content) -> list[tuple[str, str, dict[str, str]]]:
    return [(language, key, told) for language, texts in content.words.items() for key, told in texts.items()]


def state() -> list[Any]:
    """Everything loaded, without primary keys and clocks."""
    facts = ["key", "kind", "form", "about", "line__code", "minutes", "p_done", "impacts", "skill__key", "skill_gain",
             "closes_on", "again_after_days", "status"]  # fmt: skip
    texts = ["activity__key", "language", "title", "summary", "body", "message"]
    return [
        list(Activity.objects.order_by("key").values(*facts)),
        list(ActivityText.objects.order_by("activity__key", "language").values(*texts)),
        list(Skill.objects.order_by("key").values("key", "name", "wanted")),
    ]


def test_it_works(lines: None) -> None:
    loaded = load()
    assert loaded.activities == Activity.objects.published().count() >= 60
    assert loaded.texts == ActivityText.objects.count() >= loaded.activities
    assert loaded.skills == Skill.objects.count() == 9
    video = Activity.objects.get(key="eye-refill-video")
    assert (video.kind, video.about, video.line and video.line.code) == ("reach_out", "one_time", "eye")
    assert video.p_done == 0.46
    assert video.impacts == {"sales": 18, "repeat_orders:eye": 0.22, "order_size": 1.0}
    assert video.texts.get(language="en").title == "Send {name} the eye-liner video"


def test_twice_is_the_same(lines: None) -> None:
    first = load()
    before = state()
    assert load() == first
    assert state() == before


def test_what_others_made_stays(lines: None) -> None:
    load()
    own = factories.activity("our-own", "Ours")
    Activity.objects.filter(key="birthday-note").update(status=Activity.Status.RETIRED)
    retired = Activity.objects.get(key="birthday-note")
    retired.markets.add(factories.market())
    ActivityText.objects.create(activity=retired, language="fr", title="Bon anniversaire, {name}")
    load()
    retired.refresh_from_db()
    assert retired.status == Activity.Status.RETIRED
    assert retired.markets.count() == 1
    assert retired.texts.filter(language="fr").exists()
    assert own.texts.get().title == "Ours"


def test_every_kind_form_and_person(content: Content) -> None:
    facts = content.facts.values()
    kinds = Counter(fact["kind"] for fact in facts)
    assert set(kinds) == set(Activity.Kind.values)
    assert min(kinds.values()) >= 10
    assert {fact["form"] for fact in facts} == set(Activity.Form.values)
    assert {fact["about"] for fact in facts} == set(Activity.About.values)
    assert {fact["skill"] for fact in facts if fact["form"] == "lesson"} == set(content.skills)


def test_every_language_is_complete(content: Content) -> None:
    assert "en" in content.words
    for language, texts in content.words.items():
        assert texts.keys() == content.facts.keys(), language
        for skill in content.skills.values():
            assert language in skill["name"]


def test_impacts_can_be_measured(content: Content) -> None:
    for key, fact in content.facts.items():
        assert catalogue.lines_of(fact) <= LINES, key
        assert fact["impacts"], key
        for impact, effect in fact["impacts"].items():
            metric, scope = split_key(impact)
            assert not scope or METRICS[metric].scoped
            assert effect > 0
            # One message does not bring several orders or people.
            if METRICS[metric].how is How.SUM and metric not in {"sales", "active_days"}:
                assert effect <= 1, key
            if metric == "sales":
                assert effect <= 30, key


def test_a_result_can_close_it(content: Content) -> None:
    """A new contact or recruit is nobody she was shown before, and an order says little of a card about nobody."""
    for key, fact in content.facts.items():
        match fact.get("closes_on"):
            case "contact.added":
                assert fact["about"] == "nobody", key
            case "distributor.enrolled":
                assert fact["about"] == "prospect", key
            case "order.placed" | "contact.replied":
                assert fact["about"] in PERSON, key
            case None:
                pass
            case other:
                pytest.fail(f"{key} closes on {other}")


def test_words_fit_the_page(content: Content) -> None:
    for language, key, told in words(content):
        fact, at = content.facts[key], f"{language} {key}"
        room = 1.0 if language == "en" else 1.3  # other languages take more letters for the same
        assert len(told["title"]) <= 60 * room, at
        assert len(told["summary"]) <= 100 * room, at
        assert not told["title"].endswith("."), at
        assert told["summary"].endswith((".", "?")), at
        least, most = (120, 220) if fact["form"] == "lesson" else (35, 90)
        # Compounds (de) make fewer words, articles (es) more.
        slack = 0 if language == "en" else 0.35
        assert least * (1 - slack) <= len(told["body"].split()) <= most * (1 + slack), at
        assert len(told.get("message", "")) <= 240 * room, at


def test_people_are_named(content: Content) -> None:
    for language, key, told in words(content):
        fact, at = content.facts[key], f"{language} {key}"
        if fact["about"] in PERSON:
            assert "{name}" in told["title"], at
        if fact["form"] in ("message", "call"):
            assert "{name}" in told["message"], at
            assert "{me}" in told["message"], at
        else:
            assert "message" not in told, at


def test_a_todo_has_steps_and_a_lesson_something_to_try(content: Content) -> None:
    for key, told in content.words["en"].items():
        if content.facts[key]["form"] == "lesson":
            assert "**Try it:**" in told["body"], key
        else:
            assert len(re.findall(r"^\d\. ", told["body"], re.MULTILINE)) >= 3, key


def test_copy_is_calm_and_makes_no_claims(content: Content) -> None:
    for language, key, told in words(content):
        for part, text in told.items():
            at = f"{language} {key} {part}"
            assert not LOUD.search(text), at
            found = re.search(BANNED.get(language, BANNED["en"]), text, re.IGNORECASE)
            assert not found, f"{at}: {found}"


def test_nothing_is_said_twice(content: Content) -> None:
    for language, texts in content.words.items():
        for part in ("title", "summary", "message"):
            said = Counter(told[part] for told in texts.values() if part in told)
            assert [text for text, n in said.items() if n > 1] == [], language


# -- refusals


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(catalogue.FOLDER, tmp_path / "catalogue"))


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("reach_out.toml", "sales = 18", "glory = 18", "impact on glory, which cannot be measured"),
        ("build_team.toml", "enrolments = 0.15", '"enrolments:eye" = 0.15', "impact on enrolments:eye"),
        ("reach_out.toml", 'closes_on = "order.placed"', 'closes_on = "order.dreamt"', "unknown event order.dreamt"),
        ("reach_out.toml", 'about = "birthday"', 'about = "wedding"', "birthday-note has a wrong about"),
        ("reach_out.toml", "p_done = 0.58", 'p_done = "often"', "birthday-note has a wrong p_done"),
        ("reach_out.toml", "p_done = 0.58", "chance = 0.58", "unknown field or lacks chance"),
        ("refocus.toml", 'skill = "planning"', 'skill = "juggling"', "unknown skill juggling"),
        ("refocus.toml", 'key = "goal-that-fits"', 'key = "birthday-note"', "birthday-note is in the catalogue twice"),
        ("refocus.toml", 'key = "goal-that-fits"', 'key = "close-the-gap-list"', "close-the-gap-list twice"),
        ("refocus.toml", "minutes = 30", "minutes = ", "refocus.toml is not TOML"),
        ("en/refocus.toml", "[goal-that-fits]", "[goal-that-fit]", "goal-that-fits has no English words"),
        ("en/reach_out.toml", "Wish {name}", "Wish {nmae}", "use {nmae}, which cannot be filled"),
        ("en/reach_out.toml", "Wish {name}", "Wish {product}", "use {product}, which cannot be filled"),
        ("en/reach_out.toml", "[birthday-note]", "[birthday-note]\nsubtitle = 'x'", "unknown part subtitle"),
        ("skills.toml", "wanted = 0.9", "wanted = 9", "Skill fair-claims needs"),
    ],
)
def test_wrong_content_is_refused_in_one_sentence(folder: Path, file: str, old: str, new: str, sentence: str) -> None:
    path = folder / file
    before = path.read_text(encoding="utf-8")
    assert old in before
    path.write_text(before.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CatalogueError, match=re.escape(sentence)) as refused:
        read(folder)
    assert str(refused.value).endswith(".")


def test_words_for_nothing_are_refused(folder: Path) -> None:
    (folder / "fr").mkdir()
    (folder / "fr" / "refocus.toml").write_text("[no-such-key]\ntitle = 'Rien'\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="The words of no-such-key in fr belong to no activity."):
        read(folder)


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "refocus.toml").unlink()
    with pytest.raises(CatalogueError, match="refocus.toml is missing from the catalogue."):
        read(folder)


@pytest.mark.django_db
def test_without_its_product_line_nothing_is_written() -> None:
    for code in LINES - {"eye"}:
        factories.product_line(code)
    with pytest.raises(CatalogueError, match="needs the product line eye, which does not exist"):
        load()
    assert not Activity.objects.exists()
    assert not Skill.objects.exists()
