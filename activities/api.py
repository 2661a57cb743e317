"""Her feed over HTTP: the same list as the page, with the numbers behind it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from ninja.responses import Status

from distributors.api_keys import ApiKeyAuth
from distributors.goals import GoalState
from distributors.metrics import Unit
from distributors.models import Distributor

from . import recommend
from .cards import Card, Feed

router = Router(tags=["feed"])


class Problem(Schema):
    detail: str


class GoalOut(Schema):
    """Money as text with cents, counts as text too: `unit` says which. `chance` is null without a history."""

    metric: str
    scope: str
    period: str
    first: date
    last: date
    unit: str
    currency: str | None
    value: str
    target: str
    left: str
    percent: int
    chance: float | None


class TermsOut(Schema):
    own: float
    company: float
    learning: float
    fatigue: float
    rules: float


class CardOut(Schema):
    """`customer` and `recruit` are external ids. The terms add up to the score."""

    key: str
    position: int
    slot: str
    activity: str
    form: str
    customer: str | None
    recruit: str | None
    title: str
    why: str
    worth: str
    score: float
    terms: TermsOut
    company_share: int
    rank_without_company: int
    propensity: float


class FeedOut(Schema):
    distributor: str
    day: date
    goals: list[GoalOut]
    cards: list[CardOut]
    versions: dict[str, Any]


@router.get(
    "/distributors/{external_id}/feed",
    response={200: FeedOut, 401: Problem, 403: Problem, 404: Problem},
    auth=ApiKeyAuth("feed:read"),
    summary="A distributor's feed now",
)
def read_feed(request: HttpRequest, external_id: str) -> Any:
    """Goals and ranked cards, as the page shows them at this moment. Reading counts as showing: the slate is logged."""
    found = Distributor.objects.active().with_market().filter(external_id=external_id).first()
    if found is None:
        return Status(404, {"detail": "There is no distributor with this id."})
    return feed_out(recommend.feed(found, as_of=timezone.now()))


def feed_out(feed: Feed) -> dict[str, Any]:
    return {
        "distributor": feed.distributor.external_id,
        "day": feed.day,
        "goals": [goal_out(state) for state in feed.goals],
        "cards": [card_out(card) for card in feed.cards],
        "versions": feed.versions,
    }


def goal_out(state: GoalState) -> dict[str, Any]:
    money = state.metric.unit is Unit.MONEY
    return {
        "metric": state.goal.metric,
        "scope": state.goal.scope,
        "period": state.goal.period,
        "first": state.first,
        "last": state.last,
        "unit": str(state.metric.unit),
        "currency": state.currency if money else None,
        "value": figure(state.value, money=money),
        "target": figure(state.target, money=money),
        "left": figure(state.left, money=money),
        "percent": state.percent,
        "chance": state.chance,
    }


def figure(value: Decimal, *, money: bool) -> str:
    """`62.50` of money, `2` of a count."""
    if money:
        return f"{value:.2f}"
    whole = value.to_integral_value()
    return str(int(whole)) if whole == value else f"{value.normalize():f}"


def card_out(card: Card) -> dict[str, Any]:
    candidate, terms = card.candidate, card.terms
    return {
        "key": card.key,
        "position": card.position,
        "slot": str(card.slot),
        "activity": candidate.activity.key,
        "form": candidate.activity.form,
        "customer": candidate.customer.external_id if candidate.customer else None,
        "recruit": candidate.recruit.external_id if candidate.recruit else None,
        "title": card.title,
        "why": card.why,
        "worth": card.worth,
        "score": terms.score,
        "terms": {
            "own": terms.own,
            "company": terms.company,
            "learning": terms.learning,
            "fatigue": terms.fatigue,
            "rules": terms.rules,
        },
        "company_share": card.company_share,
        "rank_without_company": card.rank_without_company,
        "propensity": card.propensity,
    }
