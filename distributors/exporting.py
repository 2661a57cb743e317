"""All that is kept of a person, for her; and a distributor's contacts as a table."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from .cloudevents import iso
from .models import CHANNELS, Customer, Distributor, Order
from .outreach import consents

#: Columns of Customer that say something of the person, as they are. The others are told in other words below, or are
#: this system's own: tests/distributors/test_exporting.py holds every column against these.
PERSONAL = (
    "external_id", "name", "kind", "hotness", "phone", "email", "birthday", "language", "do_not_contact", "added_at",
    "last_contact_at", "recent_contacts", "orders", "spent", "first_order_on", "last_order_on", "usual_gap_days",
)  # fmt: skip

Told = dict[str, Any]


def person(customer: Customer, as_of: datetime) -> Told:
    """Everything about her in plain values for JSON: days and instants in ISO 8601, money as text.

    activities/forgetting.py has what was written to her.
    """
    rows = [customer, *customer.merged.order_by("pk")]
    return {
        "exported_at": iso(as_of),
        "held_by": customer.distributor.name,
        "person": columns(customer),
        "also_known_as": [columns(row) for row in rows[1:]],
        "consents": [
            {
                "channel": one.channel,
                "state": one.state,
                "origin": one.origin,
                "at": plain(one.at),
                "source": one.source,
            }
            for one in consents(customer)
        ],
        "notes": [{"at": iso(note.at), "text": note.text} for note in customer.notes.order_by("at", "pk")],
        "orders": [order(one) for one in orders_of(customer)],
        "events": [
            {
                "type": event.type,
                "at": iso(event.time),
                "source": event.source,
                "id": event.external_id,
                "data": event.data,
            }
            for event in customer.events.filter(~Q(type="distributor.enrolled")).order_by("time", "pk")
        ],
    }


def columns(customer: Customer) -> Told:
    return {name: plain(getattr(customer, name)) for name in PERSONAL}


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def orders_of(customer: Customer) -> Iterable[Order]:
    return Order.objects.filter(customer=customer).prefetch_related("lines__product").order_by("time", "pk")


def order(one: Order) -> Told:
    return {
        "at": iso(one.time), "amount": str(one.amount), "currency": one.currency,
        "lines": [
            {"product": line.product.name, "quantity": str(line.quantity), "amount": str(line.amount)}
            for line in one.lines.all()
        ],
    }  # fmt: skip


# A distributor's contacts

COLUMNS = (
    "name", "phone", "email", "birthday", "language", "kind", "hotness", "do_not_contact", *(f"{name}_consent" for name in CHANNELS),
    "added", "last_contact", "orders", "spent", "last_order",
)  # fmt: skip
#: What a spreadsheet would take for a formula: at the beginning, and where one that splits at semicolons, tabs or line
#: ends would begin a cell.
FORMULA = re.compile(r"[\t\r]|\s*[=+\-@＝＋－＠]")
FORMULA_INSIDE = re.compile(r"(?<=[;\t\r\n])(?= *[=+\-@＝＋－＠])")


def people_csv(distributor: Distributor) -> str:
    """Her customers and prospects by name, with a header line. One query. Whatever could be a formula is text."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for customer in Customer.objects.of(distributor.pk).order_by("name", "pk").iterator(2000):
        writer.writerow([guarded(cell) for cell in row(customer, distributor)])
    return out.getvalue()


def row(customer: Customer, distributor: Distributor) -> list[str]:
    return [
        customer.name, customer.phone, customer.email, day(customer.birthday), customer.language, customer.kind,
        customer.hotness, "yes" if customer.do_not_contact else "",
        *(state(customer, bit) for bit in CHANNELS.values()),
        day(distributor.local_day(customer.added_at)),
        day(distributor.local_day(customer.last_contact_at) if customer.last_contact_at else None),
        str(customer.orders), str(customer.spent), day(customer.last_order_on),
    ]  # fmt: skip


def state(customer: Customer, bit: int) -> str:
    return (
        "given" if customer.allowed & bit else "withdrawn" if customer.refused & bit or customer.do_not_contact else ""
    )


def day(value: date | None) -> str:
    return value.isoformat() if value else ""


def guarded(cell: str) -> str:
    """A quote before what begins like a formula: "+1 555" of a phone number is read as text, too."""
    inside = FORMULA_INSIDE.sub("'", cell)
    return f"'{inside}" if FORMULA.match(cell) else inside
