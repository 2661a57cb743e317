"""The notification centre and its bell; and for HQ whom the notices of a rule reached."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from activities.rules.counting import share_said
from distributors.access import FIELD, HQ, access
from distributors.desk import page
from distributors.http import FieldRequest, SeeOther
from distributors.wording import number
from kpis.models import Rule

from . import followed, inbox
from .followed import Followed
from .models import Notice

#: Newest notices shown.
SHOWN = 50


@access(FIELD)
@require_safe
def notices(request: FieldRequest) -> HttpResponse:
    as_of = timezone.now()
    inbox.pull(request.distributor, as_of=as_of)
    today = request.distributor.local_day(as_of)
    lines = inbox.lines(request.distributor, list(Notice.objects.of(request.distributor.pk)[:SHOWN]), as_of=as_of)
    is_today = [request.distributor.local_day(line.notice.at) == today for line in lines]
    context = {
        "today": [line for line, now in zip(lines, is_today, strict=True) if now],
        "earlier": [line for line, now in zip(lines, is_today, strict=True) if not now],
        "unread": sum(line.notice.read_at is None for line in lines),
    }
    return render(request, "notifications/notices.html", context)


@access(FIELD)
@require_POST
def notices_read(request: FieldRequest) -> HttpResponse:
    inbox.mark_all_read(distributor=request.distributor, as_of=timezone.now())
    return SeeOther(reverse("notices"))


@access(FIELD)
@require_safe
def notices_bell(request: FieldRequest) -> HttpResponse:
    """A fragment for every page's bar: the bell with how many are new."""
    inbox.pull(request.distributor, as_of=timezone.now())
    return render(request, "notifications/_bell.html", {"unread": inbox.unread(request.distributor)})


@access(HQ)
@require_safe
def rule_notices(request: HttpRequest, pk: int) -> HttpResponse:
    """A fragment for the page of what came of a rule, and a page of its own without script."""
    rule = get_object_or_404(Rule, pk=pk)
    context: dict[str, Any] = {"title": _("Its notices"), "rule": rule, **said(followed.of(rule, timezone.now()))}
    if request.headers.get("HX-Request") == "true":
        return render(request, "notifications/desk/_rule_notices.html", context)
    return page(request, "notifications/desk/rule_notices.html", context)


def said(found: Followed) -> dict[str, str]:
    """12, 23% of those due, and 9 still have time; 3, a quarter of the told."""
    waiting = ngettext("%(n)s still has time", "%(n)s still have time", found.open) % {"n": number(found.open)}
    return {
        "told": number(found.told),
        "told_aside": ", ".join([*of_all(found.told, found.due), *([waiting] if found.open else [])]),
        "read": number(found.read),
        "read_aside": ", ".join(of_all(found.read, found.told)),
    }


def of_all(part: int, whole: int) -> list[str]:
    return [share_said(part, whole)] if whole else []
