"""The message sheet by its pages: from a card or a person to her phone's app, with and without script."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from activities import crediting
from activities.messages import composing
from activities.models import (
    Activity,
    ActivityText,
    Asset,
    AssetText,
    BlockedPhrase,
    Credit,
    MessageTemplate,
    MessageTemplateText,
    Outreach,
    ShareLink,
)
from distributors import outreach as reaching
from distributors import reorder
from distributors.models import Customer, Distributor, ProductLine
from tests import factories as make
from tests.activities.stage import order, stage
from tests.pages import HTMX, now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

KEY = "eye-refill-video"
SAID = "Hi {name}, your {product} should be nearly used up. {me}"


@pytest.fixture
def jenna() -> Distributor:
    made = stage()
    ActivityText.objects.filter(activity__key=KEY).update(message=SAID)
    Customer.objects.filter(name="Maria Ruiz").update(phone="+1 555 0100", email="maria@example.com")
    return made


@pytest.fixture
def maria(jenna: Distributor) -> Customer:
    return Customer.objects.get(name="Maria Ruiz")


def card(customer: Customer) -> str:
    return reverse("message", args=[f"{KEY}.c{customer.pk}"])


def asset(**fields) -> Asset:
    made = Asset.objects.create(**{"key": "look", "kind": "article", "status": "published"} | fields)
    AssetText.objects.create(asset=made, language="en", title="One look, two ways", caption="A minute of reading.")
    return made


def template(name: str = "Short one", body: str = "Hello {name}.", language: str = "en", **fields) -> MessageTemplate:
    made, _new = MessageTemplate.objects.get_or_create(name=name, defaults={"status": "published"} | fields)
    MessageTemplateText.objects.create(template=made, language=language, body=body, subject="A look for you")
    return made


def form(customer: Customer, key: str = KEY, **fields) -> dict[str, object]:
    return {
        "customer": customer.pk,
        "card": f"{key}.c{customer.pk}" if key else "",
        "language": "en",
        "text": "Hi.",
    } | fields


def text_of(page) -> str:
    return re.search(r"<textarea.*?>\n(.*?)</textarea>", words(page), re.DOTALL)[1]


def test_it_works(jenna: Distributor, maria: Customer) -> None:
    """Today, the sheet, her phone's app, "Sent it?", waiting for the order."""
    client = signed_in(jenna)
    page = words(client.get(card(maria)))
    assert "Write to Maria" in page and "Maria bought Lumen Palette" in page
    assert "Hi Maria, your Lumen Palette should be nearly used up. Jenna" in page
    assert "sms:+15550100?&amp;body=Hi%20Maria%2C%20your%20Lumen%20Palette" in page
    asked = client.post(reverse("message_opened"), form(maria, channel="text"), headers=HTMX)
    assert asked.status_code == 200 and "Sent it?" in words(asked)
    assert "Sent it?" in words(client.get(card(maria)))
    done = client.post(reverse("message_sent", args=[Outreach.objects.get().pk]), headers=HTMX)
    assert "Sent by text at 11:00." in words(
        done
    ) and "Waiting for an order from Maria until 10 September. It closes itself." in words(done)
    assert "Undo" in words(done) and "<html" not in words(done)
    assert "Waiting for an order from Maria until 10 September. It closes itself." in words(
        client.get(reverse("activity", args=[f"{KEY}.c{maria.pk}"]))
    )


def test_the_whole_way_works_without_script(jenna: Distributor, maria: Customer) -> None:
    client, url = signed_in(jenna), card(maria)
    page = client.post(url, form(maria, text="Dear Maria, a question.", do="prepare"))
    assert page.status_code == 200 and "body=Dear%20Maria%2C%20a%20question." in words(page)
    assert 'type="radio" name="channel" value="whatsapp"' in words(page)
    there = client.post(url, form(maria, text="Dear Maria, a question.", do="sent", channel="whatsapp"))
    assert there.status_code == 303 and there["Location"] == url
    assert "Sent by WhatsApp at 11:00." in words(client.get(url))
    assert maria.notes.get().text == "Sent by WhatsApp: Dear Maria, a question."


