"""A change of the company's priorities: visible at the next read of everybody, without a feed being rewritten.

    [PEP_DATA=/some/folder] python benchmarks/steering.py [--distributors 1000000]

On a population of _population.py: publishes a new version of the live campaign's weights as HQ does (priorities.publish),
counts what that wrote (durable commits, write-ahead log, rows by table), and reads 200 random people of the demo company before and after: the
next read ranks with the new version, and the lists are those of the plain reading (_plain.py) with the new weights.
The peer keeps feeds stored: it has to rank everybody again and write five rows each (measured on a sample).
"""

from __future__ import annotations

import argparse
import json
import random
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import _house
import _peers
import _plain
import _population
from _house import Target

READERS = 200
MOST_COMMITS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _population.options_of(parser)
    parser.add_argument("--sample", type=int, default=500, help="people whose stored feeds the peer rewrites (500)")
    options = parser.parse_args()
    with _house.folder() as data_dir:
        _house.import_the_product(data_dir)
        print(json.dumps(_population.ensure(options)), flush=True)
        _house.report(run(options, data_dir))


def run(options: argparse.Namespace, data_dir: Path) -> list[Target]:
    from distributors.models import Distributor

    ids = list(Distributor.objects.active().order_by("pk").values_list("pk", flat=True))
    # A page names people, and a clone's are her template's: readers are of the demo company.
    real = Distributor.objects.active().exclude(external_id__startswith="clone-").order_by("pk")
    known = list(real.values_list("pk", flat=True))
    readers = random.Random(options.seed).sample(known, min(READERS, len(known)))
    read(readers)  # whatever waited for its first reader
    before = read(readers)
    then = written()
    began = time.perf_counter()
    version = publish()
    seconds = time.perf_counter() - began
    cost = since(then)
    after = read(readers)
    new = sum(one["kpi"] == version for one in after.values())
    moved = sum(after[pk]["cards"] != before[pk]["cards"] for pk in readers)
    right = agreeing(readers, after)
    per_person = stored_feeds(random.Random(0).sample(ids, min(options.sample, len(ids))))
    print(
        f"published {version} in {1000 * seconds:.0f} ms: {cost['commits']} durable commits, {cost['wal']:,} bytes of log, "
        f"rows {cost['rows']}; the lists of {moved} of {len(readers)} readers changed"
    )
    whole = per_person * options.distributors
    print(
        f"peer: {1000 * per_person:.1f} ms a person to rewrite stored feeds on one core, {whole:,.0f} s for everybody"
    )
    feeds = sum(n for table, n in cost["rows"].items() if table in {"activities_dayslate", "activities_slate"})
    return [
        Target("KPI change: next reads with the new version", "all", f"{new} of {len(readers)}", new == len(readers)),
        Target("  lists equal to the plain reading", "all", f"{right} of {len(readers)}", right == len(readers)),
        Target("  feed rows written", "0", str(feeds), feeds == 0),
        Target("  durable commits", f"<= {MOST_COMMITS}", str(cost["commits"]), cost["commits"] <= MOST_COMMITS),
        Target("  x rewriting stored feeds", "", f"{whole / seconds:,.0f} x ({whole:,.0f} s)", None),
    ]


def read(ids: list[int]) -> dict[int, dict[str, Any]]:
    """What these people see now, as their pages make it, and by which priorities. Nothing is logged."""
    from activities import recommend
    from distributors.models import Distributor

    found = {}
    for person in Distributor.objects.with_market().filter(pk__in=ids):
        feed = recommend.feed(person, as_of=datetime.now(UTC), log=False)
        cards = [(card.candidate.activity.pk, card.candidate.about_key, str(card.slot)) for card in feed.cards]
        found[person.pk] = {"kpi": feed.versions["kpi"], "cards": cards}
    return found


def agreeing(ids: list[int], seen: dict[int, dict[str, Any]]) -> int:
    """How many of the lists are those of the plain reading."""
    world = _plain.World.now(datetime.now(UTC))
    letters = {0: "", 1: "c", 2: "r"}
    same = 0
    for person in _plain.people(ids):
        slate = _peers.slate_of(_plain.drawn(_plain.candidates(person, world), person, world))
        plain = [(activity, f"{letters[kind]}{about or ''}", slot) for activity, kind, about, slot, _s, _p in slate]
        same += plain == seen[person.id]["cards"]
    return same


def publish() -> str:
    """The live campaign's weights turned round: the least becomes the most. The new version's name."""
    from django.utils import timezone

    from distributors.models import Market
    from kpis import board, priorities

    plan, _version = board.current().running(Market.objects.order_by("pk")[0], timezone.now())[0]
    campaign = plan.campaign
    newest = campaign.versions.order_by("-number")[0]
    weights = dict(newest.priorities.values_list("kpi_id", "weight"))
    turned = dict(zip(weights, reversed(list(weights.values())), strict=True))
    made = priorities.publish(
        campaign=campaign, weights=turned, own_goal_share=Decimal("0.50"), reason="Benchmark", by=None,
        as_of=timezone.now(),
    )  # fmt: skip
    return f"{made.campaign_id}.{made.number}"


ROWS = """
    SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables
    WHERE n_tup_ins + n_tup_upd + n_tup_del > 0
"""


def written() -> dict[str, Any]:
    """Counters of the whole server. A commit counts as durable when a record of it was written to the log."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_current_xact_id(), pg_current_wal_insert_lsn()")
        xid, lsn = cursor.fetchone()
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(ROWS)
        return {"xid": int(xid), "lsn": lsn, "rows": dict(cursor.fetchall())}


def since(then: dict[str, Any]) -> dict[str, Any]:
    """Transactions that wrote (only those get an id; ours to look are not counted), log and rows since."""
    from django.db import connection

    now = written()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(%s, %s)", [now["lsn"], then["lsn"]])
        (wal,) = cursor.fetchone()
    rows = {table: n - then["rows"].get(table, 0) for table, n in now["rows"].items()}
    return {"commits": now["xid"] - then["xid"] - 1, "wal": int(wal), "rows": {t: n for t, n in rows.items() if n}}


def stored_feeds(ids: list[int]) -> float:
    """Seconds a person of the peer."""
    seconds, _slates = _peers.with_the_orm(ids, _plain.World.now(datetime.now(UTC)))
    _peers.drop()
    return seconds / len(ids)


if __name__ == "__main__":
    main()
