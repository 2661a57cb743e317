"""Who could be shown what: published activities times the people they are about, with p and effects.

A fixed number of queries per person, however long her history and however many her customers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import numpy as np
from django.db.models import Prefetch, Q

from distributors import reorder, team
from distributors.goals import GoalState
from distributors.metrics import METRICS, How, Unit, metric_key, split_key
from distributors.models import Customer, Distributor
from distributors.reorder import Due

from .cards import Candidate
from .history import History
from .learning import skill_gap
from .models import Activity, ActivityText
from .scoring import Array, Batch, OwnGoal, exposure, whole_steps

#: The best few people per activity. The rest of a long list could only be reached by exploration noise.
PEOPLE_PER_ACTIVITY = 12
P_LEAST, P_MOST = 0.01, 0.95
#: How far one customer's own average order may stretch an author's stated sales.
SALES_STRETCH = (0.5, 2.0)
FALLBACK_LANGUAGE = "en"


@dataclass(frozen=True)
class People:
    """Whom her cards could be about, best first for each reason, and her average order over all customers."""

    due: dict[str, list[Due]]
    recruits: dict[str, list[team.RecruitCare]]
    average_order: float  # 0 before the first order
    worth_a_message: list[Due]  # each customer once, with the best reason


def for_distributor(distributor: Distributor, *, people: People, history: History) -> list[Candidate]:
    """Every card she could be shown now, ordered by key so that ties never depend on the database."""
    found = [
        candidate
        for activity, text in catalogue(distributor)
        for candidate in of_activity(distributor, activity, text, people)
        if not history.hides(activity, candidate.about_key)
    ]
    return sorted(found, key=lambda candidate: candidate.key)


def catalogue(distributor: Distributor) -> list[tuple[Activity, ActivityText]]:
    """Published activities of her market with their words in her language, else in English. Two queries.

    An activity that has words in neither is left out: a card she cannot read is no help.
    """
    languages = [distributor.speaks, distributor.speaks.split("-")[0], FALLBACK_LANGUAGE]
    texts = ActivityText.objects.filter(language__in=languages).defer("body")
    activities = (
        Activity.objects.published()
        .filter(Q(markets__isnull=True) | Q(markets=distributor.market_id))
        .select_related("line", "skill")
        .prefetch_related(Prefetch("texts", queryset=texts, to_attr="words"))
    )
    found: list[tuple[Activity, ActivityText]] = []
    for activity in activities:
        words = {text.language: text for text in activity.words}  # type: ignore[attr-defined]
        text = next((words[language] for language in languages if language in words), None)
        if text is not None:
            found.append((activity, text))
    return found


def people_of(distributor: Distributor, *, as_of: datetime) -> People:
    due: dict[str, list[Due]] = {}
    customers: dict[int, Customer] = {}
    by_customer = reorder.all_reasons(distributor, as_of=as_of)
    for reasons in by_customer.values():
        for reason in reasons:
            due.setdefault(reason.reason, []).append(reason)
            customers[reason.customer.pk] = reason.customer
    for listed in due.values():
        listed.sort(key=lambda one: (-one.score, one.customer.pk))
    recruits: dict[str, list[team.RecruitCare]] = {}
    for care in team.recruits_needing_care(distributor, as_of=as_of):
        recruits.setdefault(care.reason, []).append(care)
    return People(due, recruits, average_order(customers.values()), reorder.best_of(by_customer))


def average_order(customers: Iterable[Customer]) -> float:
    """Over the people her cards could be about, in her market's money."""
    spent, orders = 0.0, 0
    for customer in customers:
        spent += float(customer.spent)
        orders += customer.orders
    return spent / orders if orders else 0.0


def of_activity(distributor: Distributor, activity: Activity, text: ActivityText, people: People) -> list[Candidate]:
    effects = local_effects(activity, float(distributor.market.price_level))
    if activity.about == Activity.About.NOBODY:
        return [Candidate(activity=activity, text=text, p=activity.p_done, effects=effects)]
    if activity.is_about_recruit:
        cared = people.recruits.get(activity.about, [])[:PEOPLE_PER_ACTIVITY]
        return [about_recruit(activity, text, care, effects) for care in cared]
    due = {one.customer.pk: one for one in reversed(people.due.get(activity.about, [])) if fits_line(activity, one)}
    best = sorted(due.values(), key=lambda one: (-one.score, one.customer.pk))[:PEOPLE_PER_ACTIVITY]
    return [about_customer(activity, text, one, effects, people.average_order) for one in best]


