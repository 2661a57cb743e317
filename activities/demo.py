"""Messages that the demo's people sent in the last weeks: written, opened and sent by the same functions as on the sheet.

Nothing of what came of them is made up here: the orders and answers are the demo's own, and are credited by the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from distributors import outreach as reaching
from distributors.demo.contacts import by_day
from distributors.models import CHANNELS, Customer, Distributor, Order

from . import actions
from .library import sharing
from .messages import outreach
from .messages.composing import Chosen, sheet
from .models import Activity, ShareLink

#: Of each person: so many messages some days before an order, and so many that wait for theirs.
FOLLOWED, WAITING = 3, 2
#: Orders looked back at.
DAYS = 21
#: Jenna's: (customer, days before this week's order or before today, whether she answered).
JENNA = (("wren", 2, ""), ("nora", 1, ""), ("carmen", 3, ""), ("kara", 6, "later"), ("gina", 8, "interested"))


@dataclass(frozen=True)
class Written:
    """A message to be: to whom, when, and what she answered a day later."""

    customer: Customer
    at: datetime
    tone: str = ""


def load(people: Iterable[Distributor], *, seed: int, as_of: datetime) -> int:
    """Messages of these people (loaded with their markets) and what was credited to them; how many were sent."""
    people, sent = list(people), 0
    activity = Activity.objects.published().filter(key="reorder-on-her-rhythm").first()
    for who in people:
        wanted = of_jenna(who, as_of) if who.external_id == "jenna" else drawn(who, seed, as_of)
        wanted = [replace(one, at=by_day(who.market.zone, one.at)) for one in wanted]
        sent += sum(send(who, one, activity if number % 2 else None, as_of) for number, one in enumerate(wanted))
    actions.settle([who.pk for who in people], as_of=as_of)
    return sent


def of_jenna(jenna: Distributor, as_of: datetime) -> list[Written]:
    found = []
    for key, days, tone in JENNA:
        customer = Customer.objects.of(jenna.pk).filter(external_id=key).first()
        if customer is not None:
            since = as_of - timedelta(days=7)
            ordered = Order.objects.filter(customer=customer, time__gt=since).order_by("time").first()
            found.append(Written(customer, (ordered.time if ordered else as_of) - timedelta(days=days), tone))
    return found


def drawn(who: Distributor, seed: int, as_of: datetime) -> list[Written]:
    """Some who ordered lately, written to some days before; some others, a few days ago. All with a number or an address."""
    rng = Random(f"{seed} {who.external_id} messages")  # noqa: S311 (a demonstration, not a secret)
    mine = Customer.objects.of(who.pk).may_be_contacted().filter(last_contact_at=None).order_by("external_id")
    mine = mine.exclude(phone="", email="")
    lately = as_of - timedelta(days=DAYS)
    orders = list(Order.objects.filter(customer__in=mine, time__gt=lately, is_repeat=True).select_related("customer"))
    chosen = {one.customer: one for one in rng.sample(orders, min(FOLLOWED, len(orders)))}
    found = [
        Written(customer, order.time - timedelta(days=rng.uniform(0.5, 5)))
        for customer, order in chosen.items()
        if customer
    ]
    others: Sequence[Customer] = [one for one in mine if one not in chosen]
    return found + [
        Written(customer, as_of - timedelta(days=rng.uniform(2, 12)), rng.choice(("", "interested")))
        for customer in rng.sample(others, min(WAITING, len(others)))
    ]


def send(who: Distributor, one: Written, activity: Activity | None, as_of: datetime) -> bool:
    """Whether it went: not to who may not be written to."""
    made = sheet(
        distributor=who, customer=one.customer, candidate=None, why="", asked=Chosen(), address=address, as_of=one.at
    )
    way = way_to(one.customer, who)
    try:
        opened = outreach.opened(
            distributor=who, customer=one.customer, activity=activity, channel=way, language=made.language, text=made.text,
            as_of=one.at, by=who.user, subject=made.subject if way == "email" else "", template=made.chosen.template,
            link=made.attachment.link if made.attachment else None,
        )  # fmt: skip
    except outreach.MessageError:
        return False
    outreach.sent(distributor=who, outreach_id=opened.pk, as_of=one.at + timedelta(minutes=2), by=who.user)
    if made.attachment:
        sharing.counted(made.attachment.link, min(as_of, one.at + timedelta(hours=3)))
    if one.tone:
        reaching.replied(
            customer=one.customer, channel="" if way == "share" else way, tone=one.tone, as_of=min(as_of, one.at + timedelta(days=1)),
            by=who.user, key=f"reply-{one.customer.pk}-demo",
        )  # fmt: skip
    return True


def way_to(customer: Customer, who: Distributor) -> str:
    """WhatsApp or text to who has a number, else e-mail; from the share sheet where none is known. Of who agreed to some
    channels, one of those, also where the market asks for no consent."""
    may = reaching.reachable(customer, who.market)
    may = frozenset(way for way in may if customer.allowed & CHANNELS[way]) or may
    phones = [way for way in ("whatsapp", "text") if customer.phone and way in may]
    return phones[customer.pk % len(phones)] if phones else "email" if customer.email and "email" in may else "share"


def address(link: ShareLink) -> str:
    return f"https://yousystem.example/s/{link.token}/"
