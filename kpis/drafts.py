"""The next version of a campaign's priorities, on its way: HQ works on one draft together, asks for approval, publishes.

Nobody overwrites anybody: each write says what its editor had seen, and is refused with who did what when it has moved on.
The lock on the campaign's row makes editors take turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

import pghistory
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from distributors import wording
from distributors.access import EDITORS
from distributors.models import Role, User

from . import board, campaigns, priorities
from .board import Plan
from .models import KPI, Campaign, Policy, PriorityDraft, PriorityVersion, Withdrawal
from .priorities import LONGEST_REASON, EditConflict, newest_version, weights_of
from .proposals import Proposal
from .wording import said_at

Starts = tuple[date, time]
DRAFT, IN_REVIEW = PriorityDraft.State.DRAFT, PriorityDraft.State.IN_REVIEW


class DraftConflict(EditConflict):
    """Somebody else saved, sent back, discarded or published since the editor looked."""


class NotAllowed(ValidationError):  # noqa: N818 (the name callers agreed on)
    """It takes somebody else to do this."""


@dataclass(frozen=True)
class Seen:
    """What an editor was looking at."""

    revision: int  # of the draft; 0: there was none
    version: int  # the newest published number; 0: there was none


def of(campaign: Campaign) -> PriorityDraft | None:
    return PriorityDraft.objects.select_related("by", "campaign").filter(campaign=campaign).first()


def seen(campaign: Campaign) -> Seen:
    """As it is now."""
    return seen_of(of(campaign), newest_version(campaign))


def seen_of(draft: PriorityDraft | None, newest: PriorityVersion | None) -> Seen:
    return Seen(draft.revision if draft else 0, newest.number if newest else 0)


def proposal(draft: PriorityDraft) -> Proposal:
    """What it says, without KPIs that were removed since it was saved."""
    points = {int(pk): weight for pk, weight in draft.weights.items() if weight}
    known = set(KPI.objects.filter(pk__in=points).values_list("pk", flat=True))
    return Proposal(draft.campaign, {pk: weight for pk, weight in points.items() if pk in known}, draft.own_goal_share)


def starts_of(draft: PriorityDraft) -> Starts | None:
    if draft.starts_on is None or draft.starts_time is None:
        return None
    return draft.starts_on, draft.starts_time


# Working on it


@transaction.atomic
def save(
    *,
    proposal: Proposal,
    locked: list[int],
    reason: str,
    starts: Starts | None,
    seen: Seen,
    by: User,
    as_of: datetime,
) -> PriorityDraft:
    """Keep it for later, complete or not. One in review is a draft again: it is not what was asked about any more."""
    campaign, draft = locked_as_seen(proposal.campaign, seen)
    check_editor(by)
    check_savable(campaign, proposal, reason)
    draft = draft or begun(campaign)
    weights = {str(pk): weight for pk, weight in proposal.weights.items() if weight}
    if draft.pk is None or (weights, proposal.own_goal_share) != (draft.weights, draft.own_goal_share):
        draft.by = by
    draft.weights = weights
    draft.locked = locked
    draft.own_goal_share = proposal.own_goal_share
    put(draft, DRAFT, reason, starts, by, as_of)
    return draft


@transaction.atomic
def discard(*, campaign: Campaign, seen: Seen, by: User) -> None:
    campaign, draft = locked_as_seen(campaign, seen)
    check_editor(by)
    if draft is not None:
        with pghistory.context(user=by.pk):
            draft.delete()
        reviewing(campaign, False)


@transaction.atomic
def ask(
    *, campaign: Campaign, seen: Seen, reason: str, starts: Starts | None, by: User, as_of: datetime
) -> PriorityDraft:
    """Hand it to an approver, complete: whatever would keep it from being published is said now."""
    campaign, draft = locked_as_seen(campaign, seen)
    check_editor(by)
    draft = needed(draft)
    found = proposal(draft)
    priorities.check(campaign, found.weights, found.own_goal_share, reason, starts=starts, as_of=as_of)
    put(draft, IN_REVIEW, reason, starts, by, as_of)
    return draft


@transaction.atomic
def send_back(*, campaign: Campaign, seen: Seen, note: str, by: User, as_of: datetime) -> PriorityDraft:
    """An approver wants it otherwise, and says what. Whoever wrote it still answers for it."""
    campaign, draft = locked_as_seen(campaign, seen)
    draft = needed(draft)
    note = note.strip()
    if by.role != Role.HQ_APPROVER:
        raise NotAllowed(_("Only an approver sends a draft back."), code="approver")
    if draft.state != IN_REVIEW:
        raise ValidationError(_("Nobody has asked for approval of this draft."), code="state")
    if not note:
        raise ValidationError(_("Say in a sentence what should change."), code="note")
    check_length(note, code="note")
    draft.state, draft.note = DRAFT, note
    draft.revision += 1
    with pghistory.context(user=by.pk):
        draft.save()
    reviewing(campaign, False)
    return draft


# Publishing it


@transaction.atomic
def publish(
    *, campaign: Campaign, seen: Seen, reason: str, starts: Starts | None, by: User, as_of: datetime
) -> PriorityVersion:
    """The draft becomes the next version: all of it, or nothing happens.

    What an approver publishes is what she was asked about, with its reason and start; another one is refused.
    """
    campaign, draft = locked_as_seen(campaign, seen)
    draft = needed(draft)
    if problem := may_publish(draft, by, as_of):
        raise NotAllowed(problem, code="approver")
    approved = approves(draft, by)
    if approved:
        check_as_asked(draft, reason, starts)
        reason, starts = draft.reason, starts_of(draft)
    found = proposal(draft)
    version = priorities.publish(
        campaign=campaign,
        weights=found.weights,
        own_goal_share=found.own_goal_share,
        reason=reason,
        by=draft.by if approved else by,
        approved_by=by if approved else None,
        starts=starts,
        as_of=as_of,
        expected_version=seen.version,
    )
    with pghistory.context(user=by.pk):
        draft.delete()
    return version


def needs_approval(campaign: Campaign, as_of: datetime) -> bool:
    """A change that reaches many takes two people."""
    return campaigns.may_reach(campaigns.markets_of(campaign), campaign.segment, as_of) > Policy.limit(as_of)


def may_publish(draft: PriorityDraft, user: User, as_of: datetime) -> str:
    """Empty, or the sentence why she may not."""
    if user.role not in EDITORS:
        return _("Only editors and approvers of HQ publish priorities.")
    campaign = draft.campaign
    reached = campaigns.may_reach(campaigns.markets_of(campaign), campaign.segment, as_of)
    limit = Policy.limit(as_of)
    if reached <= limit or approves(draft, user):
        return ""
    counts = {
        "reaches": ngettext("It reaches %(n)s person.", "It reaches %(n)s people.", reached)
        % {"n": wording.number(reached)},
        "limit": wording.number(limit),
    }
    if draft.state != IN_REVIEW:
        return _("%(reaches)s Above %(limit)s a second person approves it: ask for approval first.") % counts
    if user.role != Role.HQ_APPROVER:
        return _("%(reaches)s Above %(limit)s an approver publishes it.") % counts
    if draft.by_id == user.pk:
        return _("%(reaches)s Above %(limit)s somebody else than the one who wrote it approves it.") % counts
    return _("%(reaches)s Above %(limit)s somebody else than the one who asked approves it.") % counts


def approves(draft: PriorityDraft, user: User) -> bool:
    """Publishing it is the word of a second person: an approver who neither wrote these weights nor handed them in."""
    if draft.state != IN_REVIEW or user.role != Role.HQ_APPROVER or draft.by_id == user.pk:
        return False
    return asked_by(draft) != user


def asked_by(draft: PriorityDraft) -> User | None:
    """Who handed it in, which the audit knows; where it does not, whoever wrote it."""
    return signer(changes(draft.campaign).last()) or draft.by


@transaction.atomic
def restore(*, campaign: Campaign, number: int, reason: str, by: User, as_of: datetime, seen: Seen) -> PriorityVersion:
    """Back to what an earlier version said, at once, as the next version.

    Nobody approves it again: those weights were approved, and counted. Of a campaign that reaches many only what a second
    person approved comes back so; anything else takes the way of a draft. An open draft stays as it is.
    """
    campaign = lock(campaign)
    check_editor(by)
    newest = newest_version(campaign)
    check_version(newest, seen)
    version = version_of(campaign, number)
    check_restorable(campaign, version, as_of)
    if needs_approval(campaign, as_of) and not was_approved(version):
        raise NotAllowed(
            _(
                "Nobody approved version %(number)d for so many people. Enter its weights as a draft and ask for approval."
            )
            % {"number": number},
            code="approver",
        )
    return priorities.publish(
        campaign=campaign,
        weights=weights_of(version),
        own_goal_share=version.own_goal_share,
        reason=reason,
        by=by,
        as_of=as_of,
        restores=version,
    )


def was_approved(version: PriorityVersion) -> bool:
    """By a second person, itself or what it brought back."""
    origin: PriorityVersion | None = version
    while origin is not None and origin.approved_by_id is None:
        origin = origin.restores
    return origin is not None


def reopen(campaign: Campaign, *, by: User) -> None:
    """The campaign's whom or when has changed: what waits for approval is not what was asked about any more."""
    draft = of(campaign)
    if draft is not None and draft.state == IN_REVIEW:
        draft.state, draft.revision = DRAFT, draft.revision + 1
        with pghistory.context(user=by.pk):
            draft.save()
        reviewing(campaign, False)


