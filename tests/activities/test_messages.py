"""Which message is offered first, in which language, and the messages that a company starts with."""

from __future__ import annotations

import re
import shutil
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities import catalogue
from activities.library import starter_items
from activities.messages import starter_texts, words
from activities.messages.offering import languages_for, messages_for
from activities.messages.starter_texts import MessageFileError, load, read
from activities.models import Asset, BlockedPhrase, MessageTemplate, MessageTemplateText
from distributors.models import Customer, Distributor
from distributors.reorder import Due
from tests import factories as make

from .test_words import ALL, holes

pytestmark = pytest.mark.django_db


@pytest.fixture
def her() -> Distributor:
    return make.distributor(name="Jenna Reyes")


@pytest.fixture
def maya(her: Distributor) -> Customer:
    return make.customer(her, name="Maya Brooks")


def names(her: Distributor, maya: Customer, **asked: Any) -> list[str]:
    asked = {"reason": "reorder_due", "line_id": None, "as_of": make.NOW} | asked
    return [message.template.name for message in messages_for(her, maya, **asked)]


def test_it_works(her: Distributor, maya: Customer) -> None:
    asset = Asset.objects.create(key="two-looks", status="published", expires_on=make.TODAY)
    template = make.message_template(
        "Hi[ {name}], how is the {product}? [Look: {link}]\n{me}",
        subject="Your {product}",
        about="reorder_due",
        asset=asset,
    )
    due = Due(maya, "reorder_due", 0.5, {"product": "Lumen Liner"})
    (message,) = messages_for(her, maya, reason="reorder_due", line_id=None, as_of=make.NOW, due=due)
    assert (message.template, message.subject, message.language, message.asset) == (
        template,
        "Your Lumen Liner",
        "en",
        asset,
    )
    assert message.body == "Hi Maya, how is the Lumen Liner?\nJenna"
    assert (
        message.linked("https://x.example/s/1").body
        == "Hi Maya, how is the Lumen Liner? Look: https://x.example/s/1\nJenna"
    )


def test_the_best_fit_is_first(her: Distributor, maya: Customer) -> None:
    eye, lip = make.product_line("eye"), make.product_line("lip")
    make.message_template(name="A any")
    make.message_template(name="B line", line=eye)
    make.message_template(name="C reason", about="reorder_due")
    make.message_template(name="D both", about="reorder_due", line=eye)
    make.message_template(name="E other line", about="reorder_due", line=lip)
    make.message_template(name="F other reason", about="birthday")
    assert names(her, maya, line_id=eye.pk) == ["D both", "C reason", "B line", "A any"]
    assert names(her, maya) == ["C reason", "A any"]
    assert names(her, maya, reason=None) == ["A any"]
    assert names(her, maya, reason="") == ["A any"]


@pytest.mark.parametrize("status", ["draft", "retired"])
def test_only_what_is_published(her: Distributor, maya: Customer, status: str) -> None:
    make.message_template(status=status)
    assert names(her, maya) == []


def test_what_would_say_nothing_is_not_offered(her: Distributor, maya: Customer) -> None:
    make.message_template("Your {product} is due.")
    assert names(her, maya) == []


def in_languages(name: str, *codes: str, **fields: Any) -> MessageTemplate:
    first, *others = codes
    template = make.message_template(f"In {first}.", first, name=name, **fields)
    for code in others:
        MessageTemplateText.objects.create(template=template, language=code, body=f"In {code}.")
    return template


@pytest.mark.parametrize(
    ("hers", "customers", "asked", "said"),
    [
        ("de", "es", "", "es"), ("de", "", "", "de"), ("de", "fr", "", "de"), ("fr", "", "", "en"), ("de", "es", "en", "en"),
        ("de", "es-mx", "", "es"), ("de", "es", "fr", "es"), ("de", "ES", "", "es"),
    ],
)  # fmt: skip
def test_her_customer_s_language_then_hers_then_english(hers: str, customers: str, asked: str, said: str) -> None:
    her = make.distributor(language=hers)
    in_languages("A", "en", "de", "es")
    maya = make.customer(her, language=customers)
    (message,) = messages_for(her, maya, reason=None, line_id=None, language=asked, as_of=make.NOW)
    assert (message.language, message.body) == (said, f"In {said}.")


def test_words_she_can_read_come_before_a_better_fit() -> None:
    her = make.distributor(language="en")
    maya = make.customer(her, language="de")
    in_languages("A reason", "en", about="reorder_due")
    in_languages("B any", "de", "en")
    in_languages("C nobody's", "fr")
    assert names(her, maya) == ["B any", "A reason"]


