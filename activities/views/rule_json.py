"""A rule as JSON: taken along from its page, and a rule begun with one, for whoever would rather write it than click it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from distributors.access import EDITORS, HQ, access
from distributors.conditions import ConditionError, Problem
from distributors.desk import page
from distributors.http import SeeOther, reader
from kpis import definitions, rule_drafts
from kpis.models import Rule

from ..ranking import shelf as shelves
from ..rules import as_json
from .rule_check import stored
from .rule_complete import names_of, problems_of
from .rule_shared import clean, rule_of


@dataclass(frozen=True)
class Typed:
    """What the form holds. A file's text stands in the text's place from then on."""

    name: str = ""
    text: str = ""


@access(HQ)
@require_safe
def rule_json(request: HttpRequest, pk: int) -> HttpResponse:
    """What is published, else the draft; with `of=draft` the draft first."""
    found = rule_of(pk)
    said = stored(found, draft=request.GET.get("of") == "draft")
    with suppress(ConditionError):  # what is not complete is taken as it stands
        said = definitions.written(definitions.read(said))  # in the order that people read in
    text = as_json.text_of(said, request.build_absolute_uri(reverse("rule_schema")))
    name = slugify(found.name) or f"rule-{found.pk}"
    return HttpResponse(
        text,
        content_type="application/json; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.json"'},
    )


@access(EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def rule_from_json(request: HttpRequest) -> HttpResponse:
    """A draft with all that a text says, which opens in the builder; else every problem of the text, which is kept."""
    if request.method != "POST":
        return form_page(request, Typed())
    typed = Typed(clean(request.POST.get("name", "")), clean(request.POST.get("definition", "")))
    try:
        if (file := request.FILES.get("file")) is not None:
            typed = Typed(typed.name, text_in(file))
        definition = read(typed.text)
    except ConditionError as refused:
        return form_page(request, typed, problems=list(dict.fromkeys(refused.problems)))
    try:
        made = rule_drafts.make(name=typed.name, definition=definition, by=reader(request), as_of=timezone.now())
    except ValidationError as problem:
        return form_page(request, typed, refused=problem)
    return SeeOther(reverse("rule_edit", args=[made.pk]))


def text_in(file: UploadedFile) -> str:
    """A file's text, as far as it is one. ConditionError else."""
    if (file.size or 0) > as_json.MOST_BYTES:
        as_json.refuse(as_json.too_large())
    try:
        return clean(file.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConditionError([Problem("", _("This file is not text. Choose a file of JSON, in UTF-8."))]) from None


def read(text: str) -> dict[str, object]:
    """The definition that it says, written as the builder writes it. ConditionError with every problem."""
    shelf = shelves.current()
    found, problems = problems_of(as_json.said_in(text), shelf, names_of(shelf), timezone.now())
    if found is None:
        raise ConditionError(problems)
    return definitions.written(found)


def form_page(
    request: HttpRequest,
    typed: Typed,
    *,
    problems: list[Problem] | None = None,
    refused: ValidationError | None = None,
) -> HttpResponse:
    """`problems` are of the text, `refused` says what is wrong with the rest."""
    context = {
        "title": _("Start from JSON"),
        "typed": typed,
        "problems": problems,
        "refused": " ".join(refused.messages) if refused else "",
        "longest": rule_drafts.LONGEST_NAME,
        "most_kb": as_json.MOST_BYTES // 1000,
        "example": Rule.objects.exclude(state=Rule.State.DRAFT).order_by("pk").first(),
    }
    return page(request, "activities/desk/rule_from_json.html", context, status=422 if problems or refused else 200)
