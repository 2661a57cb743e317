"""The company's plan: a rank is reached in a calendar month whose orders come to so much. Told as its office would tell it.

Highest so far: nobody steps down, and a rank is reached once. Refunds are left aside. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from .people import Event, Seller, event

#: Orders of one month, in base currency, lowest first.
PLAN = ((Decimal(300), "Bronze"), (Decimal(800), "Silver"), (Decimal(1600), "Gold"))


def with_ranks(seller: Seller, events: Iterable[Event]) -> Iterator[Event]:
    """All of one person's events, and after them the ranks that her orders reached, at the moment of the order."""
    sold = []
    for one in events:
        if one["type"] == "order.placed":
            sold.append((one["time"], one["id"], Decimal(one["data"]["amount"]) / seller.place.level))
        yield one
    months: dict[date, Decimal] = {}
    reached = 0
    for when, _id, amount in sorted(sold):
        month = when.astimezone(seller.place.zone).date().replace(day=1)
        months[month] = months.get(month, Decimal(0)) + amount
        while reached < len(PLAN) and months[month] >= PLAN[reached][0]:
            rank = PLAN[reached][1]
            yield event(seller, "rank.reached", f"rank-{rank.lower()}", when, {"rank": rank})
            reached += 1