def fits_line(activity: Activity, due: Due) -> bool:
    """An activity of one product line is about customers whose reason is that line."""
    return activity.line is None or activity.line.code == due.facts.get("line")


def about_recruit(
    activity: Activity, text: ActivityText, care: team.RecruitCare, effects: dict[str, float]
) -> Candidate:
    p = adjusted_p(activity.p_done, care.score)
    return Candidate(activity=activity, text=text, recruit=care.recruit, p=p, effects=effects, facts=dict(care.facts))


def about_customer(
    activity: Activity, text: ActivityText, due: Due, effects: dict[str, float], average: float
) -> Candidate:
    own = float(due.customer.spent) / due.customer.orders if due.customer.orders else 0.0
    return Candidate(
        activity=activity,
        text=text,
        customer=due.customer,
        p=adjusted_p(activity.p_done, due.score),
        effects=stretched(effects, own, average),
        facts={**due.facts, "order_average": own},
    )


def adjusted_p(stated: float, due_score: float) -> float:
    """p = stated (1/2 + due score), within [.01, .95]: the author's estimate holds for a customer who is half due."""
    return min(P_MOST, max(P_LEAST, stated * (0.5 + due_score)))


def stretched(effects: dict[str, float], own_average: float, average: float) -> dict[str, float]:
    """Stated sales times this customer's average order over her customers' average, within [1/2, 2]."""
    if not own_average or not average:
        return effects
    factor = min(SALES_STRETCH[1], max(SALES_STRETCH[0], own_average / average))
    return {key: value * factor if split_key(key)[0] == "sales" else value for key, value in effects.items()}


def local_effects(activity: Activity, price_level: float) -> dict[str, float]:
    """Effects of doing it by metric key, money in the market's own; every key a goal or KPI may ask for.

    Stated impacts are completed, never overridden: doing it is one activity done (and one lesson); an unscoped impact
    of an activity with a product line counts for that line; a sum within a line counts for the whole.
    """
    effects = {key: float(value) for key, value in activity.impacts.items() if split_key(key)[0] in METRICS}
    effects.setdefault("activities_done", 1.0)
    if activity.is_learning:
        effects.setdefault("lessons_done", 1.0)
    for key in list(effects):
        metric, scope = split_key(key)
        if scope and METRICS[metric].how is How.SUM:
            effects.setdefault(metric, effects[key])
        elif not scope and activity.line is not None and METRICS[metric].scoped:
            effects.setdefault(metric_key(metric, activity.line.code), effects[key])
    return {
        key: value * price_level if METRICS[split_key(key)[0]].unit is Unit.MONEY else value
        for key, value in effects.items()
    }


def batch_of(candidates: Sequence[Candidate], history: History, known: dict[int, float]) -> Batch:
    """The candidates as columns. `known` is mastery by skill id."""
    tau: dict[str, list[float]] = {}
    for n, candidate in enumerate(candidates):
        for metric, effect in candidate.effects.items():
            tau.setdefault(metric, [0.0] * len(candidates))[n] = candidate.p * effect
    return Batch(
        p=np.array([c.p for c in candidates], dtype=np.float64),
        tau={metric: np.array(values) for metric, values in tau.items()},
        skill_gap=np.array([skill_gap(c.activity, known) for c in candidates], dtype=np.float64),
        exposure=np.array([exposure(history.days_shown(c.key)) for c in candidates], dtype=np.float64),
        boost=np.array([history.boost(c.activity) for c in candidates], dtype=np.float64),
    )


def own_goals(states: Sequence[GoalState]) -> list[OwnGoal]:
    """Her goals as the score reads them."""
    return [
        OwnGoal(
            metric=metric_key(state.goal.metric, state.goal.scope),
            weight=float(state.goal.weight),
            left=float(state.left),
            survival=survival_of(state),
        )
        for state in states
    ]


def survival_of(state: GoalState) -> Callable[[Array], Array]:
    """P(X >= x) over arrays; of a count, interpolated between whole numbers."""
    chance = cast("Callable[[Array], Array]", state.survival)
    return whole_steps(chance) if state.metric.unit is Unit.COUNT else chance
