"""Past one machine: the field split over two PostgreSQL servers with a cluster and a web process each, all lists the same.

    [PEP_DATA=/some/folder] python benchmarks/shards.py [--distributors 100000] [--readers 60]

Distributors are independent but for their teams, so a shard holds whole sponsor trees. What is the same for everybody
(catalogue, priorities, scales, effects, pools, markets, products, keys, versions) is copied to both, what belongs to
somebody to hers. Then the same recalculation runs on the whole and on both shards at once, for the same moment: every
slate must be the same, and so must the feeds that the web processes serve to an integrator.

The speed-up compares one worker on the whole with one worker on each shard. All of it shares this one machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import _house
import _population
import recalculation
from _house import Target

SHARDS = ("shard-one", "shard-two")
#: What each server makes itself.
OWN = {
    "django_migrations", "django_q_ormq", "django_q_task", "django_q_schedule", "django_session", "pep_heartbeat",
    "activities_dayslate", "activities_recalculation", "activities_chunk", "bench_shard",
}  # fmt: skip
HERS = "IN (SELECT id FROM bench_shard WHERE shard = {})"
#: Tables that say in another way whose a row is.
THROUGH = {
    "distributors_distributor": "id " + HERS,
    "distributors_orderline": f"order_id IN (SELECT event_id FROM distributors_order WHERE distributor_id {HERS})",
    "distributors_note": f"customer_id IN (SELECT id FROM distributors_customer WHERE distributor_id {HERS})",
}
#: Everybody of a sponsor tree to the same shard, large trees first to the emptier one (cut() below); clones in turns.
TREES = """
    WITH RECURSIVE tree AS (
        SELECT id, id AS root FROM distributors_distributor
        WHERE sponsor_id IS NULL AND external_id NOT LIKE 'clone-%'
        UNION ALL SELECT d.id, tree.root FROM distributors_distributor d JOIN tree ON d.sponsor_id = tree.id
    )
    SELECT root, array_agg(id) FROM tree GROUP BY root ORDER BY count(*) DESC, root
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _population.options_of(parser, distributors=100_000)
    parser.add_argument("--readers", type=int, default=60, help="people whose feeds are read from both (60)")
    options = parser.parse_args()
    with _house.folder() as whole, ExitStack() as stack:
        _house.import_the_product(whole)
        print(json.dumps(_population.ensure(options)), flush=True)
        shards = [whole / name for name in SHARDS]
        for shard in shards:
            stack.callback(_house.remove, shard)
        _house.report(run(options, whole, shards))


