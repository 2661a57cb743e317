"""Two contacts become one: as if the other had never had a row of her own."""

from __future__ import annotations

import os
import random
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction

from distributors import ingest, merging, outreach
from distributors.models import Customer, Distributor, Event, Measure, Note, NotTheSame
from tests import factories as make

from .test_fold import NOW, history, stage, state

pytestmark = pytest.mark.django_db

SEEDS = int(os.environ.get("PEP_SEEDS", "12"))


@pytest.fixture
def dora() -> Distributor:
    return make.distributor()


def merge(survivor: Customer, other: Customer, **more: Any) -> Customer:
    return merging.merge(survivor=survivor, other=other, **{"as_of": NOW, "by": None} | more)


def fresh(customer: Customer) -> Customer:
    return Customer.objects.get(pk=customer.pk)


def measured(of: Distributor, metric: str) -> int:
    return int(sum(Measure.objects.filter(distributor=of, metric=metric, scope="").values_list("value", flat=True)))


def order(customer: Customer, days: int) -> None:
    """`days` ago, of the eye line, as an event."""
    line = {"sku": "EYE-1", "quantity": 1, "amount": "34.00", "line": "eye"}
    ingest.record(
        type="order.placed", distributor=customer.distributor, customer=customer, time=NOW - timedelta(days=days),
        data={"currency": "USD", "amount": "34.00", "lines": [line]}, external_id=f"order-{make.number()}",
    )  # fmt: skip


def test_it_works(dora: Distributor) -> None:
    maya = make.customer(dora, name="Maya Ortiz", phone="", added_at=NOW)
    twin = make.customer(
        dora, name="M. Ortiz", phone="+1 555 0100", email="m@example.com", birthday=date(1990, 2, 3), language="es",
        added_at=NOW - timedelta(days=90),
    )  # fmt: skip
    order(maya, 50)
    order(twin, 20)
    make.note(twin, text="Has a cat")
    assert (measured(dora, "new_customers"), measured(dora, "repeat_orders")) == (2, 0)
    hers = make.user()
    merged = merge(maya, twin, by=hers)
    assert merged.pk == maya.pk and merged.name == "Maya Ortiz"
    assert (merged.phone, merged.email, merged.birthday, merged.language) == (
        "+1 555 0100", "m@example.com", date(1990, 2, 3), "es",
    )  # fmt: skip
    assert (merged.orders, merged.last_order_on, merged.usual_gap_days) == (2, make.TODAY - timedelta(days=20), 30)
    assert merged.added_at == NOW - timedelta(days=90)
    assert [note.text for note in merged.notes.all()] == ["Has a cat"]
    assert (measured(dora, "new_customers"), measured(dora, "repeat_orders")) == (1, 1)
    assert list(Customer.objects.of(dora.pk)) == [merged]
    event = Event.objects.get(type="contact.merged")
    assert event.customer == merged and event.data["merged"] == twin.external_id and event.data["by"] == hers.pk
    assert ingest.rebuild(check=True).equal


@pytest.mark.parametrize("seed", range(SEEDS))
def test_all_counts_are_as_if_she_had_been_one_person_all_along(seed: int) -> None:
    rng = random.Random(seed)
    events = history(rng, 100)
    half = rng.randint(40, 90)

    def with_merges() -> None:
        stage()
        taken_in(events[:half])
        for owner in Distributor.objects.order_by("external_id"):
            people = list(Customer.objects.of(owner.pk).order_by("external_id"))
            rng.shuffle(people)
            # A into B into C; who has two is two of one person.
            for other, survivor in zip(people[:3], people[1:3], strict=False):
                merge(survivor, other)
        assert Customer.objects.filter(merged_into__orders__gt=0).exists()
        assert ingest.rebuild(check=True).equal
        taken_in(events[half:])
        assert ingest.rebuild(check=True).equal

    def all_along() -> None:
        stage()
        names = renamed()
        taken_in([said(event, names) for event in events])

    def renamed() -> dict[tuple[str, str], str]:
        """Who ended up as whom, in the run with merges, by whose they are."""
        return {
            (row.distributor.external_id, row.external_id): row.merged_into.external_id
            for row in merged_rows
            if row.merged_into
        }

    savepoint = transaction.savepoint()
    with_merges()
    merged_rows = list(Customer.objects.exclude(merged_into=None).select_related("distributor", "merged_into"))
    found = counted()
    transaction.savepoint_rollback(savepoint)
    all_along()
    assert found == counted()


