"""A person who is forgotten: nothing personal stays in her row, notes and events; what was counted stays counted."""

from __future__ import annotations

import os
import random
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from distributors import erasing, features, gone, ingest, merging, outreach
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
    assert gone.external_id.startswith("erased:") and gone.erased_at == NOW and gone.do_not_contact
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
        assert row.erased_at == NOW and row.external_id.startswith("erased:") and not row.phone
    assert {event.data["customer"] for event in Event.objects.all()} == {her.external_id}
    assert not any("merged" in event.data for event in Event.objects.all())
    for name in ("a", "b", "c"):
        shop(f"again-{name}", "contact.added", customer=name, name="Back Again")
    assert not Customer.objects.of(dora.pk).exists() and Customer.objects.count() == 3


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
    her = erase(make.customer(dora, name="Maya"))
    shop("1", "contact.added", customer=her.external_id, name="Reborn", phone="1")
    shop("2", "order.placed", customer=her.external_id, customer_name="Reborn", currency="USD", amount="5.00")
    shop("3", "contact.added", customer="tess", name="Tess")
    her.refresh_from_db()
    assert (her.name, her.phone, her.erased_at) == ("", "", NOW) and "Reborn" not in everything()
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


# The shop goes on sending


def everything() -> str:
    """All that the tables hold of people and events, as text."""
    rows = [*Customer.objects.values(), *Event.objects.values(), *Note.objects.values()]
    return repr([*rows, *Measure.objects.values("metric", "value"), *Order.objects.values()])


def nightly(way: str, *events: dict[str, Any]) -> None:
    if way == "one by one":
        for event in events:
            assert [one.status for one in ingest.accept([event], received_at=NOW)] == [201]
        return
    assert not ingest.bulk(list(events), received_at=NOW).failed


def of_shop(id_: str, type_: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "source": "shop", "id": id_, "type": type_, "subject": "dora", "time": NOW.isoformat(),
        "data": data,
    }  # fmt: skip


LATER = (
    of_shop("l1", "contact.replied", customer="zzyzx-shop-key", tone="no", text="Zzyzx says no"),
    of_shop("l2", "contact.added", customer="zzyzx-old", name="Back Again", phone="+1 555 0100", email="zzyzx@example.com"),
    of_shop("l3", "consent.changed", customer="zzyzx-old", channel="all", state="given", origin="Zzyzx ticked it"),
    of_shop("l4", "order.placed", customer="zzyzx-shop-key", customer_name="Zzyzx", currency="USD", amount="20.00",
            ship_to="Zzyzx Road", lines=[{"sku": "EYE-1", "amount": "20.00", "line": "eye", "engraved": "Zzyzx"}]),
    of_shop("l5", "basket.opened", customer="zzyzx-old", currency="USD", amount="3.00"),
    of_shop("l6", "contact.made", customer="zzyzx-old", channel="call"),
    of_shop("l7", "distributor.signed_in"),
    of_shop("l8", "contact.added", customer="tess", name="Tess"),
)  # fmt: skip


@pytest.fixture
def two_in_one(dora: Distributor) -> Customer:
    """Erased: a contact that the shop knows by two ids."""
    shop("1", "contact.added", customer="zzyzx-old", name="Zzyzx")
    shop("2", "order.placed", customer="zzyzx-shop-key", customer_name="Zzyzx", currency="USD", amount="34.00")
    her, twin = (Customer.objects.get(external_id=name) for name in ("zzyzx-old", "zzyzx-shop-key"))
    outreach.set_do_not_contact(customer=her, stop=True, as_of=NOW, by=None)
    merging.merge(survivor=her, other=twin, as_of=NOW, by=None)
    return erase(her)


