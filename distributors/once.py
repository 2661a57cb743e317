"""The same "add" form sent twice, as by a double click: one row, and both answers lead to it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

#: Session key: where each of the latest forms led, by its token.
ADDED = "added"
#: How many of them are remembered.
LATEST = 20

Save = Callable[[], HttpResponse]


def token() -> str:
    """What one form is known by, however often it is sent."""
    return uuid4().hex


@transaction.atomic
def once(request: HttpRequest, save: Save, otherwise: str) -> HttpResponse:
    """Run `save` unless this very form was saved before; then go where that led, or to `otherwise` where it was a page.

    `save` sets `request.added` when it made a row. The forms of one session take turns: what is remembered is written
    with the row.
    """
    sent, session = request.POST.get("once", ""), request.session
    if not sent or not Session.objects.select_for_update().filter(pk=session.session_key).first():
        return save_or_ask_again(save)
    added: dict[str, str] = type(session)(session.session_key).get(ADDED, {})
    if sent not in added:
        response = save_or_ask_again(save)
        if not hasattr(request, "added"):
            return response
        added = dict([*added.items(), (sent, response.headers.get("Location", otherwise))][-LATEST:])
        session[ADDED] = added
        session.save()
        return response
    session[ADDED] = added
    return HttpResponseRedirect(added[sent])


def save_or_ask_again(save: Save) -> HttpResponse:
    """Somebody else just took a name that has to be the only one: by now the form itself says so."""
    try:
        with transaction.atomic():
            return save()
    except IntegrityError:
        return save()
