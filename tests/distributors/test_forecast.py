from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from distributors import ingest
from distributors.chances import pooled
from distributors.forecast import forget_old_pools, make_pools
from distributors.goals import GoalState, states, states_of
from distributors.models import Distributor, Feature, ForecastPool, Goal, Measure
from tests import factories as make

from .measures import measure, steady_weeks

THURSDAY = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)
LAST_THURSDAY = date(2026, 8, 20)


def made(state: GoalState) -> list[float]:
    """Her past windows, newest first."""
    out, place = state.survival.out, state.survival.goal
    return out.made[place, : out.n[place]].tolist()


def seller_with_weeks(values: list[float], **fields: object) -> Distributor:
    """A weekly goal of $250, and these sums on Thursdays, the last one first."""
    seller = make.distributor(**fields)
    make.goal(seller)
    steady_weeks(seller, "sales", LAST_THURSDAY, values)
    return seller


@pytest.mark.django_db
def test_it_works() -> None:
    for _ in range(5):
        seller_with_weeks([100.0] * 12)
    jenna = seller_with_weeks([60.0, 70.0, 0, 80.0, 50.0, 62.5, 90.0, 10.0, 0, 62.49, 100.0, 120.0])
    measure(jenna, "sales", date(2026, 8, 25), "187.50")
    state = states(jenna, as_of=THURSDAY)[0]
    assert made(state) == [60.0, 70.0, 0, 80.0, 50.0, 62.5, 90.0, 10.0, 0, 62.49, 100.0, 120.0]
    pool = ForecastPool.objects.get()
    assert (pool.days, pool.people, len(pool.quantiles)) == (4, 6, 65)
    # 62.50 or more in 6 of 12: 70, 80, 62.50, 90, 100, 120.
    assert state.chance == pytest.approx((6 + 8 * pooled(62.5, 704.99 / 12, 0, np.array([pool.quantiles]))) / 20)
    # Of 72 windows in the market 60 are each person's mean; at least 62.50 / 58.75 of it are only her own 6.
    assert state.chance == pytest.approx((6 + 8 * 6 / 72) / 20, abs=0.01)


@pytest.mark.django_db
def test_windows_of_today_start_today_and_end_before_it() -> None:
    seller = seller_with_weeks([1.0] * 30)
    for day, expected in (
        (date(2026, 8, 24), [1.0] * 12),  # Monday: 7 days left, last week's Thursday is in the newest window
        (date(2026, 8, 28), [0.0] * 12),  # Friday to Sunday holds no Thursday
    ):
        assert made(states(seller, as_of=datetime(day.year, day.month, day.day, 15, tzinfo=UTC))[0]) == expected
    Goal.objects.update(period="month")
    # 27 to 31 August: 5 days from a Thursday. 1 to 30 September: 30 days from a Tuesday hold 4 Thursdays.
    assert made(states(seller, as_of=THURSDAY)[0]) == [1.0] * 12
    assert made(states(seller, as_of=datetime(2026, 9, 1, 15, tzinfo=UTC))[0]) == [4.0] * 12


@pytest.mark.django_db
def test_a_new_day_has_new_windows_even_of_the_same_measures() -> None:
    seller = make.distributor()
    make.goal(seller)
    measure(seller, "sales", date(2026, 7, 16), 80)  # a Thursday
    for day, expected in ((24, 80.0), (28, 0.0)):
        state = states(seller, as_of=datetime(2026, 8, day, 15, tzinfo=UTC))[0]
        assert sum(made(state)) == expected


@pytest.mark.django_db
def test_a_ratio_is_compared_with_whole_periods_pooled_once_a_period() -> None:
    seller = make.distributor()
    make.goal(seller, metric="order_size", target=Decimal(50))
    measure(seller, "sales", date(2026, 8, 23), 40)
    measure(seller, "orders", date(2026, 8, 23), 1)
    for day in range(24, 31):
        assert made(states(seller, as_of=datetime(2026, 8, day, 15, tzinfo=UTC))[0]) == [40.0]
    assert [(pool.day, pool.days) for pool in ForecastPool.objects.all()] == [(date(2026, 8, 24), 7)]


@pytest.mark.django_db
def test_who_joined_recently_has_fewer_windows() -> None:
    seller = seller_with_weeks([70.0, 70.0, 70.0], joined_on=date(2026, 8, 7))
    measure(seller, "sales", date(2026, 8, 25), "187.50")
    state = states(seller, as_of=THURSDAY)[0]
    assert made(state) == [70.0, 70.0]
    assert state.chance == pytest.approx((2 + 8 * np.exp(-62.5 / 70)) / 10)


@pytest.mark.django_db
def test_without_any_history_the_chance_is_unknown_but_effects_still_count() -> None:
    seller = make.distributor(joined_on=date(2026, 8, 25))
    make.goal(seller)
    state = states(seller, as_of=THURSDAY)[0]
    assert state.chance is None
    assert 0 < state.survival(250.0) < state.survival(200.0) < 1


