"""Rules asked by the clock: of whom an event reached, each minute; of everybody, hourly and soon after HQ published one.

A page asks them too (ranking.rank). All of it writes through kpis/firing.py, where the same thing twice is written once: a
sweep that is cut or killed goes on where it was, and nobody minds when two look at the same person. Who cannot be asked is
logged and left out until the next sweep, and keeps nobody else from being asked.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import inf

from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from distributors import features, versions
from distributors.blocks import Calendar, calendar_of
from distributors.chances import spread_for
from distributors.models import Event, Market
from kpis import rules
from kpis.models import RuleDay

from ..closing import SETTLING
from ..models import Sweep
from ..preview import sampling
from ..ranking import loading, memory
from ..ranking import shelf as shelves
from ..ranking.dayslates import BLOCK, REFRESH, asked, batches
from ..ranking.shelf import Shelf
from . import ruling
from .decisions import Ruling

logger = logging.getLogger(__name__)

#: How old a full sweep of a market gets.
HOUR = timedelta(hours=1)
#: Seconds after which a task makes way for the others in the queue: the next minute's goes on.
TURN = 100.0
#: Events looked at before the mark moves.
CHUNK = 20_000
#: People of one block who are left out one by one. Where more fail it is not their rows: what remains is left out at once.
MOST_ALONE = 20
#: Rows of Sweep: how far events were looked at; and by market which version of the rules everybody was last asked for.
EVENTS, OF_MARKET = "rules", "rules of {}"
EVERYBODY = "everybody"


@dataclass(frozen=True)
class Setting:
    """What rules are worked out with, at one instant."""

    as_of: datetime
    numbers: dict[str, int]
    shelf: Shelf
    calendar: Calendar


@dataclass
class Found:
    """What a sweep of a market came to, up to the person with the id `after`."""

    version: int  # of the rules
    day: date  # the market's
    after: int = 0
    people: int = 0
    fired: int = 0
    asked: Counter[int] = field(
        default_factory=Counter
    )  # people by rule id; fewer where the rule could not be worked out
    matched: Counter[int] = field(default_factory=Counter)


def setting(as_of: datetime) -> Setting:
    """One query when the shelf is kept."""
    numbers = versions.current()
    shelf = shelves.of(numbers)
    return Setting(as_of, numbers, shelf, calendar_of(shelf.markets, as_of))


def any_live(numbers: dict[str, int]) -> bool:
    """No query when the book is kept."""
    return bool(rules.book(numbers).rules)


# Whom an event reached


def changed(as_of: datetime | None = None) -> None:
    """For the schedule, each minute: fire for everybody whom an event reached since the last look.

    As the sweep of to-dos (closing.sweep) it looks again at what is younger than a transaction may take, and moves its
    mark only after the work: one that is missed, killed or run twice leaves nobody out.
    """
    now = as_of or timezone.now()
    given = setting(now)
    if not any_live(given.numbers):
        # Who is asked later is asked by the full sweep that follows a publish.
        Sweep.objects.filter(name=EVENTS).delete()
        return
    with alone(EVENTS) as mine:
        if mine:
            look(given, until=time.monotonic() + TURN)


def look(given: Setting, until: float = inf) -> int:
    """How often rules fired. The mark moves with each chunk of events, up to the last that is settled.

    Ends early when the clock (time.monotonic) passes `until`: the next look goes on from the mark.
    """
    old = Event.objects.filter(received_at__lt=given.as_of - SETTLING).order_by("-pk").values_list("pk", flat=True)
    mark = Sweep.objects.filter(name=EVENTS).values_list("event_id", flat=True).first()
    since = (old.first() or 0) if mark is None else mark
    settled = old.filter(pk__gt=since).first() or since
    fired = 0
    for after, last in chunks(since):
        for some in batches(reached(after, last), BLOCK):
            if time.monotonic() > until:
                return fired
            fired += sum(decided.fired for decided in answers(some, given))
        done = settled if last is None else min(last, settled)
        Sweep.objects.update_or_create(name=EVENTS, defaults={"event_id": done, "swept_at": given.as_of})
    return fired


def chunks(since: int) -> Iterator[tuple[int, int | None]]:
    """The events after this id, CHUNK at a time: after which id, up to which; None is whatever there is by then."""
    ids = Event.objects.order_by("pk").values_list("pk", flat=True)
    while (last := next(iter(ids.filter(pk__gt=since)[CHUNK - 1 : CHUNK]), None)) is not None:
        yield since, last
        since = last
    yield since, None


def reached(after: int, last: int | None) -> list[int]:
    """Whom these events are of."""
    events = Event.objects.filter(pk__gt=after).order_by()
    if last is not None:
        events = events.filter(pk__lte=last)
    return sorted(events.values_list("distributor_id", flat=True).distinct())


# Everybody


def due(as_of: datetime | None = None) -> None:
    """For the schedule, each minute: sweep the markets whose last sweep is an hour old or of other rules."""
    now, began = as_of or timezone.now(), time.monotonic()
    numbers = versions.current()
    if not any_live(numbers):
        return
    with alone(EVERYBODY) as mine:
        for market in waiting(numbers["rules"], now) if mine else ():
            try:
                found = sweep_market(market, now, until=began + TURN)
            except Exception:
                put_off(market, numbers["rules"], now)
            else:
                if found is None:
                    return


def sweep(as_of: datetime | None = None) -> list[Found]:
    """Every market from its first person on, whenever it was swept last. Empty when another process is at it."""
    now, found = as_of or timezone.now(), list[Found]()
    with alone(EVERYBODY) as mine:
        for market in Market.objects.order_by("pk") if mine else ():
            cache.delete(place_kept(market))
            try:
                one = sweep_market(market, now)
            except Exception:
                put_off(market, versions.current()["rules"], now)
            else:
                if one is not None:
                    found.append(one)
    return found


def put_off(market: Market, version: int, as_of: datetime) -> None:
    """It failed as a whole: it is swept again in an hour, or after the next publish, and the others have their turn."""
    logger.exception("Rules are not asked in market %s: its sweep failed.", market.code)
    noted(market, version, as_of)


def waiting(version: int, as_of: datetime) -> list[Market]:
    """Markets to be swept, those of the oldest sweep first."""
    last = {one.name: one for one in Sweep.objects.filter(name__startswith=OF_MARKET.format(""))}
    found = []
    for market in Market.objects.order_by("pk"):
        swept = last.get(OF_MARKET.format(market.pk))
        if swept is None or swept.event_id != version or swept.swept_at <= as_of - HOUR:
            found.append((swept.swept_at.timestamp() if swept else 0.0, market))
    return [market for _at, market in sorted(found, key=lambda one: one[0])]


def sweep_market(market: Market, as_of: datetime, until: float = inf) -> Found | None:
    """Ask every live rule of all active people of a market: fire, and note for how many it holds today.

    None when the clock (time.monotonic) passed `until` before the end: whoever comes next goes on from there.
    """
    with guarded():
        given = setting(as_of)
        found = begun(market, given)
        left = [pk for pk in people_in(market) if pk > found.after]
    for ids in batches(left, BLOCK):
        if time.monotonic() > until:
            return None
        for decided in answers(ids, given):
            count(decided, found)
        found.after = ids[-1]
        cache.set(place_kept(market), found, HOUR.total_seconds())
    with guarded():
        note(market, found)
    noted(market, found.version, as_of)
    return found


def noted(market: Market, version: int, as_of: datetime) -> None:
    """It was swept; the next sweep of it begins anew."""
    Sweep.objects.update_or_create(name=OF_MARKET.format(market.pk), defaults={"event_id": version, "swept_at": as_of})
    cache.delete(place_kept(market))


def place_kept(market: Market) -> str:
    """Where it is kept how far a sweep has come. Should it be lost, the sweep begins anew."""
    return f"rules.sweep.{market.pk}"


def begun(market: Market, given: Setting) -> Found:
    """A sweep of the same rules and day that was cut, or a new one."""
    new = Found(given.numbers["rules"], market.local_day(given.as_of))
    kept = cache.get(place_kept(market))
    return kept if isinstance(kept, Found) and (kept.version, kept.day) == (new.version, new.day) else new


def people_in(market: Market) -> list[int]:
    return asked(
        "SELECT array_agg(id ORDER BY id) FROM distributors_distributor WHERE market_id = %(market)s AND left_on IS NULL",
        {"market": market.pk},
    )


def count(decided: Ruling, found: Found) -> None:
    found.fired += decided.fired
    found.people += decided.matched.shape[1]
    for place, ruled in enumerate(decided.book.rules if decided.book else ()):
        if place not in decided.broken:
            found.asked[ruled.rule.pk] += decided.matched.shape[1]
            found.matched[ruled.rule.pk] += int(decided.matched[place].sum())


def note(market: Market, found: Found) -> None:
    """The newest sweep of a day is what counts of it."""
    days = [
        RuleDay(rule_id=rule, market=market, day=found.day, people=people, matched=found.matched[rule])
        for rule, people in sorted(found.asked.items())
    ]
    RuleDay.objects.bulk_create(
        days, update_conflicts=True, unique_fields=["rule", "market", "day"], update_fields=["people", "matched"]
    )


# A block of people


class NotAskedError(Exception):
    """The rules could not be worked out; why is in the log (ruling.of)."""


def answers(ids: Sequence[int], given: Setting) -> Iterator[Ruling]:
    """What rules come to for these people, by id. Of a block that fails the halves are asked, down to one person.

    Whoever fails alone is logged and left out. The time that takes is bounded: see MOST_ALONE.
    """
    waiting, alone = [ids], 0
    while waiting:
        some = waiting.pop()
        try:
            with guarded():
                decided = asked_of(some, given)
        except Exception:
            if connection.connection is None or connection.connection.closed:
                raise  # nobody can be asked now
            if len(some) == len(ids) > 1:
                logger.exception("Rules are asked of %s distributors in halves, since together they fail.", len(ids))
            if len(some) == 1:
                logger.exception("Distributor %s is left out: rules could not be asked.", some[0])
                alone += 1
            elif alone < MOST_ALONE:
                half = len(some) // 2
                waiting += [some[half:], some[:half]]
            else:
                logger.exception("%s distributors from %s to %s are left out.", len(some), some[0], some[-1])
        else:
            yield decided


def guarded() -> AbstractContextManager[object]:
    """A savepoint within a transaction, so that an error of the database leaves it usable. No lock is kept for it without."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def asked_of(ids: Sequence[int], given: Setting) -> Ruling:
    """Bring their rows up to date, then work out every rule for them and fire."""
    bring_up_to_date(ids, given.as_of)
    people, _made_from, _remembered = loading.people_between(ids[0], ids[-1], given.shelf, ids=ids)
    spread = spread_for(given.shelf.markets, given.calendar, people.goals, people.goals_at, people.market)
    decided = ruling.of(
        people, numbers=given.numbers, shelf=given.shelf, calendar=given.calendar, spread=spread, as_of=given.as_of,
        fire=True,
    )  # fmt: skip
    if decided.book is None and any_live(given.numbers):
        raise NotAskedError
    return decided


def bring_up_to_date(ids: Sequence[int], as_of: datetime) -> None:
    """A few people a transaction; to-dos are closed first."""
    remembered = asked(sampling.OUTDATED_MEMORY, {"ids": list(ids)})
    for some in batches(sorted(remembered), REFRESH):
        memory.refresh(some, as_of=as_of)
    for some in batches(sorted(asked(sampling.OUTDATED_FEATURES, {"ids": list(ids)})), REFRESH):
        features.refresh(some)


# One at a time

# An advisory lock ends with the session, however it ends. It needs sessions that are the workers' own, not shared by a pooler.
LOCK = "hashtextextended('activities_rule_sweep ' || %s, 0)"


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Whether nobody else is at it; then nobody else is until the end."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({LOCK})", [name])
        mine = bool(cursor.fetchone()[0])
        try:
            yield mine
        finally:
            if mine and connection.connection is not None and not connection.connection.closed:
                cursor.execute(f"SELECT pg_advisory_unlock({LOCK})", [name])
