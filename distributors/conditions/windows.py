"""Facts about figures: what a block of people made in the days up to today, and when they last and first did.

The database puts each day that is needed into two whole numbers and all of them into two arrays; what they come to is worked
out here, a column at a time. Figures that are no sums follow metrics.py: a ratio is of two sums, rounded half to even, and
of recruits those count who had any.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import psycopg
from django.db import connection

from ..blocks import Floats, Ints
from ..metrics import METRICS, How, Unit
from ..records import EPOCH, day_of
from . import Fact
from .checks import Column

if TYPE_CHECKING:
    from .facts import Block

Mask = npt.NDArray[np.bool_]

#: `change` compares the newest stretch with the mean of so many before it.
BEFORE = 4


class Series(NamedTuple):
    """The days of a stored metric and product line ("" for all): her own, or her direct recruits'."""

    metric: str
    line: str
    recruits: bool = False


class Reading(NamedTuple):
    """What to read of a series for the people of one market, by its index; `first` and `last` are day numbers, inclusive."""

    series: Series
    market: int
    first: int
    last: int
    newest: bool = True  # where only one day is wanted: the last of them, or the first


class Days(NamedTuple):
    """The days of one series, in any order. `value` is in hundredths; of recruits it is who she is."""

    whose: Ints  # place in the block
    ago: Ints  # days before that person's today
    value: Ints


EMPTY = np.zeros(0, np.int64)
NOTHING = Days(EMPTY, EMPTY, EMPTY)


def series_of(metric: str, line: str) -> list[Series]:
    """What a metric is made of; of a ratio what is divided first."""
    definition = METRICS[metric]
    if definition.how is How.RECRUITS:
        return [Series(definition.of[0], "", recruits=True)]
    return [Series(name, line) for name in definition.of or (metric,)]


@dataclass(frozen=True, eq=False)
class Read:
    """What was read for a block of so many people."""

    people: int
    days: Mapping[Series, Days]

    def made(self, metric: str, line: str, days: int, stretches: int = 1) -> tuple[Ints, Mask]:
        """Hundredths that each person made in each of so many stretches of `days` days, the newest first, which ends today;
        and where that is defined, as a ratio is not without what it is divided by. Both people x stretches."""
        shape = self.people, stretches
        parts = [cells(self.days.get(one, NOTHING), days, stretches) for one in series_of(metric, line)]
        how = METRICS[metric].how
        if how is How.RATIO:
            return divided(*(summed(*part, shape) for part in parts))
        made = 100 * counted(*parts[0], shape) if how is How.RECRUITS else summed(*parts[0], shape)
        return made, np.ones(shape, bool)


def cells(days: Days, length: int, stretches: int) -> tuple[Ints, Ints]:
    """Which cell of people x stretches each of the days falls in, and its value; without those before them."""
    inside = days.ago < length * stretches
    return days.whose[inside] * stretches + days.ago[inside] // length, days.value[inside]


def summed(cell: Ints, value: Ints, shape: tuple[int, int]) -> Ints:
    found = np.zeros(shape[0] * shape[1], np.int64)
    np.add.at(found, cell, value)
    return found.reshape(shape)


def counted(cell: Ints, who: Ints, shape: tuple[int, int]) -> Ints:
    """How many different ones each cell has."""
    order = np.lexsort((who, cell))
    cell, who = cell[order], who[order]
    new = np.ones(len(cell), bool)
    new[1:] = (cell[1:] != cell[:-1]) | (who[1:] != who[:-1])
    return np.bincount(cell[new], minlength=shape[0] * shape[1]).astype(np.int64).reshape(shape)


def divided(over: Ints, under: Ints) -> tuple[Ints, Mask]:
    """Hundredths of over / under, rounded half to even; 0 where there is nothing to divide by."""
    defined = under > 0
    by = np.where(defined, under, 1)
    whole, rest = 100 * over // by, 100 * over % by
    up = (2 * rest > by) | ((2 * rest == by) & (whole % 2 == 1))
    return np.where(defined, whole + up, 0), defined


