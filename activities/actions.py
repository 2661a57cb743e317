"""What she does about a card: start, complete, snooze, dismiss, undo. Each is one row, one event, one transaction."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from distributors import ingest
from distributors.models import CHANNELS, Distributor, Event, Note, User

from . import learning
from .cards import Target
from .closing import settle, settle_recent, sweep, told
from .crediting import LOOKED_BACK, credit
from .messages import sending
from .models import Action, Outreach
from .record import act, take_turns, target_of, title_of

__all__ = ["complete", "dismiss", "settle", "settle_recent", "snooze", "start", "sweep", "told", "undo"]


@transaction.atomic
def start(*, distributor: Distributor, card_key: str, as_of: datetime, by: User | None) -> Action:
    """She began: the card says "Sent it?" until it is done. DoesNotExist for a card that is not hers."""
    take_turns([distributor.pk])
    return act(distributor=distributor, target=target_of(distributor, card_key), kind=Action.Kind.START, as_of=as_of)[0]


@transaction.atomic
def complete(
    *, distributor: Distributor, card_key: str, as_of: datetime, by: User | None, score: float | None = None
) -> Action:
    """Done, once a day whatever the number of calls. A card about a customer leaves a note and counts as contact;
    a lesson goes into her memory of its skill (`score`: share of quiz questions right, None without a quiz).

    DoesNotExist for a card that is not hers; ValueError for a score outside 0..1.
    """
    if score is not None and not 0 <= score <= 1:
        raise ValueError(_("A score is between 0 and 1."))
    # What undo puts back has to be known before anything changes, and whom it is about must not be erased or merged
    # meanwhile: the lock keeps both true until the commit.
    take_turns([distributor.pk])
    target = target_of(distributor, card_key)
    data = before(distributor, target) | ({} if score is None else {"score": score})
    # "Done" of a card whose message is open says that it was sent.
    message = sending.open_one(distributor.pk, target.customer, target.activity) if target.customer else None
    if message is not None:
        # What she shared or copied may have gone any way.
        data |= {"outreach": message.pk} | ({"channel": message.channel} if message.channel in CHANNELS else {})
    action, made = act(distributor=distributor, target=target, kind=Action.Kind.DONE, as_of=as_of, data=data)
    if made and target.customer is not None:
        log_contact(distributor, target, as_of=as_of, by=by, message=message)
        if message is not None:
            sending.mark_sent(message, as_of=as_of, action=action)
    skill = target.activity.skill if target.activity.is_learning else None
    if made and skill is not None:
        gain = target.activity.skill_gain
        learning.learned(distributor=distributor, skill=skill, gain=gain, score=score, as_of=as_of)
    return action


@transaction.atomic
def snooze(*, distributor: Distributor, card_key: str, as_of: datetime, by: User | None, until: date) -> Action:
    """Not before the local day `until`. ValueError for a day that is not in the future."""
    if until <= distributor.local_day(as_of):
        raise ValueError(_("Choose a day after today."))
    take_turns([distributor.pk])
    return say(distributor, target_of(distributor, card_key), Action.Kind.SNOOZE, as_of=as_of, until=until)


@transaction.atomic
def dismiss(*, distributor: Distributor, card_key: str, as_of: datetime, by: User | None, reason: str) -> Action:
    """Not this one, and why; the ranking learns from it. ValueError for an unknown reason."""
    if reason not in Action.Reason.values:
        raise ValueError(_("Choose one of the reasons."))
    take_turns([distributor.pk])
    target = target_of(distributor, card_key)
    if reason == Action.Reason.WRONG_PERSON and target.person is None:
        raise ValueError(_("This is not about a person."))
    return say(distributor, target, Action.Kind.DISMISS, as_of=as_of, reason=reason)


def say(
    distributor: Distributor,
    target: Target,
    kind: Action.Kind,
    *,
    as_of: datetime,
    until: date | None = None,
    reason: str = "",
) -> Action:
    """The same answer twice is one action; another answer takes the first one back."""
    action, made = act(distributor=distributor, target=target, kind=kind, as_of=as_of, until=until, reason=reason)
    if not made and (action.until, action.reason) != (until, reason):
        take_back(action, as_of=as_of)
        action, _made = act(distributor=distributor, target=target, kind=kind, as_of=as_of, until=until, reason=reason)
    return action


@transaction.atomic
def undo(*, distributor: Distributor, action_id: int, as_of: datetime, by: User | None) -> Action:
    """Take an action back, with the note, the contact and the learning it left. A second undo changes nothing.

    Action.DoesNotExist for somebody else's.
    """
    take_turns([distributor.pk])
    action = (
        Action.objects.of(distributor.pk)
        .select_for_update(of=("self",))
        .select_related("distributor__market", "activity__skill", "customer", "event")
        .get(pk=action_id)
    )
    if action.undone_at is None:
        take_back(action, as_of=as_of)
        # What it was credited with goes to what came before it.
        credit([distributor.pk], as_of=as_of, since=min(as_of - LOOKED_BACK, action.at))
    return action


def take_back(action: Action, *, as_of: datetime) -> None:
    action.undone_at = as_of
    action.save(update_fields=["undone_at"])
    if action.event is None:
        return
    unsay(action, action.event, as_of=as_of)
    if action.kind == Action.Kind.DONE and action.closed_by_id is None:
        restore(action, action.event.data)


def unsay(action: Action, said: Event, *, as_of: datetime) -> None:
    """The log takes back what it says of the action."""
    ingest.record(
        type="activity.undone",
        distributor=action.distributor,
        time=as_of,
        data={"activity": action.activity.key, "form": action.activity.form, "undoes": said.external_id},
        customer=action.customer,
        external_id=f"pep-undo-{action.pk}",
        # An undo counts against the completion of the same source.
        source=said.source,
    )


def before(distributor: Distributor, target: Target) -> dict[str, Any]:
    """What a completion is about to change, kept in its event so that undo can put it back."""
    if target.activity.is_learning and target.activity.skill is not None:
        return {"memory_before": learning.snapshot(distributor, target.activity.skill)}
    return {}


def restore(action: Action, data: dict[str, Any]) -> None:
    if action.customer is not None:
        sending.reopen_with(action)
        Note.objects.filter(customer=action.customer, at=action.at).delete()
    if action.activity.is_learning and action.activity.skill is not None:
        learning.unlearn(
            distributor=action.distributor,
            skill=action.activity.skill,
            at=action.at,
            before=data.get("memory_before"),
        )


def log_contact(
    distributor: Distributor, target: Target, *, as_of: datetime, by: User | None, message: Outreach | None = None
) -> None:
    """A note in her own language on the contact. That there was one is said by the event of the completion (fold.py)."""
    customer = target.customer
    assert customer is not None
    with translation.override(distributor.speaks):
        text = sending.note_text(message) if message else title_of(target.activity, customer)
        Note.objects.create(customer=customer, text=text, at=as_of, by=by)
