"""A person who is forgotten: nothing personal stays in her row, notes and events; what was counted stays counted."""

from __future__ import annotations

import os
import random
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, transaction

from distributors import erasing, features, ingest, merging, outreach
from distributors.models import ContactImport, Customer, Distributor, Event, Measure, Note, NotTheSame, Order
from tests import factories as make

from .test_fold import NOW, history, stage, state

pytestmark = pytest.mark.django_db

SEEDS = int(os.environ.get("PEP_SEEDS", "10"))


@pytest.fixture
def dora() -> Distributor:
    return make.distributor(external_id="dora")


def erase(customer: Customer, **more: Any) -> Customer:
    erasing.erase(customer=customer, **{"as_of": NOW, "by": None} | more)
    return Customer.objects.get(pk=customer.pk)


def shop(id_: str, type_: str, **data: Any) -> None:
    event = {
        "specversion": "1.0", "source": "shop", "id": id_, "type": type_, "subject": "dora", "time": NOW.isoformat(),
        "data": data,
    }  # fmt: skip
    summary = ingest.bulk([event], received_at=NOW)
    assert not summary.failed, summary


def test_it_works(dora: Distributor) -> None:
    line = {"sku": "EYE-1", "quantity": 1, "amount": "34.00", "line": "eye", "engraved": "For Maya"}
    shop("1", "contact.added", customer="maya@example.com", name="Maya Ortiz", phone="1", email="maya@example.com",
         birthday="1990-02-03", hotness="hot", language="es", kind="prospect")  # fmt: skip
    shop("2", "order.placed", customer="maya@example.com", customer_name="Maya Ortiz", currency="USD", amount="34.00",
         lines=[line], ship_to="1 Main Street")  # fmt: skip
    shop("3", "consent.changed", customer="maya@example.com", channel="text", state="given", origin="Maya said so")
    maya = Customer.objects.get()
    make.note(maya, text="Maya has a cat")
    before = (list(Measure.objects.values()), list(Order.objects.values()))
    hers = make.user()
    gone = erase(maya, by=hers)
    assert gone.external_id.startswith("erased-") and gone.erased_at == NOW and gone.do_not_contact
    assert (gone.name, gone.phone, gone.email, gone.birthday, gone.hotness, gone.language) == ("", "", "", None, "", "")
    assert (gone.orders, gone.last_order_on) == (1, make.TODAY)
    assert not Note.objects.exists() and not Customer.objects.of(dora.pk).exists()
    data = {event.external_id: event.data for event in Event.objects.all()}
    new = {"customer": gone.external_id}
    assert data["1"] == new
    kept = {"sku": "EYE-1", "quantity": 1, "amount": "34.00", "line": "eye"}
    assert data["2"] == new | {"currency": "USD", "amount": "34.00", "lines": [kept]}
    assert data["3"] == new | {"channel": "text", "state": "given"}
    assert data[f"erased-{maya.pk}"] == new | {"by": hers.pk}
    assert (list(Measure.objects.values()), list(Order.objects.values())) == before
    assert ingest.rebuild(check=True).equal
    assert gone.display_name == "Somebody who was erased" and gone.given_name == "somebody"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_count_stays(seed: int) -> None:
    rng = random.Random(seed)
    stage()
    assert not ingest.bulk(history(rng, 60), received_at=NOW).failed
    people = list(Customer.objects.filter(distributor__external_id="ann"))
    if len(people) > 2:
        one, other = rng.sample(people, 2)
        merging.merge(survivor=one, other=other, as_of=NOW, by=None)
    before = {name: state()[name] for name in ("lines", "measures", "people")}
    for person in Customer.objects.filter(merged_into=None, distributor__external_id="ann"):
        if rng.random() < 0.7:
            erase(person)
    assert {name: state()[name] for name in before} == before
    assert ingest.rebuild(check=True).equal


def test_who_was_merged_into_her_is_forgotten_with_her(dora: Distributor) -> None:
    maya, twin, older = (make.customer(dora, phone="1", external_id=name) for name in ("a", "b", "c"))
    shop("1", "contact.replied", customer="c", tone="later")
    merging.merge(survivor=twin, other=older, as_of=NOW, by=None)
    merging.merge(survivor=maya, other=twin, as_of=NOW, by=None)
    her = erase(maya)
    for row in Customer.objects.all():
        assert row.erased_at == NOW and row.external_id.startswith("erased-") and not row.phone
    assert {event.data["customer"] for event in Event.objects.all()} == {her.external_id}
    assert not any("merged" in event.data for event in Event.objects.all())
    shop("2", "contact.replied", customer="c", tone="no")  # named again, she is somebody new
    assert Customer.objects.of(dora.pk).get().external_id == "c"


