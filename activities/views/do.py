"""Complete, start, snooze, dismiss, undo: with htmx the row comes back changed, without script the page does."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from distributors.access import FIELD, access
from distributors.http import FieldRequest, SeeOther, back

from .. import actions, recommend
from ..models import Action
from ..settled import settled
from .feed import list_context

VERBS = ("complete", "start", "snooze", "dismiss")


@access(FIELD)
@require_POST
def activity_action(request: FieldRequest, key: str, verb: str) -> HttpResponse:
    if verb not in VERBS:
        raise Http404
    action = act(request, key, verb)
    if verb == "start":
        return HttpResponse(status=204) if request.htmx else SeeOther(reverse("activity", args=[key]))
    if not request.htmx:
        return SeeOther(f"{reverse('today')}?done={action.pk}")
    feed = recommend.feed(request.distributor, as_of=timezone.now(), log=False)
    loaded = Action.objects.select_related("activity__line", "customer", "recruit").get(pk=action.pk)
    context = {
        **list_context(feed),
        "settled": settled(loaded, request.distributor, feed.goals),
        "place": place(request),
    }
    return render(request, "activities/_settled_response.html", context)


def act(request: FieldRequest, key: str, verb: str) -> Action:
    """The one domain call; a card that is not hers, or not there, is a page that does not exist."""
    as_of, sent = timezone.now(), request.POST
    whose: dict[str, Any] = {"distributor": request.distributor, "card_key": key, "as_of": as_of, "by": request.user}
    try:
        if verb == "snooze":
            return actions.snooze(**whose, until=until(sent.get("until", ""), request.distributor.local_day(as_of)))
        if verb == "dismiss":
            return actions.dismiss(**whose, reason=reason(sent.get("reason", "")))
        return actions.complete(**whose) if verb == "complete" else actions.start(**whose)
    except (ObjectDoesNotExist, ValueError) as error:
        raise Http404 from error


def until(raw: str, today: date) -> date:
    """The day she chose, within a quarter; tomorrow when she did not."""
    try:
        chosen = date.fromisoformat(raw)
    except ValueError:
        return today + timedelta(days=1)
    return min(max(chosen, today + timedelta(days=1)), today + timedelta(days=90))


def reason(raw: str) -> str:
    return raw if raw in Action.Reason.values else Action.Reason.NOT_NOW


def place(request: FieldRequest) -> str:
    """Which shape the row has where the button was pressed."""
    return "next" if request.POST.get("in") == "next" else "row"


@access(FIELD)
@require_POST
def action_undo(request: FieldRequest, pk: int) -> HttpResponse:
    try:
        action = actions.undo(distributor=request.distributor, action_id=pk, as_of=timezone.now(), by=request.user)
    except Action.DoesNotExist as error:
        raise Http404 from error
    if not request.htmx:
        return back(request, "today")
    feed = recommend.feed(request.distributor, as_of=timezone.now(), log=False)
    key = card_key(action)
    card = next((card for card in feed.cards if card.key == key), None)
    return render(
        request, "activities/_restored_response.html", {**list_context(feed), "card": card, "place": place(request)}
    )


def card_key(action: Action) -> str:
    return f"{action.activity.key}.{action.about_key}" if action.about_key else action.activity.key
