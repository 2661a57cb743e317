"""When a contact heard from her last: the newest four contacts that stand, folded from the log."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from distributors import ingest, outreach
from distributors.models import Customer, Distributor, Event
from tests import factories as make

pytestmark = pytest.mark.django_db

NOW = make.NOW


@pytest.fixture
def dora() -> Distributor:
    return make.distributor(external_id="dora")


@pytest.fixture
def maya(dora: Distributor) -> Customer:
    return make.customer(dora, external_id="maya")


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def made(customer: Customer, days: int, key: str = "") -> Event:
    key = key or f"k{days}"
    return outreach.contacted(customer=customer, channel="call", as_of=ago(days), by=None, key=key)


def recent(customer: Customer) -> list[datetime]:
    customer.refresh_from_db()
    assert customer.last_contact_at == (customer.recent_contacts[0] if customer.recent_contacts else None)
    return customer.recent_contacts


def event(id_: str, type_: str, days: int, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "source": "crm", "id": id_, "type": type_, "subject": "dora", "time": ago(days).isoformat(),
        "data": data,
    }  # fmt: skip


def test_it_works(maya: Customer) -> None:
    for days in (9, 2, 30, 5, 1):
        made(maya, days)
    assert recent(maya) == [ago(1), ago(2), ago(5), ago(9)]
    newest = Event.objects.get(external_id="k1")
    for _twice in range(2):
        outreach.take_back(contact=newest, as_of=NOW, by=None)
    assert recent(maya) == [ago(2), ago(5), ago(9), ago(30)]
    assert Event.objects.filter(type="contact.undone").count() == 1
    assert ingest.rebuild(check=True).equal


def test_the_same_key_is_the_same_contact(maya: Customer) -> None:
    assert made(maya, 3, "sheet-1") == made(maya, 1, "sheet-1")
    assert recent(maya) == [ago(3)]


HISTORY = [
    event("a", "contact.made", 9, customer="maya", channel="call"),
    event("b", "contact.undone", 8, customer="maya", undoes="a"),
    event("c", "activity.completed", 7, customer="maya", activity="x"),
    event("d", "activity.completed", 6, customer="maya", activity="x", closed_by={"source": "shop", "id": "o"}),
    event("e", "activity.undone", 5, activity="x", undoes="c"),
    event("f", "activity.completed", 4, customer="maya", activity="x"),
]


@pytest.mark.parametrize("order", list(permutations(range(6)))[::31])
def test_an_undo_may_come_first(maya: Customer, order: tuple[int, ...]) -> None:
    for n in order:
        assert not ingest.bulk([HISTORY[n]], received_at=NOW).failed
    assert recent(maya) == [ago(4)], "f; a and c were taken back, d closed itself"
    assert ingest.rebuild(check=True).equal


def test_only_the_same_system_and_person_take_back(dora: Distributor, maya: Customer) -> None:
    make.customer(dora, external_id="tess")
    ingest.bulk([event("a", "contact.made", 9, customer="maya", channel="call")], received_at=NOW)
    others = [
        event("b", "contact.undone", 8, customer="tess", undoes="a"),
        event("c", "contact.undone", 8, customer="maya", undoes="a") | {"source": "shop"},
        event("d", "activity.undone", 8, customer="maya", activity="x", undoes="a"),
    ]
    assert not ingest.bulk(others, received_at=NOW).failed
    assert recent(maya) == [ago(9)]


def test_a_reply_is_no_contact_of_hers(maya: Customer) -> None:
    outreach.replied(customer=maya, channel="text", tone="later", as_of=NOW, by=None, key="r1")
    assert recent(maya) == []


def test_who_was_contacted_before_the_log_said_so_keeps_it(dora: Distributor) -> None:
    maya = make.customer(dora, last_contact_at=ago(3), recent_contacts=[ago(3)])
    assert ingest.rebuild().equal
    assert recent(maya) == [ago(3)]


@pytest.mark.parametrize(
    "damage",
    [{"last_contact_at": ago(99)}, {"recent_contacts": []}, {"allowed": 8}, {"refused": 1}, {"do_not_contact": True}],
)
def test_damage_is_found_and_put_right(maya: Customer, damage: dict[str, Any]) -> None:
    made(maya, 2)
    outreach.set_consent(customer=maya, channel="text", state="given", origin="", as_of=NOW, by=None)
    Customer.objects.update(**damage)
    assert ingest.rebuild(check=True).customers == 1
    assert not ingest.rebuild().equal
    assert ingest.rebuild(check=True).equal
    assert recent(maya) == [ago(2)] and (maya.allowed, maya.refused, maya.do_not_contact) == (2, 0, False)


# History


def test_history_in_words(maya: Customer) -> None:
    line = {"currency": "USD", "amount": "62.50"}
    ingest.record(
        type="order.placed", distributor=maya.distributor, customer=maya, time=ago(9), data=line, external_id="o1"
    )
    made(maya, 5)
    wrong = made(maya, 4)
    outreach.take_back(contact=wrong, as_of=ago(4), by=None)
    outreach.replied(customer=maya, channel="text", tone="interested", as_of=ago(3), by=None, key="r1")
    outreach.set_consent(customer=maya, channel="email", state="given", origin="order form", as_of=ago(2), by=None)
    outreach.set_do_not_contact(customer=maya, stop=True, as_of=ago(1), by=None)
    outreach.change(customer=maya, by=None, as_of=NOW, phone="1")
    said = [(one.kind, one.channel, one.words) for one in outreach.history(maya)]
    assert said == [
        ("added", "", "Details changed"),
        ("consent", "all", "Asked not to be contacted"),
        ("consent", "email", "Agreed to e-mail (order form)"),
        ("reply", "text", "Answered: interested"),
        ("contact", "call", "You called"),
        ("order", "", "Ordered $62.50"),
    ]
    assert [one.at for one in outreach.history(maya, 2)] == [NOW, ago(1)]


def test_history_is_three_queries(maya: Customer) -> None:
    for days in range(30):
        made(maya, days)
    with CaptureQueriesContext(connection) as queries:
        assert len(outreach.history(maya, 20)) == 20
    assert len(queries) <= 3
