"""HQ's rules: the list of them, and how one begins. They are written in rule_edit.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from distributors import versions
from distributors.access import EDITORS, HQ, access
from distributors.conditions.worded import Names
from distributors.desk import page
from distributors.http import SeeOther, reader
from distributors.kept import Kept
from distributors.wording import number
from kpis import conflicts, definitions, rule_drafts, rules, signals
from kpis.models import Firing, Rule, RuleDay, RuleDraft, RuleVersion
from kpis.rule_effects import Offer
from kpis.rules import Book

from ..evidence.slate_table import FIELD
from ..ranking import shelf as shelves
from ..ranking.shelf import Shelf
from ..rules import failing, naming
from ..rules.counting import share_said
from ..rules.decisions import offer_of
from .rule_shared import LOOKS, State, clean, failing_said, may_edit, said_by

#: A sweep that is older says nothing about today.
LATELY = timedelta(days=2)
WEEK = timedelta(days=7)
#: What the list may be limited to, by `?state=`.
FILTERS: list[tuple[str, str | Promise]] = [
    ("", gettext_lazy("All")),
    ("live", gettext_lazy("Live")),
    ("draft", gettext_lazy("Drafts")),
    ("paused", gettext_lazy("Paused")),
    ("ended", gettext_lazy("Ended")),
]


@dataclass(frozen=True)
class Line:
    rule: Rule
    sentence: str
    state: str
    look: str  # of its chip
    notes: list[str]  # what the draft on its way is
    matched: str = ""
    share: str = ""
    fired: str = ""
    priority: int | None = None
    who: str = ""
    at: datetime | None = None
    broken: str = ""
    failing: str = ""
    warnings: list[str] = field(default_factory=list)
    nobody: bool = False


@access(HQ)
@require_safe
def rule_list(request: HttpRequest) -> HttpResponse:
    return list_page(request)


@access(EDITORS)
@require_POST
def rule_new(request: HttpRequest) -> HttpResponse:
    """An empty draft under a name, to be written in the builder."""
    name = clean(request.POST.get("name", ""))
    try:
        made = rule_drafts.make(name=name, definition={}, by=reader(request), as_of=timezone.now())
    except ValidationError as problem:
        return list_page(request, name=name, problem=problem)
    return SeeOther(reverse("rule_edit", args=[made.pk]))


@access(EDITORS)
@require_POST
def rule_signals(request: HttpRequest) -> HttpResponse:
    """The ready-made signals that are not there yet, as drafts."""
    made = signals.add_missing(reader(request), timezone.now())
    messages.success(
        request,
        ngettext(
            "%(n)d signal is there as a draft. Read it and publish it.",
            "%(n)d signals are there as drafts. Read them and publish those you want.",
            len(made),
        )
        % {"n": len(made)},
    )
    return SeeOther(reverse("rules"))


@access(HQ)
@require_safe
def rule_schema(request: HttpRequest) -> HttpResponse:
    """What the JSON of a rule may be, as JSON Schema."""
    return JsonResponse(definitions.schema(), json_dumps_params={"indent": 2}, content_type="application/schema+json")


def list_page(request: HttpRequest, *, name: str = "", problem: ValidationError | None = None) -> HttpResponse:
    asked, as_of = request.GET.get("state", ""), timezone.now()
    found = list(Rule.objects.select_related("draft__by"))
    counted = Counter(one for rule in found for one in states_of(rule))
    shown = [rule for rule in found if not asked or asked in states_of(rule)] if asked in counted else found
    context = {
        "title": _("Rules"),
        "lines": lines_of(shown, as_of),
        "filters": [(value, label, counted[value] if value else len(found)) for value, label in FILTERS],
        "asked": asked if asked in counted else "",
        "any": bool(found),
        "missing": len(signals.missing()),
        "edits": may_edit(request),
        "name": name,
        "longest": rule_drafts.LONGEST_NAME,
        "problem": " ".join(problem.messages) if problem else "",
    }
    return page(request, "activities/desk/rules.html", context, status=422 if problem else 200)


def states_of(rule: Rule) -> set[str]:
    """Under which filters it stands: a live one with a draft under both."""
    return {rule.state} | ({"draft"} if draft_of(rule) else set())


def draft_of(rule: Rule) -> RuleDraft | None:
    return getattr(rule, "draft", None)


def lines_of(found: Sequence[Rule], as_of: datetime) -> list[Line]:
    """The live ones first, then what waits, in the order in which they count."""
    numbers = versions.current()
    shelf, book = shelves.of(numbers), rules.book(numbers)
    names = naming.of(get_language() or "en", shelf)
    newest = {one.rule_id: one for one in newest_versions(found)}
    days, fired = newest_days(found, as_of), fired_lately(found, as_of)
    broken = {one.rule.pk: one for one in book.broken}
    warned = warnings_of(numbers, book, names, shelf)
    failed = failing.failing(as_of)
    lines = []
    for rule in found:
        version, draft = newest.get(rule.pk), draft_of(rule)
        said = version.definition if version else draft.definition if draft else {}
        definition, sentence = said_by(said, names)
        matched, people = days.get(rule.pk, (0, 0))
        lines.append(
            Line(
                rule=rule,
                sentence=sentence,
                state=rule.get_state_display(),
                look=LOOKS.get(State(rule.state), ""),
                notes=[draft.get_state_display()]
                if draft and (version or draft.state == draft.State.IN_REVIEW)
                else [],
                matched=number(matched) if rule.pk in days else "",
                share=share_said(matched, people) if people else "",
                fired=number(fired.get(rule.pk, 0)) if rule.state == State.LIVE or rule.pk in fired else "",
                priority=definition.priority if definition else None,
                **changed(version, draft),
                broken=broken[rule.pk].sentence if rule.pk in broken else "",
                failing=failing_said(failed.get(rule.pk), version, as_of) if rule.state == State.LIVE else "",
                warnings=warned.get(rule.pk, []),
                nobody=rule.state == State.LIVE and rule.pk in days and not matched,
            )
        )
    order = [State.LIVE, State.DRAFT, State.PAUSED, State.ENDED]
    return sorted(lines, key=lambda one: (order.index(State(one.rule.state)), -(one.priority or 0), one.rule.name))


def newest_versions(found: Iterable[Rule]) -> QuerySet[RuleVersion]:
    return (
        RuleVersion.objects.filter(rule__in=list(found))
        .order_by("rule_id", "-number")
        .distinct("rule_id")
        .select_related("by")
    )


def newest_days(found: Iterable[Rule], as_of: datetime) -> dict[int, tuple[int, int]]:
    """By rule for how many people it held at the newest sweep, and of how many; each market's newest day."""
    rows = RuleDay.objects.filter(rule__in=list(found), day__gte=(as_of - LATELY).date())
    counts: dict[int, tuple[int, int]] = {}
    for day in rows.order_by("rule_id", "market_id", "-day").distinct("rule_id", "market_id"):
        matched, people = counts.get(day.rule_id, (0, 0))
        counts[day.rule_id] = matched + day.matched, people + day.people
    return counts


