"""A person who is to be forgotten: everything personal goes, orders and their money stay, of nobody.

activities/forgetting.py also forgets what was written to her, and is what pages call.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from . import gone, ingest
from .models import ContactImport, Customer, Distributor, Event, Note, NotTheSame, User


@transaction.atomic
def erase(*, customer: Customer, as_of: datetime, by: User | None) -> None:
    """Forget her and whoever was merged into her. Totals stay as they are. ValueError when she is gone already."""
    list(
        Distributor.objects.filter(pk=customer.distributor_id)
        .select_for_update(no_key=True)
        .values_list("pk", flat=True)
    )
    her = Customer.objects.of(customer.distributor_id).select_for_update().filter(pk=customer.pk).first()
    if her is None:
        raise ValueError(_("This person is not there any more."))
    rows = [her, *Customer.objects.filter(merged_into=her).select_for_update().order_by("pk")]
    forget_imports(her.distributor_id, rows)
    for row in rows:
        empty(row, as_of)
    redact(her)
    Note.objects.filter(customer__in=rows).delete()
    NotTheSame.objects.filter(Q(one__in=rows) | Q(other__in=rows)).delete()
    ingest.record(
        type="contact.erased", distributor=her.distributor, customer=her, time=as_of,
        data={"by": by.pk} if by else {}, external_id=f"erased-{her.pk}",
    )  # fmt: skip


def empty(row: Customer, as_of: datetime) -> None:
    """Keep what is folded from events, which name nobody any more."""
    row.external_id = unknown_id(row)
    row.name = row.phone = row.email = row.hotness = row.language = ""
    row.birthday = None
    row.do_not_contact = True
    row.erased_at = as_of
    row.save()


def unknown_id(row: Customer) -> str:
    """By which what is said of her later is known to be of somebody erased, though nobody can read her id from it."""
    mark = gone.mark(row.distributor_id, row.external_id)
    # Erased before, and back while the secret was another one: her first row answers to the mark.
    if Customer.objects.filter(distributor=row.distributor_id, external_id=mark).exists():
        return f"{gone.EARLIER}{secrets.token_hex(12)}"
    return mark


def redact(her: Customer) -> None:
    """Rewrite the data of all events about her. That they were sent, when and by whom stays: they come only once."""
    events = list(Event.objects.filter(customer=her).only("pk", "type", "data"))
    for event in events:
        event.data = gone.told(event.type, event.data, her.external_id)
    Event.objects.bulk_update(events, ["data"], batch_size=500)


def forget_imports(distributor_id: int, rows: Iterable[Customer]) -> None:
    """Delete files of contacts in which she may stand: what was read of them can be brought again."""
    marks = {mark for row in rows for mark in marks_of(row.name, row.phone, row.email)}
    pks = {row.pk for row in rows}
    for found in ContactImport.objects.filter(distributor=distributor_id):
        if any(names(line, marks, pks) for line in found.rows):
            found.delete()


def names(line: dict[str, Any], marks: set[str], pks: set[int]) -> bool:
    known = line.get("known")
    if known in pks:
        return True
    said = (str(line.get(field) or "") for field in ("name", "phone", "email"))
    return bool(marks & marks_of(*said))


def marks_of(name: str, phone: str, email: str) -> set[str]:
    return {mark for mark in (name.strip().casefold(), re.sub(r"\D", "", phone), email.strip().casefold()) if mark}
