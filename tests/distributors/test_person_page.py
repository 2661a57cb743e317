from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from distributors import erasing, outreach
from distributors.models import Customer, Distributor, Note
from tests import factories as make
from tests.distributors.orders import order
from tests.pages import HTMX, now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def dora() -> Distributor:
    dora = make.distributor()
    maya = make.customer(dora, name="Maya Ortiz", phone="+1 (555) 0100")
    liner = make.product("EYE-1", name="Lumen Liner", lasts_days=56)
    order(maya, make.TODAY - timedelta(days=54), liner)
    return dora


def maya() -> Customer:
    return Customer.objects.get(name="Maya Ortiz")


def page(dora: Distributor) -> str:
    return words(signed_in(dora).get(reverse("person", args=[maya().pk])))


def test_it_works(dora: Distributor) -> None:
    text = page(dora)
    assert "Order rhythm" in text and "Lumen Liner, day 54 of 56" in text and "$34" in text
    assert 'href="tel:+15550100"' in text and reverse("message_person", args=[maya().pk]) in text
    assert f'hx-get="{reverse("next_step", args=[maya().pk])}"' in text
    assert f'href="{reverse("message_person", args=[maya().pk])}"' in text


def test_the_rhythm_is_told_also_while_nothing_is_due(dora: Distributor) -> None:
    liner = make.product("EYE-1")
    for days in (79, 44, 9):
        order(maya(), make.TODAY - timedelta(days=days), liner)
    Customer.objects.filter(pk=maya().pk).update(usual_gap_days=35)
    text = page(dora)
    assert "Usually every 5 weeks, last 9 days ago" in text and "Likely 15 September to 1 October" in text
    assert 'class="rhythm"' in text


def test_a_check_in_is_no_window_of_the_next_order(dora: Distributor) -> None:
    ada = make.customer(dora, name="Ada")
    order(ada, make.TODAY - timedelta(days=6), make.product("EYE-1"))
    text = words(signed_in(dora).get(reverse("person", args=[ada.pk])))
    assert "Likely 6 October to 28 October" not in text and "Likely" in text, "by what she bought, which lasts 56 days"


def test_who_bought_once_is_likely_when_that_is_used_up_also_after_a_message(dora: Distributor) -> None:
    assert "Likely 17 August to 12 September" in page(dora)
    Customer.objects.filter(pk=maya().pk).update(last_contact_at=make.NOW, recent_contacts=[make.NOW])
    assert "Likely 17 August to 12 September" in page(dora)


def test_far_over_her_rhythm_is_said_and_nothing_is_likely(dora: Distributor) -> None:
    order(maya(), make.TODAY - timedelta(days=141), make.product("EYE-1"))
    Customer.objects.filter(pk=maya().pk).update(usual_gap_days=35, last_order_on=make.TODAY - timedelta(days=141))
    text = page(dora)
    assert "Usually every 5 weeks, 106 days over" in text and "Likely" not in text


def test_days_of_another_year_carry_it(dora: Distributor) -> None:
    order(maya(), make.TODAY - timedelta(days=214), make.product("EYE-1"))
    assert maya().usual_gap_days == 160
    assert "Likely 9 November to 20 January 2027" in page(dora)


def test_a_message_is_told_once(dora: Distributor) -> None:
    at = make.NOW - timedelta(days=1)
    outreach.contacted(customer=maya(), channel="whatsapp", as_of=at, by=None, key="outreach-1", outreach=1)
    outreach.add_note(customer=maya(), text="Sent by WhatsApp: Hi Maya", as_of=at, by=None)
    make.note(maya(), text="Likes brown")
    text = page(dora)
    assert "Sent by WhatsApp" in text and "Hi Maya" not in text and "Likes brown" in text


def test_who_agreed_to_calls_only_needs_a_number() -> None:
    careful = make.distributor(market=make.market("de", consent_required=True, currency="EUR"))
    anna = make.customer(careful, name="Anna", allowed=1, phone="")
    text = words(signed_in(careful).get(reverse("person", args=[anna.pk])))
    assert "Agreed to calls: add a number." in text and reverse("person_edit", args=[anna.pk]) in text


