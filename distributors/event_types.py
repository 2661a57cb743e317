"""What each event type must carry in `data`. A check raises EventError with one sentence that names the field."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

Data = dict[str, Any]

#: Below a thousand millions, two decimals: a thousand such orders a day still sum far inside Measure.value.
MONEY = re.compile(r"\d{1,9}(\.\d{1,2})?", re.ASCII)
SIGNED_MONEY = re.compile(r"-?\d{1,9}(\.\d{1,2})?", re.ASCII)
QUANTITY = re.compile(r"\d{1,6}(\.\d{1,2})?", re.ASCII)
CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
SLUG = re.compile(r"[-a-zA-Z0-9_]{1,40}", re.ASCII)
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?", re.ASCII)
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

MOST_LINES = 1000
KINDS = ("customer", "prospect")
HOTNESS = ("hot", "warm", "cool", "cold")
#: models.CHANNELS, which this module, being pure, does not load.
CHANNELS = ("call", "text", "whatsapp", "email")
CONSENT = ("given", "withdrawn", "unknown")
TONES = ("interested", "later", "no")
#: What an edit can take away again. A contact keeps a name.
CLEARABLE = ("hotness", "birthday", "phone", "email", "language")


class EventError(ValueError):
    """Why an event was refused, as one sentence."""


def printable(value: str) -> bool:
    return value.isprintable()


def identifier(holder: Data, field: str, most: int, *, label: str = "") -> str:
    """A required short name: text, not empty, no control characters, no blanks around it."""
    value = holder.get(field)
    if type(value) is not str or not value or len(value) > most or not value.isprintable() or value != value.strip():
        name = label or field
        if value is None:
            raise EventError(f"{name} is missing.")
        raise EventError(f"{name} must be text of 1 to {most} printable characters without blanks around it.")
    return value


def optional_text(data: Data, field: str, most: int, *, label: str = "") -> None:
    value = data.get(field)
    if value is not None and (type(value) is not str or len(value) > most):
        raise EventError(f"{label or 'data.' + field} must be text of at most {most} characters.")


def optional_choice(data: Data, field: str, choices: tuple[str, ...]) -> None:
    value = data.get(field)
    if value not in (None, "") and value not in choices:
        raise EventError(f"data.{field} must be one of {', '.join(choices)}.")


def choice(data: Data, field: str, choices: tuple[str, ...]) -> None:
    if data.get(field) is None:
        raise EventError(f"data.{field} is missing.")
    if data[field] not in choices:
        raise EventError(f"data.{field} must be one of {', '.join(choices)}.")


def optional_match(data: Data, field: str, pattern: re.Pattern[str], what: str, most: int = 120) -> None:
    value = data.get(field)
    if value in (None, ""):
        return
    if type(value) is not str or len(value) > most or not pattern.fullmatch(value):
        raise EventError(f"data.{field} must be {what}.")


def optional_day(data: Data, field: str) -> None:
    value = data.get(field)
    if value in (None, "") or type(value) is date:
        return
    try:
        if type(value) is not str or not DAY.fullmatch(value) or date.fromisoformat(value).year < 1900:
            raise ValueError
    except ValueError:
        raise EventError(f"data.{field} must be a date, such as 2026-08-27.") from None


def number(holder: Data, field: str, pattern: re.Pattern[str], label: str, what: str) -> None:
    """A number as JSON number or text. Text keeps its cents: "62.50" is the better way to send money."""
    value = holder.get(field)
    if type(value) is str:
        text = value
    elif type(value) is int and abs(value) < 10**12:
        text = str(value)
    elif type(value) is float or type(value) is Decimal:
        text = in_digits(value)
    elif value is None:
        raise EventError(f"{label} is missing.")
    else:
        text = ""
    if not pattern.fullmatch(text):
        raise EventError(f"{label} must be {what}.")


def in_digits(value: float | Decimal) -> str:
    """62.5 -> "62.5", 1e3 -> "1000"; the shortest decimal that is this number, empty when it is absurd."""
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    if not exact.is_finite() or abs(exact) >= 10**12:
        return ""
    digits = format(exact, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


AN_AMOUNT = "an amount from 0 to 999999999.99 with at most two decimals"


def money(data: Data, field: str = "amount") -> None:
    number(data, field, MONEY, f"data.{field}", AN_AMOUNT)


def currency(data: Data) -> None:
    value = data.get("currency")
    if value is None:
        raise EventError("data.currency is missing.")
    if type(value) is not str or not CURRENCY.fullmatch(value):
        raise EventError("data.currency must be three capital letters, such as USD.")


def lines(data: Data, *, priced: bool = True) -> None:
    """Order lines {sku, quantity = 1, amount, currency?, line?, line_name?, name?}; amounts may be negative (discounts)."""
    value = data.get("lines", ())
    if type(value) is not list and value != ():
        raise EventError("data.lines must be a list.")
    if len(value) > MOST_LINES:
        raise EventError(f"data.lines must have at most {MOST_LINES} lines.")
    for n, line in enumerate(value):
        if type(line) is not dict:
            raise EventError(f"data.lines[{n}] must be an object.")
        order_line(line, data, f"data.lines[{n}]", priced=priced)


def order_line(line: Data, data: Data, label: str, *, priced: bool) -> None:
    identifier(line, "sku", 64, label=f"{label}.sku")
    if "quantity" in line:
        number(line, "quantity", QUANTITY, f"{label}.quantity", "a number from 0 to 999999.99")
    if priced or "amount" in line:
        number(line, "amount", SIGNED_MONEY, f"{label}.amount", "an amount with at most two decimals")
    if "line" in line and (type(line["line"]) is not str or not SLUG.fullmatch(line["line"])):
        raise EventError(f"{label}.line must be a code of letters, digits, - and _, at most 40.")
    if "currency" in line and line["currency"] != data.get("currency"):
        raise EventError(f"{label}.currency must be the order's currency.")
    if "name" in line:
        optional_text(line, "name", 160, label=f"{label}.name")
    if "line_name" in line:
        optional_text(line, "line_name", 80, label=f"{label}.line_name")


def customer(data: Data, *, required: bool) -> None:
    if required or data.get("customer") is not None:
        identifier(data, "customer", 64, label="data.customer")
    optional_text(data, "customer_name", 120)


def order_placed(data: Data, subject: str) -> None:
    customer(data, required=True)
    currency(data)
    money(data)
    lines(data)


def order_refunded(data: Data, subject: str) -> None:
    identifier(data, "order", 128, label="data.order")
    customer(data, required=False)
    currency(data)
    money(data)
    lines(data)


def distributor_enrolled(data: Data, subject: str) -> None:
    name = data.get("name")
    if type(name) is not str or not name.strip() or len(name) > 120:
        raise EventError("data.name must be text of 1 to 120 characters.")
    if data.get("sponsor") is not None:
        identifier(data, "sponsor", 64, label="data.sponsor")
    elif data.get("market") is None:
        raise EventError("data.sponsor or data.market is missing.")
    if data.get("sponsor") == subject:
        raise EventError("data.sponsor must be somebody else than the one who enrols.")
    if data.get("market") is not None:
        identifier(data, "market", 12, label="data.market")
    optional_day(data, "joined_on")
    optional_match(data, "language", LANGUAGE, "a language code, such as en or de-AT", 12)
    optional_match(data, "email", EMAIL, "an e-mail address", 254)
    if data.get("contact") is not None:
        identifier(data, "contact", 64, label="data.contact")
        if data.get("sponsor") is None:
            raise EventError("data.contact needs data.sponsor, whose contact it is.")


def contact_added(data: Data, subject: str) -> None:
    customer(data, required=True)
    optional_text(data, "name", 120)
    optional_choice(data, "kind", KINDS)
    optional_choice(data, "hotness", HOTNESS)
    optional_day(data, "birthday")
    optional_text(data, "phone", 32)
    optional_match(data, "email", EMAIL, "an e-mail address", 254)
    optional_match(data, "language", LANGUAGE, "a language code, such as en or de-AT", 12)
    clears = data.get("clears", ())
    if clears != () and (type(clears) is not list or any(field not in CLEARABLE for field in clears)):
        raise EventError(f"data.clears must be a list of {', '.join(CLEARABLE)}.")


def consent_changed(data: Data, subject: str) -> None:
    customer(data, required=True)
    choice(data, "channel", (*CHANNELS, "all"))
    choice(data, "state", CONSENT)
    optional_text(data, "origin", 200)


def contact_made(data: Data, subject: str) -> None:
    customer(data, required=True)
    # Not known of what she copied, or gave to her phone's share sheet.
    optional_choice(data, "channel", CHANNELS)


def contact_undone(data: Data, subject: str) -> None:
    customer(data, required=True)
    identifier(data, "undoes", 128, label="data.undoes")


def contact_replied(data: Data, subject: str) -> None:
    customer(data, required=True)
    optional_choice(data, "channel", CHANNELS)
    optional_choice(data, "tone", TONES)


def contact_merged(data: Data, subject: str) -> None:
    customer(data, required=True)
    identifier(data, "merged", 64, label="data.merged")
    if data["merged"] == data["customer"]:
        raise EventError("data.merged must be another contact than data.customer.")


def contact_erased(data: Data, subject: str) -> None:
    customer(data, required=True)


def basket_opened(data: Data, subject: str) -> None:
    customer(data, required=True)
    if data.get("amount") is not None:
        currency(data)
        money(data)
    elif data.get("currency") is not None:
        currency(data)
    lines(data, priced=False)


def activity(data: Data, subject: str) -> None:
    identifier(data, "activity", 128, label="data.activity")
    customer(data, required=False)
    optional_text(data, "form", 16)


def activity_undone(data: Data, subject: str) -> None:
    activity(data, subject)
    identifier(data, "undoes", 128, label="data.undoes")


def rank_reached(data: Data, subject: str) -> None:
    identifier(data, "rank", 40, label="data.rank")


def signed_in(data: Data, subject: str) -> None:
    customer(data, required=False)


CHECKS: dict[str, Callable[[Data, str], None]] = {
    "order.placed": order_placed,
    "order.refunded": order_refunded,
    "distributor.enrolled": distributor_enrolled,
    "distributor.signed_in": signed_in,
    "rank.reached": rank_reached,
    "contact.added": contact_added,
    "consent.changed": consent_changed,
    "contact.made": contact_made,
    "contact.undone": contact_undone,
    "contact.replied": contact_replied,
    "contact.merged": contact_merged,
    "contact.erased": contact_erased,
    "basket.opened": basket_opened,
    "activity.started": activity,
    "activity.completed": activity,
    "activity.snoozed": activity,
    "activity.dismissed": activity,
    "activity.undone": activity_undone,
    "lesson.completed": activity,
}

#: Recorded once the platform has done it, by itself: to be told so does nothing.
OWN = ("contact.merged", "contact.erased")
