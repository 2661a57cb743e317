"""Rules fire: what is written when one newly holds for somebody. The log of it, what it asks of whom, and memberships.

However often, and from however many processes at once, the same is asked: it is written once. Whoever fires for a person
locks her first, as every writer does (storing.py), and only then looks whether the rule is still to fire for her.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
from django.db import connection, transaction
from django.db.models import Q

from distributors.blocks import Ints
from distributors.models import Distributor, SegmentMember
from distributors.records import EPOCH, NEVER

from . import rule_figures
from .models import Call, Firing
from .rule_effects import Fired, Writes
from .rules import Book, Ruled

log = logging.getLogger(__name__)

#: People fired for in one transaction. Who changes something of theirs meanwhile waits for its end.
BLOCK = 1_000


class Match(NamedTuple):
    """A rule holds for somebody."""

    rule: int  # place in Book.rules
    person: int
    day: date  # hers
    facts: Sequence[tuple[str, Any]]  # path and value of the conditions that made it so
    held_back: bool = False


def cooling(book: Book, ids: Sequence[int], days: Ints) -> Any:
    """R x n bool: whether each rule fired for these people within its cooldown before her own day number. One query.

    A rule with a cooldown of one day fires each day, never twice on one.
    """
    last = last_fired([one.rule.pk for one in book.rules], ids)
    cooldown = np.array([one.definition.cooldown_days for one in book.rules], np.int64)
    return last > days[None, :] - cooldown[:, None]


LAST = f"""
SELECT rule_id, distributor_id, max(day) - DATE '{EPOCH}' FROM kpis_firing
WHERE rule_id = ANY(%(rules)s::bigint[]) AND distributor_id = ANY(%(ids)s::bigint[])
GROUP BY 1, 2
"""  # noqa: S608


def last_fired(rule_ids: Sequence[int], ids: Sequence[int]) -> Ints:
    """Rules x people: the day number on which each last fired for each, NEVER where it did not. One query."""
    found = np.full((len(rule_ids), len(ids)), NEVER, np.int64)
    if not rule_ids or not len(ids):
        return found
    row, column = places(rule_ids), places(ids)
    with connection.cursor() as cursor:
        cursor.execute(LAST, {"rules": list(rule_ids), "ids": [int(pk) for pk in ids]})
        for rule, person, day in cursor.fetchall():
            found[row[rule], column[person]] = day
    return found


def places(values: Iterable[int]) -> dict[int, int]:
    return {int(value): place for place, value in enumerate(values)}


def fire(found: Sequence[Match], book: Book, *, as_of: datetime) -> list[Firing]:
    """Write what is new of `found`; the firings that this very call wrote, of those held back too.

    A few people at a time, each of them in full or not at all. Four to seven queries for as many people as BLOCK, and those
    of the figures that notices name.
    """
    return [firing for some in by_people(found) for firing in fire_for(with_figures(some, book, as_of), book, as_of)]


def with_figures(found: list[Match], book: Book, as_of: datetime) -> list[Match]:
    """With her figures as they are now beside the facts. Before anybody is locked; without them what is told is still whole."""
    wanted = {
        place: one
        for place, match in enumerate(found)
        if not match.held_back
        and (one := rule_figures.wanted_of(book.rules[match.rule].definition, match.person, match.day)) is not None
    }
    if not wanted:
        return found
    try:
        with transaction.atomic():
            known = dict(zip(wanted, rule_figures.known(list(wanted.values()), as_of), strict=True))
    except Exception:
        log.exception("Notices of rules go without figures: they could not be worked out.")
        return found
    return [match._replace(facts=[*match.facts, *known.get(place, ())]) for place, match in enumerate(found)]


def by_people(found: Sequence[Match]) -> Iterator[list[Match]]:
    """All that is found of BLOCK people, then of the next."""
    hers: dict[int, list[Match]] = {}
    for match in found:
        hers.setdefault(match.person, []).append(match)
    ids = sorted(hers)
    for at in range(0, len(ids), BLOCK):
        yield [match for pk in ids[at : at + BLOCK] for match in hers[pk]]


@transaction.atomic
def fire_for(found: list[Match], book: Book, as_of: datetime) -> list[Firing]:
    sponsors = take_turns({match.person for match in found})
    written = logged(still_due([match for match in found if match.person in sponsors], book), book, as_of)
    acting = [(book.rules[match.rule], match, firing) for match, firing in written if not match.held_back]
    acting = [(ruled, match, firing) for ruled, match, firing in acting if fires(ruled)]
    if acting:
        leaders = leaders_of({sponsors[match.person] for _ruled, match, _firing in acting})
        writes = Writes()
        for ruled, match, firing in acting:
            carry_out(ruled, firing, leaders.get(sponsors[match.person] or 0), as_of, writes)
        Call.objects.bulk_create(writes.calls)
        join(writes.members)
    return [firing for _match, firing in written]


def take_turns(ids: Iterable[int]) -> dict[int, int | None]:
    """Lock these people until the commit; the sponsors of those who are still here."""
    people = Distributor.objects.active().filter(pk__in=set(ids)).order_by("pk").select_for_update(no_key=True)
    return dict(people.values_list("pk", "sponsor_id"))


def still_due(found: list[Match], book: Book) -> list[Match]:
    """Without what another process has fired since it was looked for; of the same one twice the first."""
    rules, people = sorted({match.rule for match in found}), sorted({match.person for match in found})
    last = last_fired([book.rules[rule].rule.pk for rule in rules], people)
    row, column = places(rules), places(people)
    due: dict[tuple[int, int], Match] = {}
    for match in found:
        days = (match.day - EPOCH).days - int(last[row[match.rule], column[match.person]])
        if days >= book.rules[match.rule].definition.cooldown_days:
            due.setdefault((match.rule, match.person), match)
    return list(due.values())


# A rule that was paused since the book was read is not live any more: it fires for nobody.
LOG = """
INSERT INTO kpis_firing (rule_id, version_id, distributor_id, day, at, facts, held_back)
SELECT one.rule, one.version, one.person, one.day, %(at)s, one.facts, one.held_back
FROM jsonb_to_recordset(%(rows)s::jsonb)
     AS one(rule bigint, version bigint, person bigint, day date, facts jsonb, held_back boolean)
