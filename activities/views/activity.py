"""One activity: why it is here, its steps, its message; and the next best step about one person."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from distributors import outreach
from distributors.access import FIELD, access
from distributors.http import FieldRequest
from distributors.models import Customer, Distributor, Role

from .. import lookup
from ..cards import Card
from ..models import Action
from ..richtext import render_markdown
from ..settled import settled, snooze_choices
from .feed import DISMISS


@access(FIELD)
@require_safe
def activity(request: FieldRequest, key: str) -> HttpResponse:
    card = lookup.card_of(request.distributor, key, as_of=timezone.now())
    if card is None:
        raise Http404
    return render(request, "activities/activity.html", card_context(request, card))


def card_context(request: FieldRequest, card: Card) -> dict[str, Any]:
    candidate, day = card.candidate, request.distributor.local_day(timezone.now())
    ways = outreach.ways(candidate.customer, card.message, card.title) if candidate.customer and card.message else []
    latest = (
        Action.objects.of(request.distributor.pk).standing().exclude(kind=Action.Kind.START)
        .filter(activity=candidate.activity, about_key=candidate.about_key, day=day)
        .select_related("activity__line", "customer", "recruit").order_by("-at").first()
    )  # fmt: skip
    return {
        "card": card,
        "activity": candidate.activity,
        "body": render_markdown(lookup.filled_body(card, request.distributor)),
        "ways": ways,
        "call": outreach.call(candidate.customer),
        "settled": settled(latest, request.distributor, []) if latest else None,
        "snoozes": snooze_choices(day),
        "dismiss_reasons": DISMISS,
        "tab": "learn" if candidate.activity.is_learning else "today",
    }


@access(FIELD)
@require_safe
def next_step(request: FieldRequest, pk: int) -> HttpResponse:
    """A fragment for the page of a person: what would help most with them now."""
    customer = get_object_or_404(Customer.objects.of(request.distributor.pk), pk=pk)
    card = lookup.best_about(request.distributor, f"c{customer.pk}", as_of=timezone.now())
    return render(request, "activities/_step.html", {"card": card, "customer": customer})


@access(Role.LEADER)
@require_safe
def team_step(request: FieldRequest, pk: int) -> HttpResponse:
    """A fragment for the team page: what would help this recruit most now."""
    recruit = get_object_or_404(Distributor.objects.active().filter(sponsor=request.distributor), pk=pk)
    card = lookup.best_about(request.distributor, f"r{recruit.pk}", as_of=timezone.now())
    return render(request, "activities/_team_step.html", {"card": card, "recruit": recruit})
