"""Where HQ writes a rule: the builder, which keeps what is typed whatever happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from distributors.access import EDITORS, access
from distributors.conditions.worded import Names
from distributors.desk import page
from distributors.http import SeeOther, reader
from kpis import rule_drafts
from kpis.drafts import DraftConflict, Seen
from kpis.models import Rule, RuleDraft, RuleVersion
from kpis.priorities import LONGEST_REASON
from kpis.views.sent import seen_in

from ..ranking import shelf as shelves
from ..rules import builder, counting, form_drawing, moving
from ..rules.form_rows import Json, definition_of
from . import rule_check
from .rule_complete import is_empty_at, names_of, problems_of
from .rule_shared import (
    clean,
    newest_of,
    rule_of,
    said_by,
    status_of,
)

SAVE, REVIEW, NEW = "save", "review", "new"


@dataclass(frozen=True)
class Typed:
    """What the form holds: as it is stored, or as it was sent."""

    definition: Json
    reason: str
    name: str
    seen: Seen
    stored: bool = False  # as it is, nothing to be saved


@access(EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def rule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Every button of the form comes here, by its `do`.

    `save` and `review` keep it, `new` keeps it as another rule, all others show it again, changed.
    """
    if request.method != "POST":
        found = rule_of(pk)
        if found.state == Rule.State.ENDED:
            return SeeOther(reverse("rule", args=[pk]))
        return edit_page(request, found, stored(found))
    found, typed, do = there(pk), sent(request), request.POST.get("do", "")
    if do == NEW:
        return save_as_new(request, found, typed)
    if do in {SAVE, REVIEW} and not lost(found):
        return save(request, found, typed, goes_on=do == REVIEW)
    pressed = moving.pressed(typed.definition, do)
    typed = Typed(pressed.definition, typed.reason, typed.name, typed.seen)
    return edit_page(request, found, typed, focus=pressed.at)


def there(pk: int) -> Rule:
    """The rule, or what is known of one that was discarded while somebody typed."""
    found = Rule.objects.filter(pk=pk).first()
    if found is None:
        last = rule_drafts.changes("Rule", pgh_obj_id=pk).last()
        if last is None:
            raise Http404
        found = Rule(pk=pk, name=last.name)
    return found


def lost(found: Rule) -> str:
    """Why nothing is saved to it any more, and by whom; empty when it can be."""
    if found._state.adding:
        return rule_drafts.gone(found)
    if found.state == Rule.State.ENDED:
        return rule_drafts.over(found)
    return ""


def stored(found: Rule) -> Typed:
    """The draft, else what was published last, to begin the next version from."""
    draft, newest = rule_drafts.of(found), newest_of(found)
    said = draft.definition if draft else newest.definition if newest else {}
    return Typed(said, draft.reason if draft else "", found.name, rule_drafts.seen_of(draft, newest), stored=True)


def sent(request: HttpRequest) -> Typed:
    return Typed(
        definition_of(request.POST),
        clean(request.POST.get("reason", "")),
        clean(request.POST.get("name", "")),
        seen_in(request.POST),
    )


def save(request: HttpRequest, found: Rule, typed: Typed, *, goes_on: bool) -> HttpResponse:
    """Keep it, complete or not; on to the review only when it is complete."""
    draft = rule_drafts.of(found)
    if not says(draft, typed):
        try:
            rule_drafts.save(
                rule=found, definition=typed.definition, reason=typed.reason, seen=typed.seen, by=reader(request),
                as_of=timezone.now(), name=typed.name,
            )  # fmt: skip
        except ValidationError as problem:
            return edit_page(request, there(found.pk), typed, problem=problem)
    shelf = shelves.current()
    _definition, problems = problems_of(typed.definition, shelf, names_of(shelf), timezone.now())
    if not goes_on:
        messages.success(request, saved_said(len(problems)))
        return SeeOther(reverse("rule_edit", args=[found.pk]))
    if problems:
        return edit_page(request, found, stored(found), complete=False)
    return SeeOther(reverse("rule_review", args=[found.pk]))