# Figures over some days


def columns(asked: Collection[Fact], block: Block) -> dict[Fact, Column]:
    """`measured` and `change`. One query, and one more for recruits' days; none when nothing is asked."""
    reach: dict[Series, int] = {}
    for fact in asked:
        days = fact["days"] * (1 + BEFORE if fact.name == "change" else 1)
        for series in series_of(fact["metric"], fact["line"]):
            reach[series] = max(days, reach.get(series, 0))
    readings = [Reading(one, m, today - days + 1, today) for m, today in block.todays for one, days in reach.items()]
    found = read(readings, block)
    work_out = {"measured": measured, "change": change}
    return {fact: Column(work_out[fact.name](fact, found, block)) for fact in asked}


def measured(fact: Fact, found: Read, block: Block) -> Floats:
    made, _defined = found.made(fact["metric"], fact["line"], fact["days"])
    return made[:, 0] / 100 / block.price if METRICS[fact["metric"]].unit is Unit.MONEY else made[:, 0] / 100


def change(fact: Fact, found: Read, block: Block) -> Floats:
    """In percent. A stretch in which a ratio is undefined is no part of the mean; of the newest it leaves nothing to say."""
    days = fact["days"]
    made, defined = found.made(fact["metric"], fact["line"], days, 1 + BEFORE)
    now, before, stretches = made[:, 0], made[:, 1:].sum(axis=1), defined[:, 1:].sum(axis=1)
    was_here = block.people.joined <= block.today - days * (1 + BEFORE) + 1
    known = was_here & defined[:, 0] & (before > 0)
    # Whole numbers up to the last step: half is -50 and nothing beside it.
    return np.where(known, 100 * (stretches * now - before) / np.where(known, before, 1), np.nan)


# The last day, and the first


class End(NamedTuple):
    """The last day of a series with more than nothing, or its first."""

    series: Series
    newest: bool


def days_since(asked: Collection[Fact], block: Block) -> dict[Fact, Column]:
    """`days_since` and `days_since_first`. One query, and one more for recruits' days; none when nothing is asked.

    An average has a day when there is what it is divided by: orders.
    """
    ends = {fact: End(series_of(fact["metric"], fact["line"])[-1], fact.name == "days_since") for fact in asked}
    found = read_ends(set(ends.values()), block)
    return {fact: Column(found[end]) for fact, end in ends.items()}


def read_ends(ends: Iterable[End], block: Block) -> dict[End, Floats]:
    """How many days ago it was, of each person: of several recruits the latest last day and the earliest first."""
    found = {end: np.full(len(block), np.nan) for end in ends}
    readings = [Reading(end.series, m, 0, today, end.newest) for m, today in block.todays for end in found]
    for end, whose, day, _value in rows(readings, block, {False: OWN_ENDS, True: RECRUITS_ENDS}):
        ago = (block.today[whose] - day).astype(np.float64)
        (np.fmin if end.newest else np.fmax).at(found[end], whose, ago)
    return found


# Reading

#: A row is two whole numbers: whose it is (a place in the block), what was asked (a place too) and the day, in bits of one;
#: and its value. Days are numbers from records.EPOCH on.
WHOSE, WHAT = 32, 16
LOW = (1 << WHAT) - 1
KEY = f"((who.nth - 1) << {WHOSE}) + (asked.place::bigint << {WHAT}) + found.day"
DAY = f"(m.day - DATE '{EPOCH}')"
ASKED = """
FROM unnest(%(ids)s::bigint[], %(markets)s::int[]) WITH ORDINALITY AS who(id, market, nth)
JOIN unnest(%(places)s::int[], %(metrics)s::text[], %(scopes)s::text[], %(in_markets)s::int[], %(firsts)s::date[],
    %(lasts)s::date[], %(newest)s::bool[]) AS asked(place, metric, scope, market, first, last, newest) USING (market)"""
