"""The KPIs: all of them, one with its trend, and one week down to the events it is made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.contrib import messages
from django.db.models import Prefetch, QuerySet
from django.db.transaction import on_commit
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_POST, require_safe

from distributors.access import EDITORS, HQ, access
from distributors.desk import page
from distributors.http import SeeOther
from distributors.metrics import split_key
from distributors.models import Distributor, Market, User
from distributors.wording import day_short, line_names, metric_title

from .. import evidence, figures, ready, trends, wording
from ..evidence import Account, Evidence
from ..figures import Figure, Share, Shares, Unit
from ..models import KPI, Campaign, KPIWeek, PriorityVersion
from ..trend_lines import Picture, chart, sparkline
from ..trends import Fresh, Line, Reading

#: How many of a week's people are listed.
MOST = 50


def editor(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.role in EDITORS


def known() -> QuerySet[KPI]:
    """KPIs whose figure is defined."""
    return KPI.objects.filter(metric__in=list(figures.FIGURES)).select_related("market", "segment")


# All KPIs


@dataclass(frozen=True)
class Row:
    kpi: KPI
    about: str  # Repeat rate, Eye line · Germany: what its name does not say already
    reading: Reading
    lines: list[tuple[str, Picture | None, str]]  # what each says now, its sparkline, what it was
    computed: str  # 5 minutes ago
    stale: str  # a warning, or nothing


@access(HQ)
@require_safe
def kpi_list(request: HttpRequest) -> HttpResponse:
    as_of = timezone.now()
    kpis = list(known().order_by("name"))
    readings, fresh = trends.latest(kpis), trends.freshness(kpis)
    lines = line_names(kpi.scope for kpi in kpis)
    rows = [row_of(kpi, readings[kpi.pk], fresh[kpi.pk], lines, as_of) for kpi in kpis]
    context = {
        "title": _("KPIs"),
        "rows": rows,
        "edits": editor(request),
        "missing": len(ready.missing()) if editor(request) else 0,
    }
    return page(request, "kpis/desk/kpi_list.html", context)


def row_of(kpi: KPI, reading: Reading, fresh: Fresh, lines: dict[str, str], as_of: datetime) -> Row:
    drawn = [
        (now, sparkline(line), was)
        for line, now, was in zip(reading.lines, reading.each(0), reading.each(trends.BEFORE), strict=False)
    ]
    parts = [title_of(kpi, lines), kpi.market and kpi.market.name, kpi.segment and kpi.segment.name]
    about = " · ".join(part for part in parts if part and part != kpi.name)
    return Row(kpi, about, reading, drawn, ago(fresh.computed_at, as_of), warning(fresh, as_of))


def title_of(kpi: KPI, lines: dict[str, str]) -> str:
    told = {"metric": figures.figure_of(kpi).label, "line": lines.get(kpi.scope, kpi.scope)}
    return _("%(metric)s, %(line)s") % told if kpi.scope else str(told["metric"])


def warning(fresh: Fresh, as_of: datetime) -> str:
    if fresh.computed_at is None:
        return _("not computed yet")
    if fresh.stale(as_of):
        return _("computed more than 36 hours ago")
    return _("no new event for 36 hours") if fresh.waits_for_events(as_of) else ""


def ago(at: datetime | None, as_of: datetime) -> str:
    """5 minutes ago; nothing without a time."""
    return "" if at is None else wording.ago(at, as_of)


@access(EDITORS)
@require_POST
def kpi_ready(request: HttpRequest) -> HttpResponse:
    """Add the ready-made KPIs that nobody has made yet."""
    added = ready.add_missing()
    on_commit(trends.wake)
    said = ngettext("%(n)d KPI is added.", "%(n)d KPIs are added.", len(added)) % {"n": len(added)}
    messages.success(request, _("%(added)s Their figures follow within minutes.") % {"added": said})
    return SeeOther(reverse("kpi_list"))


# One KPI


@dataclass(frozen=True)
class Drawn:
    """A line with its picture, and whose it is."""

    name: str
    line: Line
    picture: Picture | None


@dataclass(frozen=True)
class Cell:
    market: Market
    first: date
    said: str
    links: bool  # there is somebody to look at


@dataclass(frozen=True)
class WeekRow:
    name: str  # Week from 17 August
    together: str
    cells: list[Cell | None]


@access(HQ)
@require_safe
def kpi_page(request: HttpRequest, pk: int) -> HttpResponse:
    as_of = timezone.now()
    kpi = get_object_or_404(known(), pk=pk)
    weeks, markets = list(trends.weeks_of([kpi])), {one.pk: one for one in Market.objects.order_by("name")}
    reading, fresh = trends.reading(kpi, weeks, markets), trends.fresh(kpi)
    lines = line_names([kpi.scope])
    shown = [market for pk, market in markets.items() if any(week.market_id == pk for week in weeks)]
    context = {
        "title": kpi.name,
        "kpi": kpi,
        "figure_title": title_of(kpi, lines),
        "reading": reading,
        "now": [
            (_("Last week that is over"), reading.each(0)),
            (_("The week before"), reading.each(1)),
            (_("Four weeks before"), reading.each(trends.BEFORE)),
        ],
        "together": [drawn(line, kpi, reading, shown) for line in reading.lines],
        "by_market": by_market(kpi, reading, weeks, shown) if len(shown) > len(reading.lines) else [],
        "markets": shown,
        "weeks": week_rows(reading, weeks, shown),
        "how": how(kpi, lines),
        "steers_by": metric_title(*split_key(kpi.key), lines),
        "received": ago(fresh.received_at, as_of),
        "computed": ago(fresh.computed_at, as_of),
        "stale": warning(fresh, as_of),
        "campaigns": weighing(kpi),
        "edits": editor(request),
    }
    return page(request, "kpis/desk/kpi.html", context)


def drawn(line: Line, kpi: KPI, reading: Reading, markets: Sequence[Market]) -> Drawn:
    """All markets together, or those that share a currency."""
    own = [market.name for market in markets if line.currency in {"", market.currency}]
    name = _("All markets") if len(own) > 1 and not line.currency else ", ".join(own)
    return Drawn(name, line, chart(line, kpi.target if reading.target else None))


def by_market(kpi: KPI, reading: Reading, weeks: Sequence[KPIWeek], markets: Iterable[Market]) -> list[Drawn]:
    """A target of a sum is one for all markets together; of a rate it is each one's."""
    found = []
    for market in markets:
        own = [week for week in weeks if week.market_id == market.pk]
        for line in trends.lines_of(reading.figure, own, {market.pk: market}):
            target = kpi.target if reading.target and not line.adds_up else None
            found.append(Drawn(market.name, line, chart(line, target)))
    return found


