"""Where HQ writes a rule: the builder, which keeps what is typed whatever happens, and the review before it is published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from distributors.access import EDITORS, HQ, access
from distributors.conditions import ConditionError, Problem
from distributors.conditions.worded import Names
from distributors.desk import page
from distributors.http import SeeOther
from distributors.models import User
from kpis import definitions, rule_drafts, rules
from kpis.definitions import Definition
from kpis.drafts import DraftConflict, Seen
from kpis.models import Rule, RuleDraft, RuleVersion
from kpis.priorities import LONGEST_REASON
from kpis.rule_effects import LEADER, Trigger
from kpis.wording import said_at

from ..ranking import shelf as shelves
from ..ranking.shelf import Shelf
from ..rules import builder, counting, doubts, moving, naming, tried_on
from ..rules.form_rows import Json, definition_of
from . import rule_check
from .rules import (
    clean,
    may_edit,
    newest_of,
    number,
    reach,
    reader,
    rule_of,
    said_by,
    seen_in,
    signed,
    status_of,
)

SAVE, REVIEW, NEW = "save", "review", "new"


# The builder


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
        seen_in(request),
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
        "newest": newest,
        "number": newest.number + 1 if newest else 1,
        "form": builder.of(typed.definition, shown, builder.words(names, shelf), focus),
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


def names_of(shelf: Shelf) -> Names:
    return naming.of(get_language() or "en", shelf)


def problems_of(said: Json, shelf: Shelf, names: Names, as_of: datetime) -> tuple[Definition | None, list[Problem]]:
    """Everything that would keep it from being published, or what it reads as."""
    try:
        found = definitions.read(said, names, today=as_of.date())
    except ConditionError as refused:
        return None, list(dict.fromkeys(refused.problems))
    problems = list(wrong_for_leaders(found, shelf))
    if why := rules.problem_with_segments(found, rules.segments_there([found])):
        problems.append(Problem("", why))
    return (None if problems else found), problems


def wrong_for_leaders(found: Definition, shelf: Shelf) -> Iterator[Problem]:
    """Rules know activities by key alone; whom one is about is known here."""
    by_key = {one.key: one for one in shelf.activities}
    for place, effect in enumerate(found.then):
        one = by_key.get(effect.activity) if isinstance(effect, Trigger) and effect.to == LEADER else None
        if one is not None and not builder.suits_leader(one):
            said = _("A leader is asked about the person or about nobody. Choose an activity that is about a recruit.")
            yield Problem(f"then.{place}.activity", said)


def check_complete(draft: RuleDraft | None, shelf: Shelf, names: Names, as_of: datetime) -> None:
    """ValidationError with the first thing that is missing or wrong."""
    problems = problems_of(draft.definition, shelf, names, as_of)[1] if draft else []
    if problems:
        raise ValidationError(problems[0].sentence, code="definition")


def is_empty_at(said: Json, path: str) -> bool:
    """Whether nothing stands there yet: a field to be filled in, rather than one that is wrong."""
    value: Any = said
    for step in filter(None, path.split(".")):
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return True
    return value in (None, "", [], {}) or value == ["", ""]


def theirs(draft: RuleDraft | None, newest: RuleVersion | None, names: Names) -> str:
    """What the other one left, in its sentence."""
    said = draft.definition if draft else newest.definition if newest else None
    if said is None:
        return ""
    return said_by(said, names)[1] or _("It is not complete yet.")


# The review


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
            rule=found, seen=seen_in(request), reason=reason, by=reader(request), as_of=as_of, known=names
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
            rule=found, seen=seen_in(request), reason=reason, by=reader(request), as_of=as_of,
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
        rule_drafts.send_back(rule=found, seen=seen_in(request), note=note, by=reader(request), as_of=timezone.now())
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
        rule_drafts.discard(rule=found, seen=seen_in(request), by=reader(request))
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
        "before_who": signed(newest) if newest else "",
        "changes": changes(newest, definition),
        "incomplete": [one.sentence for one in problems],
        "seen": rule_drafts.seen_of(draft, newest),
        "reason": draft.reason if draft and reason is None else reason or "",
        "note": note,
        "longest": LONGEST_REASON,
        "saved": said_at(draft.saved_at) if draft else "",
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
