"""The only writer of events: validate -> dedupe -> store -> measure, for one event, a batch or a file.

accept  CloudEvents of other systems, item by item verdicts     record  what our own apps saw happen
bulk    files and generators of any length (bulk.py)            rebuild  everything derived, from events (rebuild.py)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from .bulk import Summary, bulk
from .cloudevents import EventError, Item, iso, read
from .models import Customer, Distributor, Event
from .rebuild import RebuildReport, rebuild
from .storing import Row, Stored, store, until_settled

NEW, REPEATED, CONFLICT, INVALID = 201, 200, 409, 422
CONFLICT_SENTENCE = "An event with this source and id is stored with another body."


@dataclass(frozen=True)
class Verdict:
    """What became of one event. `body` is made of the stored row alone, so a repeat gets the first answer again."""

    index: int
    status: int
    body: dict[str, Any]


def accept(events: list[dict[str, Any]], *, received_at: datetime) -> list[Verdict]:
    """Store CloudEvents in one transaction, durably: what is answered 201 is committed. One verdict an item, in order."""
    items, verdicts = [], {}
    for index, event in enumerate(events):
        try:
            items.append(read(event, row=index, received_at=received_at))
        except EventError as problem:
            verdicts[index] = refusal(index, str(problem))

    def attempt() -> Stored:
        with transaction.atomic(durable=True):
            return store(items, received_at=received_at)

    if items:
        verdicts |= {verdict.index: verdict for verdict in verdicts_of(until_settled(attempt))}
    return [verdicts[index] for index in range(len(events))]


def verdicts_of(stored: Stored) -> Iterable[Verdict]:
    for index, row in stored.new.items():
        yield Verdict(index, NEW, answer(row))
    for index, row in stored.repeated.items():
        yield Verdict(index, REPEATED, answer(row))
    for index in stored.conflicts:
        yield Verdict(index, CONFLICT, {"detail": CONFLICT_SENTENCE})
    for index, sentence in stored.invalid.items():
        yield refusal(index, sentence)


def refusal(index: int, sentence: str) -> Verdict:
    return Verdict(index, INVALID, {"detail": sentence})


def answer(row: Row) -> dict[str, Any]:
    return {
        "source": row.source,
        "id": row.external_id,
        "type": row.type,
        "subject": row.subject,
        "time": iso(row.time),
        "day": row.day.isoformat(),
        "received_at": iso(row.received_at),
    }


def record(
    *,
    type: str,
    distributor: Distributor,
    time: datetime,
    data: dict[str, Any],
    customer: Customer | None = None,
    external_id: str,
    source: str = "pep",
) -> Event:
    """Store what one of our own apps saw happen at `time`, in the caller's transaction, and count it.

    The id names the deed: asked again with the same (source, external id), the stored event is returned whatever the
    body says, so that a double tap is one event. Raises EventError (a ValueError) for data its type does not allow.
    """
    there = Event.objects.filter(source=source, external_id=external_id).first()
    if there is not None:
        return there
    if customer is not None:
        data = {**data, "customer": customer.external_id}
    item = own_item(source, external_id, type, distributor.external_id, time, data)

    def attempt() -> Stored:
        with transaction.atomic():
            return store([item], received_at=time)

    stored = until_settled(attempt)
    if stored.invalid:
        raise EventError(stored.invalid[item.row])
    if item.row in stored.new:
        return Event.objects.get(pk=stored.new[item.row].id)
    return Event.objects.get(source=source, external_id=external_id)


def own_item(source: str, external_id: str, type_: str, subject: str, time: datetime, data: dict[str, Any]) -> Item:
    event = {
        "specversion": "1.0", "source": source, "id": external_id, "type": type_, "subject": subject, "time": time, "data": data,
    }  # fmt: skip
    return read(event, row=0, received_at=time)


__all__ = ["EventError", "RebuildReport", "Summary", "Verdict", "accept", "bulk", "rebuild", "record"]
