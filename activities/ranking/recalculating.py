"""The slates of the whole field written ahead, in chunks that survive whatever happens to who works them.

A run is a list of chunks in our own tables: claimed with SKIP LOCKED, attempts counted and committed before the work, a
chunk's slates and its being done one transaction. The queue only wakes workers. Whoever is killed leaves a chunk that the
sweep hands to the next; what fails three times is parked, to be seen, and the others go on.

A chunk is a function of the facts and the run's `as_of`, and writing it twice writes nothing the second time: so it does not
matter where a run was cut, or whether two work the same chunk.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import partial
from typing import cast

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django_q.tasks import async_task

from distributors import forecast, versions
from distributors.models import Market, User

from ..models import Chunk, Recalculation
from . import dayslates
from .dayslates import Rank

ALL, CHANGED = Recalculation.Scope.ALL, Recalculation.Scope.CHANGED
WAITING, CLAIMED, DONE, PARKED = Chunk.State.WAITING, Chunk.State.CLAIMED, Chunk.State.DONE, Chunk.State.PARKED

#: People in a chunk: a second or two of work, and as much to lose.
CHUNK = 50_000
#: How often a chunk is tried.
ATTEMPTS = 3
#: Seconds after which a task makes way for the others in the queue.
TURN = 20.0
#: Local hour from which a market's day is calculated ahead; most people open the app after seven.
MORNING = 4
#: How long runs can be looked up.
KEEP = {ALL: timedelta(days=35), CHANGED: timedelta(days=2)}

Told = Callable[[Chunk], None]


def start(
    scope: str,
    as_of: datetime,
    by: User | None = None,
    market: Market | None = None,
    morning: date | None = None,
    *,
    wake: bool = True,
) -> Recalculation:
    """A new run with its chunks, committed together; then workers are woken, unless the caller works it himself.

    IntegrityError when there was one for this market's `morning` already. A run of everybody takes over from older ones:
    what they still had to do is done by it.
    """
    with transaction.atomic():
        now = timezone.now()
        run = Recalculation.objects.create(
            scope=scope, as_of=as_of, by=by, market=market, morning=morning, started_at=now, versions=told_now()
        )
        chunks = chunked(run)
        Chunk.objects.bulk_create(Chunk(recalculation=run, first=first, last=last) for first, last in chunks)
        if scope == ALL:
            take_over(run)
        settle(run.pk)
        if wake and chunks:
            transaction.on_commit(partial(wake_workers, run.pk, min(len(chunks), workers())))
    run.refresh_from_db()
    return run


def told_now() -> str:
    """The versions of everything that slates are made of, as DaySlate.versions has them. One query."""
    return dayslates.told(versions.current())


EVERYBODY = "SELECT id FROM distributors_distributor WHERE %(market)s IS NULL OR market_id = %(market)s"
CHUNKS = """
SELECT min(id), max(id) FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / %(size)s AS nth FROM ({who}) AS one) AS one
GROUP BY nth ORDER BY nth
"""


def chunked(run: Recalculation) -> list[tuple[int, int]]:
    """First and last id of each chunk: of everybody, those who left too, or of whose slate is out of date."""
    asked = {"market": run.market_id, "size": CHUNK}
    who = EVERYBODY
    if run.scope == CHANGED:
        who, asked = dayslates.ANYWHERE, asked | dayslates.parameters(dayslates.frame(run.as_of), run.market_id)
    with connection.cursor() as cursor:
        cursor.execute(CHUNKS.format(who=who), asked)
        return list(cursor.fetchall())


def take_over(run: Recalculation) -> None:
    """Close what older runs of the same people have not begun yet."""
    older = Recalculation.objects.filter(finished_at__isnull=True, as_of__lte=run.as_of, pk__lt=run.pk)
    if run.market_id is not None:
        older = older.filter(market=run.market_id)
    runs = list(older.values_list("pk", flat=True))
    Chunk.objects.filter(recalculation__in=runs, state=WAITING).update(
        state=DONE, finished_at=run.started_at, problem=f"Left to run {run.pk}, which is newer."
    )
    for pk in runs:
        settle(pk)


def wake_workers(run_id: int, many: int) -> None:
    for _ in range(many):
        async_task("activities.ranking.recalculating.work", run_id)


def workers() -> int:
    return cast(int, settings.Q_CLUSTER["workers"])


def work(run_id: int) -> None:
    """For the queue: chunks of this run, one after the other, until there is none or other tasks should have their turn."""
    if Chunk.objects.filter(recalculation=run_id, state=CLAIMED).count() >= workers():
        return  # enough are at it
    if work_here(run_id, seconds=TURN):
        wake_workers(run_id, 1)


def work_here(
    run_id: int, *, seconds: float = float("inf"), by: Rank = dayslates.rank, tell: Told = lambda chunk: None
) -> bool:
    """Work waiting chunks in this process; whether time was up before there was none. `tell` is called after each."""
    until = time.monotonic() + seconds
    run = Recalculation.objects.filter(pk=run_id).first()
    while run is not None and (chunk := claim(run_id)) is not None:
        try:
            work_chunk(run, chunk, by)
        except Exception as error:  # whatever it is: counted, and seen when it does not go away
            fail(chunk, error)
        except BaseException:
            hand_back(chunk)
            raise
        finally:
            let_go(chunk)
        settle(run_id)
        tell(chunk)
        if time.monotonic() >= until:
            return True
    return False


def claim(run_id: int) -> Chunk | None:
    """The next chunk that waits, those that never failed first; its attempt is counted and committed."""
    with transaction.atomic():
        waiting = Chunk.objects.select_for_update(skip_locked=True).filter(recalculation=run_id, state=WAITING)
        chunk = waiting.order_by("attempts", "first").first()
        if chunk is None:
            return None
        show_life(chunk)
        chunk.state, chunk.attempts, chunk.claimed_at = CLAIMED, chunk.attempts + 1, timezone.now()
        chunk.save(update_fields=["state", "attempts", "claimed_at"])
    return chunk


def work_chunk(run: Recalculation, chunk: Chunk, by: Rank) -> None:
    """Everything is made first and written then, in one short transaction; nothing when the chunk is no longer ours."""
    began = time.perf_counter()
    dayslates.refresh(chunk.first, chunk.last, as_of=run.as_of)
    given = dayslates.frame(run.as_of)
    slates = dayslates.staged(
        given, chunk.first, chunk.last, market=run.market_id, only_changed=run.scope == CHANGED, by=by
    )
    with transaction.atomic():
        chunk.state, chunk.finished_at, chunk.problem = DONE, timezone.now(), ""
        if not update(chunk, "state", "finished_at", "problem"):
            return
        chunk.people = slates.people
        chunk.changed = dayslates.write(slates, given, chunk.first, chunk.last, market=run.market_id)
        chunk.seconds, chunk.memory_mb = time.perf_counter() - began, peak_memory()
        chunk.save(update_fields=["people", "changed", "seconds", "memory_mb"])


def update(chunk: Chunk, *names: str) -> bool:
    """Save these fields if the chunk is still claimed by this very attempt."""
    mine = Chunk.objects.filter(pk=chunk.pk, state=CLAIMED, attempts=chunk.attempts)
    return mine.update(**{name: getattr(chunk, name) for name in names}) == 1


def fail(chunk: Chunk, error: Exception) -> None:
    chunk.state = PARKED if chunk.attempts >= ATTEMPTS else WAITING
    words = str(error).partition("\n")[0].rstrip(".")
    times = f"{chunk.attempts} times" if chunk.attempts > 1 else "once"
    chunk.problem = f"It failed {times}, at last with {type(error).__name__}: {words[:200]}."
    chunk.finished_at = timezone.now() if chunk.state == PARKED else None
    update(chunk, "state", "problem", "finished_at")


def hand_back(chunk: Chunk) -> None:
    """Whoever works it was told to stop: not the chunk's fault, so the attempt is not counted."""
    Chunk.objects.filter(pk=chunk.pk, state=CLAIMED, attempts=chunk.attempts).update(
        state=WAITING, attempts=F("attempts") - 1
    )


