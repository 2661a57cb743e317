"""Everything derived can be lost or damaged and comes back from events."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F

from distributors import features, ingest
from distributors.models import Customer, CustomerLine, Distributor, Feature, FeatureMark, Measure, Order, OrderLine
from tests import factories

from .test_fold import NOW, history, stage, state

pytestmark = pytest.mark.django_db


@pytest.fixture
def before() -> dict[str, list[Any]]:
    stage()
    assert not ingest.bulk(history(Random(3)), received_at=NOW).failed
    assert OrderLine.objects.exists() and Order.objects.filter(is_repeat=True).exists()
    return state()


def test_it_works(before: dict[str, list[Any]]) -> None:
    report = ingest.rebuild()
    assert report.equal
    assert report.events == len(before["events"])
    assert state() == before


def lose_everything() -> None:
    CustomerLine.objects.all().delete()
    OrderLine.objects.all().delete()
    Order.objects.all().delete()
    Measure.objects.all().delete()
    Customer.objects.update(
        orders=0, spent=0, first_order_on=None, last_order_on=None, usual_gap_days=None, kind="prospect"
    )


DAMAGES: dict[str, Callable[[], Any]] = {
    "everything lost": lose_everything,
    "a measure changed": lambda: Measure.objects.filter(metric="sales").update(value=F("value") + 1),
    "a measure too many": lambda: Measure.objects.create(
        distributor_id=Order.objects.first().distributor_id, metric="sales", day=date(2020, 1, 1), value=5
    ),
    "an amount changed": lambda: Order.objects.filter(pk=Order.objects.first().pk).update(amount=1),
    "repeat orders forgotten": lambda: Order.objects.update(is_repeat=False),
    "a line twice": lambda: OrderLine.objects.create(
        **{k: v for k, v in OrderLine.objects.values().first().items() if k != "id"}
    ),
    "a line lost": lambda: OrderLine.objects.first().delete(),
    "a customer's dates changed": lambda: Customer.objects.update(last_order_on=date(2020, 1, 1), usual_gap_days=1),
    "ranks forgotten": lambda: Distributor.objects.update(rank=""),
    "a rank changed": lambda: Distributor.objects.filter(external_id="ann").update(rank="Diamond"),
    "a customer's line lost": lambda: CustomerLine.objects.first().delete(),
    "a customer's line changed": lambda: CustomerLine.objects.update(price=F("price") + 1),
    "a customer's line moved": lambda: CustomerLine.objects.filter(pk=CustomerLine.objects.first().pk).update(
        last_on=date(2020, 1, 1)
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_put_right(before: dict[str, list[Any]], damage: str) -> None:
    DAMAGES[damage]()
    damaged = state()
    assert damaged != before
    found = ingest.rebuild(check=True)
    assert not found.equal
    assert state() == damaged, "--check writes nothing"
    assert ingest.rebuild() == found
    assert state() == before
    assert ingest.rebuild(check=True).equal


def test_a_compact_row_that_is_wrong_without_a_mark_is_found_and_made_again(before: dict[str, list[Any]]) -> None:
    people = list(Distributor.objects.values_list("pk", flat=True))
    features.refresh(people)
    right = rows()
    wrong = Distributor.objects.get(external_id="ann").pk
    Feature.objects.filter(pk=wrong).update(days=b"wrong")
    assert ingest.rebuild(check=True).features == 1
    assert rows() != right, "--check writes nothing"
    found = ingest.rebuild()
    assert (found.features, found.equal) == (1, False)
    assert rows() == right
    assert ingest.rebuild(check=True).equal


def rows() -> list[tuple[Any, ...]]:
    columns = ("pk", "identity", "goals", "days", "customers", "lines", "recruits")
    return [
        tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
        for row in Feature.objects.order_by("pk").values_list(*columns)
    ]


def test_repaired_facts_reach_the_compact_rows(before: dict[str, list[Any]]) -> None:
    people = list(Distributor.objects.values_list("pk", flat=True))
    features.refresh(people)
    right = rows()
    CustomerLine.objects.all().delete()
    features.of(people)
    assert rows() != right
    assert not FeatureMark.objects.exists()
    assert not ingest.rebuild().equal
    features.of(people)
    assert rows() == right


def test_a_person_added_by_hand_is_left_alone(before: dict[str, list[Any]]) -> None:
    ana = factories.customer(Order.objects.first().distributor, name="Ana", kind="prospect")
    assert ingest.rebuild().equal
    ana.refresh_from_db()
    assert (ana.name, ana.kind) == ("Ana", "prospect")


def test_the_command_reports(before: dict[str, list[Any]]) -> None:
    out = StringIO()
    call_command("rebuild", check=True, stdout=out)
    assert json.loads(out.getvalue()) == {
        "events": len(before["events"]), "orders": 0, "order_lines": 0, "measures": 0, "customers": 0,
        "customer_lines": 0, "ranks": 0, "features": 0, "equal": True,
    }  # fmt: skip
    Measure.objects.all().delete()
    with pytest.raises(SystemExit) as exit:
        call_command("rebuild", check=True, stdout=out)
    assert exit.value.code == 1
    call_command("rebuild", stdout=out)
    assert state() == before
