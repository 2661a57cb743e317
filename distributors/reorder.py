"""Which customers and prospects are due today, and why: her "whom to contact".

Scores order people against each other, they are not probabilities. They do not rise with "days since / own gap", which
ranks worse than chance (ranking.md 3); what counts is how much her rhythm is known and whether its time is now:

    own rhythm      (.50 + .40 n/(n + 4)) x timely       n orders; timely = 1 in the window, falling to .6 when it is over
    product used up .60 (first of its line), .55 (only order) x timely
    open basket     .95 - .05 a day
    check-in .60 · birthday .50 - .02 a day · connect .45 · lapsed .35 falling to .15 at 400 days
    prospect        .60 hot · .45 warm · .30 cool · .20 cold
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from math import ceil, floor

from .models import Customer, Distributor, Market
from .purchases import (
    GRACE_DAYS,
    LONGEST_DAYS,
    OVERDUE,
    WINDOW,
    Basket,
    LineBought,
    lines_bought,
    open_baskets,
)

CHECK_IN = (5, 8)
CONNECT = (19, 24)
LAPSED = (120, LONGEST_DAYS)
BIRTHDAY_DAYS = 7
#: Days until a prospect should hear again, and the score. Not said how interested counts as cool.
PROSPECT = {
    Customer.Hotness.HOT: (7, 0.60),
    Customer.Hotness.WARM: (14, 0.45),
    Customer.Hotness.COOL: (30, 0.30),
    Customer.Hotness.COLD: (60, 0.20),
}
#: Somebody who heard from her this recently is left alone, unless she left a basket open.
QUIET_DAYS = 5


@dataclass(frozen=True)
class Due:
    customer: Customer
    reason: str  # open_basket, one_time, reorder_due, check_in, connect, lapsed, birthday, prospect
    score: float  # 0 to 1
    facts: dict[str, object] = field(default_factory=dict)
    window_start: date | None = None
    window_end: date | None = None


@dataclass(frozen=True)
class Known:
    """All that is known about one customer today."""

    customer: Customer
    today: date
    market: Market
    bought: list[LineBought]  # the last bought line first
    basket: Basket | None
    days_since_contact: int | None
    days_since_added: int
    heard_lately: bool

    @property
    def days_since_order(self) -> int | None:
        last = self.customer.last_order_on
        return (self.today - last).days if last else None

    @cached_property
    def own_facts(self) -> dict[str, object | None]:
        customer = self.customer
        return {
            "days_since_order": self.days_since_order,
            "last_order_on": customer.last_order_on,
            "usual_gap_days": customer.usual_gap_days,
            "orders": customer.orders,
            "order_average": (customer.spent / customer.orders).quantize(Decimal("0.01")) if customer.orders else None,
            "currency": self.market.currency,
            "hotness": customer.hotness or None,
            "days_since_contact": self.days_since_contact,
            "days_since_added": self.days_since_added,
        }

    def facts(self, line: LineBought | None = None) -> dict[str, object]:
        """What reason sentences are made of; only what is known. `line` is the one the reason is about."""
        line = line or (self.bought[0] if self.bought else None)
        bought: dict[str, object | None] = {}
        if line is not None:
            bought = {
                "product": line.product,
                "product_price": line.price,
                "lasts_days": line.lasts_days,
                "line": line.line,
                "line_name": line.line_name,
            }
        return {name: value for name, value in (self.own_facts | bought).items() if value is not None}


def due(distributor: Distributor, *, as_of: datetime) -> list[Due]:
    """Her customers that are due, each once with the best reason, best first."""
    return due_of([distributor], as_of=as_of)[distributor.pk]


def due_of(distributors: Iterable[Distributor], *, as_of: datetime) -> dict[int, list[Due]]:
    """`due` for many; load the people `with_market()`."""
    return {pk: best_of(by_customer) for pk, by_customer in all_reasons_of(distributors, as_of=as_of).items()}


def best_of(by_customer: dict[int, list[Due]]) -> list[Due]:
    """Each customer once with the best reason, the best first."""
    return sorted((reasons[0] for reasons in by_customer.values()), key=lambda d: (-d.score, d.customer.pk))


def all_reasons(distributor: Distributor, *, as_of: datetime) -> dict[int, list[Due]]:
    """Every reason by customer id, the best first."""
    return all_reasons_of([distributor], as_of=as_of)[distributor.pk]


def all_reasons_of(distributors: Iterable[Distributor], *, as_of: datetime) -> dict[int, dict[int, list[Due]]]:
    """By distributor and customer. 3 queries whatever the number of people and the length of their history.

    (Customers, baskets, lines bought; one more for the products in baskets when there are any.)
    """
    people = {person.pk: person for person in distributors}
    found: dict[int, dict[int, list[Due]]] = {pk: {} for pk in people}
    if not people:
        return found
    baskets = open_baskets(people.keys(), as_of)
    customers = [
        customer
        for customer in Customer.objects.filter(distributor_id__in=people).may_be_contacted().order_by("pk")
        if customer.pk in baskets or not heard_lately(customer, as_of)
    ]
    latest = max(person.local_day(as_of) for person in people.values())
    bought = lines_bought([customer for customer in customers if customer.orders], latest)
    for customer in customers:
        person = people[customer.distributor_id]
        known = what_is_known(customer, person, bought.get(customer.pk, []), baskets.get(customer.pk), as_of)
        if reasons := sorted(reasons_for(known), key=lambda d: -d.score):
            found[person.pk][customer.pk] = reasons
    return found


def heard_lately(customer: Customer, as_of: datetime) -> bool:
    return customer.last_contact_at is not None and customer.last_contact_at > as_of - timedelta(days=QUIET_DAYS)


def what_is_known(
    customer: Customer, person: Distributor, bought: list[LineBought], basket: Basket | None, as_of: datetime
) -> Known:
    market, today = person.market, person.local_day(as_of)
    contact = customer.last_contact_at
    return Known(
        customer=customer,
        today=today,
        market=market,
        bought=bought,
        basket=basket,
        days_since_contact=(today - market.local_day(contact)).days if contact else None,
        days_since_added=(today - market.local_day(customer.added_at)).days,
        heard_lately=heard_lately(customer, as_of),
    )


def reasons_for(known: Known) -> Iterator[Due]:
    if known.basket is not None:
        yield open_basket(known, known.basket)
    if known.heard_lately:
        return
    if known.customer.kind == Customer.Kind.PROSPECT and not known.customer.orders:
        yield from prospect(known)
    yield from birthday(known)
    if known.days_since_order is not None and known.days_since_order >= 0:
        yield from own_rhythm(known)
        yield from used_up(known)
        yield from after_order(known, known.days_since_order)


def open_basket(known: Known, basket: Basket) -> Due:
    days = max(0, (known.today - known.market.local_day(basket.opened_at)).days)
    basket_facts = {"days_open": days, "basket_amount": basket.amount, "basket_product": basket.product}
    facts = known.facts() | {name: value for name, value in basket_facts.items() if value not in (None, "")}
    return Due(known.customer, "open_basket", 0.95 - 0.05 * min(days, 7), facts)


def own_rhythm(known: Known) -> Iterator[Due]:
    """From the second order day on her own usual gap says when."""
    customer = known.customer
    if customer.usual_gap_days and customer.last_order_on:
        certainty = 0.50 + 0.40 * customer.orders / (customer.orders + 4)
        yield from in_window(known, "reorder_due", customer.last_order_on, customer.usual_gap_days, certainty, None)


def used_up(known: Known) -> Iterator[Due]:
    """Bought once, and about used up: of a line for the first time, or as her only order so far."""
    lines = [line for line in known.bought if line.lasts_days]
    for line in lines:
        if line.once:
            yield from in_window(known, "one_time", line.last_on, float(line.lasts_days or 0), 0.60, line)
    if known.customer.orders == 1 and lines:
        yield from in_window(known, "reorder_due", lines[0].last_on, float(lines[0].lasts_days or 0), 0.55, lines[0])


def in_window(
    known: Known, reason: str, last: date, gap: float, certainty: float, line: LineBought | None
) -> Iterator[Due]:
    """Due from .8 of the gap on, until 1.6 of it and a week: then it is no longer a matter of rhythm."""
    start, end = last + timedelta(days=floor(WINDOW[0] * gap)), last + timedelta(days=ceil(WINDOW[1] * gap))
    over = last + timedelta(days=ceil(OVERDUE * gap) + GRACE_DAYS)
    if start <= known.today <= over:
        late = max(0, (known.today - end).days) / max(1, (over - end).days)
        facts = known.facts(line) | {
            "window_start": start,
            "window_end": end,
            "days_since_line": (known.today - last).days,
        }
        yield Due(known.customer, reason, certainty * (1 - 0.4 * late), facts, start, end)


def after_order(known: Known, days: int) -> Iterator[Due]:
    """A word on day 6, another on day 21, and one to somebody not seen for months."""
    for reason, (first, last), score in (
        ("check_in", CHECK_IN, 0.60),
        ("connect", CONNECT, 0.45),
        ("lapsed", LAPSED, 0.35 - 0.20 * (days - LAPSED[0]) / (LAPSED[1] - LAPSED[0])),
    ):
        if first <= days <= last:
            ordered = known.today - timedelta(days=days)
            window = ordered + timedelta(days=first), ordered + timedelta(days=last)
            yield Due(known.customer, reason, score, known.facts(), *window)


def birthday(known: Known) -> Iterator[Due]:
    born = known.customer.birthday
    if born is None:
        return
    on = next_birthday(born, known.today)
    days = (on - known.today).days
    if days <= BIRTHDAY_DAYS:
        facts = known.facts() | {"birthday_on": on, "days_to_birthday": days}
        yield Due(known.customer, "birthday", 0.50 - 0.02 * days, facts, known.today, on)


def next_birthday(born: date, today: date) -> date:
    """Born on 29 February: kept on the 28th in other years."""
    for year in (today.year, today.year + 1):
        try:
            on = born.replace(year=year)
        except ValueError:
            on = date(year, 2, 28)
        if on >= today:
            return on
    raise AssertionError("a year has a birthday in it")


def prospect(known: Known) -> Iterator[Due]:
    """By interest: 7, 14, 30 or 60 days after the last contact, or after she was added."""
    days = known.days_since_added if known.days_since_contact is None else known.days_since_contact
    interval, score = PROSPECT[Customer.Hotness(known.customer.hotness or Customer.Hotness.COOL)]
    if days >= interval:
        yield Due(known.customer, "prospect", score, known.facts(), known.today - timedelta(days=days - interval))
