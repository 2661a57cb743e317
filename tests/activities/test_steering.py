"""The company's priorities as they are kept between requests: as columns, in words, and that no change is ever missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from activities.models import Activity, ScaleSet
from activities.ranking import shelf, steering
from activities.ranking.person import rank
from activities.ranking.scales import FIRST, FIRST_OWN
from activities.ranking.steering import Course
from distributors import versions
from distributors.blocks import calendar_of
from distributors.models import Distributor, Market, Segment
from kpis import priorities
from kpis.models import KPI, Campaign, Priority, PriorityVersion
from kpis.priorities import NONE, Priorities
from tests import factories as f
from tests.activities.stage import catalogue

pytestmark = pytest.mark.django_db


def course(as_of: datetime = f.NOW) -> Course:
    """As a reader gets it."""
    numbers = versions.current()
    found = shelf.of(numbers)
    return steering.of(numbers, found, calendar_of(found.markets, as_of))


def counts_for(person: Distributor, as_of: datetime = f.NOW) -> Priorities:
    """What her page is ranked with."""
    return rank(person, as_of=as_of).priorities


def repeat(**fields: Any) -> KPI:
    return f.kpi(**{"name": "Repeat", "metric": "repeat_orders", "scope": "eye", "focus": "repeat orders"} | fields)


@pytest.fixture
def campaign() -> Campaign:
    """Sales for everybody, in a company with two markets."""
    f.market("us")
    f.market("de", currency="EUR", time_zone="Europe/Berlin", language="de", price_level=Decimal("1.5"))
    catalogue()
    found = f.campaign()
    sales = f.kpi(name="Sales", metric="sales", focus="sales", focus_by_language={"de": "Umsatz", "es": "ventas"})
    f.priority_version(found, {sales: 60, f.kpi(name="Contacts", metric="contacts_added", focus="contacts"): 40})
    return found


def test_it_works(campaign: Campaign) -> None:
    us, de = Market.objects.order_by("pk")
    local = f.campaign(starts_on=f.TODAY)
    local.markets.add(de)
    f.priority_version(local, {repeat(direction=KPI.Direction.DOWN): 100}, own_goal_share=Decimal("0.75"))
    found, keys = course(), shelf.current().key_index
    arrays = found.arrays
    assert found.market_index == {us.pk: 0, de.pk: 1}
    assert arrays.key.tolist() == [[keys["sales"], -1], [keys["repeat_orders:eye"], -1]]  # nothing adds contacts
    assert arrays.weight.tolist() == [[0.6, 0.4], [1, 0]]
    assert arrays.direction.tolist() == [[1, 1], [-1, 1]]
    assert arrays.scale.tolist() == [[FIRST["sales"], FIRST["contacts_added"]], [FIRST["repeat_orders"], 1]]
    assert (arrays.share.tolist(), arrays.own_scale) == ([0.6, 0.75], FIRST_OWN)
    assert [one.focus for one in found.priorities] == ["sales", "repeat orders"]
    assert [one.campaign for one in found.priorities] == [campaign, local]


def test_frozen_scales_of_each_market(campaign: Campaign) -> None:
    ScaleSet.objects.create(version=3, values={"own": 0.1, "kpi": {"sales@us": 11.0}}, people=9, frozen_at=f.NOW)
    found = course()
    assert (found.scales.version, found.arrays.own_scale) == (3, 0.1)
    assert found.arrays.scale[:, 0].tolist() == [11.0, FIRST["sales"] * 1.5]


def test_without_priorities_the_ranking_is_hers_alone(campaign: Campaign) -> None:
    Campaign.objects.update(status=Campaign.Status.DRAFT)
    found = course()
    assert found.priorities == [NONE, NONE]
    assert found.arrays.key.shape == found.arrays.weight.shape == found.arrays.scale.shape == (2, 0)
    assert found.arrays.share.tolist() == [1, 1]
    assert found.priorities_for(f.distributor(own_goal_share=Decimal("0.8")), 0) == NONE


def test_a_market_without_priorities_beside_one_that_has_some(campaign: Campaign) -> None:
    campaign.markets.add(Market.objects.get(code="us"))
    arrays = course().arrays
    assert (arrays.weight.tolist(), arrays.share.tolist()) == ([[0.6, 0.4], [0, 0]], [0.6, 1])
    assert arrays.key[1].tolist() == [-1, -1] and arrays.scale.all()


def test_hers_in_her_language_and_with_her_share(campaign: Campaign, django_assert_num_queries: Any) -> None:
    de = Market.objects.get(code="de")
    people = [
        f.distributor(market=f.market("us")),
        f.distributor(market=de),
        f.distributor(market=de, language="es", own_goal_share=Decimal("0.90")),
        f.distributor(market=de, language="fr", own_goal_share=Decimal("0.50")),
    ]
    found = course()
    with django_assert_num_queries(0):
        mine = [found.priorities_for(person, found.market_index[person.market_id]) for person in people]
    assert [one.focus for one in mine] == ["sales", "Umsatz", "ventas", "sales"]
    assert [one.own_goal_share for one in mine] == [0.6, 0.6, 0.9, 0.6]
    asked = [priorities.for_market(person.market, f.NOW, language=person.speaks) for person in people]
    assert mine == [priorities.with_her_share(one, person) for one, person in zip(asked, people, strict=True)]


def publish(points: int, **fields: Any) -> PriorityVersion:
    return f.priority_version(Campaign.objects.get(), {KPI.objects.get(name="Sales"): points}, **fields)


def newcomers() -> Segment:
    return Segment.objects.get_or_create(name="New", defaults={"days_to": 60})[0]


def segment_of_a_kpi() -> KPI:
    made = KPI.objects.get(name="Contacts")
    made.segment = newcomers()
    return made


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


CHANGES: dict[str, Callable[[], object]] = {
    "published": lambda: publish(100),
    "ended": lambda: Campaign.objects.update(status="ended"),
    "longer": lambda: Campaign.objects.update(ends_on=f.TODAY + timedelta(days=99)),
    "a market named": lambda: Campaign.objects.get().markets.add(f.market("de")),
    "another words": lambda: KPI.objects.filter(name="Sales").update(focus="more sales"),
    "direction by plain SQL": lambda: sql("UPDATE kpis_kpi SET direction = -1"),
    "in bulk": lambda: Priority.objects.bulk_create([Priority(version=PriorityVersion.objects.get(), kpi=repeat(), weight=9)]),
    "scales": lambda: ScaleSet.objects.create(version=1, values={"own": 1.0, "kpi": {}}, people=1, frozen_at=f.NOW),
    "price level": lambda: Market.objects.update(price_level=9),
    "another market": lambda: f.market("fr"),
    "for a segment": lambda: Campaign.objects.update(segment=newcomers()),
    "a segment's days": lambda: segment_of_a_kpi().save(),
    "scheduled": lambda: publish(100, starts_on=f.TODAY, starts_time=time(1)),
    "other keys": lambda: f.activity("more", impacts={"contacts_added": 1}),
}  # fmt: skip


def said(found: Course) -> str:
    arrays = [column.tolist() for column in found.arrays[:5]]
    return repr((arrays, found.arrays.own_scale, found.priorities, found.scales, found.market_index))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_is_seen_at_once_and_gone_when_rolled_back(
    campaign: Campaign, change: Callable[[], object]
) -> None:
    numbers, old, before = versions.current(), shelf.current(), said(course())
    with transaction.atomic():
        change()
        assert said(course()) != before
        steering.KEPT.results.clear()
        steering.BOARDS.results.clear()
        steering.of(numbers, old, calendar_of(old.markets, f.NOW))  # by numbers read before the change: not to be kept
        transaction.set_rollback(True)
    assert said(course()) == before


def test_a_campaign_ends_with_each_markets_own_day(campaign: Campaign) -> None:
    Campaign.objects.update(ends_on=f.TODAY)
    assert [bool(one.weights) for one in course().priorities] == [True, True]
    evening = f.NOW + timedelta(hours=8)  # tomorrow in Berlin only
    assert [bool(one.weights) for one in course(evening).priorities] == [True, False]
    assert [bool(one.weights) for one in course(f.NOW + timedelta(days=1)).priorities] == [False, False]


def test_a_start_is_seen_at_its_instant_without_any_write(campaign: Campaign) -> None:
    """Kept courses hold between two moments of the board: nothing is written, and none is served past one."""
    nine = f.NOW.replace(hour=13, minute=0)  # in New York; in Berlin it was six hours ago
    local = f.campaign(starts_on=f.TODAY, starts_time=time(9), ends_on=f.TODAY, ends_time=time(9, 30))
    f.priority_version(local, {repeat(): 100})
    numbers = versions.current()
    before, after = course(nine - timedelta(microseconds=1)), course(nine)
    assert [one.campaign for one in before.priorities] == [campaign, campaign]  # Berlin's half hour is over
    assert [one.campaign for one in after.priorities] == [local, campaign]
    assert [one.campaign for one in course(nine - timedelta(hours=6)).priorities] == [campaign, local]
    assert course(nine + timedelta(minutes=29)) is after
    assert course(nine - timedelta(minutes=1)) is before
    assert [one.campaign for one in course(nine + timedelta(minutes=30)).priorities] == [campaign, campaign]
    assert versions.current() == numbers


def test_a_scheduled_version_takes_over_at_its_instant_without_any_write(campaign: Campaign) -> None:
    publish(100, starts_on=f.TODAY, starts_time=time(18))
    six = f.NOW.replace(hour=22)  # in New York; in Berlin it was six hours ago
    numbers = versions.current()

    def counting(as_of: datetime) -> list[str]:
        return [one.version.split(".")[1] for one in course(as_of).priorities]

    assert counting(six - timedelta(hours=6, microseconds=1)) == ["1", "1"]
    assert counting(six - timedelta(hours=6)) == counting(six - timedelta(microseconds=1)) == ["1", "2"]
    assert counting(six) == ["2", "2"]
    assert versions.current() == numbers


def test_a_campaign_for_newcomers_counts_for_them_only(campaign: Campaign) -> None:
    local = f.campaign(segment=newcomers())
    f.priority_version(local, {repeat(): 100})
    day = timedelta(days=1)
    us, de = Market.objects.order_by("pk")
    new, old, last = (
        f.distributor(market=market, joined_on=f.TODAY - days * day) for market, days in ((us, 1), (de, 61), (de, 60))
    )
    assert [counts_for(one).campaign for one in (new, old, last)] == [local, campaign, local]
    assert counts_for(last, f.NOW + day).campaign == campaign  # from her 61st day on
    arrays = course().arrays
    assert arrays.weight.shape[0] == 4  # two markets, in the segment or not
    assert arrays.weight.tolist() == [[0.6, 0.4], [1, 0], [0.6, 0.4], [1, 0]]


def test_a_kpi_for_a_segment_counts_for_them_only(campaign: Campaign) -> None:
    """Who is not of it has the other weights, made to sum to 1."""
    leads = Segment.objects.create(name="Leaders", team="leads")
    KPI.objects.filter(name="Contacts").update(segment=leads)
    leader, alone = f.distributor(), f.distributor()
    f.distributor(sponsor=leader)
    f.distributor(sponsor=alone, left_on=f.TODAY)
    assert counts_for(leader).weights == {"sales": 0.6, "contacts_added": 0.4}
    assert counts_for(alone).weights == {"sales": 1}


def test_a_kpi_of_another_market_is_left_out(campaign: Campaign) -> None:
    us, de = Market.objects.order_by("pk")
    KPI.objects.filter(name="Contacts").update(market=de)
    assert [list(one.weights) for one in course().priorities] == [["sales"], ["sales", "contacts_added"]]
    assert counts_for(f.distributor(market=us)).weights == {"sales": 1}


def test_who_has_no_kpi_of_the_narrow_campaign_has_the_next_one(campaign: Campaign) -> None:
    Segment.objects.create(name="Leaders", team="leads")
    local = f.campaign()
    local.markets.add(f.market("us"))
    f.priority_version(local, {repeat(segment=newcomers()): 100})
    new, old = f.distributor(joined_on=f.TODAY), f.distributor()
    assert [counts_for(one).campaign for one in (new, old)] == [local, campaign]


def test_no_query_when_it_is_kept(campaign: Campaign, django_assert_num_queries: Any) -> None:
    f.priority_version(f.campaign(segment=newcomers(), starts_on=f.TODAY, starts_time=time(1)), {repeat(): 100})
    found, numbers, shelved = course(), versions.current(), shelf.current()
    with django_assert_num_queries(0):
        assert steering.of(numbers, shelved, calendar_of(shelved.markets, f.NOW + timedelta(hours=1))) is found
    person = f.distributor()
    rank(person, as_of=f.NOW)
    with django_assert_num_queries(2):  # her two rows, with the version numbers; without goals no pools
        rank(person, as_of=f.NOW)


def test_one_query_when_nothing_changed(campaign: Campaign, django_assert_num_queries: Any) -> None:
    found = course()
    with django_assert_num_queries(1):
        assert course() is found
    Campaign.objects.update(name="Renamed")
    with django_assert_num_queries(
        8
    ):  # numbers, the board (4), scales, each checked against the numbers; the shelf holds
        assert course() is not found


def test_a_course_points_into_the_shelf_it_was_asked_for(campaign: Campaign) -> None:
    """Numbers read, catalogue changed, shelf built: newer than its numbers, and with other keys."""
    numbers = versions.current()
    course()
    shelf.KEPT.results.clear()
    Activity.objects.create(
        key="a", kind="refocus", status="published", impacts={"active_days": 1, "contacts_added": 2}
    )
    newer = shelf.of(numbers)
    found = steering.of(numbers, newer, calendar_of(newer.markets, f.NOW))
    assert found.arrays.key[0].tolist() == [newer.key_index["sales"], newer.key_index["contacts_added"]]