def week_rows(reading: Reading, weeks: Iterable[KPIWeek], markets: Sequence[Market]) -> list[WeekRow]:
    """The newest first: what all markets say together, and each of them."""
    found: dict[date, dict[int, KPIWeek]] = defaultdict(dict)
    for week in weeks:
        found[trends.calendar_week(week.first)][week.market_id] = week
    line = reading.only
    together = {trends.calendar_week(point.day): line.said(point.value) for point in line.points} if line else {}
    rows = []
    for day in sorted(found, reverse=True):
        firsts = {week.first for week in found[day].values()}
        cells = [cell(reading.figure, market, found[day].get(market.pk)) for market in markets]
        rows.append(WeekRow(day_short(firsts.pop() if len(firsts) == 1 else day), together.get(day, "–"), cells))
    while rows and not any(one and one.links for one in rows[-1].cells):
        rows.pop()  # before there was anybody to count
    return rows


def cell(figure: Figure, market: Market, week: KPIWeek | None) -> Cell | None:
    if week is None:
        return None
    value = trends.value_of(figure, week.numerator, week.denominator)
    said = trends.said(value, figure.unit, market.currency, whole_money=not figure.is_rate)
    return Cell(market, week.first, said, links=value is not None)


def how(kpi: KPI, lines: dict[str, str]) -> list[str]:
    """How the figure is computed, in sentences."""
    said = [str(figures.figure_of(kpi).how)]
    if kpi.scope:
        line = lines.get(kpi.scope, kpi.scope)
        said.append(_("Only %(line)s counts: an order counts when it holds the line.") % {"line": line})
    if kpi.market:
        said.append(_("Only %(market)s counts.") % {"market": kpi.market})
    if kpi.segment:
        said.append(
            _("Only people who belong to %(segment)s on the week's last day count.") % {"segment": f"“{kpi.segment}”"}
        )
    return said


def weighing(kpi: KPI) -> list[tuple[Campaign, int]]:
    """Campaigns that are not over whose newest version weighs it, the heaviest first, with the points."""
    newest = Prefetch("versions", PriorityVersion.objects.filter(withdrawal=None).prefetch_related("priorities"))
    found = []
    campaigns = Campaign.objects.exclude(status=Campaign.Status.ENDED).order_by("starts_on")
    for campaign in campaigns.prefetch_related(newest):
        for version in campaign.versions.all()[:1]:
            found += [(campaign, one.weight) for one in version.priorities.all() if one.kpi_id == kpi.pk and one.weight]
    return sorted(found, key=lambda pair: -pair[1])


# One week


