"""KPIs by week: computed from what events left, kept in KPIWeek, and read as the console and the KPI pages say them.

Only weeks that are over count. The schedule looks at the last two every quarter of an hour and at all of them each night,
so that an event that comes late corrects them; only rows that differ are written. The newest week of each market is
written each time: its `computed_at` says when the figures were looked at last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import DateField, ExpressionWrapper, Max, QuerySet, Subquery
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django_q.tasks import async_task

from distributors.models import Market
from distributors.money import format_money
from distributors.wording import percent, whole

from . import figures
from .figures import Figure, Unit
from .models import KPI, KPIWeek

WEEKS = 26
#: How many weeks an event of the last minutes usually changes; older ones wait for the night.
LATELY = 2
#: What "was" compares with.
BEFORE = 4
STALE = timedelta(hours=36)
#: How far back in the log the newest event of a type is looked for.
NEWEST_EVENTS = 20_000


def lately() -> None:
    """For the schedule, every quarter of an hour."""
    compute(timezone.now(), weeks=LATELY)


def tonight() -> None:
    """For the schedule, once a night."""
    compute(timezone.now())


# Computing


def compute(as_of: datetime, kpis: Iterable[KPI] | None = None, weeks: int = WEEKS) -> None:
    """The last `weeks` whole weeks of each KPI in each of its markets; all of them where a KPI has none yet."""
    ids = KPI.objects.order_by("pk").values_list("pk", flat=True) if kpis is None else [kpi.pk for kpi in kpis]
    markets = list(Market.objects.order_by("pk"))
    for pk in list(ids):
        compute_one(pk, markets, as_of, weeks)


@transaction.atomic
def compute_one(pk: int, markets: Sequence[Market], as_of: datetime, weeks: int) -> None:
    # The lock: whoever changes what the KPI means waits, and forgets what was computed before (`begin_again`).
    kpi = KPI.objects.select_for_update(no_key=True, of=("self",)).select_related("segment").filter(pk=pk).first()
    if kpi is None or kpi.metric not in figures.FIGURES:
        return
    own = [market for market in markets if kpi.market_id in {None, market.pk}]
    kpi.weeks.exclude(market__in=own).delete()
    known = set(kpi.weeks.values_list("market_id", flat=True))
    for market in own:
        many = weeks if market.pk in known else WEEKS
        write(kpi, market, figures.weekly(kpi, market, last_day(market, as_of), many), as_of)


def last_day(market: Market, as_of: datetime) -> date:
    """Of the market's newest week that is over."""
    return market.week_of(market.local_day(as_of))[0] - timedelta(days=1)


UPSERT = """
INSERT INTO kpis_kpiweek AS w (kpi_id, market_id, first, numerator, denominator, computed_at)
SELECT %(kpi)s, %(market)s, first, numerator, denominator, %(at)s
FROM unnest(%(firsts)s::date[], %(over)s::numeric[], %(under)s::numeric[]) AS n(first, numerator, denominator)
ON CONFLICT (kpi_id, market_id, first) DO UPDATE
SET numerator = excluded.numerator, denominator = excluded.denominator, computed_at = excluded.computed_at
WHERE (w.numerator, w.denominator) IS DISTINCT FROM (excluded.numerator, excluded.denominator) OR w.first = %(newest)s
"""


def write(kpi: KPI, market: Market, weeks: list[figures.Week], as_of: datetime) -> None:
    firsts, over, under = ([week[at] for week in weeks] for at in range(3))
    asked: dict[str, Any] = {
        "kpi": kpi.pk, "market": market.pk, "at": as_of, "firsts": firsts, "over": over, "under": under,
        "newest": firsts[-1],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, asked)


def begin_again(kpi: KPI) -> None:
    """What it means has changed: forget its weeks, and compute them as soon as the change is committed."""
    kpi.weeks.all().delete()
    transaction.on_commit(wake)


def wake() -> None:
    async_task("kpis.trends.begin")


def begin() -> None:
    """For the queue: the weeks of each KPI that has none."""
    compute(timezone.now(), KPI.objects.filter(weeks=None))


#: What decides a KPI's figure: a change of one makes the weeks of before those of another KPI.
MEANING = ("metric", "scope", "market", "segment")


# Reading


@dataclass(frozen=True)
class Point:
    """One week of a market, or of all of them together."""

    day: date  # its first; the Monday of the calendar week when the markets' weeks start on different days
    value: Decimal | None  # per cent, per hundred, money or how many; None when there was nobody to count


@dataclass(frozen=True)
class Line:
    """A KPI's weeks, oldest first; money in one currency."""

    unit: Unit
    currency: str
    points: tuple[Point, ...]
    adds_up: bool  # a sum of the week, not an average or a rate
    coded: bool = False  # it stands beside lines of other currencies, so its amounts carry their code

    def back(self, weeks: int) -> Decimal | None:
        """The value `weeks` weeks before the newest."""
        return self.points[-1 - weeks].value if len(self.points) > weeks else None

    def said(self, value: Decimal | None) -> str:
        return said(value, self.unit, self.currency, whole_money=self.adds_up, coded=self.coded)


