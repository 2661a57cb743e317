"""What every response carries, whichever view made it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from pghistory.middleware import HistoryMiddleware

from distributors import zones

GetResponse = Callable[[HttpRequest], HttpResponse]

#: Nothing here uses a device; passkeys are the exception.
PERMISSIONS_POLICY = ", ".join(
    [
        *(
            f"{feature}=()"
            for feature in (
                "accelerometer", "autoplay", "camera", "display-capture", "geolocation", "gyroscope", "hid",
                "magnetometer", "microphone", "midi", "payment", "serial", "usb", "xr-spatial-tracking",
            )
        ),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)  # fmt: skip


def harden(get_response: GetResponse) -> GetResponse:
    """Headers beside those of Django's SecurityMiddleware and django-csp; static files pass through here as well."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # A page is somebody's; only what says otherwise (static files do) may be kept by anyone.
        response.headers.setdefault("Cache-Control", "private, no-store")
        if in_the_admin(request):
            # Alpine, in Unfold's pages, evaluates its attributes. Nowhere else.
            response._csp_update = {"script-src": ["'unsafe-eval'"]}  # type: ignore[attr-defined]
        if getattr(request, "signed_out", False):
            response["Clear-Site-Data"] = '"cache", "storage"'
        return response

    return middleware


def in_the_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith(reverse("admin:index"))


def desk_clock(get_response: GetResponse) -> GetResponse:
    """In the admin times are shown, and read, in the zone of who is signed in; everywhere else nothing changes."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not in_the_admin(request) or not request.user.is_staff:
            return get_response(request)
        with timezone.override(zones.of(request.user)):  # type: ignore[arg-type]
            return get_response(request)

    return middleware


def no_nul(get_response: GetResponse) -> GetResponse:
    """An address or a form with a NUL in it, which no column takes and nobody types, is refused before any view reads it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        # The API says so itself, in its own form.
        if not request.path_info.startswith("/api/") and holds_nul(request):
            return render(request, "400.html", status=400)
        return get_response(request)

    return middleware


def holds_nul(request: HttpRequest) -> bool:
    """In the path, the query or the fields of a plain form; what is uploaded is not looked into."""
    plain = request.content_type == "application/x-www-form-urlencoded"
    fields = (request.GET, request.POST) if plain else (request.GET,)
    texts = (text for said in fields for name, values in said.lists() for text in (name, *values))
    return "\0" in request.path_info or any("\0" in str(text) for text in texts)


def fragments(get_response: GetResponse) -> GetResponse:
    """htmx and its caches: one URL answers a page or a fragment, and a fragment never is the sign-in page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        if request.headers.get("HX-Request") == "true" and leads_to_sign_in(response):
            whole_page = HttpResponse(status=204, headers={"HX-Redirect": response["Location"], "Vary": "HX-Request"})
            whole_page.cookies = response.cookies
            return whole_page
        return response

    return middleware


def leads_to_sign_in(response: HttpResponse) -> bool:
    location = response.headers.get("Location", "")
    return response.status_code in {302, 303} and location.split("?")[0] == resolve_url(settings.LOGIN_URL)


class History(HistoryMiddleware):
    """Who and from which page, for the audit triggers: the path only, since a query may hold a search."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": request.user.pk, "url": request.path}
