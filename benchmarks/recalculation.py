"""The full recalculation with the complete scoring model, through django-q2, beside an ORM and a SQL peer.

    [PEP_DATA=/some/folder] python benchmarks/recalculation.py [--distributors 1000000] [--sample 2000]

On a population of _population.py (made if PEP_DATA has none; without PEP_DATA in a folder that is removed at the end):
a real `manage.py qcluster` with two workers, `manage.py recalculate --all` twice, then 1,000 orders and `--changed`.
The peers then do an even sample of the same people for the same moment, from the same compact rows:

ORM  read in blocks by select_related and in_bulk, the whole model in plain Python (_plain.py), five rows by bulk_create
SQL  one INSERT ... SELECT with LATERAL over decoded tables; what it leaves out is printed (_peers.py)

The engine has both cores and each peer one, so a peer's rate is doubled before the ratio is taken. Every slate of the
sample must be the ORM peer's, card by card, slots and propensities included; every score of the SQL peer must be the
plain one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import _house
import _peers
import _plain
import _population
from _house import Target

SAMPLE, SQL_SAMPLE, EVENTS = 2000, 500, 1000
#: What the targets were set for.
FULL = 1_000_000
SECONDS, OVER_ORM, OVER_SQL, MEMORY = 30, 100, 40, 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _population.options_of(parser)
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"people the peers do ({SAMPLE:,})")
    parser.add_argument("--sql-sample", type=int, default=SQL_SAMPLE, help=f"people the SQL peer does ({SQL_SAMPLE})")
    options = parser.parse_args()
    with _house.folder() as data_dir:
        _house.import_the_product(data_dir)
        print(json.dumps(_population.ensure(options)), flush=True)
        _house.report(run(options, data_dir))


def run(options: argparse.Namespace, data_dir: Path) -> list[Target]:
    print(f"kernels compiled or loaded in {compiled():.1f} s", flush=True)
    with cluster(data_dir) as memory:
        full = recalculate(data_dir, "--all", memory)
        again = recalculate(data_dir, "--all", memory)
    # Now, while every slate is of one moment.
    against_peers = compared(options, full, again.as_of)
    with cluster(data_dir) as memory:
        ordered = order_something(EVENTS)
        changed = recalculate(data_dir, "--changed", memory)
    return [*engine_targets(full, again, changed, ordered), *against_peers]


def compiled() -> float:
    """Seconds until the kernels are there, as they are on a machine that has run once."""
    from activities.ranking import dayslates, loading
    from distributors.models import Distributor

    began = time.perf_counter()
    given = dayslates.frame(datetime.now(UTC))
    first = Distributor.objects.order_by("pk").values_list("pk", flat=True)[0]
    people, *_versions = loading.people_between(first, first + 20, given.shelf)
    dayslates.rank(people, given)
    return time.perf_counter() - began


@dataclass(frozen=True)
class Run:
    people: int
    changed: int
    seconds: float  # from when the run was asked for to the end of its last chunk
    memory: int  # MiB, the most that the cluster's processes held together
    as_of: datetime

    @property
    def rate(self) -> float:
        return self.people / self.seconds


def recalculate(data_dir: Path, scope: str, memory: Memory) -> Run:
    from activities.models import Recalculation

    memory.most = 0
    printed = _house.manage(_house.environment(data_dir), "recalculate", scope)
    newest = Recalculation.objects.latest("pk")
    chunks = list(newest.chunks.values_list("state", "people", "changed"))
    assert newest.finished_at is not None and all(state == "done" for state, _p, _c in chunks), chunks[:5]
    found = Run(
        sum(people for _s, people, _c in chunks), sum(changed for _s, _p, changed in chunks),
        (newest.finished_at - newest.started_at).total_seconds(), memory.most,
        newest.as_of,
    )  # fmt: skip
    print(
        f"recalculate {scope}: {found.people:,} people in {found.seconds:.1f} s = {found.rate:,.0f}/s, "
        f"{found.changed:,} changed, cluster {found.memory:,} MiB; it says {_house.last_json(printed)}",
        flush=True,
    )
    return found


class Memory(threading.Thread):
    """The most that a process and its children held together in MiB, what they share counted once (PSS)."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.most, self.over = pid, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.2):
            self.most = max(self.most, self.now())

    def now(self) -> int:
        import psutil

        total = 0
        with suppress(psutil.Error):  # ended meanwhile
            leader = psutil.Process(self.pid)
            for process in [leader, *leader.children(recursive=True)]:
                with suppress(psutil.Error):
                    total += process.memory_full_info().pss
        return total >> 20


@contextmanager
def cluster(data_dir: Path) -> Iterator[Memory]:
    """A real cluster of two workers, up before anything is measured."""
    put_off_the_schedule()
    env = _house.environment(data_dir, PEP_WORKERS="2")
    with _house.process(env, sys.executable, "manage.py", "qcluster") as started:
        memory = Memory(started.pid)
        memory.start()
        wait_until_it_works(started)
        yield memory
        memory.over.set()
        memory.join()


def wait_until_it_works(started: subprocess.Popen[bytes]) -> None:
    """Until a worker has done something; a run would be worked by the command itself before that."""
    from django_q.tasks import async_task

    from pep.models import Heartbeat

    Heartbeat.objects.all().delete()
    async_task("pep.supervision.beat")
    deadline = time.monotonic() + 120
    while not Heartbeat.objects.exists():
        if started.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("The cluster did not work.")
        time.sleep(0.1)