def test_who_said_no_may_mean_no_contact_and_later_is_told_when(dora: Distributor) -> None:
    client = signed_in(dora)
    tess = make.customer(dora, name="Tess", kind="prospect", hotness="hot", added_at=make.NOW - timedelta(days=2))

    def answered(customer: Customer, tone: str) -> str:
        return words(client.post(reverse("person_replied", args=[customer.pk]), {"tone": tone}, follow=True))

    assert "Noted. Tess comes up again on 1 September." in answered(tess, "later")
    assert '<div class="toast">Noted.</div>' in answered(maya(), "later")
    assert '<a class="btn" href="#consent">Do not contact</a>' in answered(maya(), "no")


def test_who_never_ordered_has_no_rhythm(dora: Distributor) -> None:
    tess = make.customer(dora, name="Tess", kind="prospect", hotness="hot")
    text = words(signed_in(dora).get(reverse("person", args=[tess.pk])))
    assert "Order rhythm" not in text and "Prospect, hot" in text


def test_who_asked_for_no_contact_cannot_be_reached_from_here(dora: Distributor) -> None:
    Customer.objects.filter(pk=maya().pk).update(do_not_contact=True, refused=15)
    text = page(dora)
    assert "Asked not to be contacted." in text
    assert "tel:" not in text and "wa.me" not in text and reverse("message_person", args=[maya().pk]) not in text


def test_only_the_ways_that_are_allowed() -> None:
    careful = make.distributor(market=make.market("de", consent_required=True, currency="EUR"))
    anna = make.customer(careful, name="Anna", phone="+49 151 234567", email="anna@example.de", allowed=8)
    text = words(signed_in(careful).get(reverse("person", args=[anna.pk])))
    assert reverse("message_person", args=[anna.pk]) in text and "tel:" not in text
    Customer.objects.filter(pk=anna.pk).update(allowed=1)
    text = words(signed_in(careful).get(reverse("person", args=[anna.pk])))
    assert reverse("message_person", args=[anna.pk]) not in text and "tel:+49151234567" in text


def test_without_consent_on_record_the_page_says_what_to_do() -> None:
    careful = make.distributor(market=make.market("de", consent_required=True, currency="EUR"))
    anna = make.customer(careful, name="Anna", phone="+49 151 234567")
    text = words(signed_in(careful).get(reverse("person", args=[anna.pk])))
    assert "No consent on record." in text and "tel:" not in text


def test_who_heard_from_her_lately_is_said(dora: Distributor) -> None:
    at = make.NOW - timedelta(days=1)
    Customer.objects.filter(pk=maya().pk).update(last_contact_at=at, recent_contacts=[at])
    assert "Next message from Monday" in page(dora)


def test_notes(dora: Distributor) -> None:
    client, url = signed_in(dora), reverse("note_add", args=[maya().pk])
    assert client.post(url, {"text": "Likes <b>brown</b>"}).status_code == 303
    fragment = words(client.post(url, {"text": "Call on Friday"}, headers=HTMX))
    assert "Call on Friday" in fragment and "Likes &lt;b&gt;brown" in fragment and "<html" not in fragment
    assert client.post(url, {"text": " "}, headers=HTMX).status_code == 422
    assert client.post(url, {"text": ""}).status_code == 422
    assert Note.objects.count() == 2


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_deleted_note_can_be_put_back_once(dora: Distributor, headers: dict[str, str]) -> None:
    note, client = make.note(maya(), text="Likes “brown”"), signed_in(dora)
    answer = words(client.post(reverse("note_delete", args=[maya().pk, note.pk]), headers=headers))
    assert "Note deleted." in answer and not Note.objects.exists()
    kept = unescape(re.findall(r'name="note" value="([^"]+)"', answer)[0])
    for _twice in range(2):
        client.post(reverse("note_restore", args=[maya().pk]), {"note": kept}, headers=headers)
    assert Note.objects.get().text == "Likes “brown”" and Note.objects.get().at == make.NOW