@pytest.mark.parametrize("way", ["one by one", "arrays", "copy"])
@pytest.mark.django_db(transaction=True)
def test_what_the_shop_sends_later_does_not_bring_her_back(
    two_in_one: Customer, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "copy":
        monkeypatch.setattr("distributors.storing.WORTH_COPYING", 1)
    dora = two_in_one.distributor
    added = Measure.objects.filter(metric="contacts_added").count()
    nightly(way, *LATER)
    assert [one.name for one in Customer.objects.of(dora.pk)] == ["Tess"] and Customer.objects.count() == 3
    kept = everything().casefold()
    assert "zzyzx" not in kept and "back again" not in kept and "555 0100" not in kept
    two_in_one.refresh_from_db()
    assert two_in_one.do_not_contact and not two_in_one.allowed and two_in_one.recent_contacts == []
    whom = dict(Event.objects.filter(source="shop").values_list("external_id", "customer"))
    assert [whom[f"l{n}"] for n in (1, 2, 3, 5, 6)] == [None] * 5 and whom["l4"] == two_in_one.pk
    sold = Measure.objects.filter(metric="sales", scope="").values_list("value", flat=True)
    assert sum(sold) == 54 and (two_in_one.orders, two_in_one.spent) == (2, 54)
    assert Measure.objects.filter(metric="contacts_added").count() == added, "one day with Tess and with her first time"
    assert ingest.rebuild(check=True).equal


@pytest.mark.django_db(transaction=True)
def test_the_same_run_again_is_the_same_run(two_in_one: Customer) -> None:
    for status in (201, 200):
        assert {one.status for one in ingest.accept(list(LATER), received_at=NOW)} == {status}
    changed = of_shop("l2", "contact.added", customer="zzyzx-old", name="Another")
    assert [one.status for one in ingest.accept([changed], received_at=NOW)] == [409]


def test_somebody_elses_contact_of_the_same_id_is_somebody(two_in_one: Customer) -> None:
    make.distributor(external_id="ruth")
    event = of_shop("r1", "contact.added", customer="zzyzx-old", name="Ruth's own") | {"subject": "ruth"}
    assert not ingest.bulk([event], received_at=NOW).failed
    assert Customer.objects.get(erased_at=None).name == "Ruth's own"


def test_whoever_enrols_later_is_not_named_as_the_contact(two_in_one: Customer) -> None:
    event = of_shop("e1", "distributor.enrolled", name="Zed", sponsor="dora", contact="zzyzx-old") | {"subject": "zed"}
    assert not ingest.bulk([event], received_at=NOW).failed
    stored = Event.objects.get(type="distributor.enrolled")
    assert stored.data == {"name": "Zed", "sponsor": "dora", "contact": two_in_one.external_id}
    assert stored.distributor.name == "Zed" and not Customer.objects.filter(erased_at=None).exists()


def test_she_may_be_added_again_by_hand(two_in_one: Customer) -> None:
    ingest.record(
        type="contact.added", distributor=two_in_one.distributor, time=NOW, external_id="contact-token",
        data={"customer": "token", "name": "Zzyzx"},
    )  # fmt: skip
    assert Customer.objects.get(erased_at=None).name == "Zzyzx"


def test_after_the_secret_has_changed(two_in_one: Customer, settings: Any) -> None:
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [old]
    shop("s1", "contact.added", customer="zzyzx-old", name="Back Again")
    assert not Customer.objects.filter(erased_at=None).exists()
    settings.SECRET_KEY_FALLBACKS = []
    shop("s2", "contact.added", customer="zzyzx-old", name="Back Again")
    back = Customer.objects.get(erased_at=None)  # nobody can know: gone.py says so
    settings.SECRET_KEY = old
    erase(back)
    shop("s3", "contact.added", customer="zzyzx-old", name="Back Again")
    assert not Customer.objects.filter(erased_at=None).exists()


def test_an_id_that_looks_like_one_of_somebody_erased_is_an_id(dora: Distributor) -> None:
    shop("1", "contact.added", customer="erased-42", name="Eva")
    eva = Customer.objects.get()
    assert eva.name == "Eva"
    erase(eva)
    shop("2", "contact.added", customer="erased-42", name="Eva")
    assert not Customer.objects.filter(erased_at=None).exists()


def test_the_id_is_not_kept_and_not_told_from_another_distributors(two_in_one: Customer) -> None:
    assert len(two_in_one.external_id) <= 64 and "zzyzx" not in everything()
    assert gone.mark(two_in_one.distributor_id, "zzyzx-old") == two_in_one.external_id
    assert gone.mark(two_in_one.distributor_id + 1, "zzyzx-old") != two_in_one.external_id


def test_no_query_more_for_an_event_about_somebody_erased(two_in_one: Customer) -> None:
    shop("w0", "contact.replied", customer="tess", tone="later")
    counts = []
    for n, name in enumerate(("tess", "zzyzx-old")):
        with CaptureQueriesContext(connection) as queries:
            shop(f"w{n + 1}", "contact.replied", customer=name, tone="later")
        counts.append(len(queries))
    assert counts[1] <= counts[0]