def run(options: argparse.Namespace, whole: Path, shards: list[Path]) -> list[Target]:
    recalculation.compiled()
    secret = key(whole)
    began = time.perf_counter()
    sizes = split(whole, shards)
    print(f"split into {sizes[0]:,} and {sizes[1]:,} people in {time.perf_counter() - began:.1f} s", flush=True)
    as_of = datetime.now(UTC)
    with at_work(whole):
        alone = recalculated(whole, as_of)
    with at_work(shards[0]), at_work(shards[1]), ThreadPoolExecutor(2) as both:
        began = time.perf_counter()
        parts = list(both.map(lambda shard: recalculated(shard, as_of), shards))
        apart = max(parts)
        print(
            f"one worker on the whole {alone:.1f} s, one on each shard {parts[0]:.1f} s and {parts[1]:.1f} s",
            flush=True,
        )
    expected, found = slates(whole), slates(shards[0]) | slates(shards[1])
    same = sum(found.get(pk) == slate for pk, slate in expected.items())
    served = [feeds(one, people(shard, options.readers // 2), secret) for shard in shards for one in (whole, shard)]
    read = sum(len(feed) for feed in served[::2])
    alike = sum(served[i + 1].get(who) == feed for i in (0, 2) for who, feed in served[i].items())
    return [
        Target("two shards: slates like the single run's", "all", f"{same:,} of {len(expected):,}",
               same == len(expected) == len(found)),
        Target("  served feeds alike", "all", f"{alike:,} of {read:,}", alike == read > 0),
        Target("  speed-up by the second", "", f"{alone / apart:.2f} x ({alone:.1f} s -> {apart:.1f} s)", None),
    ]  # fmt: skip


def split(whole: Path, shards: list[Path]) -> list[int]:
    """Make both servers, and copy to each what is for everybody and what is its people's; how many people."""
    from pep import postgres

    sizes = cut(whole)
    for number, shard in enumerate(shards):
        postgres.ensure_running(shard)
        _house.manage(_house.environment(shard), "migrate", "--verbosity", "0")
        fill(whole, shard, number)
    with server(whole) as cursor:
        cursor.execute("DROP TABLE bench_shard")
    return sizes


def cut(whole: Path) -> list[int]:
    """Who goes where, into bench_shard of the whole."""
    sizes = [0, 0]
    with server(whole) as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_shard")
        cursor.execute("CREATE TABLE bench_shard (id int8 PRIMARY KEY, shard int)")
        for _root, ids in cursor.execute(TREES).fetchall():
            emptier = sizes.index(min(sizes))
            sizes[emptier] += len(ids)
            cursor.execute("INSERT INTO bench_shard SELECT unnest(%s::int8[]), %s", [ids, emptier])
        cursor.execute(
            "INSERT INTO bench_shard SELECT id, id %% 2 FROM distributors_distributor ON CONFLICT DO NOTHING", []
        )
        cursor.execute("ANALYZE bench_shard")
        return [
            n for (n,) in cursor.execute("SELECT count(*) FROM bench_shard GROUP BY shard ORDER BY shard").fetchall()
        ]


def fill(whole: Path, shard: Path, number: int) -> None:
    with server(whole) as source, server(shard) as target:
        # No triggers: versions and marks are as they were.
        target.execute("SET session_replication_role = replica")
        tables = [
            (name, "distributor_id" in columns)
            for name, columns in target.execute(
                "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns"
                " WHERE table_schema = 'public' GROUP BY 1 ORDER BY 1"
            ).fetchall()
            if name not in OWN
        ]
        target.execute(f"TRUNCATE {', '.join(name for name, _hers in tables)} CASCADE")
        for name, hers in tables:
            where = THROUGH.get(name, f"distributor_id {HERS}" if hers else "true").format(number)
            ask = f"COPY (SELECT * FROM {name} WHERE {where}) TO STDOUT (FORMAT BINARY)"
            with source.copy(ask) as out, target.copy(f"COPY {name} FROM STDIN (FORMAT BINARY)") as into:
                for block in out:
                    into.write(block)
        last = source.execute("SELECT last_value FROM distributors_version_number").fetchone()[0]
        target.execute("SELECT setval('distributors_version_number', %s)", [last])
        for name, column, sequence in target.execute(SEQUENCES).fetchall():
            target.execute(f"SELECT setval('{sequence}', (SELECT coalesce(max({column}), 0) + 1 FROM {name}))")
        target.execute("VACUUM (ANALYZE)")


SEQUENCES = """
    SELECT table_name, column_name, pg_get_serial_sequence(table_name, column_name)
    FROM information_schema.columns WHERE table_schema = 'public' AND is_identity = 'YES'
"""


@contextmanager
def server(data_dir: Path) -> Iterator[Any]:
    """A cursor on the server of that folder, each statement its own transaction."""
    import psycopg

    from pep import postgres

    with psycopg.connect(postgres.url(data_dir), autocommit=True) as connection, connection.cursor() as cursor:
        yield cursor


@contextmanager
def at_work(data_dir: Path) -> Iterator[None]:
    """A cluster of one worker on that server, which has shown that it works."""
    env = _house.environment(data_dir, PEP_WORKERS="1")
    with server(data_dir) as cursor:
        cursor.execute("UPDATE django_q_schedule SET next_run = now() + interval '1 day'")
        cursor.execute("DELETE FROM pep_heartbeat")
    _house.manage(env, "shell", "-c", "from django_q.tasks import async_task; async_task('pep.supervision.beat')")
    with _house.process(env, sys.executable, "manage.py", "qcluster") as started:
        deadline = time.monotonic() + 120
        while not beaten(data_dir):
            if started.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The cluster did not work.")
            time.sleep(0.1)
        yield


def beaten(data_dir: Path) -> bool:
    with server(data_dir) as cursor:
        return bool(cursor.execute("SELECT count(*) FROM pep_heartbeat").fetchone()[0])


def recalculated(data_dir: Path, as_of: datetime) -> float:
    """Seconds of a recalculation of everybody there."""
    _house.manage(_house.environment(data_dir), "recalculate", "--all", "--as-of", as_of.isoformat())
    with server(data_dir) as cursor:
        row = cursor.execute(
            "SELECT extract(epoch FROM finished_at - started_at) FROM activities_recalculation ORDER BY id DESC LIMIT 1"
        ).fetchone()
    return float(row[0])


def slates(data_dir: Path) -> dict[int, tuple[Any, ...]]:
    with server(data_dir) as cursor:
        cursor.execute("SELECT distributor_id, day, cards, features, memory FROM activities_dayslate")
        return {pk: tuple(rest) for pk, *rest in cursor.fetchall()}


def key(data_dir: Path) -> str:
    """An integrator's, copied to the shards with everything else."""
    printed = _house.manage(_house.environment(data_dir), "apikey", f"bench-{time.time():.0f}", "--scope", "feed:read")
    return next(word for word in printed.split() if word.startswith("pep_"))


def people(shard: Path, many: int) -> list[str]:
    """Some of the demo people of a shard, evenly. A page names people, and a clone's are her template's."""
    with server(shard) as cursor:
        cursor.execute(
            "SELECT external_id FROM distributors_distributor"
            " WHERE left_on IS NULL AND external_id NOT LIKE 'clone-%' ORDER BY id"
        )
        found = [external_id for (external_id,) in cursor.fetchall()]
    return found[:: max(1, len(found) // many)][:many]


def feeds(data_dir: Path, who: list[str], secret: str) -> dict[str, Any]:
    """What a web process on that server answers: each person's cards with slots and scores."""
    port = _house.free_port()
    found = {}
    env = _house.environment(data_dir)
    with _house.process(env, sys.executable, "manage.py", "up", "--only", "web", "--port", str(port)):
        _house.wait_for(f"http://127.0.0.1:{port}/health/live")
        for external_id in who:
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/api/v1/distributors/{external_id}/feed",
                headers={"Authorization": f"Bearer {secret}"},
            )
            cards = json.load(urllib.request.urlopen(request))["cards"]
            found[external_id] = [(card["key"], card["slot"], round(card["score"], 9), card["title"]) for card in cards]
    return found


if __name__ == "__main__":
    main()
