"""Where a goal stands and what she will still do in its period, from her compact row (ranking.md 2). Compiled by numba.

    P(X >= x) = (k_own + 8 P_pool) / (n + 8),  n = 12 past windows, fewer when she joined recently

k_own counts her windows that made at least x; P_pool is the chance in a market where people vary about her mean. Nothing of
it is stored but the pools, which are statistics of a whole market and wait for its next morning (forecast.py): whatever
changed the row, a late event, an undo or a corrected date, has changed the chance of the next read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from .blocks import QUANTILES, WINDOWS, Calendar, Floats, Ints, Outlooks, Spread
from .compiling import inlined, kernel
from .metrics import METRICS, How, Unit
from .models import Market
from .records import Records, day_of
from .remainders import PoolKey, pools

#: How many windows of her own the market's spread weighs as much as.
POOL_WEIGHT = 8
#: With fewer people a market's spread says more about them than about her: an exponential one stands in.
FEWEST_PEOPLE = 5
#: A mean below a ten-thousandth of a cent or a count is nothing.
LEAST = 1e-6
#: A millionth of a cent of slack: 62.50 made as a float sum still reaches 62.50.
SLACK = 1e-8

#: Halves of a search among the first 64 quantiles, the last one being known to be large enough.
STEPS = (32, 16, 8, 4, 2, 1, 1)

#: By place in METRICS, as kernels read it.
NAMES = tuple(METRICS)
SUM, RATIO, RECRUITS = range(3)
HOW = np.array([list(How).index(metric.how) for metric in METRICS.values()])
COUNTS = np.array([int(metric.unit is Unit.COUNT) for metric in METRICS.values()])
#: GOAL.period.
WEEK, MONTH, DATED = range(3)


@kernel
def period_of(goal: Any, m: int, calendar: Calendar) -> tuple[int, int]:
    """First and last day of the period that holds today in market `m`; of dated goals her own dates, whenever they are."""
    if goal.period == WEEK:
        return int(calendar.week_first[m]), int(calendar.week_last[m])
    if goal.period == MONTH:
        return int(calendar.month_first[m]), int(calendar.month_last[m])
    return int(goal.first), int(goal.last)


@kernel
def span_of(how: int, today: int, first: int, last: int) -> tuple[int, int]:
    """Days in each past window, and the day whose pool fits.

    Of metrics that add up what is still to come is forecast apart from what is there: today to the last day. Others are
    compared by whole periods, which move only with the period.
    """
    if how == SUM:
        return last - today + 1, today
    return last - first + 1, first


@kernel
def look(goals: Records, days: Records, joined: int, m: int, calendar: Calendar, spread: Spread, out: Outlooks) -> int:
    """Fill `out` with what one person's goals come to: her native GOAL and DAY records, the day she joined, her market's
    index in `calendar` and `spread`. Returns the number of goals; rows of `out` beyond it are left as they are."""
    sums = np.zeros((2, WINDOWS + 1), np.int64)
    at = 0
    for g in range(len(goals)):
        until = at
        while until < len(days) and days[until].slot >> 1 == g:
            until += 1
        look_at(g, goals[g], days[at:until], joined, m, calendar, spread, sums, out)
        at = until
    return len(goals)


@kernel
def look_at(
    g: int, goal: Any, days: Records, joined: int, m: int, calendar: Calendar, spread: Spread, sums: Ints, out: Outlooks
) -> None:
    today, (first, last) = calendar.today[m], period_of(goal, m, calendar)
    out.running[g], out.first[g], out.last[g] = first <= today <= last, first, last
    out.weight[g], out.counts[g] = goal.weight / 100, COUNTS[goal.metric]
    out.value[g], out.left[g], out.n[g] = 0, 0.0, 0
    out.typical[g], out.base[g], out.pool[g], out.known[g] = 0.0, 0.0, -1, 0
    if not out.running[g]:
        return
    how = HOW[goal.metric]
    span, pool_day = span_of(how, today, first, last)
    sums[:] = 0
    if how == SUM:
        newest, step = today - (span + 6) // 7 * 7, 7
        add_up(days, first, last, newest, span, sums)
    else:
        newest, step = first - span, span
        if how == RATIO:
            add_both(days, first, last, span, sums)
        else:
            count_recruits(days, first, last, span, sums)
    out.value[g] = value_of(how, sums[0, WINDOWS], sums[1, WINDOWS])
    out.left[g] = max(0, goal.target - out.value[g]) / 100
    out.n[g] = keep_windows(how, sums, newest, step, joined, out.made[g])
    out.base[g] = 0.0 if how == SUM else out.value[g] / 100
    stretch(g, pool_of(m, goal.metric, goal.line, span, pool_day, spread), spread, out)
    if not out.known[g]:
        out.typical[g] = goal.target / 100 * ((last - today + 1) / (last - first + 1) if how == SUM else 1.0)


@kernel
def add_up(days: Records, first: int, last: int, newest: int, span: int, sums: Ints) -> None:
    """Sums of the running period (last column) and of the past windows: they start on today's weekday, have ended before
    today and step back by weeks, so those longer than a week overlap."""
    for i in range(len(days)):
        day, value = int(days[i].day), days[i].value
        if first <= day <= last:
            sums[0, WINDOWS] += value
        ago = newest + span - 1 - day  # before the end of the newest window
        if ago >= 0:
            oldest = min(ago // 7, WINDOWS - 1)
            for window in range(max(0, (ago - span + 7) // 7), oldest + 1):
                sums[0, window] += value


@kernel
def add_both(days: Records, first: int, last: int, span: int, sums: Ints) -> None:
    """What is divided (row 0) and what it is divided by (row 1), in the running period and whole periods back to back."""
    for i in range(len(days)):
        window = period_back(int(days[i].day), first, last, span)
        if window >= 0:
            sums[days[i].slot & 1, window] += days[i].value


@kernel
def count_recruits(days: Records, first: int, last: int, span: int, sums: Ints) -> None:
    """How many different recruits each period has."""
    seen = np.empty(len(days), np.int64)
    n = 0
    for i in range(len(days)):
        window = period_back(int(days[i].day), first, last, span)
        if window >= 0:
            seen[n] = days[i].value * (WINDOWS + 1) + window
            n += 1
    seen = np.sort(seen[:n])
    for i in range(n):
        if i == 0 or seen[i] != seen[i - 1]:
            sums[0, seen[i] % (WINDOWS + 1)] += 1


@kernel
def period_back(day: int, first: int, last: int, span: int) -> int:
    """Which past period holds the day, 0 the newest; WINDOWS for the running one, -1 for none."""
    if day >= first:
        return WINDOWS if day <= last else -1
    window = (first - 1 - day) // span
    return window if window < WINDOWS else -1


@kernel
def value_of(how: int, over: int, under: int) -> int:
    """Hundredths; a ratio rounded half to even as metrics.totals does, 0 where it is undefined."""
    if how == RECRUITS:
        return 100 * over
    if how == SUM:
        return over
    if under <= 0:
        return 0
    whole, rest = 100 * over // under, 100 * over % under
    if 2 * rest > under or (2 * rest == under and whole % 2 == 1):
        whole += 1
    return whole


@kernel
def keep_windows(how: int, sums: Ints, newest: int, step: int, joined: int, made: Floats) -> int:
    """Her windows since she joined, newest first, without those in which a ratio is undefined; how many."""
    n = 0
    for window in range(WINDOWS):
        if newest - step * window < joined:
            break
        if how == RATIO:
            if sums[1, window] <= 0:
                continue
            made[n] = sums[0, window] / sums[1, window]
        elif how == RECRUITS:
            made[n] = sums[0, window]
        else:
            made[n] = sums[0, window] / 100
        n += 1
    return n


@kernel
def pool_of(m: int, metric: int, line: int, span: int, day: int, spread: Spread) -> int:
    """Its row in `spread`; -1 without one that is of enough people."""
    for row in range(len(spread.market)):
        if (
            spread.span[row] == span
            and spread.metric[row] == metric
            and spread.market[row] == m
            and spread.line[row] == line
            and spread.day[row] == day
        ):
            return row if spread.people[row] >= FEWEST_PEOPLE else -1
    return -1


@kernel
def stretch(g: int, row: int, spread: Spread, out: Outlooks) -> None:
    """What stretches the market's spread: her own mean, the market's when hers is 0. Unknown when nobody has a history."""
    n = out.n[g]
    total = 0.0
    for window in range(n):
        total += out.made[g, window]
    mean = total / n if n else 0.0
    if mean < LEAST:
        mean = spread.mean[row] if row >= 0 else 0.0
    out.typical[g] = mean
    out.known[g] = n > 0 or mean >= LEAST
    out.pool[g] = row if row >= 0 and not math.isnan(spread.quantiles[row, 0]) else -1


# Asked 200 times a goal. Inlined, and without whole tuples: to hand arrays on takes longer than the rest.
@inlined
def survival(x: float, goal: int, out: Outlooks, spread: Spread) -> float:
    """P(she makes at least x more before the period ends), x in the goal's unit: never rising in x, 1 for x <= 0.

    Of a count interpolated between whole numbers: an added .06 is one more with probability .06.
    """
    return by_steps(
        x,
        out.counts[goal],
        out.base[goal],
        out.n[goal],
        out.typical[goal],
        out.pool[goal],
        goal,
        out.made,
        spread.quantiles,
    )


@inlined
def by_steps(
    x: float, counts: int, base: float, n: int, typical: float, pool: int, goal: int, made: Floats, quantiles: Floats
) -> float:
    if x <= 0:
        return 1.0
    low = math.floor(x) if counts else x
    chance = at_least(low, base, n, typical, pool, goal, made, quantiles)
    if low < x:
        more = at_least(low + 1.0, base, n, typical, pool, goal, made, quantiles)
        chance += (x - low) * (more - chance)
    return chance


@inlined
def at_least(
    x: float, base: float, n: int, typical: float, pool: int, goal: int, made: Floats, quantiles: Floats
) -> float:
    if x <= 0:
        return 1.0
    level = x + base
    k = 0
    for window in range(n):
        k += made[goal, window] >= level - SLACK
    return (k + POOL_WEIGHT * pooled(level, typical, pool, quantiles)) / (n + POOL_WEIGHT)


@inlined
def pooled(level: float, typical: float, pool: int, quantiles: Floats) -> float:
    """P(window >= level) by the market's spread, interpolated linearly between its quantiles."""
    if typical < LEAST:
        return 1.0 if level <= 0 else 0.0
    ratio = level / typical
    if pool < 0:
        return math.exp(-max(ratio, 0.0))
    if ratio > quantiles[pool, QUANTILES - 1]:
        return 0.0
    # The first quantile that is as large, so that a level equal to an atom (3 of 3 orders) still counts the atom itself.
    first = 0
    for step in STEPS:
        first += step * (quantiles[pool, first + step - 1] < ratio)
    if first == 0:
        return 1.0
    upper, lower = quantiles[pool, first], quantiles[pool, first - 1]
    return (QUANTILES - 1 - first + (upper - ratio) / (upper - lower)) / (QUANTILES - 1)


