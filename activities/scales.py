"""The frozen scales of the score: 95th percentiles of the population, so that scores compare across days."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.db import transaction
from django.utils import timezone

from distributors import goals
from distributors.metrics import METRICS, Unit, split_key
from distributors.models import Distributor, Market

from . import candidates, learning, scoring
from .history import history_of
from .models import ScaleSet

#: People looked at: their hundreds of thousands of cards pin a percentile down to a fraction of its own change in a week.
SAMPLE = 400
PERCENTILE = 95

#: Until the first freeze: what authors' estimates in a demonstration company come to. Money in base currency.
FIRST_OWN = 0.056
FIRST = {
    "sales": 8.0,
    "orders": 0.20,
    "repeat_orders": 0.10,
    "new_customers": 0.08,
    "enrolments": 0.06,
    "contacts_added": 0.40,
    "active_days": 0.40,
    "activities_done": 0.60,
    "lessons_done": 0.60,
    "order_size": 3.20,
    "retained_recruits": 0.08,
}


@dataclass(frozen=True)
class Scales:
    version: int  # 0 before the first freeze
    own: float = FIRST_OWN
    kpi: dict[str, float] = field(default_factory=dict)

    def of(self, key: str, market: Market) -> float:
        """s_k in the metric's unit and the market's money; a line without its own takes the whole metric's."""
        metric, _scope = split_key(key)
        found = self.kpi.get(frozen_key(key, market)) or self.kpi.get(frozen_key(metric, market))
        if found:
            return found
        return FIRST[metric] * (float(market.price_level) if METRICS[metric].unit is Unit.MONEY else 1.0)


def frozen_key(key: str, market: Market) -> str:
    """`repeat_orders:eye`; money by market, `sales@us`: amounts of two currencies have no common percentile."""
    return f"{key}@{market.code}" if METRICS[split_key(key)[0]].unit is Unit.MONEY else key


def current() -> Scales:
    """The newest frozen set, or the first ones. One query."""
    newest = ScaleSet.objects.first()
    if newest is None:
        return Scales(0)
    return Scales(newest.version, newest.values["own"], newest.values["kpi"])


def freeze() -> None:
    """For the schedule: today's percentiles become the next version."""
    freeze_at(timezone.now())


def freeze_at(as_of: datetime, *, sample: int = SAMPLE) -> ScaleSet | None:
    """Measure a seeded sample of active distributors and store the next version; None when there is nothing to measure.

    The sample depends on the local day only, so a task run twice measures the same people.
    """
    people = sampled(as_of, sample)
    own, kpi = measured(people, as_of)
    if not kpi:
        return None
    with transaction.atomic():
        newest = ScaleSet.objects.select_for_update().first()
        return ScaleSet.objects.create(
            version=newest.version + 1 if newest else 1,
            values={"own": percentile(own) or FIRST_OWN, "kpi": {k: p for k, v in kpi.items() if (p := percentile(v))}},
            people=len(people),
            frozen_at=as_of,
        )


def sampled(as_of: datetime, most: int) -> list[Distributor]:
    ids = list(Distributor.objects.active().order_by("pk").values_list("pk", flat=True))
    if len(ids) > most:
        ids = random.Random(f"scales {as_of.date()}").sample(ids, most)  # noqa: S311 (a sample, not a secret)
    return list(Distributor.objects.with_market().filter(pk__in=ids).order_by("pk"))


def measured(sample: list[Distributor], as_of: datetime) -> tuple[list[float], dict[str, list[float]]]:
    """U of every card that moves a goal, and |tau| by frozen key of every card that moves the metric.

    Zeros are left out: a card that is not about a metric says nothing about how far one that is can move it.
    """
    own: list[float] = []
    kpi: dict[str, list[float]] = defaultdict(list)
    states = goals.states_of(sample, as_of=as_of)
    known = learning.masteries_of([d.pk for d in sample], as_of=as_of)
    for distributor in sample:
        history = history_of(distributor, as_of=as_of)
        people = candidates.people_of(distributor, as_of=as_of)
        found = candidates.for_distributor(distributor, people=people, history=history)
        batch = candidates.batch_of(found, history, known.get(distributor.pk, {}))
        model = scoring.Model(goals=candidates.own_goals(states.get(distributor.pk, [])), company=[])
        own.extend(u for u in scoring.utilities(batch, model).tolist() if u > 0)
        for key, tau in batch.tau.items():
            kpi[frozen_key(key, distributor.market)].extend(abs(t) for t in tau.tolist() if t)
    return own, kpi


def percentile(values: list[float]) -> float:
    """Rounded to six significant digits, so that versions read well and compare."""
    return float(f"{np.percentile(values, PERCENTILE):.6g}") if values else 0.0
