"""Measures written straight in, for tests of what is read from them (tests of ingest make them from events)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from distributors.models import Distributor, Measure


def measure(of: Distributor, metric: str, day: date, value: Decimal | float | str, scope: str = "") -> Measure:
    return Measure.objects.create(distributor=of, metric=metric, scope=scope, day=day, value=Decimal(value))


def steady_weeks(of: Distributor, metric: str, newest: date, values: list[float], scope: str = "") -> None:
    """values[0] on `newest`, values[1] a week earlier, and so on."""
    Measure.objects.bulk_create(
        Measure(distributor=of, metric=metric, scope=scope, day=newest - timedelta(weeks=n), value=Decimal(str(value)))
        for n, value in enumerate(values)
        if value
    )
