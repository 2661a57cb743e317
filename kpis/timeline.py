"""All campaigns over three quarters: when each runs, for whom, and which one counts where two meet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.apps import apps
from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from distributors import segments
from distributors.models import Distributor, Market, Segment

from . import board, history, reviewing
from .board import Board, Plan
from .models import Campaign, PriorityDraft, PriorityVersion

DRAFT, IN_REVIEW, SCHEDULED, LIVE, ENDED = (Campaign.Status(one) for one in Campaign.Status.values)
#: What is listed first.
ORDER = (LIVE, SCHEDULED, IN_REVIEW, DRAFT, ENDED)


@dataclass(frozen=True)
class Piece:
    """A stretch of the time line, as SVG lengths in percent of its width."""

    x: str
    width: str


@dataclass(frozen=True)
class Month:
    x: str
    name: str
    opens_quarter: bool


@dataclass(frozen=True)
class Window:
    """Three quarters, `first` to before `after`."""

    first: date
    after: date

    def piece(self, first: date, after: date) -> Piece | None:
        """The stretch from `first` to before `after`; None when it lies outside."""
        first, after = max(first, self.first), min(after, self.after)
        if first >= after:
            return None
        return Piece(self.at(first), percent_of((after - first).days, self.days))

    def at(self, day: date) -> str:
        return percent_of((day - self.first).days, self.days)

    @property
    def days(self) -> int:
        return (self.after - self.first).days

    @property
    def months(self) -> list[Month]:
        found, day = [], self.first
        while day < self.after:
            found.append(Month(self.at(day), date_format(day, "M"), day.month % 3 == 1))
            day = month_after(day)
        return found

    @property
    def quarters(self) -> list[str]:
        first = self.first
        return [
            f"Q{(day.month + 2) // 3} {day.year}" for day in (first, quarter_after(first), quarter_before(self.after))
        ]

    @property
    def earlier(self) -> date:
        """The middle quarter of the window before."""
        return quarter_before(quarter_after(self.first))

    @property
    def later(self) -> date:
        return quarter_after(quarter_after(self.first))


def window(middle: date) -> Window:
    """The quarter of a day with the ones before and after."""
    this = middle.replace(month=(middle.month - 1) // 3 * 3 + 1, day=1)
    return Window(quarter_before(this), quarter_after(quarter_after(this)))


def month_after(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def quarter_after(first: date) -> date:
    return (first + timedelta(days=95)).replace(day=1)


def quarter_before(first: date) -> date:
    return (first - timedelta(days=85)).replace(day=1)


def percent_of(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}%"


@dataclass(frozen=True)
class Meeting:
    """Another campaign at the same time, in a sentence; `gives_way` when that one counts first somewhere."""

    said: str
    gives_way: bool


@dataclass(frozen=True)
class Line:
    """A campaign on the time line. `gives_way` are the stretches of its bar where another counts first somewhere."""

    campaign: Campaign
    status: Campaign.Status  # by the clock
    markets: list[Market]
    reached: int
    in_force: PriorityVersion | None
    draft: PriorityDraft | None
    bar: Piece | None
    gives_way: list[Piece]
    meets: list[Meeting]
    first: date
    days: str

    @property
    def is_live(self) -> bool:
        return self.status == LIVE

    @property
    def may_end(self) -> bool:
        return self.status in {SCHEDULED, LIVE}

    @property
    def is_planned(self) -> bool:
        return self.status == SCHEDULED

    @property
    def markets_said(self) -> str:
        return ", ".join(str(market) for market in self.campaign.markets.all()) or _("All markets")

    @property
    def people_said(self) -> str:
        return reviewing.people_said(self.reached)


@dataclass(frozen=True)
class Turnout:
    """What counts now in some markets: `first` in the order in which it is asked, `waiting` counts for nobody."""

    markets: list[Market]
    first: list[tuple[Campaign, PriorityVersion]]
    waiting: list[tuple[Campaign, PriorityVersion]]

    @property
    def said(self) -> list[str]:
        """Pilot, v2, for Newcomers · Q3, v4, for everybody else."""
        found = []
        for at, (campaign, version) in enumerate(self.first):
            whom = str(campaign.segment) if campaign.segment else _("everybody else") if at else _("everybody")
            found.append(
                _("%(campaign)s, v%(n)d, for %(whom)s") % {"whom": whom, "campaign": campaign, "n": version.number}
            )
        return found


@dataclass(frozen=True)
class Timeline:
    window: Window
    lines: list[Line]
    now: list[Turnout]
    today: str | None  # where today's line is, None outside the window


def of(shown: Window, as_of: datetime) -> Timeline:
    """Nine queries, and one for each segment that a campaign is for; campaigns that are over and outside are left out."""
    markets = list(Market.objects.order_by("pk"))
    everything = board.board_of(
        Campaign.objects.exclude(status=ENDED)
        | Campaign.objects.filter(starts_on__lt=shown.after, ends_on__gte=shown.first)
    )
    approved = Board(tuple(plan for plan in everything.plans if plan.campaign.status in {SCHEDULED, LIVE}))
    drafts = {one.campaign_id: one for one in PriorityDraft.objects.select_related("by")}
    people = people_by_segment({plan.campaign.segment for plan in everything.plans}, markets, as_of)
    over = ended_on(everything.plans)
    lines = [
        line_of(plan, approved, markets, people, drafts.get(plan.campaign.pk), over.get(plan.campaign.pk), shown, as_of)
        for plan in everything.plans
    ]
    lines.sort(key=lambda line: (ORDER.index(line.status), -line.first.toordinal(), line.campaign.name))
    today = timezone.localdate(as_of)
    at = shown.at(today) if shown.first <= today < shown.after else None
    return Timeline(shown, lines, turnout(approved, markets, as_of), at)


def ended_on(plans: Iterable[Plan]) -> dict[int, date]:
    """The day on which each campaign that is over was ended, from the audit."""
    over = [plan.campaign.pk for plan in plans if plan.campaign.status == ENDED]
    changes = apps.get_model("kpis.CampaignChange").objects.filter(pgh_obj_id__in=over, status=ENDED)
    found = changes.values_list("pgh_obj_id").annotate(Min("pgh_created_at"))
    return {pk: timezone.localdate(at) for pk, at in found}


def people_by_segment(
    named: Iterable[Segment | None], markets: Sequence[Market], as_of: datetime
) -> dict[int | None, dict[int, int]]:
    """How many active people each segment has (None: everybody), by market id."""
    found = {}
    for segment in {one.pk if one else None: one for one in named}.values():
        here = Q(pk__in=[])
        for market in markets:
            here |= Q(market=market) & segments.condition(segment, market.local_day(as_of))
        counts = Distributor.objects.active().filter(here).order_by().values_list("market").annotate(Count("pk"))
        found[segment.pk if segment else None] = dict(counts)
    return found


def line_of(
    plan: Plan,
    approved: Board,
    markets: Sequence[Market],
    people: dict[int | None, dict[int, int]],
    draft: PriorityDraft | None,
    ended: date | None,
    shown: Window,
    as_of: datetime,
) -> Line:
    campaign = plan.campaign
    mine = [market for market in markets if plan.is_for(market)]
    first, after = days_of(campaign)
    if ended is not None:
        after = max(first, min(after, ended + timedelta(days=1)))
    met = [] if campaign.status == ENDED else [one for one in approved.plans if meet(plan, one, mine, as_of)]
    wide = [one for one in met if any(wins(one, plan, market) for market in mine)]
    return Line(
        campaign=campaign,
        status=status_of(plan, mine, as_of),
        markets=mine,
        reached=sum(people[campaign.segment_id].get(market.pk, 0) for market in mine),
        in_force=history.version_in_force(plan, mine, as_of),
        draft=draft,
        bar=shown.piece(first, after),
        gives_way=[piece for one in wide if (piece := common_piece(shown, (first, after), days_of(one.campaign)))],
        meets=[meeting(plan, one, mine) for one in met],
        first=first,
        days=days_said(first, after, timezone.localdate(as_of)),
    )


def days_of(campaign: Campaign) -> tuple[date, date]:
    """The first day and the day after the last."""
    return campaign.starts_on, campaign.ends_on + timedelta(days=1)


def days_said(first: date, after: date, today: date) -> str:
    last = after - timedelta(days=1)
    return _("%(from)s to %(to)s") % {"from": history.day_said(first, today), "to": history.day_said(last, today)}


def common_piece(shown: Window, one: tuple[date, date], other: tuple[date, date]) -> Piece | None:
    return shown.piece(max(one[0], other[0]), min(one[1], other[1]))


def status_of(plan: Plan, markets: Sequence[Market], as_of: datetime) -> Campaign.Status:
    """What the clock says of an approved campaign: the stored status follows within a minute."""
    status = Campaign.Status(plan.campaign.status)
    if status not in {SCHEDULED, LIVE} or not markets:
        return status
    if any(plan.starts(market) <= as_of < plan.ends(market) for market in markets):
        return LIVE
    return ENDED if all(plan.ends(market) <= as_of for market in markets) else SCHEDULED


def meet(plan: Plan, other: Plan, markets: Sequence[Market], as_of: datetime) -> bool:
    """They will both run in some market, from now on."""
    if other.campaign.pk == plan.campaign.pk or not other.versions:
        return False
    return any(
        other.is_for(one) and max(plan.starts(one), other.starts(one), as_of) < min(plan.ends(one), other.ends(one))
        for one in markets
    )


def wins(one: Plan, other: Plan, market: Market) -> bool:
    return one.is_for(market) and other.is_for(market) and one.narrowness(market) > other.narrowness(market)


def meeting(plan: Plan, other: Plan, markets: Sequence[Market]) -> Meeting:
    shared = [market for market in markets if other.is_for(market)]
    ahead = [market for market in shared if wins(other, plan, market)]
    words = {"campaign": other.campaign, "markets": ", ".join(str(one) for one in ahead or shared)}
    if not ahead and plan.campaign.status not in {SCHEDULED, LIVE}:
        return Meeting(_("Meets %(campaign)s in %(markets)s and would count first.") % words, gives_way=False)
    if not ahead:
        return Meeting(_("Meets %(campaign)s in %(markets)s and counts first.") % words, gives_way=False)
    if other.campaign.segment:
        said = _("Meets %(campaign)s in %(markets)s, which counts first there for %(segment)s.")
        return Meeting(said % (words | {"segment": other.campaign.segment}), gives_way=True)
    return Meeting(_("Meets %(campaign)s in %(markets)s, which counts first there.") % words, gives_way=True)


def turnout(approved: Board, markets: Sequence[Market], as_of: datetime) -> list[Turnout]:
    """What counts now, markets with the same answer together."""
    found: dict[tuple[tuple[int, int], ...], Turnout] = {}
    for market in markets:
        first, waiting = split(approved.running(market, as_of), market)
        key = tuple((campaign.pk, version.pk) for campaign, version in [*first, *waiting])
        known = found.get(key) or Turnout([], first, waiting)
        found[key] = replace(known, markets=[*known.markets, market])
    return list(found.values())


def split(
    running: Sequence[tuple[Plan, PriorityVersion]], market: Market
) -> tuple[list[tuple[Campaign, PriorityVersion]], list[tuple[Campaign, PriorityVersion]]]:
    """Those asked one after the other, up to the first that leaves nobody over, and those after it."""
    first: list[tuple[Campaign, PriorityVersion]] = []
    waiting: list[tuple[Campaign, PriorityVersion]] = []
    done = False
    for plan, version in running:
        about = [one.kpi for one in plan.priorities[version.pk] if one.kpi.market_id in {None, market.pk}]
        (waiting if done or not about else first).append((plan.campaign, version))
        done = done or (plan.campaign.segment_id is None and any(kpi.segment_id is None for kpi in about))
    return first, waiting


def is_planned(campaign: Campaign, as_of: datetime) -> bool:
    """It is approved and has begun nowhere yet."""
    plans = [plan for plan in board.current().plans if plan.campaign.pk == campaign.pk]
    markets = list(Market.objects.order_by("pk"))
    return any(status_of(plan, [one for one in markets if plan.is_for(one)], as_of) == SCHEDULED for plan in plans)


def without(campaign: Campaign, as_of: datetime) -> list[Turnout]:
    """What would count now, in its markets, if it ended."""
    now = board.current()
    markets = [one for plan in now.plans if plan.campaign.pk == campaign.pk for one in Market.objects.order_by("pk")
               if plan.is_for(one)]  # fmt: skip
    left = Board(tuple(plan for plan in now.plans if plan.campaign.pk != campaign.pk))
    return turnout(left, markets, as_of)
