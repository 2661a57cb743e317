"""Today: the day line, goals, the list, and what stands beside it; and why the list is as it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from distributors.access import FIELD, access
from distributors.day_line import day_line
from distributors.due_lines import due_person
from distributors.history import weeks_on_goal
from distributors.http import FieldRequest
from distributors.models import Customer, Distributor, Event
from distributors.wording import goal_lines
from kpis.reach_lines import beside_today

from .. import places, recommend
from ..cards import Feed
from ..models import Action
from ..settled import Settled, settled

#: Without an event from anywhere for so long, Today says how old its numbers are.
STALE = timedelta(hours=36)

#: To-dos that make a day.
DAY = 5

DISMISS = Action.Reason.choices


@access(FIELD)
@require_safe
def today(request: FieldRequest) -> HttpResponse:
    as_of = timezone.now()
    feed = recommend.feed(request.distributor, as_of=as_of)
    context = {
        **list_context(feed),
        **head(feed),
        **beside(feed),
        "just_done": just_done(request, feed),
        "tab": "today",
    }
    return render(request, "activities/today.html", context)


def list_context(feed: Feed) -> dict[str, Any]:
    """The part of the page that an action changes."""
    return {
        "feed": feed,
        "goals": goal_lines(feed.goals),
        "next_card": feed.cards[0] if feed.cards else None,
        "then_cards": feed.cards[1:],
        **how_far(feed),
        "dismiss_reasons": DISMISS,
    }


def how_far(feed: Feed) -> dict[str, Any]:
    """How many of today's five are done. What is shown is refilled; the day is closed by the fifth all the same, and what
    follows is extra."""
    done = len(feed.done)
    return {"done_n": done, "total": min(DAY, done + len(feed.cards)), "day_closed": done >= DAY}


def head(feed: Feed) -> dict[str, Any]:
    people = Customer.objects.of(feed.distributor.pk).aggregate(n=Count("pk"), spent=Sum("spent"), orders=Sum("orders"))
    average = Decimal(people["spent"] / people["orders"]) if people["orders"] else None
    return {
        "day_line": day_line(feed.goals, due=feed.due_customers, average_order=average),
        "numbers_as_of": numbers_as_of(feed.as_of),
        "due": [due_person(one, feed.day, feed.distributor.market) for one in feed.due],
        "people_count": people["n"],
    }


def numbers_as_of(as_of: datetime) -> datetime | None:
    """When data last arrived from outside, if that is long ago; None while it flows. Read by primary key."""
    latest = Event.objects.exclude(source="pep").order_by("-pk").values_list("received_at", flat=True).first()
    return latest if latest is not None and as_of - latest > STALE else None


def beside(feed: Feed) -> dict[str, Any]:
    weeks = weeks_on_goal(feed.distributor, [state.goal for state in feed.goals], feed.day)
    return {
        **beside_today(feed.distributor, as_of=feed.as_of),
        "weeks": weeks,
        "weeks_made": sum(weeks),  # none reached is not worth a reminder
        "weeks_line": ngettext(
            "On goal %(made)s of the last %(n)s week.", "On goal %(made)s of the last %(n)s weeks.", len(weeks)
        ) % {"made": sum(weeks), "n": len(weeks)},
    }  # fmt: skip


def just_done(request: FieldRequest, feed: Feed) -> Settled | None:
    """The action a form without script came back from, for its undo bar: `?done=<action id>`."""
    raw = request.GET.get("done", "")
    if not raw.isdecimal() or len(raw) > 18:
        return None
    return settled_of(request.distributor, int(raw), feed)


def settled_of(distributor: Distributor, pk: int, feed: Feed) -> Settled | None:
    action = (
        Action.objects.of(distributor.pk)
        .standing()
        .filter(pk=pk)
        .select_related("activity__line", "customer", "recruit")
        .first()
    )
    return settled(action, distributor, feed.goals) if action else None


@access(FIELD)
@require_safe
def why_list(request: FieldRequest) -> HttpResponse:
    """Why this list: whose share is whose, and what each place came from."""
    feed = recommend.feed(request.distributor, as_of=timezone.now(), log=False)
    return render(request, "activities/why_list.html", {"feed": feed, "listed": places.listed(feed), "tab": "today"})
