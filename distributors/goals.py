"""Progress, pace and chance of goals: what the page, the API and the ranking read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from .forecast import Outlook, outlook
from .metrics import METRICS, How, Metric
from .models import Distributor, Goal, GoalStanding, User
from .periods import Run, run_of, running_period
from .remainders import Reading, fill, pool_key, pools, readings
from .targets import (
    bounds,
    check_metric,
    check_target,
    check_weight,
    checked_period,
    past_values,
    within_reach,
)

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
    def ahead(self) -> Decimal | None:
        """How much the value is over where an even pace would be; negative when behind; None without a pace."""
        return None if self.expected is None else self.value - self.expected

    @property
    def pace_percent(self) -> float | None:
        """Where on the bar an even pace is at the end of today: Thursday of a Monday week is at 57.1."""
        return None if self.expected is None else round(float(self.expected * 100 / self.target), 1)

    @property
    def percent(self) -> int:
        """Floored, never rounded up: 2 of 3 is 66. Not capped, so that 120 shows as 120; never below 0."""
        return max(0, int(self.value * 100 // self.target))


def states(distributor: Distributor, *, as_of: datetime) -> list[GoalState]:
    """Her running goals, most important first."""
    return states_of([distributor], as_of=as_of).get(distributor.pk, [])


def states_of(distributors: Iterable[Distributor], *, as_of: datetime) -> dict[int, list[GoalState]]:
    """Running goals by distributor, most important first; load the people `with_market()`.

    3 queries: goals with their standings, sums, pools (one more sums query for each kind of metric that does not add
    up). Standings that are missing, of another day or overtaken by a late event are put right here: 1 statement more.
    """
    people = {person.pk: person for person in distributors}
    goals = (
        Goal.objects.running().filter(distributor_id__in=people).select_related("standing").order_by("-weight", "pk")
    )
    found: dict[int, list[GoalState]] = {}
    asked: list[tuple[Goal, Run]] = []
    for goal in goals:
        market = people[goal.distributor_id].market
        run = run_of(goal, market, market.local_day(as_of))
        if run is not None:
            asked.append((goal, run))
    if not asked:
        return found
    runs = [run for _, run in asked]
    read, spread = readings(runs), pools(runs)
    past = up_to_date(asked, read, people)
    for goal, run in asked:
        person = people[goal.distributor_id]
        goal.distributor = person
        forecast = outlook(run, goal.target, read[goal.pk].value, past[goal.pk], spread.get(pool_key(run)))
        state = state_of(goal, run, read[goal.pk].value, forecast, person.market.currency)
        found.setdefault(person.pk, []).append(state)
    return found


def up_to_date(
    asked: list[tuple[Goal, Run]], read: dict[int, Reading], people: dict[int, Distributor]
) -> dict[int, list[float]]:
    """Past windows by goal: the stored ones where the day, her joining and the measures behind them are the same."""
    past: dict[int, list[float]] = {}
    stale: list[Run] = []
    for goal, run in asked:
        standing = getattr(goal, "standing", None)
        joined_on = people[goal.distributor_id].joined_on
        if standing and standing.checksum == read[goal.pk].checksum and standing_fits(standing, run, joined_on):
            past[goal.pk] = standing.remainders
        else:
            stale.append(run)
    return past | fill(stale).made


def standing_fits(standing: GoalStanding, run: Run, joined_on: date) -> bool:
    """Of today, and with every window since she joined (a ratio leaves out the ones it is undefined in)."""
    windows = sum(first >= joined_on for first, _stop in run.windows)
    return standing.day == run.today and (len(standing.remainders) == windows or run.how is How.RATIO)


def state_of(goal: Goal, run: Run, value: Decimal, forecast: Outlook, currency: str) -> GoalState:
    left = float(goal.target - value)
    has_pace = run.how is not How.RATIO
    return GoalState(
        goal=goal,
        first=run.first,
        last=run.last,
        value=value,
        expected=goal.target * run.days_gone / run.days if has_pace else None,
        chance=forecast(left) if forecast.known or left <= 0 else None,
        survival=forecast,
        currency=currency,
        days_left=run.days_left,
    )


@transaction.atomic
def set_goal(
    *,
    distributor: Distributor,
    metric: str,
    scope: str = "",
    period: str,
    target: Decimal,
    weight: Decimal = Decimal(1),
    starts_on: date | None = None,
    ends_on: date | None = None,
    as_of: datetime,
    by: User | None,
) -> Goal:
    """Her new goal; a running one of the same metric, line and period ends and stays in her history.

    The same target again is the same goal, with the new weight.
    ValidationError with one sentence under the field's name. `by` is who did it, for the audit of the request.
    """
    # One at a time per distributor: two taps end as one running goal, not as a broken constraint.
    Distributor.objects.select_for_update(no_key=True).get(pk=distributor.pk)
    check_metric(metric, scope)
    check_weight(weight)
    first, last = checked_period(distributor, period, starts_on, ends_on, distributor.local_day(as_of))
    low, high = bounds(distributor, metric, scope, period, first, last)
    check_target(target, metric, low, high, distributor.market.currency)
    same = Goal.objects.running().of(distributor.pk).filter(metric=metric, scope=scope, period=period)
    unchanged = same.filter(target=target, starts_on=starts_on, ends_on=ends_on)
    if unchanged.update(weight=weight):
        return unchanged.get()
    same.update(ended_at=as_of)
    return Goal.objects.create(
        distributor=distributor,
        metric=metric,
        scope=scope,
        period=period,
        target=target,
        weight=weight,
        starts_on=starts_on,
        ends_on=ends_on,
        created_at=as_of,
    )


def end_goal(*, goal: Goal, as_of: datetime, by: User | None) -> bool:
    """False when it had ended before: the first end counts."""
    return bool(Goal.objects.running().filter(pk=goal.pk).update(ended_at=as_of))


@transaction.atomic
def reweight(*, distributor: Distributor, weights: dict[int, Decimal], by: User | None) -> None:
    """How much each of her running goals matters, by goal id, relative to each other. All of them or none."""
    Distributor.objects.select_for_update(no_key=True).get(pk=distributor.pk)
    for goal_id, weight in weights.items():
        check_weight(weight)
        if not Goal.objects.running().of(distributor.pk).filter(pk=goal_id).update(weight=weight):
            raise ValidationError(_("One of these goals is no longer running. Reload the page."))


def suggest(distributor: Distributor, metric: str, period: str, as_of: datetime, scope: str = "") -> Decimal | None:
    """A target for the running week or month that she reached in two of the last four; None when there is none."""
    running = running_period(distributor.market, period, distributor.local_day(as_of))
    if running is None:
        return None
    return within_reach(past_values(distributor, metric, scope, period, *running))