def said(value: Decimal | None, unit: Unit, currency: str, *, whole_money: bool = False, coded: bool = False) -> str:
    """18% · 9.1 per 100 · $38.10 (coded: USD 38.10) · 1,204; floored, so that nothing is overstated. A dash without a
    value."""
    if value is None:
        return "–"
    if unit is Unit.PERCENT:
        return percent(int(whole(value)))
    if unit is Unit.PER_100:
        tenth = value.quantize(Decimal("0.1"), rounding=ROUND_FLOOR)
        return _("%(n)s per 100") % {"n": number_format(tenth, 1)}
    if unit is Unit.MONEY:
        return format_money(whole(value) if whole_money else value, currency, get_language() or "en", coded=coded)
    return number_format(int(value), force_grouping=True)


def value_of(figure: Figure, numerator: Decimal, denominator: Decimal | None) -> Decimal | None:
    if not figure.is_rate:
        return numerator
    if not denominator or denominator < 0:
        return None
    return numerator / denominator * (100 if figure.unit in {Unit.PERCENT, Unit.PER_100} else 1)


@dataclass(frozen=True)
class Reading:
    """A KPI as one line says it: "Reorder in 60 days 18%, target 30%"."""

    kpi: KPI
    figure: Figure
    lines: tuple[Line, ...]  # one, or for money one a currency
    computed_at: datetime | None

    def each(self, weeks_back: int) -> list[str]:
        """Of each line, the value so many weeks before the last whole one."""
        return [line.said(line.back(weeks_back)) for line in self.lines] or ["–"]

    @property
    def label(self) -> str:
        return self.figure.beside

    @cached_property
    def said(self) -> str:
        """The last whole week: 18%, or an amount in each currency."""
        return " · ".join(self.each(0))

    @cached_property
    def before(self) -> str:
        """One week earlier."""
        return " · ".join(self.each(1))

    @cached_property
    def was(self) -> str:
        """Four weeks earlier."""
        return " · ".join(self.each(BEFORE))

    @property
    def only(self) -> Line | None:
        return self.lines[0] if len(self.lines) == 1 else None

    @property
    def target(self) -> str:
        """30%, or nothing: a target in money needs one currency."""
        if self.kpi.target is None:
            return ""
        if self.figure.unit is not Unit.MONEY:
            return said(self.kpi.target, self.figure.unit, "")
        return said(self.kpi.target, Unit.MONEY, self.only.currency) if self.only else ""

    @property
    def on_target(self) -> bool | None:
        """None without a target, or without a figure to compare with it."""
        value = self.only.back(0) if self.only else None
        if self.kpi.target is None or value is None:
            return None
        return value >= self.kpi.target if self.kpi.direction == KPI.Direction.UP else value <= self.kpi.target

    @property
    def moved(self) -> int:
        """1 the way it should go since four weeks, -1 the other way, 0 steady (as it is said) or unknown."""
        now, was = (self.only.back(0), self.only.back(BEFORE)) if self.only else (None, None)
        if now is None or was is None or self.said == self.was:
            return 0
        return int(self.kpi.direction) if now > was else -int(self.kpi.direction)

    @property
    def good(self) -> bool | None:
        """How the figure is coloured: by its target, else by which way it went; None when there is nothing to say."""
        if self.on_target is not None:
            return self.on_target
        return None if self.only is None or self.only.back(0) is None else self.moved >= 0

    @property
    def note(self) -> str:
        """What stands beside it: on target · target 30% · was 61% · steady."""
        if self.on_target:
            return _("on target")
        if self.target:
            return _("target %(figure)s") % {"figure": self.target}
        if not any(line.back(BEFORE) is not None for line in self.lines):
            return ""
        return _("steady") if self.said == self.was else _("was %(figure)s") % {"figure": self.was}

    def stale(self, as_of: datetime) -> bool:
        return self.computed_at is None or as_of - self.computed_at > STALE


def latest(kpis: Iterable[KPI], markets: Iterable[Market] | None = None) -> dict[int, Reading]:
    """Each KPI's reading by its id, of these markets or of all; whoever has no week yet reads "–". Two queries."""
    wanted = [kpi for kpi in kpis if kpi.metric in figures.FIGURES]
    rows: dict[int, list[KPIWeek]] = defaultdict(list)
    weeks = weeks_of(wanted) if markets is None else weeks_of(wanted).filter(market__in=markets)
    for week in weeks:
        rows[week.kpi_id].append(week)
    known = {market.pk: market for market in Market.objects.order_by("pk")} if rows else {}
    return {kpi.pk: reading(kpi, rows[kpi.pk], known) for kpi in wanted}


