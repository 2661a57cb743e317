"""An open message and the completion of its card: sent with it, open again when it is taken back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from distributors.models import Customer

from ..models import Action, Activity, Outreach

#: Days on which a result counts as come of a message that belongs to no activity.
CREDIT_DAYS = 14
#: Letters of the message that its note holds.
FIRST_WORDS = 160

State = Outreach.State


def open_one(distributor_id: int, customer: Customer, activity: Activity | None) -> Outreach | None:
    """The message that she opened for this person and card and has not said to be sent. Locked until the commit."""
    mine = Outreach.objects.of(distributor_id).select_for_update()
    return mine.filter(customer=customer, activity=activity, state=State.OPENED).first()


def mark_sent(message: Outreach, *, as_of: datetime, action: Action | None = None) -> None:
    days = message.activity.credit_days if message.activity else CREDIT_DAYS
    message.state, message.sent_at, message.action = State.SENT, as_of, action
    message.waits_until = message.distributor.local_day(as_of) + timedelta(days=days)
    message.save(update_fields=["state", "sent_at", "waits_until", "action"])


def reopen(message: Outreach) -> None:
    """Not sent after all. It is asked about again, unless she has begun another one meanwhile."""
    another = open_one(message.distributor_id, message.customer, message.activity)
    message.state = State.OPENED if another is None else State.DROPPED
    message.sent_at = message.waits_until = message.action = None
    message.save(update_fields=["state", "sent_at", "waits_until", "action"])


def reopen_with(action: Action) -> None:
    """A completion was taken back, and with it the message that was sent by it."""
    for message in Outreach.objects.filter(action=action).select_related("customer", "activity"):
        reopen(message)


def note_text(message: Outreach) -> str:
    """Sent by WhatsApp: Hi Maya, how is the liner ..."""
    said = {
        "text": _("Sent by text: %(words)s"),
        "whatsapp": _("Sent by WhatsApp: %(words)s"),
        "email": _("Sent by e-mail: %(words)s"),
    }.get(message.channel, _("Sent: %(words)s"))
    return said % {"words": Truncator(message.text).chars(FIRST_WORDS)}