def taken_in(events: list[dict[str, Any]]) -> None:
    assert not ingest.bulk(events, received_at=NOW).failed


def said(event: dict[str, Any], names: dict[tuple[str, str], str]) -> dict[str, Any]:
    field = "contact" if event["type"] == "distributor.enrolled" else "customer"
    owner = event["data"].get("sponsor", event["subject"])
    name = event["data"].get(field)
    return event | {"data": event["data"] | ({field: names.get((owner, name), name)} if name else {})}


def counted() -> dict[str, list[Any]]:
    """What is counted, of whom there still is. Consents have a rule of their own, and what she is called is hers to choose."""
    found = state()
    live = Customer.objects.filter(merged_into=None)
    columns = ("orders", "spent", "first_order_on", "last_order_on", "usual_gap_days", "recent_contacts", "added_at")
    people = live.values_list("distributor__external_id", "external_id", *columns)
    return {name: found[name] for name in ("orders", "lines", "measures", "customer lines", "people")} | {
        "customers": sorted(people, key=repr)
    }


def test_what_is_said_of_the_other_later_reaches_her(dora: Distributor) -> None:
    a, b, c = (make.customer(dora, external_id=name) for name in "abc")
    merge(b, a)
    merge(c, b)
    assert fresh(a).merged_into == c and fresh(b).merged_into == c
    for name in "abc":
        event = {
            "specversion": "1.0", "source": "shop", "id": f"o-{name}", "type": "order.placed", "subject": dora.external_id,
            "time": NOW.isoformat(), "data": {"customer": name, "currency": "USD", "amount": "5.00"},
        }  # fmt: skip
        assert not ingest.bulk([event], received_at=NOW).failed
    assert fresh(c).orders == 3 and fresh(a).orders == 0
    assert ingest.rebuild(check=True).equal


@pytest.mark.parametrize("refuser", ["survivor", "other"])
def test_a_refusal_of_either_stands(dora: Distributor, refuser: str) -> None:
    maya, twin = make.customer(dora), make.customer(dora)
    who, whom = (maya, twin) if refuser == "survivor" else (twin, maya)
    consent(who, "text", "withdrawn", days=9)
    consent(whom, "all", "given", days=2)  # newer, and yet
    merged = merge(maya, twin)
    assert (merged.refused, merged.allowed) == (2, 13)
    assert not merged.do_not_contact
    assert ingest.rebuild(check=True).equal


@pytest.mark.parametrize("by_event", [True, False])
def test_who_wants_no_contact_at_all_gets_none(dora: Distributor, by_event: bool) -> None:
    maya, twin = make.customer(dora), make.customer(dora, do_not_contact=not by_event)
    consent(maya, "all", "given", days=2)
    if by_event:
        consent(twin, "all", "withdrawn", days=9)
    merged = merge(maya, twin)
    assert merged.do_not_contact and merged.refused == 15
    assert ingest.rebuild(check=True).equal


def consent(customer: Customer, channel: str, state: str, *, days: int) -> None:
    at = NOW - timedelta(days=days)
    outreach.set_consent(customer=customer, channel=channel, state=state, origin="told me", as_of=at, by=None)


def test_contacts_of_both_are_hers(dora: Distributor) -> None:
    maya, twin = make.customer(dora), make.customer(dora)
    for n, whom in enumerate([maya, twin, maya, twin, twin]):
        outreach.contacted(customer=whom, channel="call", as_of=NOW - timedelta(days=n), by=None, key=f"k{n}")
    merged = merge(maya, twin)
    assert merged.recent_contacts == [NOW - timedelta(days=n) for n in range(4)]
    assert fresh(twin).recent_contacts == []


def test_who_is_not_the_other_is_not_the_survivor(dora: Distributor) -> None:
    maya, twin, tess = make.customer(dora), make.customer(dora), make.customer(dora)
    NotTheSame.objects.create(one=maya, other=twin)  # she changed her mind
    NotTheSame.objects.create(one=twin, other=tess)
    merge(maya, twin)
    assert [(pair.one, pair.other) for pair in NotTheSame.objects.all()] == [(maya, tess)]


def test_refused(dora: Distributor) -> None:
    maya, twin, gone = make.customer(dora), make.customer(dora), make.customer(dora)
    merge(maya, gone)
    for survivor, other in [(maya, maya), (maya, make.customer(make.distributor())), (maya, gone), (gone, twin)]:
        with pytest.raises(ValueError, match="not there any more"):
            merge(survivor, other)
    assert Event.objects.filter(type="contact.merged").count() == 1
    assert not Note.objects.exists()
