"""What reasons to contact somebody say of her purchases: a product line she bought, a basket she left open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from .models import CustomerLine, Event, Product
from .timing import BASKET_DAYS


@dataclass(frozen=True)
class LineBought:
    """One product line of one customer: when last, and the main product of that last time."""

    line: str
    line_name: str
    last_on: date
    product: str
    lasts_days: int | None
    price: Decimal | None  # of one


@dataclass(frozen=True)
class Basket:
    opened_at: datetime
    amount: Decimal | None
    product: str


def lines_bought(wanted: Collection[tuple[int, int]]) -> dict[tuple[int, int], LineBought]:
    """By (customer id, line id); nothing of lines she never bought. At most one query."""
    asked = set(wanted)
    if not asked:
        return {}
    rows = CustomerLine.objects.filter(
        customer_id__in={customer for customer, _line in asked}, line_id__in={line for _customer, line in asked}
    ).values_list(
        "customer_id", "line_id", "line__code", "line__name", "last_on", "product__name", "product__lasts_days", "price"
    )
    return {(row[0], row[1]): LineBought(*row[2:]) for row in rows if row[:2] in asked}


def newest_baskets(customer_ids: Collection[int], as_of: datetime) -> dict[int, Basket]:
    """The newest basket opened in the last 7 days, by customer: the open one of who has one.

    At most one query, and one more for the names of products in them.
    """
    if not customer_ids:
        return {}
    newest = list(
        Event.objects.filter(customer_id__in=customer_ids, type="basket.opened")
        .filter(time__gt=as_of - timedelta(days=BASKET_DAYS), time__lte=as_of)
        .order_by("customer_id", "-time", "-pk")
        .distinct("customer_id")
    )
    names = product_names({sku for event in newest if (sku := first_sku(event.data))})
    return {
        event.customer_id: Basket(event.time, money(event.data.get("amount")), names.get(first_sku(event.data), ""))
        for event in newest
        if event.customer_id is not None
    }


def first_sku(data: dict[str, Any]) -> str:
    lines = data.get("lines") or [{}]
    return str(lines[0].get("sku", ""))


def product_names(skus: Collection[str]) -> dict[str, str]:
    return dict(Product.objects.filter(sku__in=skus).values_list("sku", "name")) if skus else {}


def money(text: object) -> Decimal | None:
    """An amount as an event carries it; None when it carries none."""
    try:
        return Decimal(str(text)).quantize(Decimal("0.01")) if text is not None else None
    except InvalidOperation:
        return None
