"""Who may be contacted how: facts of the log, by channel, the newest word counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from distributors import api, erasing, features, ingest, merging, openapi, outreach
from distributors.models import CHANNELS, Customer, Distributor, Event, Note
from tests import factories as make

pytestmark = pytest.mark.django_db

NOW = make.NOW
ALL = frozenset(CHANNELS)


@pytest.fixture
def maya() -> Customer:
    return make.customer(make.distributor(), name="Maya", phone="+49 (0)151 23-45", email="maya@example.com")


def say(customer: Customer, channel: str, state: str, days: int = 0, origin: str = "told me") -> Event:
    at = NOW - timedelta(days=days)
    return outreach.set_consent(customer=customer, channel=channel, state=state, origin=origin, as_of=at, by=None)


def reachable(customer: Customer) -> frozenset[str]:
    return outreach.reachable(customer, customer.distributor.market)


def shown(customer: Customer) -> bool:
    """Whether her distributor's row has her, and the queryset of who may be contacted: both say the same."""
    there = Customer.objects.may_be_contacted().filter(pk=customer.pk).exists()
    row = features.of([customer.distributor_id])[customer.distributor_id]
    assert there == (customer.pk in row.customers["id"].tolist())
    return there


def test_it_works(maya: Customer) -> None:
    assert reachable(maya) == ALL and shown(maya)
    event = say(maya, "text", "withdrawn")
    assert (event.type, event.data["channel"], event.data["origin"]) == ("consent.changed", "text", "told me")
    assert reachable(maya) == ALL - {"text"}
    assert [way.channel for way in outreach.ways(maya)] == ["call", "whatsapp", "email"]
    say(maya, "text", "given")
    assert reachable(maya) == ALL and maya.allowed == CHANNELS["text"] and maya.refused == 0
    text = next(one for one in outreach.consents(maya) if one.channel == "text")
    assert (text.state, text.origin, text.at, text.source) == ("given", "told me", NOW, "pep")
    say(maya, "text", "unknown")
    assert (maya.allowed, maya.refused) == (0, 0)
    assert ingest.rebuild(check=True).equal


def test_where_consent_is_required_only_channels_agreed_to(maya: Customer) -> None:
    market = maya.distributor.market
    market.consent_required = True
    market.save()
    assert reachable(maya) == frozenset() and not shown(maya) and outreach.ways(maya) == []
    say(maya, "email", "given")
    assert reachable(maya) == {"email"} and shown(maya)
    say(maya, "all", "unknown")
    assert reachable(maya) == frozenset() and not shown(maya)


def test_no_contact_at_all_is_all_channels_refused(maya: Customer) -> None:
    by = make.user()
    assert outreach.set_do_not_contact(customer=maya, stop=True, as_of=NOW, by=by)
    assert not outreach.set_do_not_contact(customer=maya, stop=True, as_of=NOW, by=by), "twice is once"
    assert maya.do_not_contact and maya.refused == 15 and reachable(maya) == frozenset() and not shown(maya)
    event = Event.objects.get(type="consent.changed")
    assert (event.data["channel"], event.data["state"], event.data["by"]) == ("all", "withdrawn", by.pk)
    assert {one.state for one in outreach.consents(maya)} == {"withdrawn"}
    assert outreach.set_do_not_contact(customer=maya, stop=False, as_of=NOW, by=by)
    assert not maya.do_not_contact and shown(maya) and (maya.allowed, maya.refused) == (0, 0)
    assert ingest.rebuild(check=True).equal


def test_four_refusals_are_a_refusal_of_all(maya: Customer) -> None:
    for channel in CHANNELS:
        assert not maya.do_not_contact
        say(maya, channel, "withdrawn")
    assert maya.do_not_contact and not shown(maya)
    say(maya, "call", "given")
    assert not maya.do_not_contact and reachable(maya) == {"call"}


