"""A campaign's versions as HQ reads them: what each changed, when it counted, what may be brought back or called off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise

from django.apps import apps
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from distributors import zones
from distributors.models import Market
from distributors.wording import day_short, percent

from . import campaigns, wording
from .board import Plan
from .models import KPI, Campaign, Priority, PriorityVersion


class Standing(StrEnum):
    SCHEDULED = "scheduled"  # takes over later, everywhere
    READY = "ready"  # counts when the campaign begins
    LIVE = "live"  # counts now, somewhere at least
    PAST = "past"
    SKIPPED = "skipped"  # the next one came before the campaign began
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Moment:
    """Either a wall time that each market's clock shows on its own, or an instant that is the same for all of them."""

    at: datetime
    day: date
    time: time
    everywhere: bool  # one instant, said on the reader's clock

    def said(self, today: date) -> str:
        """6 July · 6 July, 09:00 · 6 July, 14:05 CEST · with the year when it is not this one."""
        words = day_said(self.day, today)
        if self.time == time(0) and not self.everywhere:
            return words
        clock = time_format(self.time, pgettext("time format", "H:i"))
        return f"{words}, {clock} {zones.label(self.at)}" if self.everywhere else f"{words}, {clock}"

    def said_as_end(self, today: date) -> str:
        """The same; an end at midnight is said as the day before, which was the last one."""
        if self.time == time(0) and not self.everywhere:
            return day_said(self.day - timedelta(days=1), today)
        return self.said(today)


def day_said(day: date, today: date) -> str:
    """27 August, and the year when it is not this one."""
    return day_short(day) if day.year == today.year else date_format(day, pgettext("date format", "j F Y"))


def instant_said(at: datetime) -> Moment:
    at = timezone.localtime(at)
    return Moment(at, at.date(), at.time().replace(second=0, microsecond=0), everywhere=True)


@dataclass(frozen=True)
class Span:
    """When a version counted in one market, as far as its own campaign decides: `begins` to `ends`, empty when equal."""

    market: Market
    begins: Moment
    ends: Moment

    @property
    def empty(self) -> bool:
        return self.ends.at <= self.begins.at

    def holds(self, as_of: datetime) -> bool:
        return self.begins.at <= as_of < self.ends.at


@dataclass(frozen=True)
class Entry:
    """One line of the history. `weights` are points by KPI id without zeros."""

    version: PriorityVersion
    weights: dict[int, int]
    changes: list[str]
    standing: Standing
    begins: Moment | None
    ends: Moment | None
    live_in: list[Market] = field(default_factory=list)
    restorable: bool = False
    withdrawable: bool = False

    @property
    def in_short(self) -> str:
        return wording.in_short(self.changes)


@dataclass(frozen=True)
class History:
    """The newest version first. `plan` leaves withdrawn ones out, `in_force` counts now or will with the campaign."""

    campaign: Campaign
    markets: list[Market]
    plan: Plan
    entries: list[Entry]
    in_force: PriorityVersion | None
    names: dict[int, str]
    ended_at: datetime | None

    def entry(self, number: int) -> Entry | None:
        return next((one for one in self.entries if one.version.number == number), None)

    @property
    def numbers(self) -> list[int]:
        return [one.version.number for one in self.entries]


def of(campaign: Campaign, as_of: datetime) -> History:
    """Everything about a campaign's versions. Six queries, seven of an ended campaign."""
    markets = campaigns.markets_of(campaign)
    versions = versions_of(campaign)
    plan = plan_of(campaign, [one for one in versions if not withdrawn(one)])
    ended_at = when_ended(campaign)
    lasting = {market.pk: spans(plan, market, ended_at) for market in markets}
    in_force = version_in_force(plan, markets, as_of)
    names = dict(KPI.objects.values_list("pk", "name"))
    before = replaced(plan, versions, markets[0]) if markets else {}
    entries = []
    for version in versions:
        found = [lasting[market.pk][version.pk] for market in markets if version.pk in lasting[market.pk]]
        entries.append(entry_of(version, before.get(version.pk), in_force, found, plan, names, as_of))
    return History(campaign, markets, plan, entries[::-1], in_force, names, ended_at)


