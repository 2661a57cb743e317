from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest

from distributors.metrics import METRICS, How, metric_key, split_key, totals, weekly
from distributors.remainders import Ask, values
from tests import factories as make

from .measures import measure

pytestmark = pytest.mark.django_db

TODAY = date(2026, 8, 27)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_it_works() -> None:
    seller = make.distributor()
    for days, value in ((0, 10), (6, 5), (7, 3), (20, 2), (21, 100), (-1, 100)):
        measure(seller, "sales", ago(days), value)
    assert weekly([seller.pk], "sales", "", 3, TODAY) == {seller.pk: [2, 3, 15]}


def test_everybody_asked_for_is_answered() -> None:
    one, two = make.distributor(), make.distributor()
    measure(one, "orders", TODAY, 1)
    assert weekly([one.pk, two.pk], "orders", "", 2, TODAY) == {one.pk: [0, 1], two.pk: [0, 0]}


def test_a_ratio_by_week() -> None:
    seller = make.distributor()
    measure(seller, "sales", TODAY, 100)
    measure(seller, "orders", TODAY, 3)
    measure(seller, "sales", ago(8), 10)
    assert weekly([seller.pk], "order_size", "", 2, TODAY) == {seller.pk: [0, Decimal("33.33")]}


def test_recruits_by_week_count_once_each() -> None:
    seller = make.distributor()
    one, two = make.distributor(sponsor=seller), make.distributor(sponsor=seller)
    for person, days in ((one, 0), (one, 1), (two, 2), (one, 8)):
        measure(person, "orders", ago(days), 1)
    assert weekly([seller.pk], "retained_recruits", "", 2, TODAY) == {seller.pk: [1, 2]}


def test_a_line_by_itself() -> None:
    seller = make.distributor()
    measure(seller, "sales", TODAY, 100)
    measure(seller, "sales", TODAY, 30, scope="eye")
    assert weekly([seller.pk], "sales", "eye", 1, TODAY) == {seller.pk: [30]}


@pytest.mark.parametrize("metric", list(METRICS))
def test_values_equal_totals(metric: str) -> None:
    seller = make.distributor()
    people = [seller, *(make.distributor(sponsor=seller) for _ in range(3))]
    stored = [name for name, definition in METRICS.items() if definition.how is How.SUM]
    for n, person in enumerate(people):
        for name in stored:
            for days in range(0, 28, n + 3):
                measure(person, name, ago(days), Decimal(days * 7 + n + 1) / 4)
    measure(make.distributor(sponsor=seller), "orders", TODAY, -1)  # a refund alone is not an active recruit
    windows = [(ago(27), ago(14)), (ago(13), TODAY), (ago(400), ago(300))]
    asked = [Ask(person.pk, metric, "", first, last) for person in people for first, last in windows]
    expected = [
        totals([person.pk], metric, "", first, last).get(person.pk, Decimal(0))
        for person in people
        for first, last in windows
    ]
    assert values(asked) == expected


def test_queries_are_pinned(django_assert_num_queries: Callable) -> None:
    ids = [make.distributor().pk for _ in range(5)]
    with django_assert_num_queries(1):
        weekly(ids, "sales", "", 8, TODAY)
    with django_assert_num_queries(2):
        weekly(ids, "order_size", "", 8, TODAY)
    with django_assert_num_queries(1):
        weekly(ids, "retained_recruits", "", 8, TODAY)
    with django_assert_num_queries(2):
        values([Ask(pk, metric, "", ago(9), TODAY) for pk in ids for metric in ("sales", "orders", "order_size")])


@pytest.mark.parametrize("key", ["sales", "sales:eye"])
def test_keys_split_and_join(key: str) -> None:
    assert metric_key(*split_key(key)) == key
