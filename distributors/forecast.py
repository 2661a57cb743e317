"""What the chances of a market's people wait for each morning: how its windows spread (chances.py, ranking.md 2).

A pool is a statistic of the whole market: made before its local morning, or by the first read that misses it, and then the
same for everybody all day.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from .blocks import calendar_of
from .chances import DATED, MONTH, NAMES, WEEK, spread_for
from .models import ForecastPool, Goal, Market, ProductLine
from .records import GOAL, Records, day_number, native

#: Days that pools are kept: a morning looks at its own only, the rest is for looking back.
KEEP_POOLS = timedelta(days=35)
PERIODS: dict[str, int] = {Goal.Period.WEEK: WEEK, Goal.Period.MONTH: MONTH, Goal.Period.CAMPAIGN: DATED}


def make_pools(market: Market, *, as_of: datetime) -> int:
    """Make every pool that running goals of the market's active people need on its local day; how many they need.

    Idempotent: those that are there stay as they are. 3 queries, and a statement for each that is missing.
    """
    goals = kinds_of_goals(market)
    everything = np.array([0, len(goals)])
    return len(spread_for([market], calendar_of([market], as_of), goals, everything, np.array([0])).market)


def kinds_of_goals(market: Market) -> Records:
    """One GOAL record for all goals that are alike but for whose they are, their target and weight."""
    lines = dict(ProductLine.objects.values_list("code", "pk"))
    kinds = (
        Goal.objects.running()
        .filter(distributor__market=market, distributor__left_on__isnull=True, metric__in=NAMES)
        .values_list("metric", "scope", "period", "starts_on", "ends_on")
        .distinct()
    )
    records = np.zeros(len(kinds), native(GOAL))
    for record, (metric, scope, period, first, last) in zip(records, kinds, strict=True):
        record["metric"] = NAMES.index(metric)
        record["line"] = lines.get(scope, -1) if scope else 0
        record["period"], record["first"], record["last"] = PERIODS[period], day_number(first), day_number(last)
    return records


def forget_old_pools(*, as_of: datetime) -> int:
    """How many were deleted."""
    return ForecastPool.objects.filter(day__lt=as_of.date() - KEEP_POOLS).delete()[0]
