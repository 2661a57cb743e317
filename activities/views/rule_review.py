"""The review of a rule: whom it reaches, what changes, and that it is asked for, sent back, published or discarded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from distributors.access import EDITORS, HQ, access
from distributors.conditions import ConditionError
from distributors.conditions.worded import Names
from distributors.desk import page
from distributors.http import SeeOther, reader
from distributors.models import User
from distributors.wording import number
from kpis import definitions, rule_drafts
from kpis.definitions import Definition
from kpis.models import Rule, RuleDraft, RuleVersion
from kpis.priorities import LONGEST_REASON
from kpis.views.sent import seen_in
from kpis.views.version_said import who_said
from kpis.wording import said_at

from ..ranking import shelf as shelves
from ..rules import counting, doubts, tried_on
from .rule_complete import check_complete, names_of, problems_of
from .rule_shared import (
    clean,
    may_edit,
    newest_of,
    reach,
    rule_of,
    said_by,
    status_of,
)


@access(HQ)
@require_safe
def rule_review(request: HttpRequest, pk: int) -> HttpResponse:
    return review_page(request, rule_of(pk))


@access(EDITORS)
@require_POST
def rule_ask(request: HttpRequest, pk: int) -> HttpResponse:
    found, reason, as_of = rule_of(pk), clean(request.POST.get("reason", "")), timezone.now()
    shelf = shelves.current()
    names = names_of(shelf)
    try:
        check_complete(rule_drafts.of(found), shelf, names, as_of)
        rule_drafts.ask(
            rule=found, seen=seen_in(request.POST), reason=reason, by=reader(request), as_of=as_of, known=names
        )  # fmt: skip
    except ValidationError as problem:
        return review_page(request, found, reason=reason, problem=problem)
    messages.success(request, _("An approver can publish it now. Nothing has reached the field yet."))
    return SeeOther(reverse("rule_review", args=[pk]))


@access(EDITORS)
@require_POST
def rule_publish(request: HttpRequest, pk: int) -> HttpResponse:
    found, reason, as_of = rule_of(pk), clean(request.POST.get("reason", "")), timezone.now()
    draft, shelf = rule_drafts.of(found), shelves.current()
    names = names_of(shelf)
    try:
        check_complete(draft, shelf, names, as_of)
        version = rule_drafts.publish(
            rule=found, seen=seen_in(request.POST), reason=reason, by=reader(request), as_of=as_of,
            reach=reach(draft.definition, as_of).most if draft else 0, counted=draft.revision if draft else 0, known=names,
        )  # fmt: skip
    except ValidationError as problem:
        return review_page(request, found, reason=reason, problem=problem)
    said = _("Version %(number)d is live. Everybody’s next page follows it, and notices go out within a minute.")
    messages.success(request, said % {"number": version.number})
    return SeeOther(reverse("rule", args=[pk]))


@access(EDITORS)
@require_POST
def rule_send_back(request: HttpRequest, pk: int) -> HttpResponse:
    found, note = rule_of(pk), clean(request.POST.get("note", ""))
    try:
        rule_drafts.send_back(
            rule=found, seen=seen_in(request.POST), note=note, by=reader(request), as_of=timezone.now()
        )
    except ValidationError as problem:
        return review_page(request, found, note=note, problem=problem)
    messages.success(request, _("The draft is back with your note."))
    return SeeOther(reverse("rule", args=[pk]))


@access(EDITORS)
@require_POST
def rule_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """The draft, and the rule with it when it was never published."""
    found = rule_of(pk)
    try:
        rule_drafts.discard(rule=found, seen=seen_in(request.POST), by=reader(request))
    except ValidationError as problem:
        for message in problem.messages:
            messages.error(request, message)
        return SeeOther(reverse("rule", args=[pk]))
    if Rule.objects.filter(pk=pk).exists():
        messages.success(request, _("The draft is gone. What is live stays as it is."))
        return SeeOther(reverse("rule", args=[pk]))
    messages.success(request, _("“%(rule)s” is gone. It was never published.") % {"rule": found})
    return SeeOther(reverse("rules"))


def review_page(
    request: HttpRequest,
    found: Rule,
    *,
    reason: str | None = None,
    note: str = "",
    problem: ValidationError | None = None,
) -> HttpResponse:
    """The page as it is now, with what was typed and, after a refusal, why."""
    as_of, shelf = timezone.now(), shelves.current()
    names, draft, newest = names_of(shelf), rule_drafts.of(found), newest_of(found)
    definition, problems = problems_of(draft.definition, shelf, names, as_of) if draft else (None, [])
    code = getattr(problem, "code", "") if problem else ""
    context: dict[str, Any] = {
        "title": _("Review and publish"),
        "rule": found,
        "draft": draft,
        "newest": newest,
        "number": newest.number + 1 if newest else 1,
        "now": said_by(draft.definition, names)[1] if draft and definition else "",
        "before": said_by(newest.definition, names)[1] if newest else "",
        "before_who": who_said(newest) if newest else "",
        "changes": changes(newest, definition),
        "incomplete": [one.sentence for one in problems],
        "seen": rule_drafts.seen_of(draft, newest),
        "reason": draft.reason if draft and reason is None else reason or "",
        "note": note,
        "longest": LONGEST_REASON,
        "saved": said_at(draft.saved_at) if draft else "",
        "asked_by": rule_drafts.asked_by(draft) if draft and draft.state == RuleDraft.State.IN_REVIEW else None,
        "edits": may_edit(request),
        "problem": " ".join(problem.messages) if problem else "",
        "at_field": code if code in {"reason", "note"} else "",
        **figures(found, draft, definition, names, reader(request), as_of),
    }
    return page(request, "activities/desk/rule_review.html", context, status=status_of(problem))


def figures(
    found: Rule, draft: RuleDraft | None, definition: Definition | None, names: Names, user: User, as_of: datetime
) -> dict[str, Any]:
    """Whom it reaches, what to know before, and what this reader may do with it (`part`) or why not more (`why`)."""
    if draft is None:
        return {"part": "nothing"}
    if definition is None:
        return {"part": "incomplete"}
    crowd = tried_on.of(as_of)
    counts = counting.of_crowd(counting.parts_of(definition), crowd)
    reached = reach(draft.definition, as_of)
    return {
        "reached": reached.most,
        "reached_said": number(reached.most),
        "today": reached.today,
        "today_said": number(reached.today),
        "grows": reached.most > reached.today and not reached.from_others,
        "from_others": reached.from_others,
        "field_said": number(crowd.total),
        "warnings": doubts.of(counts, crowd, found, names),
        **part_of(draft, user, as_of, reached.most),
    }


def part_of(draft: RuleDraft, user: User, as_of: datetime, reached: int) -> dict[str, Any]:
    if user.role not in EDITORS:
        return {"part": "read"}
    if rule_drafts.approves(draft, user):
        return {"part": "approve"}
    why = rule_drafts.may_publish(draft, user, as_of, reached)
    if not why:
        return {"part": "publish"}
    return {"part": "wait" if draft.state == RuleDraft.State.IN_REVIEW else "ask", "why": why}


def changes(newest: RuleVersion | None, definition: Definition | None) -> list[str]:
    """Beside the sentence: numbers that moved, which it does not say."""
    if newest is None or definition is None:
        return []
    try:
        old = definitions.read(newest.definition)
    except ConditionError:
        return []
    found = [
        (_("Priority %(before)d to %(after)d"), old.priority, definition.priority),
        (_("Quiet time %(before)d to %(after)d days"), old.cooldown_days, definition.cooldown_days),
        (_("Held back %(before)d to %(after)d in 100 teams"), old.held_back, definition.held_back),
    ]
    return [said % {"before": before, "after": after} for said, before, after in found if before != after]
