"""From an open message to a sent one: kept when it goes to her phone's app, sent when she says so, taken back.

Nothing is sent by us. Every verb may come twice, from two tabs or after an undo, and leaves one row.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from distributors import outreach as reaching
from distributors.models import Customer, Distributor, Event, Note, User

from .. import actions, crediting
from ..models import Action, Activity, MessageTemplate, Outreach, ShareLink
from ..record import take_turns
from . import sending
from .checking import MESSAGES, OPEN_WAYS, checked
from .composing import draft_of, sheet

__all__ = ["MessageError", "draft_of", "latest", "not_sent", "opened", "sent", "sheet", "undo"]

State = Outreach.State


class MessageError(ValueError):
    """Why this message does not go out, in one sentence for her."""


@transaction.atomic
def opened(
    *,
    distributor: Distributor,
    customer: Customer,
    activity: Activity | None,
    channel: str,
    language: str,
    text: str,
    as_of: datetime,
    by: User | None,
    subject: str = "",
    template: MessageTemplate | None = None,
    link: ShareLink | None = None,
) -> Outreach:
    """Her text goes to an app of hers: it is kept, its card is begun, and "Sent it?" is asked from now on.

    One open message a card: again, it is the same row with the newer text. MessageError for a text with a blocked claim, for a
    person who may not be written to, and for a way without consent. Customer.DoesNotExist for who was erased or merged since.
    """
    take_turns([distributor.pk])
    # As she is now: refused, merged or erased since the page was made.
    customer = Customer.objects.of(distributor.pk).select_related("distributor__market").get(pk=customer.pk)
    look = checked(customer=customer, market=distributor.market, text=text, subject=subject)
    refuse(look.problem or (_("Change what is marked first.") if look.claims else ""))
    if channel not in (*MESSAGES, *OPEN_WAYS):
        raise MessageError(_("Choose how you send it."))
    if channel not in {way.channel for way in look.ways}:
        raise MessageError(
            _("%(name)s cannot be written to this way. Choose another one.") % {"name": customer.given_name}
        )
    message = sending.open_one(distributor.pk, customer, activity) or left(distributor, customer, activity, as_of)
    if message is None:
        message = Outreach(distributor=distributor, customer=customer, activity=activity)
    message.state, message.channel, message.language, message.opened_at = State.OPENED, channel, language, as_of
    message.text, message.subject, message.template, message.link = look.text, look.subject, template, link
    message.save()
    if activity is not None:
        actions.start(distributor=distributor, card_key=card_key(message), as_of=as_of, by=by)
    return message


def refuse(sentence: str) -> None:
    if sentence:
        raise MessageError(sentence)


def left(distributor: Distributor, customer: Customer, activity: Activity | None, as_of: datetime) -> Outreach | None:
    """The draft she said "not yet" to: writing on is no second message."""
    draft = draft_of(distributor, customer, activity, as_of)
    return draft if draft is not None and draft.state == State.DROPPED else None


def card_key(message: Outreach) -> str:
    return f"{message.activity.key}.c{message.customer_id}" if message.activity else ""


def latest(distributor: Distributor, customer: Customer, activity: Activity | None) -> Outreach | None:
    """The newest message of this card, or of none."""
    mine = Outreach.objects.of(distributor.pk).filter(customer=customer, activity=activity)
    return mine.select_related("customer", "activity", "action", "link__asset").order_by("-opened_at", "-pk").first()


def locked(distributor: Distributor, outreach_id: int) -> Outreach:
    """Her own message, hers alone until the commit. Outreach.DoesNotExist for anybody else's, or of somebody erased."""
    take_turns([distributor.pk])
    return (
        Outreach.objects.of(distributor.pk)
        .filter(customer__in=Customer.objects.of(distributor.pk))
        .select_for_update(of=("self",))
        .select_related("distributor__market", "customer", "activity", "action")
        .get(pk=outreach_id)
    )


@transaction.atomic
def sent(*, distributor: Distributor, outreach_id: int, as_of: datetime, by: User | None) -> Outreach:
    """ "Sent it? Yes": the card is done, or the contact counted, with the message as the note; the result is waited for.

    What she says happened is written down, also when consent was withdrawn meanwhile.
    """
    message = locked(distributor, outreach_id)
    if message.state == State.SENT:
        return message
    if message.state == State.DROPPED:
        newer = sending.open_one(distributor.pk, message.customer, message.activity)
        if newer is not None:
            message = newer
        else:
            message.state = State.OPENED
            message.save(update_fields=["state"])
    if message.activity is not None and not done_today(message, as_of):
        actions.complete(distributor=distributor, card_key=card_key(message), as_of=as_of, by=by)
        return locked(distributor, message.pk)
    contacted(message, as_of=as_of, by=by)
    sending.mark_sent(message, as_of=as_of)
    return message


def done_today(message: Outreach, as_of: datetime) -> bool:
    """A card counts once a day: a second message about it is a contact of its own."""
    done = Action.objects.of(message.distributor_id).standing().filter(
        kind=Action.Kind.DONE, activity=message.activity, about_key=f"c{message.customer_id}",
        day=message.distributor.local_day(as_of),
    )  # fmt: skip
    return done.exists()


def contacted(message: Outreach, *, as_of: datetime, by: User | None) -> None:
    # What she shared or copied may have gone any way.
    channel = message.channel if message.channel in MESSAGES else ""
    reaching.contacted(
        customer=message.customer, channel=channel, as_of=as_of, by=by, key=contact_key(message, as_of),
        outreach=message.pk,
    )  # fmt: skip
    with translation.override(message.distributor.speaks):
        reaching.add_note(customer=message.customer, text=sending.note_text(message), as_of=as_of, by=by)


def contact_key(message: Outreach, at: datetime) -> str:
    """Names the contact's event. The moment is in it, so that a message sent again after an undo counts again."""
    return f"outreach-{message.pk}-{at:%Y%m%dT%H%M%S%f}"


@transaction.atomic
def not_sent(*, distributor: Distributor, outreach_id: int, as_of: datetime, by: User | None) -> Outreach:
    """ "Not yet": her text stays on the sheet, and its card is as if she had not begun."""
    message = locked(distributor, outreach_id)
    if message.state != State.OPENED:
        return message
    message.state = State.DROPPED
    message.save(update_fields=["state"])
    if message.activity is not None:
        starts = Action.objects.of(distributor.pk).standing().filter(
            kind=Action.Kind.START, activity=message.activity, about_key=f"c{message.customer_id}"
        )  # fmt: skip
        for start in starts.filter(at__gte=message.opened_at):
            actions.undo(distributor=distributor, action_id=start.pk, as_of=as_of, by=by)
    return message


@transaction.atomic
def undo(*, distributor: Distributor, outreach_id: int, as_of: datetime, by: User | None) -> Outreach:
    """It was not sent after all: the card, the contact and the note are taken back, and it is asked about again."""
    message = locked(distributor, outreach_id)
    if message.state != State.SENT:
        return message
    if message.action is not None:
        actions.undo(distributor=distributor, action_id=message.action.pk, as_of=as_of, by=by)
        return locked(distributor, outreach_id)
    if message.sent_at is not None:
        made = Event.objects.get(source="pep", external_id=contact_key(message, message.sent_at))
        reaching.take_back(contact=made, as_of=as_of, by=by)
        Note.objects.filter(customer=message.customer, at=message.sent_at).delete()
    sending.reopen(message)
    # What it was credited with goes to what came before it.
    crediting.credit([distributor.pk], as_of=as_of, since=min(as_of - crediting.LOOKED_BACK, message.opened_at))
    return message
