"""What HQ begins its day with: what is live where, how the KPIs stand, and what needs a decision, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import cast

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.text import get_text_list
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from distributors.models import Market, Role, User

from . import arrivals, board, drafts, history, priorities, timeline, trends
from .arrivals import Arrivals, Source
from .board import Board, Plan
from .models import KPI, PriorityDraft, PriorityVersion
from .trends import Line, Reading

#: Within so many days of an end HQ wants to know what follows.
ENDS_SOON = timedelta(days=14)
#: So many whole weeks off target in a row are no accident.
WEEKS_OFF = 4
#: Adoption falls when a week is below each of the four before it, and by so many points below their average.
FALLS_BY = Decimal(2)
#: A live KPI none of whose events came for so long is fed by nothing.
QUIET = timedelta(days=7)


# What is live


@dataclass(frozen=True)
class Live:
    """A campaign that counts now for some people of some markets."""

    plan: Plan
    version: PriorityVersion
    markets: list[Market]
    focus: str
    whom: str
    people: int | None  # None where several segments are asked before it
    since: date  # when this version took over
    today: date

    @property
    def until(self) -> date:
        return self.plan.campaign.ends_on

    @property
    def markets_said(self) -> str:
        return listed(self.markets)

    @property
    def whom_said(self) -> str:
        if self.people is None:
            return self.whom
        people = ngettext("%(n)s person", "%(n)s people", self.people) % {"n": number(self.people)}
        return _("%(whom)s, %(people)s") % {"whom": self.whom, "people": people}

    @property
    def since_said(self) -> str:
        said = _("Version %(number)d since %(day)s")
        return said % {"number": self.version.number, "day": history.day_said(self.since, self.today)}

    @property
    def until_said(self) -> str:
        left = (self.until - self.today).days
        until = history.day_said(self.until, self.today)
        if left <= 0:
            return _("ends today")
        return ngettext("to %(day)s, %(n)d day left", "to %(day)s, %(n)d days left", left) % {"day": until, "n": left}


@dataclass(frozen=True)
class Change:
    """The next thing that happens by itself."""

    at: datetime
    said: str


def live_of(
    now: Board, markets: Sequence[Market], everybody: dict[int, int], as_of: datetime
) -> tuple[list[Live], list[Market]]:
    """What counts, markets with the same answer together, and the markets where nothing does. One query a segment.

    `everybody` is how many active people each market has, by id.
    """
    turnouts = timeline.turnout(now, markets, as_of)
    named = {campaign.segment for one in turnouts for campaign, _version in one.first} - {None}
    people = {None: everybody} | (timeline.people_by_segment(named, markets, as_of) if named else {})
    plans = {plan.campaign.pk: plan for plan in now.plans}
    found, without = [], []
    for one in turnouts:
        if not one.first:
            without += one.markets
        for at, (campaign, version) in enumerate(one.first):
            before = [earlier.segment_id for earlier, _version in one.first[:at]]
            found.append(live(plans[campaign.pk], version, one.markets, before, people, as_of))
    return found, without


def live(
    plan: Plan,
    version: PriorityVersion,
    markets: list[Market],
    before: Sequence[int | None],
    people: dict[int | None, dict[int, int]],
    as_of: datetime,
) -> Live:
    """`before` are the segments that are asked before it in these markets."""
    market, segment = markets[0], plan.campaign.segment
    about = [one for one in plan.priorities[version.pk] if one.kpi.market_id in {None, market.pk}]
    begins = max(plan.starts(market), plan.begins(version, market) or version.published_at)
    reached = sum(people[segment.pk if segment else None].get(one.pk, 0) for one in markets)
    if before and segment is None:
        reached -= sum(people[before[0]].get(one.pk, 0) for one in markets)
    exact = not before or (segment is None and len(before) == 1)
    return Live(
        plan=plan,
        version=version,
        markets=markets,
        focus=priorities.told(about, get_language() or "en").focus,
        whom=str(segment or (_("Everybody else") if before else _("Everybody"))),
        people=reached if exact else None,
        since=market.local_day(begins),
        today=market.local_day(as_of),
    )


STARTS, TAKES_OVER, ENDS = range(3)


@dataclass(frozen=True, order=True)
class Ahead:
    """What a market's own clock will show: midnight of 1 October is one thing everywhere, though it comes at many instants."""

    on: date
    at: time
    kind: int  # a start is said before the end that it follows
    campaign: int
    version: int


