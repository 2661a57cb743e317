"""Slates of the day for a block of people: refresh their compact rows, rank them, write what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Max

from distributors import features, reordering, versions
from distributors.blocks import Buying, Calendar, Ints, calendar_of
from distributors.chances import spread_for
from distributors.records import SLATE_CARD, Records, day_of, microseconds
from kpis.models import Turn

from ..rules import ruling
from . import kernel, loading, memory, steering
from . import shelf as shelves
from .blocks import People
from .shelf import Shelf
from .steering import Course

#: People ranked at a time: some 4 MB of records, which stay in the processor's cache.
BLOCK = 5_000
#: People whose rows are refreshed in one transaction. Who changes something of theirs meanwhile waits for its end.
REFRESH = 1_000


@dataclass(frozen=True)
class Frame:
    """Everything that slates depend on besides people. Of reference data it is no older than `versions` says."""

    as_of: datetime
    versions: str
    numbers: dict[str, int]
    shelf: Shelf
    calendar: Calendar
    buying: Buying
    course: Course


#: A block of people -> native SLATE_CARD records [n, size] and how many count of each.
Rank = Callable[[People, Frame], tuple[Records, Ints]]


@dataclass
class Staged:
    """Slates that wait to be written, as COPY takes them, and of how many people."""

    people: int = 0
    rows: list[bytes] = field(default_factory=list)


def frame(as_of: datetime) -> Frame:
    numbers = versions.current()
    shelf = shelves.of(numbers)
    calendar = calendar_of(shelf.markets, as_of)
    course = steering.of(numbers, shelf, calendar._replace(now=microseconds(steered_at(as_of))))
    return Frame(as_of, told(numbers), numbers, shelf, calendar, reordering.of(numbers, shelf.markets), course)


def steered_at(as_of: datetime) -> datetime:
    """`as_of`, or the last start or end that was noted since: the versions count it, so the slates follow it too.

    Else a chunk worked after a start by a run of before would be stamped as if it had seen it. One query.
    """
    noted = Turn.objects.aggregate(last=Max("due_at"))["last"]
    return max(as_of, noted) if noted else as_of


def told(numbers: Mapping[str, int]) -> str:
    """Version numbers as DaySlate.versions has them: `catalogue=3 effects=0 kpis=12`."""
    return " ".join(f"{name}={number}" for name, number in sorted(numbers.items()))


def rank(people: People, given: Frame) -> tuple[Records, Ints]:
    """As her page would rank each of them now; only that a page also fires rules, and nothing does here.

    A rule that changes starts a recalculation (recalculating.steered). What rules come to for somebody moves with facts
    that leave no mark here, too: a to-do that a sweep asked of her, an activity done, the hour. Those slates follow at
    the next recalculation of hers; her page, which ranks at read, has it at once.
    """
    shelf, calendar = given.shelf, given.calendar
    spread = spread_for(shelf.markets, calendar, people.goals, people.goals_at, people.market)
    decided = ruling.of(people, numbers=given.numbers, shelf=shelf, calendar=calendar, spread=spread, as_of=given.as_of)
    arrays = given.course.arrays_for(people, calendar)
    return kernel.slates(people, calendar, spread, given.buying, shelf.arrays, arrays, decided.rules)


def refresh(first: int, last: int, *, as_of: datetime) -> None:
    """Bring the compact rows of these ids (inclusive) up to date, a few people a transaction; to-dos are closed first."""
    memory.refresh_marked(first, last, as_of=as_of)
    for ids in batches(sorted(asked(features.OUTDATED, {"first": first, "last": last})), REFRESH):
        features.refresh(ids)


def staged(given: Frame, first: int, last: int, *, market: int | None, only_changed: bool, by: Rank) -> Staged:
    """The slates of active people with these ids (inclusive), or of those whose stored slate is out of date."""
    out = Staged()
    wanted = outdated(given, first, last, market) if only_changed else active(first, last, market)
    for ids in batches(wanted, BLOCK):
        # Of a range in which most are wanted it is faster to read all of it.
        dense = ids[-1] - ids[0] < 2 * len(ids) and not only_changed
        people, made_from, remembered = loading.people_between(
            ids[0], ids[-1], given.shelf, market=market, ids=None if dense else ids
        )
        cards, counts = by(people, given)
        out.people += len(people.ids)
        out.rows += packed(people, made_from, remembered, cards, counts, given.calendar)
    return out


def batches(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))


ACTIVE = """
SELECT array_agg(id ORDER BY id) FROM distributors_distributor
WHERE id BETWEEN %(first)s AND %(last)s AND left_on IS NULL AND (%(market)s IS NULL OR market_id = %(market)s)
"""

#: Whose slate is not what it would be if it were written now: of another day, or made from other rows or versions.
#: A slate of a later day is left alone. Who has left should have none.
OUTDATED = """
SELECT {what}
FROM distributors_distributor d
JOIN unnest(%(markets)s::bigint[], %(days)s::date[]) AS market(id, today) ON market.id = d.market_id
LEFT JOIN activities_dayslate s ON s.distributor_id = d.id{s_within}
LEFT JOIN distributors_feature f ON f.distributor_id = d.id{f_within}
LEFT JOIN activities_memory m ON m.distributor_id = d.id{m_within}
WHERE true{d_within} AND (%(market)s IS NULL OR d.market_id = %(market)s) AND CASE
    WHEN d.left_on IS NOT NULL THEN {left}
    WHEN s.distributor_id IS NULL OR s.day < market.today THEN true
    ELSE s.day = market.today AND (
        (s.features, s.memory, s.versions) IS DISTINCT FROM (f.changed, coalesce(m.changed, 0), %(versions)s) OR {marked}
    ) END