def fired_lately(found: Iterable[Rule], as_of: datetime) -> dict[int, int]:
    """By rule how often it acted for somebody: who is held back is none of them, as on the rule's page."""
    rows = Firing.objects.filter(rule__in=list(found), at__gt=as_of - WEEK, held_back=False).order_by()
    return dict(rows.values_list("rule").annotate(n=Count("pk")))


#: By the versions of rules and of what they name, and by language: what live rules say against each other.
WARNED: Kept[dict[int, list[str]]] = Kept(most=6)


def warnings_of(numbers: Mapping[str, int], book: Book, names: Names, shelf: Shelf) -> dict[int, list[str]]:
    """Sentences by rule. Each is held against each: with hundreds of rules that takes a second, so it is kept."""
    return WARNED.of(
        (get_language(), *numbers.items()),
        lambda: warned_in(book, names, offer_of(shelf)),
        holds=lambda: versions.current() == numbers,
    )


def warned_in(book: Book, names: Names, offer: Offer) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for one in book.rules:
        others = [other for other in book.rules if other is not one]
        if told := conflicts.conflicts(one.definition, others, offer=offer, names=names):
            found[one.rule.pk] = [FIELD.sub("…", conflict.sentence) for conflict in told]
    return found


def changed(version: RuleVersion | None, draft: RuleDraft | None) -> dict[str, Any]:
    """Who changed it last, and when: its draft when it has one."""
    if draft is not None:
        return {"who": str(draft.by or _("Somebody")), "at": draft.saved_at}
    if version is not None:
        return {"who": str(version.by or _("Somebody")), "at": version.published_at}
    return {}
