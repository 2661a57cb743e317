"""Well-formed items -> rows: who and what they name, what is stored already, then insert and fold. One transaction.

Locks are always taken in this order, each step sorted, so that two ingests cannot wait for each other in a ring:
the right to enrol · distributors by id · new sign-ins · new distributors · customers · product lines · products ·
events by (source, id).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import OperationalError, connection

from . import gone
from .cloudevents import EventError, Item
from .contacts import write_details
from .enrolling import Place, check_enrolments, enrol
from .fold import fold
from .staging import copied, unnested

#: From how many rows on COPY into a staging table beats arrays in the statement.
WORTH_COPYING = 2000

Key = tuple[str, str]
T = TypeVar("T")


class RaceError(Exception):
    """Another transaction stored one of these events, or enrolled the same person, in between: start again."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is stored of an event: all that an answer about it is made of."""

    id: int
    source: str
    external_id: str
    type: str
    subject: str
    time: datetime
    day: Any
    received_at: datetime
    digest: bytes


@dataclass
class Stored:
    """What became of the items, by their row number."""

    new: dict[int, Row] = field(default_factory=dict)
    repeated: dict[int, Row] = field(default_factory=dict)
    conflicts: list[int] = field(default_factory=list)
    invalid: dict[int, str] = field(default_factory=dict)
    unknown_people: list[Item] = field(default_factory=list)  # also in `invalid`: may be enrolled later


def until_settled(attempt: Callable[[], T], tries: int = 5) -> T:
    """Run a transaction again when another one stored the same event in between, or when a deadlock chose ours."""
    for _ in range(tries - 1):
        try:
            return attempt()
        except RaceError:
            continue
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != "40P01":
                raise
    return attempt()


def store(items: Sequence[Item], *, received_at: datetime, places: dict[str, Place] | None = None) -> Stored:
    """Store what is new and valid, and fold it. Runs inside the caller's transaction; may raise RaceError.

    With `places` given (a dry run), nothing is locked or written: new people are only noted in it.
    """
    dry, stored = places is not None, Stored()
    if not dry and any(item.type == "distributor.enrolled" for item in items):
        take_turns_enrolling()
    known = lock_people(items, lock=not dry)
    if places is not None:
        known = places | known
    there, erased = existing(items, known)
    wanted = first_of_each(items, there, stored)
    enrolments = [item for item in wanted if item.type == "distributor.enrolled"]
    joining = check_enrolments(enrolments, known, stored.invalid)
    accepted = [item for item in wanted if belongs(item, known, stored)]
    if places is not None:
        places.update(known)
        stored.new = {item.row: as_row(0, item, None, received_at) for item in accepted}
        return stored
    if joining and not enrol(joining, known):
        raise RaceError
    insert(accepted, known, erased, received_at, stored)
    return stored


#: The one advisory lock of this module, chosen at random.
ENROLLING = 4_217_306_911


