"""Which campaign, and which version of its weights, counts for whom at what instant.

The rule, as HQ reads it (RULE): of several campaigns that run, the narrower audience wins (one for a segment before one for
everybody, then one that names the market before one for all); then the one that started last, then the one made last.

A start or end is a time on each market's own clock. One that the clock repeats in autumn is the first of the two; one that
it skips in spring is the first minute after the gap. Nothing waits for a job: the clock decides, whenever somebody reads.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

from django.utils.translation import gettext_lazy as _

from distributors.models import Market, Segment

from .models import Campaign, Priority, PriorityVersion

RULE = _(
    "When several campaigns run, the narrower audience wins: one for a segment before one for everybody, then one that "
    "names the market before one for all markets. Then the one that started last counts, then the one made last."
)
#: Segments that campaigns and their KPIs may name at a time: each doubles the sets of weights that are held ready.
MOST_SEGMENTS = 6
ALWAYS = datetime.min.replace(tzinfo=UTC)


def instant(market: Market, day: date, at: time) -> datetime:
    """When the market's clock first shows `at` on `day`, or the first minute after it when it never does. In UTC."""
    local = datetime.combine(day, at.replace(fold=0), market.zone)
    found = local.astimezone(UTC)
    if found.astimezone(market.zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        # In the gap: both readings of the wall time lie around it, and the clock jumps between them.
        found = first_after_gap(market, local)
    return found


def first_after_gap(market: Market, local: datetime) -> datetime:
    early, late = local.replace(fold=1).astimezone(UTC), local.replace(fold=0).astimezone(UTC)
    offset = early.astimezone(market.zone).utcoffset()
    while late - early > timedelta(minutes=1):
        middle = early + (late - early) / 2
        if middle.astimezone(market.zone).utcoffset() == offset:
            early = middle
        else:
            late = middle
    return late.replace(second=0, microsecond=0)


@dataclass(frozen=True)
class Plan:
    """An approved campaign with its versions by number, none withdrawn; `markets` empty means all."""

    campaign: Campaign
    markets: frozenset[int]
    versions: tuple[PriorityVersion, ...]
    priorities: dict[int, list[Priority]]  # by version id, the weightiest first, with their KPIs
    always: bool = False  # as if its period had begun: of a preview

    def is_for(self, market: Market) -> bool:
        return not self.markets or market.pk in self.markets

    def starts(self, market: Market) -> datetime:
        return instant(market, self.campaign.starts_on, self.campaign.starts_time)

    def ends(self, market: Market) -> datetime:
        if self.campaign.ends_time is None:
            return instant(market, self.campaign.ends_on + timedelta(days=1), time(0))
        return instant(market, self.campaign.ends_on, self.campaign.ends_time)

    def runs(self, market: Market, as_of: datetime) -> bool:
        return self.is_for(market) and (self.always or self.starts(market) <= as_of < self.ends(market))

    def begins(self, version: PriorityVersion, market: Market) -> datetime | None:
        """When a scheduled version takes over; None for one that counted as soon as it was published."""
        if version.starts_on is None or version.starts_time is None:
            return None
        return max(version.published_at, instant(market, version.starts_on, version.starts_time))

    def version(self, market: Market, as_of: datetime) -> PriorityVersion | None:
        """The one that took over last. Those published at once follow each other by number, whatever their clocks said."""
        if self.always:
            return self.versions[-1]  # the unsaved one that the preview is of
        found, since = None, ALWAYS
        at_once = ALWAYS
        for version in self.versions:
            begins = self.begins(version, market)
            if begins is None:
                begins = at_once = max(at_once, version.published_at)
            elif begins > as_of:
                continue
            if begins >= since:
                found, since = version, begins
        return found

    def narrowness(self, market: Market) -> tuple[bool, bool, date, time, int]:
        """Of two campaigns the greater one counts."""
        campaign = self.campaign
        named = market.pk in self.markets
        return campaign.segment_id is not None, named, campaign.starts_on, campaign.starts_time, campaign.pk


@dataclass(frozen=True)
class Board:
    """All approved campaigns. Immutable, shared between readers."""

    plans: tuple[Plan, ...]

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Every segment that a campaign with a version or a KPI that it weighs names, by id."""
        found: dict[int, Segment] = {}
        for plan in self.plans:
            for version in plan.versions:
                named = [plan.campaign.segment, *(one.kpi.segment for one in plan.priorities[version.pk])]
                found |= {one.pk: one for one in named if one is not None}
        return tuple(found[pk] for pk in sorted(found))

    def moments(self, market: Market) -> list[datetime]:
        """Every instant at which something starts or ends in a market, in order."""
        found = set()
        for plan in self.plans:
            if plan.is_for(market):
                found |= {plan.starts(market), plan.ends(market)}
                found |= {begins for version in plan.versions if (begins := plan.begins(version, market))}
        return sorted(found)

    def running(self, market: Market, as_of: datetime) -> list[tuple[Plan, PriorityVersion]]:
        """Campaigns that run in a market and have a version, the one that counts first."""
        found = [
            (plan, version)
            for plan in self.plans
            if plan.runs(market, as_of) and (version := plan.version(market, as_of)) is not None
        ]
        return sorted(found, key=lambda one: one[0].narrowness(market), reverse=True)

    def counting(self, market: Market, as_of: datetime, segments: frozenset[int] = frozenset()) -> list[Priority]:
        """What counts for who belongs to these segments (ids), the weightiest first; KPIs of other scopes are left out.

        A campaign none of whose KPIs is about her gives way to the next.
        """
        for plan, version in self.running(market, as_of):
            if plan.campaign.segment_id is not None and plan.campaign.segment_id not in segments:
                continue
            mine = [one for one in plan.priorities[version.pk] if is_about(one, market, segments)]
            if mine:
                return mine
        return []


def is_about(priority: Priority, market: Market, segments: frozenset[int]) -> bool:
    kpi = priority.kpi
    return kpi.market_id in (None, market.pk) and (kpi.segment_id is None or kpi.segment_id in segments)


def current() -> Board:
    """As HQ has it now. Four queries."""
    return board_of(Campaign.objects.approved())


def board_of(campaigns: Iterable[Campaign]) -> Board:
    found = list(
        campaigns.select_related("segment").prefetch_related("markets").order_by("pk")  # type: ignore[attr-defined]
    )
    by_campaign: dict[int, list[PriorityVersion]] = {one.pk: [] for one in found}
    published = PriorityVersion.objects.filter(campaign__in=found, withdrawal=None)
    for version in published.select_related("by").order_by("number"):
        by_campaign[version.campaign_id].append(version)
    versions = {pk: not_replaced(each) for pk, each in by_campaign.items()}
    priorities: dict[int, list[Priority]] = {version.pk: [] for each in versions.values() for version in each}
    weighed = Priority.objects.filter(version__in=list(priorities), weight__gt=0)
    for priority in weighed.select_related("kpi__segment", "version__campaign").order_by("-weight", "pk"):
        priorities[priority.version_id].append(priority)
    return Board(
        tuple(
            Plan(
                one,
                frozenset(market.pk for market in one.markets.all()),
                tuple(versions[one.pk]),
                {version.pk: priorities[version.pk] for version in versions[one.pk]},
            )
            for one in found
        )
    )


def not_replaced(versions: Sequence[PriorityVersion]) -> list[PriorityVersion]:
    """Without those that counted at once and were followed by another such: they never count again."""
    newest = max((version.number for version in versions if version.starts_on is None), default=0)
    return [version for version in versions if version.starts_on is not None or version.number == newest]


def with_weights(board: Board, campaign: Campaign, version: PriorityVersion, priorities: Sequence[Priority]) -> Board:
    """The board as if `campaign` had this unsaved version and ran now: what a preview ranks with.

    A campaign that is still ahead, or not approved yet, counts as if its period had begun.
    """
    markets = frozenset(campaign.markets.values_list("pk", flat=True))
    plan = Plan(campaign, markets, (version,), {version.pk: list(priorities)}, always=True)
    others = tuple(one for one in board.plans if one.campaign.pk != campaign.pk)
    return replace(board, plans=(*others, plan))


def phase(moments: Sequence[datetime], as_of: datetime) -> int:
    """How many of these instants have come: between two of them nothing changes by itself."""
    return bisect_right(moments, as_of)
