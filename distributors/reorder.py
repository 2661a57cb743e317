"""Which customers and prospects are due today, and why: her "whom to contact".

timing.py finds reasons and scores in her compact row; here they are told in full, for the customers asked about only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property

from . import features, reordering
from .blocks import REASONS, Buying, dues
from .models import Customer, Distributor, Market
from .purchases import Basket, LineBought, lines_bought, newest_baskets
from .records import day_number, microseconds
from .timing import BIRTHDAY, CAP_DAYS, ONE_TIME, OPEN_BASKET, PROSPECT_DAYS, REORDER_DUE, Reason, contacts, reasons_in

Facts = dict[str, object]


@dataclass(frozen=True)
class Due:
    customer: Customer
    reason: str  # open_basket, one_time, reorder_due, check_in, connect, lapsed, birthday, prospect
    score: float  # 0 to 1
    facts: Facts = field(default_factory=dict)
    window_start: date | None = None
    window_end: date | None = None


def reasons(distributor: Distributor, *, as_of: datetime) -> list[Reason]:
    """Every reason to contact one of her customers, by customer, the best first. One query."""
    return reasons_of([distributor], as_of=as_of)[distributor.pk]


def reasons_of(distributors: Iterable[Distributor], *, as_of: datetime) -> dict[int, list[Reason]]:
    """`reasons` for many; load the people `with_market()`."""
    people = list(distributors)
    rows, numbers = features.of_with_versions(person.pk for person in people)
    return {
        person.pk: found_in(rows[person.pk], person, as_of, reordering.of(numbers, [person.market]))
        for person in people
    }


def found_in(row: features.Row, person: Distributor, as_of: datetime, buying: Buying) -> list[Reason]:
    """`buying` is of her market alone."""
    out = dues(len(row.customers), len(row.lines), 0)
    n = contacts(row.customers, row.lines, 0, day_number(person.local_day(as_of)), microseconds(as_of), buying, out)
    return sorted(reasons_in(out, 0, n), key=lambda one: (one.person, -one.score))


def free_from(customer: Customer, market: Market, today: date) -> date | None:
    """The day from which a contact is within her market's caps again: "Next message from Friday". None when it is now.

    What timing.contacts looks at, but for a basket filled since the last contact, which need not wait for the days between
    two: who has a reason now may hear now.
    """
    days = [market.local_day(at) for at in customer.recent_contacts]
    last = market.local_day(customer.last_contact_at) if customer.last_contact_at else None
    quiet = last + timedelta(days=market.quiet_days) if last else today
    most = market.contacts_a_month
    month = days[most - 1] + timedelta(days=CAP_DAYS) if len(days) >= most else today
    free = max(quiet, month)
    return free if free > today else None


def prospect_from(customer: Customer, market: Market, today: date) -> date | None:
    """The day after today on which a prospect comes up again by interest (timing.prospect); None when there is none to say."""
    if customer.kind != Customer.Kind.PROSPECT or not customer.hotness or customer.orders or customer.do_not_contact:
        return None
    interest = Customer.Hotness.values.index(customer.hotness)
    since = market.local_day(customer.last_contact_at or customer.added_at)
    due = since + timedelta(days=PROSPECT_DAYS[interest])
    day = max(due, free_from(customer, market, today) or due)
    return day if day > today else None


def best_of(found: Iterable[Reason]) -> list[Reason]:
    """Each customer once with the best reason, the best first."""
    best: dict[int, Reason] = {}
    for one in found:
        known = best.get(one.person)
        if known is None or one.score > known.score:
            best[one.person] = one
    return sorted(best.values(), key=lambda one: (-one.score, one.person))


def details(distributor: Distributor, wanted: Sequence[Reason], *, as_of: datetime) -> list[Due | None]:
    """Reasons in full, in the order asked for; None for a customer who must not be contacted any more, or is no more.

    At most 2 queries; when a basket is among them 2 more.
    """
    return tell([(distributor, one) for one in wanted], as_of)


def tell(wanted: Sequence[tuple[Distributor, Reason]], as_of: datetime) -> list[Due | None]:
    """`details` for people and reasons of theirs, in the same number of queries."""
    if not wanted:
        return []
    sellers = {person.pk for person, _one in wanted}
    customers = (
        Customer.objects.filter(distributor_id__in=sellers)
        .may_be_contacted()
        .in_bulk(list({one.person for _person, one in wanted}))
    )
    bought = lines_bought({(one.person, one.line) for _person, one in wanted if one.line})
    baskets = newest_baskets({one.person for _person, one in wanted if one.code == OPEN_BASKET}, as_of)
    told: list[Due | None] = []
    for person, one in wanted:
        customer = customers.get(one.person)
        if customer is None or customer.distributor_id != person.pk:
            told.append(None)
            continue
        known = Known(customer, person, as_of, bought.get((one.person, one.line)), baskets.get(one.person))
        told.append(known.due(one))
    return told


@dataclass(frozen=True)
class Known:
    """What is known of one customer today, and of the line the reason is about."""

    customer: Customer
    person: Distributor
    as_of: datetime
    bought: LineBought | None
    basket: Basket | None

    @cached_property
    def today(self) -> date:
        return self.person.local_day(self.as_of)

    def days_since(self, at: datetime | None) -> int | None:
        return (self.today - self.person.market.local_day(at)).days if at else None

    def due(self, one: Reason) -> Due:
        facts = self.own_facts() | self.line_facts() | self.special_facts(one)
        said = {name: value for name, value in facts.items() if value not in (None, "")}
        return Due(self.customer, REASONS[one.code], one.score, said, one.window_start, one.window_end)

    def own_facts(self) -> dict[str, object | None]:
        customer = self.customer
        last = customer.last_order_on
        return {
            "days_since_order": (self.today - last).days if last else None,
            "last_order_on": last,
            "usual_gap_days": customer.usual_gap_days,
            "orders": customer.orders,
            "order_average": (customer.spent / customer.orders).quantize(Decimal("0.01")) if customer.orders else None,
            "currency": self.person.market.currency,
            "hotness": customer.hotness,
            "days_since_contact": self.days_since(customer.last_contact_at),
            "days_since_added": self.days_since(customer.added_at),
        }

    def line_facts(self) -> dict[str, object | None]:
        if self.bought is None:
            return {}
        return {
            "product": self.bought.product,
            "product_price": self.bought.price,
            "lasts_days": self.bought.lasts_days,
            "line": self.bought.line,
            "line_name": self.bought.line_name,
        }

    def special_facts(self, one: Reason) -> dict[str, object | None]:
        """What only this reason has to say."""
        start, end = one.window_start, one.window_end
        if one.code == OPEN_BASKET and self.basket is not None:
            return {
                "days_open": max(0, self.days_since(self.basket.opened_at) or 0),
                "basket_amount": self.basket.amount,
                "basket_product": self.basket.product,
            }
        if one.code in {ONE_TIME, REORDER_DUE}:
            once = self.bought if one.code == ONE_TIME else None
            last = once.last_on if once else self.customer.last_order_on
            return {
                "window_start": start,
                "window_end": end,
                "days_since_line": (self.today - last).days if last else None,
            }
        if one.code == BIRTHDAY and end is not None:
            return {"birthday_on": end, "days_to_birthday": (end - self.today).days}
        return {}