@dataclass(frozen=True)
class Counted:
    """A row of the week: who or which event, and what it adds."""

    over: str
    under: str
    said: str = ""
    share: Share | None = None
    event: Evidence | None = None
    when: str = ""


@access(HQ)
@require_safe
def kpi_week(request: HttpRequest, pk: int, market: int, first: str) -> HttpResponse:
    """`?of=<distributor id>`: the events of one person, instead of everybody's part."""
    kpi = get_object_or_404(known(), pk=pk)
    where = get_object_or_404(Market, pk=market)
    last = week_of(kpi, where, first) + timedelta(days=6)
    context = {
        "title": kpi.name,
        "kpi": kpi,
        "market": where,
        "first": last - timedelta(days=6),
        "last": last,
        "figure": figures.figure_of(kpi),
        "figure_title": title_of(kpi, line_names([kpi.scope])),
        "how": how(kpi, line_names([kpi.scope])),
    }
    if "of" in request.GET:
        return page(request, "kpis/desk/kpi_week.html", context | of_one(kpi, where, last, request.GET["of"]))
    return page(request, "kpis/desk/kpi_week.html", context | of_all(kpi, where, last))


def week_of(kpi: KPI, market: Market, text: str) -> date:
    """The first day of a week of this market that is over."""
    try:
        first = date.fromisoformat(text)
    except ValueError as error:
        raise Http404 from error
    newest = trends.last_day(market, timezone.now()) - timedelta(days=6)
    over = newest - HISTORY <= first <= newest and market.week_of(first)[0] == first
    if not over or kpi.market_id not in {None, market.pk}:
        raise Http404
    return first


#: How far back a week can be looked at.
HISTORY = timedelta(weeks=520)


def of_all(kpi: KPI, market: Market, last: date) -> dict[str, object]:
    figure, shares = figures.figure_of(kpi), figures.people(kpi, market, last, most=MOST)
    stored = kpi.weeks.filter(market=market, first=last - timedelta(days=6)).first()
    return {
        "rows": [share_row(figure, market, share) for share in shares.largest],
        "shares": shares,
        "left": shares.people - len(shares.largest),
        "total": counted(figure, market, shares.numerator, shares.denominator),
        "stored": stored_otherwise(figure, market, stored, shares),
    }


def share_row(figure: Figure, market: Market, share: Share) -> Counted:
    row = counted(figure, market, share.numerator, share.denominator)
    return Counted(row.over, row.under, row.said, share=share)


def stored_otherwise(figure: Figure, market: Market, stored: KPIWeek | None, shares: Shares) -> Counted | None:
    """What the trend shows, when events that came since make it another figure."""
    if stored is None or (stored.numerator, stored.denominator) == (shares.numerator, shares.denominator):
        return None
    row = counted(figure, market, stored.numerator, stored.denominator)
    return Counted(row.over, row.under, row.said, when=moment(stored.computed_at, market))


def of_one(kpi: KPI, market: Market, last: date, of: str) -> dict[str, object]:
    if not of.isdecimal() or len(of) > 18:
        raise Http404
    person = get_object_or_404(Distributor, pk=int(of), market=market)
    figure, found = figures.figure_of(kpi), evidence.account(kpi, market, last, person)
    return {
        "person": person,
        "rows": [event_row(figure, market, event) for event in found.rows],
        "total": counted(figure, market, found.numerator, found.denominator if figure.is_rate else None),
        "remainder": remainder(figure, market, found),
    }


def event_row(figure: Figure, market: Market, event: Evidence) -> Counted:
    row = counted(figure, market, event.numerator, event.denominator if figure.is_rate else None)
    when = moment(event.time, market) if event.time else day_short(event.day)
    return Counted(row.over, row.under, event=event, when=when)


def remainder(figure: Figure, market: Market, found: Account) -> Counted | None:
    if found.is_whole:
        return None
    over, under = found.remainder
    return counted(figure, market, over, under if figure.is_rate else None)


def counted(figure: Figure, market: Market, numerator: Decimal, denominator: Decimal | None) -> Counted:
    """What stands in the two columns, and what they make."""
    over = exact(numerator, market.currency if figure.unit is Unit.MONEY else "")
    under = "" if denominator is None else exact(denominator, "")
    value = trends.value_of(figure, numerator, denominator)
    return Counted(over, under, trends.said(value, figure.unit, market.currency) if figure.is_rate else over)


def exact(value: Decimal, currency: str) -> str:
    return trends.said(value, Unit.MONEY, currency) if currency else number_format(int(value), force_grouping=True)


def moment(at: datetime, market: Market) -> str:
    """17 Aug, 15:04 on the market's clock."""
    return date_format(at.astimezone(market.zone), pgettext("date and time format", "j M, H:i"))
