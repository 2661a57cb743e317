"""Real purchases of a year: baskets become orders of stores, households customers, departments product lines."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from distributors import complete_journey
from distributors.complete_journey import MissingDataError, day_for_today, events
from distributors.demo.goals import Wish, set_from_history
from distributors.ingest import bulk
from distributors.models import Customer, Distributor, Goal, Order, OrderLine, ProductLine
from tests.distributors import dues

BASKETS = 1500
NOW = datetime(2017, 12, 31, 22, tzinfo=UTC)

needs_data = pytest.mark.skipif(
    complete_journey.find_spec(complete_journey.PACKAGE) is None, reason="the extra `data` is not installed"
)


@needs_data
@pytest.mark.django_db
def test_it_works() -> None:
    complete_journey.open_market()
    summary = bulk(events(BASKETS, until=NOW), received_at=NOW)
    stores = Distributor.objects.with_market()
    assert not summary.failed, summary.errors
    assert summary.stored == BASKETS + stores.count()
    assert Order.objects.count() == BASKETS
    assert {person.name for person in stores} == {f"Store {person.external_id[6:]}" for person in stores}
    assert Customer.objects.filter(kind="customer", name__startswith="Household ").count() == Customer.objects.count()
    assert ProductLine.objects.get(code="drug-gm").name == "Drug gm"
    check_money()
    assert set_from_history(list(stores), [Wish("sales", Goal.Period.WEEK)], as_of=NOW) == Goal.objects.count()
    busiest = max(stores, key=lambda person: person.orders.count())
    due = dues.due(busiest, as_of=NOW)
    assert due
    assert all(one.customer.given_name.split()[1].isdigit() for one in due)


def check_money() -> None:
    order = Order.objects.order_by("event_id").first()
    assert order is not None
    assert order.amount == sum((line.amount for line in order.lines.all()), Decimal(0))
    # 17 products of the transactions are missing from the product table, so they have no department.
    lost = OrderLine.objects.filter(line__code="other").select_related("product")
    assert all(line.product.name == f"Product {line.product.sku}" for line in lost)
    assert lost.count() < 0.01 * OrderLine.objects.count()


@needs_data
def test_events_are_plain_json_in_time_order() -> None:
    told = list(events(300))
    assert json.loads(json.dumps(told)) == told
    times = [one["time"] for one in told if one["type"] == "order.placed"]
    assert times == sorted(times)
    assert len(times) == 300
    known: set[str] = set()
    for one in told:
        assert one["type"] == "distributor.enrolled" or one["subject"] in known
        known.add(one["subject"])


@needs_data
def test_until_and_limit_keep_the_latest_baskets() -> None:
    until = datetime(2017, 6, 1, tzinfo=UTC)
    told = [one for one in events(50, until=until) if one["type"] == "order.placed"]
    assert len(told) == 50
    assert "2017-05-31" in told[0]["time"]
    assert told[-1]["time"] < "2017-06-01"


@needs_data
def test_moved_by_weeks_they_keep_their_weekday() -> None:
    shift = timedelta(weeks=450)
    plain = list(events(20))
    moved = list(events(20, shift.days))
    for one, other in zip(plain, moved, strict=True):
        assert datetime.fromisoformat(other["time"]) - datetime.fromisoformat(one["time"]) == shift


@pytest.mark.parametrize("ahead", range(7))
def test_the_day_that_stands_for_today_has_its_weekday(ahead: int) -> None:
    today = date(2026, 8, 24) + timedelta(days=ahead)
    latest, chosen = day_for_today(today), day_for_today(today, date(2017, 10, 15))
    assert latest.weekday() == chosen.weekday() == today.weekday()
    assert complete_journey.LAST_DAY - timedelta(days=6) <= latest <= complete_journey.LAST_DAY
    assert date(2017, 10, 15) <= chosen <= date(2017, 10, 21)
    assert day_for_today(today, date(2017, 12, 31)) == latest


def test_without_the_data_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complete_journey, "find_spec", lambda name: None)
    with pytest.raises(MissingDataError, match="pip install"):
        complete_journey.folder()
