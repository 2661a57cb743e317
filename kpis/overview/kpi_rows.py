"""How the KPIs stand: a row each, with its line of weeks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import trends
from ..models import KPI
from ..trends import Line, Reading
from .live import Live


@dataclass(frozen=True)
class Row:
    """A KPI as the overview lists it."""

    kpi: KPI
    reading: Reading | None  # None of a metric that is gone
    weight: int  # points in what is live, where it reaches most people; 0: not live
    trends: list[Trend] = field(default_factory=list)


@dataclass(frozen=True)
class Trend:
    """The line of a KPI (of money one a currency), as SVG points of its stretches; in a box of 96 x 24."""

    currency: str
    now: str
    was: str  # four weeks ago
    stretches: list[str]
    last: tuple[str, str] | None
    said: str  # for who does not see it


WIDTH, HEIGHT, EDGE = 96, 24, 3


def trend(line: Line) -> Trend:
    """Weeks without a figure leave a gap."""
    values = [point.value for point in line.points]
    now, was = (line.said(line.back(weeks)) for weeks in (0, trends.BEFORE))
    known = [value for value in values if value is not None]
    if not known:
        return Trend(line.currency, now, was, [], None, _("No figure yet"))
    low, span = min(known), (max(known) - min(known)) or Decimal(1)
    step = Decimal(WIDTH - 2 * EDGE) / max(1, len(values) - 1)

    def at(n: int, value: Decimal) -> tuple[str, str]:
        y = (
            HEIGHT / 2
            if min(known) == max(known)
            else HEIGHT - EDGE - float((value - low) / span) * (HEIGHT - 2 * EDGE)
        )
        return f"{EDGE + n * step:.1f}", f"{y:.1f}"

    stretches: list[list[tuple[str, str]]] = [[]]
    for n, value in enumerate(values):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append(at(n, value))
    n = max(i for i, value in enumerate(values) if value is not None)
    said = ngettext("%(first)s to %(last)s in %(n)d week", "%(first)s to %(last)s in %(n)d weeks", len(values))
    return Trend(
        line.currency,
        now,
        was,
        [" ".join(",".join(xy) for xy in one) for one in stretches if len(one) > 1],
        at(n, known[-1]),
        said % {"first": line.said(known[0]), "last": line.said(known[-1]), "n": len(values)},
    )


def rows_of(live_now: Iterable[Live]) -> list[Row]:
    """Those that are live first: of what reaches most people before the rest, the weightiest first; then the others by
    name. Three queries."""
    points: dict[int, int] = {}
    for one in sorted(live_now, key=lambda one: one.people or 0, reverse=True):
        for each in one.plan.priorities[one.version.pk]:
            points.setdefault(each.kpi_id, each.weight)
    order = {pk: n for n, pk in enumerate(points)}
    kpis = list(KPI.objects.select_related("market", "segment").order_by("name"))
    readings = trends.latest(kpis)
    rows = []
    for kpi in sorted(kpis, key=lambda one: order.get(one.pk, len(order))):
        reading = readings.get(kpi.pk)
        lines = reading.lines if reading else ()
        rows.append(Row(kpi, reading, points.get(kpi.pk, 0), [trend(line) for line in lines]))
    return rows
