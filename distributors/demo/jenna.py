"""Jenna Reyes, the worked example of product.md: true whenever the demo is loaded, on any day and at any hour.

Her weekly goal is $250 of sales and she is at $187.50; her monthly goal is 3 enrolments and she has 2. So what
happened this week and this month is told as shares of the time since the week and the month began, however short;
what is about a customer's rhythm is told in days before today; her regulars' earlier orders in days before this week
began, so that earlier weeks are the same whenever one looks. Pure: no chance in it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ..models import Market
from ..periods import month_of
from . import contacts
from .company import ITEMS, US
from .orders import basket, contact, order, signed_in
from .people import Event, Seller, at, enrolled
from .regulars import REGULARS, Regular

WEEKLY_SALES, MONTHLY_ENROLMENTS = 250, 3
DAYS = 7 * 26
#: How long before today Maria bought the palette.
MARIA_DAYS = 34
#: Longer ago than a month is long.
BEFORE_THIS_MONTH = 40


@dataclass(frozen=True)
class Clock:
    """The moment the demo is loaded, on Jenna's calendar."""

    as_of: datetime

    @property
    def today(self) -> date:
        return US.today(self.as_of)

    @property
    def week(self) -> date:
        return Market(week_start=US.week_start).week_of(self.today)[0]

    @property
    def month(self) -> date:
        return month_of(self.today)[0]

    def within(self, first: date, share: float) -> datetime:
        """A moment between the start of local day `first` and now."""
        start = at(US, first, 0).astimezone(UTC)
        return (start + (self.as_of - start) * share).astimezone(US.zone)

    def ago(self, days: int, hour: float = 12) -> datetime:
        """A local hour so many days before today; today it must have passed."""
        return min(self.as_of, at(US, self.today - timedelta(days=days), hour))

    def before_week(self, days: int, hour: float = 12) -> datetime:
        return at(US, self.week - timedelta(days=days), hour)


#: (customer, share of the week so far, what): $66 + $58 + $63.50 = $187.50.
THIS_WEEK = (
    ("carmen", 0.2, ("SKIN-DAY", "SKIN-CLEANSER")),
    ("nora", 0.5, ("SKIN-NIGHT",)),
    ("wren", 0.8, ("EYE-LINER", "BODY-HAND", "WELLNESS-TEA")),
)

#: Told in days before today: (customer, name, ((days, what), ...)).
STORIES = (
    ("maria", "Maria Santos", ((158, ("SKIN-DAY",)), (96, ("SKIN-DAY",)), (MARIA_DAYS, ("EYE-PALETTE",)))),
    ("maya", "Maya Ortiz", ((54, ("EYE-LINER",)),)),
    ("priya", "Priya Nair", ((138, ("SKIN-NIGHT",)), (103, ("BODY-OIL",)), (68, ("BODY-OIL",)), (34, ("BODY-OIL",)))),
    ("jo", "Jo Lindqvist", ((120, ("HAIR-MASK",)), (51, ("EYE-SERUM",)))),
    ("li", "Li Wen", ((130, ("SKIN-DAY",)), (79, ("SKIN-DAY", "SKIN-CLEANSER")), (27, ("SKIN-DAY",)))),
    ("tom", "Tom Becker", ((176, ("SKIN-SUN",)), (141, ("SKIN-SUN",)))),
    ("dee", "Dee Okafor", ((7, ("LIP-TINT", "LIP-BALM")),)),
    ("hana", "Hana Sato", ((71, ("HAIR-SHAMPOO",)), (21, ("HAIR-SHAMPOO", "HAIR-MASK")))),
)

#: (prospect, name, interest, days since she was added).
PROSPECTS = (
    ("ana", "Ana Vidal", "hot", 12),
    ("tess", "Tess Marsh", "warm", 20),
    ("ruth", "Ruth Ellison", "cool", 16),
    ("bo", "Bo Hansen", "cold", 45),
)

OPEN_BASKET_HOURS = 20

