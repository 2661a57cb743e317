"""Who uses it: of the active people how many open the app and finish something, and who never came.

Counting looks at each person's newest day of three measures, an index probe each: seconds at 100,000 people. What was
counted is kept for an hour, and the page says of when it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from distributors.models import Distributor, Market, Measure
from distributors.wording import percent

#: What "lately" means, in local days of the market, today included.
WEEK, MONTH = 7, 28
KEPT = timedelta(hours=1)

NEWEST = """
    LEFT JOIN LATERAL (
        SELECT m.day FROM distributors_measure m
        WHERE m.distributor_id = d.id AND m.metric = '{metric}' AND m.scope = '' ORDER BY m.day DESC LIMIT 1
    ) {name} ON true"""
COUNT = f"""
    SELECT d.market_id, count(*), count(*) FILTER (WHERE opened.day > here.today - {WEEK}),
        count(*) FILTER (WHERE opened.day > here.today - {MONTH}),
        count(*) FILTER (WHERE done.day > here.today - {MONTH}),
        count(*) FILTER (WHERE learned.day > here.today - {MONTH}), count(*) FILTER (WHERE opened.day IS NULL)
    FROM distributors_distributor d
    JOIN unnest(%s::bigint[], %s::date[]) AS here(id, today) ON here.id = d.market_id
    {NEWEST.format(metric="active_days", name="opened")}
    {NEWEST.format(metric="activities_done", name="done")}
    {NEWEST.format(metric="lessons_done", name="learned")}
    WHERE d.left_on IS NULL GROUP BY d.market_id
"""  # noqa: S608


@dataclass(frozen=True)
class Counts:
    """Active people, and how many of them: opened the app in a week, in four; finished an activity, a lesson in four;
    were never here."""

    people: int = 0
    week: int = 0
    month: int = 0
    activity: int = 0
    lesson: int = 0
    never: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def share(self, n: int) -> str:
        """67%, floored; nothing of nobody."""
        return percent(100 * n // self.people) if self.people else "–"

    @property
    def shares(self) -> list[tuple[int, str]]:
        """Every count after the first, with its share of the people."""
        return [(n, self.share(n)) for n in astuple(self)[1:]]


@dataclass(frozen=True)
class Adoption:
    counted_at: datetime
    all: Counts
    markets: list[tuple[Market, Counts]]  # by name, those with active people


def count(as_of: datetime) -> Adoption:
    """As it is now. Two queries."""
    markets = list(Market.objects.order_by("name"))
    here: list[list[Any]] = [[one.pk for one in markets], [one.local_day(as_of) for one in markets]]
    with connection.cursor() as cursor:
        cursor.execute(COUNT, here)
        return adoption_of(cursor.fetchall(), markets, as_of)


def adoption_of(rows: list[tuple[int, ...]], markets: Sequence[Market], counted_at: datetime) -> Adoption:
    """Rows: market id, then the fields of Counts."""
    found = {pk: Counts(*counts) for pk, *counts in rows}
    everybody = reduce(Counts.__add__, found.values(), Counts())
    return Adoption(counted_at, everybody, [(one, found[one.pk]) for one in markets if one.pk in found])


def key() -> str:
    """Of this database: one data folder may serve a product and its tests."""
    return f"kpis.adoption.{connection.settings_dict['NAME']}"


def kept(as_of: datetime) -> Adoption | None:
    """What was counted in the last hour; None when nobody has asked."""
    found = cache.get(key())
    if found is None or not timedelta(0) <= as_of - found["at"] < KEPT:
        return None
    return adoption_of(found["rows"], list(Market.objects.order_by("name")), found["at"])


def counted(as_of: datetime) -> Adoption:
    """What was counted in the last hour, or else now."""
    found = kept(as_of)
    if found is None:
        found = count(as_of)
        rows = [(market.pk, *astuple(counts)) for market, counts in found.markets]
        cache.set(key(), {"at": as_of, "rows": rows}, KEPT.total_seconds())
    return found


def never_signed_in(market: Market | None = None) -> QuerySet[Distributor]:
    """Active people who were never here, who joined last first."""
    here = Measure.objects.filter(distributor=OuterRef("pk"), metric="active_days", scope="")
    found = Distributor.objects.active().filter(~Exists(here))
    if market is not None:
        found = found.filter(market=market)
    return found.select_related("market", "sponsor").order_by("-joined_on", "-pk")
