"""Whom a preview looks at: everybody a campaign is for, or as many of them by chance, loaded once and kept for a minute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, zip_longest

import numpy as np
from django.db.models import BigIntegerField, CharField, F, Func, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from distributors import features, versions
from distributors.blocks import Calendar, Ints
from distributors.kept import Kept
from distributors.models import Distributor
from kpis import campaigns
from kpis.models import Campaign, Policy

from ..ranking import loading, memory
from ..ranking.blocks import People
from ..ranking.dayslates import BLOCK, asked, batches
from ..ranking.shelf import Shelf

#: People a preview looks at; of a larger audience so many by chance. A share of it is then known within 1.4 points.
SAMPLE = 5_000
#: People whose compact rows one preview makes again at most: about a millisecond each.
REFRESH = 300
#: Sample people whose lists can be looked at one by one.
EXAMPLES = 12
NEWCOMER_DAYS = 90
MINUTE = 60_000_000  # microseconds


@dataclass(frozen=True, eq=False)
class Crowd:
    """The people looked at, shared by the requests of a minute. `waiting`: whose row waits for a refresh."""

    total: int  # people in the audience, looked at or not
    people: People
    waiting: int
    spoken: dict[str, list[int]]  # language -> ids of the markets where somebody of them reads it
    examples: list[int]  # ids, those that HQ named first


KEPT: Kept[Crowd] = Kept(most=4)


def of(campaign: Campaign, numbers: Mapping[str, int], shelf: Shelf, calendar: Calendar, as_of: datetime) -> Crowd:
    """Who a preview of `campaign` looks at: the same people all day, their facts at most a minute old. No query when kept.

    What the arrays point into is part of the key (steering.of).
    """
    key = (
        tuple(sorted(numbers.items())), tuple(shelf.market_index), shelf.languages, tuple(calendar.today.tolist()),
        calendar.now // MINUTE, campaign.pk,
    )  # fmt: skip
    return KEPT.of(key, lambda: loaded(campaign, shelf, calendar, as_of), holds=lambda: versions.current() == numbers)


def loaded(campaign: Campaign, shelf: Shelf, calendar: Calendar, as_of: datetime) -> Crowd:
    """About ten queries, however many people."""
    audience = Distributor.objects.filter(campaigns.audience(campaign, as_of))
    ids, total = by_chance(audience, seed_of(campaign, as_of))
    waiting = brought_up_to_date(ids)
    people = people_of(ids, shelf)
    return Crowd(
        total=total,
        people=people,
        waiting=waiting,
        spoken=spoken_by(among(ids)),
        examples=examples(audience, people, ids, calendar),
    )


def seed_of(campaign: Campaign, as_of: datetime) -> int:
    """The same people all day, where the campaign's first market has its day; others for another campaign."""
    markets = campaigns.markets_of(campaign)
    day = markets[0].local_day(as_of) if markets else as_of.date()
    return campaign.pk * 1_000_000 + day.toordinal()


def by_chance(audience: QuerySet[Distributor], seed: int) -> tuple[list[int], int]:
    """A simple random sample of SAMPLE ids (all when there are no more), in random order, and how many there are in all.

    The order is that of a hash of (id, seed): the database keeps the best few while it reads, nothing is numbered or sorted
    as a whole, and who joins or leaves changes nobody else's place.
    """
    luck = Func(F("pk"), Value(seed), function="hashint8extended", output_field=BigIntegerField())
    ids = list(audience.order_by(luck, "pk").values_list("pk", flat=True)[:SAMPLE])
    return ids, len(ids) if len(ids) < SAMPLE else audience.count()


def people_of(ids: Sequence[int], shelf: Shelf) -> People:
    """Their rows as they are stored, by id; who has none is left out."""
    wanted = sorted(ids)
    first, last = (wanted[0], wanted[-1]) if wanted else (0, 0)
    return loading.people_between(first, last, shelf, ids=wanted)[0]


def spoken_by(people: QuerySet[Distributor]) -> dict[str, list[int]]:
    said = Coalesce(NullIf("language", Value("")), "market__language", output_field=CharField())
    spoken: dict[str, list[int]] = {}
    for language, market in people.order_by().values_list(said, "market_id").distinct():
        spoken.setdefault(language, []).append(market)
    return spoken


