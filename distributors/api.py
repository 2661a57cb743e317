"""POST /api/v1/events: CloudEvents 1.0 JSON in, verdicts out."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any, NoReturn

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from django.utils import timezone
from ninja import Field, Router, Schema, Status
from ninja.errors import HttpError

from . import ingest
from .api_keys import ApiKeyAuth
from .event_types import OWN
from .openapi import EVENTS_BODY

MOST_EVENTS = 1000
SINGLE, BATCH, PLAIN = "application/cloudevents+json", "application/cloudevents-batch+json", "application/json"
#: What our own apps record; a key must not be able to speak in their name.
OWN_SOURCE = "pep"

router = Router(tags=["events"])


class Problem(Schema):
    detail: str = Field(description="One sentence that names the field.")


class EventAnswer(Schema):
    """What is stored of the event. A repeat gets the same bytes again."""

    source: str
    id: str
    type: str
    subject: str
    time: datetime
    day: date = Field(description="The local day in the distributor's market on which the event counts.")
    received_at: datetime


class ItemAnswer(Schema):
    """The verdict on one event of a batch: 201 new, 200 repeat, 409 conflict, 422 invalid."""

    index: int
    status: int
    event: EventAnswer | None = None
    detail: str | None = None


@router.post(
    "/events",
    auth=ApiKeyAuth("events:write"),
    response={
        201: EventAnswer,
        200: EventAnswer | list[ItemAnswer],
        **dict.fromkeys((400, 401, 403, 409, 413, 415, 422, 503), Problem),
    },
    operation_id="post_events",
    summary="Store one event, or a batch",
    openapi_extra={"requestBody": EVENTS_BODY},
)
def post_events(request: HttpRequest) -> Status[Any]:
    """One event: 201 when new, 200 with the first answer when repeated, 409 for the same source and id with another
    body, 422 in one sentence when it is not valid. A batch is answered 200 with one verdict for each event.

    What is answered 201 or 200 is durable.
    """
    content = events_of(request)
    events = content if isinstance(content, list) else [content]
    verdicts = [refuse_own_source(n, event) for n, event in enumerate(events)]
    asked = [n for n, verdict in enumerate(verdicts) if verdict is None]
    answers = ingest.accept([events[n] for n in asked], received_at=timezone.now())
    for n, answer in zip(asked, answers, strict=True):
        verdicts[n] = ingest.Verdict(n, answer.status, answer.body)
    settled = [verdict for verdict in verdicts if verdict is not None]
    if isinstance(content, list):
        return Status(200, [item_answer(verdict) for verdict in settled])
    return Status(settled[0].status, settled[0].body)


def refuse_own_source(n: int, event: Any) -> ingest.Verdict | None:
    if isinstance(event, dict) and event.get("source") == OWN_SOURCE:
        return ingest.refusal(n, f"source {OWN_SOURCE} is kept for this platform's own events.")
    if isinstance(event, dict) and event.get("type") in OWN:
        return ingest.refusal(n, f"type {event['type']} is kept for this platform's own events.")
    return None


def item_answer(verdict: ingest.Verdict) -> dict[str, Any]:
    said = {"event": verdict.body} if verdict.status < 300 else verdict.body
    return {"index": verdict.index, "status": verdict.status, **said}


def events_of(request: HttpRequest) -> Any:
    """The body: an object for one event, a list for a batch. HttpError 400, 413 or 415 with a sentence."""
    content_type = (request.content_type or "").lower()
    if content_type not in (SINGLE, BATCH, PLAIN):
        raise HttpError(415, f"Send {SINGLE}, {BATCH} or {PLAIN}.")
    content = parse(body_of(request))
    if isinstance(content, list) and content_type != SINGLE:
        if len(content) > MOST_EVENTS:
            raise HttpError(413, f"A batch may hold at most {MOST_EVENTS} events; this one holds {len(content)}.")
        return content
    if not isinstance(content, dict) or content_type == BATCH:
        shape = "a JSON array of events" if content_type == BATCH else "a JSON object"
        raise HttpError(422, f"The body must be {shape}.")
    return content


def body_of(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig:
        raise HttpError(413, "The body is too large; send fewer events at a time.") from None
    except UnreadablePostError:
        raise HttpError(400, "The body did not arrive completely.") from None


def parse(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=no_such_number)
    except (ValueError, RecursionError):
        raise HttpError(400, "The body is not valid JSON.") from None


def no_such_number(name: str) -> NoReturn:
    raise ValueError(name)
