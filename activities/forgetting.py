"""Erase a person everywhere, and all that is kept of her here, for her export."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from distributors import erasing
from distributors.cloudevents import iso
from distributors.models import Customer, User

from .models import Action, LinkDay, Outreach, ShareLink
from .record import take_turns


@transaction.atomic
def erase(*, customer: Customer, as_of: datetime, by: User | None) -> None:
    """distributors.erasing, and what was written to her. That she was written to stays, of nobody. ValueError as there.

    Her personal links end: what is opened by an address that only she has is hers.
    """
    take_turns([customer.distributor_id])
    erasing.erase(customer=customer, as_of=as_of, by=by)
    hers = Q(customer=customer) | Q(customer__merged_into=customer)
    Outreach.objects.filter(hers).update(subject="", text="")
    Outreach.objects.filter(hers, state=Outreach.State.OPENED).update(state=Outreach.State.DROPPED)
    ShareLink.objects.filter(hers).delete()


def exported(customer: Customer) -> dict[str, Any]:
    """Messages, personal links with the days on which they were opened, and what she did about the person."""
    hers = Q(customer=customer) | Q(customer__merged_into=customer)
    messages = Outreach.objects.filter(hers).order_by("opened_at", "pk")
    days = LinkDay.objects.filter(link__in=ShareLink.objects.filter(hers)).order_by("day", "pk")
    actions = Action.objects.filter(hers).select_related("activity").order_by("at", "pk")
    return {
        "messages": [
            {
                "channel": one.channel, "language": one.language, "subject": one.subject, "text": one.text, "state": one.state,
                "opened_at": iso(one.opened_at), "sent_at": iso(one.sent_at) if one.sent_at else None,
            }
            for one in messages
        ],
        "links": [
            {"item": link.asset.key, "language": link.language, "made_at": iso(link.made_at), "token": link.token}
            for link in ShareLink.objects.filter(hers).select_related("asset").order_by("made_at", "pk")
        ],
        "links_opened": [
            {"token": one.link.token, "day": one.day.isoformat(), "opens": one.opens, "last_at": iso(one.last_at)}
            for one in days.select_related("link")
        ],
        "actions": [
            {
                "activity": one.activity.key, "kind": one.kind, "at": iso(one.at), "reason": one.reason,
                "until": one.until.isoformat() if one.until else None,
                "undone_at": iso(one.undone_at) if one.undone_at else None,
            }
            for one in actions
        ],
    }  # fmt: skip