@pytest.mark.django_db
def test_a_mean_of_nothing_is_the_markets_mean() -> None:
    for _ in range(5):
        seller_with_weeks([100.0] * 12)
    idle = seller_with_weeks([])
    state = states(idle, as_of=THURSDAY)[0]
    assert state.survival.out.typical[0] == pytest.approx(500 / 6)
    assert 0 < state.survival(50.0) < 0.5


@pytest.mark.django_db
def test_other_markets_and_people_who_left_are_not_in_the_pool() -> None:
    for _ in range(5):
        seller_with_weeks([100.0] * 12)
    seller_with_weeks([9000.0] * 12, market=make.market("de", currency="EUR"))
    seller_with_weeks([9000.0] * 12, left_on=date(2026, 8, 1))
    states(Distributor.objects.first(), as_of=THURSDAY)
    assert ForecastPool.objects.get().mean == 100


@pytest.mark.django_db
def test_a_late_event_is_seen_at_the_next_read() -> None:
    seller = seller_with_weeks([50.0] * 12)
    assert made(states(seller, as_of=THURSDAY)[0]) == [50.0] * 12
    measure(seller, "sales", LAST_THURSDAY + timedelta(days=1), 25)
    assert made(states(seller, as_of=THURSDAY)[0]) == [75.0] + [50.0] * 11
    # Moved from one day to another without a change of the sum.
    Measure.objects.filter(day=LAST_THURSDAY).update(value=25)
    Measure.objects.filter(day=LAST_THURSDAY - timedelta(days=7)).update(value=75)
    assert made(states(seller, as_of=THURSDAY)[0]) == [50.0, 75.0] + [50.0] * 10


@pytest.mark.django_db
def test_what_is_undone_is_gone_at_the_next_read() -> None:
    seller = make.distributor()
    make.goal(seller, metric="activities_done", target=Decimal(5))

    def tell(type_: str, external_id: str, at: datetime, **data: str) -> GoalState:
        said = {"specversion": "1.0", "source": "app", "id": external_id, "type": type_, "subject": seller.external_id}
        results = ingest.accept(
            [said | {"time": at.isoformat(), "data": {"activity": "x"} | data}], received_at=THURSDAY
        )
        assert [verdict.status for verdict in results] == [201], results
        return states(seller, as_of=THURSDAY)[0]

    last_week = THURSDAY - timedelta(days=6)
    before = tell("activity.completed", "today", THURSDAY)
    assert (before.value, sum(made(before))) == (1, 0)
    assert made(tell("activity.completed", "then", last_week)) == [1.0] + [0.0] * 11
    assert made(tell("activity.undone", "not then", last_week, undoes="then")) == [0.0] * 12
    after = tell("activity.undone", "not today", THURSDAY, undoes="today")
    assert (after.value, after.chance) == (0, states(seller, as_of=THURSDAY)[0].chance)


@pytest.mark.django_db
def test_a_corrected_joining_date_is_seen_at_the_next_read() -> None:
    seller = seller_with_weeks([50.0] * 12)
    assert len(made(states(seller, as_of=THURSDAY)[0])) == 12
    seller.joined_on = date(2026, 8, 7)
    seller.save()
    assert made(states(seller, as_of=THURSDAY)[0]) == [50.0, 50.0]


def told(sellers: list[Distributor]) -> dict[int, list[tuple]]:
    """Everything a read says about these people's goals."""
    return {
        pk: [(one.goal.pk, one.value, one.chance, made(one), one.survival(3.0)) for one in found]
        for pk, found in states_of(sellers, as_of=THURSDAY).items()
    }


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(8))
def test_incremental_equals_full(seed: int) -> None:
    """Reads in between late measures say the same in the end as one that makes every row anew."""
    rng = random.Random(seed)
    sellers = [make.distributor() for _ in range(4)]
    for seller in sellers:
        make.goal(seller)
        make.goal(seller, metric="orders", period="month", target=Decimal(5))
        make.goal(seller, metric="order_size", period="week", target=Decimal(5))
    for _ in range(60):
        seller, metric = rng.choice(sellers), rng.choice(["sales", "orders"])
        day = date(2026, 8, 27) - timedelta(days=rng.randrange(120))
        row, new = Measure.objects.get_or_create(distributor=seller, metric=metric, day=day, defaults={"value": 1})
        Measure.objects.filter(pk=row.pk).update(value=row.value + Decimal(rng.randrange(-500, 5000)) / 100)
        if rng.random() < 0.3:
            states(rng.choice(sellers), as_of=THURSDAY)
    incremental = told(sellers)
    assert sum(map(len, incremental.values())) == 12
    Feature.objects.all().delete()
    assert told(sellers) == incremental


# Pools, which a market makes once a day.


def us(zone: str = "America/New_York") -> object:
    return make.market("us", time_zone=zone)


