"""Two contacts of a distributor who are one person: one row stays, everything of the other is hers.

The other's row stays as a signpost: what events say of its external id from now on reaches the survivor (staging.py).
activities/joining.py also moves what she did about the other, and is what pages call.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from . import ingest, outreach
from .fold import count_people, fold_person
from .models import CHANNELS, EVERY_CHANNEL, Customer, CustomerLine, Distributor, Event, Note, NotTheSame, Order, User

#: What the survivor takes from the other where she has none.
FILLED = ("name", "phone", "email", "birthday", "hotness", "language")
#: The columns that fold.py writes, of somebody without events.
NOTHING: dict[str, Any] = {
    "orders": 0, "spent": 0, "first_order_on": None, "last_order_on": None, "usual_gap_days": None, "allowed": 0,
    "refused": 0, "last_contact_at": None, "recent_contacts": [],
}  # fmt: skip
#: Events whose measures depend on whose they are.
OF_ONE_PERSON = ("order.placed", "contact.added")


@transaction.atomic
def merge(*, survivor: Customer, other: Customer, as_of: datetime, by: User | None) -> Customer:
    """The survivor, with the other's orders, contacts, notes and consents. What either refused stays refused.

    Raises ValueError for one and the same, for contacts of two distributors, and when one of them is gone meanwhile.
    """
    survivor, other = locked(survivor, other)
    events = list(
        Event.objects.filter(customer__in=[survivor, other], type__in=OF_ONE_PERSON).values_list("pk", flat=True)
    )
    refused = refusals(survivor) | refusals(other)
    count_people(events, sign=-1)
    take_over(survivor, other)
    fold_person(survivor.pk)
    count_people(events, sign=1)
    ingest.record(
        type="contact.merged", distributor=survivor.distributor, customer=survivor, time=as_of,
        data={"merged": other.external_id} | ({"by": by.pk} if by else {}), external_id=f"merged-{other.pk}",
    )  # fmt: skip
    refuse(survivor, refused, as_of=as_of, by=by)
    survivor.refresh_from_db()
    return survivor


def locked(survivor: Customer, other: Customer) -> tuple[Customer, Customer]:
    """Both as they are now, until the commit; her distributor first, as everybody who writes about her (storing.py)."""
    people = Distributor.objects.filter(pk__in={survivor.distributor_id, other.distributor_id}).order_by("pk")
    list(people.select_for_update(no_key=True).values_list("pk", flat=True))
    both = Customer.objects.of(survivor.distributor_id).filter(pk__in=[survivor.pk, other.pk])
    found = {one.pk: one for one in both.select_for_update(of=("self",)).select_related("distributor").order_by("pk")}
    if len(found) != 2:
        raise ValueError(_("One of the two is not there any more."))
    return found[survivor.pk], found[other.pk]


def refusals(customer: Customer) -> int:
    """Refused channels as bits; all of them for who refused before consent was kept by channel."""
    return EVERY_CHANNEL if customer.do_not_contact else customer.refused


def take_over(survivor: Customer, other: Customer) -> None:
    """Move every row of the other to the survivor, and leave the other empty but for who it was."""
    for name in FILLED:
        setattr(survivor, name, getattr(survivor, name) or getattr(other, name))
    if other.kind == Customer.Kind.CUSTOMER:
        survivor.kind = Customer.Kind.CUSTOMER
    survivor.added_at = min(survivor.added_at, other.added_at)
    survivor.save(update_fields=[*FILLED, "kind", "added_at"])
    # An event may follow once the merge is written (models/event.py), and who was merged into the other before comes along.
    Customer.objects.filter(Q(pk=other.pk) | Q(merged_into=other)).update(merged_into=survivor, do_not_contact=True)
    Customer.objects.filter(pk=other.pk).update(**NOTHING)
    for model in (Event, Order, Note):
        model._default_manager.filter(customer=other).update(customer=survivor)
    CustomerLine.objects.filter(customer=other).delete()
    move_differences(survivor, other)


def move_differences(survivor: Customer, other: Customer) -> None:
    """Who is not the other is not the survivor."""
    pairs = NotTheSame.objects.filter(Q(one=other) | Q(other=other))
    others = {pk for pair in pairs.values_list("one_id", "other_id") for pk in pair} - {survivor.pk, other.pk}
    pairs.delete()
    NotTheSame.objects.bulk_create(
        (NotTheSame(one_id=min(pk, survivor.pk), other_id=max(pk, survivor.pk)) for pk in others), ignore_conflicts=True
    )


def refuse(survivor: Customer, refused: int, *, as_of: datetime, by: User | None) -> None:
    """Put on record what either of them refused and the newest word of both would allow."""
    survivor.refresh_from_db()
    origin = _("Refused before two entries became one")
    names = ["all"] if refused == EVERY_CHANNEL else [name for name, bit in CHANNELS.items() if refused & bit]
    for name in names:
        bits = CHANNELS.get(name, EVERY_CHANNEL)
        if survivor.refused & bits != bits:
            outreach.set_consent(customer=survivor, channel=name, state="withdrawn", origin=origin, as_of=as_of, by=by)
