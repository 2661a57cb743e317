"""What HQ sees of a rule before it is published, and why somebody got it or did not.

The three parts of the builder (for whom it holds, some of these people, the last seven days) are asked with what the form
says now. Without script each is a page of its own, from which the form is gone back to as it was. Asked without a form they
are about what is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from distributors import looks, zones
from distributors.access import EDITORS, HQ, access
from distributors.conditions import Leaf, checks, worded
from distributors.conditions.vocabulary import VOCABULARY
from distributors.conditions.worded import Names
from distributors.desk import page
from distributors.http import reader, typed
from distributors.models import Distributor, Look
from distributors.wording import number
from kpis import definitions
from kpis.models import Rule
from kpis.rule_effects import Join, Tell, Trigger

from ..evidence.slate_table import FIELD
from ..ranking.shelf import FALLBACK_LANGUAGE
from ..rules import counting, doubts, last_week, naming, tried_on, why
from ..rules.counting import Count, Counts, Parts, rounded, rounded_up, said_count, share_said
from ..rules.decisions import value_of
from ..rules.form_rows import Json, definition_of
from ..rules.last_week import Done, Replay
from ..rules.tried_on import Crowd
from .field_desk import FOUND, active

#: People shown with their facts.
SHOWN = 10
#: Height of the longest bar of a day.
BAR = 48
#: Facts with which somebody matches that are told of her.
MOST_FACTS = 6
#: Problems listed; the fields tell of each of them.
MOST_PROBLEMS = 5

either = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True)
class Asked:
    """A rule and what it would say: the form as it was sent, else what is stored."""

    rule: Rule
    raw: Json
    sent: list[tuple[str, str]]  # the form's fields, to go back to it with
    names: Names
    crowd: Crowd

    @cached_property
    def parts(self) -> Parts:
        """What is about to be published is to be ahead of today; what was published is read as it was."""
        return counting.parts_of(self.raw, self.names, self.crowd.as_of.date() if self.sent else None)


def asked(request: HttpRequest, pk: int) -> Asked:
    """Some ten queries, five when the people are kept."""
    rule = get_object_or_404(Rule, pk=pk)
    posted = request.method == "POST"
    crowd = tried_on.of(timezone.now())
    names = naming.of(get_language() or FALLBACK_LANGUAGE, crowd.shelf)
    fields = [(name, said) for name, values in request.POST.lists() for said in values if name != TOKEN]
    return Asked(rule, definition_of(request.POST) if posted else stored(rule, draft=True), fields, names, crowd)


TOKEN = "csrfmiddlewaretoken"  # noqa: S105 (a field's name)


def stored(rule: Rule, *, draft: bool) -> Json:
    """The open draft or the newest version: the draft first or last. Nothing where there is neither."""
    drafted = getattr(rule, "draft", None)
    newest = rule.versions.order_by("-number").first()
    either_of = [drafted, newest] if draft else [newest, drafted]
    raw: object = next((one.definition for one in either_of if one is not None), {})
    return raw if isinstance(raw, dict) else {}


@access(HQ)
@either
def rule_check(request: HttpRequest, pk: int) -> HttpResponse:
    """How it reads, for how many people each condition and the whole holds, what is wrong, what to think of."""
    one = asked(request, pk)
    counts = counting.of_crowd(one.parts, one.crowd)
    problems = list(dict.fromkeys(problem.sentence for problem in one.parts.problems))
    return answer(
        request,
        one,
        "check",
        _("For whom it holds"),
        {
            "beside": list(beside(one.raw, counts)),
            "total": total(counts),
            "sentence": sentence(counts.parts, one.names),
            "problems": problems[:MOST_PROBLEMS],
            "more_problems": len(problems[MOST_PROBLEMS:]),
            "unknown": unknown(counts),
            "warnings": doubts.of(counts, one.crowd, one.rule, one.names),
            "basis": basis(one.crowd),
        },
    )


@access(HQ)
@either
def rule_some(request: HttpRequest, pk: int) -> HttpResponse:
    """Ten people for whom it holds, each with the facts that made it so. Each look is written down first."""
    if request.method != "POST" and request.GET.get("q"):
        return searched(request, get_object_or_404(Rule, pk=pk))
    one = asked(request, pk)
    parts = one.parts
    matched = np.flatnonzero(counting.matched_of(parts, one.crowd))
    people = named(one.crowd, tried_on.first_of(one.crowd, matched, SHOWN))
    for person in people:
        looks.looked(person, by=reader(request), page=Look.Page.RULE, as_of=timezone.now())
    return answer(
        request,
        one,
        "people",
        _("Some of these people"),
        {
            "people": [(person, facts_of(person, parts, one)) for person in people],
            "finished": parts.whole,
            "of_how_many": of_how_many(len(people), counting.estimated(len(matched), one.crowd.seen, one.crowd.total)),
        },
    )


def searched(request: HttpRequest, rule: Rule) -> HttpResponse:
    """Whom a search finds, alone: she is looked for, and no ten others are looked at."""
    context = {"title": _("Why did somebody get it, or not?"), "rule": rule, "asks_why": True, **found(request)}
    context |= {"edits": reader(request).role in EDITORS}
    return page(request, "activities/desk/rule_part.html", context)


@access(HQ)
@either
def rule_week(request: HttpRequest, pk: int) -> HttpResponse:
    """What it would have done in the last seven days."""
    one = asked(request, pk)
    parts = one.parts
    if parts.definition is None:
        context: dict[str, Any] = {"problem": parts.problems[0].sentence}
    else:
        context = replayed(last_week.of(parts.definition, one.crowd, one.rule), one)
    return answer(request, one, "replay", _("The last seven days"), context)


def answer(request: HttpRequest, one: Asked, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
    """The fragment for htmx; else a page by itself with the form's fields to go back with."""
    context |= {"rule": one.rule}
    if request.headers.get("HX-Request") == "true":
        return render(request, f"activities/desk/_rule_{name}.html", context | {"beside_form": True})
    # Asked without a form, the people are the way to anybody: why she got it or did not.
    asks_why = name == "people" and not one.sent
    title = _("Why did somebody get it, or not?") if asks_why else title
    context |= {"title": title, "fragment": f"activities/desk/_rule_{name}.html", "sent": one.sent, "part": name}
    context["asks_why"] = asks_why
    context |= {"edits": reader(request).role in EDITORS, **found(request)}
    return page(request, "activities/desk/rule_part.html", context)


