"""Orders written straight in, with what is kept of the customer folded by the definition, for tests of what is read from them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from statistics import median

from django.db import connection

from distributors.fold import CUSTOMER_LINES
from distributors.models import Customer, Order, OrderLine, Product
from tests import factories as make


def order(customer: Customer, day: date, *products: Product, amount: Decimal | int = 34) -> Order:
    """One order at 15:00 UTC of each product, split evenly."""
    seller, at = customer.distributor, datetime.combine(day, time(15), tzinfo=UTC)
    said = {"amount": str(amount), "currency": seller.market.currency}
    event = make.event(seller, type="order.placed", customer=customer, time=at, day=day, data=said)
    made = Order.objects.create(
        event=event, distributor=seller, customer=customer, time=at, day=day, amount=amount,
        currency=seller.market.currency,
    )  # fmt: skip
    for product in products:
        share = Decimal(amount) / len(products)
        OrderLine.objects.create(order=made, product=product, line=product.line, quantity=1, amount=share)
    with connection.cursor() as cursor:
        cursor.execute(CUSTOMER_LINES, {"ids": [event.pk]})
    fold(customer)
    return made


def fold(customer: Customer) -> None:
    orders = list(customer.order_set.order_by("time"))
    days = sorted({o.day for o in orders})
    customer.orders, customer.spent = len(orders), sum(o.amount for o in orders)
    customer.first_order_on, customer.last_order_on = days[0], days[-1]
    gaps = [(b - a).days for a, b in zip(days, days[1:], strict=False)]
    customer.usual_gap_days = float(median(gaps)) if gaps else None
    customer.save()