def take_turns_enrolling() -> None:
    """Who enrols has no row to lock yet, so enrolments wait for one another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ENROLLING])


def lock_people(items: Iterable[Item], *, lock: bool) -> dict[str, Place]:
    """Whom the items name, by external id, locked until commit: two ingests about one person take turns."""
    names = {item.subject for item in items}
    names |= {
        item.data["sponsor"] for item in items if item.data.get("sponsor") and item.type == "distributor.enrolled"
    }
    sql = """SELECT d.id, d.external_id, m.id, m.code, m.currency
        FROM distributors_distributor d JOIN distributors_market m ON m.id = d.market_id
        WHERE d.external_id = ANY(%s) ORDER BY d.id"""
    with connection.cursor() as cursor:
        cursor.execute(sql + (" FOR NO KEY UPDATE OF d" if lock else ""), [sorted(names)])
        return {name: Place(pk, *market) for pk, name, *market in cursor.fetchall()}


EXISTING = """
SELECT e.id, e.source, e.external_id, e.type, d.external_id, e.time, e.day, e.received_at, e.digest
FROM unnest(%s::text[], %s::text[]) AS k(source, external_id)
JOIN distributors_event e USING (source, external_id)
JOIN distributors_distributor d ON d.id = e.distributor_id
UNION ALL
SELECT c.distributor_id, NULL, c.external_id, NULL, NULL, NULL, NULL, NULL, NULL
FROM unnest(%s::bigint[], %s::text[]) AS n(owner_id, external_id)
JOIN distributors_customer c ON (c.distributor_id, c.external_id) = (n.owner_id, n.external_id)
WHERE c.erased_at IS NOT NULL
"""


def existing(items: Sequence[Item], known: dict[str, Place]) -> tuple[dict[Key, Row], set[gone.Name]]:
    """What is stored already, and who of those named was erased. In one statement, after the lock: who is being erased is."""
    sources, ids = [item.source for item in items], [item.external_id for item in items]
    named = ((known[whose].id, item.customer) for item in items if item.customer and (whose := owner(item)) in known)
    with connection.cursor() as cursor:
        cursor.execute(EXISTING, [sources, ids, *gone.asked(named)])
        found = cursor.fetchall()
    rows = (Row(*values) for values in found if values[1] is not None)
    erased = {(values[0], values[2]) for values in found if values[1] is None}
    return {(row.source, row.external_id): row for row in rows}, erased


def owner(item: Item) -> str:
    """Whose contact it names: the subject's own, or her sponsor's when she enrols."""
    enrols = item.type == "distributor.enrolled" and item.data.get("sponsor")
    return str(item.data["sponsor"]) if enrols else item.subject


def first_of_each(items: Iterable[Item], there: dict[Key, Row], stored: Stored) -> list[Item]:
    """The items not seen before; repeats and conflicts are noted. A repeat within the items is left for `insert`."""
    first: dict[Key, Item] = {}
    for item in items:
        item.twins.clear()  # of an earlier try
        row = there.get(item.key)
        if row is not None:
            if row.digest == item.digest:
                stored.repeated[item.row] = row
            else:
                stored.conflicts.append(item.row)
        elif item.key in first:
            note_twin(item, first[item.key], stored)
        else:
            first[item.key] = item
    return list(first.values())


def note_twin(item: Item, first: Item, stored: Stored) -> None:
    """The same id twice in one go: equal bodies share one answer."""
    if item.digest == first.digest:
        first.twins.append(item.row)
    else:
        stored.conflicts.append(item.row)


def belongs(item: Item, known: dict[str, Place], stored: Stored) -> bool:
    """Whether its distributor is known and its money is hers; otherwise the sentence is noted."""
    if item.row in stored.invalid:
        return False
    try:
        check_place(item, known.get(item.subject))
    except EventError as problem:
        for row in (item.row, *item.twins):
            stored.invalid[row] = str(problem)
        if item.subject not in known:
            stored.unknown_people.append(item)
        return False
    return True


def check_place(item: Item, place: Place | None) -> None:
    if place is None:
        raise EventError(f"subject {item.subject} is not a known distributor.")
    currency = item.data.get("currency")
    if currency is not None and currency != place.currency:
        raise EventError(f"data.currency must be {place.currency}, the currency of {item.subject}'s market.")


def insert(
    items: list[Item], known: dict[str, Place], erased: set[gone.Name], received_at: datetime, stored: Stored
) -> None:
    """Insert customers, products and events, then fold. Every item must become a row, or it is a race."""
    if not items:
        return
    for item in items:
        item.distributor_id = known[item.subject].id
        item.owner_id = known[owner(item)].id
    gone.forget(items, erased)
    with connection.cursor() as cursor:
        stage = copied if len(items) >= WORTH_COPYING else unnested
        found = stage(cursor, items, received_at)
        if len(found) != len(items):
            raise RaceError
        for item in items:
            pk, day = found[item.key]
            row = as_row(pk, item, day, received_at)
            stored.new[item.row] = row
            stored.repeated.update(dict.fromkeys(item.twins, row))
        types = {item.type for item in items}
        ids = [pk for pk, _day in found.values()]
        fold(ids, types)
        if "distributor.enrolled" in types:
            cursor.execute(ENROLLED_BY, [ids])
        if "contact.added" in types:
            write_details(cursor, ids)


ENROLLED_BY = """
UPDATE distributors_distributor d SET enrolled_by_id = e.id FROM distributors_event e
WHERE e.id = ANY(%s) AND e.type = 'distributor.enrolled' AND e.distributor_id = d.id
"""


def as_row(pk: int, item: Item, day: Any, received_at: datetime) -> Row:
    return Row(pk, item.source, item.external_id, item.type, item.subject, item.time, day, received_at, item.digest)