def test_an_earlier_word_that_arrives_late_changes_nothing(maya: Customer) -> None:
    say(maya, "all", "withdrawn", days=1)
    say(maya, "email", "given", days=3)
    assert maya.do_not_contact
    say(maya, "email", "given")
    assert reachable(maya) == {"email"}


def test_who_refused_before_channels_were_kept_has_refused_all_of_them() -> None:
    maya = make.customer(make.distributor(), do_not_contact=True)
    assert {one.state for one in outreach.consents(maya)} == {"withdrawn"}
    say(maya, "email", "given")
    assert reachable(maya) == {"email"} and maya.refused == 7


@pytest.mark.parametrize(
    ("phone", "dialled"),
    [("+49 (0)151 23-45", "+491512345"), ("0049 151", "+49151"), ("(555) 010-0", "5550100"), ("1+1", "11"), ("x", "")],
)
def test_numbers_as_they_are_dialled(phone: str, dialled: str) -> None:
    assert outreach.dialled(phone) == dialled


def test_ways_carry_the_message(maya: Customer) -> None:
    ways = {way.channel: way.url for way in outreach.ways(maya, "Hi & bye", "Re: you")}
    assert ways == {
        "text": "sms:+491512345?&body=Hi%20%26%20bye",
        "whatsapp": "https://wa.me/491512345?text=Hi%20%26%20bye",
        "email": "mailto:maya@example.com?subject=Re%3A%20you&body=Hi%20%26%20bye",
    }
    call = outreach.call(maya)
    assert call is not None and call.url == "tel:+491512345"
    say(maya, "call", "withdrawn")
    assert outreach.call(maya) is None and outreach.call(None) is None


# Edits


def change(customer: Customer, **fields: Any) -> Event | None:
    return outreach.change(customer=customer, by=None, as_of=NOW, **fields)


def test_an_edit_is_an_event(maya: Customer) -> None:
    event = change(
        maya, name="Maya Ortiz", birthday=date(1990, 2, 3), phone="", language="es", email="maya@example.com"
    )
    assert event is not None and event.type == "contact.added"
    assert event.data == {
        "customer": maya.external_id, "name": "Maya Ortiz", "birthday": "1990-02-03", "language": "es", "clears": ["phone"],
    }  # fmt: skip
    assert (maya.name, maya.birthday, maya.phone, maya.language) == ("Maya Ortiz", date(1990, 2, 3), "", "es")
    change(maya, birthday=None, hotness="hot")
    assert maya.birthday is None and maya.hotness == "hot"


def test_of_two_edits_at_one_instant_the_later_one_counts(maya: Customer) -> None:
    for n in range(12):
        change(maya, phone=str(n))
        say(maya, "text", "given" if n % 2 else "withdrawn")
    assert maya.phone == "11" and maya.allowed == CHANNELS["text"]


def test_an_older_list_does_not_undo_an_edit(maya: Customer) -> None:
    change(maya, phone="")
    event = {
        "specversion": "1.0", "source": "shop", "id": "1", "type": "contact.added", "subject": maya.distributor.external_id,
        "time": (NOW - timedelta(days=1)).isoformat(), "data": {"customer": maya.external_id, "phone": "1", "kind": "prospect"},
    }  # fmt: skip
    assert not ingest.bulk([event], received_at=NOW).failed
    maya.refresh_from_db()
    assert maya.phone == "" and maya.kind == "prospect"


