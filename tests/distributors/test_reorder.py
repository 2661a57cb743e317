from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from distributors.models import Customer, Distributor, Product
from distributors.reorder import best_of, details
from distributors.reorder import reasons as reasons_for
from distributors.timing import Reason
from tests import factories as make

from .dues import all_reasons, due, due_of
from .orders import order

pytestmark = pytest.mark.django_db

THURSDAY = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)
TODAY = date(2026, 8, 27)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.fixture
def jenna() -> Distributor:
    return make.distributor(external_id="jenna")


@pytest.fixture
def palette() -> Product:
    return make.product("EYE-1", name="Lumen Palette", lasts_days=42)


def reasons(of: Distributor) -> dict[str, list[str]]:
    found = all_reasons(of, as_of=THURSDAY)
    return {dues[0].customer.name: [due.reason for due in dues] for dues in found.values()}


def test_it_works(jenna: Distributor, palette: Product) -> None:
    maria = make.customer(jenna, name="Maria")
    order(maria, ago(34), palette)
    [found] = due(jenna, as_of=THURSDAY)
    assert (found.customer, found.reason) == (maria, "one_time")
    assert found.score == 0.6
    assert (found.window_start, found.window_end) == (ago(34 - 33), ago(34 - 53))
    assert found.facts == {
        "days_since_order": 34, "last_order_on": ago(34), "orders": 1, "order_average": Decimal("34.00"),
        "currency": "USD", "product": "Lumen Palette", "product_price": Decimal("34.00"), "lasts_days": 42, "line": "eye",
        "line_name": "Eye", "days_since_added": 0, "window_start": ago(1), "window_end": ago(-19), "days_since_line": 34,
    }  # fmt: skip


@pytest.mark.parametrize(("days", "is_due"), [(32, False), (33, True), (75, True), (76, False)])
def test_used_up_from_eight_tenths_until_long_after(
    jenna: Distributor, palette: Product, days: int, is_due: bool
) -> None:
    order(make.customer(jenna, name="Maria"), ago(days), palette)
    assert ("one_time" in reasons(jenna).get("Maria", [])) is is_due


def test_the_score_falls_after_the_window(jenna: Distributor, palette: Product) -> None:
    order(make.customer(jenna), ago(53), palette)
    order(make.customer(jenna), ago(75), palette)
    assert [round(found.score, 3) for found in due(jenna, as_of=THURSDAY)] == [0.6, 0.36]


@pytest.mark.parametrize(
    ("last", "is_due"),
    [(23, False), (24, True), (38, True), (55, True), (56, False)],
)
def test_own_rhythm(jenna: Distributor, palette: Product, last: int, is_due: bool) -> None:
    """Every 30 days: from day 24 on, likely until day 38, given up after day 55."""
    maria = make.customer(jenna, name="Maria")
    for days in (last + 60, last + 30, last):
        order(maria, ago(days), palette)
    assert ("reorder_due" in reasons(jenna).get("Maria", [])) is is_due


def test_more_orders_are_more_certain_not_longer_waits(jenna: Distributor) -> None:
    few, many, late = (make.customer(jenna, name=name) for name in ("few", "many", "late"))
    for n in range(2):
        order(few, ago(30 + 30 * n))
    for n in range(8):
        order(many, ago(30 + 30 * n))
        order(late, ago(50 + 30 * n))
    assert [found.customer.name for found in due(jenna, as_of=THURSDAY)] == ["many", "few", "late"]


def test_a_line_bought_once_between_orders_of_others(jenna: Distributor, palette: Product) -> None:
    cream = make.product("SKIN-1", name="Cream", line=make.product_line("skin"))
    maria = make.customer(jenna, name="Maria")
    order(maria, ago(40), palette)
    for days in (70, 35, 0):
        order(maria, ago(days), cream, amount=20)
    [found] = due(jenna, as_of=THURSDAY)
    assert (found.reason, found.facts["line"], found.facts["days_since_line"]) == ("one_time", "eye", 40)
    order(maria, ago(1), palette)
    assert "one_time" not in reasons(jenna).get("Maria", [])


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (4, None), (5, "check_in"), (6, "check_in"), (8, "check_in"), (9, None), (18, None), (19, "connect"), (21, "connect"),
        (24, "connect"), (25, None), (119, None), (120, "lapsed"), (400, "lapsed"), (401, None),
    ],
)  # fmt: skip
def test_days_after_an_order(jenna: Distributor, days: int, reason: str | None) -> None:
    order(make.customer(jenna, name="Maria"), ago(days))
    assert reasons(jenna).get("Maria") == ([reason] if reason else None)