# How many


def total(counts: Counts) -> dict[str, str]:
    """412 · of 18,420 people, 2% · give or take 210"""
    if counts.matched is None:
        return {}
    error = counts.matched.error
    return {
        "figure": said_count(counts.matched),
        "of": ngettext("of %(n)s person", "of %(n)s people", counts.total) % {"n": number(counts.total)},
        "share": share_said(counts.share, 1),
        "error": _("give or take %(n)s") % {"n": number(rounded_up(error))} if error and counts.matched.people else "",
    }


def basis(crowd: Crowd) -> list[str]:
    """Counted over all 152 people. · From 5,000 of 100,000 people drawn by lot."""
    said = {"seen": number(crowd.seen), "total": number(crowd.total)}
    if crowd.whole:
        sentences = [
            ngettext(
                "Counted over %(total)s person who is active.",
                "Counted over all %(total)s people who are active.",
                crowd.total,
            )
            % said
        ]
    else:
        sentences = [_("Counted over %(seen)s of %(total)s active people, drawn by lot.") % said]
    if crowd.waiting:
        sentences.append(
            ngettext(
                "Of %(n)s of them the newest facts are still to be read.",
                "Of %(n)s of them the newest facts are still to be read.",
                crowd.waiting,
            )
            % {"n": number(crowd.waiting)}
        )
    at = timezone.localtime(crowd.as_of)
    clock = f"{date_format(at, pgettext('time format', 'H:i'))} {zones.label(at)}"
    sentences.append(_("As of %(time)s.") % {"time": clock})
    return sentences


def unknown(counts: Counts) -> list[str]:
    """“Chance that her sales halve” is not known for 150 of 150 people."""
    said = (
        ngettext(
            "“%(fact)s” is not known for %(n)s of %(all)s person.",
            "“%(fact)s” is not known for %(n)s of %(all)s people.",
            counts.total,
        )
        % {
            "fact": VOCABULARY[node.fact.name].label,
            "n": said_count(counts.unknown[path]),
            "all": number(counts.total),
        }
        for path, node in counts.parts.nodes.items()
        if isinstance(node, Leaf) and path in counts.unknown
    )
    return list(dict.fromkeys(said))


def beside(raw: Mapping[str, Any], counts: Counts) -> Iterator[tuple[str, str, str]]:
    """Of every condition and group the end of its id, its figure, and for how many what it asks is not known, if for most.

    The figure of one that does not read is empty.
    """
    for name in counting.TREES:
        if raw.get(name) is not None:
            for path, _part in counting.parts_in(raw[name], name):
                figure = said_count(counts.nodes[path]) if path in counts.nodes else ""
                missing = counts.unknown.get(path)
                aside = _("not known for %(n)s") % {"n": said_count(missing)} if missing else ""
                yield path.replace(".", "-"), figure, aside


def sentence(parts: Parts, names: Names) -> str:
    """The rule read back; of one that is not complete whom it is for, if that is."""
    if parts.definition is not None:
        return FIELD.sub("…", definitions.sentence(parts.definition, names))
    if parts.when is not None and parts.whole:
        return FIELD.sub("…", _("If %(when)s, then …") % {"when": worded.read_back(parts.when, names)})
    return ""


# Some of them


def named(crowd: Crowd, ids: list[int]) -> list[Distributor]:
    people = Distributor.objects.with_market().in_bulk(ids)
    return [people[pk] for pk in ids if pk in people]


def facts_of(person: Distributor, parts: Parts, one: Asked) -> list[str]:
    """The conditions that made it so, each with her number."""
    place = one.crowd.place(person.pk)
    if parts.when is None or place is None:
        return []
    columns = one.crowd.columns(counting.facts_in(parts))
    values = {fact: value_of(column, place) for fact, column in columns.items()}
    said = (
        worded.told(leaf, values[leaf.fact], to="hq", name=person.given_name, market=person.market, names=one.names)
        for _path, leaf in checks.reasons(parts.when, values)
    )
    return list(dict.fromkeys(said))[:MOST_FACTS]  # two conditions on one fact say it once