def test_an_edit_of_nothing_is_none(maya: Customer) -> None:
    assert change(maya, name=" Maya ", phone=maya.phone, birthday=None) is None
    Customer.objects.filter(pk=maya.pk).update(orders=1)
    assert change(maya, kind="prospect") is None, "who ordered is a customer"
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"name": " "}, {"email": "x"}, {"phone": "1" * 33}, {"hotness": "boiling"}, {"name": "x" * 121}]
)
def test_edits_that_are_refused(maya: Customer, fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        change(maya, **fields)
    assert not Event.objects.exists()


def test_only_fields_of_a_contact_are_edited(maya: Customer) -> None:
    with pytest.raises(TypeError):
        change(maya, spent=5)


@pytest.mark.parametrize(("channel", "state"), [("fax", "given"), ("text", "perhaps"), ("", "given")])
def test_consent_that_is_refused(maya: Customer, channel: str, state: str) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        say(maya, channel, state)
    assert not Event.objects.exists()


# The API


REFUSED = [
    ("consent.changed", {"channel": "text"}, "data.state is missing."),
    ("consent.changed", {"state": "given"}, "data.channel is missing."),
    ("consent.changed", {"channel": "fax", "state": "given"}, "data.channel must be one of call, text, whatsapp, email, all."),
    ("consent.changed", {"channel": "text", "state": "yes"}, "data.state must be one of given, withdrawn, unknown."),
    ("consent.changed", {"channel": "text", "state": "given", "origin": "x" * 201},
     "data.origin must be text of at most 200 characters."),
    ("contact.made", {"channel": "all"}, "data.channel must be one of call, text, whatsapp, email."),
    ("contact.undone", {}, "data.undoes is missing."),
    ("contact.replied", {"tone": "cross"}, "data.tone must be one of interested, later, no."),
    ("contact.replied", {"channel": "all"}, "data.channel must be one of call, text, whatsapp, email."),
    ("contact.merged", {}, "data.merged is missing."),
    ("contact.merged", {"merged": "c"}, "data.merged must be another contact than data.customer."),
    ("contact.added", {"language": "?"}, "data.language must be a language code, such as en or de-AT."),
    ("contact.added", {"clears": ["name"]}, "data.clears must be a list of hotness, birthday, phone, email, language."),
    ("contact.added", {"clears": "phone"}, "data.clears must be a list of hotness, birthday, phone, email, language."),
    ("distributor.enrolled", {"name": "Rosa", "market": "us", "contact": "c"},
     "data.contact needs data.sponsor, whose contact it is."),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "data", "sentence"), REFUSED)
def test_events_that_are_refused(type_: str, data: dict[str, Any], sentence: str) -> None:
    make.distributor(external_id="dora")
    event = {
        "specversion": "1.0", "source": "shop", "id": "1", "type": type_, "subject": "dora", "time": NOW.isoformat(),
        "data": {"customer": "c"} | data,
    }  # fmt: skip
    [verdict] = [(v.status, v.body["detail"]) for v in ingest.accept([event], received_at=NOW)]
    assert verdict == (422, sentence)


@pytest.mark.parametrize("type_", ["consent.changed", "contact.made", "contact.undone", "contact.replied"])
def test_a_contact_needs_a_customer(type_: str) -> None:
    make.distributor(external_id="dora")
    event = {
        "specversion": "1.0", "source": "shop", "id": "1", "type": type_, "subject": "dora", "time": NOW.isoformat(), "data": {},
    }  # fmt: skip
    [verdict] = ingest.accept([event], received_at=NOW)
    assert verdict.body["detail"] == "data.customer is missing."


def test_the_contact_who_enrolled_is_her_sponsors(maya: Customer) -> None:
    sponsor: Distributor = maya.distributor
    event = {
        "specversion": "1.0", "source": "shop", "id": "1", "type": "distributor.enrolled", "subject": "maya-d",
        "time": NOW.isoformat(), "data": {"name": "Maya", "sponsor": sponsor.external_id, "contact": maya.external_id},
    }  # fmt: skip
    assert not ingest.bulk([event], received_at=NOW).failed
    stored = Event.objects.get(type="distributor.enrolled")
    assert stored.customer == maya and stored.distributor.external_id == "maya-d"
    assert Customer.objects.count() == 1
    assert [one.words for one in outreach.history(maya)] == ["Enrolled on your team"]


@pytest.mark.parametrize("type_", ["contact.merged", "contact.erased"])
def test_what_only_the_platform_does_is_not_taken_from_others(type_: str) -> None:
    verdict = api.refuse_own_source(0, {"source": "shop", "type": type_})
    assert verdict is not None
    assert (verdict.status, verdict.body["detail"]) == (422, f"type {type_} is kept for this platform's own events.")
    assert type_ not in openapi.EVENT["properties"]["type"]["enum"]
    assert api.refuse_own_source(0, {"source": "shop", "type": "contact.made"}) is None


