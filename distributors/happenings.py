"""What happened with a contact, in words, read from the event log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from .models import Customer, Event, Note
from .money import format_money


@dataclass(frozen=True)
class Happening:
    """`kind` is order, basket, contact, reply, consent, added, merged or enrolled; `channel` a channel's name or empty."""

    kind: str
    at: datetime
    channel: str
    words: str


KINDS = {
    "order.placed": "order", "basket.opened": "basket", "contact.made": "contact", "activity.completed": "contact",
    "contact.replied": "reply", "consent.changed": "consent", "contact.added": "added", "contact.merged": "merged",
    "distributor.enrolled": "enrolled",
}  # fmt: skip
UNDOES = ("contact.undone", "activity.undone")


def history(customer: Customer, limit: int = 50) -> list[Happening]:
    """The newest first, without what was taken back. Three queries, whatever the number."""
    happened = customer.events.filter(type__in=KINDS).exclude(data__has_key="closed_by").order_by("-time", "-pk")
    undone = set(customer.events.filter(type__in=UNDOES).values_list("source", "data__undoes"))
    # A few more, in place of those that were taken back.
    events = [event for event in happened[: limit + len(undone)] if (event.source, event.external_id) not in undone][
        :limit
    ]
    titles = titles_of(customer, events)
    return [
        Happening(KINDS[event.type], event.time, str(event.data.get("channel") or ""), words(event, titles))
        for event in events
    ]


def titles_of(customer: Customer, events: Iterable[Event]) -> dict[datetime, str]:
    """What she did, as its note says, by when it was done: a completed card leaves a note of the same instant."""
    times = [event.time for event in events if event.type == "activity.completed"]
    return dict(customer.notes.filter(at__in=times).values_list("at", "text")) if times else {}


def own_notes(customer: Customer) -> QuerySet[Note]:
    """What she wrote herself, newest first: the note that a message or a card left, at its instant, is in the history."""
    contacts = customer.events.filter(type__in=("contact.made", "activity.completed"), time=OuterRef("at"))
    return customer.notes.exclude(Exists(contacts))


def words(event: Event, titles: dict[datetime, str]) -> str:
    data = event.data
    match event.type:
        case "order.placed":
            amount = format_money(Decimal(str(data["amount"])), data["currency"], get_language() or "en")
            return _("Ordered %(amount)s") % {"amount": amount}
        case "basket.opened":
            return _("Left a basket open")
        case "contact.made" | "activity.completed" if "outreach" in data:
            return sent(data.get("channel"))
        case "contact.made":
            return made(data.get("channel"))
        case "activity.completed":
            return titles.get(event.time) or _("You were in touch")
        case "contact.replied":
            return reply(data.get("tone"))
        case "consent.changed":
            said = consent(data["channel"], data["state"])
            origin = data.get("origin")
            return _("%(consent)s (%(origin)s)") % {"consent": said, "origin": origin} if origin else said
        case "contact.merged":
            return _("Two entries became one")
        case "distributor.enrolled":
            return _("Enrolled on your team")
        case _unused:
            return _("Details changed") if event.external_id.startswith("edit-") else _("Added to your people")


def made(channel: str | None) -> str:
    return {
        "call": _("You called"),
        "text": _("You sent a text"),
        "whatsapp": _("You sent a WhatsApp message"),
        "email": _("You sent an e-mail"),
    }.get(channel or "", _("You were in touch"))


def sent(channel: str | None) -> str:
    """A message of hers; what it said is kept with the messages."""
    return {
        "text": _("Sent by text"), "whatsapp": _("Sent by WhatsApp"), "email": _("Sent by e-mail"),
    }.get(channel or "", _("Sent"))  # fmt: skip


def reply(tone: str | None) -> str:
    return {
        "interested": _("Answered: interested"),
        "later": _("Answered: later"),
        "no": _("Answered: no, thank you"),
    }.get(tone or "", _("Answered"))


def consent(channel: str, state: str) -> str:
    """Agreed to calls. Declined WhatsApp. No word on e-mail any more."""
    if (channel, state) == ("all", "withdrawn"):
        return _("Asked not to be contacted")
    to = {
        "call": pgettext("agreed to", "calls"), "text": pgettext("agreed to", "texts"), "whatsapp": _("WhatsApp"),
        "email": _("e-mail"), "all": _("every channel"),
    }[channel]  # fmt: skip
    said = {
        "given": _("Agreed to %(channel)s"),
        "withdrawn": _("Declined %(channel)s"),
        "unknown": _("No word on %(channel)s on record"),
    }[state]
    return said % {"channel": to}
