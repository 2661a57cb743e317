"""Whole periods that are over: what the goals page draws, and how often a goal was reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .metrics import METRICS, How, totals
from .models import Distributor, Goal, Measure
from .periods import previous_periods, running_period


@dataclass(frozen=True)
class PastPeriod:
    first: date
    last: date
    value: Decimal


def past_periods(distributor: Distributor, goal: Goal, day: date, n: int) -> list[PastPeriod]:
    """The `n` whole periods before the running one, oldest first; those before she joined are left out.

    One query for metrics that add up, whatever `n`; a few per period for the others.
    """
    running = running_period(distributor.market, goal.period, day, goal.starts_on, goal.ends_on)
    if running is None or goal.period == Goal.Period.CAMPAIGN:
        return []
    periods = [
        period
        for period in reversed(previous_periods(distributor.market, goal.period, *running, n))
        if period[1] >= distributor.joined_on
    ]
    if not periods:
        return []
    return [
        PastPeriod(first, last, value)
        for (first, last), value in zip(periods, values(distributor, goal, periods), strict=True)
    ]


def values(distributor: Distributor, goal: Goal, periods: list[tuple[date, date]]) -> list[Decimal]:
    if METRICS[goal.metric].how is not How.SUM:
        found = (totals([distributor.pk], goal.metric, goal.scope, first, last) for first, last in periods)
        return [total.get(distributor.pk, Decimal(0)) for total in found]
    days = Measure.objects.filter(
        distributor=distributor, metric=goal.metric, scope=goal.scope, day__gte=periods[0][0], day__lte=periods[-1][1]
    ).values_list("day", "value")
    rows = list(days)
    return [sum((value for day, value in rows if first <= day <= last), Decimal(0)) for first, last in periods]


def weeks_on_goal(distributor: Distributor, goals: list[Goal], day: date, n: int = 4) -> list[bool]:
    """Whether each of the last `n` whole weeks reached her most important weekly goal, oldest first."""
    weekly = next((goal for goal in goals if goal.period == Goal.Period.WEEK), None)
    if weekly is None:
        return []
    return [week.value >= weekly.target for week in past_periods(distributor, weekly, day, n)]