def peak_memory() -> int:
    """Of this process so far, in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // (1024 * 1024 if sys.platform == "darwin" else 1024)


# A sign of life that ends with the session, however it ends: an advisory lock named after the chunk. It needs sessions that
# are the workers' own, not shared by a pooler.
NAME = "hashtextextended('activities_chunk ' || %s, 0)"


def show_life(chunk: Chunk) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({NAME})", [chunk.pk])


def let_go(chunk: Chunk) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_unlock({NAME})", [chunk.pk])


def is_dead(chunk: Chunk) -> bool:
    """Nobody shows life over it. Call in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_xact_lock({NAME})", [chunk.pk])
        return bool(cursor.fetchone()[0])


def sweep() -> None:
    """For the schedule: hand on what somebody left, finish what is finished, wake workers for what waits."""
    as_of = timezone.now()
    hand_on(as_of)
    for run in Recalculation.objects.filter(finished_at__isnull=True):
        settle(run.pk)
        waiting, busy = (run.chunks.filter(state=state).count() for state in (WAITING, CLAIMED))
        wake_workers(run.pk, max(0, min(waiting, workers() - busy)))


def hand_on(as_of: datetime, run_id: int | None = None) -> None:
    """Chunks whose worker has died, or has been at it for longer than the queue allows, wait again, or are parked."""
    limit = as_of - timedelta(seconds=cast(float, settings.Q_CLUSTER["timeout"]))
    with transaction.atomic():
        claimed = Chunk.objects.select_for_update(skip_locked=True).filter(state=CLAIMED)
        for chunk in claimed.filter(recalculation=run_id) if run_id else claimed:
            if chunk.claimed_at is None or chunk.claimed_at < limit or is_dead(chunk):
                abandon(chunk, as_of)