def next_change(now: Board, markets: Sequence[Market], as_of: datetime) -> Change | None:
    """The next start, scheduled version or end anywhere."""
    ahead: dict[Ahead, list[tuple[datetime, Market]]] = {}
    for market in markets:
        for at, one in changes(now, market):
            if at > as_of:
                ahead.setdefault(one, []).append((at, market))
    if not ahead:
        return None
    at, first = min((min(at for at, _market in here), one) for one, here in ahead.items())
    here = [market for _at, market in ahead[first]]
    moment, today = history.Moment(at, first.on, first.at, everywhere=False), here[0].local_day(as_of)
    everywhere = {
        STARTS: _("%(when)s: %(campaign)s begins in all markets."),
        TAKES_OVER: _("%(when)s: version %(n)d of %(campaign)s takes over in all markets."),
        ENDS: _("%(when)s: %(campaign)s ends in all markets."),
    }
    somewhere = {
        STARTS: _("%(when)s: %(campaign)s begins in %(markets)s."),
        TAKES_OVER: _("%(when)s: version %(n)d of %(campaign)s takes over in %(markets)s."),
        ENDS: _("%(when)s: %(campaign)s ends in %(markets)s."),
    }
    said = (everywhere if len(here) == len(markets) else somewhere)[first.kind]
    return Change(
        at,
        said
        % {
            "when": moment.said_as_end(today) if first.kind == ENDS else moment.said(today),
            "campaign": next(plan.campaign for plan in now.plans if plan.campaign.pk == first.campaign),
            "n": first.version,
            "markets": listed(here),
        },
    )


def changes(now: Board, market: Market) -> Iterator[tuple[datetime, Ahead]]:
    def one(at: datetime, kind: int, plan: Plan, version: int = 0) -> tuple[datetime, Ahead]:
        local = at.astimezone(market.zone)
        return at, Ahead(local.date(), local.time(), kind, plan.campaign.pk, version)

    for plan in (plan for plan in now.plans if plan.is_for(market) and plan.versions):
        starts, ends = plan.starts(market), plan.ends(market)
        yield one(starts, STARTS, plan)
        for version in plan.versions:
            if (begins := plan.begins(version, market)) is not None and starts < begins < ends:
                yield one(begins, TAKES_OVER, plan, version.number)
        yield one(ends, ENDS, plan)


# KPIs


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


# What needs a decision


class Kind(IntEnum):
    """In order of urgency."""

    WAITS_FOR_YOU = 1
    SENT_BACK = 2
    WAITS = 3
    NO_DATA = 4
    NO_SUCCESSOR = 5
    OVERLAP = 6
    UNFED = 7
    OFF_TARGET = 8
    ADOPTION_FALLS = 9
    OLD_FIGURES = 10


@dataclass(frozen=True)
class Decision:
    """One line: what is the matter, since when, and the page where it is settled."""

    kind: Kind
    said: str
    page: str  # the name of a URL
    about: tuple[object, ...] = ()
    since: datetime | date | None = None
    part: str = ""  # of the page

    @property
    def url(self) -> str:
        return reverse(self.page, args=self.about) + (f"#{self.part}" if self.part else "")

    @property
    def order(self) -> tuple[Kind, datetime]:
        """The more urgent kind first, of one kind the oldest."""
        return self.kind, instant_of(self.since) or datetime.max.replace(tzinfo=UTC)

    def since_said(self, today: date) -> str:
        """21 November, 14:05 UTC · 9 November."""
        if isinstance(self.since, datetime):
            return history.instant_said(self.since).said(today)
        return history.day_said(self.since, today) if self.since else ""


def instant_of(since: datetime | date | None) -> datetime | None:
    if since is None or isinstance(since, datetime):
        return since
    return datetime(since.year, since.month, since.day, tzinfo=UTC)


def drafts_waiting(user: User) -> Iterator[Decision]:
    """Two queries when one was sent back, else one."""
    for draft in PriorityDraft.objects.select_related("campaign", "by").order_by("saved_at"):
        told = {"campaign": draft.campaign, "who": draft.by or _("Somebody")}
        if draft.state == PriorityDraft.State.IN_REVIEW:
            if user.role == Role.HQ_APPROVER and draft.by_id != user.pk:
                kind, said = (
                    Kind.WAITS_FOR_YOU,
                    _("The draft of %(campaign)s waits for you. %(who)s asked for approval."),
                )
            else:
                kind, said = Kind.WAITS, _("The draft of %(campaign)s waits for an approver. %(who)s asked.")
            yield Decision(kind, said % told, "review", (draft.campaign_id,), draft.saved_at)
        elif draft.note:
            changed = drafts.changes(draft.campaign).last()
            said = _("The draft of %(campaign)s was sent back: “%(note)s”") % (told | {"note": draft.note})
            at = changed.pgh_created_at if changed else draft.saved_at
            yield Decision(Kind.SENT_BACK, said, "console", (draft.campaign_id,), at)


