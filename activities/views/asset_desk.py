"""A library item as its customer will see it, and its file, for those who write it; drafts and retired items as well."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_safe

from distributors.access import HQ, access
from distributors.models import Role

from ..library import stored
from ..models import AssetText
from ..richtext import rendered_once
from .shared import allowing

WRITERS = HQ | {Role.TRAINER}


@access(WRITERS)
@require_safe
def asset_preview(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    text = text_of(pk, language)
    file = reverse("asset_file", args=[pk, language]) if text.file else ""
    context = {
        "preview": True, "asset": text.asset, "text": text, "body": rendered_once(text.body), "file": file,
    }  # fmt: skip
    with translation.override(language):
        response = render(request, "activities/shared.html", context)
    return allowing(response, text.asset, text)


@access(WRITERS)
@require_safe
def asset_file(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    return stored.answer(request, text_of(pk, language))


def text_of(pk: int, language: str) -> AssetText:
    text = AssetText.objects.select_related("asset").filter(asset=pk, language=language).first()
    if text is None:
        raise Http404
    return text