def test_today_and_the_activity_ask_and_not_yet_leads_back_to_her_text(jenna: Distributor, maria: Customer) -> None:
    client, url = signed_in(jenna), card(maria)
    client.post(reverse("message_opened"), form(maria, text="My own words", channel="copy"))
    activity = words(client.get(reverse("activity", args=[f"{KEY}.c{maria.pk}"])))
    assert "Sent it?" in activity and "My own words" in activity and f'action="{url}"' in activity
    first = client.get("/").context["next_card"]
    if first.key == f"{KEY}.c{maria.pk}":
        assert "Sent it?" in words(client.get("/"))
    back = client.post(url, {"do": "not_sent"})
    assert back.status_code == 303 and back["Location"] == url
    again = client.get(url)
    assert text_of(again) == "My own words" and "Sent it?" not in words(again)


def test_the_activity_leads_to_the_sheet(jenna: Distributor, maria: Customer) -> None:
    page = words(signed_in(jenna).get(reverse("activity", args=[f"{KEY}.c{maria.pk}"])))
    assert f'class="btn btn-p" href="{card(maria)}">Write to Maria</a>' in page


def test_a_call_keeps_what_to_say(jenna: Distributor) -> None:
    ana = Customer.objects.get(name="Ana Vidal")
    ActivityText.objects.filter(activity__key="nurture").update(message="Hi {name}")
    Customer.objects.filter(pk=ana.pk).update(phone="+1 555 0199")
    page = words(signed_in(jenna).get(reverse("activity", args=[f"nurture.c{ana.pk}"])))
    assert "What to say" in page and "tel:+15550199" in page and "Write instead" in page and "I called" in page


def test_a_blocked_claim_stops_it_and_nothing_typed_is_lost(jenna: Distributor, maria: Customer) -> None:
    BlockedPhrase.objects.create(phrase="cures acne", kind="health", instead="helps skin look clear")
    client = signed_in(jenna)
    for does in ("prepare", "sent"):
        page = client.post(card(maria), form(maria, text="It cures acne <3", do=does, channel="text"))
        assert page.status_code == 422 and "<mark>cures acne</mark>" in words(page)
        assert text_of(page) == "It cures acne &lt;3" and "sms:" not in words(page) and "data-summary" in words(page)
    assert client.post(reverse("message_opened"), form(maria, text="It cures acne", channel="text")).status_code == 422
    assert not Outreach.objects.exists()


def test_consent_that_went_meanwhile_is_told_and_the_text_stays(jenna: Distributor, maria: Customer) -> None:
    client = signed_in(jenna)
    client.get(card(maria))
    Customer.objects.filter(pk=maria.pk).update(do_not_contact=True, refused=15)
    page = client.post(card(maria), form(maria, text="My own words", do="prepare"))
    assert page.status_code == 422 and text_of(page) == "My own words"
    assert "Maria asked not to be contacted." in words(page) and "sms:" not in words(page)
    opened = client.post(reverse("message_opened"), form(maria, channel="text"), headers=HTMX)
    assert opened.status_code == 422 and "Maria asked not to be contacted." in words(opened)


def test_other_words_and_another_language_and_her_own_put_back(jenna: Distributor, maria: Customer) -> None:
    short = template(body="Hello {name}.")
    template(name="Short one", body="Hallo {name}.", language="de")
    client, url = signed_in(jenna), card(maria)
    begin = form(maria, text="My own words", was="Hi", template=short.pk)
    page = client.post(url, begin | {"do": "change"}, headers=HTMX)
    assert text_of(page) == "Hello Maria." and "Your own words were replaced." in words(page)
    german = client.post(url, begin | {"do": "change", "language": "de", "text": "Hi", "was": "Hi"}, headers=HTMX)
    assert text_of(german) == "Hallo Maria." and "were replaced" not in words(german)
    back = client.post(url, begin | {"do": "restore", "text": "Hi", "kept": "My own words"}, headers=HTMX)
    assert text_of(back) == "My own words" and "were replaced" not in words(back)
    newer = client.post(url, begin | {"do": "restore", "text": "Newer", "kept": "My own words"}, headers=HTMX)
    assert text_of(newer) == "My own words" and 'name="kept" value="Newer"' in words(newer)
    assert text_of(client.get(url, {"template": short.pk, "language": "de"})) == "Hallo Maria."