def versions_of(campaign: Campaign) -> list[PriorityVersion]:
    """By number, with their priorities. Two queries."""
    weighed = Priority.objects.select_related("kpi").filter(weight__gt=0).order_by("-weight", "pk")
    return list(
        campaign.versions.select_related("by", "approved_by", "restores", "withdrawal__by")
        .prefetch_related(Prefetch("priorities", weighed))
        .order_by("number")
    )


def withdrawn(version: PriorityVersion) -> bool:
    return hasattr(version, "withdrawal")


def weights_of(version: PriorityVersion | None) -> dict[int, int]:
    """Of a version that versions_of loaded: no query."""
    return {one.kpi_id: one.weight for one in version.priorities.all()} if version else {}


def plan_of(campaign: Campaign, versions: Iterable[PriorityVersion]) -> Plan:
    found = tuple(versions)
    markets = frozenset(campaign.markets.values_list("pk", flat=True))
    return Plan(campaign, markets, found, {one.pk: list(one.priorities.all()) for one in found})


def when_ended(campaign: Campaign) -> datetime | None:
    """When somebody ended it, or its time was noted as over; the audit knows."""
    if campaign.status != Campaign.Status.ENDED:
        return None
    changes = apps.get_model("kpis.CampaignChange").objects.filter(pgh_obj_id=campaign.pk, status=Campaign.Status.ENDED)
    first = changes.order_by("pgh_id").first()
    return first.pgh_created_at if first else None


def spans(plan: Plan, market: Market, ended_at: datetime | None) -> dict[int, Span]:
    """When each version counted in a market, by version id: until the next took over, within the campaign's time."""
    campaign = plan.campaign
    opens = Moment(plan.starts(market), campaign.starts_on, campaign.starts_time, everywhere=False)
    closes = end_of(plan, market)
    if ended_at is not None and ended_at < closes.at:
        closes = instant_said(ended_at)
    order = sorted(takeovers(plan, market), key=lambda one: (one[0].at, one[1].number))
    if not order:
        return {}
    nexts = [later for _earlier, (later, _version) in pairwise(order)] + [closes]
    found = {}
    for (begins, version), follows in zip(order, nexts, strict=True):
        begins = max(begins, opens, key=lambda moment: moment.at)
        follows = min(follows, closes, key=lambda moment: moment.at)
        found[version.pk] = Span(market, begins, follows)
    return found


def end_of(plan: Plan, market: Market) -> Moment:
    day, at = plan.campaign.ends_on, plan.campaign.ends_time
    return Moment(plan.ends(market), day if at else day + timedelta(days=1), at or time(0), everywhere=False)


def takeovers(plan: Plan, market: Market) -> list[tuple[Moment, PriorityVersion]]:
    """When each version takes over, by the rule of Plan.version."""
    found = []
    at_once = datetime.min.replace(tzinfo=UTC)
    for version in plan.versions:
        begins = plan.begins(version, market)
        if begins is None or version.starts_on is None or version.starts_time is None:
            at_once = max(at_once, version.published_at)
            found.append((instant_said(at_once), version))
        else:
            found.append((Moment(begins, version.starts_on, version.starts_time, everywhere=False), version))
    return found


def replaced(plan: Plan, versions: Sequence[PriorityVersion], market: Market) -> dict[int, PriorityVersion]:
    """Which version each one takes over from, by its id: the one before it in time, whatever their numbers are.

    One that was called off takes over from nothing, and is compared with what it would have replaced as things stood
    then: what came later does not change what it was.
    """
    found = in_turn(plan, [one for one in versions if not withdrawn(one)], market)
    for version in versions:
        if withdrawn(version):
            then = [one for one in versions if one is version or stood(one, version.withdrawal.at)]
            found |= {pk: before for pk, before in in_turn(plan, then, market).items() if pk == version.pk}
    return found


def stood(version: PriorityVersion, at: datetime) -> bool:
    """It was published by then, and not called off."""
    return version.published_at <= at and not (withdrawn(version) and version.withdrawal.at <= at)