@transaction.atomic
def withdraw(*, campaign: Campaign, number: int, by: User, as_of: datetime) -> Withdrawal:
    """Call off a scheduled version that has begun nowhere yet."""
    campaign = lock(campaign)
    check_editor(by)
    version = version_of(campaign, number)
    said = {"number": number}
    if version.starts_on is None:
        raise ValidationError(_("Version %(number)d counted at once."), params=said, code="begun")
    check_not_withdrawn(version)
    if any(begun_in(campaign, version, as_of)):
        raise ValidationError(
            _("Version %(number)d counts already. Go back to an earlier one instead."), params=said, code="begun"
        )
    made = Withdrawal.objects.create(version=version, by=by, at=as_of)
    if not campaign.versions.filter(withdrawal=None).exists():
        # Nothing of it is approved any more.
        Campaign.objects.filter(pk=campaign.pk, status__in=[campaigns.SCHEDULED, campaigns.LIVE]).update(
            status=campaigns.DRAFT
        )
        draft = of(campaign)
        reviewing(campaign, draft is not None and draft.state == IN_REVIEW)
    return made


# Taking turns


def lock(campaign: Campaign) -> Campaign:
    """As it is now, and nobody else writes its draft or versions until this transaction ends."""
    return Campaign.objects.select_for_update(of=("self",)).select_related("segment").get(pk=campaign.pk)


