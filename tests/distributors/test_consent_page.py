from __future__ import annotations

import re
from html import unescape

import pytest
from django.urls import reverse

from distributors.models import Customer, Event
from tests import factories as make
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

EVERY = ["call", "text", "whatsapp", "email"]
GIVEN = {"channel": "whatsapp", "state": "given", "origin": "order form, 12 May"}


@pytest.fixture
def anna() -> Customer:
    careful = make.distributor(market=make.market("de", consent_required=True, currency="EUR"))
    return make.customer(careful, name="Anna Blum", phone="+49 151 234567")


def say(anna: Customer, **said: object) -> int:
    status = signed_in(anna.distributor).post(reverse("person_consent", args=[anna.pk]), said).status_code
    anna.refresh_from_db()
    return status


def page(anna: Customer) -> str:
    return words(signed_in(anna.distributor).get(reverse("person", args=[anna.pk])))


def test_it_works(anna: Customer) -> None:
    sheet = reverse("message_person", args=[anna.pk])
    assert sheet not in page(anna)
    assert say(anna, **GIVEN) == 303
    assert (anna.allowed, anna.refused) == (4, 0)
    text = page(anna)
    assert "Since 27 August 2026: order form, 12 May" in text and sheet in text and "tel:" not in text


def test_withdrawn_by_every_channel_is_do_not_contact(anna: Customer) -> None:
    say(anna, **GIVEN)
    say(anna, channel=EVERY, state="withdrawn", origin="said so on the phone")
    assert Event.objects.filter(type="consent.changed").count() == 5
    assert (anna.allowed, anna.refused, anna.do_not_contact) == (0, 15, True)
    text = page(anna)
    assert text.count(": said so on the phone") >= 4 and reverse("message_person", args=[anna.pk]) not in text


def test_not_asked_takes_a_mistake_back(anna: Customer) -> None:
    say(anna, **GIVEN)
    say(anna, **GIVEN | {"state": "unknown"})
    assert (anna.allowed, anna.refused) == (0, 0)
    assert "Since" not in page(anna)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"origin": ""}, "Say how you know."), ({"origin": "x" * 201}, "data-summary"), ({"channel": "fax"}, "data-summary"),
     ({"state": "maybe"}, "data-summary"), ({"state": ""}, "Choose one of the answers."), ({"channel": ""}, "data-summary")],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(anna: Customer, wrong: dict[str, str], said: str) -> None:
    sent = GIVEN | {"origin": "order form"} | wrong
    response = signed_in(anna.distributor).post(reverse("person_consent", args=[anna.pk]), sent)
    text = words(response)
    assert response.status_code == 422 and said in text and '<details class="fold" open>' in text
    assert f'value="{sent["origin"]}"' in text or not sent["origin"]
    assert not Event.objects.filter(type="consent.changed").exists()


def test_do_not_contact_and_back(anna: Customer) -> None:
    url, client = reverse("person_contact", args=[anna.pk]), signed_in(anna.distributor)
    for _twice in range(2):
        client.post(url, {"do_not_contact": "1"})
    anna.refresh_from_db()
    assert anna.do_not_contact and Event.objects.filter(type="consent.changed").count() == 1
    client.post(url, {"do_not_contact": "0"})
    anna.refresh_from_db()
    assert not anna.do_not_contact and anna.refused == 0


def test_nothing_is_chosen_for_her(anna: Customer) -> None:
    text = page(anna)
    assert "What did Anna say?" in text and 'name="channel" value="call"' in text and " checked" not in text


def test_do_not_contact_is_told_and_undone(anna: Customer) -> None:
    """Undo puts back what she had agreed to, with how that was known; once."""
    say(anna, **GIVEN)
    url, client = reverse("person_contact", args=[anna.pk]), signed_in(anna.distributor)
    text = words(client.post(url, {"do_not_contact": "1"}, follow=True))
    assert "Since 27 August 2026: noted by you" in text and "Asked not to be contacted (noted by you)" in text
    was = unescape(re.findall(r'name="was" value="([^"]+)"', text)[0])
    assert client.post(url, {"was": was + "x"}).status_code == 404
    for _twice in range(2):
        client.post(url, {"was": was})
        anna.refresh_from_db()
        assert (anna.allowed, anna.refused, anna.do_not_contact) == (4, 0, False)
    assert "order form, 12 May" in page(anna) and Event.objects.filter(type="consent.changed").count() == 4


def test_undo_is_of_the_same_person_only(anna: Customer) -> None:
    client, other = signed_in(anna.distributor), make.customer(anna.distributor, name="Bea")
    text = words(client.post(reverse("person_contact", args=[anna.pk]), {"do_not_contact": "1"}, follow=True))
    was = unescape(re.findall(r'name="was" value="([^"]+)"', text)[0])
    assert client.post(reverse("person_contact", args=[other.pk]), {"was": was}).status_code == 404


def test_the_page_is_read_only_to_nobody(anna: Customer) -> None:
    assert signed_in(anna.distributor).get(reverse("person_consent", args=[anna.pk])).status_code == 405
