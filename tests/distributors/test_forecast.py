from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributors import forecast
from distributors.forecast import Outlook, recalculate, recalculate_due_markets, recalculate_mornings
from distributors.goals import states, states_of
from distributors.models import Distributor, ForecastPool, Goal, GoalStanding, Measure
from tests import factories as make

from .measures import measure, steady_weeks

THURSDAY = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)
LAST_THURSDAY = date(2026, 8, 20)

amounts = st.floats(0, 1e6, allow_nan=False)
outlooks = st.builds(
    Outlook,
    made=st.lists(amounts, max_size=12).map(tuple),
    typical=amounts,
    quantiles=st.lists(st.floats(-5, 50), min_size=65, max_size=65).map(lambda q: tuple(sorted(q))) | st.just(()),
    base=amounts,
)


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
    standing = GoalStanding.objects.get(goal=state.goal)
    assert standing.remainders == [60.0, 70.0, 0, 80.0, 50.0, 62.5, 90.0, 10.0, 0, 62.49, 100.0, 120.0]
    pool = ForecastPool.objects.get()
    assert (pool.days, pool.people, len(pool.quantiles)) == (4, 6, 65)
    # 62.50 or more in 6 of 12: 70, 80, 62.50, 90, 100, 120.
    assert state.chance == pytest.approx((6 + 8 * state.survival.pooled(np.array(62.5))) / 20)
    # Of 72 windows in the market 60 are each person's mean; at least 62.50 / 58.75 of it are only her own 6.
    assert state.chance == pytest.approx((6 + 8 * 6 / 72) / 20, abs=0.01)


@given(outlooks, st.lists(st.floats(-1e6, 2e6), min_size=2, max_size=30))
def test_survival_is_a_falling_probability(outlook: Outlook, xs: list[float]) -> None:
    xs = sorted(xs)
    chances = outlook(np.array(xs))
    assert np.all((chances >= 0) & (chances <= 1))
    assert np.all(np.diff(chances) <= 1e-12)
    assert [outlook(x) for x in xs] == pytest.approx(list(chances))
    assert all(chance == 1 for x, chance in zip(xs, chances, strict=True) if x <= 0)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=12), st.integers(1, 20))
def test_own_windows_count_whole(made: list[int], x: int) -> None:
    outlook = Outlook(tuple(map(float, made)), typical=0.0)
    assert outlook(float(x)) == pytest.approx(sum(m >= x for m in made) / (len(made) + 8))


def test_pool_counts_an_atom_and_interpolates() -> None:
    # Half of all windows are nothing, half are twice the mean.
    outlook = Outlook((), typical=10.0, quantiles=(0.0,) * 32 + (1.0,) + (2.0,) * 32)
    assert outlook(20.0) == pytest.approx(1 - 33 / 64)
    assert outlook(20.1) == 0
    assert outlook(10.0) == pytest.approx(0.5)
    assert outlook(15.0) == pytest.approx(1 - 32.5 / 64)


@pytest.mark.django_db
def test_windows_of_today_start_today_and_end_before_it() -> None:
    seller = seller_with_weeks([1.0] * 30)
    goal = Goal.objects.get()
    for day, expected in (
        (date(2026, 8, 24), [1.0] * 12),  # Monday: 7 days left, last week's Thursday is in the newest window
        (date(2026, 8, 28), [0.0] * 12),  # Friday to Sunday holds no Thursday
    ):
        states(seller, as_of=datetime(day.year, day.month, day.day, 15, tzinfo=UTC))
        assert GoalStanding.objects.get(goal=goal).remainders == expected
    Goal.objects.update(period="month")
    # 27 to 31 August: 5 days from a Thursday. 1 to 30 September: 30 days from a Tuesday hold 4 Thursdays.
    states(seller, as_of=THURSDAY)
    assert GoalStanding.objects.get().remainders == [1.0] * 12
    states(seller, as_of=datetime(2026, 9, 1, 15, tzinfo=UTC))
    assert GoalStanding.objects.get().remainders == [4.0] * 12


