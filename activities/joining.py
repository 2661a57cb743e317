"""Merge two contacts, with what she did about them and wrote to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from distributors import merging
from distributors.models import Customer, Note, User

from . import actions
from .models import Action, Credit, Outreach, ShareLink
from .record import take_turns


@transaction.atomic
def merge(*, survivor: Customer, other: Customer, as_of: datetime, by: User | None) -> Customer:
    """distributors.merging, and every row here that is about the other becomes one about the survivor. ValueError as there."""
    take_turns([survivor.distributor_id, other.distributor_id])
    merged = merging.merge(survivor=survivor, other=other, as_of=as_of, by=by)
    move_actions(merged, other, as_of)
    move_messages(merged, other)
    move_links(merged, other)
    merged.refresh_from_db()
    return merged


def move_actions(survivor: Customer, other: Customer, as_of: datetime) -> None:
    """What she did on one day about both is one action and one contact, which holds both notes: undone, all of it goes.

    Results credited to either are credited to it.
    """
    hers = Action.objects.filter(customer=survivor).standing()
    there = {same(action): action for action in hers}
    both = Action.objects.filter(customer=other).select_related("activity", "event", "distributor__market")
    for action in both.order_by("pk"):
        twin = there.get(same(action)) if action.undone_at is None else None
        if twin is None:
            action.customer, action.about_key = survivor, f"c{survivor.pk}"
            action.save(update_fields=["customer", "about_key"])
            continue
        Credit.objects.filter(action=action).update(action=twin)
        if not Outreach.objects.filter(action=twin).exists():
            Outreach.objects.filter(action=action).update(action=twin)
        # An undo takes the notes of its instant along (actions.restore).
        Note.objects.filter(customer=survivor, at=action.at).update(at=twin.at)
        if action.event is not None:
            action.customer = survivor
            actions.unsay(action, action.event, as_of=as_of)
        action.delete()


def same(action: Action) -> tuple[Any, ...]:
    return action.activity_id, action.kind, action.day


def move_messages(survivor: Customer, other: Customer) -> None:
    """Of two that wait for "Sent it?" for one card, the newer one does."""
    opened = Outreach.objects.filter(state=Outreach.State.OPENED)
    for message in opened.filter(customer=other):
        twin = opened.filter(customer=survivor, activity=message.activity_id).first()
        if twin is not None:
            older = min(message, twin, key=lambda one: one.opened_at)
            Outreach.objects.filter(pk=older.pk).update(state=Outreach.State.DROPPED)
    Outreach.objects.filter(customer=other).update(customer=survivor)


def move_links(survivor: Customer, other: Customer) -> None:
    """A link that both have been sent stays the other's, which is the survivor's signpost: both addresses go on working."""
    there = set(ShareLink.objects.filter(customer=survivor).values_list("asset_id", "language"))
    moved = [
        link.pk for link in ShareLink.objects.filter(customer=other) if (link.asset_id, link.language) not in there
    ]
    ShareLink.objects.filter(pk__in=moved).update(customer=survivor)