#: Who agreed to be written to, by what, how Jenna knows, and how many days before today. Maya did on her order form.
AGREED = (
    ("maya", "all", "order form", 54), ("maria", "all", "order form", 158), ("priya", "whatsapp", "asked in person", 100),
    ("jo", "text", "asked in person", 60), ("li", "all", "order form", 130), ("carmen", "all", "order form", 90),
    ("nora", "email", "sign-up at a party", 70), ("wren", "all", "asked in person", 80), ("kara", "all", "order form", 60),
    ("ana", "all", "asked in person", 12), ("tess", "text", "sign-up at a party", 20), ("gina", "whatsapp", "order form", 90),
    ("dawn", "whatsapp", "asked in person", 70), ("holly", "call", "asked in person", 50), ("abby", "text", "order form", 100),
    ("thea", "whatsapp", "order form", 55), ("lena", "email", "sign-up at a party", 52), ("ruth", "text", "asked in person", 14),
)  # fmt: skip
#: And who asked not to be, of one channel or of all: (customer, channel, days before today).
REFUSED = (("vera", "email", 48), ("quinn", "all", 19))
#: Olive is on her list twice: from her orders, and added by hand so many days before today.
TWICE, TWICE_DAYS = ("olive", "Olive Grant"), 130
#: Whom she was in touch with lately, besides her to-dos: (customer, channel, days before today, answered after hours, tone).
HEARD = (
    ("dawn", "whatsapp", 9, 3, "interested"), ("holly", "call", 12, 0, ""), ("abby", "text", 16, 26, "later"),
    ("thea", "whatsapp", 2, 1, "interested"), ("lena", "email", 8, 0, ""), ("ruth", "text", 10, 20, "later"),
)  # fmt: skip


def sponsor(as_of: datetime) -> Seller:
    """Grace, who brought Jenna in and leads the oldest team."""
    return Seller("grace", "Grace Okafor", US, None, Clock(as_of).ago(1400), customers=45, signs_in=0.9)


def jenna(as_of: datetime) -> Seller:
    return Seller("jenna", "Jenna Reyes", US, "grace", Clock(as_of).ago(820), customers=0, signs_in=1.0)


def team(as_of: datetime) -> list[Seller]:
    """Nine people below her, two of them a level further down; two of the nine joined this month.

    Rosa ordered every other week until five weeks ago. Dana joined 24 days ago and has no order yet; when that was this
    month, Kim joined before it.
    """
    clock = Clock(as_of)
    dana_at = clock.ago(24)
    dana_counts = US.today(dana_at) >= clock.month
    kim_at = clock.ago(BEFORE_THIS_MONTH) if dana_counts else clock.within(clock.month, 0.3)
    new = Seller("", "", US, "jenna", as_of, customers=0, signs_in=0.5)
    return [
        replace(new, external_id="bea", name="Bea Kowalski", joined_at=clock.ago(700), customers=18),
        replace(new, external_id="rosa", name="Rosa Delgado", joined_at=clock.ago(400), signs_in=0.2),
        replace(new, external_id="mina", name="Mina Patel", joined_at=clock.ago(330), customers=11),
        replace(new, external_id="sol", name="Sol Herrera", joined_at=clock.ago(210), customers=7),
        replace(new, external_id="noor", name="Noor Aziz", joined_at=clock.ago(420), customers=9, sponsor="bea"),
        replace(new, external_id="lucy", name="Lucy Tran", joined_at=clock.ago(150), customers=5, sponsor="bea"),
        replace(new, external_id="dana", name="Dana Whitfield", joined_at=dana_at),
        replace(new, external_id="kim", name="Kim Sorensen", joined_at=kim_at),
        replace(new, external_id="ines", name="Ines Carvalho", joined_at=clock.within(clock.month, 0.7)),
    ]


