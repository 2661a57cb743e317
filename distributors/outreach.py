"""Reaching a person, and what she keeps about them: ways, notes, consent, contacts. Nothing is sent by us.

Who may be contacted how, and when they heard from her last, are facts of the event log: each function here records one
event, and the fold does the rest (fold.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from django.db import transaction
from django.db.models.functions import Least
from django.utils.translation import gettext as _

from . import ingest
from .event_types import CLEARABLE
from .happenings import Happening, history
from .models import CHANNELS, Customer, Distributor, Event, Market, Note, User

__all__ = [
    "Consent", "Happening", "Way", "add_note", "call", "change", "consents", "contacted", "history", "put_back",
    "reachable", "replied", "set_consent", "set_do_not_contact", "take_back", "ways",
]  # fmt: skip

#: What she can edit of a contact.
FIELDS = ("name", "phone", "email", "birthday", "kind", "hotness", "language")
NOT_DIALLED = re.compile(r"[^\d+]|(?<!^)\+")
#: "+49 (0)151 ..." is dialled without the zero from abroad, which is how an international number is written.
TRUNK_ZERO = re.compile(r"^(\s*(?:\+|00)[\d\s]+)\(0\)")


@dataclass(frozen=True)
class Way:
    """A link that opens her own phone's app."""

    icon: str
    label: str
    url: str
    channel: str


@dataclass(frozen=True)
class Consent:
    """What is on record for one channel: given, withdrawn or unknown, how that is known, since when, told by which system."""

    channel: str
    state: str
    origin: str = ""
    at: datetime | None = None
    source: str = ""


# Ways


def reachable(customer: Customer, market: Market) -> frozenset[str]:
    """The channels by which the contact may be contacted now, whether or not there is a number or address for them."""
    if customer.do_not_contact:
        return frozenset()
    return frozenset(
        name
        for name, bit in CHANNELS.items()
        if not customer.refused & bit and (customer.allowed & bit or not market.consent_required)
    )


def ways(customer: Customer, message: str = "", subject: str = "", *, market: Market | None = None) -> list[Way]:
    """Call, text, WhatsApp and e-mail as far as the contact has them and agreed to them, text filled in.

    `market` is hers; give it when it is at hand, so that it is not read again.
    """
    phone, may = dialled(customer.phone), reachable(customer, market or customer.distributor.market)
    found = list[Way]()
    if phone and not message:
        found.append(Way("call", _("Call"), f"tel:{phone}", "call"))
    if phone:
        url = f"sms:{phone}" + (f"?&body={quote(message)}" if message else "")
        found.append(Way("msg", _("Text"), url, "text"))
    if phone.startswith("+"):
        # wa.me takes the international number alone.
        url = f"https://wa.me/{phone[1:]}" + (f"?text={quote(message)}" if message else "")
        found.append(Way("share", _("WhatsApp"), url, "whatsapp"))
    if customer.email:
        filled = f"?subject={quote(subject)}&body={quote(message)}" if message else ""
        found.append(Way("mail", _("E-mail"), f"mailto:{quote(customer.email, safe='@')}{filled}", "email"))
    return [way for way in found if way.channel in may]


def dialled(phone: str) -> str:
    """+49 (0)151 23-45 -> +491512345; 0049 151 -> +49151."""
    digits = NOT_DIALLED.sub("", TRUNK_ZERO.sub(r"\1", phone).strip())
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def call(customer: Customer | None, *, market: Market | None = None) -> Way | None:
    return next((way for way in ways(customer, market=market) if way.channel == "call"), None) if customer else None


# What she keeps


@transaction.atomic
def add_note(*, customer: Customer, text: str, as_of: datetime, by: User | None) -> Note:
    lock(customer)
    return Note.objects.create(customer=customer, text=text, at=as_of, by=by)


@transaction.atomic
def change(*, customer: Customer, by: User | None, as_of: datetime, **fields: Any) -> Event | None:
    """Edit FIELDS of a contact; the event, or None when nothing is different. `customer` has the new values afterwards.

    Raises ValueError, with a sentence, for an empty name and for what contact.added does not allow.
    """
    if not fields.keys() <= set(FIELDS):
        raise TypeError(f"not fields of a contact: {sorted(fields.keys() - set(FIELDS))}")
    lock(customer)
    said = {name: told(value) for name, value in fields.items() if told(value) != told(getattr(customer, name))}
    if customer.orders:
        said.pop("kind", None)  # who ordered is a customer
    if said.get("name") == "":
        raise ValueError(_("A name is needed."))
    if not said:
        return None
    data: dict[str, Any] = {name: value for name, value in said.items() if value}
    if clears := sorted(name for name, value in said.items() if not value and name in CLEARABLE):
        data["clears"] = clears
    event = record("contact.added", customer, data, as_of=as_of, by=by, key=next_key(customer, "edit"))
    customer.refresh_from_db()
    return event


def told(value: date | str | None) -> str:
    return value.isoformat() if isinstance(value, date) else (value or "").strip()


# Consent