def test_whoever_enrolled_stays_who_she_is(dora: Distributor) -> None:
    maya = make.customer(dora, external_id="maya@example.com")
    event = {
        "specversion": "1.0", "source": "shop", "id": "1", "type": "distributor.enrolled", "subject": "maya-d",
        "time": NOW.isoformat(), "data": {"name": "Maya", "sponsor": "dora", "contact": "maya@example.com"},
    }  # fmt: skip
    assert not ingest.bulk([event], received_at=NOW).failed
    gone = erase(maya)
    stored = Event.objects.get(type="distributor.enrolled")
    assert stored.data == {"name": "Maya", "sponsor": "dora", "contact": gone.external_id}
    assert stored.distributor.name == "Maya"


def test_a_repeated_event_is_still_a_repeat(dora: Distributor) -> None:
    for _twice in range(2):
        shop("1", "contact.added", customer="maya", name="Maya")
        if maya := Customer.objects.of(dora.pk).first():
            erase(maya)
    assert Customer.objects.count() == 1


def test_imports_that_name_her_go(dora: Distributor) -> None:
    maya = make.customer(dora, name="Maya Ortiz", phone="+1 555 0100", email="maya@example.com")
    files = {
        "by name": [{"row": 1, "name": "Tess"}, {"row": 2, "name": "maya ortiz"}],
        "by phone": [{"row": 1, "name": "M", "phone": "1-555-0100"}],
        "by address": [{"row": 1, "name": "", "email": "MAYA@example.com"}],
        "known": [{"row": 1, "name": "M", "known": maya.pk}],
        "not her": [{"row": 1, "name": "Tess", "phone": "", "email": ""}],
    }
    for name, rows in files.items():
        ContactImport.objects.create(distributor=dora, file_name=name, at=NOW, rows=rows)
    somebody_elses = make.distributor()
    ContactImport.objects.create(distributor=somebody_elses, file_name="theirs", at=NOW, rows=files["by name"])
    erase(maya)
    assert set(ContactImport.objects.values_list("file_name", flat=True)) == {"not her", "theirs"}


def test_she_is_in_no_list(dora: Distributor) -> None:
    maya, tess = make.customer(dora), make.customer(dora)
    NotTheSame.objects.create(one=maya, other=tess)
    erase(maya)
    assert features.of([dora.pk])[dora.pk].customers["id"].tolist() == [tess.pk]
    assert not NotTheSame.objects.exists()
    assert list(Customer.objects.of(dora.pk)) == [tess]


def test_refused(dora: Distributor) -> None:
    maya, twin = make.customer(dora), make.customer(dora)
    merging.merge(survivor=maya, other=twin, as_of=NOW, by=None)
    with pytest.raises(ValueError, match="not there any more"):
        erase(twin)
    erase(maya)
    with pytest.raises(ValueError, match="not there any more"):
        erase(maya)
    assert Event.objects.filter(type="contact.erased").count() == 1


def test_nothing_else_changes_what_an_event_says(dora: Distributor) -> None:
    """The log stays what it is for everybody who was neither merged nor erased."""
    maya, tess = make.customer(dora, birthday=date(1990, 2, 3)), make.customer(dora)
    outreach.contacted(customer=maya, channel="call", as_of=NOW - timedelta(days=1), by=None, key="k")
    outreach.contacted(customer=tess, channel="call", as_of=NOW - timedelta(days=1), by=None, key="l")
    erase(tess)
    for change in ({"data": {}}, {"customer": tess}, {"time": NOW}, {"type": "contact.replied"}):
        with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
            Event.objects.filter(external_id="k").update(**change)
    for change in ({"time": NOW}, {"type": "contact.replied"}, {"customer": maya}):
        with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
            Event.objects.filter(external_id="l").update(**change)


def test_an_erased_row_named_by_its_own_id_stays_empty(dora: Distributor) -> None:
    gone = erase(make.customer(dora, name="Maya"))
    shop("1", "contact.added", customer=gone.external_id, name="Reborn", phone="1")
    shop("2", "order.placed", customer=gone.external_id, customer_name="Reborn", currency="USD", amount="5.00")
    shop("3", "contact.added", customer="tess", name="Tess")
    gone.refresh_from_db()
    assert (gone.name, gone.phone, gone.erased_at) == ("", "", NOW)
    assert Customer.objects.of(dora.pk).get().name == "Tess", "what came with it is stored"


def test_an_engraving_and_free_words_of_others_go(dora: Distributor) -> None:
    line = {"sku": "EYE-1", "quantity": 1, "amount": "5.00", "name": "Liner for Maya"}
    shop(
        "1",
        "order.placed",
        customer="maya",
        currency="USD",
        amount="5.00",
        form="Maya",
        reason="Maya's day",
        lines=[line],
    )
    shop("2", "activity.dismissed", customer="maya", activity="refill", form="message", reason="not_now")
    gone = erase(Customer.objects.get())
    data = {event.external_id: event.data for event in Event.objects.all()}
    new = {"customer": gone.external_id}
    kept = {"sku": "EYE-1", "quantity": 1, "amount": "5.00"}
    assert data["1"] == new | {"currency": "USD", "amount": "5.00", "lines": [kept]}
    assert data["2"] == new | {"activity": "refill", "form": "message", "reason": "not_now"}