def abandon(chunk: Chunk, as_of: datetime) -> None:
    chunk.state, chunk.problem = WAITING, "Whoever worked it was cut short."
    if chunk.attempts >= ATTEMPTS:
        chunk.state, chunk.finished_at = PARKED, as_of
        chunk.problem = f"Whoever worked it was cut short {chunk.attempts} times."
    chunk.save(update_fields=["state", "problem", "finished_at"])


def settle(run_id: int) -> None:
    """The run is finished when nothing of it is left to do; of two who finish at once the second sees the first."""
    with transaction.atomic():
        run = Recalculation.objects.select_for_update(no_key=True).filter(pk=run_id, finished_at__isnull=True).first()
        if run is not None and not run.chunks.filter(state__in=[WAITING, CLAIMED]).exists():
            run.finished_at = timezone.now()
            run.save(update_fields=["finished_at"])


def morning(as_of: datetime | None = None) -> None:
    """For the schedule: each market once a local day, from four in the morning on.

    The runs there are say which mornings were worked, so one missed in an outage is made up for at whatever hour the clock
    comes back, and only the last of several.
    """
    now, failed = as_of or timezone.now(), []
    for market in Market.objects.order_by("pk"):
        try:
            begin_day(market, now)
        except Exception as error:  # of one market: the others get their morning
            failed.append(error)
    forget(now)
    forecast.forget_old_pools(as_of=now)
    if failed:
        raise ExceptionGroup("Some markets have not been recalculated", failed)


def begin_day(market: Market, as_of: datetime) -> None:
    """The run of its local day, once the hour has come: chances first, which all of its people share."""
    day = market.local_day(as_of)
    if as_of.astimezone(market.zone).hour < MORNING or worked(market, day):
        return
    forecast.make_pools(market, as_of=as_of)
    with suppress(IntegrityError):  # another scheduler was faster
        start(ALL, as_of, market=market, morning=day)


def worked(market: Market, day: date) -> bool:
    return Recalculation.objects.filter(market=market, morning=day).exists()


def changed(as_of: datetime | None = None) -> None:
    """For the schedule: who changed since her market's morning. A market whose last run is not through waits for it."""
    now = as_of or timezone.now()
    for market in Market.objects.order_by("pk"):
        follow(market, now, anybody_changed)


def steered(as_of: datetime | None = None) -> None:
    """For the schedule, each minute: when HQ has published, or a start or end has been noted, the slates written ahead
    follow. As long as nothing moved this costs a query a market."""
    now, told = as_of or timezone.now(), told_now()
    for market in Market.objects.order_by("pk"):
        if newest_versions(market) != told:
            follow(market, now, lambda one, _now: newest_versions(one) != told)


def follow(market: Market, as_of: datetime, wanted: Callable[[Market, datetime], bool]) -> None:
    """Start a run of who is out of date in a market, after its morning and one at a time.

    Whoever comes while another looks leaves it to him: of schedulers that ask at once one starts a run.
    """
    with transaction.atomic():
        mine = Market.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=market.pk).first()
        if (
            mine is not None
            and worked(market, market.local_day(as_of))
            and not unfinished(market).exists()
            and wanted(market, as_of)
        ):
            start(CHANGED, as_of, market=market)


def newest_versions(market: Market) -> str | None:
    """What the last run of this market's people was started for; None without one."""
    runs = Recalculation.objects.filter(Q(market=market) | Q(market=None)).order_by("-pk")
    return runs.values_list("versions", flat=True).first()


def unfinished(market: Market) -> QuerySet[Recalculation]:
    """Runs that people of this market may still be waiting in."""
    return Recalculation.objects.filter(Q(market=market) | Q(market=None), finished_at__isnull=True)


def anybody_changed(market: Market, as_of: datetime) -> bool:
    with connection.cursor() as cursor:
        asked = dayslates.parameters(dayslates.frame(as_of), market.pk)
        cursor.execute(f"SELECT EXISTS ({dayslates.ANYWHERE})", asked)
        return bool(cursor.fetchone()[0])


def forget(as_of: datetime) -> None:
    """Runs that nobody looks up any more."""
    for scope, age in KEEP.items():
        Recalculation.objects.filter(scope=scope, finished_at__lt=as_of - age).delete()


def newest_unfinished() -> Recalculation | None:
    return Recalculation.objects.filter(finished_at__isnull=True).first()
