"""Progress, pace and chance of goals: what the page, the API and the ranking read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from .metrics import METRICS, Metric
from .models import Distributor, Goal

#: P(she makes at least x more before the period ends), x in the goal's unit.
Survival = Callable[[float], float]


@dataclass(frozen=True)
class GoalState:
    goal: Goal
    first: date  # the running period, inclusive, local days
    last: date
    value: Decimal
    expected: Decimal | None  # where an even pace would be at the end of today; None without a pace
    chance: float | None  # of reaching the target by the end of the period; 1 once reached
    survival: Survival
    currency: str  # of money metrics
    days_left: int  # today included

    @property
    def metric(self) -> Metric:
        return METRICS[self.goal.metric]

    @property
    def target(self) -> Decimal:
        return self.goal.target

    @property
    def left(self) -> Decimal:
        """R_g: what is missing, 0 once reached."""
        return max(Decimal(0), self.target - self.value)

    @property
    def reached(self) -> bool:
        return self.value >= self.target

    @property
    def percent(self) -> int:
        """Floored, never rounded up: 2 of 3 is 66. Not capped, so that 120 shows as 120; never below 0."""
        return max(0, int(self.value * 100 // self.target))


def states(distributor: Distributor, *, as_of: datetime) -> list[GoalState]:
    """Her running goals, most important first."""
    return states_of([distributor], as_of=as_of).get(distributor.pk, [])


def states_of(distributors: Iterable[Distributor], *, as_of: datetime) -> dict[int, list[GoalState]]:
    raise NotImplementedError
