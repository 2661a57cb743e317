"""Every recurring job, in one list. The rows of django-q2 are made from it and from nowhere else.

One row with bad arguments would stop all schedules (reliability.md), so a test checks each of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.utils import timezone
from django_q.models import Schedule


@dataclass(frozen=True)
class Job:
    """`func` is a dotted path to a function that takes no arguments, is idempotent and returns None.

    Either every `minutes`, or at the times of `cron` (UTC).
    """

    name: str
    func: str
    why: str
    minutes: int | None = None
    cron: str | None = None


JOBS = (
    Job("canary", "pep.supervision.beat", "proves that the scheduler and a worker turn", minutes=1),
    Job("sweep", "activities.actions.settle_recent", "closes what an event left unfinished", minutes=1),
    Job(
        "morning",
        "activities.ranking.recalculating.morning",
        "what time alone changes, in each market from four in its morning on: windows, pace, who is due, chances, slates",
        minutes=15,
    ),
    Job(
        "changed",
        "activities.ranking.recalculating.changed",
        "who changed since her market's morning: what is sent later in the day, and the next page, find her rows ready",
        minutes=5,
    ),
    Job("campaigns", "kpis.campaigns.turn", "notes what started or ended in each market, once", minutes=1),
    Job(
        "steered",
        "activities.ranking.recalculating.steered",
        "after HQ publishes, or a campaign starts or ends: the slates written ahead follow within a minute",
        minutes=1,
    ),
    Job(
        "rules changed",
        "activities.rules.sweep.changed",
        "rules fire within a minute for whom an event reached, whether or not she opens the app",
        minutes=1,
    ),
    Job(
        "rules",
        "activities.rules.sweep.due",
        "asks every rule of everybody, hourly and within a minute after HQ published one: what time alone makes true",
        minutes=1,
    ),
    Job(
        "recalculation sweep", "activities.ranking.recalculating.sweep", "hands on what a killed worker left", minutes=1
    ),
    Job("firings", "activities.rules.keeping.tonight", "what rules did more than 400 days ago", cron="55 1 * * *"),
    Job("contests", "kpis.circles.enter_begun", "who is compared with whom in a contest that has begun", minutes=15),
    Job("kpis", "kpis.trends.lately", "the last two weeks of each KPI, with what has arrived since", minutes=15),
    Job("kpi weeks", "kpis.trends.tonight", "half a year of each KPI: late events correct it", cron="35 1 * * *"),
    Job(
        "effects", "activities.evidence.effects.learn_tonight", "what showings changed, from the log", cron="50 2 * * *"
    ),
    Job(
        "decline", "distributors.decline.fit_lately", "what foretells that sales halve, from the past", cron="5 3 * * 0"
    ),
    Job(
        "reorder",
        "distributors.reordering.fit_lately",
        "who orders again, from the orders there are",
        cron="12 3 * * 0",
    ),
    Job(
        "imports",
        "distributors.contact_import.importing.forget_old",
        "files of contacts are forgotten after a day",
        minutes=60,
    ),
    Job("scales", "activities.ranking.freezing.freeze", "a new version of the population's scales", cron="20 3 * * 0"),
)


def sync(*, using: str = "default") -> None:
    """Make the schedule rows equal the list; a job that is unchanged keeps its next run."""
    if Schedule._meta.db_table not in connections[using].introspection.table_names():
        return
    with transaction.atomic(using=using):
        rows = Schedule.objects.using(using)
        rows.exclude(name__in=[job.name for job in JOBS]).delete()
        for job in JOBS:
            _sync_one(rows, job)


def _sync_one(rows: Any, job: Job) -> None:
    wanted = {
        "func": job.func,
        "schedule_type": Schedule.CRON if job.cron else Schedule.MINUTES,
        "minutes": job.minutes,
        "cron": job.cron,
        "args": None,
        "kwargs": None,
        "hook": None,
        "repeats": -1,
        "cluster": None,
        "intended_date_kwarg": None,
    }
    same = rows.filter(name=job.name, **wanted)
    keep = same.order_by("pk").values_list("pk", flat=True).first()
    rows.filter(name=job.name).exclude(pk=keep).delete()
    if keep is None:
        rows.create(name=job.name, next_run=_first_run(job), **wanted)


def _first_run(job: Job) -> datetime:
    now = timezone.now()
    if job.cron is None:
        return now
    return Schedule(schedule_type=Schedule.CRON, cron=job.cron).calculate_next_run(now)
