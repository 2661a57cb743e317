"""One activity: why it is here, its steps, its message; and the next best step about one person."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from distributors import outreach
from distributors.access import FIELD, access
from distributors.due_lines import PersonLine, due_person
from distributors.http import FieldRequest
from distributors.models import Customer, Distributor, Role

from .. import lookup
from ..cards import Card
from ..messages import outreach as messages
from ..messages.composing import best_reason
from ..models import Action, Activity, Outreach
from ..richtext import render_markdown
from ..settled import settled, snooze_choices
from .feed import DISMISS

FORM = Activity.Form


@access(FIELD)
@require_safe
def activity(request: FieldRequest, key: str) -> HttpResponse:
    card = lookup.card_of(request.distributor, key, as_of=timezone.now())
    if card is None:
        raise Http404
    return render(request, "activities/activity.html", card_context(request, card))


def card_context(request: FieldRequest, card: Card) -> dict[str, Any]:
    candidate, day = card.candidate, request.distributor.local_day(timezone.now())
    kept, customer = kept_message(request, card, day), candidate.customer
    call = outreach.call(customer, market=request.distributor.market)
    writes = customer is not None and bool(card.message or candidate.activity.form == FORM.MESSAGE)
    latest = (
        Action.objects.of(request.distributor.pk).standing().exclude(kind=Action.Kind.START)
        .filter(activity=candidate.activity, about_key=candidate.about_key, day=day)
        .select_related("activity__line", "customer", "recruit").order_by("-at").first()
    )  # fmt: skip
    return {
        "card": card,
        "activity": candidate.activity,
        "body": render_markdown(lookup.filled_body(card, request.distributor)),
        "call": call,
        # Its message opens on the sheet; one that she opened before is asked about.
        "writes": writes,
        "reaches": reaches(candidate.activity, calls=call is not None, writes=writes),
        "no_way": customer is not None and not customer.phone and not customer.email,
        "open": kept if kept is not None and kept.state == Outreach.State.OPENED else None,
        "elsewhere": open_elsewhere(request, card),
        # What she sent today, or is about to send, is told as she wrote it.
        "letter": kept.text if kept is not None else card.message,
        "settled": settled(latest, request.distributor, []) if latest else None,
        "snoozes": snooze_choices(day),
        "dismiss_reasons": DISMISS,
        "tab": "learn" if candidate.activity.is_learning else "today",
    }


def reaches(activity: Activity, *, calls: bool, writes: bool) -> str:
    """What the card's one main button does: "call", "write", or nothing but to mark it done."""
    if activity.form == FORM.CALL:
        return "call" if calls else ""
    return "write" if writes else ""


def kept_message(request: FieldRequest, card: Card, day: date) -> Outreach | None:
    """The message of this card that is open, or was sent today."""
    if card.candidate.customer is None:
        return None
    latest = messages.latest(request.distributor, card.candidate.customer, card.candidate.activity)
    if latest is None or latest.state == Outreach.State.DROPPED:
        return None
    today = latest.sent_at is None or request.distributor.local_day(latest.sent_at) == day
    return latest if today else None


def open_elsewhere(request: FieldRequest, card: Card) -> Outreach | None:
    """A message to the same person, from another card or from none, that waits for "Sent it?"."""
    customer, activity = card.candidate.customer, card.candidate.activity
    if customer is None:
        return None
    mine = Outreach.objects.of(request.distributor.pk).filter(customer=customer, state=Outreach.State.OPENED)
    others = mine.exclude(activity=activity) | mine.filter(activity=None)
    return others.order_by("-opened_at", "-pk").first()


@access(FIELD)
@require_safe
def next_step(request: FieldRequest, pk: int) -> HttpResponse:
    """A fragment for the page of a person: what would help most with them now."""
    customer = get_object_or_404(Customer.objects.of(request.distributor.pk), pk=pk)
    waiting = unanswered(request.distributor, customer)
    if waiting is not None:
        return render(request, "activities/_step.html", {"waiting": waiting, "customer": customer})
    as_of = timezone.now()
    card = lookup.best_about(request.distributor, f"c{customer.pk}", as_of=as_of)
    due = None if card else worth_a_word(request.distributor, customer, as_of)
    return render(request, "activities/_step.html", {"card": card, "due": due, "customer": customer})


def worth_a_word(distributor: Distributor, customer: Customer, as_of: datetime) -> PersonLine | None:
    """Why they are on her list of who is due, for whom no activity fits; None when they are not."""
    due, _line = best_reason(distributor, customer, as_of)
    return due_person(due, distributor.local_day(as_of), distributor.market) if due else None


def unanswered(distributor: Distributor, customer: Customer) -> Outreach | None:
    """The newest message to them that she opened and has not said to be sent: she is asked before anything new is suggested."""
    mine = Outreach.objects.of(distributor.pk).filter(customer=customer, state=Outreach.State.OPENED)
    return mine.order_by("-opened_at", "-pk").first()


@access(Role.LEADER)
@require_safe
def team_step(request: FieldRequest, pk: int) -> HttpResponse:
    """A fragment for the team page: what would help this recruit most now."""
    recruit = get_object_or_404(Distributor.objects.active().filter(sponsor=request.distributor), pk=pk)
    card = lookup.best_about(request.distributor, f"r{recruit.pk}", as_of=timezone.now())
    return render(request, "activities/_team_step.html", {"card": card, "recruit": recruit})
