"""Sums of measures over past windows, computed where they lie: one SQL statement a kind of metric, whatever the number of goals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from .metrics import METRICS, How
from .models import ForecastPool
from .periods import Run

#: Evenly spaced quantiles kept of a market's spread.
QUANTILES = 65
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
        "SUM(m.value) FILTER (WHERE m.metric = a.top)"
        " / NULLIF(GREATEST(SUM(m.value) FILTER (WHERE m.metric = a.bottom), 0), 0)"
    ),
    How.RECRUITS: "COUNT(DISTINCT m.distributor_id) FILTER (WHERE m.value > 0)",
}
# Weighted by the square of the day, so that money moved from one day to another changes it as well.
CHECKSUM = "COALESCE(SUM(m.value * ((m.day - DATE '2000-01-01') * (m.day - DATE '2000-01-01'))), 0)"

READ = """
    SELECT a.goal_id,
           (SELECT {made} {source} AND m.day BETWEEN a.first AND a.last),
           (SELECT {checksum} {source} AND m.day >= a.since AND m.day < a.until)
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[],
                %s::date[], %s::date[], %s::date[], %s::date[])
         AS a(goal_id, distributor_id, top, bottom, scope, first, last, since, until)
"""

VALUES = """
    SELECT a.n, (SELECT {made} {source} AND m.day BETWEEN a.first AND a.last)
    FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::date[], %s::date[])
         AS a(n, distributor_id, top, bottom, scope, first, last)
"""

FILL = """
    WITH step AS (SELECT * FROM unnest(%s::int[], %s::int[], %s::date[], %s::date[]) AS s(shape, i, first, stop)),
    a AS (
        SELECT asked.*, d.joined_on
        FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[],
                    %s::int[], %s::date[], %s::date[], %s::date[])
             AS asked(goal_id, distributor_id, top, bottom, scope, shape, day, since, until)
        JOIN distributors_distributor d ON d.id = asked.distributor_id
    ),
    fresh AS (
        SELECT a.goal_id, a.day,
               ARRAY(SELECT w.made::float8
                     FROM step, LATERAL (SELECT {made} AS made {source} AND m.day >= step.first AND m.day < step.stop) w
                     WHERE step.shape = a.shape AND step.first >= a.joined_on AND w.made IS NOT NULL
                     ORDER BY step.i) AS remainders,
               (SELECT {checksum} {source} AND m.day >= a.since AND m.day < a.until) AS checksum
        FROM a
    ),
    written AS (
        INSERT INTO distributors_goalstanding AS old (goal_id, day, remainders, checksum)
        SELECT goal_id, day, remainders, checksum FROM fresh ORDER BY goal_id
        ON CONFLICT (goal_id) DO UPDATE
        SET day = EXCLUDED.day, remainders = EXCLUDED.remainders, checksum = EXCLUDED.checksum
        WHERE (old.day, old.remainders, old.checksum)
              IS DISTINCT FROM (EXCLUDED.day, EXCLUDED.remainders, EXCLUDED.checksum)
        RETURNING goal_id
    )
    SELECT fresh.goal_id, fresh.remainders, written.goal_id IS NOT NULL
    FROM fresh LEFT JOIN written USING (goal_id)
"""

POOL = """
    WITH a AS (
        SELECT id AS distributor_id, joined_on, %s::text AS top, %s::text AS bottom, %s::text AS scope
        FROM distributors_distributor
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
    SELECT %s, %s, %s, %s, %s, COALESCE((SELECT AVG(mean) FROM person), 0),
           (SELECT COUNT(*) FROM person WHERE mean > 0),
           COALESCE((SELECT percentile_cont(%s::float8[]) WITHIN GROUP (ORDER BY made.made / person.mean)
                     FROM made JOIN person USING (distributor_id) WHERE person.mean > 0), '{{}}')
    ON CONFLICT (market_id, metric, scope, days, day) DO NOTHING
"""


def statement(template: str, how: How) -> str:
    return template.format(made=MADE[how], source=SOURCE[how], checksum=CHECKSUM)


def parts(metric: str) -> tuple[str, str]:
    """The stored metrics behind a metric: what is summed, and what it is divided by (itself when nothing is)."""
    of = METRICS[metric].of or (metric,)
    return of[0], of[-1]


def by_how(runs: Iterable[Run]) -> dict[How, list[Run]]:
    found: dict[How, list[Run]] = {}
    for run in runs:
        found.setdefault(run.how, []).append(run)
    return found


def columns(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    """Rows turned into the arrays that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)]


