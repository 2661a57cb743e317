"""How far what HQ published has come: the next page of everybody has it; here is what is written ahead, and how long it took.

Nothing has to be sent around: a page is ranked when it is opened, by the version that counts then (recommend.py). Only slates
written ahead (ranking/dayslates.py) follow, in runs that recalculating.steered starts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from distributors.models import Distributor, Market
from kpis import board, campaigns
from kpis.board import Board, Plan
from kpis.models import Campaign, PriorityVersion

from ..models import Chunk, Recalculation
from ..ranking import recalculating


class State(StrEnum):
    """Of the slates written ahead."""

    NONE = "none"  # nobody of the audience has one of today
    CURRENT = "current"
    RUNNING = "running"
    SOON = "soon"  # the schedule starts it within a minute
    MORNING = "morning"  # the schedule starts it with the market's morning
    LEFT = "left"  # the run is over, and some were parked


@dataclass(frozen=True)
class Slates:
    people: int  # of the audience
    written: int  # of those, with a slate of their day
    current: int  # of those, made with everything as it is now
    state: State

    @property
    def share(self) -> int:
        """Percent, floored: 100 when all are."""
        return 100 * self.current // self.written if self.written else 0


@dataclass(frozen=True)
class Run:
    """The re-ranking that brought the version to a market."""

    market: str
    since: datetime  # from when the version counted there
    started_at: datetime
    finished_at: datetime | None
    people: int
    seconds: float  # of work, of all workers together

    @property
    def after(self) -> timedelta | None:
        """From when the version counted to when everybody was ranked by it."""
        return self.finished_at - self.since if self.finished_at else None


@dataclass(frozen=True)
class Place:
    """A market of the campaign, and whether the version counts there."""

    market: Market
    from_when: datetime  # on its clock
    counts: bool
    over: bool  # the campaign has ended there
    behind: str  # the campaign that counts there first, if there is one for everybody


@dataclass(frozen=True)
class Propagation:
    version: PriorityVersion | None
    slates: Slates
    places: list[Place]
    runs: list[Run]
    live: PriorityVersion | None  # of this campaign, what counts now in most of its markets
    scheduled: bool  # it counts from a later time in every market

    @property
    def counts(self) -> bool:
        """Whether it counts anywhere."""
        return any(place.counts for place in self.places)

    @property
    def done_after(self) -> timedelta | None:
        """From when it counted to when all slates written ahead had it; None before, and of runs that are not kept."""
        after = [run.after for run in self.runs if run.after is not None]
        through = self.slates.state is State.CURRENT and after and len(after) == len(self.runs)
        return max(after) if through else None

    @property
    def moving(self) -> bool:
        """Whether another look in a moment may say more."""
        return not self.scheduled and self.slates.state in {State.RUNNING, State.SOON}


def of(campaign: Campaign, *, as_of: datetime) -> Propagation:
    """Of its newest version that was not called off."""
    version = (
        campaign.versions.filter(withdrawal=None)
        .select_related("by", "approved_by", "restores")
        .order_by("-number")
        .first()
    )
    markets = campaigns.markets_of(campaign)
    held = board.current()
    places = places_of(campaign, version, markets, held, as_of)
    return Propagation(
        version=version,
        slates=slates_of(campaign, markets, as_of),
        places=places,
        runs=runs_that_brought_it(places, as_of),
        live=live_now(campaign, markets, held, as_of),
        scheduled=bool(places) and all(place.from_when > as_of and not place.over for place in places),
    )


# Where it counts


def live_now(campaign: Campaign, markets: list[Market], held: Board, as_of: datetime) -> PriorityVersion | None:
    found = Counter(
        version
        for market in markets
        for plan, version in held.running(market, as_of)
        if plan.campaign.pk == campaign.pk
    )
    return found.most_common(1)[0][0] if found else None


def places_of(
    campaign: Campaign, version: PriorityVersion | None, markets: list[Market], held: Board, as_of: datetime
) -> list[Place]:
    plan = next((one for one in held.plans if one.campaign.pk == campaign.pk), None)
    if plan is None or version is None:
        return []
    found = []
    for market in markets:
        running = held.running(market, as_of)
        mine = next((at for at, (one, _version) in enumerate(running) if one is plan), None)
        first = [one.campaign.name for one, _version in running[:mine] if one.campaign.segment_id is None]
        found.append(
            Place(
                market=market,
                from_when=begins(plan, version, market).astimezone(market.zone),
                counts=mine is not None and running[mine][1].pk == version.pk,
                over=plan.ends(market) <= as_of,
                behind=first[0] if first else "",
            )
        )
    return found


def begins(plan: Plan, version: PriorityVersion, market: Market) -> datetime:
    """When this version counts first in a market."""
    return max(plan.starts(market), plan.begins(version, market) or version.published_at, version.published_at)


# What is written ahead


def slates_of(campaign: Campaign, markets: list[Market], as_of: datetime) -> Slates:
    """One query over the audience: which versions of everything her slate of today was made with."""
    told = recalculating.told_now()
    of_today = Q(pk__in=[])
    for market in markets:
        of_today |= Q(market=market, day_slate__day=market.local_day(as_of))
    counted = Distributor.objects.filter(campaigns.audience(campaign, as_of)).aggregate(
        people=Count("pk"),
        written=Count("pk", filter=of_today),
        current=Count("pk", filter=of_today & Q(day_slate__versions=told)),
    )
    return Slates(**counted, state=state_of(counted["written"], counted["current"], markets, told, as_of))


def state_of(written: int, current: int, markets: list[Market], told: str, as_of: datetime) -> State:
    if not written:
        return State.NONE
    if written == current:
        return State.CURRENT
    here = [market.pk for market in markets]
    unfinished = Recalculation.objects.filter(Q(market__in=here) | Q(market=None), finished_at__isnull=True)
    if unfinished.exists():
        return State.RUNNING
    waiting = [market for market in markets if recalculating.newest_versions(market) != told]
    if any(recalculating.worked(market, market.local_day(as_of)) for market in waiting):
        return State.SOON
    return State.MORNING if waiting else State.LEFT


def runs_that_brought_it(places: list[Place], as_of: datetime) -> list[Run]:
    """The first run in each market after the version counted there, if that is not so long ago that runs are forgotten.
    Two queries."""
    kept = as_of - recalculating.KEEP[recalculating.CHANGED]
    since = {place.market.pk: place.from_when for place in places if place.counts and place.from_when > kept}
    if not since:
        return []
    runs = Recalculation.objects.filter(
        Q(market__in=since) | Q(market=None), started_at__gte=min(since.values())
    ).select_related("market").order_by("pk")  # fmt: skip
    brought: dict[int, Recalculation] = {}
    for run in runs:
        for market in [run.market_id] if run.market_id else list(since):
            if run.started_at >= since[market]:
                brought.setdefault(market, run)
    worked = sums_of({run.pk for run in brought.values()})
    first = {run.pk: (run, since[market]) for market, run in reversed(brought.items())}
    return [run_line(run, begun, worked.get(pk, {})) for pk, (run, begun) in sorted(first.items())]


def sums_of(runs: set[int]) -> dict[int, dict[str, Any]]:
    rows = Chunk.objects.filter(recalculation__in=runs).order_by().values("recalculation")
    summed = rows.annotate(people=Sum("people"), seconds=Sum("seconds"))
    return {row["recalculation"]: dict(row) for row in summed}


def run_line(run: Recalculation, since: datetime, worked: dict[str, Any]) -> Run:
    return Run(
        market=run.market.name if run.market else _("All markets"),
        since=since,
        started_at=run.started_at,
        finished_at=run.finished_at,
        people=int(worked.get("people", 0)),
        seconds=worked.get("seconds", 0.0),
    )
