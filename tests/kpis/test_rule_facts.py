"""Days of the campaign that counts for her, and what the next prize still needs, for a block as for one person."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from distributors import segments
from distributors.conditions import Fact
from distributors.conditions.vocabulary import VOCABULARY, Source
from distributors.metrics import totals
from distributors.models import Distributor, Market, SegmentMember
from kpis import board as boards
from kpis import incentives, rule_facts
from kpis.incentives import Reach
from kpis.models import KPI, Campaign, Incentive
from tests import factories as make
from tests.distributors.measures import measure
from tests.factories import NOW, TODAY
from tests.facts import block_of, fact, statements, told

pytestmark = pytest.mark.django_db

SEEDS = int(os.environ.get("PEP_SEEDS", "6"))
#: 10:30 UTC: the 27th in New York, the 28th already on Kiritimati.
AS_OF = datetime(2026, 8, 27, 10, 30, tzinfo=UTC)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def asked_of(people: Sequence[Distributor], one: Fact, as_of: datetime = NOW) -> list[Any]:
    return told(rule_facts.columns([one], block_of(people, as_of))[one])


def campaign(name: str, pk: int = 0) -> Fact:
    return fact(f"campaign_days_{name}", campaign=pk)


def prize(name: str, pk: int = 0) -> Fact:
    return fact(f"prize_{name}", incentive=pk)


def live(**fields: Any) -> Campaign:
    made = make.campaign(**fields)
    make.priority_version(made, {make.kpi(): 100})
    return made


def test_it_works() -> None:
    her = make.distributor()
    live(starts_on=ago(10), ends_on=ago(-20))
    make.incentive({1000: "A watch", 2000: "A trip"}, ends_on=ago(-6))
    measure(her, "sales", ago(3), 1500)
    asked = [campaign("run"), campaign("left"), prize("percent"), prize("days_left")]
    found = rule_facts.columns(asked, block_of([her]))
    assert [told(found[one]) for one in asked] == [[10], [20], [75], [7]]


def test_every_fact_of_this_app_is_worked_out() -> None:
    mine = {name for name, one in VOCABULARY.items() if one.source is Source.KPIS}
    assert mine == {*rule_facts.CAMPAIGNS, *rule_facts.PRIZES}
    assert rule_facts.columns([fact("rank")], block_of([make.distributor()])) == {}


# Campaigns


def test_the_campaign_that_counts_for_her_and_no_other() -> None:
    her, member = make.distributor(), make.distributor()
    fell = make.segment(by_rules=True)
    SegmentMember.objects.create(segment=fell, distributor=member, since=TODAY)
    whole, narrow = live(starts_on=ago(30)), live(starts_on=ago(5), segment=fell)
    over = live(starts_on=ago(50), ends_on=ago(40))
    assert asked_of([her, member], campaign("run")) == [30, 5]
    assert asked_of([her, member], campaign("run", whole.pk)) == [30, None]
    assert asked_of([her, member], campaign("run", narrow.pk)) == [None, 5]
    assert asked_of([her, member], campaign("run", over.pk)) == [None, None]
    assert asked_of([her, member], campaign("run", 10**9)) == [None, None]


def test_without_a_campaign_nothing_is_known() -> None:
    make.campaign()  # without weights
    assert asked_of([make.distributor()], campaign("left")) == [None]


def test_each_market_has_its_own_day() -> None:
    there = make.market("ki", time_zone="Pacific/Kiritimati")
    people = [make.distributor(), make.distributor(market=there)]
    live(starts_on=TODAY, ends_on=ago(-3))
    assert asked_of(people, campaign("run"), AS_OF) == [0, 1]
    assert asked_of(people, campaign("left"), AS_OF) == [3, 2]
    assert asked_of(people, campaign("run"), AS_OF - timedelta(hours=8)) == [None, 0]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_block_counts_as_each_person_does(seed: int) -> None:
    chance = random.Random(seed)
    markets = [make.market(), make.market("ki", time_zone="Pacific/Kiritimati")]
    named = [make.segment(days_to=30), make.segment(team="leads"), make.segment(by_rules=True)]
    people = [
        make.distributor(market=chance.choice(markets), joined_on=ago(chance.choice([5, 30, 31, 400])))
        for _ in range(8)
    ]
    for person in people[4:]:
        make.distributor(sponsor=person, market=person.market)
        SegmentMember.objects.create(segment=named[2], distributor=person, since=ago(chance.randint(-1, 3)))
    for _ in range(4):
        one = live(starts_on=ago(chance.randint(-1, 9)), segment=chance.choice([None, *named]))
        one.markets.set(chance.sample(markets, chance.choice([0, 1])))
    limited = make.campaign()
    make.priority_version(limited, {make.kpi(segment=chance.choice(named)): 100})
    expected = [days_run(person) for person in people]
    assert asked_of(people, campaign("run"), AS_OF) == expected
    board = boards.current()
    block = block_of(people, AS_OF)
    with statements() as each:
        found = rule_facts.columns([campaign("run")], block, board)
    assert (told(found[campaign("run")]), each) == (expected, [])


def days_run(person: Distributor) -> int | None:
    """What counts for her KPIs, by asking the database for her segments."""
    board, today = boards.current(), person.local_day(AS_OF)
    hers = frozenset(
        one.pk
        for one in board.segments
        if Distributor.objects.filter(segments.condition(one, today), pk=person.pk).exists()
    )
    weighed = board.counting(person.market, AS_OF, hers)
    return (today - weighed[0].version.campaign.starts_on).days if weighed else None


# Prizes


def test_the_nearest_prize_is_the_one_with_the_most_percent() -> None:
    one, other, idle = (make.distributor() for _ in range(3))
    orders = make.incentive({10: "A pen"}, metric="orders", ends_on=ago(-1))
    sales = make.incentive({1000: "A watch"}, metric="sales", ends_on=ago(-9))
    measure(one, "sales", TODAY, 299)
    measure(one, "orders", TODAY, 3)
    measure(other, "sales", TODAY, 310)
    measure(other, "orders", TODAY, 3)
    everybody = [one, other, idle]
    assert asked_of(everybody, prize("percent")) == [30, 31, 0]
    assert asked_of(everybody, prize("days_left")) == [2, 10, 2]  # of equal ones what ends first
    assert asked_of(everybody, prize("percent", sales.pk)) == [29, 31, 0]
    assert asked_of(everybody, prize("days_left", orders.pk)) == [2, 2, 2]


@pytest.mark.parametrize(
    ("made", "percent"),
    [("999.99", 99), ("1000", 50), ("1999.99", 99), ("2000", None), ("0", 0), ("-50", 0)],
)
def test_a_tier_is_reached_to_the_cent(made: str, percent: int | None) -> None:
    her = make.distributor()
    make.incentive({1000: "A watch", 2000: "A trip"})
    measure(her, "sales", TODAY, made)
    assert asked_of([her], prize("percent")) == [percent]


def test_no_prize_of_another_market_or_day_and_no_contest() -> None:
    her = make.distributor()
    elsewhere = make.incentive(market=make.market("mx"))
    contest = make.incentive(form=Incentive.Form.CONTEST)
    over, ahead = make.incentive(ends_on=ago(1)), make.incentive(starts_on=ago(-1))
    for one in (elsewhere, contest, over, ahead):
        assert asked_of([her], prize("percent", one.pk)) == [None]
    assert asked_of([her], prize("percent")) == [None]


def test_what_came_later_does_not_count_for_a_day_that_is_over() -> None:
    her = make.distributor()
    make.incentive({1000: "A watch"})
    measure(her, "sales", ago(1), 100)
    measure(her, "sales", ago(3), 200)
    assert [asked_of([her], prize("percent"), NOW - timedelta(days=days)) for days in (0, 2, 4)] == [[30], [20], [0]]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_awards_of_a_block_are_those_of_each_person(seed: int) -> None:
    chance = random.Random(seed)
    markets = [make.market(), make.market("ki", time_zone="Pacific/Kiritimati", week_start=Market.Weekday.SUNDAY)]
    people = [make.distributor(market=chance.choice(markets)) for _ in range(6)]
    people += [make.distributor(market=person.market, sponsor=person) for person in people[:4]]
    metrics = ["sales", "orders", "order_size", "retained_recruits"]
    for _ in range(6):
        metric = chance.choice(metrics)
        make.incentive(
            {chance.randint(1, 3): "One", chance.randint(4, 50): "Two"}, market=chance.choice(markets), metric=metric,
            scope="eye" if metric == "sales" and chance.random() < 0.5 else "",
            starts_on=ago(chance.randint(-1, 9)), ends_on=ago(chance.randint(-9, 0)),
        )  # fmt: skip
    for person in people:
        for days in chance.sample(range(12), 4):
            measure(person, "orders", ago(days), chance.randint(0, 2))
            for scope in ("", "eye"):
                measure(person, "sales", ago(days), Decimal(chance.randint(-500, 2500)).scaleb(-2), scope)
    found = {
        pk: asked_of(people, prize("percent", pk), AS_OF) for pk in [0, *Incentive.objects.values_list("pk", flat=True)]
    }
    for place, person in enumerate(people):
        reaches = next_tiers(person)
        for pk in Incentive.objects.values_list("pk", flat=True):
            expected = reaches[pk].percent if pk in reaches else None
            assert found[pk][place] == expected, (pk, person.pk)
        assert found[0][place] == max((one.percent for one in reaches.values()), default=None)


def next_tiers(person: Distributor) -> dict[int, Reach]:
    today, found = person.local_day(AS_OF), {}
    for award in incentives.running(person, Incentive.Form.AWARD, today):
        made = totals([person.pk], award.metric, award.scope, award.starts_on, today).get(person.pk, Decimal(0))
        reach = incentives.next_tier(award, made, today)
        if reach is not None:
            found[award.pk] = reach
    return found


# Queries


def test_as_many_queries_for_forty_as_for_one() -> None:
    """Four for campaigns; awards, their tiers, measures, recruits' measures."""
    live()
    for metric in ("sales", "order_size", "retained_recruits"):
        make.incentive(metric=metric)
    asked = [campaign("run"), campaign("left"), prize("percent"), prize("days_left")]
    counts = []
    for n in (1, 40):
        block = block_of([make.distributor() for _ in range(n)])
        with statements() as each:
            rule_facts.columns(asked, block)
        counts.append(len(each))
    assert counts[0] == counts[1] <= 9, counts


def test_nothing_is_read_that_nobody_asks_for() -> None:
    block = block_of([make.distributor()])
    with statements() as each:
        assert rule_facts.columns([fact("rank"), fact("done", activity="", days=7)], block) == {}
    assert each == []


def test_nobody() -> None:
    live()
    make.incentive()
    asked = [campaign("run"), prize("percent")]
    found = rule_facts.columns(asked, block_of([]))
    assert [len(found[one].values) for one in asked] == [0, 0]


def test_a_kpi_that_is_not_about_her_gives_way() -> None:
    her = make.distributor()
    live(starts_on=ago(20))
    narrow = make.campaign(starts_on=ago(2))
    other: KPI = make.kpi(market=make.market("mx"))
    make.priority_version(narrow, {other: 100})
    assert asked_of([her], campaign("run")) == [20]