def test_figures_are_in_the_language_of_the_message() -> None:
    her = make.distributor(language="en")
    maya = make.customer(her, language="de", usual_gap_days=35.0)
    make.message_template("Du bestellst alle {usual}.", "de")
    (message,) = messages_for(her, maya, reason=None, line_id=None, as_of=make.NOW)
    assert message.body == "Du bestellst alle 5 Wochen."


@pytest.mark.parametrize(
    ("fields", "there"),
    [
        ({}, True), ({"status": "draft"}, False), ({"status": "retired"}, False), ({"expires_on": make.TODAY}, True),
        ({"expires_on": make.TODAY - timedelta(1)}, False),
    ],
)  # fmt: skip
def test_what_is_no_longer_shown_is_left_out(
    her: Distributor, maya: Customer, fields: dict[str, Any], there: bool
) -> None:
    asset = Asset.objects.create(**{"key": "a", "status": "published"} | fields)
    make.message_template("Hello. Have a look: {link}", asset=asset)
    (message,) = messages_for(her, maya, reason=None, line_id=None, as_of=make.NOW)
    assert (message.asset == asset, message.body) == (there, "Hello.")


def test_the_languages_on_offer(maya: Customer) -> None:
    her = make.distributor(language="de")
    activity = make.activity("call")
    for code, message in (("en", "Hi"), ("fr", "Salut"), ("it", "")):
        activity.texts.update_or_create(language=code, defaults={"title": "x", "message": message})
    in_languages("A", "en", "es")
    in_languages("B", "pt", about="birthday")
    asked: dict[str, Any] = {"reason": "reorder_due", "line_id": None}
    assert languages_for(her, make.customer(her, language="es"), **asked) == ["es", "en"]
    assert languages_for(her, make.customer(her), activity=activity, **asked) == ["en", "es", "fr"]


def test_the_number_of_queries(her: Distributor, maya: Customer, django_assert_num_queries: Any) -> None:
    for n in range(8):
        in_languages(f"Message {n}", "en", "de")
    with django_assert_num_queries(3):  # templates, texts, the last product
        assert len(names(her, maya)) == 8


# What a company starts with


@pytest.fixture
def lines(db: None) -> None:
    for code in ("eye", "skin", "lip", "body", "hair", "fragrance", "wellness", "sets"):
        make.product_line(code)


def test_a_company_starts_with_messages_for_each_reason(lines: None) -> None:
    added = load()
    assert added.messages == MessageTemplate.objects.published().count() >= 20
    assert added.texts == MessageTemplateText.objects.count() == 3 * added.messages
    assert added.phrases == BlockedPhrase.objects.count() >= 300
    abouts = set(MessageTemplate.objects.filter(line=None).values_list("about", flat=True))
    assert abouts == {"", *(value for value, _label in MessageTemplate.ABOUT)}


def test_twice_adds_nothing_and_hq_s_edits_stay(lines: None) -> None:
    load()
    template = MessageTemplate.objects.get(name="Birthday: a wish")
    template.texts.filter(language="de").delete()
    template.texts.filter(language="en").update(body="Our own words.")
    MessageTemplate.objects.filter(pk=template.pk).update(status="retired")
    BlockedPhrase.objects.filter(phrase="quit your job").update(is_active=False, instead="Ours")
    MessageTemplate.objects.filter(name="Birthday: something put aside").delete()
    added = load()
    assert (added.messages, added.texts, added.phrases) == (1, 3, 0)
    template.refresh_from_db()
    assert (template.status, template.texts.get(language="en").body) == ("retired", "Our own words.")
    assert not template.texts.filter(language="de").exists()
    assert not BlockedPhrase.objects.get(phrase="quit your job").is_active


def test_lines_a_company_does_not_have_are_left_out() -> None:
    make.product_line("eye")
    load()
    assert set(MessageTemplate.objects.values_list("line__code", flat=True)) == {None, "eye"}


def texts() -> list[tuple[str, str, str]]:
    """(language and key, subject, body)"""
    found = read().words
    return [
        (f"{code} {key}", said["subject"], said["body"])
        for code, said_by in found.items()
        for key, said in said_by.items()
    ]


def test_every_message_reads_well_whatever_is_known() -> None:
    only_a_name = {"name": "Maya", "me": "Jenna", "company": "YouSystem"}
    for at, subject, body in texts():
        for known in (ALL, only_a_name, {}):
            for text in (words.render(subject, known), words.render(body, known)):
                assert holes(text) == [], (at, text)
        assert words.says_something(body, only_a_name), at
        assert words.render(subject, {}), at
        assert "Maya" in words.render(body, only_a_name) and words.render(body, only_a_name).endswith("Jenna"), at