def in_turn(plan: Plan, versions: Sequence[PriorityVersion], market: Market) -> dict[int, PriorityVersion]:
    """Of these versions, the one before each in time, by the id of the later."""
    order = sorted(
        takeovers(replace(plan, versions=tuple(versions)), market), key=lambda one: (one[0].at, one[1].number)
    )
    return {later.pk: earlier for (_begun, earlier), (_begins, later) in pairwise(order)}


def version_in_force(plan: Plan, markets: Sequence[Market], as_of: datetime) -> PriorityVersion | None:
    """The one that counts now in most of the markets; of a campaign still ahead, the one that would."""
    found = [version for market in markets if (version := plan.version(market, as_of)) is not None]
    return Counter(found).most_common(1)[0][0] if found else None


def entry_of(
    version: PriorityVersion,
    before: PriorityVersion | None,
    in_force: PriorityVersion | None,
    lasting: list[Span],
    plan: Plan,
    names: dict[int, str],
    as_of: datetime,
) -> Entry:
    weights = weights_of(version)
    counted = [one for one in lasting if not one.empty]
    begins = min((one.begins for one in counted), key=lambda moment: moment.at, default=None)
    ends = max((one.ends for one in counted), key=lambda moment: moment.at, default=None)
    standing = standing_of(version, lasting, plan.campaign, as_of)
    ended = plan.campaign.status == Campaign.Status.ENDED
    return Entry(
        version=version,
        weights=weights,
        changes=changes(before, version, names),
        standing=standing,
        begins=begins,
        ends=ends,
        live_in=[one.market for one in counted if one.holds(as_of)],
        restorable=standing in {Standing.PAST, Standing.SKIPPED, Standing.LIVE}
        and not ended
        and not same(version, in_force),
        withdrawable=standing == Standing.SCHEDULED and not ended,
    )


def standing_of(version: PriorityVersion, lasting: list[Span], campaign: Campaign, as_of: datetime) -> Standing:
    if withdrawn(version):
        return Standing.WITHDRAWN
    counted = [one for one in lasting if not one.empty]
    if not counted:
        return Standing.SKIPPED
    if any(one.holds(as_of) for one in counted) and campaign.status != Campaign.Status.ENDED:
        return Standing.LIVE
    if all(as_of < one.begins.at for one in counted):
        return Standing.READY if version.starts_on is None else Standing.SCHEDULED
    return Standing.PAST


def same(version: PriorityVersion, other: PriorityVersion | None) -> bool:
    """They say the same."""
    if other is None:
        return False
    return weights_of(version) == weights_of(other) and version.own_goal_share == other.own_goal_share


def changes(before: PriorityVersion | None, after: PriorityVersion, names: dict[int, str]) -> list[str]:
    share = before.own_goal_share if before else after.own_goal_share
    return [
        *wording.changes(weights_of(before), weights_of(after), names),
        *share_change(share, after.own_goal_share),
    ]


def share_change(before: object, after: object) -> list[str]:
    """Shares are 0.5 to 1."""
    if before == after:
        return []
    words = {"before": percent(in_percent(before)), "after": percent(in_percent(after))}
    return [_("Own goals %(before)s to %(after)s") % words]


def in_percent(share: object) -> int:
    return int(share * 100)  # type: ignore[operator]


# Two of them side by side


@dataclass(frozen=True)
class Row:
    """One KPI in two sets of weights, as points."""

    name: str
    old: int
    new: int

    @property
    def difference(self) -> int:
        return self.new - self.old

    @property
    def said(self) -> str:
        """+15 · −5 · 0, with a real minus."""
        return f"{self.difference:+d}".replace("-", "−") if self.difference else "0"


def rows(before: dict[int, int], after: dict[int, int], names: dict[int, str]) -> list[Row]:
    """What either weighs, the widest move first and what stays last."""
    found = [Row(names.get(pk, "?"), before.get(pk, 0), after.get(pk, 0)) for pk in before.keys() | after.keys()]
    return sorted(found, key=lambda row: (-abs(row.difference), -row.new, row.name))
