"""Weeks, months and dated periods as local calendar days, and the past windows a running period is compared with."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from .models import Goal, Market

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


def past_windows(adds_up: bool, span: int, start: date, n: int) -> tuple[Window, ...]:
    """The `n` most recent past windows of `span` days, newest first.

    Metrics that add up: from `start`, today, on; windows begin on its weekday, have ended before it and step back by
    weeks, so those longer than a week overlap. Others: whole periods before the one that starts on `start`, back to back.
    """
    length = timedelta(days=span)
    if adds_up:
        step, newest = timedelta(weeks=1), start - timedelta(weeks=-(-span // 7))
    else:
        step, newest = length, start - length
    return tuple((newest - step * i, newest - step * i + length) for i in range(n))
