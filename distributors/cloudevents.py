"""CloudEvents 1.0 JSON -> a checked `Item`, or one English sentence that names the field. Pure: no database, no clock.

The sentences are part of the HTTP API and of `manage.py ingest`; they are read by integrators and are not translated.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from .event_types import CHECKS, EventError, identifier, printable

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
#: How far a sender's clock may run ahead of ours.
AHEAD = timedelta(hours=24)

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(slots=True)
class Item:
    """A well-formed event. `data_text` is its data as canonical JSON; `digest` identifies the whole body."""

    row: int
    source: str
    external_id: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]
    data_text: str
    digest: bytes
    distributor_id: int = 0  # set once the subject is known
    owner_id: int = 0  # whose contact `customer` is: the subject's own, or her sponsor's when she enrols
    twins: list[int] = field(default_factory=list)  # later rows of the same batch with the same body

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.external_id

    @property
    def customer(self) -> str | None:
        return self.data.get("contact" if self.type == "distributor.enrolled" else "customer")


def read(event: object, *, row: int, received_at: datetime) -> Item:
    """Check everything that can be checked without the database; raise EventError with the sentence."""
    if not isinstance(event, dict):
        raise EventError("An event must be a JSON object.")
    if event.get("specversion") != "1.0":
        raise EventError('specversion must be "1.0".')
    source = identifier(event, "source", 64)
    external_id = identifier(event, "id", 128)
    type_ = identifier(event, "type", 64)
    subject = identifier(event, "subject", 64)
    time = read_time(event.get("time"), received_at)
    data = read_data(event)
    check = CHECKS.get(type_)
    if check is None:
        raise EventError(f"type {type_} is not known; it must be one of {', '.join(CHECKS)}.")
    check(data, subject)
    data_text = canonical(data)
    return Item(
        row, source, external_id, type_, subject, time, data, data_text, digest(type_, subject, time, data_text)
    )


def read_time(value: object, received_at: datetime) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        time = value.astimezone(UTC)
    else:
        time = parse_time(value)
    if time > received_at + AHEAD:
        raise EventError("time is more than 24 hours in the future.")
    if time < EARLIEST:
        raise EventError("time is before the year 2000.")
    return time


def parse_time(value: object) -> datetime:
    if not isinstance(value, str) or not RFC3339.fullmatch(value.upper()):
        raise EventError("time must be RFC 3339 with a zone, such as 2026-08-27T10:00:00Z.")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise EventError("time is not a date and time that exists.") from None


def read_data(event: dict[str, Any]) -> dict[str, Any]:
    content_type = event.get("datacontenttype")
    if content_type is None:
        content_type = "application/json"
    if not isinstance(content_type, str) or not content_type.split(";")[0].strip().lower().endswith("json"):
        raise EventError("datacontenttype must be application/json.")
    if event.get("data_base64") is not None:
        raise EventError("data_base64 is not read; send data as a JSON object.")
    data = event.get("data", {})
    if not isinstance(data, dict):
        raise EventError("data must be a JSON object.")
    return data


def plain(value: object) -> str:
    """How our own apps' values are written down: money as text, never as a binary fraction."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=plain
).encode


def canonical(data: dict[str, Any]) -> str:
    """The same data gives the same text: sorted keys, no spaces. What PostgreSQL cannot hold is refused."""
    try:
        text = encode(data)
        text.encode()
    except (ValueError, TypeError, RecursionError):
        raise EventError("data holds a number or text that JSON cannot carry.") from None
    # The substring alone could be an escaped backslash before "u0000": look at the values only then.
    if "\\u0000" in text and has_nul(data):
        raise EventError("data holds a NUL character.")
    return text


def has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(has_nul(k) or has_nul(v) for k, v in value.items())
    return isinstance(value, list) and any(has_nul(v) for v in value)


def digest(type_: str, subject: str, time: datetime, data_text: str) -> bytes:
    """SHA-256 of type, subject, time in UTC and data. Not of who sent it when: a retry has the same digest."""
    body = f'{{"data":{data_text},"subject":{encode(subject)},"time":"{iso(time)}","type":{encode(type_)}}}'
    return hashlib.sha256(body.encode()).digest()


def iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


__all__ = ["EventError", "Item", "canonical", "digest", "iso", "printable", "read"]