JOIN kpis_rule r ON r.id = one.rule AND r.state = 'live'
ORDER BY one.person, one.rule
ON CONFLICT (rule_id, distributor_id, day) DO NOTHING
RETURNING id, rule_id, distributor_id
"""


def logged(due: list[Match], book: Book, as_of: datetime) -> list[tuple[Match, Firing]]:
    """The firings that were written, each with what it was made from. One query, none without any."""
    if not due:
        return []
    asked = {(book.rules[match.rule].rule.pk, match.person): match for match in due}
    with connection.cursor() as cursor:
        cursor.execute(LOG, {"at": as_of, "rows": json.dumps([row(match, book) for match in due], allow_nan=False)})
        made = cursor.fetchall()
    return [(match := asked[rule, person], as_written(pk, match, book, as_of)) for pk, rule, person in made]


def row(match: Match, book: Book) -> dict[str, Any]:
    ruled = book.rules[match.rule]
    return {
        "rule": ruled.rule.pk,
        "version": ruled.version.pk,
        "person": match.person,
        "day": match.day.isoformat(),
        "facts": [list(fact) for fact in match.facts],
        "held_back": match.held_back,
    }


def as_written(pk: int, match: Match, book: Book, as_of: datetime) -> Firing:
    ruled = book.rules[match.rule]
    return Firing(
        pk=pk, rule=ruled.rule, version=ruled.version, distributor_id=match.person, day=match.day, at=as_of,
        facts=[list(fact) for fact in match.facts], held_back=match.held_back,
    )  # fmt: skip


def fires(ruled: Ruled) -> bool:
    """Whether anything happens beyond the log."""
    return any(effect.fires for effect in ruled.definition.then)


def leaders_of(sponsors: set[int | None]) -> dict[int, Distributor]:
    """Those who are still with the company. At most one query."""
    ids = sponsors - {None}
    return Distributor.objects.active().with_market().in_bulk(ids) if ids else {}


def carry_out(ruled: Ruled, firing: Firing, leader: Distributor | None, as_of: datetime, out: Writes) -> None:
    """Collect what its effects ask for."""
    fired = Fired(
        firing=firing,
        leader_id=leader.pk if leader else None,
        day=firing.day,
        leader_day=leader.local_day(as_of) if leader else firing.day,
    )
    for place, effect in enumerate(ruled.definition.then):
        if effect.fires:
            effect.fire(place, fired, out)


def join(members: Sequence[SegmentMember]) -> None:
    """Make them members. Who is one already stays as long as the longer of both says: one stay, not two. At most 3 queries."""
    wanted: dict[tuple[int, int], SegmentMember] = {}
    for one in members:
        earlier = wanted.setdefault((one.segment_id, one.distributor_id), one)
        earlier.until = later(earlier.until, one.until)
    if not wanted:
        return
    running = {(stay.segment_id, stay.distributor_id): stay for stay in running_stays(list(wanted.values()))}
    extended: list[SegmentMember] = []
    for key, stay in running.items():
        until = later(stay.until, wanted.pop(key).until)
        if until != stay.until:
            stay.until = until
            extended.append(stay)
    if extended:
        SegmentMember.objects.bulk_update(extended, ["until"])
    if wanted:
        SegmentMember.objects.bulk_create(wanted.values(), ignore_conflicts=True)


def later(one: date | None, other: date | None) -> date | None:
    """None is without an end."""
    return None if one is None or other is None else max(one, other)


def running_stays(wanted: Sequence[SegmentMember]) -> Iterator[SegmentMember]:
    """Of the same people in the same segments, on the day each is to begin; the one that began first."""
    begins = {(one.segment_id, one.distributor_id): one.since for one in wanted}
    stays = SegmentMember.objects.filter(
        Q(until__isnull=True) | Q(until__gte=min(begins.values())),
        segment__in={one.segment_id for one in wanted},
        distributor__in={one.distributor_id for one in wanted},
    )
    # The oldest last: of several it is the one that remains in a dictionary.
    for stay in stays.order_by("-since"):
        begin = begins.get((stay.segment_id, stay.distributor_id))
        if begin is not None and stay.since <= begin and (stay.until is None or stay.until >= begin):
            yield stay
