"""Contacts and consents by the API, end to end with a key: single, batch, idempotent, and the latest statement counts."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from django.test import Client

from distributors.models import ApiKey, Customer, Distributor, Event
from tests import factories as make

pytestmark = pytest.mark.django_db

SINGLE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


@pytest.fixture
def jenna() -> Distributor:
    return make.distributor(external_id="jenna")


@pytest.fixture
def key() -> str:
    return ApiKey.issue(name="crm", scopes=["events:write"])[1]


def event(id: str, type: str = "contact.added", time: str = "2026-08-27T10:00:00Z", **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "source": "crm", "id": id, "type": type, "subject": "jenna", "time": time,
        "data": {"customer": "C-88"} | data,
    }  # fmt: skip


def send(key: str, body: Any) -> Any:
    kind = BATCH if isinstance(body, list) else SINGLE
    return Client().post("/api/v1/events", json.dumps(body), kind, headers={"Authorization": f"Bearer {key}"})


def maya() -> Customer:
    return Customer.objects.get(external_id="C-88")


CONTACT = {
    "name": "Maya Ortiz", "kind": "prospect", "hotness": "warm", "phone": "+1 555 0100", "email": "maya@example.com",
    "birthday": "1990-04-03", "language": "es",
}  # fmt: skip


def test_it_works(jenna: Distributor, key: str) -> None:
    assert send(key, event("c-1", **CONTACT)).status_code == 201
    assert {name: getattr(maya(), name) for name in CONTACT} == CONTACT | {"birthday": date(1990, 4, 3)}
    assert maya().distributor == jenna and (maya().allowed, maya().refused) == (0, 0)


def test_a_batch_of_contact_and_consents(jenna: Distributor, key: str) -> None:
    answers = send(
        key,
        [
            event("c-1", **CONTACT),
            event("c-2", "consent.changed", channel="email", state="given", origin="Order form, May 2026"),
            event("c-3", "consent.changed", channel="call", state="withdrawn"),
            event("c-4", "consent.changed", channel="fax", state="given"),
            event("c-5", "consent.changed", channel="text"),
        ],
    ).json()
    assert [answer["status"] for answer in answers] == [201, 201, 201, 422, 422]
    assert (maya().allowed, maya().refused) == (8, 1)


def test_sent_again_nothing_changes(jenna: Distributor, key: str) -> None:
    first, again = send(key, event("c-1", **CONTACT)), send(key, event("c-1", **CONTACT))
    assert (first.status_code, again.status_code) == (201, 200) and first.content == again.content
    assert send(key, event("c-1", **CONTACT | {"name": "Another"})).status_code == 409
    assert maya().name == "Maya Ortiz" and Event.objects.count() == 1


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "the later one first"])
def test_a_later_edit_wins_whichever_arrives_first(jenna: Distributor, key: str, turned: bool) -> None:
    events = [
        event("c-1", **CONTACT),
        event("c-2", time="2026-08-27T11:00:00Z", phone="+1 555 0199"),
        event("k-1", "consent.changed", channel="all", state="given", origin="Fair"),
        event("k-2", "consent.changed", "2026-08-27T11:00:00Z", channel="email", state="withdrawn"),
    ]
    for one in reversed(events) if turned else events:
        assert send(key, one).status_code == 201
    assert (maya().phone, maya().name, maya().email) == ("+1 555 0199", "Maya Ortiz", "maya@example.com")
    assert (maya().allowed, maya().refused) == (7, 8) and not maya().do_not_contact


def test_all_withdrawn_is_do_not_contact_until_something_is_given(jenna: Distributor, key: str) -> None:
    send(key, event("k-1", "consent.changed", channel="all", state="withdrawn"))
    assert maya().do_not_contact
    send(
        key, event("k-2", "consent.changed", "2026-08-27T11:00:00Z", channel="text", state="given", origin="Called us")
    )
    assert not maya().do_not_contact and (maya().allowed, maya().refused) == (2, 13)


def test_without_a_key_nobody_is_added(jenna: Distributor) -> None:
    assert send("", event("c-1", **CONTACT)).status_code == 401 and not Customer.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"birthday": "04/03/1990"}, {"email": "maya"}, {"kind": "friend"}, {"hotness": "boiling"}, {"name": "M" * 121},
     {"phone": "1" * 33}, {"language": "Spanish language"}],
)  # fmt: skip
def test_what_is_not_valid_is_refused_in_one_sentence(jenna: Distributor, key: str, wrong: dict[str, Any]) -> None:
    response = send(key, event("c-1", **wrong))
    assert response.status_code == 422 and next(iter(wrong)) in response.json()["detail"]
    assert not Customer.objects.exists()
