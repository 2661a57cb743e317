"""Who may open what. Every view declares it; a test walks the URL resolver and fails on one that does not."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme

from . import presence
from .models import Distributor, Role

View = Callable[..., HttpResponse]

#: A person of the field: has a Distributor behind her sign-in.
FIELD = frozenset({Role.DISTRIBUTOR, Role.LEADER})
HQ = frozenset({Role.HQ_VIEWER, Role.HQ_EDITOR, Role.HQ_APPROVER})
#: Those of HQ who may change what it wants.
EDITORS = frozenset({Role.HQ_EDITOR, Role.HQ_APPROVER})
EVERYONE = frozenset(Role)

#: Session key: the local day on which she was last seen.
SEEN_ON = "seen_on"


def access(*roles: Role | frozenset[Role]) -> Callable[[View], View]:
    """Let only these roles in; anybody else who is signed in gets 404, as for a page that does not exist.

    Not signed in: the sign-in page (a whole-page redirect when htmx asked). A field view also gets
    `request.distributor`, the one person whose data it may read.
    """
    allowed: frozenset[Role] = frozenset().union(*(r if isinstance(r, frozenset) else {r} for r in roles))

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user = request.user
            if not user.is_authenticated:
                return ask_to_sign_in(request)
            if Role(user.role) not in allowed:
                raise Http404
            if allowed <= FIELD:
                request.distributor = distributor = own_distributor(user.pk)  # type: ignore[attr-defined]
                note_presence(request, distributor)
                return in_her_words(distributor, view, request, *args, **kwargs)
            return view(request, *args, **kwargs)

        guarded.access = allowed  # type: ignore[attr-defined]
        return guarded

    return declare


def note_presence(request: HttpRequest, distributor: Distributor) -> None:
    """The first page of her day is an event; the session remembers, so that only that one asks the database."""
    now = timezone.now()
    day = distributor.local_day(now).isoformat()
    if request.session.get(SEEN_ON) != day:
        presence.seen(distributor, as_of=now)
        request.session[SEEN_ON] = day


def public(view: View) -> View:
    """Open to anyone, on purpose."""
    view.access = None  # type: ignore[attr-defined]
    return view


def in_her_words(distributor: Distributor, view: View, *args: Any, **kwargs: Any) -> HttpResponse:
    """Her own language and her market's clock, whatever the browser asks for."""
    with translation.override(distributor.speaks), timezone.override(distributor.market.zone):
        response = view(*args, **kwargs)
    response.headers.setdefault("Content-Language", distributor.speaks)
    return response


def own_distributor(user_id: int) -> Distributor:
    distributor = Distributor.objects.active().with_market().filter(user_id=user_id).first()
    if distributor is None:
        raise Http404
    return distributor


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, and from there back to the page she was on."""
    response = redirect_to_login(page_of(request))
    if getattr(request, "htmx", False):
        # Otherwise the sign-in page would be swapped into a fragment of this one.
        return HttpResponse(status=204, headers={"HX-Redirect": response["Location"]})
    return response


def page_of(request: HttpRequest) -> str:
    """The page itself, or the one that a form or a fragment of it was sent from: many of those answer no GET."""
    if request.method in {"GET", "HEAD"} and not getattr(request, "htmx", False):
        return request.get_full_path()
    sent_from = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(sent_from, {request.get_host()}):
        return request.get_full_path()
    parts = urlsplit(sent_from)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