def test_nothing_was_replaced_when_her_words_are_in_the_box(jenna: Distributor, maria: Customer) -> None:
    page = signed_in(jenna).post(card(maria), form(maria, text="Mine", kept="Mine", do="draft"), headers=HTMX)
    assert text_of(page) == "Mine" and "were replaced" not in words(page)


def test_a_draft_of_her_browser_comes_back_with_its_choices(jenna: Distributor, maria: Customer) -> None:
    short = template(name="Short one", body="Hallo {name}.", language="de")
    draft = form(maria, text="Half a sent", template=short.pk, language="de", kept="Before", do="draft")
    page = signed_in(jenna).post(card(maria), draft, headers=HTMX)
    assert page.status_code == 200 and text_of(page) == "Half a sent"
    assert f'value="{short.pk}" selected' in words(page) and 'value="de" selected' in words(page)
    assert "were replaced" in words(page) and "Sent it?" not in words(page)


def test_words_are_chosen_by_a_title_in_her_language(jenna: Distributor, maria: Customer) -> None:
    """Hers, then the message's, then the name that HQ gave it."""
    one = template("Reorder: put one aside", body="Hallo {name}.", language="de")
    one.texts.create(language="en", body="Hello {name}.")
    Distributor.objects.filter(pk=jenna.pk).update(language="es")
    page = signed_in(Distributor.objects.get(pk=jenna.pk)).get(card(maria), {"language": "de"})
    assert ">Reorder: put one aside</option>" in words(page)
    one.texts.filter(language="de").update(title="Etwas zurücklegen")
    page = signed_in(Distributor.objects.get(pk=jenna.pk)).get(card(maria), {"language": "de"})
    assert ">Etwas zurücklegen</option>" in words(page)
    one.texts.create(language="es", title="Apartar uno", body="Hola {name}.")
    page = signed_in(Distributor.objects.get(pk=jenna.pk)).get(card(maria), {"language": "de", "template": one.pk})
    assert " selected>Apartar uno</option>" in words(page) and text_of(page) == "Hallo Maria."


@pytest.mark.parametrize(
    ("hour", "said"),
    [(7, "It is 07:59. Most people like a message better after 08:00."), (8, ""), (20, ""), (21, "It is 21:59.")],
)
def test_late_in_her_market_is_told_and_the_ways_stay(
    jenna: Distributor, maria: Customer, hour: int, said: str
) -> None:
    local = make.NOW.astimezone(jenna.market.zone).replace(hour=hour, minute=59)
    with time_machine.travel(local, tick=False):
        page = words(signed_in(jenna).get(card(maria)))
    assert "sms:" in page
    assert said in page if said else "Most people like" not in page


def test_what_goes_along_is_her_link_for_this_person(jenna: Distributor, maria: Customer) -> None:
    Activity.objects.filter(key=KEY).update(asset=asset())
    client, url = signed_in(jenna), card(maria)
    page = client.get(url)
    link = ShareLink.objects.get()
    assert (link.customer, link.distributor) == (maria, jenna)
    address = f"http://testserver/s/{link.token}/"
    assert "One look, two ways" in words(page) and text_of(page).endswith(f"used up.\n\nHere it is: {address}\n\nJenna")
    goes = form(maria, asset="look", channel="text", address=address)
    client.post(reverse("message_opened"), goes | {"text": f"Look: {address}"})
    assert Outreach.objects.get().link == link
    # The address is all that goes along: without it in the text nothing does, and its row says so.
    client.post(reverse("message_opened"), goes | {"text": "No link"})
    assert Outreach.objects.get().link is None
    looked = words(client.post(reverse("message_check"), goes | {"text": "No link"}))
    assert "Article · not in the text" in looked and "personal link is in the text" not in looked
    assert "Put the link back" in looked and "Put the link back" not in words(page)
    put_back = client.post(url, goes | {"text": "No link. Jenna", "do": "link"}, headers=HTMX)
    assert text_of(put_back) == f"No link.\n\nHere it is: {address}\n\nJenna"
    Outreach.objects.all().delete()
    without = client.post(
        url, form(maria, text=f"My own\n\n{address}", asset="look", address=address, do="remove"), headers=HTMX
    )
    assert text_of(without) == "My own" and "One look, two ways" not in words(without)