def among(ids: Sequence[int]) -> QuerySet[Distributor]:
    """These people, their ids sent as one array: as thousands of parameters they would take a quarter of a second."""
    return Distributor.objects.extra(where=["distributors_distributor.id = ANY(%s)"], params=[list(ids)])


# Rows that wait for a refresh

# Of these ids whose row is missing or out of date, in their order, those without any first. Each row is looked up by its
# key: of a large table the planner would rather read all of it.
OUTDATED_FEATURES = """
SELECT array_agg(asked.id ORDER BY f.reference IS NOT NULL, nth)
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS asked(id, nth)
LEFT JOIN LATERAL (SELECT reference FROM distributors_feature WHERE distributor_id = asked.id LIMIT 1) AS f ON true
WHERE f.reference IS DISTINCT FROM coalesce((SELECT number FROM distributors_version WHERE name = 'reference'), 0)
   OR EXISTS (SELECT FROM distributors_featuremark mark WHERE mark.distributor_id = asked.id)
"""
OUTDATED_MEMORY = f"""
SELECT array_agg(asked.id ORDER BY m.spacing IS NOT NULL, nth)
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS asked(id, nth)
LEFT JOIN LATERAL (SELECT spacing FROM activities_memory WHERE distributor_id = asked.id LIMIT 1) AS m ON true
WHERE m.spacing IS DISTINCT FROM {memory.SPACING}
   OR EXISTS (SELECT FROM activities_memorymark mark WHERE mark.distributor_id = asked.id)
"""  # noqa: S608


def brought_up_to_date(ids: Sequence[int]) -> int:
    """Make the rows again that need it, of REFRESH people at most; how many others wait and are looked at as stored.

    No to-do is closed: a preview writes nothing about anybody, so marks of events stay.
    """
    if not ids:
        return 0
    facts, remembered = asked(OUTDATED_FEATURES, {"ids": list(ids)}), asked(OUTDATED_MEMORY, {"ids": list(ids)})
    # Who has no row at all would be left out, who has an old one only looks older.
    outdated = list(dict.fromkeys([*facts, *remembered]))
    now = set(outdated[:REFRESH])
    memory.refresh(now.intersection(remembered))
    if stale := now.intersection(facts):
        features.refresh(stale)
    return len(outdated) - len(now)


# Everybody, a block at a time


def all_ids(campaign: Campaign, as_of: datetime) -> list[int]:
    """Everybody the campaign is for, by id."""
    return list(
        Distributor.objects.filter(campaigns.audience(campaign, as_of)).order_by("pk").values_list("pk", flat=True)
    )


def blocks(ids: Sequence[int], shelf: Shelf) -> Iterator[People]:
    """These people as their rows are stored, BLOCK at a time."""
    return (people_of(some, shelf) for some in batches(ids, BLOCK))


# A few to look at one by one


def examples(audience: QuerySet[Distributor], people: People, order: list[int], calendar: Calendar) -> list[int]:
    """Whom HQ named, if the campaign is for them; then one after the other of each market: who leads, a newcomer, another."""
    named = audience.filter(pk__in=Policy.current().samples.all()).order_by("name", "pk")
    found = list(named.values_list("pk", flat=True)[:EXAMPLES])
    for pk in chain.from_iterable(zip_longest(*grouped(people, order, calendar))):
        if len(found) == EXAMPLES:
            break
        if pk is not None and pk not in found:
            found.append(pk)
    return found


def grouped(people: People, order: list[int], calendar: Calendar) -> list[list[int]]:
    """The first few of each market and kind of person, in the order of `order`; the groups that come up first go first."""
    where = {pk: place for place, pk in enumerate(people.ids.tolist())}
    kinds, groups = kind_of(people, calendar), dict[tuple[int, int], list[int]]()
    for pk in order:
        if (place := where.get(pk)) is not None:
            group = groups.setdefault((int(kinds[place]), int(people.market[place])), [])
            if len(group) < EXAMPLES:
                group.append(pk)
    return list(groups.values())


def kind_of(people: People, calendar: Calendar) -> Ints:
    """0 who leads a team, 1 who joined lately, 2 everybody else."""
    leads = np.diff(people.recruits_at) > 0
    new = calendar.today[people.market] - people.joined < NEWCOMER_DAYS
    return np.where(leads, 0, np.where(new, 1, 2)).astype(np.int64)
