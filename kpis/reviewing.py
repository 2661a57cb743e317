"""What HQ looks at before it publishes: whom it reaches, what runs beside it, and when it counts in each market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from distributors.models import Distributor, Market
from distributors.wording import number, percent

from . import board, campaigns, history, wording
from .board import Plan
from .models import KPI, Campaign, PriorityDraft, PriorityVersion


@dataclass(frozen=True)
class When:
    """A scheduled time in one market: the instant, what its clock shows then (naive, as templates would move it), a note."""

    market: Market
    at: datetime
    local: datetime
    note: str


@dataclass(frozen=True)
class Beside:
    """Another approved campaign that runs at the same time in these markets, and which of the two counts there."""

    campaign: Campaign
    first_in: list[Market]  # it counts before this one here
    after_in: list[Market]  # this one counts before it here

    @property
    def said(self) -> str:
        found = []
        if self.first_in:
            found.append(self.where(self.first_in, first=True))
        if self.after_in:
            found.append(self.where(self.after_in, first=False))
        return " ".join(found)

    def where(self, markets: Sequence[Market], *, first: bool) -> str:
        names = ", ".join(str(market) for market in markets)
        if not first:
            return _("This one counts before it in %(markets)s.") % {"markets": names}
        if self.campaign.segment:
            return _("It counts before this one in %(markets)s, for %(segment)s.") % {
                "markets": names,
                "segment": self.campaign.segment,
            }
        return _("It counts before this one in %(markets)s.") % {"markets": names}


@dataclass(frozen=True)
class Review:
    """`rows` and `changes` compare the draft with what counts now (`in_force`, None before the first version)."""

    in_force: PriorityVersion | None
    changes: list[str]
    rows: list[history.Row]
    share: int
    share_before: int
    reached: int
    everybody: int
    beside: list[Beside]
    scheduled: list[history.Entry]
    warnings: list[str]

    @property
    def reach_said(self) -> str:
        part = percent(100 * self.reached // self.everybody) if self.everybody else percent(0)
        return _("%(reached)s of %(everybody)s people (%(percent)s)") % {
            "reached": number(self.reached),
            "everybody": number(self.everybody),
            "percent": part,
        }

    @property
    def in_short(self) -> str:
        return wording.in_short(self.changes)


def of(draft: PriorityDraft, past: history.History, as_of: datetime) -> Review:
    """About a dozen queries, whatever the field's size; two of them count people."""
    campaign, names = past.campaign, past.names
    now = past.in_force
    before, after = history.weights_of(now), points(draft)
    reached = campaigns.reach(campaign, as_of)
    return Review(
        in_force=now,
        changes=[
            *wording.changes(before, after, names),
            *history.share_change(now.own_goal_share if now else draft.own_goal_share, draft.own_goal_share),
        ],
        rows=history.rows(before, after, names),
        share=history.in_percent(draft.own_goal_share),
        share_before=history.in_percent(now.own_goal_share if now else draft.own_goal_share),
        reached=reached,
        everybody=Distributor.objects.active().count(),
        beside=beside(past.plan, past.markets, as_of),
        scheduled=[one for one in past.entries if one.standing == history.Standing.SCHEDULED],
        warnings=warnings(after, before, draft, past, reached),
    )


def points(draft: PriorityDraft) -> dict[int, int]:
    """By KPI id, zeros left out."""
    return {int(pk): found for pk, found in draft.weights.items() if found}


def warnings(
    after: dict[int, int], before: dict[int, int], draft: PriorityDraft, past: history.History, reached: int
) -> list[str]:
    """What does not stop it from being published, but should be known before."""
    found = []
    same_share = past.in_force is not None and past.in_force.own_goal_share == draft.own_goal_share
    if after == before and same_share:
        found.append(_("Nothing differs from what counts now."))
    if not reached:
        found.append(_("Nobody belongs to this audience today."))
    if (newest := max(past.numbers, default=0)) > draft.based_on:
        found.append(
            _("Version %(number)d was published after this draft was begun. The comparison is with what counts now.")
            % {"number": newest}
        )
    found += left_out(after, past.markets)
    return found


def left_out(after: dict[int, int], markets: Sequence[Market]) -> list[str]:
    """Weights of a KPI of one market or segment count there only; the others' points are shared out anew."""
    found = []
    here = {market.pk for market in markets}
    for kpi in KPI.objects.filter(pk__in=after).select_related("market", "segment").order_by("name"):
        if kpi.market_id is not None and kpi.market_id not in here:
            said = _("%(kpi)s is a figure of %(market)s, which this campaign does not reach: its points move nothing.")
            found.append(said % {"kpi": kpi, "market": kpi.market})
        elif kpi.market_id is not None and len(here) > 1:
            said = _("%(kpi)s counts in %(market)s only. Elsewhere its points go to the others.")
            found.append(said % {"kpi": kpi, "market": kpi.market})
    return found


def beside(plan: Plan, markets: Sequence[Market], as_of: datetime) -> list[Beside]:
    """Approved campaigns whose time and markets overlap with what is left of this one's."""
    found = []
    for other in board.current().plans:
        if other.campaign.pk == plan.campaign.pk or not other.versions:
            continue
        shared = [market for market in markets if other.is_for(market) and overlap(plan, other, market, as_of)]
        if shared:
            first = [one for one in shared if other.narrowness(one) > plan.narrowness(one)]
            found.append(Beside(other.campaign, first, [one for one in shared if one not in first]))
    return found


def overlap(plan: Plan, other: Plan, market: Market, as_of: datetime) -> bool:
    return max(plan.starts(market), other.starts(market), as_of) < min(plan.ends(market), other.ends(market))


# Scheduling


def times(markets: Sequence[Market], starts: tuple[date, time]) -> list[When]:
    """What a wall time is in each market."""
    found = []
    for market in markets:
        at = board.instant(market, *starts)
        found.append(When(market, at, at.astimezone(market.zone).replace(tzinfo=None), clock_note(market, starts, at)))
    return found


def clock_note(market: Market, starts: tuple[date, time], at: datetime) -> str:
    """What the market's clock does at that time, when it does not simply show it once."""
    wall = datetime.combine(*starts, market.zone)
    shown = at.astimezone(market.zone)
    if shown.replace(tzinfo=None) != wall.replace(tzinfo=None):
        said = _("The clock skips %(time)s that day. It counts from %(shown)s.")
        return said % {"time": f"{starts[1]:%H:%M}", "shown": f"{shown:%H:%M}"}
    if wall.replace(fold=1).astimezone(UTC) != wall.replace(fold=0).astimezone(UTC):
        return _("The clock shows %(time)s twice that day. It counts from the first.") % {"time": f"{starts[1]:%H:%M}"}
    return ""


def people_said(n: int) -> str:
    return ngettext("%(n)s person", "%(n)s people", n) % {"n": number(n)}
