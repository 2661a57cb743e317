"""What customers agreed to, when they heard from their distributor, and what they answered, as the office would have noted it.

Made of a person's other events and drawn beside them: who orders what does not change by it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from .orders import contact, ways
from .people import Event, Seller, event

#: Where consent has to be on record it mostly is; elsewhere some gave it all the same. And some took it back.
AGREED = {True: 0.8, False: 0.25}
WITHDRAWN, STOPPED = 0.03, 0.01
#: How a distributor knows, in her market's language.
ORIGINS = {
    "en": ("order form", "asked in person", "sign-up at a party"),
    "de": ("Bestellformular", "persönlich gefragt", "Anmeldung auf einer Feier"),
    "es": ("formulario de pedido", "pregunta en persona", "registro en una reunión"),
}
STOPS = {"en": "asked by text", "de": "per SMS gebeten", "es": "lo pidió por mensaje"}
CHANNELS = ("all", "all", "all", "whatsapp", "email", "text", "call")
#: Looked back so far; how many customers heard from her in that time, and how many answered.
DAYS, HEARD, ANSWERED = 60, 0.35, 0.4
WAYS = ("whatsapp", "text", "email", "call")
#: People write and call between these local hours.
FROM, UNTIL = 9, 20
#: Who have one customer on their list twice: from her orders, and once more by hand.
TWICE = ("grace", "bea")
TONES = ("interested", "interested", "later", "later", "no")


@dataclass
class Known:
    """One customer as the events so far have her."""

    since: datetime
    orders: list[datetime] = field(default_factory=list)
    name: str = ""
    phone: str = ""


def with_contacts(seller: Seller, events: Iterable[Event], *, seed: int, as_of: datetime) -> Iterator[Event]:
    """All of one person's events, and after them what her customers agreed to, heard and answered."""
    known: dict[str, Known] = {}
    for one in events:
        who = one["data"].get("customer")
        if who is not None:
            person = known.setdefault(who, Known(one["time"]))
            person.since = min(person.since, one["time"])
            person.name = one["data"].get("customer_name") or person.name
            person.phone = one["data"].get("phone") or person.phone
            if one["type"] == "order.placed":
                person.orders.append(one["time"])
        yield one
    rng = Random(f"{seed} {seller.external_id} contacts")  # noqa: S311 (a demonstration, not a secret)
    for who, person in known.items():
        for one in said_with(rng, seller, who, person, as_of):
            if person.since <= one["time"] <= as_of:
                yield one
    if seller.external_id in TWICE:
        yield from (one for one in by_hand(seller, known) if one["time"] <= as_of)


def said_with(rng: Random, seller: Seller, who: str, person: Known, as_of: datetime) -> Iterator[Event]:
    may = set(WAYS)
    agreed = False
    if rng.random() < AGREED[seller.place.consent_required]:
        channel = rng.choice(CHANNELS)
        origin = rng.choice(ORIGINS[seller.place.language])
        agreed = True
        yield consent(seller, who, person.since, channel, "given", origin)
        if channel != "all":
            may = {channel}
    elif seller.place.consent_required:
        may = set()
    left = as_of - person.since
    if rng.random() < WITHDRAWN:
        channel = "all" if rng.random() < STOPPED / WITHDRAWN else rng.choice(WAYS)
        may -= {channel} if channel != "all" else may
        yield consent(
            seller, who, person.since + left * rng.random(), channel, "withdrawn", STOPS[seller.place.language]
        )
    # The same draws whether or not she may be written to.
    heard, chance, which, reached_by = rng.random(), rng.random(), rng.random(), ways(rng, who, seller.place)
    hears = heard < HEARD and bool(may) and seller.signs_in > 0.2
    if (agreed or hears) and not person.phone:
        person.phone = reached_by["phone"]
        yield contact(seller, who, person.since, reached_by)
    if hears:
        way = sorted(may)[int(which * len(may))]
        yield from in_touch(rng, seller, who, by_day(seller.place.zone, when_heard(rng, person, chance, as_of)), way)


def when_heard(rng: Random, person: Known, chance: float, as_of: datetime) -> datetime:
    """In half of the cases some days before an order, as who knows her customers' rhythm does."""
    late = [when for when in person.orders if when > as_of - timedelta(days=DAYS)]
    if late and chance < 0.5:
        return rng.choice(late) - timedelta(days=rng.uniform(1, 6))
    return as_of - timedelta(days=rng.uniform(0.2, DAYS))


def by_day(zone: ZoneInfo, when: datetime) -> datetime:
    """The same day at an hour at which one writes to somebody: the whole day pressed together, so that earlier stays earlier."""
    local = when.astimezone(zone)
    hours = local.hour + local.minute / 60 + local.second / 3600
    minutes = int(60 * (FROM + hours / 24 * (UNTIL - FROM)))
    return local.replace(hour=minutes // 60, minute=minutes % 60, fold=0)


def in_touch(rng: Random, seller: Seller, who: str, when: datetime, way: str) -> Iterator[Event]:
    yield made(seller, who, "1", when, way)
    if rng.random() < ANSWERED:
        later = by_day(seller.place.zone, when + timedelta(hours=rng.uniform(1.5, 40)))
        yield replied(seller, who, "1", max(later, when + timedelta(minutes=20)), way, rng.choice(TONES))


def by_hand(seller: Seller, known: dict[str, Known]) -> Iterator[Event]:
    """Her first customer with orders and a number, once more: added by hand after an order, name shortened."""
    for who, person in known.items():
        if person.orders and person.phone and person.name:
            when = by_day(seller.place.zone, min(person.orders) + timedelta(minutes=40))
            yield contact(seller, f"{who}-hand", max(when, min(person.orders)), twin(person.name, person.phone))
            return


def twin(name: str, phone: str) -> dict[str, str]:
    """Ana Vidal as she is typed in a hurry: Ana V., and her number."""
    given, _blank, family = name.partition(" ")
    return {"name": f"{given} {family[:1]}.", "kind": "customer", "phone": phone}


def consent(seller: Seller, who: str, when: datetime, channel: str, state: str, origin: str) -> Event:
    data = {"customer": who, "channel": channel, "state": state, "origin": origin}
    return event(seller, "consent.changed", f"c-{state}-{who}", when, data)


def made(seller: Seller, who: str, number: str, when: datetime, way: str) -> Event:
    return event(seller, "contact.made", f"m-{who}-{number}", when, {"customer": who, "channel": way})


def replied(seller: Seller, who: str, number: str, when: datetime, way: str, tone: str) -> Event:
    data = {"customer": who, "channel": way, "tone": tone}
    return event(seller, "contact.replied", f"a-{who}-{number}", when, data)