def events(as_of: datetime) -> Iterator[Event]:
    """Everything about Jenna herself up to `as_of`."""
    me, clock = jenna(as_of), Clock(as_of)
    yield enrolled(me)
    for days in range(DAYS):
        yield signed_in(me, clock.within(clock.today, 0.1) if days == 0 else clock.ago(days, 7.25))
    yield from regular_orders(me, clock)
    yield from this_week(me, clock)
    yield from stories(me, clock)
    yield basket(me, "li", as_of - timedelta(hours=OPEN_BASKET_HOURS), ITEMS["EYE-MASCARA"])
    for who, name, hotness, days in PROSPECTS:
        yield contact(me, who, clock.ago(days, 18), {"name": name, "kind": "prospect", "hotness": hotness} | ways(who))
    who, name = TWICE
    yield contact(me, f"{who}-hand", clock.ago(TWICE_DAYS, 18), contacts.twin(name, ways(who)["phone"]))
    yield from in_touch(me, clock)


def in_touch(me: Seller, clock: Clock) -> Iterator[Event]:
    """Consents with how she knows, two refusals, and a few messages and answers."""
    for who, channel, origin, days in AGREED:
        yield contacts.consent(me, who, clock.ago(days, 18), channel, "given", origin)
    for who, channel, days in REFUSED:
        yield contacts.consent(me, who, clock.ago(days, 17), channel, "withdrawn", "asked by text")
    for who, channel, days, hours, tone in HEARD:
        when = clock.ago(days, 15)
        yield contacts.made(me, who, "1", when, channel)
        if hours:
            yield contacts.replied(me, who, "1", when + timedelta(hours=hours), channel, tone)


def regular_orders(me: Seller, clock: Clock) -> Iterator[Event]:
    for regular in REGULARS:
        first = None
        for number, days in enumerate(days_before_week(regular), 1):
            when = clock.before_week(days, 10 + days % 9)
            yield order(me, regular.key, regular.name, f"{regular.key}-{number}", when, things(regular.skus))
            first = when
        if first is not None:
            known = {"name": regular.name} | ways(regular.key) | birthday(regular.key, clock)
            yield contact(me, regular.key, first - timedelta(hours=1), known)


def birthday(who: str, clock: Clock) -> dict[str, str]:
    """Faye's is in three days, Ivy's was last month; born in a leap year, so that any day will do."""
    days = {"faye": 3, "ivy": -30}.get(who)
    return {} if days is None else {"birthday": (clock.today + timedelta(days=days)).replace(year=1988).isoformat()}


def days_before_week(regular: Regular) -> Iterator[int]:
    """Every `gap` days, a day or two early or late as people are, from `last` days before this week began."""
    for number, days in enumerate(range(regular.last, DAYS, regular.gap)):
        yield max(1, days + (number * 5 + regular.gap) % 5 - 2) if number else days


def this_week(me: Seller, clock: Clock) -> Iterator[Event]:
    names = {regular.key: regular.name for regular in REGULARS}
    for who, share, skus in THIS_WEEK:
        when = clock.within(clock.week, share)
        yield order(me, who, names[who], f"{who}-week", when, things(skus))


def stories(me: Seller, clock: Clock) -> Iterator[Event]:
    for who, name, bought in STORIES:
        for number, (days, skus) in enumerate(bought, 1):
            yield order(me, who, name, f"{who}-{number}", clock.ago(days, 11 + number), things(skus))
        yield contact(me, who, clock.ago(bought[0][0] + 3), {"name": name} | ways(who))


def rosas_orders(as_of: datetime) -> Iterator[Event]:
    """Every other week to two customers, then nothing for five weeks."""
    rosa, clock = next(one for one in team(as_of) if one.external_id == "rosa"), Clock(as_of)
    for number, days in enumerate(range(35, 150, 14), 1):
        who, name = (("pat", "Pat Moreno"), ("gwen", "Gwen Hart"))[number % 2]
        yield order(rosa, who, name, f"{number}", clock.ago(days, 15), things(("SKIN-CLEANSER", "BODY-HAND")))


def things(skus: tuple[str, ...]) -> list[Any]:
    return [ITEMS[sku] for sku in skus]


def ways(who: str) -> dict[str, str]:
    """A number and an address that nobody has, her own."""
    return {"phone": f"+1312555{zlib.crc32(who.encode()) % 10_000:04d}", "email": f"{who}@people.example"}