@transaction.atomic
def set_consent(
    *, customer: Customer, channel: str, state: str, origin: str, as_of: datetime, by: User | None
) -> Event:
    """Put on record that the contact agreed to a channel (or "all"), refused it, or that it is not known, and how she knows.

    `customer` has the new values afterwards. EventError (a ValueError) for a channel or state that is not known.
    """
    lock(customer)
    if customer.do_not_contact and not has_consents(customer):
        # Refused before consent was kept by channel: that stands for the channels that are not named now.
        refused: dict[str, Any] = {"channel": "all", "state": "withdrawn"}
        record("consent.changed", customer, refused, as_of=as_of, by=None, key=next_key(customer, "consent"))
    data = {"channel": channel, "state": state, "origin": origin.strip()}
    event = record("consent.changed", customer, data, as_of=as_of, by=by, key=next_key(customer, "consent"))
    customer.refresh_from_db()
    return event


@transaction.atomic
def set_do_not_contact(*, customer: Customer, stop: bool, as_of: datetime, by: User | None, origin: str = "") -> bool:
    """Whether it changed. To stop refuses every channel; back again no channel is refused, and none is agreed to."""
    lock(customer)
    if customer.do_not_contact == stop:
        return False
    state = "withdrawn" if stop else "unknown"
    set_consent(customer=customer, channel="all", state=state, origin=origin, as_of=as_of, by=by)
    return True


@transaction.atomic
def put_back(*, customer: Customer, kept: Iterable[Consent], as_of: datetime, by: User | None) -> None:
    """Do not contact was a mistake: each channel is as in `kept` again, with how that was known."""
    if not set_do_not_contact(customer=customer, stop=False, as_of=as_of, by=by):
        return
    for one in kept:
        if one.state != "unknown":
            set_consent(customer=customer, channel=one.channel, state=one.state, origin=one.origin, as_of=as_of, by=by)


def consents(customer: Customer) -> list[Consent]:
    """What is on record, one for each channel. One query."""
    found: dict[str, Consent] = {}
    said = customer.events.filter(type="consent.changed").annotate(counts_from=Least("time", "received_at"))
    for event in said.order_by("counts_from", "time", "source", "external_id"):
        data = event.data
        for channel in CHANNELS if data["channel"] == "all" else (data["channel"],):
            found[channel] = Consent(channel, data["state"], data.get("origin") or "", event.counts_from, event.source)
    # Refused before consent was kept by channel.
    otherwise = "withdrawn" if customer.do_not_contact and not found else "unknown"
    return [found.get(channel, Consent(channel, otherwise)) for channel in CHANNELS]


def has_consents(customer: Customer) -> bool:
    return customer.events.filter(type="consent.changed").exists()


# Contacts


@transaction.atomic
def contacted(
    *, customer: Customer, channel: str, as_of: datetime, by: User | None, key: str, outreach: int | None = None
) -> Event:
    """She was in touch, other than by a card, by `channel` ("": not known). `key` names the deed: the same key again is
    the same contact."""
    lock(customer)
    data: dict[str, Any] = {"channel": channel} if channel else {}
    if outreach is not None:
        data["outreach"] = outreach
    return record("contact.made", customer, data, as_of=as_of, by=by, key=key)


def take_back(*, contact: Event, as_of: datetime, by: User | None) -> Event:
    """A contact.made was not one after all. Twice is once."""
    assert contact.customer is not None
    data, key = {"undoes": contact.external_id}, f"undo-{contact.external_id}"
    return record("contact.undone", contact.customer, data, as_of=as_of, by=by, key=key, source=contact.source)


@transaction.atomic
def replied(*, customer: Customer, channel: str, tone: str, as_of: datetime, by: User | None, key: str) -> Event:
    """The contact answered: `tone` interested, later, no or "", `channel` one of CHANNELS or ""."""
    lock(customer)
    data = {name: value for name, value in (("channel", channel), ("tone", tone)) if value}
    return record("contact.replied", customer, data, as_of=as_of, by=by, key=key)


def record(
    type_: str, customer: Customer, data: dict[str, Any], *, as_of: datetime, by: User | None, key: str,
    source: str = "pep",
) -> Event:  # fmt: skip
    """One event about a contact; who said so is kept by the number of the sign-in."""
    return ingest.record(
        type=type_, distributor=customer.distributor, time=as_of, data=data | ({"by": by.pk} if by else {}),
        customer=customer, external_id=key, source=source,
    )  # fmt: skip


def lock(customer: Customer) -> None:
    """Take turns with every other writer about her distributor (storing.py), and see the contact as it is then.

    Customer.DoesNotExist for somebody who was erased, or merged into another, since `customer` was read. In a transaction.
    """
    list(
        Distributor.objects.filter(pk=customer.distributor_id)
        .select_for_update(no_key=True)
        .values_list("pk", flat=True)
    )
    there = Customer.objects.of(customer.distributor_id).select_related("distributor__market")
    customer.refresh_from_db(from_queryset=there)


def next_key(customer: Customer, what: str) -> str:
    """A new id that sorts after the earlier ones: of two events at one instant the later one counts. Within `lock`."""
    start = f"{what}-{customer.pk}-"
    n = Event.objects.filter(customer=customer, source="pep", external_id__startswith=start).count()
    return f"{start}{n + 1:06}"
