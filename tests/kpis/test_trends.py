"""KPIs by week: computed once, corrected by what comes late, forgotten when they mean something else, and read in one line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from django_q.models import OrmQ

from distributors import ingest
from distributors.models import Market
from kpis import ready, trends
from kpis.models import KPI, KPIWeek
from kpis.trends import compute, latest
from tests import factories as make
from tests.distributors.measures import measure

pytestmark = pytest.mark.django_db

NOW = make.NOW  # Thursday, 27 August 2026
#: First and last day of the newest week that is over.
FIRST, LAST = date(2026, 8, 17), date(2026, 8, 23)
LATER = NOW + timedelta(minutes=15)


def weeks_of(kpi: KPI) -> dict[date, Decimal]:
    """What is not 0."""
    return {week.first: week.numerator for week in kpi.weeks.order_by("first") if week.numerator}


def written_at(kpi: KPI, at: datetime) -> list[date]:
    return list(kpi.weeks.filter(computed_at=at).order_by("first").values_list("first", flat=True))


def test_it_works() -> None:
    seller, kpi = make.distributor(), make.kpi(metric="sales")
    for weeks in (0, 1, 25, 26):
        measure(seller, "sales", LAST - timedelta(weeks=weeks), 10 + weeks)
    measure(seller, "sales", LAST + timedelta(days=1), 1000)  # the week that runs
    compute(NOW)
    assert weeks_of(kpi) == {FIRST: 10, FIRST - timedelta(weeks=1): 11, FIRST - timedelta(weeks=25): 35}
    assert kpi.weeks.count() == 26
    assert latest([kpi])[kpi.pk].said == "$10"


def test_again_writes_only_when_it_was_computed() -> None:
    kpi = make.kpi(metric="sales")
    measure(make.distributor(), "sales", LAST, 10)
    compute(NOW)
    before = set(kpi.weeks.values_list("first", "numerator", "denominator"))
    compute(LATER)
    assert set(kpi.weeks.values_list("first", "numerator", "denominator")) == before
    assert written_at(kpi, LATER) == [FIRST]


def test_a_late_event_corrects_the_week_it_belongs_to() -> None:
    seller, kpi = make.distributor(), make.kpi(metric="sales")
    other = make.kpi(metric="repeat_rate")
    compute(NOW)
    day = FIRST - timedelta(weeks=10)
    ingest.record(
        type="order.placed", distributor=seller, customer=make.customer(seller), external_id="late", source="shop",
        time=datetime(day.year, day.month, day.day, 15, tzinfo=UTC),
        data={"currency": "USD", "amount": "40", "lines": []},
    )  # fmt: skip
    trends.compute(LATER, weeks=trends.LATELY)
    assert weeks_of(kpi) == {}
    compute(LATER)
    assert weeks_of(kpi) == {day: 40}
    assert written_at(kpi, LATER) == [day, FIRST]
    # It was a first order: it is asked in the week that holds its sixtieth day whether another followed.
    assert list(other.weeks.filter(denominator__gt=0).values_list("first", "denominator")) == [
        (day + timedelta(weeks=8), 1)
    ]


def test_lately_is_the_last_two_weeks(monkeypatch: Any) -> None:
    seller, kpi = make.distributor(), make.kpi(metric="sales")
    compute(NOW)
    for weeks in (1, 2):
        measure(seller, "sales", LAST - timedelta(weeks=weeks), 5)
    monkeypatch.setattr(trends.timezone, "now", lambda: LATER)
    trends.lately()
    assert weeks_of(kpi) == {FIRST - timedelta(weeks=1): 5}
    trends.tonight()
    assert weeks_of(kpi) == {FIRST - timedelta(weeks=1): 5, FIRST - timedelta(weeks=2): 5}


def test_a_new_kpi_gets_all_its_weeks_at_once(monkeypatch: Any) -> None:
    make.market()
    old = make.kpi(metric="sales")
    compute(NOW)
    new = make.kpi(metric="orders")
    monkeypatch.setattr(trends.timezone, "now", lambda: LATER)
    trends.begin()
    assert (new.weeks.count(), written_at(old, LATER)) == (26, [])
    KPIWeek.objects.all().delete()
    trends.lately()
    assert (new.weeks.count(), old.weeks.count()) == (26, 26)


def test_a_new_week_comes_when_the_old_one_is_over_there() -> None:
    us, kpi = make.market(), make.kpi(metric="sales")
    compute(NOW)
    # Monday has begun in Berlin and not in New York.
    make.market("de", currency="EUR", time_zone="Europe/Berlin")
    compute(datetime(2026, 8, 31, 1, tzinfo=UTC), weeks=2)
    newest = {week.market.code: week.first for week in kpi.weeks.order_by("first").select_related("market")}
    assert newest == {"us": FIRST, "de": FIRST + timedelta(weeks=1)}
    compute(datetime(2026, 8, 31, 5, tzinfo=UTC), weeks=2)
    assert kpi.weeks.filter(market=us).count() == 27


def test_another_meaning_starts_again() -> None:
    make.market("de", currency="EUR")
    kpi = make.kpi(metric="sales")
    measure(make.distributor(), "sales", LAST, 10)
    compute(NOW)
    kpi.metric = "orders"
    kpi.save()
    OrmQ.objects.all().delete()
    trends.begin_again(kpi)
    assert kpi.weeks.count() == 0
    compute(NOW)
    assert weeks_of(kpi) == {}


def test_another_market_leaves_nothing_of_the_old_ones() -> None:
    de = make.market("de", currency="EUR")
    kpi = make.kpi(metric="sales")
    make.market()
    compute(NOW)
    KPI.objects.update(market=de)
    compute(NOW)
    assert set(kpi.weeks.values_list("market__code", flat=True)) == {"de"}


def test_a_deleted_kpi_is_passed_over() -> None:
    kpi = make.kpi(metric="sales")
    make.market()
    gone = KPI(pk=kpi.pk)
    kpi.delete()
    compute(NOW, [gone])
    assert not KPIWeek.objects.exists()


# Reading


def week(kpi: KPI, market: Market, over: Any, under: Any = None, weeks: int = 0, first: date = FIRST) -> None:
    KPIWeek.objects.create(
        kpi=kpi, market=market, first=first - timedelta(weeks=weeks), numerator=over, denominator=under, computed_at=NOW
    )


@pytest.mark.parametrize(
    ("metric", "over", "under", "said"),
    [
        ("repeat_rate", 17, 50, "34%"),
        ("repeat_rate", 299, 1000, "29%"),  # floored
        ("repeat_rate", 0, 0, "–"),
        ("recruiting", 919, 10000, "9.1 per 100"),
        ("order_size", Decimal("114.30"), 3, "$38.10"),
        ("order_size", 0, 0, "–"),
        ("sales", Decimal("1234.90"), None, "$1,234"),
        ("orders", 1204, None, "1,204"),
    ],
)
def test_a_figure_is_said_in_its_unit(metric: str, over: Any, under: Any, said: str) -> None:
    kpi = make.kpi(metric=metric)
    week(kpi, make.market(), over, under)
    assert latest([kpi])[kpi.pk].said == said


def test_markets_add_up_and_money_stays_apart() -> None:
    us, de = make.market(), make.market("de", currency="EUR")
    rate, sales = make.kpi(metric="adoption"), make.kpi(metric="sales")
    for market, over, under in ((us, 1, 2), (de, 3, 10)):
        week(rate, market, over, under)
        week(sales, market, over * 100)
    found = latest([rate, sales])
    assert found[rate.pk].said == "33%"  # 4 of 12
    assert found[sales.pk].said == "EUR\xa0300 · USD\xa0100"
    assert found[sales.pk].on_target is None
    assert latest([make.kpi(metric="orders"), sales])[sales.pk].before == "– · –"
    us_alone = make.kpi(metric="sales", market=us)
    week(us_alone, us, 100)
    assert latest([us_alone])[us_alone.pk].said == "$100"


def test_the_newest_week_is_one_that_is_over_everywhere() -> None:
    us, mx = make.market(), make.market("mx", currency="MXN", week_start=Market.Weekday.SUNDAY)
    kpi = make.kpi(metric="orders")
    sunday = FIRST - timedelta(days=1)
    for weeks in (0, 1):
        week(kpi, us, 10 + weeks, weeks=weeks)
        week(kpi, mx, 1, weeks=weeks, first=sunday)
    week(kpi, mx, 500, weeks=-1, first=sunday)  # over in Mexico, running in the States
    (line,) = trends.series(kpi)
    assert [(point.day, point.value) for point in line.points] == [(FIRST - timedelta(weeks=1), 12), (FIRST, 11)]
    (alone,) = trends.series(kpi, market=mx)
    assert [point.day for point in alone.points][-1] == sunday + timedelta(weeks=1)


@pytest.mark.parametrize(
    ("fields", "now", "was", "note", "good"),
    [
        ({"target": 30}, 18, 20, "target 30%", False),
        ({"target": 30}, 30, 20, "on target", True),
        ({"target": 30, "direction": -1}, 18, 20, "on target", True),
        ({"target": 30, "direction": -1}, 31, 20, "target 30%", False),
        ({}, 57, 61, "was 61%", False),
        ({}, 61, 57, "was 57%", True),
        ({"direction": -1}, 61, 57, "was 57%", False),
        ({}, 64, 64, "steady", True),
    ],
)
def test_a_reading_says_how_it_stands(fields: dict[str, Any], now: int, was: int, note: str, good: bool) -> None:
    kpi, market = make.kpi(metric="adoption", **fields), make.market()
    kpi.refresh_from_db()
    for weeks, value in ((0, now), (1, 1), (4, was)):
        week(kpi, market, value, 100, weeks)
    for weeks in (2, 3):
        week(kpi, market, 99, 100, weeks)
    found = latest([kpi])[kpi.pk]
    assert (found.said, found.before, found.was) == (f"{now}%", "1%", f"{was}%")
    assert (found.note, found.good, found.label) == (note, good, "Signed in this week")


def test_half_a_year_is_read_however_old_the_company_is() -> None:
    kpi = make.kpi(metric="orders")
    for weeks in range(60):
        week(kpi, make.market(), weeks, weeks=weeks)
    (line,) = latest([kpi])[kpi.pk].lines
    assert (len(line.points), line.points[0].value, line.points[-1].value) == (26, 25, 0)


def test_a_kpi_without_weeks_says_nothing() -> None:
    kpi = make.kpi(metric="adoption", target=30)
    found = latest([kpi])[kpi.pk]
    assert (found.said, found.was, found.on_target, found.good) == ("–", "–", None, None)
    assert found.stale(NOW)


def test_a_figure_is_said_in_the_readers_language() -> None:
    kpi = make.kpi(metric="order_size")
    week(kpi, make.market("de", currency="EUR"), Decimal("114.30"), 3)
    with translation.override("de"):
        assert latest([kpi])[kpi.pk].said == "38,10\xa0€"


def test_reading_asks_twice_whatever_the_number(django_assert_num_queries: Callable) -> None:
    make.market("de", currency="EUR")
    make.distributor()
    kpis = [make.kpi(metric=metric) for metric in ("sales", "adoption", "orders")]
    compute(NOW)
    with django_assert_num_queries(2):
        latest(kpis)
    with django_assert_num_queries(2):
        trends.freshness(kpis)


# Freshness


def test_freshness_is_of_the_events_that_feed_it() -> None:
    seller = make.distributor()
    make.event(seller, type="order.placed", received_at=NOW)
    make.event(seller, type="distributor.signed_in", received_at=NOW - timedelta(hours=40))
    sales, adoption, learning = (make.kpi(metric=metric) for metric in ("sales", "adoption", "compliance"))
    elsewhere = make.kpi(metric="sales", market=make.market("de", currency="EUR"))
    compute(NOW, [sales])
    found = trends.freshness([sales, adoption, learning, elsewhere])
    assert found[sales.pk] == trends.Fresh(NOW, NOW)
    assert not found[sales.pk].waits_for_events(NOW + timedelta(hours=36))
    assert found[sales.pk].stale(NOW + timedelta(hours=37))
    assert found[adoption.pk].waits_for_events(NOW)
    assert found[learning.pk].received_at is found[elsewhere.pk].received_at is None


# Ready-made


def test_ready_made_kpis_are_added_once() -> None:
    make.product_line("eye", name="Eye line")
    make.kpi(name="Repeat rate", metric="orders")
    make.kpi(metric="sales")
    make.kpi(metric="adoption", market=make.market())  # of one market only: the one for all is still missing
    added = {kpi.name: (kpi.metric, kpi.scope) for kpi in ready.add_missing({("adoption", ""): Decimal(80)})}
    assert added == {
        "Repeat rate 2": ("repeat_rate", ""), "Repeat rate, Eye line": ("repeat_rate", "eye"),
        "Customer retention": ("customer_retention", ""), "Active at 90 days": ("distributor_retention", ""),
        "Adoption": ("adoption", ""), "Training compliance": ("compliance", ""), "Recruiting": ("recruiting", ""),
        "Business building": ("retained_recruits", ""), "Order size": ("order_size", ""),
        "First order in 30 days": ("first_orders", ""),
    }  # fmt: skip
    assert KPI.objects.get(name="Adoption").target == 80
    eye = KPI.objects.get(name="Repeat rate, Eye line")
    assert (eye.focus, set(eye.focus_by_language)) == ("repeat orders, Eye line", {"de", "es"})
    assert ready.add_missing() == []