def weeks_of(kpis: Iterable[KPI]) -> QuerySet[KPIWeek]:
    """The last half year, oldest first."""
    known = KPIWeek.objects.filter(kpi__in=[kpi.pk for kpi in kpis])
    newest = Subquery(known.order_by("-first").values("first")[:1], output_field=DateField())
    since = ExpressionWrapper(newest - timedelta(weeks=WEEKS), output_field=DateField())
    return known.filter(first__gt=since).order_by("first")


def reading(kpi: KPI, weeks: list[KPIWeek], markets: dict[int, Market]) -> Reading:
    computed = max((week.computed_at for week in weeks), default=None)
    return Reading(kpi, figures.figure_of(kpi), lines_of(figures.figure_of(kpi), weeks, markets), computed)


def series(kpi: KPI, *, market: Market | None = None) -> tuple[Line, ...]:
    """The line of all its markets together (money: one a currency), or of one of them."""
    weeks = weeks_of([kpi]) if market is None else weeks_of([kpi]).filter(market=market)
    return lines_of(figures.figure_of(kpi), weeks, {one.pk: one for one in Market.objects.order_by("pk")})


def lines_of(figure: Figure, weeks: Iterable[KPIWeek], markets: dict[int, Market]) -> tuple[Line, ...]:
    by_currency: dict[str, list[KPIWeek]] = defaultdict(list)
    for week in weeks:
        by_currency[markets[week.market_id].currency if figure.unit is Unit.MONEY else ""].append(week)
    return tuple(
        Line(figure.unit, currency, points(figure, some), not figure.is_rate, len(by_currency) > 1)
        for currency, some in sorted(by_currency.items())
    )


def points(figure: Figure, weeks: list[KPIWeek]) -> tuple[Point, ...]:
    """Markets whose week starts on another day add up in the calendar week that holds most of it.

    The newest one is the last that is over in all of them.
    """
    found: dict[date, list[KPIWeek]] = defaultdict(list)
    newest: dict[int, date] = {}
    for week in weeks:
        found[calendar_week(week.first)].append(week)
        newest[week.market_id] = max(newest.get(week.market_id, date.min), calendar_week(week.first))
    until = min(newest.values())
    return tuple(Point(named(day, found[day]), together(figure, found[day])) for day in sorted(found) if day <= until)


def named(monday: date, weeks: Iterable[KPIWeek]) -> date:
    firsts = {week.first for week in weeks}
    return firsts.pop() if len(firsts) == 1 else monday


def calendar_week(first: date) -> date:
    """The Monday of the calendar week that holds the middle of the week that starts on `first`."""
    middle = first + timedelta(days=3)
    return middle - timedelta(days=middle.weekday())


def together(figure: Figure, weeks: list[KPIWeek]) -> Decimal | None:
    over = sum((week.numerator for week in weeks), Decimal(0))
    return value_of(figure, over, sum((week.denominator or Decimal(0) for week in weeks), Decimal(0)))


# Freshness


@dataclass(frozen=True)
class Fresh:
    """When the newest event that feeds a KPI was received, if it is among the newest of the log; and when it was computed."""

    received_at: datetime | None
    computed_at: datetime | None

    def waits_for_events(self, as_of: datetime) -> bool:
        return self.received_at is None or as_of - self.received_at > STALE

    def stale(self, as_of: datetime) -> bool:
        return self.computed_at is None or as_of - self.computed_at > STALE


RECEIVED = """
SELECT e.type, d.market_id, max(e.received_at)
FROM (SELECT type, distributor_id, received_at FROM distributors_event ORDER BY id DESC LIMIT %s) AS e
JOIN distributors_distributor d ON d.id = e.distributor_id GROUP BY 1, 2
"""


def freshness(kpis: Iterable[KPI]) -> dict[int, Fresh]:
    """By KPI id. Two queries."""
    wanted = list(kpis)
    with connection.cursor() as cursor:
        cursor.execute(RECEIVED, [NEWEST_EVENTS])
        received = cursor.fetchall()
    weeks = KPIWeek.objects.filter(kpi__in=[kpi.pk for kpi in wanted])
    computed = dict(weeks.values_list("kpi_id").annotate(Max("computed_at")))
    return {kpi.pk: Fresh(newest(kpi, received), computed.get(kpi.pk)) for kpi in wanted}


def newest(kpi: KPI, received: list[tuple[str, int, datetime]]) -> datetime | None:
    feeds = figures.figure_of(kpi).feeds
    times = [at for type_, market, at in received if type_ in feeds and kpi.market_id in {None, market}]
    return max(times, default=None)


def fresh(kpi: KPI) -> Fresh:
    return freshness([kpi])[kpi.pk]
