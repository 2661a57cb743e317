"""What a change of weights would do, before it is published: how long HQ waits, and that it is what would happen.

    python benchmarks/preview.py                                       fields of 1,000, 10,000 and 100,000 people
    [PEP_DATA=/some/folder] python benchmarks/preview.py --distributors 100000        one of them

On a population of _population.py: the panel of the console as the browser asks for it (one person's two lists, the figures,
the warnings, the template), first with nothing kept, then 30 moves of a slider; and everybody counted.

Of a sample the lists now are those of the plain reading (_plain.py), and those with the draft the ones it finds once
the draft is published (and taken back). Peers in the same run: each person of the sample ranked twice as her page would
(ranking.rank), and the whole field ranked again through django-q2 (recalculate --all), which is how one would find out
by publishing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import _house
import _peers
import _plain
import _population
from _house import Target

SIZES = (1_000, 10_000, 100_000)
COLD, MOVES, READERS = 10, 30, 200
#: For a field of this size; what HQ waits after a move, at most.
FULL, MILLISECONDS = 100_000, 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _population.options_of(parser, distributors=0)
    parser.add_argument("--no-recalculation", action="store_true", help="without ranking the whole field again")
    options = parser.parse_args()
    if not options.distributors:
        # A process has one database: a field each.
        for size in SIZES:
            print(f"\n-- {size:,} people", flush=True)
            again = [sys.executable, __file__, *sys.argv[1:], "--distributors", str(size)]
            subprocess.run(again, env=os.environ | folder_of(size), check=True)
        return
    with _house.folder() as data_dir:
        _house.import_the_product(data_dir)
        print(json.dumps(_population.ensure(options)), flush=True)
        _house.report(run(options, data_dir))


def folder_of(size: int) -> dict[str, str]:
    """A field of each size in a folder of its own, inside the one that was named."""
    named = os.environ.get("PEP_DATA")
    return {"PEP_DATA": str(Path(named) / str(size))} if named else {}


def run(options: argparse.Namespace, data_dir: Path) -> list[Target]:
    from activities.preview import sampling, trial

    campaign, weights = live()
    panel = asking(campaign, weights, random.Random(options.seed))
    panel()  # kernels and templates are there, as in a process that has run once
    cold = [milliseconds(panel, before=sampling.KEPT.results.clear) for _ in range(COLD)]
    moves = [milliseconds(panel) for _ in range(MOVES)]
    proposal = moved(campaign, weights, random.Random(0))
    began = time.perf_counter()
    whole = trial.everybody(trial.change(proposal, datetime.now(UTC)))
    seconds = time.perf_counter() - began
    found = trial.of(proposal, datetime.now(UTC))
    sample = found.figures
    off = abs(sample.first.share - whole.first.share)
    print(
        f"preview of {sample.seen:,} of {sample.total:,}: first {told(cold)}, a move {told(moves)}\n"
        f"everybody: {whole.seen:,} people in {seconds:.2f} s = {whole.seen / seconds:,.0f}/s; a new first activity for "
        f"{100 * whole.first.share:.1f} %, the sample says {100 * sample.first.share:.1f} ± {100 * sample.first.error:.1f} %",
        flush=True,
    )
    big = options.distributors >= FULL
    return [
        Target(
            f"preview, first look, {options.distributors:,} people", f"< {MILLISECONDS} ms", told(cold),
            _house.median(cold) < MILLISECONDS if big else None,
        ),
        Target("  next slider move", f"< {MILLISECONDS} ms", told(moves), _house.p95(moves) < MILLISECONDS if big else None),
        Target("  everybody counted", "", f"{seconds:.2f} s for {whole.seen:,}", None),
        Target("  sample within its error of everybody", "", f"{100 * off:.2f} of {100 * sample.first.error:.2f} points", None),
        *agreeing(found, proposal),
        against_pages(found, proposal, _house.median(moves)),
        *([] if options.no_recalculation else [against_recalculation(data_dir, _house.median(moves))]),
    ]  # fmt: skip


def live() -> tuple[Any, dict[int, int]]:
    """The campaign that counts in most markets, and its points by KPI id."""
    from django.utils import timezone

    from kpis import console

    campaign = console.that_matters(timezone.now())
    newest = campaign.versions.order_by("-number")[0]  # type: ignore[union-attr]
    return campaign, dict(newest.priorities.values_list("kpi_id", "weight"))


def moved(campaign: Any, weights: dict[int, int], dice: random.Random) -> Any:
    """Somewhere the sliders could be."""
    from kpis.proposals import Proposal

    parts = {pk: dice.randint(1, 20) for pk in weights}
    points = {pk: 100 * part // sum(parts.values()) for pk, part in parts.items()}
    points[next(iter(points))] += 100 - sum(points.values())
    return Proposal(campaign, points, Decimal(dice.randint(50, 80)) / 100)


def asking(campaign: Any, weights: dict[int, int], dice: random.Random) -> Callable[[], None]:
    """The request of a move: another draft each time, answered by the product's own view and middleware."""
    from django.test import Client
    from django.urls import reverse

    from distributors.models import Role, User

    user, _made = User.objects.get_or_create(email="preview@yousystem.example", defaults={"role": Role.HQ_EDITOR})
    client = Client(headers={"HX-Request": "true", "Host": "localhost"})
    client.force_login(user)
    path = reverse("preview", args=[campaign.pk])

    def ask() -> None:
        response = client.get(f"{path}?{moved(campaign, weights, dice).query}")
        assert response.status_code == 200 and b'class="effects"' in response.content, response.status_code

    return ask