@pytest.mark.django_db
def test_a_new_day_has_new_windows_even_of_the_same_measures() -> None:
    seller = make.distributor()
    make.goal(seller)
    measure(seller, "sales", date(2026, 7, 16), 80)  # a Thursday
    for day, expected in ((24, 80.0), (28, 0.0)):
        state = states(seller, as_of=datetime(2026, 8, day, 15, tzinfo=UTC))[0]
        assert sum(state.survival.made) == expected


@pytest.mark.django_db
def test_a_ratio_is_compared_with_whole_periods_pooled_once_a_period() -> None:
    seller = make.distributor()
    make.goal(seller, metric="order_size", target=Decimal(50))
    measure(seller, "sales", date(2026, 8, 23), 40)
    measure(seller, "orders", date(2026, 8, 23), 1)
    for day in range(24, 31):
        assert states(seller, as_of=datetime(2026, 8, day, 15, tzinfo=UTC))[0].survival.made == (40.0,)
    assert [(pool.day, pool.days) for pool in ForecastPool.objects.all()] == [(date(2026, 8, 24), 7)]


@pytest.mark.django_db
def test_who_joined_recently_has_fewer_windows() -> None:
    seller = seller_with_weeks([70.0, 70.0, 70.0], joined_on=date(2026, 8, 7))
    measure(seller, "sales", date(2026, 8, 25), "187.50")
    state = states(seller, as_of=THURSDAY)[0]
    assert GoalStanding.objects.get().remainders == [70.0, 70.0]
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
    assert state.survival.typical == pytest.approx(500 / 6)
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
def test_recalculating_again_changes_nothing() -> None:
    sellers = [seller_with_weeks([50.0, 60.0]) for _ in range(3)]
    ids = [seller.pk for seller in sellers]
    assert recalculate(ids, as_of=THURSDAY) == 3
    assert recalculate(ids, as_of=THURSDAY) == 0
    assert recalculate(ids, as_of=THURSDAY + timedelta(days=1)) == 3


@pytest.mark.django_db
def test_a_late_event_is_seen_at_the_next_read() -> None:
    seller = seller_with_weeks([50.0] * 12)
    assert states(seller, as_of=THURSDAY)[0].survival.made == (50.0,) * 12
    measure(seller, "sales", LAST_THURSDAY + timedelta(days=1), 25)
    assert states(seller, as_of=THURSDAY)[0].survival.made == (75.0,) + (50.0,) * 11
    # Moved from one day to another without a change of the sum.
    Measure.objects.filter(day=LAST_THURSDAY).update(value=25)
    Measure.objects.filter(day=LAST_THURSDAY - timedelta(days=7)).update(value=75)
    assert states(seller, as_of=THURSDAY)[0].survival.made == (50.0, 75.0) + (50.0,) * 10


@pytest.mark.django_db
def test_a_corrected_joining_date_is_seen_at_the_next_read() -> None:
    seller = seller_with_weeks([50.0] * 12)
    assert len(states(seller, as_of=THURSDAY)[0].survival.made) == 12
    seller.joined_on = date(2026, 8, 7)
    seller.save()
    assert states(seller, as_of=THURSDAY)[0].survival.made == (50.0, 50.0)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(8))
def test_incremental_equals_full(seed: int) -> None:
    """Reads in between late measures leave the same standings as one recalculation at the end."""
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
        if rng.random() < 0.1:
            recalculate([seller.pk], as_of=THURSDAY)
    states_of(sellers, as_of=THURSDAY)
    incremental = list(GoalStanding.objects.order_by("pk").values())
    GoalStanding.objects.all().delete()
    recalculate([seller.pk for seller in sellers], as_of=THURSDAY)
    assert list(GoalStanding.objects.order_by("pk").values()) == incremental


@pytest.mark.django_db
def test_statements_do_not_grow_with_people(django_assert_num_queries: Callable) -> None:
    ids = [seller_with_weeks([50.0] * 12).pk for _ in range(6)]
    with django_assert_num_queries(5):  # goals, pools, the one pool that is missing, pools again, standings
        recalculate(ids, as_of=THURSDAY)
    GoalStanding.objects.all().delete()
    with django_assert_num_queries(3):
        recalculate(ids, as_of=THURSDAY)