def test_an_item_that_has_ended_does_not_go_along(jenna: Distributor, maria: Customer) -> None:
    Activity.objects.filter(key=KEY).update(asset=asset(expires_on=make.TODAY - timedelta(days=1)))
    assert "One look, two ways" not in words(signed_in(jenna).get(card(maria))) and not ShareLink.objects.exists()
    assert signed_in(jenna).get(card(maria), {"asset": "nothing-here"}).status_code == 200


def test_a_person_without_a_card(jenna: Distributor, maria: Customer) -> None:
    template(body="Hello {name}, this is {me}.")
    client, url = signed_in(jenna), reverse("message_person", args=[maria.pk])
    asset()
    page = client.get(url, {"asset": "look"})
    assert text_of(page).startswith("Hello Maria, this is Jenna.\n\nHere it is: http://testserver/s/")
    client.post(url, form(maria, key="", do="sent", channel="email", subject="A look"))
    assert "Sent by e-mail at 11:00." in words(client.get(url))
    assert "Sent by e-mail" not in words(client.get(f"{url}?another=1"))


# Back from her phone's app, at the address with which she came


def came_with(client, customer: Customer, **typed) -> str:
    """The sheet of an item that she picked in the library, after her phone's app was opened; its address."""
    url = f"{reverse('message_person', args=[customer.pk])}?asset=look"
    page = client.get(url)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', words(page)))
    text = {"text": text_of(page), "channel": "copy"}
    assert client.post(reverse("message_opened"), fields | text | typed, headers=HTMX).status_code == 200
    return url


@pytest.mark.parametrize("typed", [{}, {"text": "Without it."}, {"asset": "", "text": "Without it."}])
def test_back_with_the_item_in_the_address_she_is_asked(
    jenna: Distributor, maria: Customer, typed: dict[str, str]
) -> None:
    asset()
    client = signed_in(jenna)
    url = came_with(client, maria, **typed)
    page = client.get(url)
    assert "Sent it?" in words(page) and text_of(page) == Outreach.objects.get().text
    client.post(reverse("message_not_sent", args=[Outreach.objects.get().pk]))
    page = client.get(url)
    assert "Sent it?" not in words(page) and text_of(page) == Outreach.objects.get().text
    client.post(reverse("message_sent", args=[Outreach.objects.get().pk]))
    page = words(client.get(url))
    assert "at 11:00." in page and "Write another" in page and "Sent it?" not in page and Outreach.objects.count() == 1


def test_another_item_is_another_message(jenna: Distributor, maria: Customer) -> None:
    asset()
    AssetText.objects.create(
        asset=Asset.objects.create(key="other", kind="article", status="published"), language="en", title="The other"
    )
    client = signed_in(jenna)
    url = came_with(client, maria)
    page = client.get(url.replace("look", "other"))
    assert "Sent it?" not in words(page) and "The other" in words(page)
    # A message of another item, or without one, which is still open, does not stand in the way of this one.
    Outreach.objects.update(link=None)
    page = client.get(url)
    assert "Sent it?" not in words(page) and "One look, two ways" in words(page)


def test_the_item_again_on_another_day_is_another_message(jenna: Distributor, maria: Customer) -> None:
    asset()
    client = signed_in(jenna)
    url = came_with(client, maria)
    Outreach.objects.update(opened_at=make.NOW - timedelta(days=15))
    assert "Sent it?" not in words(client.get(url))
    Outreach.objects.update(state="sent", sent_at=make.NOW - timedelta(days=1), waits_until=make.TODAY)
    page = client.get(url)
    assert "One look, two ways" in words(page) and "<textarea" in words(page)


def test_another_message_of_the_day_is_asked_about_too(jenna: Distributor, maria: Customer) -> None:
    client, url = signed_in(jenna), reverse("message_person", args=[maria.pk])
    client.post(url, form(maria, key="", do="sent", channel="text"))
    assert "Sent it?" not in words(client.get(f"{url}?another=1"))
    client.post(reverse("message_opened"), form(maria, key="", text="And this", channel="copy"))
    page = client.get(f"{url}?another=1")
    assert "Sent it?" in words(page) and text_of(page) == "And this"