def told(customer: Customer, at: datetime, state: str, received: datetime, channel: str = "email") -> dict[str, Any]:
    return {
        "specversion": "1.0", "source": "shop", "id": f"{at.isoformat()}-{state}", "type": "consent.changed",
        "subject": customer.distributor.external_id, "time": at.isoformat(),
        "data": {"customer": customer.external_id, "channel": channel, "state": state},
    }  # fmt: skip


def receive(event: dict[str, Any], received: datetime) -> None:
    assert not ingest.bulk([event], received_at=received).failed


def test_a_yes_dated_ahead_of_time_does_not_beat_a_refusal_in_between(maya: Customer) -> None:
    receive(told(maya, NOW + timedelta(hours=23), "given", NOW, "all"), NOW)
    later = NOW + timedelta(minutes=1)
    maya.refresh_from_db()
    assert outreach.set_do_not_contact(customer=maya, stop=True, as_of=later, by=None)
    assert maya.do_not_contact and {one.state for one in outreach.consents(maya)} == {"withdrawn"}
    assert {one.at for one in outreach.consents(maya)} == {later}
    assert ingest.rebuild(check=True).equal


@pytest.mark.parametrize("seed", range(6))
def test_in_whatever_order_words_of_the_past_arrive(maya: Customer, seed: int) -> None:
    states = ["given", "withdrawn", "unknown", "given", "withdrawn"]
    said = [(NOW - timedelta(days=n), state) for n, state in enumerate(states)]
    Random(seed).shuffle(said)
    for n, (at, state) in enumerate(said):
        received = NOW + timedelta(minutes=n)
        receive(told(maya, at, state, received), received)
    maya.refresh_from_db()
    assert (maya.allowed, maya.refused) == (CHANNELS["email"], 0)
    assert next(one for one in outreach.consents(maya) if one.channel == "email").at == NOW
    assert ingest.rebuild(check=True).equal


WRITES: dict[str, Callable[[Customer], Any]] = {
    "note": lambda her: outreach.add_note(customer=her, text="Maya has a cat", as_of=NOW, by=None),
    "reply": lambda her: outreach.replied(customer=her, channel="", tone="no", as_of=NOW, by=None, key="r"),
    "contact": lambda her: outreach.contacted(customer=her, channel="call", as_of=NOW, by=None, key="c"),
    "edit": lambda her: outreach.change(customer=her, by=None, as_of=NOW, name="Maya Again"),
    "consent": lambda her: say(her, "email", "given"),
    "stop": lambda her: outreach.set_do_not_contact(customer=her, stop=True, as_of=NOW, by=None),
}


@pytest.mark.parametrize("gone", ["erased", "merged"])
@pytest.mark.parametrize("write", WRITES)
def test_nothing_is_written_about_who_was_erased_or_merged_meanwhile(maya: Customer, write: str, gone: str) -> None:
    read_before = Customer.objects.get(pk=maya.pk)
    if gone == "erased":
        erasing.erase(customer=maya, as_of=NOW, by=None)
    else:
        merging.merge(survivor=make.customer(maya.distributor), other=maya, as_of=NOW, by=None)
    before = (Customer.objects.count(), Event.objects.count())
    with pytest.raises(Customer.DoesNotExist):
        WRITES[write](read_before)
    assert (Customer.objects.count(), Event.objects.count()) == before and not Note.objects.exists()


def test_to_stop_looks_at_how_it_is_now(maya: Customer) -> None:
    read_before = Customer.objects.get(pk=maya.pk)
    outreach.set_do_not_contact(customer=maya, stop=True, as_of=NOW, by=None)
    assert not outreach.set_do_not_contact(customer=read_before, stop=True, as_of=NOW, by=None)
