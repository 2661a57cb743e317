"""Who sells for YouSystem: a skewed sponsor tree grown over three years, from a seed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from .company import PLACES, SOURCE, Place
from .names import name

Event = dict[str, Any]

#: The oldest enrolled so many days ago; more recent ones are more frequent, as in a growing field.
OLDEST_DAYS = 1100
#: Customers of a distributor: gamma, so that a few sell most (mean 18, half of them below 13).
SHAPE, SCALE = 1.2, 15.0
MOST_CUSTOMERS = 80
#: Share of those who stop selling some day, and of those who start a tree of their own.
QUIET, ROOTS = 0.15, 0.03


@dataclass(frozen=True)
class Seller:
    """A distributor before she is stored. `quiet_on`: from that day on her customers order no more."""

    external_id: str
    name: str
    place: Place
    sponsor: str | None
    joined_at: datetime
    customers: int
    signs_in: float  # chance a day
    quiet_on: date | None = None

    @property
    def joined_on(self) -> date:
        return self.joined_at.astimezone(self.place.zone).date()


def at(place: Place, day: date, hour: float) -> datetime:
    """A local hour of a day, aware."""
    whole = int(hour)
    minutes = int((hour - whole) * 60)
    return datetime.combine(day, time(whole, minutes), place.zone)


def event(seller: Seller, type_: str, name_: str, when: datetime, data: dict[str, Any]) -> Event:
    """A CloudEvent of the company's shop and office systems; the id names the deed within the person."""
    return {
        "specversion": "1.0",
        "source": SOURCE,
        "id": f"{seller.external_id}.{name_}",
        "type": type_,
        "subject": seller.external_id,
        "time": when,
        "data": data,
    }


def enrolled(seller: Seller) -> Event:
    data = {"name": seller.name, "market": seller.place.code, "joined_on": seller.joined_on.isoformat()}
    if seller.sponsor:
        data["sponsor"] = seller.sponsor
    return event(seller, "distributor.enrolled", "enrolled", seller.joined_at, data)


def field(seed: int, people: int, as_of: datetime, first: Seller) -> list[Seller]:
    """So many people beside Jenna's own team. `first` (her sponsor) is the oldest; sponsors come before recruits."""
    rng = Random(f"{seed} field")  # noqa: S311 (a demonstration, not a secret)
    days = sorted((int(OLDEST_DAYS * rng.random() ** 1.5) for _ in range(people)), reverse=True)
    # Everybody in it once, and once more for each recruit: who has many gets more.
    tickets: dict[str, list[str]] = {place.code: [] for place in PLACES}
    tickets[first.place.code].append(first.external_id)
    found = []
    for number, ago in enumerate(days, 1):
        place = rng.choices(PLACES, [place.share for place in PLACES])[0]
        known = tickets[place.code]
        sponsor = rng.choice(known) if known and rng.random() > ROOTS else None
        seller = join(rng, place, number, sponsor, ago, as_of)
        known.extend([seller.external_id] if sponsor is None else [seller.external_id, sponsor])
        found.append(seller)
    return found


def join(rng: Random, place: Place, number: int, sponsor: str | None, ago: int, as_of: datetime) -> Seller:
    today = place.today(as_of)
    joined_at = min(as_of, at(place, today - timedelta(days=ago), rng.uniform(9, 19)))
    quiet_on = None
    if ago > 60 and rng.random() < QUIET:
        quiet_on = today - timedelta(days=rng.randint(10, min(ago - 30, 120)))
    return Seller(
        external_id=f"{place.code}-{number:05d}",
        name=name(rng, place.language),
        place=place,
        sponsor=sponsor,
        joined_at=joined_at,
        customers=customers_of(rng, ago),
        signs_in=min(0.95, rng.betavariate(1.6, 2.4)),
        quiet_on=quiet_on,
    )


def customers_of(rng: Random, days_in: int) -> int:
    """Gamma, growing over the first half year; a third of those who joined in the last six weeks have nobody yet."""
    grown = min(1.0, 0.15 + days_in / 180)
    many = int(rng.gammavariate(SHAPE, SCALE) * grown)
    if days_in < 42 and rng.random() < 1 / 3:
        return 0
    return min(MOST_CUSTOMERS, many + 1)