@pytest.mark.parametrize(
    ("born", "days"),
    [(date(1990, 8, 27), 0), (date(1990, 9, 3), 7), (date(1990, 9, 4), None), (date(1990, 8, 26), None)],
)
def test_birthday_within_a_week(jenna: Distributor, born: date, days: int | None) -> None:
    make.customer(jenna, name="Maria", birthday=born)
    found = due(jenna, as_of=THURSDAY)
    assert [d.facts["days_to_birthday"] for d in found] == ([] if days is None else [days])


@pytest.mark.parametrize(("hotness", "days"), [("hot", 7), ("warm", 14), ("cool", 30), ("cold", 60), ("", 30)])
def test_prospects_by_interest(jenna: Distributor, hotness: str, days: int) -> None:
    added = THURSDAY - timedelta(days=days - 1)
    ana = make.customer(jenna, name="Ana", kind="prospect", hotness=hotness, added_at=added)
    assert reasons(jenna) == {}
    Customer.objects.update(added_at=added - timedelta(days=1))
    assert reasons(jenna) == {"Ana": ["prospect"]}
    Customer.objects.update(last_contact_at=THURSDAY - timedelta(days=6))
    assert reasons(jenna) == {}
    Customer.objects.update(last_contact_at=THURSDAY - timedelta(days=days))
    assert due(jenna, as_of=THURSDAY)[0].facts["days_since_contact"] == days
    assert due(jenna, as_of=THURSDAY)[0].customer == ana


def test_an_open_basket(jenna: Distributor, palette: Product) -> None:
    li = make.customer(jenna, name="Li")
    data = {"lines": [{"sku": "EYE-1", "quantity": 1}], "amount": "34.00", "currency": "USD"}
    make.event(jenna, type="basket.opened", customer=li, time=THURSDAY - timedelta(days=2), data=data)
    [found] = due(jenna, as_of=THURSDAY)
    assert (found.reason, found.score) == ("open_basket", 0.85)
    assert found.facts["basket_product"] == "Lumen Palette"
    assert found.facts["basket_amount"] == Decimal("34.00")
    assert found.facts["days_open"] == 2


def test_a_basket_is_closed_by_an_order_or_by_time(jenna: Distributor) -> None:
    li = make.customer(jenna, name="Li")
    make.event(jenna, type="basket.opened", customer=li, time=THURSDAY - timedelta(days=8))
    assert reasons(jenna) == {}
    make.event(jenna, type="basket.opened", customer=li, time=THURSDAY - timedelta(days=3))
    assert reasons(jenna) == {"Li": ["open_basket"]}
    order(li, ago(3))
    assert reasons(jenna) == {}


def test_who_heard_from_her_lately_is_left_alone_except_for_a_basket(jenna: Distributor, palette: Product) -> None:
    maria = make.customer(jenna, name="Maria", last_contact_at=THURSDAY - timedelta(days=4))
    order(maria, ago(40), palette)
    assert reasons(jenna) == {}
    make.event(jenna, type="basket.opened", customer=maria, time=THURSDAY - timedelta(days=1))
    assert reasons(jenna) == {"Maria": ["open_basket"]}
    Customer.objects.update(last_contact_at=THURSDAY - timedelta(days=5))
    assert reasons(jenna) == {"Maria": ["open_basket", "one_time", "reorder_due"]}


def test_do_not_contact_is_never_due(jenna: Distributor, palette: Product) -> None:
    maria = make.customer(jenna, do_not_contact=True, birthday=TODAY)
    order(maria, ago(40), palette)
    make.event(jenna, type="basket.opened", customer=maria, time=THURSDAY)
    assert due(jenna, as_of=THURSDAY) == []


def test_each_once_with_the_best_reason(jenna: Distributor, palette: Product) -> None:
    maria = make.customer(jenna, name="Maria", birthday=TODAY)
    order(maria, ago(34), palette)
    assert [(d.customer.name, d.reason) for d in due(jenna, as_of=THURSDAY)] == [("Maria", "one_time")]
    assert reasons(jenna) == {"Maria": ["one_time", "reorder_due", "birthday"]}


def test_orders_after_today_are_not_known_yet(jenna: Distributor, palette: Product) -> None:
    order(make.customer(jenna), TODAY + timedelta(days=40), palette)
    assert due(jenna, as_of=THURSDAY) == []


def test_scores_are_shares(jenna: Distributor, palette: Product) -> None:
    for days in range(0, 420, 7):
        order(make.customer(jenna, birthday=ago(days)), ago(days), palette)
    assert all(0 < d.score <= 1 for dues in all_reasons(jenna, as_of=THURSDAY).values() for d in dues)