def locked_as_seen(campaign: Campaign, seen: Seen) -> tuple[Campaign, PriorityDraft | None]:
    """The campaign, locked, and its draft; DraftConflict unless both are what the editor has seen."""
    campaign = lock(campaign)
    draft = of(campaign)
    check_version(newest_version(campaign), seen)
    if seen.revision != (draft.revision if draft else 0):
        raise DraftConflict(conflict(campaign, draft), code="conflict")
    return campaign, draft


def check_version(newest: PriorityVersion | None, seen: Seen) -> None:
    if seen.version != (newest.number if newest else 0):
        raise DraftConflict(priorities.conflict(newest), code="conflict")


def conflict(campaign: Campaign, draft: PriorityDraft | None) -> str:
    """Who did what to the draft last, and when."""
    changed = changes(campaign).last()
    told = {
        "who": signer(changed) or _("Somebody"),
        "when": said_at(changed.pgh_created_at) if changed else "",
        "weights": "",
    }
    if draft is None:
        return _("%(who)s discarded the draft on %(when)s. Yours is kept here: save it to begin a new one.") % told
    if draft.note and draft.state == DRAFT:
        return _("%(who)s sent the draft back on %(when)s: “%(note)s”. Look at it, then save yours again.") % (
            told | {"note": draft.note}
        )
    told |= {"when": said_at(draft.saved_at), "weights": said_weights(draft)}
    if draft.state == IN_REVIEW:
        return _("%(who)s asked for approval on %(when)s: %(weights)s. Look at it, then save yours again.") % told
    return _("%(who)s saved the draft on %(when)s: %(weights)s. Look at it, then save yours again.") % told


def said_weights(draft: PriorityDraft) -> str:
    """`Repeat rate 60, Order size 40`."""
    weights = proposal(draft).weights
    names = dict(KPI.objects.filter(pk__in=weights).values_list("pk", "name"))
    heaviest = sorted(weights.items(), key=lambda one: (-one[1], names[one[0]]))
    return ", ".join(f"{names[pk]} {points}" for pk, points in heaviest) or _("no weights yet")


# The row


def begun(campaign: Campaign) -> PriorityDraft:
    """A new draft. Its revisions follow those of the drafts before it, so that nobody takes it for one that is gone."""
    newest = newest_version(campaign)
    before = changes(campaign).aggregate(last=Max("revision"))["last"] or 0
    return PriorityDraft(campaign=campaign, based_on=newest.number if newest else 0, revision=before)


