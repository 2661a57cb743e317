"""Progress, pace and chance of goals: what the page, the API and the ranking read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from . import features
from .blocks import Calendar, Ints, Spread, calendar_of, outlooks
from .chances import Chance, look, spread_for
from .features import Row
from .metrics import METRICS, How, Metric
from .models import Distributor, Goal, Market, User
from .periods import running_period
from .records import day_number, day_of
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

    3 queries however many people: their compact rows, the goals, the pools. What is missing or out of date of rows and
    pools is made first.
    """
    people = {person.pk: person for person in distributors}
    rows = [row for row in features.of(people).values() if len(row.goals)] if people else []
    if not rows:
        return {}
    goals = Goal.objects.running().in_bulk([int(pk) for row in rows for pk in row.goals["id"]])
    markets = list({people[row.distributor_id].market.pk: people[row.distributor_id].market for row in rows}.values())
    index = np.array([markets.index(people[row.distributor_id].market) for row in rows], dtype=np.int64)
    calendar = calendar_of(markets, as_of)
    spread = spread_of(rows, markets, index, calendar)
    found = {}
    for row, m in zip(rows, index, strict=True):
        states = states_in(row, people[row.distributor_id], goals, m, calendar, spread)
        if states:
            found[row.distributor_id] = states
    return found


def spread_of(rows: Sequence[Row], markets: Sequence[Market], index: Ints, calendar: Calendar) -> Spread:
    goals_at = np.cumsum([0, *(len(row.goals) for row in rows)])
    return spread_for(markets, calendar, np.concatenate([row.goals for row in rows]), goals_at, index)


def states_in(
    row: Row, person: Distributor, goals: Mapping[int, Goal], m: int, calendar: Calendar, spread: Spread
) -> list[GoalState]:
    """The goals of one row whose period holds today, in its order."""
    out = outlooks(len(row.goals))
    look(row.goals, row.days, day_number(person.joined_on), m, calendar, spread, out)
    found = []
    for place in np.flatnonzero(out.running).tolist():
        goal = goals.get(int(row.goals["id"][place]))
        if goal is not None:
            goal.distributor = person
            found.append(state_of(goal, person.market.currency, day_of(calendar.today[m]), Chance(place, out, spread)))
    return found


def state_of(goal: Goal, currency: str, today: date, chance: Chance) -> GoalState:
    out, place = chance.out, chance.goal
    first, last = day_of(out.first[place]), day_of(out.last[place])
    value = Decimal(int(out.value[place])).scaleb(-2)
    left = float(goal.target - value)
    has_pace = METRICS[goal.metric].how is not How.RATIO
    return GoalState(
        goal=goal,
        first=first,
        last=last,
        value=value,
        expected=goal.target * ((today - first).days + 1) / ((last - first).days + 1) if has_pace else None,
        chance=chance(left) if out.known[place] or left <= 0 else None,
        survival=chance,
        currency=currency,
        days_left=(last - today).days + 1,
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