@kernel
def survivals(xs: Floats, goal: int, out: Outlooks, spread: Spread) -> Floats:
    found = np.empty(len(xs))
    for i in range(len(xs)):
        found[i] = survival(xs[i], goal, out, spread)
    return found


@dataclass(frozen=True, eq=False)
class Chance:
    """`survival` of one goal for Python: takes numbers and arrays."""

    goal: int
    out: Outlooks
    spread: Spread

    @overload
    def __call__(self, x: float) -> float: ...
    @overload
    def __call__(self, x: Floats) -> Floats: ...
    def __call__(self, x: float | Floats) -> float | Floats:
        xs = np.asarray(x, dtype=np.float64)
        found: Floats = survivals(xs.ravel(), self.goal, self.out, self.spread).reshape(xs.shape)
        return found if found.ndim else float(found)


@kernel
def pool_keys(goals: Records, goals_at: Ints, market: Ints, calendar: Calendar) -> Ints:
    """What `pool_of` looks up for the goals that are running, each once: market's index, metric, line, span, day.

    Of a product line that there is no longer (-1) nobody has a history.
    """
    keys = np.empty((len(goals), 5), np.int64)
    n = 0
    for person in range(len(market)):
        m = market[person]
        today = calendar.today[m]
        for g in range(goals_at[person], goals_at[person + 1]):
            goal = goals[g]
            first, last = period_of(goal, m, calendar)
            if first <= today <= last and goal.line >= 0:
                span, day = span_of(HOW[goal.metric], today, first, last)
                keys[n, 0], keys[n, 1], keys[n, 2], keys[n, 3], keys[n, 4] = m, goal.metric, goal.line, span, day
                n += is_new(keys, n)
    return keys[:n]