@pytest.mark.django_db
def test_a_morning_makes_what_the_day_reads(django_assert_num_queries: Callable) -> None:
    sellers = [seller_with_weeks([50.0, 60.0]) for _ in range(3)]
    for metric, period in (("order_size", "month"), ("sales", "month"), ("retained_recruits", "week")):
        make.goal(sellers[0], metric=metric, period=period)
    make.product_line("eye")
    make.goal(sellers[1], metric="sales", scope="eye")
    make.goal(sellers[1], period="campaign", starts_on=date(2026, 8, 1), ends_on=date(2026, 12, 31))
    assert make_pools(us(), as_of=THURSDAY) == 6
    pools = set(ForecastPool.objects.values_list("pk", flat=True))
    assert {(pool.metric, pool.scope, pool.days, pool.day.day) for pool in ForecastPool.objects.all()} == {
        ("sales", "", 4, 27), ("order_size", "", 31, 1), ("sales", "", 5, 27), ("retained_recruits", "", 7, 24),
        ("sales", "eye", 4, 27), ("sales", "", 127, 27),
    }  # fmt: skip
    states_of(sellers, as_of=THURSDAY)
    assert set(ForecastPool.objects.values_list("pk", flat=True)) == pools


@pytest.mark.django_db
def test_making_them_again_changes_nothing(django_assert_num_queries: Callable) -> None:
    for _ in range(6):
        seller_with_weeks([50.0] * 12)
    market = us()
    with django_assert_num_queries(5):  # lines, goals, pools, the one that is missing, pools again
        assert make_pools(market, as_of=THURSDAY) == 1
    before = list(ForecastPool.objects.values())
    measure(Distributor.objects.first(), "sales", LAST_THURSDAY + timedelta(days=1), 1000)
    with django_assert_num_queries(3):
        assert make_pools(market, as_of=THURSDAY) == 1
    assert list(ForecastPool.objects.values()) == before
    make_pools(market, as_of=THURSDAY + timedelta(days=1))
    assert ForecastPool.objects.count() == 2


@pytest.mark.django_db
def test_the_first_read_makes_the_pool_of_all_that_day() -> None:
    sellers = [seller_with_weeks([50.0 + n] * 12) for n in range(6)]
    first = states(sellers[0], as_of=THURSDAY)[0]
    measure(sellers[1], "sales", LAST_THURSDAY + timedelta(days=1), 1000)
    with CaptureQueriesContext(connection) as seen:
        again = states(sellers[0], as_of=THURSDAY + timedelta(hours=5))[0]
    assert not [query["sql"] for query in seen.captured_queries if "INSERT" in query["sql"]]
    assert [again.survival(x) for x in (40.0, 80.0)] == [first.survival(x) for x in (40.0, 80.0)]
    assert states(sellers[0], as_of=THURSDAY + timedelta(days=7))[0].survival(120.0) > first.survival(120.0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
        ("Europe/Berlin", date(2026, 3, 29)),
        ("Europe/Berlin", date(2026, 10, 25)),
        ("Australia/Lord_Howe", date(2026, 4, 5)),
        ("Australia/Lord_Howe", date(2026, 10, 4)),
        ("America/Santiago", date(2026, 4, 4)),
        ("America/Santiago", date(2026, 9, 6)),
    ],
)
def test_once_per_local_day_when_the_clock_changes(zone: str, change: date) -> None:
    market = us(zone)
    seller = seller_with_weeks([50.0])
    start = datetime(change.year, change.month, change.day, tzinfo=UTC) - timedelta(days=1)
    days = set()
    for half_hour in range(72 * 2):
        as_of = start + timedelta(minutes=30 * half_hour)
        make_pools(market, as_of=as_of)
        state = states(seller, as_of=as_of)[0]
        days.add(market.local_day(as_of))
        assert state.days_left == 7 - market.local_day(as_of).weekday()
    assert sorted(ForecastPool.objects.values_list("day", flat=True)) == sorted(days)
    assert len(days) >= 3


@pytest.mark.django_db
def test_people_who_left_and_goals_out_of_their_dates_need_no_pools() -> None:
    seller_with_weeks([50.0], left_on=date(2026, 8, 1))
    dated = make.distributor()
    make.goal(dated, period="campaign", starts_on=date(2026, 1, 1), ends_on=date(2026, 8, 26))
    make.goal(make.distributor(), ended_at=THURSDAY)
    make.goal(make.distributor(market=make.market("de", time_zone="Europe/Berlin", currency="EUR")))
    assert make_pools(us(), as_of=THURSDAY) == 0
    assert not ForecastPool.objects.exists()


@pytest.mark.django_db
def test_old_pools_go() -> None:
    seller = seller_with_weeks([50.0])
    states(seller, as_of=THURSDAY - timedelta(days=60))
    states(seller, as_of=THURSDAY)
    assert forget_old_pools(as_of=THURSDAY) == 1
    assert [pool.day for pool in ForecastPool.objects.all()] == [date(2026, 8, 27)]
