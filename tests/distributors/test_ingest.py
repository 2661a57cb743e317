"""An event becomes a row, an order, measures and a customer: once, whatever the path."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps

from distributors import ingest
from distributors.models import Customer, Distributor, Event, Market, Measure, Order, OrderLine, Product, ProductLine
from tests import factories

pytestmark = pytest.mark.django_db

NOW = factories.NOW


def order(id: str = "o-1", time: str = "2026-08-27T10:00:00Z", subject: str = "jenna", **data: Any) -> dict[str, Any]:
    body = {
        "customer": "C-88", "currency": "USD", "amount": "62.50",
        "lines": [{"sku": "EYE-1", "quantity": 1, "amount": "34.00", "line": "eye"}],
    }  # fmt: skip
    return event("order.placed", id, time, subject, **(body | data))


def event(
    type: str, id: str, time: str = "2026-08-27T10:00:00Z", subject: str = "jenna", **data: Any
) -> dict[str, Any]:
    return {
        "specversion": "1.0", "source": "shop", "id": id, "type": type, "subject": subject, "time": time, "data": data,
    }  # fmt: skip


def accept(*events: Any) -> list[ingest.Verdict]:
    return ingest.accept(list(events), received_at=NOW)


def measures(metric: str, scope: str = "") -> dict[date, Decimal]:
    return dict(Measure.objects.filter(metric=metric, scope=scope).values_list("day", "value"))


@pytest.fixture
def jenna() -> Distributor:
    return factories.distributor(external_id="jenna")


def test_it_works(jenna: Distributor) -> None:
    [verdict] = accept(order())
    assert verdict.status == 201
    assert verdict.body == {
        "source": "shop", "id": "o-1", "type": "order.placed", "subject": "jenna",
        "time": "2026-08-27T10:00:00Z", "day": "2026-08-27", "received_at": "2026-08-27T15:00:00Z",
    }  # fmt: skip
    placed = Order.objects.get()
    assert (placed.distributor, placed.amount, placed.is_repeat) == (jenna, Decimal("62.50"), False)
    line = OrderLine.objects.get()
    assert (line.product.sku, line.line.code, line.amount) == ("EYE-1", "eye", Decimal("34.00"))
    day = date(2026, 8, 27)
    assert measures("sales") == {day: Decimal("62.50")}
    assert measures("sales", "eye") == {day: Decimal("34.00")}
    assert measures("orders") == measures("orders", "eye") == measures("new_customers") == {day: 1}
    assert measures("repeat_orders") == {}
    customer = Customer.objects.get()
    assert (customer.external_id, customer.kind, customer.orders, customer.spent) == (
        "C-88",
        "customer",
        1,
        Decimal("62.50"),
    )
    assert customer.first_order_on == customer.last_order_on == day
    assert customer.usual_gap_days is None


def test_the_day_is_the_local_day_of_the_market(jenna: Distributor) -> None:
    accept(order(time="2026-08-27T02:00:00Z"), order(id="o-2", time="2026-08-27T02:00:00+02:00"))
    assert set(Order.objects.values_list("day", flat=True)) == {date(2026, 8, 26)}


def test_a_repeat_gets_the_first_answer_and_changes_nothing(jenna: Distributor) -> None:
    [first] = accept(order())
    [again] = ingest.accept([order()], received_at=NOW + timedelta(hours=1))
    assert (again.status, again.body) == (200, first.body)
    assert Event.objects.count() == Order.objects.count() == 1
    assert measures("orders") == {date(2026, 8, 27): 1}


def test_the_same_moment_in_another_zone_is_the_same_body(jenna: Distributor) -> None:
    statuses = [v.status for v in accept(order(), order(time="2026-08-27T12:00:00+02:00"))]
    assert statuses == [201, 200]


def test_another_body_is_a_conflict(jenna: Distributor) -> None:
    accept(order())
    [verdict] = accept(order(amount="99.00"))
    assert verdict.status == 409
    assert verdict.body == {"detail": "An event with this source and id is stored with another body."}
    assert measures("sales") == {date(2026, 8, 27): Decimal("62.50")}


def test_a_conflict_leaves_no_trace(jenna: Distributor) -> None:
    accept(order())
    accept(order(customer="C-99", lines=[{"sku": "NEW", "amount": "1.00"}]))
    assert not Customer.objects.filter(external_id="C-99").exists()
    assert not Product.objects.filter(sku="NEW").exists()


def test_twins_and_conflicts_within_a_batch(jenna: Distributor) -> None:
    verdicts = accept(order(), order(), order(amount="1.00"))
    assert [v.status for v in verdicts] == [201, 200, 409]
    assert verdicts[0].body == verdicts[1].body


def test_an_unknown_sku_joins_the_other_line(jenna: Distributor) -> None:
    accept(order(lines=[{"sku": "X-1", "amount": "5.00", "name": "Mystery box"}]))
    product = Product.objects.get(sku="X-1")
    assert (product.name, product.line.code, product.line.name) == ("Mystery box", "other", "Other")


def test_a_known_sku_keeps_its_line(jenna: Distributor) -> None:
    factories.product("EYE-1", line=factories.product_line("lips"))
    accept(order(lines=[{"sku": "EYE-1", "amount": "5.00"}]))
    assert measures("sales", "lips") == {date(2026, 8, 27): Decimal("5.00")}
    assert not ProductLine.objects.filter(code="other").exists()


def test_a_later_order_is_a_repeat_also_of_its_line(jenna: Distributor) -> None:
    accept(order(), order("o-2", "2026-08-30T10:00:00Z".replace("30", "25")))
    # The earlier one arrived last and is now the first.
    assert measures("new_customers") == measures("new_customers", "eye") == {date(2026, 8, 25): 1}
    assert measures("repeat_orders") == measures("repeat_orders", "eye") == {date(2026, 8, 27): 1}
    assert list(Order.objects.order_by("time").values_list("is_repeat", flat=True)) == [False, True]
    assert Customer.objects.get().usual_gap_days == 2


def test_a_first_order_of_another_line_is_a_repeat_order_but_new_to_the_line(jenna: Distributor) -> None:
    accept(order(time="2026-08-20T10:00:00Z"))
    accept(order("o-2", lines=[{"sku": "LIP-1", "amount": "9.00", "line": "lips"}]))
    assert measures("repeat_orders") == {date(2026, 8, 27): 1}
    assert measures("repeat_orders", "lips") == {}
    assert measures("new_customers", "lips") == {date(2026, 8, 27): 1}


def test_a_refund_counts_on_its_own_day_whenever_it_comes(jenna: Distributor) -> None:
    refund = event(
        "order.refunded", "r-1", "2026-08-26T12:00:00Z", order="o-1", currency="USD", amount="10.00",
        lines=[{"sku": "EYE-1", "amount": "10.00", "line": "eye"}],
    )  # fmt: skip
    accept(refund)
    accept(order(time="2026-08-25T12:00:00Z"))
    assert measures("sales") == {date(2026, 8, 26): Decimal("-10.00"), date(2026, 8, 25): Decimal("62.50")}
    assert measures("sales", "eye") == {date(2026, 8, 26): Decimal("-10.00"), date(2026, 8, 25): Decimal("34.00")}


def test_a_day_that_sums_to_nothing_has_no_row(jenna: Distributor) -> None:
    accept(order(lines=[]), event("order.refunded", "r-1", order="o-1", currency="USD", amount="62.50"))
    assert measures("sales") == {}


def test_an_enrolment_is_the_sponsors_on_her_local_day(jenna: Distributor) -> None:
    factories.market("de", currency="EUR", time_zone="Europe/Berlin", language="de")
    at = "2026-08-27T02:00:00Z"  # the 26th in New York, the 27th in Berlin
    accept(
        event(
            "distributor.enrolled",
            "e-1",
            at,
            "rosa",
            name="Rosa Klein",
            sponsor="jenna",
            market="de",
            email="Rosa@Example.com",
        )
    )
    rosa = Distributor.objects.get(external_id="rosa")
    assert (rosa.sponsor, rosa.market.code, rosa.joined_on) == (jenna, "de", date(2026, 8, 27))
    assert rosa.enrolled_by == Event.objects.get()
    assert rosa.user is not None
    assert (rosa.user.email, rosa.user.has_usable_password()) == ("rosa@example.com", False)
    assert list(Measure.objects.values_list("distributor", "metric", "day", "value")) == [
        (jenna.pk, "enrolments", date(2026, 8, 26), 1)
    ]


def test_a_whole_tree_in_one_batch_in_any_order(jenna: Distributor) -> None:
    verdicts = accept(
        order("o-9", subject="cleo"),
        event("distributor.enrolled", "e-2", subject="cleo", name="Cleo", sponsor="bea"),
        event("distributor.enrolled", "e-1", subject="bea", name="Bea", sponsor="jenna"),
    )
    assert [v.status for v in verdicts] == [201, 201, 201]
    assert Distributor.objects.get(external_id="cleo").sponsor.sponsor == jenna  # type: ignore[union-attr]


def test_a_circle_of_sponsors_is_refused(jenna: Distributor) -> None:
    verdicts = accept(
        event("distributor.enrolled", "e-2", subject="cleo", name="Cleo", sponsor="bea"),
        event("distributor.enrolled", "e-1", subject="bea", name="Bea", sponsor="cleo"),
    )
    assert [v.status for v in verdicts] == [422, 422]
    assert Distributor.objects.count() == 1


def test_signing_in_twice_is_one_active_day(jenna: Distributor) -> None:
    accept(event("distributor.signed_in", "s-1"), event("distributor.signed_in", "s-2"))
    accept(event("distributor.signed_in", "s-3", "2026-08-27T11:00:00Z"))
    assert measures("active_days") == {date(2026, 8, 27): 1}


def test_a_contact_counts_once_on_her_first_day(jenna: Distributor) -> None:
    accept(event("contact.added", "c-2", "2026-08-26T12:00:00Z", customer="ana", name="Ana", hotness="hot"))
    accept(event("contact.added", "c-1", "2026-08-25T12:00:00Z", customer="ana", name="Anna", phone="123"))
    assert measures("contacts_added") == {date(2026, 8, 25): 1}
    ana = Customer.objects.get()
    assert (ana.kind, ana.name, ana.hotness, ana.phone) == ("prospect", "Ana", "hot", "123")
    assert ana.added_at == datetime(2026, 8, 25, 12, tzinfo=UTC)


def test_a_prospect_who_orders_is_a_customer_in_either_order(jenna: Distributor) -> None:
    contact = event("contact.added", "c-1", "2026-08-27T11:00:00Z", customer="C-88", kind="prospect")
    accept(order())
    accept(contact)
    assert Customer.objects.get().kind == "customer"


@pytest.mark.parametrize("undo_first", [False, True])
def test_an_undone_activity_does_not_count(jenna: Distributor, undo_first: bool) -> None:
    done = event("activity.completed", "a-1", "2026-08-26T12:00:00Z", activity="x", form="lesson")
    undo = event("activity.undone", "a-2", activity="x", undoes="a-1")
    events = [undo, done] if undo_first else [done, undo]
    for one in [
        *events,
        event("activity.completed", "a-3", activity="x"),
        event("activity.undone", "a-4", activity="x", undoes="a-1"),
    ]:
        accept(one)
    assert measures("activities_done") == {date(2026, 8, 27): 1}
    assert measures("lessons_done") == {}


def test_undoing_what_was_not_a_completion_changes_nothing(jenna: Distributor) -> None:
    accept(event("activity.snoozed", "a-1", activity="x"), event("activity.undone", "a-2", activity="x", undoes="a-1"))
    assert Measure.objects.count() == 0


def test_an_undo_of_another_source_does_not_count(jenna: Distributor) -> None:
    accept(event("activity.completed", "a-1", activity="x"))
    accept(event("activity.undone", "a-2", activity="x", undoes="a-1") | {"source": "till"})
    assert measures("activities_done") == {date(2026, 8, 27): 1}
    accept(event("activity.undone", "a-2", activity="x", undoes="a-1"))
    assert measures("activities_done") == {}


def test_an_own_event_is_recorded_once_whatever_it_says_later(jenna: Distributor) -> None:
    maria = factories.customer(jenna)
    args: dict[str, Any] = {
        "type": "activity.completed",
        "distributor": jenna,
        "customer": maria,
        "external_id": "x.c1",
    }
    first = ingest.record(**args, time=NOW, data={"activity": "x", "value": Decimal("1.50")})
    again = ingest.record(**args, time=NOW + timedelta(seconds=1), data={"activity": "x"})
    assert first == again
    assert (first.source, first.customer, first.data["value"]) == ("pep", maria, "1.50")
    assert measures("activities_done") == {date(2026, 8, 27): 1}


def test_an_own_event_with_bad_data_raises(jenna: Distributor) -> None:
    with pytest.raises(ingest.EventError, match=r"data.activity is missing"):
        ingest.record(type="activity.completed", distributor=jenna, external_id="1", time=NOW, data={})


LONG = "x" * 200
BAD: list[tuple[Any, str]] = [
    ("not an object", "An event must be a JSON object."),
    (order() | {"specversion": "0.3"}, 'specversion must be "1.0".'),
    (order() | {"id": ""}, "id must be text of 1 to 128 printable characters without blanks around it."),
    (order() | {"id": LONG}, "id must be text"),
    (order() | {"id": "a\0b"}, "id must be text"),
    (order() | {"id": 7}, "id must be text"),
    (order() | {"source": None}, "source is missing."),
    (order() | {"source": " shop"}, "source must be text"),
    (order() | {"type": "order.eaten"}, "type order.eaten is not known"),
    (order() | {"subject": "nobody"}, "subject nobody is not a known distributor."),
    (order() | {"subject": None}, "subject is missing."),
    (order() | {"time": "2026-08-27T10:00:00"}, "time must be RFC 3339 with a zone"),
    (order() | {"time": "yesterday"}, "time must be RFC 3339 with a zone"),
    (order() | {"time": "2026-02-30T10:00:00Z"}, "time is not a date and time that exists."),
    (order() | {"time": "2026-08-27T10:00:00+99:99"}, "time is not a date and time that exists."),
    (order() | {"time": "2026-08-28T15:00:01Z"}, "time is more than 24 hours in the future."),
    (order() | {"time": "1999-12-31T00:00:00Z"}, "time is before the year 2000."),
    (order() | {"time": "0001-01-01T00:00:00+14:00"}, "time is not a date and time that exists."),
    (order() | {"data": []}, "data must be a JSON object."),
    (order() | {"data_base64": "AA=="}, "data_base64 is not read; send data as a JSON object."),
    (order() | {"datacontenttype": "text/xml"}, "datacontenttype must be application/json."),
    (order(customer=None), "data.customer is missing."),
    (order(customer="a\0"), "data.customer must be text"),
    (order(currency="EUR"), "data.currency must be USD, the currency of jenna's market."),
    (order(currency=None), "data.currency is missing."),
    (order(currency="usd"), "data.currency must be three capital letters, such as USD."),
    (order(amount=None), "data.amount is missing."),
    (order(amount="-1"), "data.amount must be an amount from 0 to 999999999.99 with at most two decimals."),
    (order(amount="1.234"), "data.amount must be"),
    (order(amount=0.1 + 0.2), "data.amount must be"),
    (order(amount=float("inf")), "data.amount must be"),
    (order(amount=float("nan")), "data.amount must be"),
    (order(amount="NaN"), "data.amount must be"),
    (order(amount=True), "data.amount must be"),
    (order(amount="1_000"), "data.amount must be"),
    (order(amount="٣"), "data.amount must be"),
    (order(amount=10**30), "data.amount must be"),
    (order(amount=[1]), "data.amount must be"),
    (order(lines="all"), "data.lines must be a list."),
    (order(lines=None), "data.lines must be a list."),
    (order(lines=["EYE-1"]), "data.lines[0] must be an object."),
    (order(lines=[{"amount": "1"}]), "data.lines[0].sku is missing."),
    (order(lines=[{"sku": "A"}]), "data.lines[0].amount is missing."),
    (order(lines=[{"sku": "A", "amount": "1", "quantity": -1}]), "data.lines[0].quantity must be a number from 0"),
    (order(lines=[{"sku": "A", "amount": "1", "line": "eye line"}]), "data.lines[0].line must be a code"),
    (order(lines=[{"sku": "A", "amount": "1", "currency": "EUR"}]), "data.lines[0].currency must be the order's currency."),
    (order(lines=[{"sku": "A", "amount": "1"}] * 1001), "data.lines must have at most 1000 lines."),
    (order(note="a\0b"), "data holds a NUL character."),
    (order(note={"deep": ["\0"]}), "data holds a NUL character."),
    (order(note="\ud800"), "data holds a number or text that JSON cannot carry."),
    (order(note=float("nan")), "data holds a number or text that JSON cannot carry."),
    (event("order.refunded", "r", order="o-1", currency="USD"), "data.amount is missing."),
    (event("order.refunded", "r", currency="USD", amount="1"), "data.order is missing."),
    (event("distributor.enrolled", "e", subject="new", name="J", sponsor="root"), "data.sponsor root is not"),
    (event("distributor.enrolled", "e", subject="jenna", name="J", market="us"), "subject jenna is enrolled already."),
    (event("distributor.enrolled", "e", subject="new", name="J"), "data.sponsor or data.market is missing."),
    (event("distributor.enrolled", "e", subject="new", name="J", market="mars"), "data.market mars is not a known market."),
    (event("distributor.enrolled", "e", subject="new", name="J", sponsor="new"), "data.sponsor must be somebody else"),
    (event("distributor.enrolled", "e", subject="new", name=" ", sponsor="jenna"), "data.name must be text"),
    (event("distributor.enrolled", "e", subject="new", name="J", sponsor="jenna", email="no"), "data.email must be an"),
    (event("distributor.enrolled", "e", subject="new", name="J", sponsor="jenna", joined_on="soon"), "data.joined_on"),
    (event("contact.added", "c", customer="ana", birthday="2026-02-30"), "data.birthday must be a date"),
    (event("contact.added", "c", customer="ana", kind="friend"), "data.kind must be one of customer, prospect."),
    (event("activity.undone", "u", activity="x"), "data.undoes is missing."),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "sentence"), BAD)
def test_refusals_name_the_field(jenna: Distributor, bad: Any, sentence: str) -> None:
    [verdict] = accept(bad)
    assert verdict.status == 422
    assert verdict.body["detail"].startswith(sentence)
    assert verdict.body["detail"].endswith(".")
    assert (Event.objects.count(), Customer.objects.count(), Distributor.objects.count()) == (0, 0, 1)


def test_a_taken_email_is_refused(jenna: Distributor) -> None:
    factories.user(email="hq@example.com")
    [verdict] = accept(
        event("distributor.enrolled", "e", subject="n", name="N", sponsor="jenna", email="HQ@example.com")
    )
    assert verdict.body == {"detail": "data.email is the sign-in of somebody else."}


def test_one_bad_item_does_not_stop_the_batch(jenna: Distributor) -> None:
    verdicts = accept(order(), order("o-2", amount="x"), order("o-3"))
    assert [(v.index, v.status) for v in verdicts] == [(0, 201), (1, 422), (2, 201)]


def test_the_largest_amounts_of_a_batch_do_not_overflow(jenna: Distributor) -> None:
    verdicts = accept(*(order(f"o-{n}", amount="999999999.99") for n in range(1000)))
    assert {v.status for v in verdicts} == {201}


def test_absent_market_rows_do_not_matter(jenna: Distributor) -> None:
    assert accept() == []
    assert Market.objects.count() == 1


def test_what_events_bring_into_the_catalogue_is_not_an_audited_change(jenna: Distributor) -> None:
    changes = apps.get_model("distributors", "ProductChange").objects
    accept(order())
    assert changes.count() == 0
    factories.product("BY-HAND")
    assert changes.count() == 1
