"""What arrived lately: when each source, each market and each kind of event was last heard of.

Read from the newest events of the log by primary key, whatever its length; what is not among them is said as "not since".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from distributors.models import Market

from .trends import NEWEST_EVENTS, STALE
from .wording import ago, longer_ago

#: What the product writes itself: it says that people are here, not that data arrives.
OWN_SOURCE = "pep"
#: How many people of a market are asked for their newest event when none of its events is among the newest.
ASKED = 200

LATELY = """
    SELECT e.source, e.type, d.market_id, max(e.received_at), min(e.received_at), count(*),
        count(*) FILTER (WHERE e.received_at > %(day_ago)s)
    FROM (
        SELECT source, type, distributor_id, received_at FROM distributors_event ORDER BY id DESC LIMIT %(newest)s
    ) AS e JOIN distributors_distributor d ON d.id = e.distributor_id GROUP BY 1, 2, 3
"""
# A step of the unique index for each source, not for each event.
SOURCES = """
    WITH RECURSIVE found AS (
        (SELECT source FROM distributors_event ORDER BY source, external_id LIMIT 1)
        UNION ALL
        SELECT (SELECT e.source FROM distributors_event e WHERE e.source > f.source ORDER BY source, external_id LIMIT 1)
        FROM found f WHERE f.source IS NOT NULL
    )
    SELECT source FROM found WHERE source IS NOT NULL
"""
OF_PEOPLE = """
    SELECT max(e.received_at)
    FROM (
        SELECT id FROM distributors_distributor WHERE market_id = %(market)s AND left_on IS NULL
        ORDER BY id %% 997, id LIMIT %(asked)s
    ) AS d CROSS JOIN LATERAL (
        SELECT received_at FROM distributors_event
        WHERE distributor_id = d.id AND source <> %(own)s ORDER BY time DESC LIMIT 1
    ) AS e
"""


@dataclass(frozen=True)
class Arrival:
    source: str
    type: str
    market: int
    last: datetime
    first: datetime
    events: int
    in_a_day: int


@dataclass(frozen=True)
class Source:
    """`last` is None for a source that is not among the newest events: it was silent since `not_since` at least."""

    name: str
    last: datetime | None
    not_since: datetime
    in_a_day: int

    def said(self, as_of: datetime) -> str:
        """3 minutes ago · more than 2 hours ago."""
        if self.last is not None:
            return ago(self.last, as_of)
        return longer_ago(self.not_since, as_of)

    def silent(self, as_of: datetime) -> bool:
        return as_of - (self.last or self.not_since) > STALE


@dataclass(frozen=True)
class Arrivals:
    lately: tuple[Arrival, ...]
    sources: tuple[Source, ...]  # those heard of last first
    since: datetime  # how far back the newest events go
    whole: bool  # they are the whole log
    more_in_a_day: bool  # a day holds more than was looked at

    def of_types(self, types: Collection[str], markets: Collection[int]) -> datetime | None:
        return max((one.last for one in self.lately if one.type in types and one.market in markets), default=None)

    def of_market(self, market: Market) -> datetime | None:
        """From outside."""
        own = (one.last for one in self.lately if one.source != OWN_SOURCE and one.market == market.pk)
        return max(own, default=None)

    def tells(self, as_of: datetime) -> bool:
        """What is not among the newest events has not come for so long that it matters."""
        return self.whole or as_of - self.since > STALE


def lately(as_of: datetime) -> Arrivals:
    """Two queries."""
    with connection.cursor() as cursor:
        cursor.execute(LATELY, {"newest": NEWEST_EVENTS, "day_ago": as_of - timedelta(days=1)})
        found = tuple(Arrival(*row) for row in cursor.fetchall())
        cursor.execute(SOURCES)
        names = [name for (name,) in cursor.fetchall()]
    since = min((one.first for one in found), default=as_of)
    sources = sorted((source_of(name, found, since) for name in names), key=lambda one: (heard(one), one.name))
    whole = sum(one.events for one in found) < NEWEST_EVENTS
    return Arrivals(found, tuple(sources), since, whole, not whole and as_of - since < timedelta(days=1))


def heard(source: Source) -> float:
    return -(source.last or source.not_since).timestamp()


def source_of(name: str, found: Iterable[Arrival], since: datetime) -> Source:
    mine = [one for one in found if one.source == name]
    return Source(name, max((one.last for one in mine), default=None), since, sum(one.in_a_day for one in mine))


def silent_markets(
    arrivals: Arrivals, markets: Iterable[Market], as_of: datetime
) -> list[tuple[Market, datetime | None]]:
    """Markets without data from outside for too long, and when it last came, if ever.

    One query for each market that is not among the newest events: it asks some of its people, all in a small market.
    """
    silent = []
    for market in markets:
        last = arrivals.of_market(market)
        if last is None and not arrivals.whole:
            last = newest_of_people(market)
        if last is None or as_of - last > STALE:
            silent.append((market, last))
    return silent


def newest_of_people(market: Market) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(OF_PEOPLE, {"market": market.pk, "asked": ASKED, "own": OWN_SOURCE})
        return cursor.fetchone()[0]  # type: ignore[index,no-any-return]
