"""The notification centre and its bell."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from distributors.access import FIELD, access
from distributors.http import FieldRequest, SeeOther

from . import inbox
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