def test_undo_leads_back_to_the_draft_and_its_ways(jenna: Distributor, maria: Customer) -> None:
    client = signed_in(jenna)
    client.post(card(maria), form(maria, do="sent", channel="text"))
    undone = client.post(reverse("message_undo", args=[Outreach.objects.get().pk]), headers=HTMX)
    assert "Sent it?" not in words(undone) and text_of(undone) == "Hi." and 'data-way="text"' in words(undone)
    assert not maria.notes.exists() and "Sent it?" not in words(client.get(card(maria)))
    plain = client.post(reverse("message_not_sent", args=[Outreach.objects.get().pk]))
    assert plain.status_code == 303 and plain["Location"] == card(maria)


def test_who_heard_from_her_lately_may_still_be_written_to(jenna: Distributor, maria: Customer) -> None:
    client = signed_in(jenna)
    assert "heard from you" not in words(client.get(card(maria)))
    Customer.objects.filter(pk=maria.pk).update(last_contact_at=make.NOW, recent_contacts=[make.NOW])
    page = words(client.get(card(maria)))
    assert "Maria heard from you today. From Tuesday it is Maria’s turn again." in page and "sms:" in page


def test_who_asked_for_no_contact_gets_no_letter(jenna: Distributor, maria: Customer) -> None:
    reaching.set_do_not_contact(customer=maria, stop=True, as_of=make.NOW, by=None)
    page = words(signed_in(jenna).get(reverse("message_person", args=[maria.pk])))
    assert "On 27 August Maria asked not to be contacted." in page and "#consent" in page
    assert "<textarea" not in page and "data-way" not in page


def test_nobody_is_written_to_without_consent_where_it_is_required(jenna: Distributor, maria: Customer) -> None:
    type(jenna.market).objects.filter(pk=jenna.market_id).update(consent_required=True)
    page = words(signed_in(jenna).get(card(maria)))
    assert "There is no consent on record to write to Maria." in page and "<textarea" not in page
    Customer.objects.filter(pk=maria.pk).update(allowed=2)
    page = words(signed_in(jenna).get(card(maria)))
    assert "<textarea" in page and 'name="subject"' not in page


def test_a_person_without_number_or_address(jenna: Distributor, maria: Customer) -> None:
    client = signed_in(jenna)
    page = words(client.get(card(maria)))
    assert "no number or address" not in page and 'name="subject" ' in page and 'value="A few words from me"' in page
    Customer.objects.filter(pk=maria.pk).update(phone="", email="")
    page = words(client.get(card(maria)))
    assert "There is no number or address of Maria yet." in page and reverse("person_edit", args=[maria.pk]) in page


def test_words_that_fit_what_is_between_them(jenna: Distributor, maria: Customer) -> None:
    """Not what was sent last, and words that speak of the item she picked."""
    first = template("Hello: a", "How are you?")
    second, third = template("Hello: one", "One."), template("Hello: two", "Two. [Look: {link}]")
    asset()
    client, url = signed_in(jenna), reverse("message_person", args=[maria.pk])
    assert text_of(client.get(url)) == "How are you?"
    assert text_of(client.get(url, {"asset": "look"})).startswith("Two. Look: http")
    make.outreach(maria, template=first, state="sent", sent_at=make.NOW, waits_until=make.TODAY)
    assert text_of(client.get(f"{url}?another=1")) == "One." and second.pk != third.pk


def test_another_card_about_the_person_asks_too(jenna: Distributor, maria: Customer) -> None:
    client, other = signed_in(jenna), reverse("activity", args=[f"win-back.c{maria.pk}"])
    assert "Sent it?" not in words(client.get(other))
    client.post(reverse("message_opened"), form(maria, text="My own words", channel="copy"))
    page = words(client.get(other))
    assert "Sent it?" in page and "My own words" in page
    at = {"in": "activity", "at": f"win-back.c{maria.pk}"}
    back = client.post(reverse("message_sent", args=[Outreach.objects.get().pk]), at)
    assert back["Location"] == other and "Sent it?" not in words(client.get(other))
    away = client.post(reverse("message_sent", args=[Outreach.objects.get().pk]), at | {"at": "//evil.example"})
    assert away["Location"] == card(maria)