def put_off_the_schedule() -> None:
    """What is due by the clock would run beside what is measured."""
    from django_q.models import Schedule

    Schedule.objects.update(next_run=datetime.now(UTC) + timedelta(days=1))


def order_something(many: int) -> int:
    """Orders of as many of the demo people, told through the ingest of the product; how many people ordered."""
    from distributors import ingest
    from distributors.models import Distributor, Product

    now = datetime.now(UTC)
    sku = Product.objects.order_by("pk").values_list("sku", flat=True)[0]
    real = Distributor.objects.active().exclude(external_id__startswith="clone-").order_by("pk")
    people = list(real.values_list("external_id", "market__currency")[:many])

    def orders() -> Iterator[dict[str, Any]]:
        for n in range(many):
            who, currency = people[n % len(people)]
            yield {
                "specversion": "1.0", "source": "bench", "id": f"{now.timestamp()}-{n}", "type": "order.placed",
                "subject": who, "time": (now - timedelta(seconds=1)).isoformat(),
                "data": {"customer": f"B-{n}", "currency": currency, "amount": "40.00",
                         "lines": [{"sku": sku, "quantity": 1, "amount": "40.00"}]},
            }  # fmt: skip

    summary = ingest.bulk(orders(), received_at=now)
    assert summary.stored == many, summary
    return min(many, len(people))


def engine_targets(full: Run, again: Run, changed: Run, ordered: int) -> list[Target]:
    whole = full.people >= FULL
    took = f"{full.seconds:.1f} s for {full.people:,} = {full.rate:,.0f}/s"
    return [
        Target("full recalculation, 1,000,000 people", f"<= {SECONDS} s", took, full.seconds <= SECONDS if whole else None),
        Target("  memory of the cluster", f"< {MEMORY} MiB", f"{full.memory:,} MiB", full.memory < MEMORY if whole else None),
        Target("  nothing changed", "", f"{again.seconds:.1f} s, {again.changed:,} slates written", None),
        Target(
            f"  --changed after {EVENTS:,} orders",
            "",
            f"{changed.seconds:.1f} s, {changed.people:,} people for {ordered:,} that ordered",
            None,
        ),
    ]  # fmt: skip


def compared(options: argparse.Namespace, full: Run, as_of: datetime) -> list[Target]:
    from distributors.models import Distributor

    ids = list(Distributor.objects.active().order_by("pk").values_list("pk", flat=True))
    sample = ids[:: max(1, len(ids) // options.sample)][: options.sample]
    engine, world = written_slates(sample), _plain.World.now(as_of)
    seconds, slates = _peers.with_the_orm(sample, world)
    orm = len(sample) / seconds
    same = sum(engine[pk] == plain for pk, plain in agreeing(engine, slates))
    print(f"ORM peer: {len(sample):,} people in {seconds:.1f} s = {orm:,.0f}/s on one core", flush=True)
    some = _plain.people(sample[:: max(1, len(sample) // options.sql_sample)])
    seconds, found = _peers.with_sql(some, world)
    sql = len(some) / seconds
    right = sum(close(_peers.five_best(_plain.candidates(person, world)), found.get(person.id, [])) for person in some)
    print(
        f"SQL peer: {len(some):,} people in {seconds:.1f} s = {sql:,.0f}/s on one core; {_peers.LEFT_OUT}", flush=True
    )
    _peers.drop()
    return [
        against("  x the tuned ORM peer", OVER_ORM, full, orm),
        against("  x the SQL peer", OVER_SQL, full, sql),
        Target("  slates identical to the ORM peer's", "all", f"{same:,} of {len(sample):,}", same == len(sample)),
        Target("  scores equal to the SQL peer's", "all", f"{right:,} of {len(some):,}", right == len(some)),
    ]


def against(what: str, asked: int, full: Run, peer: float) -> Target:
    """The peer with both cores, too: twice what it did with one."""
    ratio = full.rate / (2 * peer)
    met = ratio >= asked if full.people >= FULL else None
    return Target(what, f">= {asked} x", f"{ratio:,.0f} x ({full.rate:,.0f}/s against 2 x {peer:,.0f}/s)", met)


def written_slates(ids: list[int]) -> dict[int, _peers.Slate]:
    """What the recalculation wrote down of these people."""
    from activities.models import DaySlate
    from activities.ranking.drawing import SLOTS
    from distributors.records import SLATE_CARD, unpacked

    found: dict[int, _peers.Slate] = {}
    for pk, cards in DaySlate.objects.filter(pk__in=ids).values_list("pk", "cards"):
        found[pk] = [
            (activity, kind, about, str(SLOTS[slot]), score, propensity)
            for activity, kind, about, slot, score, propensity in unpacked(cards, SLATE_CARD).tolist()
        ]
    return found


def agreeing(engine: dict[int, _peers.Slate], plain: dict[int, _peers.Slate]) -> Iterator[tuple[int, _peers.Slate]]:
    """The peer's slates, with numbers that differ by rounding alone taken from the engine's."""
    for pk, slate in plain.items():
        mine = engine.get(pk, [])
        yield (
            pk,
            [
                (*card[:4], *(a if abs(a - b) < 1e-9 else b for a, b in zip(mine[n][4:], card[4:], strict=True)))
                if n < len(mine)
                else card
                for n, card in enumerate(slate)
            ],
        )


def close(one: list[tuple[int, int, int, float]], other: list[tuple[int, int, int, float]]) -> bool:
    """The same scores in the same order; of equal ones either card may come first."""
    return len(one) == len(other) and all(abs(a[3] - b[3]) < 1e-9 for a, b in zip(one, other, strict=True))


if __name__ == "__main__":
    main()