def put(
    draft: PriorityDraft, state: PriorityDraft.State, reason: str, starts: Starts | None, by: User, as_of: datetime
) -> None:
    """Write it. `by` signs the audit; draft.by, who wrote its weights, stays."""
    draft.state, draft.reason, draft.note = state, reason.strip(), ""
    draft.starts_on, draft.starts_time = starts or (None, None)
    draft.saved_at = as_of
    draft.revision += 1
    with pghistory.context(user=by.pk):
        draft.save()
    reviewing(draft.campaign, state == IN_REVIEW)


def reviewing(campaign: Campaign, on: bool) -> None:
    """A campaign that has no version yet is where its draft is."""
    before, after = (campaigns.DRAFT, campaigns.IN_REVIEW) if on else (campaigns.IN_REVIEW, campaigns.DRAFT)
    Campaign.objects.filter(pk=campaign.pk, status=before).update(status=after)


def changes(campaign: Campaign):  # type: ignore[no-untyped-def]  # a model that the audit makes
    """What the audit has of this campaign's drafts, the newest last."""
    return apps.get_model("kpis.PriorityDraftChange").objects.filter(campaign_id=campaign.pk).order_by("pgh_id")


def signer(changed) -> User | None:  # type: ignore[no-untyped-def]  # a row of `changes`
    context = changed.pgh_context if changed else None
    return User.objects.filter(pk__in=[(context or {}).get("user") or 0]).first()


# Refusals


def needed(draft: PriorityDraft | None) -> PriorityDraft:
    if draft is None:
        raise ValidationError(_("There is no draft. Move a weight and save it first."), code="draft")
    return draft


def check_editor(user: User) -> None:
    if user.role not in EDITORS:
        raise NotAllowed(_("Only editors and approvers of HQ change priorities."), code="editor")


def check_savable(campaign: Campaign, proposal: Proposal, reason: str) -> None:
    """Anything may be missing, nothing may be nonsense."""
    if campaign.status == campaigns.ENDED:
        raise ValidationError(
            _("%(campaign)s has ended. Start a new campaign to set priorities."), params={"campaign": campaign}
        )
    priorities.check_points(proposal.weights)
    priorities.check_share(proposal.own_goal_share)
    check_length(reason.strip(), code="reason")


def check_length(said: str, *, code: str) -> None:
    if len(said) > LONGEST_REASON:
        raise ValidationError(_("Keep it within %(n)d characters."), params={"n": LONGEST_REASON}, code=code)


def check_as_asked(draft: PriorityDraft, reason: str, starts: Starts | None) -> None:
    """An approver who leaves reason and start empty takes those of the draft."""
    if reason.strip() not in {"", draft.reason} or starts not in {None, starts_of(draft)}:
        raise NotAllowed(
            _("Approve it with the reason and start it was handed in with, or send it back."), code="as_asked"
        )


def version_of(campaign: Campaign, number: int) -> PriorityVersion:
    version = campaign.versions.filter(number=number).first()
    if version is None:
        raise ValidationError(
            _("%(campaign)s has no version %(number)d."),
            params={"campaign": campaign, "number": number},
            code="version",
        )
    return version


def check_not_withdrawn(version: PriorityVersion) -> None:
    withdrawal = Withdrawal.objects.select_related("by").filter(version=version).first()
    if withdrawal is not None:
        raise ValidationError(
            _("Version %(number)d was withdrawn on %(when)s by %(who)s."),
            params={
                "who": withdrawal.by or _("Somebody"), "number": version.number, "when": said_at(withdrawal.at),
            },
            code="withdrawn",
        )  # fmt: skip


def check_restorable(campaign: Campaign, version: PriorityVersion, as_of: datetime) -> None:
    """Back goes what has counted, and does not count everywhere now."""
    check_not_withdrawn(version)
    said = {"number": version.number}
    if not any(begun_in(campaign, version, as_of)):
        raise ValidationError(
            _("Version %(number)d has not begun yet, so there is nothing to go back to."), params=said, code="begun"
        )
    [plan] = board.board_of(Campaign.objects.filter(pk=campaign.pk)).plans
    if all(plan.version(market, as_of) == version for market in campaigns.markets_of(campaign)):
        raise ValidationError(_("Version %(number)d counts already."), params=said, code="counts")


def begun_in(campaign: Campaign, version: PriorityVersion, as_of: datetime) -> Iterator[bool]:
    """For each of its markets: whether the version's own time has come there."""
    plan = Plan(campaign, frozenset(), (), {})
    for market in campaigns.markets_of(campaign):
        begins = plan.begins(version, market)
        yield begins is None or begins <= as_of
