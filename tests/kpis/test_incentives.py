from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from distributors.models import Distributor
from kpis.circles import enter
from kpis.incentives import contest_neighbours, standings, within_reach
from kpis.models import Incentive
from tests import factories as make
from tests.distributors.measures import measure

pytestmark = pytest.mark.django_db

THURSDAY = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)
TODAY = date(2026, 8, 27)


@pytest.fixture
def jenna() -> Distributor:
    return make.distributor(external_id="jenna")


def test_it_works(jenna: Distributor) -> None:
    award = make.incentive({1000: "A watch", 3000: "A weekend"})
    measure(jenna, "sales", date(2026, 7, 1), 500)
    measure(jenna, "sales", date(2026, 8, 20), 300)
    [reach] = within_reach(jenna, as_of=THURSDAY)
    assert (reach.incentive, reach.tier_prize, reach.value, reach.threshold) == (award, "A watch", 800, 1000)
    assert (reach.left, reach.percent, reach.last) == (200, 80, date(2026, 9, 30))
    assert reach.per_week == 40  # 200 over the 35 days to 30 September


def test_the_next_tier_after_one_is_won(jenna: Distributor) -> None:
    make.incentive({1000: "A watch", 1500: "A weekend"})
    measure(jenna, "sales", TODAY - timedelta(days=2), 1350)
    [reach] = within_reach(jenna, as_of=THURSDAY)
    assert (reach.tier_prize, reach.percent) == ("A weekend", 90)
    measure(jenna, "sales", TODAY - timedelta(days=1), 150)
    assert within_reach(jenna, as_of=THURSDAY) == []


def test_far_ones_wait_behind_a_link(jenna: Distributor) -> None:
    """35 days left; $20 a day at one and a quarter times her pace is $875."""
    make.incentive({876: "Far"}, starts_on=TODAY)
    make.incentive({875: "Near"}, starts_on=TODAY)
    for days in range(1, 85):
        measure(jenna, "sales", TODAY - timedelta(days=days), 20)
    assert [reach.tier_prize for reach in within_reach(jenna, as_of=THURSDAY)] == ["Near"]


def test_more_than_half_made_is_not_near_when_the_rest_takes_a_pace_she_never_had(jenna: Distributor) -> None:
    """77 % made, $271 a week to go, at a usual week of $189."""
    make.incentive({2900: "A watch"}, starts_on=TODAY - timedelta(days=83), ends_on=TODAY + timedelta(days=16))
    measure(jenna, "sales", TODAY - timedelta(days=40), "2242.50")
    assert within_reach(jenna, as_of=THURSDAY) == []
    [standing] = standings(jenna, as_of=THURSDAY)
    assert standing.reach and (standing.reach.percent, standing.reach.per_week, standing.is_near) == (77, 271, False)


def test_nine_tenths_are_near_whatever_the_pace(jenna: Distributor) -> None:
    make.incentive({1000: "A watch"}, starts_on=TODAY)
    measure(jenna, "sales", TODAY, "899.99")
    assert within_reach(jenna, as_of=THURSDAY) == []
    measure(jenna, "sales", TODAY + timedelta(days=1), "0.01")
    assert [reach.percent for reach in within_reach(jenna, as_of=THURSDAY)] == [90]


def test_only_her_market_running_now_and_awards(jenna: Distributor) -> None:
    measure(jenna, "sales", TODAY, 900)
    make.incentive(market=make.market("de", currency="EUR"))
    make.incentive(ends_on=TODAY - timedelta(days=1))
    make.incentive(starts_on=TODAY + timedelta(days=1))
    make.incentive(form=Incentive.Form.CONTEST)
    assert within_reach(jenna, as_of=THURSDAY) == []


def test_the_last_week_asks_for_all_of_it(jenna: Distributor) -> None:
    make.incentive(ends_on=TODAY)
    measure(jenna, "sales", TODAY, 900)
    [reach] = within_reach(jenna, as_of=THURSDAY)
    assert reach.per_week == 100


