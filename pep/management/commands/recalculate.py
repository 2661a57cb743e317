"""`manage.py recalculate`: the slates of the field again, watched until it is done. What was cut short is gone on with."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count, Max, Q, Sum
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from activities.models import Chunk, Recalculation
from activities.ranking import recalculating
from distributors.models import Market
from pep import views

#: Seconds between looks at how far the cluster is.
LOOK = 0.2
#: Looks between sweeps, in case a worker dies.
SWEEP = 150


class Command(BaseCommand):
    help = (
        "Write the slates of the day of everybody, or of who changed, through the queue's workers, and print a JSON "
        "summary. Without a running worker it is done here. Ctrl-C leaves a run that --resume goes on with. The exit "
        "code is 1 when a part of it failed for good."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--all", action="store_true", help="everybody")
        what.add_argument("--changed", action="store_true", help="only whose slate is out of date")
        what.add_argument("--resume", action="store_true", help="go on with the newest run that is not finished")
        parser.add_argument("--market", help="the code of the one market to recalculate")
        parser.add_argument("--here", action="store_true", help="in this process, not by the workers")
        parser.add_argument("--as-of", type=instant, help="as if it were this instant, such as 2026-08-27T04:00:00Z")

    def handle(self, *args: Any, here: bool, **options: Any) -> None:
        here = here or self.nobody_works()
        run = self.resumed() if options["resume"] else self.started(here=here, **options)
        began = time.perf_counter()
        try:
            self.work(run) if here else self.watch(run)
        except KeyboardInterrupt as stopped:
            self.stderr.write(
                f"Stopped. {'' if here else 'The workers go on; '}`manage.py recalculate --resume` goes on with it."
            )
            raise SystemExit(130) from stopped
        self.report(run, time.perf_counter() - began)

    def nobody_works(self) -> bool:
        silent = views.worker() != "ok"
        if silent:
            self.stderr.write("No worker is running, so it is done here.")
        return silent

    def started(self, *, all: bool, market: str | None, as_of: datetime | None, here: bool, **_: Any) -> Recalculation:
        scope = Recalculation.Scope.ALL if all else Recalculation.Scope.CHANGED
        return recalculating.start(scope, as_of or timezone.now(), market=market_of(market), wake=not here)

    def resumed(self) -> Recalculation:
        run = recalculating.newest_unfinished()
        if run is None:
            raise CommandError("There is no run to go on with.")
        recalculating.hand_on(timezone.now(), run.pk)
        return run

    def work(self, run: Recalculation) -> None:
        with self.bar(run) as bar:
            recalculating.work_here(run.pk, tell=lambda chunk: bar.update(closed(run) - bar.n))

    def watch(self, run: Recalculation) -> None:
        """Until the workers are through with it."""
        recalculating.sweep()
        looks = 0
        with self.bar(run) as bar:
            while not Recalculation.objects.filter(pk=run.pk, finished_at__isnull=False).exists():
                time.sleep(LOOK)
                bar.update(closed(run) - bar.n)
                looks += 1
                if looks % SWEEP == 0:
                    recalculating.sweep()
            bar.update(closed(run) - bar.n)

    def bar(self, run: Recalculation) -> Any:
        """On a terminal only."""
        return tqdm(total=run.chunks.count(), initial=closed(run), unit="chunk", disable=None, delay=0.2)

    def report(self, run: Recalculation, seconds: float) -> None:
        parked = Count("pk", filter=Q(state=Chunk.State.PARKED))
        found = run.chunks.aggregate(
            all_people=Sum("people", default=0), all_changed=Sum("changed", default=0), chunks=Count("pk"), parked=parked,
            memory=Max("memory_mb", default=0),
        )  # fmt: skip
        summary = {
            "run": run.pk, "people": found["all_people"], "changed": found["all_changed"], "seconds": round(seconds, 2),
            "people_per_second": round(found["all_people"] / seconds) if seconds else 0, "chunks": found["chunks"],
            "parked": found["parked"], "peak_memory_mb": found["memory"],
        }  # fmt: skip
        self.stdout.write(json.dumps(summary))
        for problem in run.chunks.filter(state=Chunk.State.PARKED).values_list("problem", flat=True):
            self.stderr.write(problem)
        if found["parked"]:
            raise SystemExit(1)


def closed(run: Recalculation) -> int:
    return run.chunks.filter(state__in=[Chunk.State.DONE, Chunk.State.PARKED]).count()


def market_of(code: str | None) -> Market | None:
    if code is None:
        return None
    try:
        return Market.objects.get(code=code)
    except Market.DoesNotExist as error:
        known = ", ".join(Market.objects.order_by("code").values_list("code", flat=True))
        raise CommandError(f"There is no market {code}. The markets are: {known}.") from error


def instant(text: str) -> datetime:
    """An instant with its offset; ValueError otherwise."""
    found = parse_datetime(text)
    if found is None or found.tzinfo is None:
        raise ValueError(text)
    return found
