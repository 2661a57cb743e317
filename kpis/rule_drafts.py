"""A rule and the next version of it, on its way: HQ works on one draft together, asks for approval, publishes.

As drafts.py does it for weights. Nobody overwrites anybody: each write says what its editor had seen, and is refused with
who did what when it has moved on. The lock on the rule's row makes editors take turns.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pghistory
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from distributors.access import EDITORS
from distributors.conditions import ConditionError, Known
from distributors.models import Role, User
from distributors.wording import number

from . import definitions, rules
from .definitions import Definition
from .drafts import DraftConflict, NotAllowed, Seen, check_length, signer
from .models import Policy, Rule, RuleDraft, RuleVersion
from .wording import said_at

DRAFT, IN_REVIEW = RuleDraft.State.DRAFT, RuleDraft.State.IN_REVIEW
NEW, LIVE, PAUSED, ENDED = Rule.State.DRAFT, Rule.State.LIVE, Rule.State.PAUSED, Rule.State.ENDED
LONGEST_NAME = 80


def of(rule: Rule) -> RuleDraft | None:
    return RuleDraft.objects.select_related("by", "rule").filter(rule=rule).first()


def newest_version(rule: Rule) -> RuleVersion | None:
    return rule.versions.select_related("by", "approved_by", "restores").order_by("-number").first()


def seen(rule: Rule) -> Seen:
    """As it is now."""
    return seen_of(of(rule), newest_version(rule))


def seen_of(draft: RuleDraft | None, newest: RuleVersion | None) -> Seen:
    return Seen(draft.revision if draft else 0, newest.number if newest else 0)


# Working on it


@transaction.atomic
def make(
    *, name: str, definition: dict[str, Any], by: User, as_of: datetime, signal: str = "", reason: str = ""
) -> Rule:
    """A new rule with its first draft, complete or not. `signal` names the ready-made one that it begins from."""
    check_editor(by)
    check_savable(definition, reason)
    rule = Rule(name=checked_name(name), signal=signal, created_at=as_of)
    put_rule(rule, by)
    put(RuleDraft(rule=rule, definition=definition, reason=reason.strip(), revision=0, by=by), DRAFT, by, as_of)
    return rule


@transaction.atomic
def save(
    *,
    rule: Rule,
    definition: dict[str, Any],
    reason: str,
    seen: Seen,
    by: User,
    as_of: datetime,
    name: str = "",
) -> RuleDraft:
    """Keep it for later, complete or not. One in review is a draft again: it is not what was asked about any more.

    A rule that was never published may get another `name`.
    """
    rule, draft = locked_as_seen(rule, seen)
    check_editor(by)
    check_not_ended(rule)
    check_savable(definition, reason)
    if name.strip() and name.strip() != rule.name:
        rename(rule, name, by)
    draft = draft or begun(rule)
    if draft.pk is None or definition != draft.definition:
        draft.by = by
    draft.definition, draft.reason = definition, reason.strip()
    put(draft, DRAFT, by, as_of)
    return draft


@transaction.atomic
def discard(*, rule: Rule, seen: Seen, by: User) -> None:
    """Take the draft away; and the rule with it when it was never published: its name is free again."""
    rule, draft = locked_as_seen(rule, seen)
    check_editor(by)
    with pghistory.context(user=by.pk):
        if draft is not None:
            draft.delete()
        if rule.state == NEW:
            rule.delete()


@transaction.atomic
def ask(
    *, rule: Rule, seen: Seen, by: User, as_of: datetime, reason: str = "", known: Known | None = None
) -> RuleDraft:
    """Hand it to an approver, complete: whatever would keep it from being published is said now."""
    rule, draft = locked_as_seen(rule, seen)
    check_editor(by)
    check_not_ended(rule)
    draft = needed(draft)
    draft.reason = reason.strip() or draft.reason
    check_reason(draft.reason)
    complete(draft.definition, known, as_of)
    put(draft, IN_REVIEW, by, as_of)
    return draft


@transaction.atomic
def send_back(*, rule: Rule, seen: Seen, note: str, by: User, as_of: datetime) -> RuleDraft:
    """An approver wants it otherwise, and says what. Whoever wrote it still answers for it."""
    rule, draft = locked_as_seen(rule, seen)
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
    return draft


# Publishing it


@transaction.atomic
def publish(
    *,
    rule: Rule,
    seen: Seen,
    by: User,
    as_of: datetime,
    reach: int,
    counted: int | None = None,
    reason: str = "",
    known: Known | None = None,
) -> RuleVersion:
    """The draft becomes the next version, and the rule is live: all of it, or nothing happens.

    `reach` is for how many people it holds, counted of the draft's revision `counted` (None: whatever the draft says);
    `known` the names there are. What an approver publishes is what she was asked about, with its reason.
    """
    rule, draft = locked_as_seen(rule, seen)
    if counted is not None and counted != (draft.revision if draft else 0):
        raise DraftConflict(conflict(rule, draft), code="conflict")
    check_not_ended(rule)
    draft = needed(draft)
    if problem := may_publish(draft, by, as_of, reach):
        raise NotAllowed(problem, code="approver")
    approved = approves(draft, by)
    if approved and reason.strip() not in {"", draft.reason}:
        raise NotAllowed(_("Approve it with the reason it was handed in with, or send it back."), code="as_asked")
    reason = reason.strip() or draft.reason
    check_reason(reason)
    found = complete(draft.definition, known, as_of)
    version = put_version(
        rule, definitions.written(found), reason, by=by, author=draft.by if approved else by,
        approved_by=by if approved else None, as_of=as_of,
    )  # fmt: skip
    with pghistory.context(user=by.pk):
        draft.delete()
    set_state(rule, LIVE, by)
    return version


def needs_approval(reach: int, as_of: datetime) -> bool:
    """A rule that reaches many takes two people."""
    return reach > Policy.limit(as_of)


def may_publish(draft: RuleDraft, user: User, as_of: datetime, reach: int) -> str:
    """Empty, or the sentence why she may not."""
    if user.role not in EDITORS:
        return _("Only editors and approvers of HQ publish rules.")
    if not needs_approval(reach, as_of) or approves(draft, user):
        return ""
    said = said_reach(reach, as_of)
    if draft.state != IN_REVIEW:
        return _("%(reaches)s Above %(limit)s a second person approves it: ask for approval first.") % said
    if user.role != Role.HQ_APPROVER:
        return _("%(reaches)s Above %(limit)s an approver publishes it.") % said
    if draft.by_id == user.pk:
        return _("%(reaches)s Above %(limit)s somebody else than the one who wrote it approves it.") % said
    return _("%(reaches)s Above %(limit)s somebody else than the one who asked approves it.") % said


def approves(draft: RuleDraft, user: User) -> bool:
    """Publishing it is the word of a second person: an approver who neither wrote what it says nor handed it in."""
    if draft.state != IN_REVIEW or user.role != Role.HQ_APPROVER or draft.by_id == user.pk:
        return False
    return asked_by(draft) != user


def asked_by(draft: RuleDraft) -> User | None:
    """Who handed it in, which the audit knows; where it does not, whoever wrote it."""
    return signer(changes("RuleDraft", rule_id=draft.rule_id).last()) or draft.by


def said_reach(reach: int, as_of: datetime) -> dict[str, str]:
    return {
        "reaches": ngettext("It reaches %(n)s person.", "It reaches %(n)s people.", reach) % {"n": number(reach)},
        "limit": number(Policy.limit(as_of)),
    }


@transaction.atomic
def restore(
    *,
    rule: Rule,
    number: int,
    reason: str,
    by: User,
    as_of: datetime,
    seen: Seen,
    reach: int,
    known: Known | None = None,
) -> RuleVersion:
    """Back to what an earlier version said, at once, as the next version; a paused rule stays paused.

    Nobody approves it again. Of a rule that reaches many only what a second person approved comes back so; anything else
    takes the way of a draft. An open draft stays as it is.
    """
    rule = lock(rule)
    check_editor(by)
    check_not_ended(rule)
    newest = newest_version(rule)
    check_version(newest, seen)
    version = version_of(rule, number)
    if newest is not None and newest.definition == version.definition:
        raise ValidationError(_("This is what version %(number)d says already."), params={"number": newest.number})
    if needs_approval(reach, as_of) and not was_approved(version):
        raise NotAllowed(
            _("Nobody approved version %(number)d for so many people. Enter it as a draft and ask for approval.")
            % {"number": number},
            code="approver",
        )
    reason = reason.strip()
    check_reason(reason)
    found = complete(version.definition, known, as_of)
    return put_version(rule, definitions.written(found), reason, by=by, author=by, as_of=as_of, restores=version)


def was_approved(version: RuleVersion) -> bool:
    """By a second person, itself or what it brought back."""
    origin: RuleVersion | None = version
    while origin is not None and origin.approved_by_id is None:
        origin = origin.restores
    return origin is not None


# Whether it counts


@transaction.atomic
def pause(*, rule: Rule, by: User, as_of: datetime) -> Rule:
    """It does nothing until somebody resumes it."""
    rule = lock(rule)
    check_editor(by)
    check_state(rule, {LIVE})
    return set_state(rule, PAUSED, by)


@transaction.atomic
def resume(*, rule: Rule, by: User, as_of: datetime, reach: int, counted: int | None = None) -> Rule:
    """Live again, as it was published last. `reach` was counted of version number `counted`; None: of whatever it says."""
    rule = lock(rule)
    check_state(rule, {PAUSED})
    newest = newest_version(rule)
    if counted is not None and counted != (newest.number if newest else 0):
        raise DraftConflict(version_conflict(newest), code="conflict")
    if problem := may_resume(rule, by, as_of, reach):
        raise NotAllowed(problem, code="approver")
    return set_state(rule, LIVE, by)


def may_resume(rule: Rule, user: User, as_of: datetime, reach: int) -> str:
    """Empty, or the sentence why she may not. Of a rule that reaches many an approver does who did not write it."""
    if user.role not in EDITORS:
        return _("Only editors and approvers of HQ resume rules.")
    if not needs_approval(reach, as_of):
        return ""
    said = said_reach(reach, as_of)
    if user.role != Role.HQ_APPROVER:
        return _("%(reaches)s Above %(limit)s an approver resumes it.") % said
    newest = newest_version(rule)
    if newest is not None and newest.by_id == user.pk:
        return _("%(reaches)s Above %(limit)s somebody else than the one who wrote it resumes it.") % said
    return ""


@transaction.atomic
def end(*, rule: Rule, by: User, as_of: datetime) -> Rule:
    """For good: it is never live again, and its name stays its own."""
    rule = lock(rule)
    check_editor(by)
    check_state(rule, {LIVE, PAUSED})
    return set_state(rule, ENDED, by)


# Taking turns


def lock(rule: Rule) -> Rule:
    """As it is now, and nobody else writes it, its draft or its versions until this transaction ends."""
    found = Rule.objects.select_for_update(of=("self",)).filter(pk=rule.pk).first()
    if found is None:
        raise DraftConflict(gone(rule), code="conflict")
    return found


def locked_as_seen(rule: Rule, seen: Seen) -> tuple[Rule, RuleDraft | None]:
    """The rule, locked, and its draft; DraftConflict unless both are what the editor has seen."""
    rule = lock(rule)
    draft = of(rule)
    check_version(newest_version(rule), seen)
    if seen.revision != (draft.revision if draft else 0):
        raise DraftConflict(conflict(rule, draft), code="conflict")
    return rule, draft


def check_version(newest: RuleVersion | None, seen: Seen) -> None:
    if seen.version != (newest.number if newest else 0):
        raise DraftConflict(version_conflict(newest), code="conflict")


def version_conflict(newest: RuleVersion | None) -> str:
    if newest is None:
        return _("This rule has no version yet. Reload the page.")
    return _(
        "%(who)s published version %(number)d on %(when)s: “%(reason)s”. Look at it, then publish yours again."
    ) % {
        "who": newest.by or _("Somebody"),
        "number": newest.number,
        "when": said_at(newest.published_at),
        "reason": newest.why,
    }


def conflict(rule: Rule, draft: RuleDraft | None) -> str:
    """Who did what to the draft last, and when."""
    if draft is None:
        return _("%(who)s discarded the draft on %(when)s. Yours is kept here: save it to begin a new one.") % last_to(
            changes("RuleDraft", rule_id=rule.pk)
        )
    if draft.note and draft.state == DRAFT:
        told = last_to(changes("RuleDraft", rule_id=rule.pk)) | {"note": draft.note}
        return _("%(who)s sent the draft back on %(when)s: “%(note)s”. Look at it, then save yours again.") % told
    told = {"who": str(asked_by(draft) or _("Somebody")), "when": said_at(draft.saved_at)}
    if draft.state == IN_REVIEW:
        return _("%(who)s asked for approval on %(when)s. Look at it, then save yours again.") % told
    return _("%(who)s saved the draft on %(when)s. Look at it, then save yours again.") % told


def gone(rule: Rule) -> str:
    return _("%(who)s discarded this rule on %(when)s. Make a new one to keep yours.") % last_to(
        changes("Rule", pgh_obj_id=rule.pk)
    )


def over(rule: Rule) -> str:
    return _("%(who)s ended this rule on %(when)s. Make a new one to keep yours.") % last_to(
        changes("Rule", pgh_obj_id=rule.pk)
    )


def changes(of: str, **which: object):  # type: ignore[no-untyped-def]  # a model that the audit makes
    """What the audit has of these rows, the newest last."""
    return apps.get_model(f"kpis.{of}Change").objects.filter(**which).order_by("pgh_id")


def last_to(found) -> dict[str, str]:  # type: ignore[no-untyped-def]  # of `changes`
    changed = found.last()
    return {
        "who": str(signer(changed) or _("Somebody")),
        "when": said_at(changed.pgh_created_at) if changed else "",
    }


# The rows


def begun(rule: Rule) -> RuleDraft:
    """A new draft. Its revisions follow those of the drafts before it, so that nobody takes it for one that is gone."""
    newest = newest_version(rule)
    before = changes("RuleDraft", rule_id=rule.pk).aggregate(last=Max("revision"))["last"] or 0
    return RuleDraft(rule=rule, based_on=newest.number if newest else 0, revision=before)


def put(draft: RuleDraft, state: RuleDraft.State, by: User, as_of: datetime) -> None:
    """Write it. `by` signs the audit; draft.by, who wrote what it says, stays."""
    draft.state, draft.note, draft.saved_at = state, "", as_of
    draft.revision += 1
    with pghistory.context(user=by.pk):
        draft.save()


def put_version(
    rule: Rule,
    definition: dict[str, Any],
    reason: str,
    *,
    by: User,
    author: User | None,
    as_of: datetime,
    approved_by: User | None = None,
    restores: RuleVersion | None = None,
) -> RuleVersion:
    newest = newest_version(rule)
    with pghistory.context(user=by.pk):
        return RuleVersion.objects.create(
            rule=rule,
            number=newest.number + 1 if newest else 1,
            definition=definition,
            reason=reason,
            by=author,
            approved_by=approved_by,
            published_at=as_of,
            restores=restores,
        )


def put_rule(rule: Rule, by: User) -> None:
    """Write it, unless another one has its name or is made from its signal."""
    try:
        with transaction.atomic(), pghistory.context(user=by.pk):
            rule.save()
    except IntegrityError as error:
        if Rule.objects.filter(name=rule.name).exclude(pk=rule.pk).exists():
            raise ValidationError(
                _("There is a rule “%(name)s” already. Choose another name."), params={"name": rule.name}, code="name"
            ) from error
        raise ValidationError(_("There is a rule from this signal already."), code="signal") from error


def rename(rule: Rule, name: str, by: User) -> None:
    if rule.state != NEW:
        raise ValidationError(_("A rule that was published keeps its name."), code="name")
    rule.name = checked_name(name)
    put_rule(rule, by)


def set_state(rule: Rule, state: Rule.State, by: User) -> Rule:
    if rule.state != state:
        rule.state = state
        with pghistory.context(user=by.pk):
            rule.save(update_fields=["state"])
    return rule


# Refusals


def needed(draft: RuleDraft | None) -> RuleDraft:
    if draft is None:
        raise ValidationError(_("There is no draft. Change something and save it first."), code="draft")
    return draft


def check_editor(user: User) -> None:
    if user.role not in EDITORS:
        raise NotAllowed(_("Only editors and approvers of HQ change rules."), code="editor")


def check_not_ended(rule: Rule) -> None:
    if rule.state == ENDED:
        raise ValidationError(_("“%(rule)s” has ended. Make a new rule."), params={"rule": rule}, code="ended")


def check_state(rule: Rule, among: set[Rule.State]) -> None:
    """Refuse what somebody else may have done meanwhile."""
    check_not_ended(rule)
    if rule.state not in among:
        sentences = {
            NEW: _("“%(rule)s” was never published."),
            LIVE: _("“%(rule)s” is live."),
            PAUSED: _("“%(rule)s” is paused."),
        }
        raise ValidationError(sentences[Rule.State(rule.state)], params={"rule": rule}, code="state")


def check_savable(definition: object, reason: str) -> None:
    """Anything may be missing, nothing may be what no database keeps."""
    if not isinstance(definition, dict):
        raise ValidationError(_("This is not a rule that can be read."), code="definition")
    if problem := definitions.cannot_be_kept(definition):
        raise ValidationError(problem, code="definition")
    check_length(reason.strip(), code="reason")


def checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise ValidationError(_("Give the rule a name."), code="name")
    if len(name) > LONGEST_NAME:
        raise ValidationError(_("Keep the name within %(n)d characters."), params={"n": LONGEST_NAME}, code="name")
    return name


def check_reason(reason: str) -> None:
    if not reason:
        raise ValidationError(_("Say in a sentence why the rule changes."), code="reason")
    check_length(reason, code="reason")


def complete(definition: dict[str, Any], known: Known | None, as_of: datetime) -> Definition:
    """What it says, if it may be published: the first problem otherwise, in its sentence."""
    try:
        found = definitions.read(definition, known, today=as_of.date())
    except ConditionError as error:
        raise ValidationError(error.problems[0].sentence, code="definition") from error
    if problem := rules.problem_with_segments(found, rules.segments_there([found])):
        raise ValidationError(problem, code="definition")
    return found


def version_of(rule: Rule, number: int) -> RuleVersion:
    version = rule.versions.filter(number=number).first()
    if version is None:
        raise ValidationError(
            _("“%(rule)s” has no version %(number)d."), params={"rule": rule, "number": number}, code="version"
        )
    return version
