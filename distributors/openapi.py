"""The request body of POST /events, as the API describes it: what cloudevents.py and event_types.py check."""

from __future__ import annotations

from typing import Any

from .event_types import CHECKS, OWN

EXAMPLE: dict[str, Any] = {
    "specversion": "1.0",
    "source": "shop",
    "id": "o-1001",
    "type": "order.placed",
    "subject": "jenna",
    "time": "2026-08-27T10:00:00Z",
    "data": {
        "customer": "C-88",
        "currency": "USD",
        "amount": "62.50",
        "lines": [{"sku": "EYE-1", "quantity": 1, "amount": "34.00"}],
    },
}


def name(most: int, description: str) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": most, "description": description}


EVENT: dict[str, Any] = {
    "type": "object",
    "title": "Event",
    "description": "A CloudEvent 1.0. (source, id) is unique for ever.",
    "required": ["specversion", "source", "id", "type", "subject", "time", "data"],
    "properties": {
        "specversion": {"type": "string", "enum": ["1.0"]},
        "source": name(64, "The system that sends. `pep` is kept for the platform's own events."),
        "id": name(128, "The event's id in its source."),
        "type": {"type": "string", "enum": [name for name in CHECKS if name not in OWN]},
        "subject": name(64, "The distributor's external id."),
        "time": {
            "type": "string",
            "format": "date-time",
            "description": "With a zone; at most 24 hours ahead of the receipt, not before the year 2000.",
        },
        # CloudEvents 1.0: an unset attribute may be written as null.
        "datacontenttype": {"type": ["string", "null"], "enum": ["application/json", None]},
        "data": {
            "type": "object",
            "description": "By type. order.placed {customer, currency, amount, lines [{sku, quantity, amount, line?, name?}]}; "
            "order.refunded {order, currency, amount, lines?, customer?}; "
            "distributor.enrolled {name, sponsor or market, joined_on?, language?, email?, contact?}, the contact being who "
            "she was among her sponsor's; distributor.signed_in {}; "
            "rank.reached {rank}, of 1 to 40 characters, the newest by time counts; "
            "contact.added {customer, name?, kind?, hotness?, birthday?, phone?, email?, language?, clears?}, of each field "
            "the newest that states it counts, `clears` being fields to empty; "
            "consent.changed {customer, channel: call, text, whatsapp, email or all, state: given, withdrawn or unknown, "
            "origin?: how that is known}; contact.made {customer, channel?}; contact.undone {customer, undoes}; "
            "contact.replied {customer, channel?, tone?: interested, later or no}; "
            "basket.opened {customer, currency?, amount?, lines?}; "
            "activity.started, .completed, .snoozed, .dismissed {activity, customer?, form?}; "
            "activity.undone {activity, undoes}; lesson.completed {activity, score?}. "
            "Amounts are text or numbers with at most two decimals, in the currency of the distributor's market.",
        },
    },
    "example": EXAMPLE,
}

# Whatever an item is, it gets its own verdict: the batch as a whole is not refused for it.
BATCH: dict[str, Any] = {"type": "array", "items": {"anyOf": [EVENT, {}]}, "maxItems": 1000, "example": [EXAMPLE]}

EVENTS_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/cloudevents+json": {"schema": EVENT},
        "application/cloudevents-batch+json": {"schema": BATCH},
        "application/json": {"schema": {"oneOf": [EVENT, BATCH]}},
    },
}