def test_a_note_is_put_back_with_its_own_person_only(dora: Distributor) -> None:
    note, client = make.note(maya()), signed_in(dora)
    answer = words(client.post(reverse("note_delete", args=[maya().pk, note.pk]), headers=HTMX))
    kept = unescape(re.findall(r'name="note" value="([^"]+)"', answer)[0])
    other = make.customer(dora)
    assert client.post(reverse("note_restore", args=[other.pk]), {"note": kept}).status_code == 404
    assert client.post(reverse("note_restore", args=[maya().pk]), {"note": kept[:-2] + "xx"}).status_code == 404
    assert client.post(reverse("note_restore", args=[maya().pk])).status_code == 404
    assert not Note.objects.exists()


def test_anothers_note_stays(dora: Distributor) -> None:
    note = make.note(make.customer(make.distributor()))
    assert signed_in(dora).post(reverse("note_delete", args=[maya().pk, note.pk])).status_code == 303
    assert Note.objects.filter(pk=note.pk).exists()


def test_queries_do_not_grow(dora: Distributor) -> None:
    client, url = signed_in(dora), reverse("person", args=[maya().pk])
    client.get(url)
    with CaptureQueriesContext(connection) as before:
        client.get(url)
    liner = make.product("EYE-1")
    for n in range(5):
        make.note(maya(), text=f"n {n}")
        order(maya(), make.TODAY - timedelta(days=60 + 30 * n), liner)
        make.customer(dora)
    client.get(url)  # makes her row again
    with CaptureQueriesContext(connection) as after:
        client.get(url)
    assert len(after) == len(before) <= 18, len(before)


@pytest.mark.parametrize(
    "name",
    ["person", "person_edit", "person_consent", "person_contact", "person_export", "person_erase", "note_add",
     "note_restore"],
)  # fmt: skip
def test_somebody_elses_is_not_there(dora: Distributor, name: str) -> None:
    client, url = signed_in(make.distributor()), reverse(name, args=[maya().pk])
    assert client.get(url).status_code in {404, 405}
    sent = {"text": "x", "do_not_contact": "1", "name": "Y", "channel": "all", "state": "withdrawn", "origin": "x"}
    assert client.post(url, sent).status_code in {404, 405}
    assert not maya().do_not_contact and not Note.objects.exists() and maya().erased_at is None


@pytest.mark.parametrize("gone", ["merged_into", "erased_at"])
def test_who_was_merged_or_erased_is_not_there(dora: Distributor, gone: str) -> None:
    fields = {"merged_into": make.customer(dora)} if gone == "merged_into" else {"erased_at": make.NOW}
    other = make.customer(dora, do_not_contact=True, **{"name": ""} | fields)
    assert signed_in(dora).get(reverse("person", args=[other.pk])).status_code == 404


def test_a_note_that_is_too_long_is_refused_and_kept_in_the_form(dora: Distributor) -> None:
    client, url = signed_in(dora), reverse("note_add", args=[maya().pk])
    # As a browser sends it: a line end is two letters, and counts as one.
    assert client.post(url, {"text": "a\r\n" * 999 + "bb"}).status_code == 303
    assert Note.objects.get().text == "a\n" * 999 + "bb"
    for headers in ({}, HTMX):
        refused = client.post(url, {"text": "Likes brown " + "n" * 2_000}, headers=headers)
        assert refused.status_code == 422
        assert "The note has 2012 letters; 2000 are possible." in words(refused)
        assert "Likes brown " + "n" * 2_000 in words(refused)
    assert Note.objects.count() == 1
    assert 'maxlength="2000"' in page(dora)


@pytest.mark.parametrize("name", ["note_add", "person_consent", "person_contact", "person_edit", "person_replied"])
def test_who_is_erased_while_the_form_is_sent_is_not_there(
    dora: Distributor, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's lock is waited for, and by then she is gone."""
    locked, client, url = outreach.lock, signed_in(dora), reverse(name, args=[maya().pk])

    def lock(customer: Customer) -> None:
        if customer.name:
            erasing.erase(customer=Customer.objects.get(pk=customer.pk), as_of=make.NOW, by=None)
        locked(customer)

    monkeypatch.setattr(outreach, "lock", lock)
    sent = {"text": "x", "do_not_contact": "1", "channel": "email", "state": "withdrawn", "origin": "x", "tone": "no"}
    edited = {"name": "Y", "kind": "customer"} if name == "person_edit" else {}
    assert client.post(url, sent | edited).status_code == 404
    assert not Note.objects.exists()
