from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from distributors import goals
from distributors.goals import GoalState, states, states_of
from distributors.metrics import totals
from distributors.models import Distributor, ForecastPool, Goal
from tests import factories as make

from .measures import measure, steady_weeks

pytestmark = pytest.mark.django_db

THURSDAY = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)


@pytest.fixture
def jenna() -> Distributor:
    jenna = make.distributor(external_id="jenna", name="Jenna Park")
    make.goal(jenna, target=Decimal(250))
    make.goal(jenna, metric="enrolments", period="month", target=Decimal(3))
    measure(jenna, "sales", date(2026, 8, 24), "120.00")
    measure(jenna, "sales", date(2026, 8, 26), "67.50")
    measure(jenna, "enrolments", date(2026, 8, 3), 1)
    measure(jenna, "enrolments", date(2026, 8, 20), 1)
    return jenna


def made(state: GoalState) -> list[float]:
    out, place = state.survival.out, state.survival.goal
    return out.made[place, : out.n[place]].tolist()


def test_it_works(jenna: Distributor) -> None:
    week, month = states(jenna, as_of=THURSDAY)
    assert (week.first, week.last, week.days_left) == (date(2026, 8, 24), date(2026, 8, 30), 4)
    assert (week.value, week.left, week.percent) == (Decimal("187.50"), Decimal("62.50"), 75)
    assert week.pace_percent == 57.1
    assert int(week.ahead) == 44
    assert (month.first, month.last, month.days_left) == (date(2026, 8, 1), date(2026, 8, 31), 5)
    assert (month.value, month.left, month.percent) == (2, 1, 66)
    assert week.currency == "USD"


def test_most_important_first(jenna: Distributor) -> None:
    Goal.objects.filter(metric="enrolments").update(weight=3)
    assert [state.goal.metric for state in states(jenna, as_of=THURSDAY)] == ["enrolments", "sales"]


def test_behind_pace_is_negative(jenna: Distributor) -> None:
    sunday = datetime(2026, 8, 30, 15, 0, tzinfo=UTC)
    week = states(jenna, as_of=sunday)[0]
    assert (week.ahead, week.days_left, week.pace_percent) == (Decimal("-62.50"), 1, 100.0)


def test_reached_is_certain_and_uncapped(jenna: Distributor) -> None:
    measure(jenna, "sales", date(2026, 8, 27), 120)
    week = states(jenna, as_of=THURSDAY)[0]
    assert (week.percent, week.left, week.reached, week.chance) == (123, 0, True, 1.0)


def test_more_refunds_than_sales_is_zero_percent(jenna: Distributor) -> None:
    measure(jenna, "sales", date(2026, 8, 25), -300)
    week = states(jenna, as_of=THURSDAY)[0]
    assert (week.value, week.percent, week.left) == (Decimal("-112.50"), 0, Decimal("362.50"))


@pytest.mark.parametrize(
    ("zone", "week_start", "at", "first"),
    [
        ("America/New_York", 0, datetime(2026, 8, 31, 3, 59, tzinfo=UTC), date(2026, 8, 24)),  # still Sunday there
        ("America/New_York", 0, datetime(2026, 8, 31, 4, 0, tzinfo=UTC), date(2026, 8, 31)),
        ("America/New_York", 6, datetime(2026, 8, 30, 4, 0, tzinfo=UTC), date(2026, 8, 30)),  # weeks from Sunday
        ("Pacific/Auckland", 0, datetime(2026, 8, 30, 12, 0, tzinfo=UTC), date(2026, 8, 31)),  # already Monday there
        ("Europe/Berlin", 0, datetime(2026, 3, 29, 21, 59, tzinfo=UTC), date(2026, 3, 23)),  # the day of the hour less
        ("Europe/Berlin", 0, datetime(2026, 3, 29, 22, 0, tzinfo=UTC), date(2026, 3, 30)),
        ("Europe/Berlin", 0, datetime(2026, 10, 25, 22, 59, tzinfo=UTC), date(2026, 10, 19)),  # and of the hour more
        ("Europe/Berlin", 0, datetime(2026, 10, 25, 23, 0, tzinfo=UTC), date(2026, 10, 26)),
    ],
)
def test_weeks_turn_at_local_midnight(zone: str, week_start: int, at: datetime, first: date) -> None:
    market = make.market(f"m{make.number()}", time_zone=zone, week_start=week_start)
    seller = make.distributor(market=market)
    make.goal(seller)
    measure(seller, "sales", first, 5)
    measure(seller, "sales", first - timedelta(days=1), 100)
    measure(seller, "sales", first + timedelta(days=7), 100)
    state = states(seller, as_of=at)[0]
    assert (state.first, state.last, state.value) == (first, first + timedelta(days=6), 5)


@pytest.mark.parametrize(
    ("at", "last", "left"),
    [
        (datetime(2026, 2, 10, 15, tzinfo=UTC), date(2026, 2, 28), 19),
        (datetime(2028, 2, 29, 15, tzinfo=UTC), date(2028, 2, 29), 1),
        (datetime(2027, 1, 1, 4, 59, tzinfo=UTC), date(2026, 12, 31), 1),  # still December in New York
        (datetime(2027, 1, 1, 5, 0, tzinfo=UTC), date(2027, 1, 31), 31),
    ],
)
def test_month_ends(at: datetime, last: date, left: int) -> None:
    seller = make.distributor()
    make.goal(seller, period="month")
    state = states(seller, as_of=at)[0]
    assert (state.last, state.days_left) == (last, left)


