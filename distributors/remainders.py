"""Measures over windows, computed where they lie: what a few people came to, and how a market's people spread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from .blocks import QUANTILES, WINDOWS
from .metrics import METRICS, How
from .periods import past_windows

#: A market's spread is taken from at most so many of its people, always the same ones: 24,000 windows.
SAMPLE = 2000

# Whose measures count: her own, or her direct recruits'. Only these constants are ever formatted into a statement.
SOURCE = {
    How.SUM: (
        "FROM distributors_measure m WHERE m.distributor_id = a.distributor_id AND m.metric = a.top AND m.scope = a.scope"
    ),
    How.RATIO: (
        "FROM distributors_measure m "
        "WHERE m.distributor_id = a.distributor_id AND m.metric IN (a.top, a.bottom) AND m.scope = a.scope"
    ),
    How.RECRUITS: (
        "FROM distributors_measure m JOIN distributors_distributor r ON r.id = m.distributor_id "
        "WHERE r.sponsor_id = a.distributor_id AND m.metric = a.top AND m.scope = a.scope"
    ),
}
# What a window comes to; the same definitions as metrics.totals (a test holds them together).
MADE = {
    How.SUM: "COALESCE(SUM(m.value), 0)",
    How.RATIO: (
        "COALESCE(SUM(m.value) FILTER (WHERE m.metric = a.top), 0)"
        " / NULLIF(GREATEST(SUM(m.value) FILTER (WHERE m.metric = a.bottom), 0), 0)"
    ),
    How.RECRUITS: "COUNT(DISTINCT m.distributor_id) FILTER (WHERE m.value > 0)",
}

VALUES = """
    SELECT a.n, (SELECT {made} {source} AND m.day BETWEEN a.first AND a.last)
    FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::date[], %s::date[])
         AS a(n, distributor_id, top, bottom, scope, first, last)
"""

POOL = """
    WITH line AS (SELECT COALESCE((SELECT code FROM distributors_productline WHERE id = %s), '') AS scope),
    a AS (
        SELECT id AS distributor_id, joined_on, %s::text AS top, %s::text AS bottom, scope
        FROM distributors_distributor, line
        WHERE market_id = %s AND left_on IS NULL
        ORDER BY id * 2654435761 %% 4294967296, id
        LIMIT %s
    ),
    step AS (SELECT * FROM unnest(%s::date[], %s::date[]) AS s(first, stop)),
    made AS (
        SELECT a.distributor_id, w.made::float8 AS made
        FROM a JOIN step ON step.first >= a.joined_on,
             LATERAL (SELECT {made} AS made {source} AND m.day >= step.first AND m.day < step.stop) w
        WHERE w.made IS NOT NULL
    ),
    person AS (SELECT distributor_id, AVG(made) AS mean FROM made GROUP BY distributor_id)
    INSERT INTO distributors_forecastpool (market_id, metric, scope, days, day, mean, people, quantiles)
    SELECT %s, %s, (SELECT scope FROM line), %s, %s, COALESCE((SELECT AVG(mean) FROM person), 0),
           (SELECT COUNT(*) FROM person WHERE mean > 0),
           COALESCE((SELECT percentile_cont(%s::float8[]) WITHIN GROUP (ORDER BY made.made / person.mean)
                     FROM made JOIN person USING (distributor_id) WHERE person.mean > 0), '{{}}')
    ON CONFLICT (market_id, metric, scope, days, day) DO NOTHING
"""

STORED = """
    SELECT asked.n, p.mean, p.people, p.quantiles
    FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::bigint[], %s::int[], %s::date[])
         AS asked(n, market_id, metric, line_id, days, day)
    LEFT JOIN distributors_productline l ON l.id = asked.line_id
    JOIN distributors_forecastpool p ON p.market_id = asked.market_id AND p.metric = asked.metric
         AND p.scope = COALESCE(l.code, '') AND p.days = asked.days AND p.day = asked.day
"""


def statement(template: str, how: How) -> str:
    return template.format(made=MADE[how], source=SOURCE[how])


def parts(metric: str) -> tuple[str, str]:
    """The stored metrics behind a metric: what is summed, and what it is divided by (itself when nothing is)."""
    of = METRICS[metric].of or (metric,)
    return of[0], of[-1]


def columns(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    """Rows turned into the arrays that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)]


class Ask(NamedTuple):
    """What one metric of one distributor came to over first..last (inclusive local days)."""

    distributor_id: int
    metric: str
    scope: str
    first: date
    last: date


def values(asks: Sequence[Ask]) -> list[Decimal]:
    """The answers in the order asked, 0 where there is nothing. One statement a kind of metric, however many asks.

    For many people and one window metrics.totals is cheaper; this is for many windows and metrics of a few people.
    """
    found = [Decimal(0)] * len(asks)
    for how in dict.fromkeys(METRICS[ask.metric].how for ask in asks):
        rows = [
            (n, ask.distributor_id, *parts(ask.metric), ask.scope, ask.first, ask.last)
            for n, ask in enumerate(asks)
            if METRICS[ask.metric].how is how
        ]
        with connection.cursor() as cursor:
            cursor.execute(statement(VALUES, how), columns(rows))
            for n, value in cursor.fetchall():
                found[n] = cents(value)
    return found


def cents(value: Decimal | int | None) -> Decimal:
    return Decimal(value or 0).quantize(Decimal("0.01"))


class PoolKey(NamedTuple):
    market_id: int
    metric: str
    line_id: int  # product line; 0 for all
    days: int  # in a window
    day: date


class Pool(NamedTuple):
    mean: float
    people: int
    quantiles: list[float]  # none when nobody made anything


def pools(keys: Sequence[PoolKey]) -> list[Pool]:
    """The market's spread for each of these keys, in their order; what is not there yet is made.

    One query, none without keys; one statement more for each that is missing, and then a second query.
    """
    found = stored_pools(keys)
    missing = sorted(key for key in keys if key not in found)
    for key in missing:  # in one order, so that two who make the same wait and do not lock each other out
        make_pool(key)
    found |= stored_pools(missing)
    return [found[key] for key in keys]


def stored_pools(keys: Sequence[PoolKey]) -> dict[PoolKey, Pool]:
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(STORED, columns([(n, *key) for n, key in enumerate(keys)]))
        return {keys[n]: Pool(*pool) for n, *pool in cursor.fetchall()}


def make_pool(key: PoolKey) -> None:
    """Store how the windows of a market's people spread about their own means; the first to do so on a day wins."""
    levels = [i / (QUANTILES - 1) for i in range(QUANTILES)]
    how, (top, bottom) = METRICS[key.metric].how, parts(key.metric)
    windows = past_windows(how is How.SUM, key.days, key.day, WINDOWS)
    with connection.cursor() as cursor:
        cursor.execute(
            statement(POOL, how),
            [
                key.line_id,
                top,
                bottom,
                key.market_id,
                SAMPLE,
                *columns(windows),
                key.market_id,
                key.metric,
                key.days,
                key.day,
                levels,
            ],
        )
