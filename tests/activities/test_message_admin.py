"""Messages and blocked phrases on the desk: written by trainers and HQ, checked as they are saved, shown as they read."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from activities.messages.affected import affected
from activities.models import BlockedPhrase, MessageTemplate
from distributors.models import Role
from tests import factories as make

pytestmark = pytest.mark.django_db

ADD = reverse("admin:activities_messagetemplate_add")
BODY = "Hi[ {name}],\n\nyour {product} should be nearly used up. Shall I put one aside?\n\n{me}"


def of(role: Role) -> Client:
    client = Client()
    client.force_login(make.user(role))
    return client


def form(**changed: object) -> dict[str, object]:
    return {
        "name": "Ask", "about": "reorder_due", "line": "", "asset": "", "status": "published",
        "texts-TOTAL_FORMS": 3, "texts-INITIAL_FORMS": 0,
        "texts-0-language": "en", "texts-0-subject": "Your {product}", "texts-0-body": BODY,
        "texts-1-language": "de", "texts-1-subject": "", "texts-1-body": "",
        "texts-2-language": "es", "texts-2-subject": "", "texts-2-body": "", **changed,
    }  # fmt: skip


def refusals(response: Any) -> str:
    inline = response.context["inline_admin_formsets"][0].formset
    return " ".join(str(errors) for errors in [*inline.errors, inline.non_form_errors()])


@pytest.mark.parametrize("role", [Role.TRAINER, Role.HQ_EDITOR, Role.HQ_APPROVER])
def test_it_works(role: Role) -> None:
    assert of(role).post(ADD, form()).status_code == 302
    template = MessageTemplate.objects.get()
    text = template.texts.get()  # a section left empty is no text
    assert (template.about, text.language, text.body.replace("\r\n", "\n")) == ("reorder_due", "en", BODY)


def test_a_section_for_each_language() -> None:
    client = of(Role.TRAINER)
    inline = client.get(ADD).context["inline_admin_formsets"][0].formset
    assert [one.initial["language"] for one in inline.extra_forms] == ["en", "de", "es"]
    page = client.get(reverse("admin:activities_messagetemplate_change", args=[make.message_template().pk]))
    inline = page.context["inline_admin_formsets"][0].formset
    assert [one.initial["language"] for one in inline.extra_forms] == ["de", "es"]


@pytest.mark.parametrize("role", [Role.TRAINER, Role.HQ_VIEWER])
def test_its_page_takes_few_queries(role: Role, django_assert_max_num_queries: Any) -> None:
    """In each section the admin asks for its reading several times, and for the languages there are."""
    make.blocked_phrase("guaranteed income")
    make.product()
    template = make.message_template(BODY, line=make.product_line(), asset=make.asset(), subject="Your {product}")
    for code in ("de", "es"):
        template.texts.create(language=code, body=BODY, subject="{product}")
    client, change = of(role), reverse("admin:activities_messagetemplate_change", args=[template.pk])
    for path in [change, *([ADD] if role == Role.TRAINER else [])]:
        client.get(path)
        with django_assert_max_num_queries(25):
            assert "All is known" in client.get(path).text


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("Hi {nmae}, how are you?", "{nmae} is not a field. The fields are: {name},"),
        ("Hi {name, how are you?", "Each { needs its } in the same line"),
        ("Hi [ {name}, how are you?", "Each [ needs its ] in the same line."),
        ("Hi [you], how are you?", "[you] has no field"),
        ("Hi {name|}, how are you?", "the word that stands in for it"),
        ("Hi[ {name}],\n\nyour {product} is due.", "With only a name known nothing but a greeting is left"),
        ("Hi, this is guaranteed   income. Shall I tell you?", "is a blocked phrase. Say what the work is."),
    ],
)
def test_what_is_wrong_is_said_at_the_field(body: str, sentence: str) -> None:
    make.blocked_phrase("guaranteed income", language="en", instead="Say what the work is.")
    response = of(Role.TRAINER).post(ADD, form(**{"texts-0-body": body}))
    assert response.status_code == 200
    assert sentence in "".join(response.context["inline_admin_formsets"][0].formset.errors[0]["body"])
    assert not MessageTemplate.objects.exists()


def test_a_claim_counts_in_whatever_language_it_stands() -> None:
    """As when it is sent: a message that may not go out is not offered."""
    make.blocked_phrase("cura", language="es")
    refused = of(Role.TRAINER).post(ADD, form(**{"texts-0-body": "This is a cura. Shall I tell you?"}))
    assert "“cura” is a blocked phrase." in refusals(refused)
    refused = of(Role.TRAINER).post(ADD, form(name="B", **{"texts-2-body": "Esto cura. ¿Te cuento?"}))
    assert "“cura” is a blocked phrase." in refusals(refused)


def test_a_published_message_has_words() -> None:
    response = of(Role.TRAINER).post(ADD, form(**{"texts-0-subject": "", "texts-0-body": ""}))
    assert "needs its words in one language at least" in refusals(response)
    sent = form(status="draft", **{"texts-0-subject": "", "texts-0-body": ""})
    assert of(Role.TRAINER).post(ADD, sent).status_code == 302


def test_both_readings_stand_beside_the_form() -> None:
    make.product("EYE-1", name="Lumen Liner")
    template = make.message_template(BODY)
    path = reverse("admin:activities_messagetemplate_change", args=[template.pk])
    for role in (Role.TRAINER, Role.HQ_VIEWER):
        page = of(role).get(path).text
        assert "Hi Maya,\n\nyour Lumen Liner should be nearly used up. Shall I put one aside?\n\nJenna" in page
        assert "Hi Maya,\n\nShall I put one aside?\n\nJenna" in page


def test_it_is_shown_as_it_is_typed() -> None:
    typed = {"texts-1-language": "de", "texts-1-subject": "<b>{name}</b>", "texts-1-body": "Hallo {nmae}. Alles gut?"}
    page = of(Role.TRAINER).post(reverse("message_preview"), typed, headers={"HX-Trigger-Name": "texts-1-body"}).text
    assert "&lt;b&gt;Maya&lt;/b&gt;" in page
    assert "Alles gut?" in page and "Hallo" not in page
    assert "{nmae} is not a field." in page


@pytest.mark.parametrize("sent", [{}, {"line": "x"}, {"line": "9" * 30}, {"texts-0-body": "{" * 9000}])
def test_odd_requests_of_a_preview_are_harmless(sent: dict[str, str]) -> None:
    answer = of(Role.HQ_VIEWER).post(reverse("message_preview"), sent, headers={"HX-Trigger-Name": "texts-0-body"})
    assert answer.status_code == 200
    assert of(Role.HQ_VIEWER).post(reverse("message_preview")).status_code == 200


def test_an_activity_s_message_is_checked_too() -> None:
    make.blocked_phrase("guaranteed income", language="en")
    sent = {
        "key": "new-idea", "kind": "reach_out", "form": "message", "about": "check_in", "minutes": 2, "status": "draft",
        "p_done": "0.3", "impacts": "{}", "skill_gain": 0, "again_after_days": 14, "credit_days": 14,
        "texts-TOTAL_FORMS": 1, "texts-INITIAL_FORMS": 0, "texts-0-language": "en", "texts-0-title": "Call {name}",
    }  # fmt: skip
    path = reverse("admin:activities_activity_add")
    for message, sentence in [("Hi {nmae}", "{nmae} is not a field."), ("Guaranteed income.", "is a blocked phrase.")]:
        response = of(Role.TRAINER).post(path, sent | {"texts-0-message": message})
        assert sentence in "".join(response.context["inline_admin_formsets"][0].formset.errors[0]["message"])
    assert of(Role.TRAINER).post(path, sent | {"texts-0-message": "Hi {name}, how are you?"}).status_code == 302


# Blocked phrases

ADD_PHRASE = reverse("admin:activities_blockedphrase_add")


def phrase(**changed: object) -> dict[str, object]:
    return {"phrase": "quit your  job", "language": "", "kind": "income", "instead": "", "is_active": "on", **changed}


@pytest.mark.parametrize("role", [Role.HQ_EDITOR, Role.HQ_APPROVER])
def test_hq_edits_the_list(role: Role) -> None:
    assert of(role).post(reverse("admin:activities_blockedphrase_add"), phrase()).status_code == 302
    assert BlockedPhrase.objects.get().phrase == "quit your job"


@pytest.mark.parametrize("words", ["*", "* *", "!!", "ea*rn", "  "])
def test_a_phrase_that_blocks_everything_or_nothing_is_refused(words: str) -> None:
    response = of(Role.HQ_EDITOR).post(reverse("admin:activities_blockedphrase_add"), phrase(phrase=words))
    assert "phrase" in response.context["adminform"].form.errors
    assert not BlockedPhrase.objects.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("a ([", "“([” is no word"),
        ("quit your job!", "“job!” is no word"),
        ("“free money”", "is no word"),
        ("- risk", "“-” is no word"),
        ("e", "A single letter would block nearly every message"),
        ("e*", "A single letter would block nearly every message"),
        ("* a b", "A single letter would block nearly every message"),
    ],
)
def test_a_letter_and_stray_punctuation_are_refused_in_a_sentence(words: str, sentence: str) -> None:
    response = of(Role.HQ_EDITOR).post(ADD_PHRASE, phrase(phrase=words))
    assert sentence in str(response.context["adminform"].form.errors["phrase"])
    assert not BlockedPhrase.objects.exists()


@pytest.mark.parametrize(
    "words", ["plan b", "F.D.A. approved", "$100+ a month", "don't work", "anti-age*", "#QuitYourJob", "100 %"]
)
def test_what_words_are_written_with_is_taken(words: str) -> None:
    assert of(Role.HQ_EDITOR).post(ADD_PHRASE, phrase(phrase=words)).status_code == 302


def test_a_phrase_that_stands_in_today_s_texts_is_shown_before_it_is_saved() -> None:
    make.message_template("Hi {name}, shall I tell you?", name="A question")
    make.message_template("Old. Shall I?", name="Put away", status="retired")
    asset = make.asset(title="Tell a friend")
    activity = make.activity("tell")
    activity.texts.update(message="You shall see.")
    client = of(Role.HQ_EDITOR)
    page = client.get(ADD_PHRASE)
    assert "Block it all the same" not in page.text
    response = client.post(ADD_PHRASE, phrase(phrase="shall*"))
    (told,) = response.context["adminform"].form.errors["phrase"]
    assert "1 message, 1 activity, such as “A question”, “" in told and "Put away" not in told
    assert 'value="shall*"' in response.text and 'type="checkbox" name="anyway"' in response.text
    assert asset.status == "published" and not BlockedPhrase.objects.exists()
    # Agreed to one phrase is not agreed to another.
    assert client.post(ADD_PHRASE, phrase(phrase="tell", anyway="shall*")).status_code == 200
    assert client.post(ADD_PHRASE, phrase(phrase="shall*", anyway="shall*")).status_code == 302
    one = BlockedPhrase.objects.get()
    # What is in force is not asked about again for another field, nor what is to be in force no more.
    change = reverse("admin:activities_blockedphrase_change", args=[one.pk])
    assert client.post(change, phrase(phrase="shall*", instead="Ask.")).status_code == 302
    assert client.post(change, phrase(phrase="shall*", is_active="")).status_code == 302
    assert client.post(change, phrase(phrase="shall*")).status_code == 200
    assert client.post(change, phrase(phrase="shall*", anyway="shall*")).status_code == 302


def test_each_text_of_an_item_counts_once_and_three_are_named() -> None:
    for n in range(5):
        template = make.message_template("Guaranteed. Shall I?", name=f"Message {n}", subject="Guaranteed")
        template.texts.create(language="de", body="Guaranteed?")
    found = affected("guaranteed")
    assert (found.messages, found.activities, found.items) == (5, 0, 0)
    assert found.names == ["Message 0", "Message 1", "Message 2"]
    make.asset(title="It is guaranteed")
    assert affected("GUARANTEED").items == 1


@pytest.mark.parametrize("role", [Role.TRAINER, Role.HQ_VIEWER])
def test_others_only_read_it(role: Role) -> None:
    one = make.blocked_phrase("quit your job")
    path = reverse("admin:activities_blockedphrase_change", args=[one.pk])
    assert "quit your job" in of(role).get(path).text
    assert of(role).post(path, phrase(phrase="x")).status_code == 404
    assert of(role).get(reverse("admin:activities_blockedphrase_add")).status_code == 404


LIST = reverse("admin:activities_blockedphrase_changelist")


def test_a_sentence_is_tried_against_the_list() -> None:
    make.blocked_phrase("quit your job", language="en", instead="earn a little more")
    make.blocked_phrase("ohne Risiko", language="de")
    client = of(Role.HQ_EDITOR)
    page = client.get(LIST, {"try": "You can quit your  job <b>, ohne Risiko."}).text
    assert "<mark>quit your job</mark> &lt;b&gt;, <mark>ohne Risiko</mark>." in page
    assert "Instead: earn a little more" in page
    assert "Nothing in it is blocked." in client.get(LIST, {"try": "How are you?"}).text
    assert "Nothing in it is blocked." not in client.get(LIST).text
    assert client.get(LIST, {"try": "x " * 9999}).status_code == 200
    assert [one.phrase for one in client.get(LIST, {"try": "x", "q": "risiko"}).context["cl"].result_list] == [
        "ohne Risiko"
    ]


def test_the_reader_s_language_stands_first_and_is_the_first_filter() -> None:
    for language in ("de", "en", ""):
        make.blocked_phrase(f"words {language}", language=language)
    client = of(Role.HQ_EDITOR)
    response = client.get(LIST)
    assert [one.language for one in response.context["cl"].result_list] == ["en", "", "de"]
    spec = next(one for one in response.context["cl"].filter_specs if one.title == "language")
    assert [code for code, _name in spec.lookup_choices] == ["en", "de", "every"]
    assert [one.language for one in client.get(LIST, {"language": "every"}).context["cl"].result_list] == [""]
    assert [one.language for one in client.get(LIST, {"language": "de"}).context["cl"].result_list] == ["de"]
