"""What the views of all apps share about a request."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from .models import Distributor, User


class FieldRequest(HttpRequest):
    """A request behind `@access(FIELD)`: the one person whose data it may read, and what htmx said."""

    user: User
    distributor: Distributor
    htmx: HtmxDetails


class SeeOther(HttpResponseRedirect):
    """After a POST: get that page, whatever the method was."""

    status_code = 303


def gone_is_404(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Whom or what the view changes may be erased or merged after it was read; its writers say DoesNotExist then."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(*args, **kwargs)
        except ObjectDoesNotExist as gone:
            raise Http404 from gone

    return guarded


def reader(request: HttpRequest) -> User:
    """Who asks, behind `@access`: it let nobody else in."""
    return request.user  # type: ignore[return-value]


def back(request: HttpRequest, default: str) -> HttpResponse:
    """To the page the form came from when it names one of ours, else to `default` (a URL or URL name)."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return SeeOther(wanted if safe else resolve_url(default))


def page_number(request: HttpRequest) -> int:
    """`?page=` as a number from 1 up; nonsense is the first page."""
    raw = request.GET.get("page", "1")
    return max(1, int(raw)) if raw.isdecimal() and len(raw) < 7 else 1


def typed(text: str, most: int = 80) -> str:
    """What somebody typed into a search box, without what no name holds (PostgreSQL refuses NUL)."""
    return "".join(letter for letter in text if letter.isprintable()).strip()[:most]
