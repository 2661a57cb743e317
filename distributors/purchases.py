"""What customers bought, read for many at once: per product line, and in baskets left open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef

from .models import Customer, Event, Order, Product

#: The next order is likely between these shares of a gap after the last; later than 1.6 gaps and a week it is not.
WINDOW = (0.8, 1.25)
OVERDUE = 1.6
GRACE_DAYS = 7
#: Nobody is reminded of an order longer ago than this.
LONGEST_DAYS = 400
#: A basket left open longer than this is forgotten.
BASKET_DAYS = 7


@dataclass(frozen=True)
class LineBought:
    """One product line of one customer: when last, and the main product of that last time."""

    line: str
    line_name: str
    last_on: date
    product: str
    lasts_days: int | None
    price: Decimal | None  # of one
    once: bool  # bought on one order ever, and about used up


@dataclass(frozen=True)
class Basket:
    opened_at: datetime
    amount: Decimal | None
    product: str


# Either of her last order day, or about used up and the only order of that line ever. Never the whole history: the
# first reads one day of each customer, the second looks for another order of a line only while its time is near.
# The main product of a line: one that is used up before one that is not, then the dearest.
LINES_BOUGHT = """
    WITH person AS (SELECT * FROM unnest(%(ids)s::bigint[], %(last)s::date[]) AS p(customer_id, last_on)),
    due AS MATERIALIZED (
        SELECT id, %(today)s - LEAST(%(longest)s, CEIL(lasts_days * %(until)s)::int + %(grace)s) AS first,
               %(today)s - FLOOR(lasts_days * %(from)s)::int AS last
        FROM distributors_product WHERE lasts_days IS NOT NULL
    ),
    found AS (
        SELECT o.customer_id, o.day, l.line_id, l.product_id, l.amount, l.quantity, false AS once
        FROM person p
        JOIN distributors_order o ON o.customer_id = p.customer_id AND o.day = p.last_on
             AND o.time >= p.last_on - INTERVAL '1 day'
        JOIN distributors_orderline l ON l.order_id = o.event_id
        UNION ALL
        SELECT o.customer_id, o.day, l.line_id, l.product_id, l.amount, l.quantity, true
        FROM distributors_order o
        JOIN distributors_orderline l ON l.order_id = o.event_id
        JOIN due ON due.id = l.product_id AND o.day BETWEEN due.first AND due.last
        WHERE o.distributor_id = ANY(%(sellers)s) AND o.customer_id = ANY(%(ids)s)
          AND o.day BETWEEN (SELECT MIN(first) FROM due) AND (SELECT MAX(last) FROM due)
          AND NOT EXISTS (
              SELECT 1 FROM distributors_order other JOIN distributors_orderline again ON again.order_id = other.event_id
              WHERE other.customer_id = o.customer_id AND again.line_id = l.line_id
                AND other.event_id <> o.event_id AND other.day <= %(today)s
          )
    )
    SELECT DISTINCT ON (f.customer_id, f.line_id)
           f.customer_id, pl.code, pl.name, f.day, p.name, p.lasts_days, ROUND(f.amount / NULLIF(f.quantity, 0), 2), f.once
    FROM found f
    JOIN distributors_product p ON p.id = f.product_id
    JOIN distributors_productline pl ON pl.id = f.line_id
    ORDER BY f.customer_id, f.line_id, f.once DESC, p.lasts_days IS NULL, f.amount DESC, p.id
"""


def lines_bought(customers: Collection[Customer], today: date) -> dict[int, list[LineBought]]:
    """What is worth saying something about, by customer, the last bought and dearest first. One query."""
    found: dict[int, list[LineBought]] = {}
    if not customers:
        return found
    asked: dict[str, Any] = {
        "ids": [customer.pk for customer in customers],
        "last": [customer.last_order_on for customer in customers],
        "today": today,
        "sellers": list({customer.distributor_id for customer in customers}),
        "longest": LONGEST_DAYS,
        "from": WINDOW[0],
        "until": OVERDUE,
        "grace": GRACE_DAYS,
    }
    with connection.cursor() as cursor:
        cursor.execute(LINES_BOUGHT, asked)
        for customer_id, *columns in cursor.fetchall():
            found.setdefault(customer_id, []).append(LineBought(*columns))
    for lines in found.values():
        lines.sort(key=lambda line: (line.last_on, line.price or 0), reverse=True)
    return found


def open_baskets(distributor_ids: Collection[int], as_of: datetime) -> dict[int, Basket]:
    """Baskets opened in the last 7 days with no order after, by customer. One query, one more for product names."""
    later = Order.objects.filter(customer=OuterRef("customer"), time__gte=OuterRef("time"), time__lte=as_of)
    events = (
        Event.objects.filter(distributor_id__in=distributor_ids, type="basket.opened", customer__isnull=False)
        .filter(time__gt=as_of - timedelta(days=BASKET_DAYS), time__lte=as_of)
        .exclude(Exists(later))
        .order_by("time", "pk")
    )
    newest = {event.customer_id: event for event in events if event.customer_id is not None}
    names = product_names(sku for event in newest.values() if (sku := first_sku(event.data)))
    return {
        pk: Basket(e.time, money(e.data.get("amount")), names.get(first_sku(e.data), "")) for pk, e in newest.items()
    }


def first_sku(data: dict[str, Any]) -> str:
    lines = data.get("lines") or [{}]
    return str(lines[0].get("sku", ""))


def product_names(skus: Any) -> dict[str, str]:
    wanted = set(skus)
    return dict(Product.objects.filter(sku__in=wanted).values_list("sku", "name")) if wanted else {}


def money(text: object) -> Decimal | None:
    """An amount as an event carries it; None when it carries none."""
    try:
        return Decimal(str(text)).quantize(Decimal("0.01")) if text is not None else None
    except InvalidOperation:
        return None