def test_a_ratio_is_near_or_not(jenna: Distributor) -> None:
    make.incentive({50: "A pin"}, metric="order_size")
    measure(jenna, "orders", TODAY, 1)
    measure(jenna, "sales", TODAY, 44)
    assert within_reach(jenna, as_of=THURSDAY) == []
    measure(jenna, "sales", TODAY - timedelta(days=1), 1)
    assert [reach.percent for reach in within_reach(jenna, as_of=THURSDAY)] == [90]


def test_queries_are_pinned(jenna: Distributor, django_assert_num_queries: Callable) -> None:
    for _ in range(5):
        make.incentive()
    jenna = Distributor.objects.with_market().get(pk=jenna.pk)
    with django_assert_num_queries(3):
        within_reach(jenna, as_of=THURSDAY)
    Incentive.objects.all().delete()
    with django_assert_num_queries(1):
        within_reach(jenna, as_of=THURSDAY)


def contest_with(*scores: int) -> tuple[Incentive, list[Distributor]]:
    contest = make.incentive(form=Incentive.Form.CONTEST)
    people = [make.distributor() for _ in scores]
    for person, score in zip(people, scores, strict=True):
        measure(person, "sales", TODAY, score)
    return contest, people


def strip(me: Distributor, contest: Incentive) -> list[tuple[int | None, Decimal, bool]]:
    return [(n.place, n.value, n.is_me) for n in contest_neighbours(me, contest, as_of=THURSDAY)]


def test_neighbours_are_the_place_above_and_below() -> None:
    contest, people = contest_with(500, 400, 300, 200, 100)
    assert strip(people[2], contest) == [(2, 400, False), (3, 300, True), (4, 200, False)]
    assert strip(people[0], contest) == [(1, 500, True), (2, 400, False)]
    assert strip(people[4], contest) == [(4, 200, False), (5, 100, True)]


def test_a_tie_shares_its_place() -> None:
    contest, people = contest_with(500, 300, 300, 300, 100)
    assert strip(people[2], contest) == [(1, 500, False), (2, 300, True), (2, 300, False)]


def test_fewer_than_five_is_no_contest() -> None:
    contest, people = contest_with(500, 400, 300, 200)
    assert strip(people[0], contest) == []


def test_nobody_has_a_place_before_five_have_begun() -> None:
    contest, people = contest_with(0, 0, 0, 0, 0, 0)
    assert strip(people[0], contest) == []
    contest, people = contest_with(500, 400, 300, 200, 0, 0)
    assert [strip(person, contest) for person in people] == [[]] * 6


def test_who_has_made_nothing_has_no_place() -> None:
    contest, people = contest_with(500, 400, 300, 200, 100, 0, 0, -20)
    assert strip(people[5], contest) == [(5, 100, False), (None, 0, True)]
    assert strip(people[7], contest) == [(5, 100, False), (None, -20, True)]
    assert strip(people[4], contest) == [(4, 200, False), (5, 100, True)], "nobody without a place is below her"


def test_only_people_like_her() -> None:
    """Twelve with the nearest sales before it began: not the three giants, not other markets, not who left."""
    for n in range(3):
        giant = make.distributor(name=f"Giant {n}")
        measure(giant, "sales", date(2026, 6, 1), 9000)
        measure(giant, "sales", TODAY, 150)
    contest, people = contest_with(*range(100, 1300, 100))
    me = people[0]
    for fields in ({"market": make.market("de", currency="EUR")}, {"left_on": TODAY}):
        measure(make.distributor(**fields), "sales", TODAY, 150)
    measure(make.distributor(joined_on=TODAY), "sales", TODAY, 150)
    assert strip(me, contest) == [(11, 200, False), (12, 100, True)]


def test_contest_queries_are_pinned(django_assert_num_queries: Callable) -> None:
    contest, people = contest_with(*range(100, 900, 100))
    later = make.distributor(joined_on=TODAY)
    enter(contest)
    with django_assert_num_queries(3):
        contest_neighbours(people[3], contest, as_of=THURSDAY)
    with django_assert_num_queries(5):
        contest_neighbours(later, contest, as_of=THURSDAY)
