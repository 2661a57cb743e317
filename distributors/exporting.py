"""All that is kept of a person, for her; and a distributor's contacts as a table."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.db.models.functions import Least
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .cloudevents import iso
from .consent_lines import CHANNEL_LABELS, GIVEN, UNKNOWN, WITHDRAWN, state_words
from .models import CHANNELS, Customer, Distributor, Event, Note, Order
from .outreach import Consent, consents

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


# A distributor's contacts, as a table that contact_import reads back

#: Columns that tell what was counted from orders and contacts. Nobody can bring them: they are not read back.
COUNTED = ("last_contact", "orders", "spent", "currency", "last_order")
#: As spreadsheets of these languages separate cells; a comma otherwise.
SEPARATORS = {"de": ";", "es": ";"}
#: What a spreadsheet would take for a formula: at the beginning, and where one that splits at semicolons, tabs or line
#: ends would begin a cell. A quote before it may be one of ours, and is guarded with it, so that `plain_cell` is exact.
FORMULA = re.compile(r"'*([\t\r]|\s*[=+\-@＝＋－＠])")
FORMULA_INSIDE = re.compile(r"(?<=[;\t\r\n])(?='* *[=+\-@＝＋－＠])")
QUOTE_INSIDE = re.compile(r"(?<=[;\t\r\n])'(?='* *[=+\-@＝＋－＠])")
#: A number with its country's code, and one without any blank.
INTERNATIONAL = re.compile(r"\+[\d ()./-]+", re.ASCII)
COUNTRY = re.compile(
    r"\+(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d\d\d)(\d{4,})", re.ASCII
)  # fmt: skip


def headings() -> dict[str, str]:
    """Column -> its heading in the reader's language. Columns are named as contact_import names what it reads."""
    found = {
        "name": _("Name"), "phone": _("Phone"), "email": _("E-mail"), "birthday": _("Birthday"), "language": _("Language"),
        "kind": _("Kind"), "hotness": _("Interest"), "note": _("Notes"), "stop": _("Do not contact"),
    }  # fmt: skip
    for channel, label in CHANNEL_LABELS.items():
        heading = f"{_('Consent')}: {label}"
        found |= {
            f"consent_{channel}": heading, f"consent_origin_{channel}": f"{heading}, {_('How you know')}",
            f"consent_on_{channel}": f"{heading}, {_('since')}",
        }  # fmt: skip
    return found | {
        "added": _("Added"), "last_contact": _("Last contact"), "orders": _("Orders"), "spent": capfirst(_("spent")),
        "currency": capfirst(_("currency")), "last_order": _("Last order"),
    }  # fmt: skip


def people_csv(distributor: Distributor) -> str:
    """Her customers and prospects by name, in the reader's language, with the mark by which Excel knows UTF-8.

    Three queries. Whatever could be a formula is text.
    """
    out = io.StringIO()
    separator = SEPARATORS.get((get_language() or "").split("-")[0], ",")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, delimiter=separator)
    columns = headings()
    writer.writerow(columns.values())
    said, noted = consents_of(distributor), notes_of(distributor)
    for customer in Customer.objects.of(distributor.pk).order_by("name", "pk").iterator(2000):
        cells = row(customer, distributor, said.get(customer.pk, {}), noted.get(customer.pk, []))
        writer.writerow([cells[name] for name in columns])
    return "\ufeff" + out.getvalue()


def consents_of(distributor: Distributor) -> dict[int, dict[str, Consent]]:
    """Of each contact the newest word on each channel, as outreach.consents has it. One query."""
    found: dict[int, dict[str, Consent]] = defaultdict(dict)
    said = Event.objects.filter(distributor=distributor, customer__isnull=False, type="consent.changed")
    said = said.annotate(counts_from=Least("time", "received_at"))
    order = ("counts_from", "time", "source", "external_id")
    for pk, data, at, source in said.order_by(*order).values_list("customer", "data", "counts_from", "source"):
        for channel in CHANNELS if data["channel"] == "all" else (data["channel"],):
            found[pk][channel] = Consent(channel, data["state"], data.get("origin") or "", at, source)
    return found


def notes_of(distributor: Distributor) -> dict[int, list[str]]:
    """What she wrote about each, the oldest first, each with its day. One query."""
    found: dict[int, list[str]] = defaultdict(list)
    notes = Note.objects.filter(customer__in=Customer.objects.of(distributor.pk)).order_by("at", "pk")
    for pk, text, at in notes.values_list("customer", "text", "at"):
        found[pk].append(f"[{day(distributor.local_day(at))}] {text}")
    return found


def row(customer: Customer, distributor: Distributor, said: dict[str, Consent], noted: list[str]) -> dict[str, str]:
    """The cells by column, as they are written."""
    cells = {
        "name": customer.name, "email": customer.email, "birthday": day(customer.birthday),
        "language": customer.language, "kind": customer.get_kind_display(), "hotness": customer.get_hotness_display(),
        "note": "\n".join(noted), "stop": _("Yes") if customer.do_not_contact else "",
        "added": day(distributor.local_day(customer.added_at)),
        "last_contact": day(distributor.local_day(customer.last_contact_at) if customer.last_contact_at else None),
        "orders": str(customer.orders), "spent": str(customer.spent), "currency": distributor.market.currency,
        "last_order": day(customer.last_order_on),
    }  # fmt: skip
    for channel, bit in CHANNELS.items():
        cells |= consent(channel, bit, customer, said.get(channel))
    return {name: guarded(str(cell)) for name, cell in cells.items()} | {"phone": phone(customer.phone)}


def consent(channel: str, bit: int, customer: Customer, said: Consent | None) -> dict[str, str]:
    """What was said, how it is known (at least by which system) and since when. Nothing where nothing is on record."""
    state = (
        GIVEN if customer.allowed & bit else WITHDRAWN if customer.refused & bit or customer.do_not_contact else UNKNOWN
    )
    known = said if said and said.state == state != UNKNOWN else None
    return {
        f"consent_{channel}": "" if state == UNKNOWN else state_words(state),
        f"consent_origin_{channel}": (known.origin or known.source) if known else "",
        f"consent_on_{channel}": iso(known.at) if known and known.at else "",
    }


def day(value: date | None) -> str:
    return value.isoformat() if value else ""


def phone(number: str) -> str:
    """As a spreadsheet takes it for text: "+1-555-0100" would be a sum and "+4915112345" an amount, so there are blanks."""
    if not INTERNATIONAL.fullmatch(number):
        return guarded(number)
    spaced = " ".join(re.sub(r"[./-]", " ", number).split())
    spaced = COUNTRY.sub(r"+\1 \2", spaced) if " " not in spaced else spaced
    return spaced if " " in spaced else guarded(number)


def guarded(cell: str) -> str:
    """A quote before what begins like a formula."""
    inside = FORMULA_INSIDE.sub("'", cell)
    return f"'{inside}" if FORMULA.match(cell) else inside


def plain_cell(cell: str) -> str:
    """The text that `guarded` was given."""
    inside = QUOTE_INSIDE.sub("", cell)
    return inside[1:] if inside.startswith("'") and FORMULA.match(inside[1:]) else inside