def ending(now: Board, markets: Iterable[Market], as_of: datetime) -> Iterator[Decision]:
    """What counts for everybody ends soon, and nothing for everybody runs then."""
    found: dict[int, tuple[Plan, list[Market]]] = {}
    for market in markets:
        running = [plan for plan, _version in now.running(market, as_of) if plan.campaign.segment_id is None]
        if running:
            last = max(running, key=lambda plan: plan.ends(market))
            at = last.ends(market)
            then = [plan for plan, _version in now.running(market, at) if plan.campaign.segment_id is None]
            if at - as_of <= ENDS_SOON and not then:
                found.setdefault(last.campaign.pk, (last, []))[1].append(market)
    for plan, here in found.values():
        at = min(plan.ends(market) for market in here)
        today = here[0].local_day(as_of)
        said = _("%(campaign)s ends on %(day)s in %(markets)s, and nothing follows.") % {
            "campaign": plan.campaign,
            "day": history.day_said(plan.campaign.ends_on, today),
            "markets": listed(here),
        }
        yield Decision(Kind.NO_SUCCESSOR, said, "campaigns", (), at - ENDS_SOON)


def overlapping(now: Board, markets: Sequence[Market], as_of: datetime) -> Iterator[Decision]:
    """Two campaigns for the same people, neither of them narrower: the rule decides, and nobody meant it to."""
    plans = [plan for plan in now.plans if plan.versions]
    for at, plan in enumerate(plans):
        for other in plans[at + 1 :]:
            here = [market for market in markets if level(plan, other, market, as_of)]
            if here:
                yield overlap(plan, other, here)


def level(plan: Plan, other: Plan, market: Market, as_of: datetime) -> bool:
    """Both run at once in the market, from now on, for the same people, and are as narrow as each other."""
    if not (plan.is_for(market) and other.is_for(market)) or plan.campaign.segment_id != other.campaign.segment_id:
        return False
    same = plan.narrowness(market)[:2] == other.narrowness(market)[:2]
    both_from = max(plan.starts(market), other.starts(market), as_of)
    return same and both_from < min(plan.ends(market), other.ends(market))


def overlap(plan: Plan, other: Plan, here: list[Market]) -> Decision:
    market = here[0]
    counts, waits = sorted((plan, other), key=lambda one: one.narrowness(market), reverse=True)
    said = _("%(one)s and %(two)s run at the same time in %(markets)s for the same people. %(one)s counts.") % {
        "one": counts.campaign,
        "two": waits.campaign,
        "markets": listed(here),
    }
    since = max(plan.starts(market), other.starts(market))
    return Decision(Kind.OVERLAP, said, "campaigns", (), market.local_day(since))


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
    today = as_of.date()
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
                "kpi": row.kpi, "day": history.day_said(last.date(), today),
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


# All of it


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
        return [(one, one.since_said(self.as_of.date())) for one in self.decisions]

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
    """For this reader. Its number of queries grows with segments that are live, silent markets and drafts sent back only."""
    markets = list(Market.objects.order_by("pk"))
    everybody = timeline.people_by_segment({None}, markets, as_of)[None]
    peopled = [market for market in markets if everybody.get(market.pk)]
    now, arrived = board.current(), arrivals.lately(as_of)
    found, without = live_of(now, peopled, everybody, as_of)
    rows = rows_of(found)
    decisions = [
        *drafts_waiting(user),
        *silent(arrived, peopled, as_of),
        *ending(now, peopled, as_of),
        *overlapping(now, peopled, as_of),
        *unfed(rows, arrived, markets, as_of),
        *off_target(rows),
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


def listed(markets: Iterable[Market]) -> str:
    """Germany · Germany and Mexico · Germany, Mexico and Spain."""
    return get_text_list([str(one) for one in markets], _("and"))


def number(n: int) -> str:
    return number_format(n, force_grouping=True)
