"""The one HTTP API, at /api/v1/. Its operations live in the apps' routers; errors are one sentence in `detail`."""

from __future__ import annotations

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError

from activities.api import router as feed
from distributors.api import router as events

api = NinjaAPI(title="Performance enablement platform", version="1.0.0", urls_namespace="api-1", docs_url=None)
api.add_router("", events)
api.add_router("", feed)


@api.exception_handler(AuthenticationError)
def without_key(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    sentence = "Send a working API key as Authorization: Bearer KEY."
    response = api.create_response(request, {"detail": sentence}, status=401)
    response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(OperationalError)
def without_database(request: HttpRequest, error: OperationalError) -> HttpResponse:
    """Nothing was acknowledged: the sender keeps the event and tries again."""
    response = api.create_response(request, {"detail": "The database is not available; try again later."}, status=503)
    response["Retry-After"] = "5"
    return response
