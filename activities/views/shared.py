"""What a customer sees behind a personal link: the item, and nothing about her. No sign-in, no cookie."""

from __future__ import annotations

import re
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from distributors.access import View, public
from distributors.http import SeeOther

from ..library import reading, sharing, stored
from ..models import Asset, AssetText, ShareLink
from ..richtext import rendered_once

TOKEN = re.compile(r"[A-Za-z0-9_-]{16,32}")
#: Programs that look at a link before, or instead of, a person. What fetches without saying so runs no script either.
PROGRAM = re.compile(
    r"bot|crawl|spider|preview|externalhit|whatsapp|slurp|scan|monitor|headless|curl|wget|python|java/|http-?client|fetch",
    re.IGNORECASE,
)


def quietly(view: View) -> View:
    """Nothing about the page leaves it: no address to the next site, no entry in a search engine.

    To our own site its address may go: without it older browsers say "Origin: null", and no open of theirs would count.
    """

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Referrer-Policy"] = "same-origin"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return answered


@public
@require_safe
@quietly
def shared(request: HttpRequest, token: str) -> HttpResponse:
    link = found(token)
    if link is None:
        return sorry(request, 404)
    text = current_text(link)
    if text is None:
        with translation.override(link.language):
            return sorry(request, 410)
    with translation.override(text.language):
        context = landing(link, text) | {"address": sharing.address(link, request)}
        response = render(request, "activities/shared.html", context)
    return allowing(response, link.asset, text)


# The next two change something without a CSRF token: a stranger has no cookie to bind one to, and gets none. They act in
# nobody's name: all they do is count an open, which `a_person` refuses to another site's page, and at most once in ten
# minutes whoever asks.


@public
@csrf_exempt
@require_POST
@quietly
def shared_seen(request: HttpRequest, token: str) -> HttpResponse:
    """Said by the page's script when it was looked at for a second."""
    link = found(token)
    if link is None or current_text(link) is None:
        raise Http404
    count(request, link)
    return HttpResponse(status=204)


@public
@csrf_exempt
@require_POST
@quietly
def shared_open(request: HttpRequest, token: str) -> HttpResponse:
    """The button: to the item's own address or file, and nowhere else."""
    link = found(token)
    text = current_text(link) if link else None
    if link is None or text is None:
        raise Http404
    count(request, link)
    if link.asset.kind in reading.ELSEWHERE and reading.site_of(text.url):
        return SeeOther(text.url)
    if text.file:
        return SeeOther(reverse("shared_file", args=[link.token]))
    raise Http404


@public
@require_safe
@quietly
def shared_file(request: HttpRequest, token: str) -> HttpResponse:
    link = found(token)
    text = current_text(link) if link else None
    if text is None:
        raise Http404
    return stored.answer(request, text)


def found(token: str) -> ShareLink | None:
    if not TOKEN.fullmatch(token):
        return None
    links = ShareLink.objects.select_related("asset__line", "distributor__market").prefetch_related("asset__texts")
    return links.filter(token=token).first()


def current_text(link: ShareLink) -> AssetText | None:
    """The item in the link's language; None when it has ended, by the calendar of her market."""
    if reading.has_ended(link.asset, link.distributor.local_day(timezone.now())):
        return None
    return reading.text_in(link.asset, link.language)


def landing(link: ShareLink, text: AssetText) -> dict[str, Any]:
    """Her given name is all that it says of her, and nothing once she has left."""
    return {
        "asset": link.asset, "text": text, "body": rendered_once(text.body),
        "by": "" if link.distributor.left_on else link.distributor.given_name,
        "file": reverse("shared_file", args=[link.token]) if text.file else "",
        "open": reverse("shared_open", args=[link.token]), "seen": reverse("shared_seen", args=[link.token]),
    }  # fmt: skip


def sorry(request: HttpRequest, status: int) -> HttpResponse:
    return render(request, "activities/shared_gone.html", {"unknown": status == 404}, status=status)


def allowing(response: HttpResponse, asset: Asset, text: AssetText) -> HttpResponse:
    """What this one item needs beyond the policy of every page: its film, or the button's way to another site."""
    if asset.kind == Asset.Kind.VIDEO and text.file:
        response._csp_replace = {"media-src": ["'self'"]}  # type: ignore[attr-defined]
    elif site := reading.site_of(text.url):
        # A browser holds the redirect of a form to the form's own policy.
        response._csp_replace = {"form-action": ["'self'", site]}  # type: ignore[attr-defined]
    return response


def count(request: HttpRequest, link: ShareLink) -> None:
    if a_person(request):
        sharing.counted(link, timezone.now())


def a_person(request: HttpRequest) -> bool:
    """A stranger's browser, and on our own page: not a program, a prefetch, another site's page, or one of us."""
    headers = request.headers
    agent = headers.get("User-Agent", "")
    ahead = "prefetch" in f"{headers.get('Sec-Purpose', '')} {headers.get('Purpose', '')} {headers.get('X-Moz', '')}"
    return bool(agent) and not PROGRAM.search(agent) and not ahead and from_our_page(request) and not signed_in(request)


def from_our_page(request: HttpRequest) -> bool:
    """By Sec-Fetch-Site, which no page can forge; by Origin where an older browser does not send it."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"


def signed_in(request: HttpRequest) -> bool:
    """She looks at her own link, or HQ does. Who has no cookie is not asked for a session."""
    return bool(request.COOKIES) and request.user.is_authenticated
