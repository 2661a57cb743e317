"""One rule with its versions: whether it counts, and back to an earlier one."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from distributors import versions
from distributors.access import EDITORS, HQ, access
from distributors.conditions.worded import Names
from distributors.desk import page
from distributors.http import SeeOther, reader
from distributors.wording import percent
from kpis import rule_drafts, rules
from kpis.models import Firing, Rule, RuleVersion
from kpis.priorities import LONGEST_REASON
from kpis.views.sent import Back, seen_in
from kpis.views.version_said import who_said

from ..ranking import shelf as shelves
from ..rules import failing, naming
from .rule_shared import (
    LOOKS,
    State,
    failing_said,
    may_edit,
    names_now,
    newest_of,
    reach_of,
    rule_of,
    said_by,
    status_of,
)
from .rules import warnings_of

#: Firings that the page of a rule shows.
SHOWN = 10


@dataclass(frozen=True)
class Told:
    """A version as the page says it."""

    version: RuleVersion
    sentence: str
    who: str
    notes: list[str]
    restorable: bool


@access(HQ)
@require_safe
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    return rule_page(request, rule_of(pk))


@access(EDITORS)
@require_POST
def rule_pause(request: HttpRequest, pk: int) -> HttpResponse:
    found = rule_of(pk)
    try:
        rule_drafts.pause(rule=found, by=reader(request), as_of=timezone.now())
    except ValidationError as problem:
        return rule_page(request, found, problem)
    messages.success(request, _("“%(rule)s” is paused. From the next page on it does nothing.") % {"rule": found})
    return SeeOther(reverse("rule", args=[pk]))


@access(EDITORS)
@require_POST
def rule_resume(request: HttpRequest, pk: int) -> HttpResponse:
    found, as_of = rule_of(pk), timezone.now()
    try:
        newest = newest_of(found)
        rule_drafts.resume(
            rule=found, by=reader(request), as_of=as_of, reach=reach_of(newest, as_of),
            counted=newest.number if newest else 0,
        )  # fmt: skip
    except ValidationError as problem:
        return rule_page(request, found, problem)
    messages.success(request, _("“%(rule)s” is live again.") % {"rule": found})
    return SeeOther(reverse("rule", args=[pk]))


@access(EDITORS)
@require_POST
def rule_end(request: HttpRequest, pk: int) -> HttpResponse:
    found = rule_of(pk)
    try:
        rule_drafts.end(rule=found, by=reader(request), as_of=timezone.now())
    except ValidationError as problem:
        return rule_page(request, found, problem)
    messages.success(request, _("“%(rule)s” has ended. What it did stays to be read here.") % {"rule": found})
    return SeeOther(reverse("rule", args=[pk]))


@access(EDITORS)
@require_POST
def rule_restore(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Back to an earlier version in one step: it becomes the next one."""
    found, as_of = rule_of(pk), timezone.now()
    earlier = found.versions.filter(number=number).first()
    try:
        version = rule_drafts.restore(
            rule=found, number=number, reason=request.POST.get("reason", ""), by=reader(request), as_of=as_of,
            seen=seen_in(request.POST), reach=reach_of(earlier, as_of), known=names_now(),
        )  # fmt: skip
    except ValidationError as problem:
        return rule_page(request, found, problem, Back(number, request.POST.get("reason", "")))
    said = {"number": version.number, "old": number}
    messages.success(request, _("Version %(number)d says what version %(old)d said.") % said)
    return SeeOther(reverse("rule", args=[pk]))


def rule_page(
    request: HttpRequest, found: Rule, problem: ValidationError | None = None, typed: Back | None = None
) -> HttpResponse:
    found.refresh_from_db()
    as_of = timezone.now()
    numbers = versions.current()
    shelf = shelves.of(numbers)
    names = naming.of(get_language() or "en", shelf)
    made = list(found.versions.select_related("by", "approved_by", "restores"))
    draft = rule_drafts.of(found)
    newest = made[0] if made else None
    definition, sentence = said_by(newest.definition if newest else draft.definition if draft else {}, names)
    book = rules.book(numbers)
    broken = next((one.sentence for one in book.broken if one.rule.pk == found.pk), "")
    context = {
        "title": found.name,
        "rule": found,
        "look": LOOKS.get(State(found.state), ""),
        "definition": definition,
        "sentence": sentence,
        "newest": newest,
        "draft": draft,
        "number": newest.number + 1 if newest else 1,
        "versions": [told(one, newest, names) for one in made],
        "fired": fired_of(found),
        "broken": broken,
        "failing": failing_said(failing.failing(as_of).get(found.pk), newest, as_of)
        if found.state == State.LIVE
        else "",
        "warnings": warnings_of(numbers, book, names, shelf).get(found.pk, []),
        "seen": rule_drafts.seen_of(draft, newest),
        "edits": may_edit(request),
        "longest": LONGEST_REASON,
        "typed": typed,
        "problem": " ".join(problem.messages) if problem else "",
    }
    return page(request, "activities/desk/rule.html", context, status=status_of(problem))


def told(version: RuleVersion, newest: RuleVersion | None, names: Names) -> Told:
    definition, sentence = said_by(version.definition, names)
    notes = []
    if definition is not None:
        notes.append(_("Priority %(n)d") % {"n": definition.priority})
        notes.append(
            ngettext("fires again after %(n)d day", "fires again after %(n)d days", definition.cooldown_days)
            % {"n": definition.cooldown_days}
        )
        if definition.held_back:
            notes.append(_("%(share)s held back") % {"share": percent(definition.held_back)})
    return Told(
        version=version,
        sentence=sentence or _("It cannot be read any more."),
        who=who_said(version),
        notes=notes,
        restorable=definition is not None and newest is not None and version.definition != newest.definition,
    )


def fired_of(found: Rule) -> list[Firing]:
    """The newest firings. On what figures stands on rule_person, which writes down who looked."""
    return list(Firing.objects.filter(rule=found).select_related("distributor").order_by("-at", "-pk")[:SHOWN])