def test_a_dated_goal_runs_within_its_dates() -> None:
    seller = make.distributor()
    make.goal(seller, period="campaign", starts_on=date(2026, 8, 20), ends_on=date(2026, 9, 30), target=Decimal(1000))
    measure(seller, "sales", date(2026, 8, 19), 10)
    measure(seller, "sales", date(2026, 8, 20), 7)
    assert [s.value for s in states(seller, as_of=THURSDAY)] == [7]
    assert states(seller, as_of=THURSDAY - timedelta(days=8)) == []
    assert states(seller, as_of=THURSDAY + timedelta(days=35)) == []


def test_ended_goals_do_not_count(jenna: Distributor) -> None:
    Goal.objects.update(ended_at=THURSDAY)
    assert states(jenna, as_of=THURSDAY) == []


def test_a_ratio_has_a_value_and_a_chance_but_no_pace() -> None:
    seller = make.distributor()
    make.goal(seller, metric="order_size", target=Decimal(50))
    for week in range(5):
        measure(seller, "sales", date(2026, 8, 26) - timedelta(weeks=week), 40 + 10 * week)
        measure(seller, "orders", date(2026, 8, 26) - timedelta(weeks=week), 1)
    state = states(seller, as_of=THURSDAY)[0]
    assert (state.value, state.percent, state.expected, state.ahead, state.pace_percent) == (40, 80, None, None, None)
    # 50, 60, 70 and 80 before; weeks without an order have no order size.
    assert made(state) == [50, 60, 70, 80]
    assert state.chance == pytest.approx((4 + 8 * 2.718281828 ** (-50 / 65)) / 12)


def test_recruits_who_ordered() -> None:
    seller = make.distributor()
    make.goal(seller, metric="retained_recruits", target=Decimal(2))
    one, two = make.distributor(sponsor=seller), make.distributor(sponsor=seller)
    for day in (24, 25):
        measure(one, "orders", date(2026, 8, day), 1)
    measure(two, "orders", date(2026, 8, 18), 1)
    state = states(seller, as_of=THURSDAY)[0]
    assert (state.value, state.percent) == (1, 50)
    assert made(state) == [1] + [0] * 11


@pytest.mark.parametrize("metric", ["sales", "orders", "order_size", "retained_recruits"])
def test_values_are_those_of_the_vocabulary(metric: str) -> None:
    seller = make.distributor()
    recruits = [make.distributor(sponsor=seller) for _ in range(3)]
    for n, person in enumerate([seller, *recruits]):
        measure(person, "sales", date(2026, 8, 24 + n), f"{33.33 * (n + 1):.2f}")
        measure(person, "orders", date(2026, 8, 24 + n), n + 1)
        measure(person, "orders", date(2026, 8, 30), 1)
    make.goal(seller, metric=metric)
    state = states(seller, as_of=THURSDAY)[0]
    assert state.value == totals([seller.pk], metric, "", state.first, state.last)[seller.pk]


def test_a_line_goal_counts_its_line_only() -> None:
    seller = make.distributor()
    make.goal(seller, scope="eye")
    measure(seller, "sales", date(2026, 8, 25), 100)
    measure(seller, "sales", date(2026, 8, 25), 30, scope="eye")
    assert states(seller, as_of=THURSDAY)[0].value == 30


def test_queries_are_pinned(jenna: Distributor, django_assert_num_queries: Callable) -> None:
    people = [jenna]
    for _ in range(5):
        other = make.distributor()
        make.goal(other)
        steady_weeks(other, "sales", date(2026, 8, 20), [50.0] * 12)
        people.append(other)
    states_of(people, as_of=THURSDAY)
    people = list(Distributor.objects.with_market())
    with django_assert_num_queries(3):  # rows, goals, pools
        assert len(states_of(people, as_of=THURSDAY)) == 6
    with django_assert_num_queries(3):
        states(people[0], as_of=THURSDAY)
    ForecastPool.objects.all().delete()
    with django_assert_num_queries(3 + 2 + 1):  # the two that are missing, and pools again
        states_of(people, as_of=THURSDAY)


def test_who_has_no_goals_asks_for_none(django_assert_num_queries: Callable) -> None:
    idle = make.distributor()
    assert states(idle, as_of=THURSDAY) == []
    with django_assert_num_queries(1):
        assert states_of([idle], as_of=THURSDAY) == {}


def test_people_of_two_markets_have_their_own_clocks_and_money() -> None:
    berlin = make.market("de", time_zone="Europe/Berlin", currency="EUR", week_start=6)
    people = [make.distributor(), make.distributor(market=berlin), make.distributor()]
    for person in people:
        make.goal(person)
        measure(person, "sales", date(2026, 8, 30), 30)
    sunday_there = datetime(2026, 8, 29, 23, 0, tzinfo=UTC)
    found = states_of(people, as_of=sunday_there)
    assert [found[person.pk][0].first for person in people] == [date(2026, 8, 24), date(2026, 8, 30), date(2026, 8, 24)]
    assert [found[person.pk][0].days_left for person in people] == [2, 7, 2]
    assert [found[person.pk][0].currency for person in people] == ["USD", "EUR", "USD"]
    assert [found[person.pk][0].goal.distributor for person in people] == people


def test_a_goal_that_ended_after_its_row_was_read_is_left_out(
    jenna: Distributor, monkeypatch: pytest.MonkeyPatch
) -> None:
    states(jenna, as_of=THURSDAY)
    stale = {jenna.pk: goals.features.of([jenna.pk])[jenna.pk]}
    Goal.objects.filter(metric="sales").update(ended_at=THURSDAY)
    monkeypatch.setattr(goals.features, "of", lambda ids: stale)
    assert [state.goal.metric for state in states(jenna, as_of=THURSDAY)] == ["enrolments"]


def test_nobody_has_no_states(django_assert_num_queries: Callable) -> None:
    with django_assert_num_queries(0):
        assert states_of([], as_of=THURSDAY) == {}
