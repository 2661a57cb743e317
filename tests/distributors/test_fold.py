"""Every event three times, shuffled, by mixed paths: the same totals as once, in order, one at a time."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from distributors import ingest
from distributors.models import Customer, CustomerLine, Distributor, Event, Measure, Order, OrderLine
from tests import factories

pytestmark = pytest.mark.django_db

SEEDS = int(os.environ.get("PEP_SEEDS", "40"))
START = datetime(2026, 3, 27, 20, tzinfo=UTC)  # the clocks change in Berlin two nights later
SKUS = {"EYE-1": "eye", "EYE-2": "eye", "LIP-1": "lips", "BOX-1": None}


def history(rng: random.Random, n: int = 40) -> list[dict[str, Any]]:
    """A few people's weeks, in order of time, with ties of time, refunds of any order, undos, and new people."""
    kinds = rng.choices(list(MAKERS), weights=[8, 3, 2, 2, 3, 2, 1, 1, 3, 3, 2, 1, 2], k=n)
    people = ["ann", "ben"]
    events: list[dict[str, Any]] = []
    for i, kind in enumerate(kinds):
        at = START + timedelta(hours=rng.choice([0, 1, 5, 11, 26]) * i // 3)
        subject = rng.choice(people)
        type_, data = MAKERS[kind](rng, events, i)
        if type_ == "distributor.enrolled":
            data["sponsor"], subject = subject, f"new{i}"
            if rng.random() < 0.5:
                data["contact"] = f"c{rng.randint(1, 6)}"
        events.append({
            "specversion": "1.0", "source": rng.choice(["shop", "till"]) if kind == "order" else "shop",
            "id": f"e{i:03}", "type": type_, "subject": subject, "time": at.isoformat(), "data": data,
        })  # fmt: skip
        if type_ == "distributor.enrolled":
            people.append(subject)
    return events


def a_line(rng: random.Random) -> dict[str, Any]:
    sku = rng.choice(list(SKUS))
    line = {"sku": sku, "quantity": rng.randint(1, 3), "amount": f"{rng.randint(0, 5000) / 100:.2f}"}
    return line | ({"line": SKUS[sku]} if SKUS[sku] else {})


def an_order(rng: random.Random, events: list[dict[str, Any]], i: int) -> tuple[str, dict[str, Any]]:
    lines = [a_line(rng) for _ in range(rng.randint(0, 3))]
    amount = f"{rng.randint(0, 9000) / 100:.2f}"
    return "order.placed", {"customer": f"c{rng.randint(1, 4)}", "currency": "EUR", "amount": amount, "lines": lines}


def a_refund(rng: random.Random, events: list[dict[str, Any]], i: int) -> tuple[str, dict[str, Any]]:
    order = f"e{rng.randrange(40):03}"  # perhaps one that comes later, perhaps one that never comes
    lines = [a_line(rng)] if rng.random() < 0.5 else []
    return "order.refunded", {
        "order": order,
        "currency": "EUR",
        "amount": f"{rng.randint(1, 3000) / 100:.2f}",
        "lines": lines,
    }


def a_contact(rng: random.Random, events: list[dict[str, Any]], i: int) -> tuple[str, dict[str, Any]]:
    said = {
        "name": f"Name{i}", "hotness": rng.choice(["hot", "cold"]), "kind": "prospect", "phone": str(i),
        "birthday": f"1990-01-{i % 28 + 1:02}", "clears": ["phone", "birthday"], "language": rng.choice(["de", "es"]),
    }  # fmt: skip
    return "contact.added", {"customer": f"c{rng.randint(1, 5)}"} | dict(rng.sample(list(said.items()), 2))


def done(rng: random.Random, events: list[dict[str, Any]], i: int) -> tuple[str, dict[str, Any]]:
    said: dict[str, Any] = {"activity": "a", "form": rng.choice(["lesson", "todo"])}
    if rng.random() < 0.7:
        said["customer"] = f"c{rng.randint(1, 6)}"
    if rng.random() < 0.2:
        said["closed_by"] = {"source": "shop", "id": "e001"}
    return "activity.completed", said


def a_consent(rng: random.Random, events: list[dict[str, Any]], i: int) -> tuple[str, dict[str, Any]]:
    channel = rng.choice(["call", "text", "whatsapp", "email", "all", "all"])
    state = rng.choice(["given", "withdrawn", "unknown"])
    return "consent.changed", {"customer": f"c{rng.randint(1, 6)}", "channel": channel, "state": state}


def contacted(rng: random.Random, events: list[dict[str, Any]], i: int) -> tuple[str, dict[str, Any]]:
    return "contact.made", {"customer": f"c{rng.randint(1, 3)}", "channel": rng.choice(["call", "text"])}


def contact_undone(rng: random.Random, events: list[dict[str, Any]], i: int) -> tuple[str, dict[str, Any]]:
    """Mostly of a contact that there was, and of the right customer."""
    made = [event for event in events if event["type"] == "contact.made"]
    if made and rng.random() < 0.8:
        event = rng.choice(made)
        return "contact.undone", {"customer": event["data"]["customer"], "undoes": event["id"]}
    return "contact.undone", {"customer": f"c{rng.randint(1, 3)}", "undoes": f"e{rng.randrange(40):03}"}


def undone(rng: random.Random, events: list[dict[str, Any]], i: int) -> tuple[str, dict[str, Any]]:
    return "activity.undone", {"activity": "a", "undoes": f"e{rng.randrange(40):03}"}


MAKERS: dict[str, Any] = {
    "order": an_order,
    "refund": a_refund,
    "contact": a_contact,
    "sign in": lambda rng, events, i: ("distributor.signed_in", {}),
    "done": done,
    "undone": undone,
    "enrol": lambda rng, events, i: ("distributor.enrolled", {"name": f"New {i}"}),
    "basket": lambda rng, events, i: ("basket.opened", {"customer": f"c{rng.randint(1, 6)}"}),
    "consent": a_consent,
    "contacted": contacted,
    "contact undone": contact_undone,
    "replied": lambda rng, events, i: ("contact.replied", {"customer": f"c{rng.randint(1, 6)}", "tone": "later"}),
    "rank": lambda rng, events, i: ("rank.reached", {"rank": rng.choice(["Bronze", "Silver", "Gold"])}),
}


def stage() -> None:
    for sku, lasts in {"EYE-1": None, "EYE-2": 60, "LIP-1": 90}.items():  # only BOX-1 comes with its first order
        factories.product(sku, line=factories.product_line(SKUS[sku]), lasts_days=lasts)
    berlin = factories.market("de", currency="EUR", time_zone="Europe/Berlin")
    lisbon = factories.market("pt", currency="EUR", time_zone="Atlantic/Azores")
    factories.distributor(external_id="ann", market=berlin)
    factories.distributor(external_id="ben", market=lisbon)


def state() -> dict[str, list[Any]]:
    """Everything derived, without database ids."""
    who, c = "distributor__external_id", "customer__external_id"
    customers = ("external_id", "name", "kind", "hotness", "phone", "added_at", "orders", "spent")
    dates = ("first_order_on", "last_order_on", "usual_gap_days", "birthday", "language")
    reach = ("allowed", "refused", "do_not_contact", "last_contact_at", "recent_contacts")
    tables = {
        "events": Event.objects.values_list("source", "external_id", "type", who, c, "time", "day", "data"),
        "orders": Order.objects.values_list(
            who, c, "event__external_id", "time", "day", "amount", "currency", "is_repeat"
        ),
        "lines": OrderLine.objects.values_list(
            "order__event__external_id", "product__sku", "line__code", "quantity", "amount"
        ),
        "measures": Measure.objects.values_list(who, "metric", "scope", "day", "value"),
        "customers": Customer.objects.values_list(who, *customers, *dates, *reach),
        "customer lines": CustomerLine.objects.values_list(
            who, c, "line__code", "orders", "last_on", "product__sku", "price", "amount"
        ),
        "people": Distributor.objects.values_list(
            "external_id", "sponsor__external_id", "enrolled_by__external_id", "rank"
        ),
    }
    return {name: sorted(rows, key=repr) for name, rows in tables.items()}


def rolled_back(work: Any) -> Any:
    """What `work` leaves behind, on a fresh stage that is taken down again."""
    # Not an atomic block: accept() insists on being outermost.
    savepoint = transaction.savepoint()
    stage()
    work()
    found = state()
    transaction.savepoint_rollback(savepoint)
    return found


def one_by_one(events: list[dict[str, Any]]) -> None:
    for event in events:
        [verdict] = ingest.accept([event], received_at=NOW)
        assert verdict.status == 201, verdict


NOW = datetime(2026, 8, 27, 15, tzinfo=UTC)


def tripled_and_mixed(events: list[dict[str, Any]], rng: random.Random) -> None:
    """Three of each, shuffled, in pieces of any size by any path. New people keep coming before what they do."""
    waiting = [event for event in events for _ in range(3)]
    rng.shuffle(waiting)
    while waiting:
        size = rng.choice([1, 2, 7, 30])
        piece, waiting = waiting[:size], waiting[size:]
        waiting += by_some_path(piece, rng)


def by_some_path(piece: list[dict[str, Any]], rng: random.Random) -> list[dict[str, Any]]:
    """Events about people who are not there yet come again later."""
    if rng.random() < 0.3:
        known = set(Distributor.objects.values_list("external_id", flat=True))
        ready = [e for e in piece if {e["subject"], e["data"].get("sponsor", e["subject"])} <= known]
        summary = ingest.bulk(ready, received_at=NOW)
        assert not summary.failed, summary
        return [event for event in piece if event not in ready]
    if rng.random() < 0.3:
        return [event for event in piece if not recorded(event)]
    verdicts = ingest.accept(piece, received_at=NOW)
    assert {v.status for v in verdicts} <= {200, 201, 422}
    assert all("not a known distributor" in v.body["detail"] for v in verdicts if v.status == 422), verdicts
    return [event for event, verdict in zip(piece, verdicts, strict=True) if verdict.status == 422]


def recorded(event: dict[str, Any]) -> bool:
    person = Distributor.objects.filter(external_id=event["subject"]).first()
    if person is None:
        return False
    at = datetime.fromisoformat(event["time"])
    ingest.record(
        type=event["type"], distributor=person, time=at, data=event["data"],
        external_id=event["id"], source=event["source"],
    )  # fmt: skip
    return True


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_order_any_number_of_times_any_path(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    if seed % 2:
        monkeypatch.setattr("distributors.storing.WORTH_COPYING", 2)  # the COPY path for small pieces, too
    events = history(rng)
    in_order = rolled_back(lambda: one_by_one(events))
    assert len(in_order["events"]) == len(events)
    shuffled = rolled_back(lambda: tripled_and_mixed(events, rng))
    assert shuffled == in_order


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_rebuild_finds_nothing_to_change(seed: int) -> None:
    rng = random.Random(seed)
    stage()
    tripled_and_mixed(history(rng), rng)
    before = state()
    assert ingest.rebuild().equal
    assert state() == before
