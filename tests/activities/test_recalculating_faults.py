"""kill -9 of whoever works a chunk, two at once, and live traffic beside them: the same slates as without any of it.

PEP_FAULT_ROUNDS sets how often a worker is killed at a random moment (the suite does 2).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from activities.models import DaySlate, Recalculation
from activities.ranking import dayslates, memory, recalculating
from distributors import features, ingest
from distributors.models import Distributor, Event
from tests import factories as make
from tests.pep.house import ROOT, until

from .test_recalculating import ALL, CLAIMED, DONE, PARKED, WAITING, by_id, field, run, small, stored, totals  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]

ROUNDS = int(os.environ.get("PEP_FAULT_ROUNDS", "2"))
#: A worker of its own process, on the test's database. KILL names a function and at which call it ends the process;
#: with "after" once the function is through, else before it does anything.
WORKER = """
import os, signal, sys, time
import django
django.setup()
from activities.ranking import dayslates, recalculating
from tests.activities.test_recalculating import by_id
dayslates.BLOCK, dayslates.REFRESH = 3, 2
run, what, when, nth, pause = sys.argv[1:]
calls = []

def deadly(function):
    def wrapped(*args, **options):
        calls.append(1)
        fatal = len(calls) == int(nth)
        if fatal and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **options)
        if fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped

def rank(people, given):
    time.sleep(float(pause))
    return by_id(people, given)

for module in (recalculating, dayslates):
    if hasattr(module, what):
        setattr(module, what, deadly(getattr(module, what)))
print("ready", flush=True)
recalculating.work_here(int(run), by=deadly(rank) if what == "rank_a_block" else rank)
"""


def worker(made, what="nothing", when="after", nth=1, pause=0.0):
    told = connection.get_connection_params()
    where = f"postgres://{told['user']}@{quote(told['host'], safe='')}/{told['dbname']}"
    env = os.environ | {
        "DATABASE_URL": where, "PEP_SECRET_KEY": "x" * 50, "PEP_HOSTS": "localhost",
        "DJANGO_SETTINGS_MODULE": "pep.settings",
    }  # fmt: skip
    words = [sys.executable, "-c", WORKER, str(made.pk), what, when, str(nth), str(pause)]
    return subprocess.Popen(words, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def handed_on(made):
    """Once the database has seen that the worker's session is gone, at once and long before its time is up."""

    def look():
        recalculating.hand_on(timezone.now())
        return not made.chunks.filter(state=CLAIMED).exists()

    until(look, 10)


def resume(made):
    handed_on(made)
    recalculating.work_here(made.pk, by=by_id)
    recalculating.sweep()
    made.refresh_from_db()


def is_as_if_uninterrupted(made):
    assert made.finished_at is not None
    assert [(chunk.state, chunk.problem) for chunk in made.chunks.exclude(state=DONE)] == []
    assert totals(made)[0] == Distributor.objects.count()
    found = stored()
    DaySlate.objects.all().delete()
    run()
    assert stored() == found


@pytest.mark.parametrize(
    ("what", "when", "nth"),
    [
        ("claim", "after", 2), ("refresh", "after", 2), ("rank_a_block", "before", 1), ("rank_a_block", "after", 4),
        ("write", "before", 2), ("write", "after", 1), ("write", "after", 3), ("settle", "before", 3),
    ],
)  # fmt: skip
def test_killed_there_and_resumed(what, when, nth):
    field()
    made = recalculating.start(ALL, make.NOW, wake=False)
    process = worker(made, what, when, nth)
    _out, said = process.communicate(timeout=120)
    assert process.returncode == -9, said
    assert made.chunks.exclude(state=DONE).exists() or what == "settle"
    resume(made)
    is_as_if_uninterrupted(made)


def test_killed_at_any_moment_and_resumed():
    rng = random.Random(1)
    for _ in range(ROUNDS):
        DaySlate.objects.all().delete()
        field(8)
        made = recalculating.start(ALL, make.NOW, wake=False)
        process = worker(made, pause=0.02)
        assert process.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.communicate(timeout=30)
        resume(made)
        is_as_if_uninterrupted(made)