def milliseconds(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    before()
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def told(times: list[float]) -> str:
    return f"p50 {_house.median(times):.0f} ms, p95 {_house.p95(times):.0f} ms"


Lists = dict[int, list[tuple[int, int, int, str]]]


def agreeing(found: Any, proposal: Any) -> list[Target]:
    """Readers' lists beside the plain reading's: now, and with the draft published for as long as it is read."""
    from django.db import transaction

    ids = random.Random(1).sample(sorted(found.crowd.people.ids.tolist()), min(READERS, len(found.crowd.people.ids)))
    now = plain(ids, found.given.as_of)
    with transaction.atomic():
        publish(proposal, found.given.as_of)
        then = plain(ids, found.given.as_of)
        transaction.set_rollback(True)
    targets = []
    for what, lists, peer in (("now", found.found.before, now), ("with the draft", found.found.after, then)):
        mine = engine(found.crowd.people.ids.tolist(), lists)
        same = sum(mine[pk] == peer[pk] for pk in ids)
        targets.append(
            Target(f"  lists {what} equal to the plain reading", "all", f"{same} of {len(ids)}", same == len(ids))
        )
    return targets


def publish(proposal: Any, as_of: datetime) -> None:
    from kpis import priorities

    priorities.publish(
        campaign=proposal.campaign, weights=proposal.weights, own_goal_share=proposal.own_goal_share, reason="Benchmark",
        by=None, as_of=as_of,
    )  # fmt: skip


def plain(ids: list[int], as_of: datetime) -> Lists:
    world = _plain.World.now(as_of)
    return {
        person.id: [card[:4] for card in _peers.slate_of(_plain.drawn(_plain.candidates(person, world), person, world))]
        for person in _plain.people(ids)
    }


def engine(ids: list[int], lists: Any) -> Lists:
    from activities.ranking.drawing import SLOTS

    return {
        pk: [(card[0], card[1], card[2], str(SLOTS[card[3]])) for card in lists.cards[i, : lists.many[i]].tolist()]
        for i, pk in enumerate(ids)
    }


def against_pages(found: Any, proposal: Any, move: float) -> Target:
    """Everybody of the sample ranked twice, one after the other, as pages do."""
    from activities import recommend
    from activities.ranking.person import rank
    from distributors.models import Distributor

    ids = found.crowd.people.ids.tolist()
    some = Distributor.objects.with_market().in_bulk(random.Random(2).sample(ids, min(READERS, len(ids))))
    board = proposal.board()
    began = time.perf_counter()
    for person in some.values():
        for options in ({}, {"board": board}):
            recommend.slate(rank(person, as_of=found.given.as_of, **options))
    each = (time.perf_counter() - began) / len(some)
    whole = each * len(ids)
    return Target(
        "  x ranking the sample as pages do", "",
        f"{1000 * whole / move:,.0f} x ({whole:.1f} s for {len(ids):,}: {1000 * each:.1f} ms a person)", None,
    )  # fmt: skip


def against_recalculation(data_dir: Path, move: float) -> Target:
    import recalculation

    with recalculation.cluster(data_dir) as memory:
        again = recalculation.recalculate(data_dir, "--all", memory)
    return Target(
        "  x ranking everybody again", "", f"{1000 * again.seconds / move:,.0f} x ({again.seconds:.1f} s)", None
    )


if __name__ == "__main__":
    main()
