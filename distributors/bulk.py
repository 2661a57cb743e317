"""Events by the million: blocks of one transaction each, so that a broken run is simply run again.

The same checks, digests and fold as one event at a time; only the way into the table differs (COPY).
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection, transaction

from .cloudevents import EventError, Item, read
from .enrolling import Place
from .models import Customer, CustomerLine, Distributor, Event, Measure, Order, OrderLine
from .storing import Stored, store, until_settled

BLOCK = 50_000
#: From so many new events on the planner may know nothing of what is there, and choose plans for empty tables.
MANY = 200
PLANNED = (Event, Order, OrderLine, Measure, Customer, CustomerLine, Distributor)
MOST_ERRORS = 100

#: Called after each block with how many rows were read since the last call.
Progress = Callable[[int], Any]


@dataclass
class Summary:
    """What became of the rows. read = stored + repeated + conflicts + invalid."""

    read: int = 0
    stored: int = 0
    repeated: int = 0
    conflicts: int = 0
    invalid: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)  # the first 100, {"row", "error"}
    seconds: float = 0.0
    events_per_second: float = 0.0

    @property
    def failed(self) -> bool:
        return bool(self.conflicts or self.invalid)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def add(self, stored: Stored) -> None:
        self.stored += len(stored.new)
        self.repeated += len(stored.repeated)
        self.conflicts += len(stored.conflicts)
        for row in stored.conflicts:
            self.note(row, "An event with this source and id is stored with another body.")
        for row, sentence in stored.invalid.items():
            self.refuse(row, sentence)

    def refuse(self, row: int, sentence: str) -> None:
        self.invalid += 1
        self.note(row, sentence)

    def note(self, row: int, sentence: str) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append({"row": row, "error": sentence})


@dataclass(frozen=True)
class Unreadable:
    """A row of a file that is not even an event, and why."""

    sentence: str


Numbered = Iterable[tuple[int, "dict[str, Any] | Unreadable"]]


def bulk(
    rows: Iterable[dict[str, Any]], *, received_at: datetime, dry_run: bool = False, progress: Progress | None = None
) -> Summary:
    """Store CloudEvents dicts; errors carry the row number, the first being 1. Each block is durable when done."""
    return bulk_numbered(enumerate(rows, 1), received_at=received_at, dry_run=dry_run, progress=progress)


def bulk_numbered(
    rows: Numbered, *, received_at: datetime, dry_run: bool = False, progress: Progress | None = None
) -> Summary:
    """As `bulk`, with the rows' own numbers (lines of a file) and unreadable ones among them.

    Somebody who enrols further down may be named before: rows about unknown people are tried again at the end.
    """
    summary, began = Summary(), clock.perf_counter()
    writer = Rehearsal(received_at) if dry_run else Writer(received_at)
    waiting: list[Item] = []
    for block in blocks(iter(rows)):
        items = well_formed(block, received_at, summary)
        stored = writer.write(items)
        waiting += set_aside(stored)
        summary.add(stored)
        if progress:
            progress(len(block))
    for again in blocks(iter(waiting)):
        summary.add(writer.write(again))
    if summary.stored >= MANY and not dry_run:
        tell_planner()
    summary.errors.sort(key=lambda error: error["row"])
    summary.seconds = round(clock.perf_counter() - began, 3)
    summary.events_per_second = round(summary.read / summary.seconds, 1) if summary.seconds else 0.0
    return summary


def tell_planner() -> None:
    """What a load brought shows in the plans of the very next page, not only when autovacuum comes round."""
    tables = ", ".join(model._meta.db_table for model in PLANNED)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {tables}")


def blocks(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while block := list(islice(rows, BLOCK)):
        yield block


def well_formed(block: list[tuple[int, Any]], received_at: datetime, summary: Summary) -> list[Item]:
    items = []
    for row, event in block:
        try:
            if isinstance(event, Unreadable):
                raise EventError(event.sentence)
            items.append(read(event, row=row, received_at=received_at))
        except EventError as problem:
            summary.refuse(row, str(problem))
    summary.read += len(block)
    return items


def set_aside(stored: Stored) -> list[Item]:
    """Items that name people not known yet, taken out of the block's verdict."""
    for item in stored.unknown_people:
        for row in (item.row, *item.twins):
            del stored.invalid[row]
    return stored.unknown_people


class Writer:
    """Each block in one transaction of its own."""

    def __init__(self, received_at: datetime) -> None:
        self.received_at = received_at

    def write(self, items: list[Item]) -> Stored:
        return until_settled(lambda: self.attempt(items))

    def attempt(self, items: list[Item]) -> Stored:
        with transaction.atomic():
            return store(items, received_at=self.received_at)


class Rehearsal(Writer):
    """The same verdicts without a lock or a write: who would be new is kept in memory."""

    def __init__(self, received_at: datetime) -> None:
        super().__init__(received_at)
        self.places: dict[str, Place] = {}
        self.seen: dict[tuple[str, str], bytes] = {}

    def attempt(self, items: list[Item]) -> Stored:
        earlier = Stored()
        fresh = []
        for item in items:
            digest = self.seen.get(item.key)
            if digest is None:
                fresh.append(item)
            elif digest == item.digest:
                earlier.repeated[item.row] = None  # type: ignore[assignment]
            else:
                earlier.conflicts.append(item.row)
        stored = store(fresh, received_at=self.received_at, places=self.places)
        self.seen |= {item.key: item.digest for item in fresh if item.row in stored.new}
        stored.repeated |= earlier.repeated
        stored.conflicts += earlier.conflicts
        return stored
