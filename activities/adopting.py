"""Completions that other systems report: an `activity.completed` or `lesson.completed` event becomes an action of hers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from distributors.models import Distributor, Event

from . import learning
from .cards import Target
from .models import Action, Activity
from .record import take_turns

REPORTED = ("activity.completed", "lesson.completed")
#: A report older than this no longer changes what she is shown.
LATEST = timedelta(days=14)


def adopt(distributor_ids: Iterable[int], *, as_of: datetime) -> list[Action]:
    """Take over the completions that were reported for these people; the new actions. Idempotent; one query when none."""
    known = Action.objects.filter(event=OuterRef("pk"))
    reported = list(
        Event.objects.filter(distributor_id__in=list(distributor_ids), type__in=REPORTED, time__gt=as_of - LATEST)
        .exclude(source="pep")
        .exclude(Exists(known))
        .select_related("customer", "distributor__market")
        .order_by("time", "pk")
    )
    if not reported:
        return []
    keys = {str(event.data["activity"]) for event in reported}
    activities = {a.key: a for a in Activity.objects.filter(key__in=keys).select_related("skill", "line")}
    with transaction.atomic():
        take_turns(event.distributor_id for event in reported)
        taken = [take(event, activities.get(str(event.data["activity"]))) for event in reported]
    return [action for action in taken if action is not None]


def take(event: Event, activity: Activity | None) -> Action | None:
    """None for an activity we do not know, and for one she completed here on the same day."""
    if activity is None:
        return None
    about = event.customer if activity.about != Activity.About.NOBODY and not activity.is_about_recruit else None
    target = Target(activity=activity, customer=about)
    action, made = Action.objects.get_or_create(
        distributor=event.distributor,
        activity=activity,
        about_key=target.about_key,
        kind=Action.Kind.DONE,
        day=event.day,
        undone_at=None,
        defaults={"customer": about, "at": event.time, "event": event},
    )
    if made:
        remember(event.distributor, activity, event)
    return action if made else None


def remember(distributor: Distributor, activity: Activity, event: Event) -> None:
    """A reported lesson goes into her memory of its skill like one finished here."""
    if not activity.is_learning or activity.skill is None:
        return
    score = event.data.get("score")
    right = float(score) if isinstance(score, (int, float)) and 0 <= score <= 1 else None
    learning.learned(
        distributor=distributor, skill=activity.skill, gain=activity.skill_gain, score=right, as_of=event.time
    )
