"""The company's priorities as they are kept between requests: as columns, in words, and that no change is ever missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from activities import shelf, steering
from activities.models import Activity, ScaleSet
from activities.scales import FIRST, FIRST_OWN
from activities.steering import Course
from distributors import versions
from distributors.blocks import calendar_of
from distributors.models import Market
from kpis import priorities
from kpis.models import KPI, Campaign, Priority, PriorityVersion
from kpis.priorities import NONE
from tests import factories as f
from tests.activities.stage import catalogue

pytestmark = pytest.mark.django_db


def course(days_on: int = 0) -> Course:
    """As a reader gets it, that many days after NOW."""
    numbers = versions.current()
    found = shelf.of(numbers)
    return steering.of(numbers, found, tuple(calendar_of(found.markets, f.NOW + timedelta(days=days_on)).today))


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
    assert found.priorities_for(f.distributor(own_goal_share=Decimal("0.8"))) == NONE


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
        mine = [found.priorities_for(person) for person in people]
    assert [one.focus for one in mine] == ["sales", "Umsatz", "ventas", "sales"]
    assert [one.own_goal_share for one in mine] == [0.6, 0.6, 0.9, 0.6]
    assert mine == [priorities.for_distributor(person, as_of=f.NOW) for person in people]


def publish(points: int) -> None:
    f.priority_version(Campaign.objects.get(), {KPI.objects.get(name="Sales"): points})


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
    "other keys": lambda: f.activity("more", impacts={"contacts_added": 1}),
}  # fmt: skip


def said(found: Course) -> str:
    arrays = [column.tolist() for column in found.arrays[:-1]]
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
        steering.of(numbers, old, course().days[:2])  # by numbers read before the change: not to be kept
        transaction.set_rollback(True)
    assert said(course()) == before


def test_a_new_local_day_is_seen(campaign: Campaign) -> None:
    Campaign.objects.update(ends_on=f.TODAY)
    assert [bool(one.weights) for one in course().priorities] == [True, True]
    at = (f.NOW + timedelta(hours=8)).astimezone(Market.objects.get(code="de").zone)  # tomorrow in Berlin only
    numbers, found = versions.current(), shelf.current()
    days = tuple(calendar_of(found.markets, at).today)
    assert [bool(one.weights) for one in steering.of(numbers, found, days).priorities] == [True, False]
    assert [bool(one.weights) for one in course(days_on=1).priorities] == [False, False]


def test_one_query_when_nothing_changed(campaign: Campaign, django_assert_num_queries: Any) -> None:
    found = course()
    with django_assert_num_queries(1):
        assert course() is found
    Campaign.objects.update(name="Renamed")
    with django_assert_num_queries(5):  # numbers before and after, two markets, scales; the shelf still holds
        assert course() is not found


def test_a_course_points_into_the_shelf_it_was_asked_for(campaign: Campaign) -> None:
    """Numbers read, catalogue changed, shelf built: newer than its numbers, and with other keys."""
    numbers, days = versions.current(), course().days
    shelf.KEPT.results.clear()
    Activity.objects.create(
        key="a", kind="refocus", status="published", impacts={"active_days": 1, "contacts_added": 2}
    )
    newer = shelf.of(numbers)
    found = steering.of(numbers, newer, days)
    assert found.arrays.key[0].tolist() == [newer.key_index["sales"], newer.key_index["contacts_added"]]