@pytest.mark.parametrize(
    ("text", "with_it"),
    [
        ("Hi.", "Hi.\n\nHere it is: LINK"),
        ("", "Here it is: LINK"),
        ("Hi Maria, how is it? Jenna", "Hi Maria, how is it?\n\nHere it is: LINK\n\nJenna"),
        ("Hi Maria.\nJenna", "Hi Maria.\n\nHere it is: LINK\n\nJenna"),
        ("Hi,\n\nHow is it?\n\nLove, J.", "Hi,\n\nHow is it?\n\nHere it is: LINK\n\nLove, J."),
        ("Hi Maria,\n\nHow is it?", "Hi Maria,\n\nHow is it?\n\nHere it is: LINK"),
    ],
)
def test_the_link_goes_before_the_signature_and_comes_out_whole(text: str, with_it: str) -> None:
    link = "https://you.example/s/abc/"
    assert composing.with_link(text, link, "Jenna") == with_it.replace("LINK", link)
    left = composing.without_link(with_it.replace("LINK", link), link)
    assert left.split() == text.split()


def test_nobody_elses(jenna: Distributor, maria: Customer) -> None:
    other = signed_in(make.distributor())
    assert other.get(card(maria)).status_code == other.post(card(maria), form(maria)).status_code == 404
    assert other.get(reverse("message_person", args=[maria.pk])).status_code == 404
    assert other.post(reverse("message_opened"), form(maria, channel="text")).status_code == 404
    assert other.post(reverse("message_opened"), form(maria, key="", channel="text")).status_code == 404
    assert signed_in(jenna).get(reverse("message", args=["reorder-talk"])).status_code == 404


def test_it_takes_few_queries(jenna: Distributor, maria: Customer, django_assert_max_num_queries) -> None:
    Activity.objects.filter(key=KEY).update(asset=asset())
    template()
    client, url = signed_in(jenna), card(maria)
    client.get(url)
    with django_assert_max_num_queries(40):
        client.get(url)


# What is no longer offered


@pytest.mark.parametrize("ended", [{"expires_on": make.TODAY - timedelta(days=1)}, {"status": "retired"}])
def test_a_draft_goes_without_what_has_ended(jenna: Distributor, maria: Customer, ended: dict[str, object]) -> None:
    item, short = asset(), template()
    client, url = signed_in(jenna), reverse("message_person", args=[maria.pk])
    address = re.search(r"http://testserver/s/\S+/", text_of(client.get(url, {"asset": "look"})))[0]
    goes = form(maria, key="", text=f"One look. Here it is: {address}", asset="look", template=short.pk, channel="text")
    client.post(reverse("message_opened"), goes)
    assert (Outreach.objects.get().link.asset, Outreach.objects.get().template) == (item, short)
    Asset.objects.update(**ended)
    MessageTemplate.objects.update(status="retired")
    page = client.get(url)
    assert text_of(page) == "One look." and "One look, two ways" not in words(page)
    # The sheet was open since before it ended.
    client.post(reverse("message_opened"), goes)
    assert (Outreach.objects.get().link, Outreach.objects.get().template) == (None, None)


# Why she is due


def test_without_a_card_it_begins_with_why_she_is_due(jenna: Distributor, maria: Customer) -> None:
    template("A general one", "Hello {name}.")
    template("Lapsed", "Long time, {name}.", about="lapsed")
    template("Refill", "Hi {name}, how is your {product}?", about="one_time", line=ProductLine.objects.get(code="eye"))
    client = signed_in(jenna)
    due = client.get(reverse("message_person", args=[maria.pk]))
    assert text_of(due) == "Hi Maria, how is your Lumen Palette?" and "Long time" not in words(due)
    fresh = Customer.objects.get(name="Other One")
    assert text_of(client.get(reverse("message_person", args=[fresh.pk]))) == "Hello Other."


def test_a_message_without_a_card_counts_as_one_from_the_card_does(jenna: Distributor, maria: Customer) -> None:
    """She is not due any more, and what comes within 14 days is credited to it."""
    client, url = signed_in(jenna), reverse("message_person", args=[maria.pk])
    assert maria.pk in {one.person for one in reorder.reasons(jenna, as_of=make.NOW)}
    client.post(url, form(maria, key="", do="sent", channel="text"))
    assert "until 10 September" in words(client.get(url))
    assert maria.pk not in {one.person for one in reorder.reasons(jenna, as_of=make.NOW)}
    late = make.NOW + timedelta(days=13)
    event = order(jenna, maria, 0, time=late)
    assert crediting.credit([jenna.pk], as_of=late) == [event.pk]
    assert Credit.objects.get().outreach == Outreach.objects.get()
