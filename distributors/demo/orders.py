"""What happens to a distributor in 26 weeks: customers with their own rhythm, refunds, baskets, prospects, sign-ins.

A customer keeps to a few products, orders again about when they are used up, and may stop after each order (as in
BG/NBD); how many customers a distributor has is gamma over the field. Everything of one person is drawn from
(seed, her id), so that more people change nothing about the others. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from .company import ITEMS, Item, Place
from .names import name
from .people import Event, Seller, at, enrolled, event

WEEKS = 26
#: Sign-ins are told for the weeks that goals look back at.
SIGN_IN_DAYS = 84
#: The eye line is new: on sale for fourteen weeks, tried by many, bought again by few.
EYE_DAYS = 98
EYE_SHARE, EYE_AGAIN = 0.30, 0.30
#: Chance that a customer orders again at all after an order, and of a refund, a second product, an open basket.
AGAIN, REFUND, SECOND, BASKET = 0.85, 0.015, 0.35, 0.04
HOTNESS = ("hot", "warm", "cool", "cold")

EYE = [one for one in ITEMS.values() if one.line == "eye"]
OTHERS = [one for one in ITEMS.values() if one.line != "eye"]


def events_of(seller: Seller, *, seed: int, as_of: datetime) -> Iterator[Event]:
    """Everything about one person up to `as_of`, her enrolment first."""
    rng = Random(f"{seed} {seller.external_id}")  # noqa: S311 (a demonstration, not a secret)
    yield enrolled(seller)
    everything = (
        sign_ins(rng, seller, as_of),
        *(customer(rng, seller, number, as_of) for number in range(1, seller.customers + 1)),
        prospects(rng, seller, as_of),
    )
    for part in everything:
        for one in part:
            if seller.joined_at <= one["time"] <= as_of:
                yield one


def sign_ins(rng: Random, seller: Seller, as_of: datetime) -> Iterator[Event]:
    today = seller.place.today(as_of)
    for ago in range(min(SIGN_IN_DAYS, (today - seller.joined_on).days + 1)):
        if rng.random() < seller.signs_in:
            day = today - timedelta(days=ago)
            yield signed_in(seller, at(seller.place, day, rng.uniform(6.5, 22)))


def signed_in(seller: Seller, when: datetime) -> Event:
    return event(seller, "distributor.signed_in", f"in-{when:%Y-%m-%d}", when, {})


def customer(rng: Random, seller: Seller, number: int, as_of: datetime) -> Iterator[Event]:
    """One customer: met before the window or in it, then order after order until she stops."""
    place, today = seller.place, seller.place.today(as_of)
    who, called = f"c{number}", name(rng, seller.place.language)
    opens = max(today - timedelta(weeks=WEEKS), seller.joined_on)
    likes, haste = rng.choice(OTHERS), rng.lognormvariate(0, 0.25)
    day = opens + timedelta(days=int(rng.random() ** 1.6 * max(1, (today - opens).days)))
    if rng.random() < 0.3:
        met = at(place, max(seller.joined_on, day - timedelta(days=rng.randint(1, 12))), rng.uniform(9, 12))
        yield contact(seller, who, met, {"name": called, "kind": "customer"} | ways(rng, who, place))
    count = 0
    while day <= today and (seller.quiet_on is None or day < seller.quiet_on):
        count += 1
        when = at(place, day, rng.uniform(12, 21))
        bought = basket_of(rng, likes, day, today)
        yield order(seller, who, called, f"{number}-{count}", when, bought)
        if rng.random() < REFUND:
            yield refund(seller, who, f"{number}-{count}", when + timedelta(days=rng.randint(2, 9)), bought[:1])
        eye = bought[0].line == "eye"
        if rng.random() > AGAIN:
            return
        gap = (bought[0].lasts_days or 60) * haste * rng.lognormvariate(0, 0.2)
        day += timedelta(days=max(4, round(gap)))
        likes = rng.choice(OTHERS) if eye and rng.random() > EYE_AGAIN else bought[0]
    if count and rng.random() < BASKET:
        yield basket(seller, who, as_of - timedelta(hours=rng.uniform(2, 100)), rng.choice(OTHERS))


def basket_of(rng: Random, likes: Item, day: date, today: date) -> list[Item]:
    """Her usual product, since its launch perhaps something of the eye line instead, and sometimes a second one."""
    launched = (today - day).days <= EYE_DAYS
    first = rng.choice(EYE) if launched and likes.line != "eye" and rng.random() < EYE_SHARE else likes
    second = rng.choice(OTHERS)
    return [first, second] if rng.random() < SECOND and second is not first else [first]


def lines(place: Place, items: list[Item]) -> list[dict[str, Any]]:
    return [{"sku": one.sku, "quantity": 1, "amount": str(place.price(one.price))} for one in items]


def money(place: Place, items: list[Item]) -> dict[str, str]:
    return {"currency": place.currency, "amount": str(sum((place.price(one.price) for one in items), Decimal(0)))}


def order(seller: Seller, who: str, called: str, number: str, when: datetime, items: list[Item]) -> Event:
    data = {"customer": who, "customer_name": called, "lines": lines(seller.place, items)}
    return event(seller, "order.placed", f"o-{number}", when, data | money(seller.place, items))


def refund(seller: Seller, who: str, number: str, when: datetime, items: list[Item]) -> Event:
    data = {"order": f"{seller.external_id}.o-{number}", "customer": who, "lines": lines(seller.place, items)}
    return event(seller, "order.refunded", f"r-{number}", when, data | money(seller.place, items))


def basket(seller: Seller, who: str, when: datetime, one: Item) -> Event:
    data = {"customer": who, "lines": lines(seller.place, [one])} | money(seller.place, [one])
    return event(seller, "basket.opened", f"b-{who}", when, data)


def contact(seller: Seller, who: str, when: datetime, data: dict[str, Any]) -> Event:
    return event(seller, "contact.added", f"k-{who}", when, {"customer": who} | data)


def ways(rng: Random, who: str, place: Place) -> dict[str, str]:
    """A number nobody has and an address nobody has, of this customer (c1, c2 ...) or prospect (p1, p2 ...) alone; for some a
    birthday."""
    born = date(rng.randint(1960, 2003), rng.randint(1, 12), rng.randint(1, 28))
    code = {"us": "+1312555", "de": "+4930555", "mx": "+5255555"}[place.code]
    # Customers end in 00 to 80, prospects in 81 to 99.
    ends = int(who[1:]) if who[0] == "c" else 81 + int(who[1:]) % 19
    found = {"phone": f"{code}{rng.randint(0, 99):02d}{ends:02d}", "email": f"{who}@people.example"}
    return found | ({"birthday": born.isoformat()} if rng.random() < 0.5 else {})


def prospects(rng: Random, seller: Seller, as_of: datetime) -> Iterator[Event]:
    for number in range(1, int(rng.expovariate(0.6)) + 1):
        day = seller.place.today(as_of) - timedelta(days=rng.randint(1, 70))
        data = {"name": name(rng, seller.place.language), "kind": "prospect", "hotness": rng.choice(HOTNESS)}
        when = at(seller.place, day, rng.uniform(9, 20))
        yield contact(seller, f"p{number}", when, data | ways(rng, f"p{number}", seller.place))
