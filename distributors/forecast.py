"""What she will still do in a period: her own past windows, shrunk to her market's (ranking.md 2).

    P(X >= x) = (k_own + 8 P_pool) / (n + 8),  n = 12 past windows, fewer when she joined recently

k_own counts her windows that made at least x; P_pool is the chance in a market where people vary about her mean.
Standings and pools are stored before each market's local morning, and by the first read that misses them. A standing
carries a checksum of the measures behind it, so an event that arrives late for a past day is seen at the next read.
A pool is a statistic of the whole market: it waits for the next morning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import overload

import numpy as np
from django.db.models import Q, QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from .models import ForecastPool, Goal, Market
from .periods import Run, run_of
from .remainders import fill, pools

#: How many windows of her own the market's spread weighs as much as.
POOL_WEIGHT = 8
#: With fewer people a market's spread says more about them than about her: an exponential one stands in.
FEWEST_PEOPLE = 5
#: A mean below a ten-thousandth of a cent or a count is nothing.
LEAST = 1e-6
#: Local hour from which a market's day is calculated ahead; most people open the app after seven.
MORNING = 4
#: Goals recalculated in one transaction.
BLOCK = 5000
#: Days that pools are kept: a morning looks at its own only, the rest is for looking back.
KEEP_POOLS = timedelta(days=35)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outlook:
    """P(she makes at least x more before the period ends): never rising in x, 1 for x <= 0. Takes numbers and arrays.

    `made` are her past windows, in the goal's unit. `typical` stretches the market's spread: her mean, the market's
    when hers is 0, an even share of the target when nobody has a history. `quantiles` are of window / own mean; empty
    means an exponential spread. `base` is added to x where whole periods are compared (metrics that do not add up).
    """

    made: tuple[float, ...]
    typical: float
    quantiles: tuple[float, ...] = ()
    base: float = 0.0
    known: bool = True  # False when neither she nor her market has a history to speak of

    @overload
    def __call__(self, x: float) -> float: ...
    @overload
    def __call__(self, x: Floats) -> Floats: ...
    def __call__(self, x: float | Floats) -> float | Floats:
        more = np.asarray(x, dtype=np.float64)
        level = more + self.base
        own = np.asarray(self.made, dtype=np.float64)
        # A millionth of a cent of slack: 62.50 made as a float sum still reaches 62.50.
        k = (own >= level[..., None] - 1e-8).sum(axis=-1)
        blended = (k + POOL_WEIGHT * self.pooled(level)) / (len(own) + POOL_WEIGHT)
        chance = np.where(more <= 0, 1.0, blended)
        return chance if chance.ndim else float(chance)

    def pooled(self, level: Floats) -> Floats:
        """P(window >= level) by the market's spread, interpolated linearly between its quantiles."""
        if self.typical < LEAST:
            return np.where(level <= 0, 1.0, 0.0)
        ratio = level / self.typical
        if not self.quantiles:
            return np.exp(-np.maximum(ratio, 0.0))
        # Negated and reversed, so that a level equal to an atom (3 of 3 orders) still counts the atom itself.
        falling = -np.asarray(self.quantiles)[::-1]
        return np.interp(-ratio, falling, np.linspace(0.0, 1.0, len(falling)), left=0.0, right=1.0)


def outlook(run: Run, target: Decimal, value: Decimal, made: Sequence[float], pool: ForecastPool | None) -> Outlook:
    """Her own windows and her market's spread put together."""
    spread = pool if pool is not None and pool.people >= FEWEST_PEOPLE else None
    own_mean = float(np.mean(made)) if made else 0.0
    typical = own_mean if own_mean >= LEAST else (spread.mean if spread else 0.0)
    known = bool(made) or typical >= LEAST
    if not known:
        typical = float(target) * (run.days_left / run.days if run.adds_up else 1.0)
    return Outlook(
        made=tuple(made),
        typical=typical,
        quantiles=tuple(spread.quantiles) if spread else (),
        base=0.0 if run.adds_up else float(value),
        known=known,
    )


def recalculate(distributor_ids: Iterable[int], *, as_of: datetime) -> int:
    """Make the standings and pools of these people's running goals right for their local day; rows changed.

    Idempotent, and the same as if every read had filled them. A handful of statements whatever the number of people.
    """
    goals = (
        Goal.objects.running().filter(distributor_id__in=list(distributor_ids)).select_related("distributor__market")
    )
    return recalculate_goals(goals.order_by("pk"), as_of=as_of)


def recalculate_goals(goals: Iterable[Goal], *, as_of: datetime) -> int:
    runs = [run for run in (run_today(goal, as_of) for goal in goals) if run is not None]
    pools(runs)
    return fill(runs).written


def run_today(goal: Goal, as_of: datetime) -> Run | None:
    market = goal.distributor.market
    return run_of(goal, market, market.local_day(as_of))


def recalculate_due_markets() -> None:
    """For the schedule: what time alone changes, for every market whose local morning has come."""
    recalculate_mornings(as_of=timezone.now())


def recalculate_mornings(*, as_of: datetime) -> int:
    """Recalculate every goal that has no standing of its market's local day yet, from 04:00 on; rows changed.

    The goals left are the work list: a run that was killed goes on where it stopped, a morning missed in an outage is
    made up for once at whatever hour the clock comes back, and a second run finds nothing to do.
    """
    changed = 0
    for market in Market.objects.order_by("pk"):
        if as_of.astimezone(market.zone).hour >= MORNING:
            changed += recalculate_market(market, as_of=as_of)
    ForecastPool.objects.filter(day__lt=as_of.date() - KEEP_POOLS).delete()
    return changed


def recalculate_market(market: Market, *, as_of: datetime) -> int:
    """The goals of one market that wait for its local day, in blocks."""
    today, changed, after = market.local_day(as_of), 0, 0
    while block := list(waiting(market, today).filter(pk__gt=after).order_by("pk")[:BLOCK]):
        changed += recalculate_goals(block, as_of=as_of)
        after = block[-1].pk
    return changed


def waiting(market: Market, today: date) -> QuerySet[Goal]:
    """Running goals of active people whose standing is not of `today`, dated goals only within their dates."""
    undated = ~Q(period=Goal.Period.CAMPAIGN)
    return (
        Goal.objects.running()
        .filter(undated | Q(starts_on__lte=today, ends_on__gte=today))
        .filter(distributor__market=market, distributor__left_on__isnull=True)
        .exclude(standing__day=today)
        .select_related("distributor__market")
    )
