"""What HQ begins its day with: what is live where, how the KPIs stand, and what needs a decision, the most urgent first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from distributors.models import Market, User

from .. import arrivals, board, timeline
from ..arrivals import Arrivals, Source
from ..wording import listed
from .ahead import Change, next_change
from .campaign_doubts import drafts_waiting, ending, overlapping
from .decisions import Decision
from .kpi_doubts import falling, fell_sharply, off_target, old_figures, silent, unfed
from .kpi_rows import Row, rows_of
from .live import Live, live_of
from .rule_doubts import rules_waiting


@dataclass(frozen=True)
class Overview:
    as_of: datetime
    live: list[Live]
    without: list[Market]  # where nothing is live
    next: Change | None
    rows: list[Row]
    decisions: list[Decision]
    arrived: Arrivals

    @property
    def lines(self) -> list[tuple[Decision, str]]:
        """What needs a decision, and since when."""
        return [(one, one.since_said(timezone.localdate(self.as_of))) for one in self.decisions]

    @property
    def sources(self) -> list[tuple[Source, str, bool]]:
        """Where data comes from, how long ago it last did, and whether that is too long."""
        return [(one, one.said(self.as_of), one.silent(self.as_of)) for one in self.arrived.sources]

    @property
    def steered(self) -> list[Row]:
        """What is live or has a target: the rest is one link away."""
        return [row for row in self.rows if row.weight or row.kpi.target is not None] or self.rows

    @property
    def without_said(self) -> str:
        return listed(self.without)


def of(user: User, as_of: datetime) -> Overview:
    """For this reader. Its number of queries grows with segments that are live, silent markets, and drafts in review or
    sent back only."""
    markets = list(Market.objects.order_by("pk"))
    everybody = timeline.people_by_segment({None}, markets, as_of)[None]
    peopled = [market for market in markets if everybody.get(market.pk)]
    now, arrived = board.current(), arrivals.lately(as_of)
    found, without = live_of(now, peopled, everybody, as_of)
    rows = rows_of(found)
    decisions = [
        *drafts_waiting(user),
        *rules_waiting(user),
        *silent(arrived, peopled, as_of),
        *ending(now, peopled, as_of),
        *overlapping(now, peopled, as_of),
        *unfed(rows, arrived, markets, as_of),
        *off_target(rows),
        *fell_sharply(rows),
        *falling(rows),
        *old_figures(rows, as_of),
    ]
    return Overview(
        as_of=as_of,
        live=found,
        without=without,
        next=next_change(now, peopled, as_of),
        rows=rows,
        decisions=sorted(decisions, key=lambda one: one.order),
        arrived=arrived,
    )
