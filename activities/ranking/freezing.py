"""Freezing the scales of the score: what a sample of the population comes to becomes the next version (scales.py)."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime

import numpy as np
from django.db import transaction
from django.utils import timezone

from distributors.blocks import Floats
from distributors.models import Distributor

from ..models import ScaleSet
from .person import Ranking, rank
from .scales import FIRST_OWN, frozen_key

#: People looked at: their hundreds of thousands of cards pin a percentile down to a fraction of its own change in a week.
SAMPLE = 2000
PERCENTILE = 95


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


def sampled(as_of: datetime, most: int) -> list[int]:
    """Ids of active distributors, in order."""
    ids = list(Distributor.objects.active().order_by("pk").values_list("pk", flat=True))
    if len(ids) > most:
        ids = sorted(random.Random(f"scales {as_of.date()}").sample(ids, most))  # noqa: S311 (a sample, not a secret)
    return ids


def measured(ids: list[int], as_of: datetime) -> tuple[list[float], dict[str, list[float]]]:
    """U of every card that moves a goal, and |tau| by frozen key of every card that moves the metric.

    Zeros are left out: a card that is not about a metric says nothing about how far one that is can move it.
    """
    own: list[float] = []
    kpi: dict[str, list[float]] = defaultdict(list)
    for distributor in list(Distributor.objects.with_market().filter(pk__in=ids).order_by("pk")):
        ranking = rank(distributor, as_of=as_of)
        own.extend(u for u in utilities(ranking).tolist() if u > 0)
        market, tau = ranking.shelf.markets[ranking.market], effects_of_showing(ranking)
        for key, column in zip(ranking.shelf.keys, tau.T, strict=True):
            kpi[frozen_key(key, market)].extend(np.abs(column[column != 0]).tolist())
    return own, kpi


def utilities(ranking: Ranking) -> Floats:
    """U of every candidate, before it is scaled."""
    return (0.5 * ranking.terms.gains + 0.5 * ranking.terms.shares) @ ranking.goal_weights


def effects_of_showing(ranking: Ranking) -> Floats:
    """tau of every candidate and metric key, in the market's money."""
    cards, arrays = ranking.found.room.cards.card[: len(ranking)], ranking.catalogue
    money = np.where(arrays.key["money"], arrays.price[ranking.market], 1.0)
    stretch = np.where(arrays.key["sales"], cards["stretch"][:, None], 1.0)
    return cards["p"][:, None] * arrays.effects[cards["activity"]] * money * stretch


def percentile(values: list[float]) -> float:
    """Rounded to six significant digits, so that versions read well and compare."""
    return float(f"{np.percentile(values, PERCENTILE):.6g}") if values else 0.0
