"""Weeks, months and dated periods as local calendar days, and the past windows a running period is compared with."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from .metrics import METRICS, How
from .models import Goal, Market

#: How many past windows stand behind a chance (ranking.md 2).
WINDOWS = 12

#: First day, and the day after the last.
Window = tuple[date, date]


def month_of(day: date) -> tuple[date, date]:
    """First and last day (inclusive) of the calendar month that holds `day`."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def running_period(
    market: Market, period: str, day: date, starts_on: date | None = None, ends_on: date | None = None
) -> tuple[date, date] | None:
    """First and last day (inclusive) of the period that holds `day`; None when a dated one does not."""
    if period == Goal.Period.WEEK:
        return market.week_of(day)
    if period == Goal.Period.MONTH:
        return month_of(day)
    if starts_on is None or ends_on is None or not starts_on <= day <= ends_on:
        return None
    return starts_on, ends_on


def previous_periods(market: Market, period: str, first: date, last: date, n: int) -> list[tuple[date, date]]:
    """The `n` whole periods before first..last, newest first. Dated ones: as many days, back to back."""
    found: list[tuple[date, date]] = []
    for _ in range(n):
        before = first - timedelta(days=1)
        if period == Goal.Period.WEEK:
            first, last = market.week_of(before)
        elif period == Goal.Period.MONTH:
            first, last = month_of(before)
        else:
            first, last = first - (last - first) - timedelta(days=1), before
        found.append((first, last))
    return found


@dataclass(frozen=True)
class Run:
    """A goal's running period, and what the forecast of it is made from."""

    goal_id: int
    distributor_id: int
    market_id: int
    metric: str
    scope: str
    first: date
    last: date
    today: date

    @property
    def how(self) -> How:
        return METRICS[self.metric].how

    @property
    def adds_up(self) -> bool:
        """Days add to the period, so that what is still to come can be forecast apart from what is there."""
        return self.how is How.SUM

    @property
    def days_left(self) -> int:
        """Today included."""
        return (self.last - self.today).days + 1

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def days_gone(self) -> int:
        """Today included."""
        return (self.today - self.first).days + 1

    @property
    def span(self) -> int:
        """Days in each past window."""
        return self.days_left if self.adds_up else self.days

    @property
    def pool_day(self) -> date:
        """The day whose pool fits: windows of a metric that does not add up move only with the period."""
        return self.today if self.adds_up else self.first

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """The 12 most recent past windows, newest first.

        Metrics that add up: as long as the days left, starting on today's weekday, ended before today; they step back
        by weeks, so those longer than a week overlap. Others: whole periods of as many days, back to back.
        """
        span = timedelta(days=self.span)
        if self.adds_up:
            step, newest = timedelta(weeks=1), self.today - timedelta(weeks=-(-self.span // 7))
        else:
            step, newest = span, self.first - span
        return tuple((newest - step * i, newest - step * i + span) for i in range(WINDOWS))


def run_of(goal: Goal, market: Market, today: date) -> Run | None:
    """None when `today` is outside a dated goal's period."""
    period = running_period(market, goal.period, today, goal.starts_on, goal.ends_on)
    if period is None:
        return None
    return Run(goal.pk, goal.distributor_id, market.pk, goal.metric, goal.scope, *period, today)