"""
MARKED = """
    EXISTS (SELECT FROM distributors_featuremark k WHERE k.distributor_id = d.id)
    OR EXISTS (SELECT FROM activities_memorymark k WHERE k.distributor_id = d.id)
"""
# Said of each table, so that none of them is read from end to end for a part of it.
WITHIN = " AND {} BETWEEN %(first)s AND %(last)s"
RANGES = {f"{name}_within": WITHIN.format(f"{name}.distributor_id") for name in "sfm"}
#: After their rows were refreshed; and before, with everybody whose rows wait for it.
IN_RANGE = OUTDATED.format(
    what="array_agg(d.id ORDER BY d.id)", left="false", marked="false", d_within=WITHIN.format("d.id"), **RANGES
)
ANYWHERE = OUTDATED.format(
    what="d.id", left="s.distributor_id IS NOT NULL", marked=MARKED, d_within="", **dict.fromkeys(RANGES, "")
)


def active(first: int, last: int, market: int | None) -> list[int]:
    return asked(ACTIVE, {"first": first, "last": last, "market": market})


def outdated(given: Frame, first: int, last: int, market: int | None) -> list[int]:
    return asked(IN_RANGE, parameters(given, market) | {"first": first, "last": last})


def parameters(given: Frame, market: int | None) -> dict[str, Any]:
    """What OUTDATED asks for besides a range."""
    return {
        "market": market,
        "markets": [one.pk for one in given.shelf.markets],
        "days": [day_of(day) for day in given.calendar.today],
        "versions": given.versions,
    }


def asked(statement: str, given: Mapping[str, Any]) -> list[int]:
    """The one array of ids that a statement answers with."""
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return cursor.fetchone()[0] or []


#: A row of the staging table as binary COPY writes it: the number of fields, then each behind its length.
STAGED = [
    ("fields", ">i2"), ("a", ">i4"), ("distributor", ">i8"), ("b", ">i4"), ("day", ">i4"), ("c", ">i4"),
    ("features", ">i8"), ("d", ">i4"), ("memory", ">i8"), ("e", ">i4"),
]  # fmt: skip
LENGTHS = {"fields": 5, "a": 8, "b": 4, "c": 8, "d": 8}
#: What COPY's binary format starts and ends with.
BEGIN, END = b"PGCOPY\n\xff\r\n\x00" + bytes(8), b"\xff\xff"


def packed(
    people: People, made_from: Ints, remembered: Ints, cards: Records, counts: Ints, calendar: Calendar
) -> list[bytes]:
    """Rows for COPY: those with as many cards each are alike, so they are made together."""
    found = []
    for count in np.unique(counts):
        alike = np.flatnonzero(counts == count)
        size = int(count) * SLATE_CARD.itemsize
        rows = np.empty(len(alike), [*STAGED, ("cards", f"V{size}")] if size else STAGED)
        for name, length in LENGTHS.items():
            rows[name] = length
        rows["distributor"] = people.ids[alike]
        rows["day"] = calendar.today[people.market[alike]]
        rows["features"], rows["memory"] = made_from[alike], remembered[alike]
        rows["e"] = size
        if size:
            rows["cards"] = cards[alike, : int(count)].astype(SLATE_CARD).view(f"V{size}")[:, 0]
        found.append(rows.tobytes())
    return found


STAGING = """
CREATE TEMP TABLE IF NOT EXISTS pep_staged_slate (
    distributor_id bigint, day date, features bigint, memory bigint, cards bytea
) ON COMMIT DELETE ROWS
"""
DIFFERS = """
    {old}.day <= {new}.day AND ({old}.day, {old}.cards, {old}.features, {old}.memory, {old}.versions)
    IS DISTINCT FROM ({new}.day, {new}.cards, {new}.features, {new}.memory, {versions})
"""
# What is as it should be is found by reading: ON CONFLICT alone would lock each row, which is a write of its own.
WRITE = f"""
INSERT INTO activities_dayslate AS s (distributor_id, day, cards, features, memory, versions)
SELECT t.distributor_id, t.day, t.cards, t.features, t.memory, %(versions)s
FROM pep_staged_slate t
LEFT JOIN activities_dayslate old ON old.distributor_id = t.distributor_id{WITHIN.format("old.distributor_id")}
WHERE old.distributor_id IS NULL OR {DIFFERS.format(old="old", new="t", versions="%(versions)s")}
ORDER BY t.distributor_id
ON CONFLICT (distributor_id) DO UPDATE
SET day = excluded.day, cards = excluded.cards, features = excluded.features, memory = excluded.memory,
    versions = excluded.versions
WHERE {DIFFERS.format(old="s", new="excluded", versions="excluded.versions")}
"""  # noqa: S608
FORGET = """
DELETE FROM activities_dayslate s USING distributors_distributor d
WHERE d.id = s.distributor_id AND d.left_on IS NOT NULL AND d.id BETWEEN %(first)s AND %(last)s
      AND s.distributor_id BETWEEN %(first)s AND %(last)s AND (%(market)s IS NULL OR d.market_id = %(market)s)
"""


def write(slates: Staged, given: Frame, first: int, last: int, *, market: int | None) -> int:
    """Store what differs, and take away the slates of who has left; how many rows that changed. Call in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(STAGING)
        cursor.execute("TRUNCATE pep_staged_slate")
        with cursor.copy("COPY pep_staged_slate FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(BEGIN + b"".join(slates.rows) + END)
        cursor.execute("ANALYZE pep_staged_slate")
        where = {"first": first, "last": last}
        cursor.execute(WRITE, where | {"versions": given.versions})
        written = cursor.rowcount
        cursor.execute(FORGET, where | {"market": market})
        return int(written + cursor.rowcount)