#: Each person's days of a series lie side by side in the index on measures.
MEASURES = """
    FROM distributors_measure m WHERE m.distributor_id = {whose} AND m.metric = asked.metric AND m.scope = asked.scope
        AND m.day BETWEEN asked.first AND asked.last"""
#: One end of the index; OFFSET 0, so that it is looked up once and not once more for the condition.
ENDS = f"""
    SELECT day FROM (SELECT CASE WHEN asked.newest
        THEN (SELECT {DAY} {MEASURES} AND m.value > 0 ORDER BY m.day DESC LIMIT 1)
        ELSE (SELECT {DAY} {MEASURES} AND m.value > 0 ORDER BY m.day LIMIT 1) END AS day OFFSET 0) AS end_of WHERE day IS NOT NULL"""  # noqa: S608


def statement(value: str, found: str, *, recruits: bool) -> str:
    joined = "JOIN distributors_distributor r ON r.sponsor_id = who.id" if recruits else ""
    return f"""SELECT array_send(array_agg({KEY})), array_send(array_agg({value})) {ASKED} {joined}
        CROSS JOIN LATERAL ({found.format(whose="r.id" if recruits else "who.id")}) AS found"""


OWN_DAYS = statement("found.value", f"SELECT {DAY} AS day, (m.value * 100)::bigint AS value {MEASURES}", recruits=False)
RECRUITS_DAYS = statement("r.id", f"SELECT {DAY} AS day {MEASURES} AND m.value > 0", recruits=True)
OWN_ENDS, RECRUITS_ENDS = (statement("0::bigint", ENDS, recruits=recruits) for recruits in (False, True))
#: What array_send makes of a bigint[] that is not empty: a head, then each element behind its length.
SENT_HEAD, SENT = 20, np.dtype([("length", ">i4"), ("value", ">i8")])


def read(readings: Sequence[Reading], block: Block) -> Read:
    """One query, and one more for recruits' days."""
    return Read(
        len(block),
        {
            end.series: Days(whose, block.today[whose] - day, value)
            for end, whose, day, value in rows(readings, block, {False: OWN_DAYS, True: RECRUITS_DAYS})
        },
    )


def rows(
    readings: Sequence[Reading], block: Block, statements: Mapping[bool, str]
) -> Iterator[tuple[End, Ints, Ints, Ints]]:
    """What was asked, place in the block, day and value; by statements for her own days and for her recruits'."""
    for recruits, sql in statements.items():
        mine = [one for one in readings if one.series.recruits is recruits]
        if not mine:
            continue
        places = {end: place for place, end in enumerate(dict.fromkeys(End(one.series, one.newest) for one in mine))}
        asked = {
            "places": [places[End(one.series, one.newest)] for one in mine],
            "metrics": [one.series.metric for one in mine],
            "scopes": [one.series.line for one in mine],
            "in_markets": [one.market for one in mine],
            "firsts": [day_of(max(0, one.first)) for one in mine],
            "lasts": [day_of(one.last) for one in mine],
            "newest": [one.newest for one in mine],
        }
        key, value = arrays(sql, {**block.who, **asked})
        whose, what, day = key >> WHOSE, key >> WHAT & LOW, key & LOW
        for end, place in places.items():
            at = what == place
            yield end, whose[at], day[at], value[at]


def arrays(sql: str, asked: Mapping[str, object]) -> list[Ints]:
    """The one row that the statement answers with, of bigint arrays sent as bytes: no number becomes an object."""
    connection.ensure_connection()
    # A cursor of the driver's own: Django's would have the bytes written as text.
    with psycopg.Cursor(connection.connection) as cursor:
        row: Any = cursor.execute(sql, asked, binary=True).fetchone()
    return [np.frombuffer(sent, SENT, offset=SENT_HEAD)["value"].astype(np.int64) if sent else EMPTY for sent in row]
