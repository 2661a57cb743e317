"""A campaign's way: draft, in review, scheduled, live, ended; and whom it reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time
from functools import partial

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from distributors import segments
from distributors.models import Distributor, Market, Segment, User

from . import board
from .board import MOST_SEGMENTS, Board, Plan
from .models import KPI, Campaign, Turn

DRAFT, IN_REVIEW, SCHEDULED, LIVE, ENDED = (Campaign.Status(one) for one in Campaign.Status.values)


def markets_of(campaign: Campaign) -> list[Market]:
    """Those it names, or all."""
    return list(campaign.markets.order_by("pk")) or list(Market.objects.order_by("pk"))


def audience(campaign: Campaign, as_of: datetime) -> Q:
    """Whom it is for, as a condition on Distributor: active people of its markets and segment."""
    return people_of(markets_of(campaign), campaign.segment, as_of)


def people_of(markets: Iterable[Market], segment: Segment | None, as_of: datetime) -> Q:
    found = Q(pk__in=[])
    for market in markets:
        found |= Q(market=market) & segments.condition(segment, market.local_day(as_of))
    return found & Q(left_on__isnull=True)


def reach(campaign: Campaign, as_of: datetime) -> int:
    """How many people it is for."""
    return Distributor.objects.filter(audience(campaign, as_of)).count()


def may_reach(markets: Iterable[Market], segment: Segment | None, as_of: datetime) -> int:
    """How many people an audience has or will have as time goes by: who is too new for it today grows into it, and a rule
    may make anybody a member of a segment by rules.

    What is asked about a second approver: nobody gets round her by being early.
    """
    if segment is not None and (segment.days_from is not None or segment.by_rules):
        segment = Segment(days_to=segment.days_to, team=segment.team)
    return Distributor.objects.filter(people_of(markets, segment, as_of)).count()


def approve(campaign: Campaign, *, as_of: datetime) -> None:
    """With its first version it waits for its time, or is live when that has come somewhere."""
    if campaign.status in {DRAFT, IN_REVIEW}:
        begun = any(
            board.instant(one, campaign.starts_on, campaign.starts_time) <= as_of for one in markets_of(campaign)
        )
        Campaign.objects.filter(pk=campaign.pk).update(status=LIVE if begun else SCHEDULED)


@transaction.atomic
def end(campaign: Campaign, *, by: User | None, as_of: datetime) -> None:
    """End it now, everywhere. What counts next is decided by the others. Who did it is in the audit."""
    Campaign.objects.filter(pk=campaign.pk, status__in=[SCHEDULED, LIVE]).update(status=ENDED)


def check_segments(campaign: Campaign, kpis: Iterable[int], *, at_once: bool) -> None:
    """Refuse one segment too many among all campaigns that count. A version that counts at once replaces such a one."""
    now = board.current()
    if at_once:
        now = Board(tuple(scheduled_only(plan) if plan.campaign == campaign else plan for plan in now.plans))
    named = {one.pk for one in now.segments} | ({campaign.segment_id} - {None})
    named |= set(KPI.objects.filter(pk__in=kpis, segment__isnull=False).values_list("segment_id", flat=True))
    if len(named) > MOST_SEGMENTS:
        raise ValidationError(
            _("Campaigns and KPIs that count may name %(n)d segments at a time. End one that names another."),
            params={"n": MOST_SEGMENTS},
            code="segments",
        )


def scheduled_only(plan: Plan) -> Plan:
    return replace(plan, versions=tuple(one for one in plan.versions if one.starts_on is not None))


def check_start(campaign: Campaign, starts: tuple[date, time], as_of: datetime) -> None:
    """A scheduled version begins after now in every market of the campaign, and before the campaign ends there."""
    plan = Plan(campaign, frozenset(), (), {})
    for market in markets_of(campaign):
        begins = board.instant(market, *starts)
        if begins <= as_of:
            raise ValidationError(
                _("That time has passed in %(market)s already. Choose a later one."),
                params={"market": market},
                code="starts",
            )
        if begins >= plan.ends(market):
            raise ValidationError(
                _("The campaign has ended by then in %(market)s."), params={"market": market}, code="starts"
            )


# The clock


def turn(as_of: datetime | None = None) -> None:
    """For the schedule, each minute: note what has started or ended in each market, once, and say so in the status.

    Nothing waits for it: readers ask the clock. Its notes make slates written ahead be written again, and are what HQ reads.
    """
    now = as_of or timezone.now()
    found = board.current()
    markets = list(Market.objects.order_by("pk"))
    due = [one for plan in found.plans for one in due_turns(plan, markets, now)]
    if due:
        Turn.objects.bulk_create(due, ignore_conflicts=True)
    for plan in found.plans:
        settle(plan, [market for market in markets if plan.is_for(market)], now)


def due_turns(plan: Plan, markets: Iterable[Market], as_of: datetime) -> Iterator[Turn]:
    """Everything of a campaign that has come by `as_of` and is not noted yet."""
    noted = set(plan.campaign.turns.values_list("market_id", "what", "due_at"))
    made = partial(Turn, campaign=plan.campaign, at=as_of)
    for market in markets:
        if plan.is_for(market) and plan.versions:
            for what, due_at in moments(plan, market):
                if due_at <= as_of and (market.pk, what, due_at) not in noted:
                    yield made(market=market, what=what, due_at=due_at)


def moments(plan: Plan, market: Market) -> Iterator[tuple[str, datetime]]:
    yield "start", plan.starts(market)
    yield "end", plan.ends(market)
    for version in plan.versions:
        if (begins := plan.begins(version, market)) is not None:
            yield f"v{version.number}", begins


def settle(plan: Plan, markets: list[Market], as_of: datetime) -> None:
    """Live from the first market's start, ended with the last one's end."""
    campaign = plan.campaign
    if campaign.status == SCHEDULED and any(plan.starts(market) <= as_of for market in markets):
        Campaign.objects.filter(pk=campaign.pk, status=SCHEDULED).update(status=LIVE)
    if markets and all(plan.ends(market) <= as_of for market in markets):
        Campaign.objects.filter(pk=campaign.pk, status__in=[SCHEDULED, LIVE]).update(status=ENDED)