def reach(run: Run) -> tuple[date, date]:
    """First day of the oldest past window, and the day after the last of the newest."""
    return run.windows[-1][0], run.windows[0][1]


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


@dataclass(frozen=True)
class Reading:
    value: Decimal
    checksum: Decimal


def readings(runs: Iterable[Run]) -> dict[int, Reading]:
    """By goal: value of the running period, and checksum of the measures behind its forecast."""
    found: dict[int, Reading] = {}
    for how, asked in by_how(runs).items():
        rows = [(r.goal_id, r.distributor_id, *parts(r.metric), r.scope, r.first, r.last, *reach(r)) for r in asked]
        with connection.cursor() as cursor:
            cursor.execute(statement(READ, how), columns(rows))
            for goal_id, value, checksum in cursor.fetchall():
                found[goal_id] = Reading(cents(value), checksum)
    return found


@dataclass(frozen=True)
class Filled:
    made: dict[int, list[float]]  # by goal: her past windows, newest first
    written: int  # rows that were not right before


def fill(runs: Iterable[Run]) -> Filled:
    """Recompute and store the standings of these goals.

    Idempotent; a row that is already right is not written. Windows from before she joined do not count, nor do those
    in which a ratio is undefined.
    """
    made: dict[int, list[float]] = {}
    written = 0
    for how, asked in by_how(runs).items():
        shapes = {windows: n for n, windows in enumerate(dict.fromkeys(run.windows for run in asked))}
        steps = [(n, i, *window) for windows, n in shapes.items() for i, window in enumerate(windows)]
        rows = [
            (r.goal_id, r.distributor_id, *parts(r.metric), r.scope, shapes[r.windows], r.today, *reach(r))
            for r in asked
        ]
        with connection.cursor() as cursor:
            cursor.execute(statement(FILL, how), [*columns(steps), *columns(rows)])
            for goal_id, remainders, changed in cursor.fetchall():
                made[goal_id] = remainders
                written += changed
    return Filled(made, written)


#: Market, metric, scope, days in a window, day.
PoolKey = tuple[int, str, str, int, date]


def pool_key(run: Run) -> PoolKey:
    return run.market_id, run.metric, run.scope, run.span, run.pool_day


def pools(runs: Iterable[Run]) -> dict[PoolKey, ForecastPool]:
    """The market's spread for each of these runs. One query, and one statement for each that is not there yet."""
    wanted = {pool_key(run): run for run in runs}
    found = stored_pools(wanted)
    missing = wanted.keys() - found.keys()
    for key in sorted(missing):
        make_pool(wanted[key])
    return found | stored_pools(missing) if missing else found


def stored_pools(keys: Iterable[PoolKey]) -> dict[PoolKey, ForecastPool]:
    wanted = set(keys)
    rows = ForecastPool.objects.filter(
        market_id__in={key[0] for key in wanted},
        metric__in={key[1] for key in wanted},
        days__in={key[3] for key in wanted},
        day__in={key[4] for key in wanted},
    )
    by_key = {(row.market_id, row.metric, row.scope, row.days, row.day): row for row in rows}
    return {key: row for key, row in by_key.items() if key in wanted}


def make_pool(run: Run) -> None:
    """Store how the windows of a market's people spread about their own means; the first to do so on a day wins."""
    levels = [i / (QUANTILES - 1) for i in range(QUANTILES)]
    key = pool_key(run)
    top, bottom = parts(run.metric)
    with connection.cursor() as cursor:
        cursor.execute(
            statement(POOL, run.how),
            [top, bottom, run.scope, run.market_id, SAMPLE, *columns(run.windows), *key, levels],
        )