@pytest.mark.django_db
def test_mornings_come_market_by_market() -> None:
    us = seller_with_weeks([50.0])
    de = seller_with_weeks([50.0], market=make.market("de", time_zone="Europe/Berlin", currency="EUR"))

    def computed() -> set[int]:
        return set(GoalStanding.objects.filter(day=date(2026, 8, 27)).values_list("goal__distributor", flat=True))

    recalculate_mornings(as_of=datetime(2026, 8, 27, 1, 59, tzinfo=UTC))  # 03:59 in Berlin
    assert computed() == set()
    recalculate_mornings(as_of=datetime(2026, 8, 27, 2, 0, tzinfo=UTC))
    assert computed() == {de.pk}
    recalculate_mornings(as_of=datetime(2026, 8, 27, 8, 0, tzinfo=UTC))  # 04:00 in New York
    assert computed() == {us.pk, de.pk}


@pytest.mark.django_db
def test_a_morning_is_computed_once_and_made_up_for_after_an_outage() -> None:
    seller_with_weeks([50.0])
    assert recalculate_mornings(as_of=datetime(2026, 8, 27, 9, 0, tzinfo=UTC)) == 1
    assert recalculate_mornings(as_of=datetime(2026, 8, 27, 9, 15, tzinfo=UTC)) == 0
    # The clock comes back the next evening: that day once, and the next one in its own morning.
    assert recalculate_mornings(as_of=datetime(2026, 8, 28, 23, 0, tzinfo=UTC)) == 1
    assert recalculate_mornings(as_of=datetime(2026, 8, 29, 3, 0, tzinfo=UTC)) == 0
    assert recalculate_mornings(as_of=datetime(2026, 8, 29, 8, 0, tzinfo=UTC)) == 1


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
    seller_with_weeks([50.0], market=make.market("dst", time_zone=zone))
    start = datetime(change.year, change.month, change.day, tzinfo=UTC) - timedelta(days=1)
    changes, days = 0, set()
    for quarter in range(0, 72 * 4, 2):
        changed = recalculate_mornings(as_of=start + timedelta(minutes=15 * quarter))
        changes += changed
        days.add(GoalStanding.objects.values_list("day", flat=True).first())
    assert changes == len(days - {None}) >= 3


@pytest.mark.django_db
def test_a_killed_morning_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        seller_with_weeks([50.0])
    monkeypatch.setattr(forecast, "BLOCK", 2)
    real, calls = forecast.fill, []

    def fill_twice(runs: list) -> object:
        calls.append(len(runs))
        if len(calls) == 2:
            raise SystemExit
        return real(runs)

    monkeypatch.setattr(forecast, "fill", fill_twice)
    with pytest.raises(SystemExit):
        recalculate_mornings(as_of=THURSDAY)
    assert recalculate_mornings(as_of=THURSDAY) == 3
    assert calls == [2, 2, 2, 1]


@pytest.mark.django_db
def test_people_who_left_and_goals_out_of_their_dates_do_not_wait_for_ever() -> None:
    seller_with_weeks([50.0], left_on=date(2026, 8, 1))
    dated = make.distributor()
    make.goal(dated, period="campaign", starts_on=date(2026, 1, 1), ends_on=date(2026, 8, 26))
    assert recalculate_mornings(as_of=THURSDAY) == 0


@pytest.mark.django_db
def test_the_scheduled_entry_point_takes_the_clock_and_returns_nothing(time_machine: object) -> None:
    time_machine.move_to(THURSDAY, tick=False)
    seller_with_weeks([50.0])
    assert recalculate_due_markets() is None
    assert GoalStanding.objects.get().day == date(2026, 8, 27)


@pytest.mark.django_db
def test_old_pools_go() -> None:
    seller = seller_with_weeks([50.0])
    states(seller, as_of=THURSDAY - timedelta(days=60))
    recalculate_mornings(as_of=THURSDAY)
    assert [pool.day for pool in ForecastPool.objects.all()] == [date(2026, 8, 27)]