@kernel
def is_new(keys: Ints, n: int) -> int:
    """1 unless row n is among the n before it."""
    m, metric, line, span, day = keys[n, 0], keys[n, 1], keys[n, 2], keys[n, 3], keys[n, 4]
    for row in range(n):
        if (
            keys[row, 3] == span
            and keys[row, 1] == metric
            and keys[row, 0] == m
            and keys[row, 2] == line
            and keys[row, 4] == day
        ):
            return 0
    return 1


def spread_for(
    markets: Sequence[Market], calendar: Calendar, goals: Records, goals_at: Ints, market_index: Ints
) -> Spread:
    """The pools behind the running goals of many people, made where they are missing; `calendar` is of `markets`.

    `goals` are native GOAL records, those of person i `goals[goals_at[i]:goals_at[i + 1]]`, her market
    `markets[market_index[i]]`. One query, none without running goals; 1 statement more for each pool that is missing,
    and then a second query.
    """
    keys = pool_keys(goals, goals_at, market_index, calendar)
    found = pools(
        [PoolKey(markets[m].pk, NAMES[metric], line, span, day_of(day)) for m, metric, line, span, day in keys.tolist()]
    )
    market, metric, line, span, day = keys.T.copy()
    return Spread(
        market, metric, line, span, day,
        mean=np.array([pool.mean for pool in found], dtype=np.float64),
        people=np.array([pool.people for pool in found], dtype=np.int64),
        quantiles=np.array([quantiles_of(pool.quantiles) for pool in found]).reshape(-1, QUANTILES),
    )  # fmt: skip


def quantiles_of(stored: Sequence[float]) -> Floats:
    return np.array(stored) if stored else np.full(QUANTILES, np.nan)
