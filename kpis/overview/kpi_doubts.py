"""What needs a decision about figures: off target, falling, fed by nothing, old, and markets without data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import cast

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from distributors.models import Market

from .. import arrivals, history
from ..arrivals import Arrivals
from ..trends import Reading
from .decisions import Decision, Kind
from .kpi_rows import Row

#: So many whole weeks off target in a row are no accident.
WEEKS_OFF = 4
#: Adoption falls when a week is below each of the four before it, and by so many points below their average.
FALLS_BY = Decimal(2)
#: A KPI that is off target falls sharply when a week is this share of it or more below the week four weeks before, and no week
#: between was worse.
SHARPLY = Decimal("0.10")
#: A live KPI none of whose events came for so long is fed by nothing.
QUIET = timedelta(days=7)


def off_target(rows: Iterable[Row]) -> Iterator[Decision]:
    for row in rows:
        if row.reading is not None and (since := off_since(row.reading)) is not None:
            said = ngettext(
                "%(kpi)s is off target for %(n)d week: %(figure)s, target %(target)s.",
                "%(kpi)s is off target for %(n)d weeks: %(figure)s, target %(target)s.",
                since.weeks,
            ) % {"kpi": row.kpi, "n": since.weeks, "figure": row.reading.said, "target": row.reading.target}
            yield Decision(Kind.OFF_TARGET, said, "kpi_page", (row.kpi.pk,), since.day)


@dataclass(frozen=True)
class Off:
    day: date
    weeks: int


def off_since(reading: Reading) -> Off | None:
    """Since when it has missed its target, week after week; None when not long enough, or without a target to compare."""
    kpi, line = reading.kpi, reading.only
    if kpi.target is None or line is None:
        return None
    weeks = 0
    for point in reversed(line.points):
        if point.value is None or (point.value - kpi.target) * kpi.direction >= 0:
            break
        weeks += 1
    return Off(line.points[-weeks].day, weeks) if weeks >= WEEKS_OFF else None


def fell_sharply(rows: Iterable[Row]) -> Iterator[Decision]:
    """Off target in the last whole week, not for WEEKS_OFF weeks yet, and far from what it was. Of adoption `falling` says it."""
    for row in rows:
        line = row.reading.only if row.reading and row.kpi.metric != "adoption" else None
        if line is None or row.reading is None or row.reading.on_target is not False or off_since(row.reading):
            continue
        known = [point.value for point in line.points[-WEEKS_OFF - 1 :]]
        if len(known) == WEEKS_OFF + 1 and None not in known:
            was, *between, last = cast("list[Decimal]", known)
            worse = [row.kpi.direction * one for one in (*between, last)]
            if worse[-1] == min(worse) and row.kpi.direction * (was - last) >= SHARPLY * abs(was) > 0:
                said = (
                    _("%(kpi)s fell from %(was)s to %(last)s in four weeks; the target is %(target)s.")
                    if last < was
                    else _("%(kpi)s rose from %(was)s to %(last)s in four weeks; the target is %(target)s.")
                ) % {
                    "kpi": row.kpi, "was": line.said(was), "last": line.said(last), "target": row.reading.target,
                }  # fmt: skip
                yield Decision(Kind.FELL_SHARPLY, said, "kpi_page", (row.kpi.pk,), line.points[-1].day)


def falling(rows: Iterable[Row]) -> Iterator[Decision]:
    """Adoption fell in the last whole week. Said of a KPI that is not off target for weeks already."""
    for row in rows:
        line = row.reading.only if row.reading and row.kpi.metric == "adoption" else None
        if line is None or row.reading is None or off_since(row.reading) is not None:
            continue
        known = [point.value for point in line.points[-WEEKS_OFF - 1 :]]
        if len(known) == WEEKS_OFF + 1 and None not in known:
            *before, last = cast("list[Decimal]", known)
            usual = sum(before, Decimal(0)) / len(before)
            if last < min(before) and usual - last >= FALLS_BY:
                said = _("%(kpi)s fell to %(last)s; it was %(usual)s in the four weeks before.") % {
                    "kpi": row.kpi, "last": line.said(last), "usual": line.said(usual),
                }  # fmt: skip
                yield Decision(Kind.ADOPTION_FALLS, said, "kpi_page", (row.kpi.pk,), line.points[-1].day)


def unfed(rows: Iterable[Row], arrived: Arrivals, markets: Sequence[Market], as_of: datetime) -> Iterator[Decision]:
    """Of what is live: no event that it is computed from has come for a week."""
    today = timezone.localdate(as_of)
    for row in rows:
        if not row.weight or row.reading is None:
            continue
        here = {market.pk for market in markets if row.kpi.market_id in {None, market.pk}}
        last = arrived.of_types(row.reading.figure.feeds, here)
        if last is None and not (arrived.whole or as_of - arrived.since > QUIET) and not empty(row.reading):
            continue
        if last is not None and as_of - last <= QUIET:
            continue
        if last is None:
            said = _("Nothing feeds %(kpi)s: none of its events is in the log lately.") % {"kpi": row.kpi}
        else:
            said = _("Nothing feeds %(kpi)s: the last of its events came on %(day)s.") % {
                "kpi": row.kpi, "day": history.day_said(timezone.localdate(last), today),
            }  # fmt: skip
        yield Decision(Kind.UNFED, said, "kpi_page", (row.kpi.pk,), last)


def empty(reading: Reading) -> bool:
    """Nothing was counted in the last whole week."""
    return all(not line.back(0) for line in reading.lines)


def silent(arrived: Arrivals, peopled: Sequence[Market], as_of: datetime) -> Iterator[Decision]:
    """Markets with people, and no data about them."""
    for market, last in arrivals.silent_markets(arrived, peopled, as_of):
        if last is None:
            said = _("No data has ever come from %(market)s.") % {"market": market}
        else:
            said = _("No data has come from %(market)s for more than 36 hours.") % {"market": market}
        yield Decision(Kind.NO_DATA, said, "overview", (), last, part="data")


def old_figures(rows: Iterable[Row], as_of: datetime) -> Iterator[Decision]:
    """Figures that nobody computed for too long, all in one line; one that never was counts only when it is live."""
    old = [row for row in rows if row.reading and row.reading.stale(as_of) and (row.reading.computed_at or row.weight)]
    if old:
        times = [row.reading.computed_at for row in old if row.reading and row.reading.computed_at]
        told = {"kpi": old[0].kpi, "n": len(old)}
        if times:
            said = (
                ngettext(
                    "%(kpi)s has not been computed for more than 36 hours.",
                    "%(n)d KPIs have not been computed for more than 36 hours.",
                    len(old),
                )
                % told
            )
        else:
            said = ngettext("%(kpi)s has no figure yet.", "%(n)d live KPIs have no figure yet.", len(old)) % told
        yield Decision(Kind.OLD_FIGURES, said, "kpi_list", (), min(times, default=None))