def test_what_kills_its_worker_again_and_again_is_parked():
    field(6)
    made = recalculating.start(ALL, make.NOW, wake=False)
    for _ in range(3):
        made.chunks.order_by("-first").update(state=DONE, finished_at=make.NOW)
        made.chunks.filter(first=made.chunks.order_by("first").first().first).update(state=WAITING)
        worker(made, "claim").communicate(timeout=120)
        handed_on(made)
    first = made.chunks.first()
    assert (first.state, first.attempts) == (PARKED, 3)
    assert first.problem == "Whoever worked it was cut short 3 times."
    recalculating.sweep()
    made.refresh_from_db()
    assert made.finished_at is not None


def apart(*works):
    """Each in a thread, and so with a session, of its own; the first error is raised here."""
    errors = []

    def one(work):
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]


def test_two_workers_at_once_share_the_chunks():
    field(40)
    made = recalculating.start(ALL, make.NOW, wake=False)
    seen = []

    def slowly(people, given):
        seen.append(threading.get_ident())
        time.sleep(0.005)
        return by_id(people, given)

    apart(*[lambda: recalculating.work_here(made.pk, by=slowly)] * 2)
    made.refresh_from_db()
    assert {(chunk.state, chunk.attempts) for chunk in made.chunks.all()} == {(DONE, 1)}
    assert totals(made) == (40, 40)
    assert len(set(seen)) == 2
    is_as_if_uninterrupted(made)


def test_the_sweep_leaves_the_living_alone_until_their_time_is_up(settings):
    field(4)
    made = recalculating.start(ALL, make.NOW, wake=False)
    claimed, looked = threading.Event(), threading.Event()

    def worker():
        recalculating.claim(made.pk)
        claimed.set()
        assert looked.wait(30)

    def sweep():
        assert claimed.wait(30)
        recalculating.hand_on(timezone.now())
        assert made.chunks.get().state == CLAIMED
        recalculating.hand_on(timezone.now() + timedelta(seconds=settings.Q_CLUSTER["timeout"] + 1))
        assert made.chunks.get().state == WAITING
        looked.set()

    apart(worker, sweep)


def test_the_sweep_finishes_what_nobody_settled_and_wakes_workers(monkeypatch):
    field(10)
    made, other = (recalculating.start(scope, make.NOW, wake=False) for scope in (ALL, Recalculation.Scope.CHANGED))
    made.chunks.update(state=DONE, finished_at=make.NOW)
    woken = []
    monkeypatch.setattr(recalculating, "wake_workers", lambda run_id, many: woken.append((run_id, many)))
    recalculating.sweep()
    made.refresh_from_db()
    assert made.finished_at is not None
    assert [one for one in woken if one[1]] == [(other.pk, 2)]


def test_live_traffic_does_not_wait_for_a_chunk(monkeypatch):
    """An order, a goal and a page read while the slates of the same people are written and not yet committed."""
    people = field(4)
    lip = make.customer(people[1], external_id="lip")
    written, served = threading.Event(), threading.Event()
    write = dayslates.write

    def held(*args, **options):
        changed = write(*args, **options)
        written.set()
        assert served.wait(30)
        return changed

    monkeypatch.setattr(dayslates, "write", held)
    made = recalculating.start(ALL, make.NOW, wake=False)

    def traffic():
        assert written.wait(30)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '250ms'")
            (verdict,) = ingest.accept([order(people[1], lip)], received_at=make.NOW)
            assert verdict.status == 201
            with transaction.atomic():
                make.goal(people[2])
            features.of([one.pk for one in people])
            memory.of([one.pk for one in people], make.NOW)
        finally:
            served.set()

    apart(lambda: recalculating.work_here(made.pk, by=by_id), traffic)
    assert Event.objects.filter(type="order.placed").count() == 1
    assert made.chunks.get().state == DONE
    # What came meanwhile is seen by the next look at who changed.
    assert totals(run(Recalculation.Scope.CHANGED)) == (2, 2)


def order(distributor, customer):
    return {
        "specversion": "1.0", "source": "shop", "id": "o1", "type": "order.placed",
        "subject": distributor.external_id, "time": make.NOW.isoformat(),
        "data": {"customer": customer.external_id, "currency": "USD", "amount": "12.50", "lines": []},
    }  # fmt: skip