def of_how_many(shown: int, matched: Count) -> str:
    """10 of the 412 people for whom it holds."""
    if not shown:
        return ""
    return ngettext(
        "%(n)s of %(all)s person for whom it holds.", "%(n)s of %(all)s people for whom it holds.", matched.people
    ) % {"n": number(shown), "all": said_count(matched)}


# The last seven days


def replayed(found: Replay, one: Asked) -> dict[str, Any]:
    highest = max((day.fired.people for day in found.days), default=0)
    return {
        "said": would_have(found),
        "held_back": " ".join(filter(None, [held_back(found), nobody(found.nobody)])),
        "days": [
            {
                "day": day.day,
                "fired": number(rounded(day.fired)),
                "matched": said_count(day.matched),
                "height": height(day.fired.people, highest),
                "y": BAR - height(day.fired.people, highest),
            }
            for day in found.days
        ],
        "bar": BAR,
        "effects": [(effect_said(done, one.names), times_said(done), without_leader(done)) for done in found.effects],
        "basis": basis(one.crowd),
    }


def would_have(found: Replay) -> str:
    """It would have fired 412 times for 380 people."""
    if not found.times.people:
        return _("It would not have fired in these days.")
    said = {"times": said_count(found.times), "people": said_count(found.people)}
    times = ngettext("%(times)s time", "%(times)s times", found.times.people) % said
    people = ngettext("%(people)s person", "%(people)s people", found.people.people) % said
    if not found.times.error:
        return _("It would have fired %(times)s for %(people)s.") % {"times": times, "people": people}
    return _("It would have fired %(times)s for %(people)s, give or take %(n)s.") % {
        "times": times,
        "people": people,
        "n": number(rounded_up(found.people.error)),
    }


def held_back(found: Replay) -> str:
    n = found.held_back.people
    if not n:
        return ""
    return ngettext(
        "For %(n)s person of these it would have done nothing: her team is held back.",
        "For %(n)s people of these it would have done nothing: their teams are held back.",
        n,
    ) % {"n": said_count(found.held_back)}


def nobody(found: Count) -> str:
    """Also on the page of what came of it."""
    if not found.people:
        return ""
    return ngettext(
        "It holds for %(n)s more person who has nobody it is about now. It fires once there is somebody.",
        "It holds for %(n)s more people who have nobody it is about now. It fires once there is somebody.",
        found.people,
    ) % {"n": said_count(found)}


def height(n: int, highest: int) -> int:
    """At least a line where there is anything."""
    return max(2, BAR * n // highest) if n and highest else 0


def effect_said(done: Done, names: Names) -> str:
    return FIELD.sub("…", done.effect.sentence(names))


def times_said(done: Done) -> str:
    """390 to-dos · 371 notices · 24 memberships · for 412 people"""
    n, said = done.times.people, {"n": said_count(done.times)}
    if isinstance(done.effect, Trigger):
        return ngettext("%(n)s to-do", "%(n)s to-dos", n) % said
    if isinstance(done.effect, Tell):
        return ngettext("%(n)s notice", "%(n)s notices", n) % said
    if isinstance(done.effect, Join):
        return ngettext("%(n)s person added", "%(n)s people added", n) % said
    return ngettext("for %(n)s person", "for %(n)s people", n) % said


def without_leader(done: Done) -> str:
    n = done.without_leader.people
    if not n:
        return ""
    return ngettext("%(n)s without a leader", "%(n)s without a leader", n) % {"n": said_count(done.without_leader)}


# One person


@access(HQ)
@require_safe
def rule_person(request: HttpRequest, pk: int, distributor: int) -> HttpResponse:
    """Why she got it or did not, by the version that counts or, with `of=draft`, by the open draft. The look is written down."""
    rule, as_of = get_object_or_404(Rule, pk=pk), timezone.now()
    person = get_object_or_404(active(), pk=distributor)
    looks.looked(person, by=reader(request), page=Look.Page.RULE, as_of=as_of)
    of_draft = request.GET.get("of") == "draft"
    names = naming.of(get_language() or FALLBACK_LANGUAGE)
    context = {
        "title": _("%(name)s and this rule") % {"name": person},
        "rule": rule,
        "person": person,
        "why": why.of(rule, stored(rule, draft=of_draft), person, names, as_of),
        "of_draft": of_draft,
        "has_both": getattr(rule, "draft", None) is not None and rule.versions.exists(),
        **found(request),
    }
    return page(request, "activities/desk/rule_person.html", context)


def found(request: HttpRequest) -> dict[str, Any]:
    """Whom a search by name or external id finds."""
    q = typed(request.GET.get("q", ""))
    if not q:
        return {"q": ""}
    people = active().filter(Q(name__icontains=q) | Q(external_id__icontains=q)).order_by("name", "pk")
    some = list(people[: FOUND + 1])
    return {"q": q, "found": some[:FOUND], "more": len(some) > FOUND}