def save_as_new(request: HttpRequest, found: Rule, typed: Typed) -> HttpResponse:
    """What was typed for a rule that is gone or has ended, as the draft of another one."""
    try:
        made = rule_drafts.make(
            name=typed.name, definition=typed.definition, reason=typed.reason, by=reader(request), as_of=timezone.now()
        )
    except ValidationError as problem:
        return edit_page(request, found, typed, problem=problem)
    messages.success(request, _("“%(rule)s” is there as a draft, with all that you typed.") % {"rule": made})
    return SeeOther(reverse("rule_edit", args=[made.pk]))


def saved_said(left: int) -> str:
    if not left:
        return _("The draft is saved. Nothing reaches the field until you publish.")
    return ngettext(
        "The draft is saved. %(n)d thing is left to do before it can be published.",
        "The draft is saved. %(n)d things are left to do before it can be published.",
        left,
    ) % {"n": left}


def says(draft: RuleDraft | None, typed: Typed) -> bool:
    """Who goes on with what is stored already does not take over somebody else's draft, nor out of review."""
    return (
        draft is not None
        and draft.revision == typed.seen.revision
        and draft.definition == typed.definition
        and draft.reason == typed.reason.strip()
        and typed.name.strip() in {"", draft.rule.name}
    )


def edit_page(
    request: HttpRequest,
    found: Rule,
    typed: Typed,
    *,
    problem: ValidationError | None = None,
    focus: str = "",
    complete: bool = True,
) -> HttpResponse:
    """The form with what was typed. A refusal is told above it; when somebody was faster, theirs too.

    Where the rule is lost meanwhile, that is told, with a button that keeps what was typed as a new one.
    What is wrong is told with it; what is not filled in yet only when it was to be published (`complete` is False).
    """
    why_lost = lost(found)
    if why_lost and getattr(problem, "code", "") not in {"name", "reason", "definition"}:
        problem = DraftConflict(why_lost, code="conflict")
    as_of, shelf = timezone.now(), shelves.current()
    names = names_of(shelf)
    _definition, problems = problems_of(typed.definition, shelf, names, as_of)
    shown = [one for one in problems if not complete or not is_empty_at(typed.definition, one.path)]
    draft, newest = rule_drafts.of(found), newest_of(found)
    conflict = isinstance(problem, DraftConflict)
    context: dict[str, Any] = {
        "title": found.name,
        "rule": found,
        "draft": draft,
        "asked_by": rule_drafts.asked_by(draft) if draft and draft.state == draft.State.IN_REVIEW else None,
        "newest": newest,
        "number": newest.number + 1 if newest else 1,
        "form": builder.of(typed.definition, shown, form_drawing.words(names, shelf), focus),
        "sentence": rule_check.sentence(counting.parts_of(typed.definition, names), names),
        "incomplete": not complete,
        "typed": typed,
        # Whoever was told what another one did may save over it; anybody else is still to be told.
        "seen": rule_drafts.seen_of(draft, newest) if conflict else typed.seen,
        "theirs": theirs(draft, newest, names) if conflict and not why_lost else "",
        "lost": bool(why_lost),
        "problem": " ".join(problem.messages) if problem else "",
        "at_field": getattr(problem, "code", "") if problem else "",
        "may_rename": why_lost or found.state == Rule.State.DRAFT,
        "longest": LONGEST_REASON,
        "longest_name": rule_drafts.LONGEST_NAME,
    }
    status = status_of(problem) if problem else 200 if complete else 422
    if getattr(request, "htmx", False):
        return render(request, "activities/desk/_rule_fields.html", context | {"fragment": True}, status=status)
    return page(request, "activities/desk/rule_edit.html", context, status=status)


def theirs(draft: RuleDraft | None, newest: RuleVersion | None, names: Names) -> str:
    """What the other one left, in its sentence."""
    said = draft.definition if draft else newest.definition if newest else None
    if said is None:
        return ""
    return said_by(said, names)[1] or _("It is not complete yet.")