def test_every_message_is_short_calm_and_leaves_a_choice() -> None:
    loud = re.compile("[!¡\u2600-\u27bf\U0001f000-\U0001faff]|[A-ZÄÖÜÑ]{4,}")
    for at, subject, body in texts():
        assert len(words.render(body, ALL)) <= 400, at
        assert len(words.render(subject, ALL)) <= 60, at
        assert not loud.search(subject + body), at
        assert "?" in body or "birthday" in at or "basket" in at, at


def test_no_message_names_a_day_or_claims_a_memory() -> None:
    """It is sent on any day, by somebody of whom nothing is known but what she was asked to send."""
    days = (
        "monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag "
        "sonntag lunes martes miércoles jueves viernes sábado domingo"
    )
    memories = ("my note", "your note", "notiz", "mi nota", "used to like", "te gustaba", "gern mocht", "gern benutzt")
    cards = catalogue.read().words
    bodies = [(f"{code} {key}", told.get("message", "")) for code, by in cards.items() for key, told in by.items()]
    for at, body in [*bodies, *((at, body) for at, _subject, body in texts())]:
        assert not [day for day in days.split() if re.search(rf"\b{day}", body.lower())], at
        assert not [memory for memory in memories if memory in body.lower()], at


def test_texts_that_were_there_before_get_their_titles_once(lines: None) -> None:
    load()
    theirs = MessageTemplateText.objects.filter(template__name="Birthday: a wish")
    theirs.update(title="")
    theirs.filter(language="es").update(title="Nuestro título")
    added = load()
    assert (added.messages, added.texts) == (0, 0)
    titles = dict(theirs.values_list("language", "title"))
    assert titles == {"en": "A birthday wish", "de": "Ein Geburtstagsgruß", "es": "Nuestro título"}


def test_every_text_has_a_title_of_its_own() -> None:
    for language, said in read().words.items():
        titles = [told["title"] for told in said.values()]
        assert len(set(titles)) == len(titles) and max(map(len, titles)) <= 50, language


def test_every_language_has_every_message() -> None:
    content = read()
    keys = {told["key"] for told in content.messages}
    assert {code: set(said) for code, said in content.words.items()} == dict.fromkeys(("de", "en", "es"), keys)


def test_a_message_with_a_library_item_says_where_its_link_goes() -> None:
    there = tomllib.loads((starter_items.FOLDER / "items.toml").read_text(encoding="utf-8"))
    keys, content = str(there), read()
    for told in content.messages:
        if "asset" in told:
            assert f"'{told['asset']}'" in keys, told["key"]
            assert all("{link}" in said[told["key"]]["body"] for said in content.words.values()), told["key"]


def test_a_library_item_goes_with_its_message(lines: None) -> None:
    asset = Asset.objects.create(key="lip-shade-chart", kind="image")
    load()
    assert MessageTemplate.objects.get(asset=asset).name == "Check-in lips: the shade"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(starter_texts.FOLDER, tmp_path / "messages"))


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("templates.toml", 'about = "birthday"', 'about = "new_recruit"', "no reason to write to a customer"),
        ("templates.toml", 'about = "birthday"', 'reason = "birthday"', "unknown field reason"),
        ("templates.toml", 'key = "birthday-sample"', 'key = "birthday"', "two messages with the key birthday"),
        ("templates.toml", 'key = "birthday-sample"', 'key = "bday"', "Message bday has no English words"),
        ("templates.toml", "[[message]]", "[[message]", "templates.toml is not TOML"),
        ("de.toml", "[birthday]", "[birthdays]", "The words of birthdays in de belong to no message"),
        ("es.toml", "[, {name}]", "[, {nmae}]", "{nmae} is not a field"),
        ("en.toml", "Happy birthday[", "Make $500 a month[", "make a claim: Make $500 a month"),
        ("phrases.toml", 'kind = "income"', 'kind = "money"', "has a kind that is not known"),
    ],
)
def test_wrong_files_are_refused_in_one_sentence(folder: Path, file: str, old: str, new: str, sentence: str) -> None:
    path = folder / file
    before = path.read_text(encoding="utf-8")
    assert old in before
    path.write_text(before.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MessageFileError, match=re.escape(sentence)) as refused:
        load(folder)
    assert str(refused.value).endswith(".")
    assert not MessageTemplate.objects.exists()


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "phrases.toml").unlink()
    with pytest.raises(MessageFileError, match="phrases.toml is missing from the messages."):
        read(folder)
