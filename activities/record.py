"""Writing down one action on one card, once: what the verbs (actions.py) and the self-closing (closing.py) share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from distributors import ingest
from distributors.models import Customer, Distributor, Event

from .cards import Target
from .models import Action, Activity, ActivityText

KEY = re.compile(r"(?P<activity>[-a-zA-Z0-9_]{1,60})(?:\.(?P<who>[cr])(?P<pk>\d{1,18}))?", re.ASCII)
EVENT_TYPES = {
    Action.Kind.START: "activity.started",
    Action.Kind.DONE: "activity.completed",
    Action.Kind.SNOOZE: "activity.snoozed",
    Action.Kind.DISMISS: "activity.dismissed",
}


def target_of(distributor: Distributor, card_key: str) -> Target:
    """The card of this key that belongs to her. Activity, Customer or Distributor.DoesNotExist for anybody else's."""
    match = KEY.fullmatch(card_key)
    if match is None:
        raise Activity.DoesNotExist
    activity = (
        Activity.objects.exclude(status=Activity.Status.DRAFT)
        .filter(key=match["activity"])
        .select_related("line", "skill")
        .get()
    )
    if (activity.about == Activity.About.NOBODY) != (match["pk"] is None):
        raise Activity.DoesNotExist
    if match["pk"] is None:
        return Target(activity=activity)
    if activity.is_about_recruit != (match["who"] == "r"):
        raise Activity.DoesNotExist
    if match["who"] == "r":
        return Target(activity=activity, recruit=distributor.recruits.get(pk=match["pk"]))
    return Target(activity=activity, customer=Customer.objects.of(distributor.pk).get(pk=match["pk"]))


def take_turns(distributor_ids: Iterable[int]) -> None:
    """Lock these people until the commit, before any row about them is written: every writer starts so (storing.py),
    and whoever wrote a row first would hold its mark (marks.py) while an event of hers waits for it, in a ring."""
    people = Distributor.objects.filter(pk__in=set(distributor_ids)).order_by("pk")
    list(people.select_for_update(no_key=True).values_list("pk", flat=True))


def act(
    *,
    distributor: Distributor,
    target: Target,
    kind: Action.Kind,
    as_of: datetime,
    until: date | None = None,
    reason: str = "",
    closed_by: Event | None = None,
    data: dict[str, Any] | None = None,
) -> tuple[Action, bool]:
    """The standing action of this kind on this card today, and whether this call made it, with its event.

    Call it in a transaction. Of any number of callers at once one makes the row; the others wait and get the same one.
    """
    take_turns([distributor.pk])
    action, made = Action.objects.get_or_create(
        distributor=distributor,
        activity=target.activity,
        about_key=target.about_key,
        kind=kind,
        day=distributor.local_day(as_of),
        undone_at=None,
        defaults={
            "customer": target.customer,
            "recruit": target.recruit,
            "at": as_of,
            "until": until,
            "reason": reason,
            "closed_by": closed_by,
        },
    )
    if made:
        action.event = ingest.record(
            type=EVENT_TYPES[kind],
            distributor=distributor,
            time=as_of,
            data=described(action, target) | (data or {}),
            customer=target.customer,
            external_id=f"action-{action.pk}",
        )
        action.save(update_fields=["event"])
    return action, made


def described(action: Action, target: Target) -> dict[str, Any]:
    """The event's body: what integrators read."""
    said: dict[str, Any] = {"activity": target.activity.key, "form": target.activity.form}
    if target.recruit is not None:
        said["recruit"] = target.recruit.external_id
    if action.until is not None:
        said["until"] = action.until.isoformat()
    if action.reason:
        said["reason"] = action.reason
    if action.closed_by is not None:
        said["closed_by"] = {"source": action.closed_by.source, "id": action.closed_by.external_id}
    return said


def title_of(activity: Activity, person: Customer | Distributor | None, language: str | None = None) -> str:
    """The card's title in the reader's language with the name filled in; its key when it has no words. One query."""
    texts = ActivityText.objects.filter(activity=activity).defer("body", "message")
    return titled(activity, texts, person, language or get_language() or "en")


def titled(
    activity: Activity, texts: Iterable[ActivityText], person: Customer | Distributor | None, language: str
) -> str:
    """`title_of` with the texts at hand."""
    titles = {text.language: text.title for text in texts}
    title = next((titles[one] for one in (language, language.split("-")[0], "en") if one in titles), None)
    return activity.key if title is None else filled(title, activity, person)


def filled(template: str, activity: Activity, person: Customer | Distributor | None, **fields: str) -> str:
    """{name}, {line}, {product} and other fields of an author's title, summary or steps, with a word for what is not known.

    Anything else in braces stays as it is. A message to a customer is filled in by words.render, which leaves out instead.
    """
    line = activity.line.name if activity.line else ""
    known = {"name": person.given_name if person else "", "line": line, "product": line, **fields}
    instead = {"name": _("your customer"), "product": _("favourite"), "line": _("product line")}
    return re.sub(r"\{(\w+)\}", lambda m: known.get(m[1]) or instead.get(m[1]) or known.get(m[1], m[0]), template)