def test_only_her_own_customers(jenna: Distributor, palette: Product) -> None:
    other = make.distributor()
    order(make.customer(other), ago(40), palette)
    mine = make.customer(jenna, birthday=TODAY)
    found = due_of([jenna, other], as_of=THURSDAY)
    assert [d.customer for d in found[jenna.pk]] == [mine]
    assert all(d.customer.distributor_id == other.pk for d in found[other.pk])


def test_queries_do_not_grow_with_history(
    jenna: Distributor, palette: Product, django_assert_num_queries: Callable
) -> None:
    people = [jenna, make.distributor()]
    for n, days in enumerate(range(5, 200, 13)):
        customer = make.customer(people[n % 2])
        for again in range(4):
            order(customer, ago(days + 30 * again), palette)
    people = list(Distributor.objects.with_market())
    due_of(people, as_of=THURSDAY)  # makes their rows
    with django_assert_num_queries(3):
        due(people[0], as_of=THURSDAY)
    with django_assert_num_queries(3):
        due_of(people, as_of=THURSDAY)


def test_details_of_a_few(jenna: Distributor, palette: Product, django_assert_num_queries: Callable) -> None:
    """As asked, in that order, in 2 queries and 2 more for a basket."""
    maria, li, ana = (make.customer(jenna, name=name, birthday=TODAY) for name in ("Maria", "Li", "Ana"))
    order(maria, ago(40), palette)
    order(li, ago(120), palette)
    data = {"lines": [{"sku": "EYE-1", "quantity": 1}], "amount": "34.00", "currency": "USD"}
    make.event(jenna, type="basket.opened", customer=li, time=THURSDAY - timedelta(days=2), data=data)
    jenna = Distributor.objects.with_market().get()
    found = reasons_for(jenna, as_of=THURSDAY)
    assert [one.person for one in best_of(reversed(found))] == [li.pk, maria.pk, ana.pk]
    about = {pk: [one for one in found if one.person == pk] for pk in (maria.pk, li.pk, ana.pk)}
    with django_assert_num_queries(2):
        told = details(jenna, [*about[ana.pk], *about[maria.pk]], as_of=THURSDAY)
    assert [(one.customer, one.reason) for one in told if one] == [
        (ana, "birthday"), (maria, "one_time"), (maria, "reorder_due"), (maria, "birthday"),
    ]  # fmt: skip
    with django_assert_num_queries(4):
        basket, birthday, lapsed = details(jenna, about[li.pk], as_of=THURSDAY)
    assert basket and basket.facts["basket_product"] == basket.facts["product"] == "Lumen Palette"
    assert birthday and birthday.facts["birthday_on"] == TODAY
    assert lapsed and (lapsed.window_start, lapsed.window_end) == (TODAY, TODAY + timedelta(days=280))
    with django_assert_num_queries(0):
        assert details(jenna, [], as_of=THURSDAY) == []


def test_details_are_of_her_own_people_who_may_be_contacted(jenna: Distributor, palette: Product) -> None:
    maria, li = make.customer(jenna, birthday=TODAY), make.customer(jenna, birthday=TODAY)
    stranger = make.customer(make.distributor(), birthday=TODAY)
    found = reasons_for(jenna, as_of=THURSDAY)
    asked: list[Reason] = [found[0]._replace(person=stranger.pk), found[1], found[0]]
    Customer.objects.filter(pk=li.pk).update(do_not_contact=True)
    told = details(jenna, asked, as_of=THURSDAY)
    assert [one and one.customer for one in told] == [None, None, maria]


def test_facts_are_of_the_line_the_reason_is_about(jenna: Distributor, palette: Product) -> None:
    cream = make.product("SKIN-1", name="Cream", line=make.product_line("skin"), lasts_days=40)
    serum = make.product("LASH-1", name="Serum", line=make.product_line("lash"))
    maria = make.customer(jenna, name="Maria")
    order(maria, ago(45), palette)
    order(maria, ago(38), cream, amount=90)
    order(maria, ago(6), serum, amount=10)
    told = [(one.reason, one.facts["line"]) for one in all_reasons(jenna, as_of=THURSDAY)[maria.pk]]
    assert told == [("one_time", "skin"), ("one_time", "eye"), ("check_in", "lash")]


def test_an_order_dated_ahead_hides_rhythm_until_its_day(jenna: Distributor, palette: Product) -> None:
    """Rows hold facts alone: what was true before something dated ahead is not kept."""
    maria = make.customer(jenna, name="Maria")
    order(maria, ago(34), palette)
    assert reasons(jenna) == {"Maria": ["one_time", "reorder_due"]}
    order(maria, TODAY + timedelta(days=1), palette)
    assert reasons(jenna) == {}
