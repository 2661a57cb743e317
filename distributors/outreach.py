"""Reaching a person, and what she keeps about them: ways, notes, consent. Nothing is sent by us."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from django.db import transaction
from django.utils.translation import gettext as _

from .models import Customer, Note, User

NOT_DIALLED = re.compile(r"[^\d+]")


@dataclass(frozen=True)
class Way:
    """A link that opens her own phone's app."""

    icon: str
    label: str
    url: str


def ways(customer: Customer, message: str = "", subject: str = "") -> list[Way]:
    """Call, text, WhatsApp and e-mail as far as the contact has them, text filled in; none for who asked for none."""
    if customer.do_not_contact:
        return []
    phone, found = NOT_DIALLED.sub("", customer.phone), list[Way]()
    if phone and not message:
        found.append(Way("call", _("Call"), f"tel:{phone}"))
    if phone:
        found.append(Way("msg", _("Text"), f"sms:{phone}" + (f"?&body={quote(message)}" if message else "")))
    if phone.startswith("+"):
        # wa.me takes the international number alone.
        found.append(
            Way("share", _("WhatsApp"), f"https://wa.me/{phone[1:]}" + (f"?text={quote(message)}" if message else ""))
        )
    if customer.email:
        filled = f"?subject={quote(subject)}&body={quote(message)}" if message else ""
        found.append(Way("mail", _("E-mail"), f"mailto:{quote(customer.email, safe='@')}{filled}"))
    return found


def call(customer: Customer | None) -> Way | None:
    return next((way for way in ways(customer) if way.icon == "call"), None) if customer else None


def add_note(*, customer: Customer, text: str, as_of: datetime, by: User | None) -> Note:
    return Note.objects.create(customer=customer, text=text, at=as_of, by=by)


@transaction.atomic
def set_do_not_contact(*, customer: Customer, stop: bool, as_of: datetime, by: User | None) -> bool:
    """Whether it changed; a change leaves a line among the notes, so that consent has a history."""
    changed = Customer.objects.filter(pk=customer.pk, do_not_contact=not stop).update(do_not_contact=stop)
    if changed:
        said = _("Asked not to be contacted.") if stop else _("May be contacted again.")
        Note.objects.create(customer=customer, text=said, at=as_of, by=by)
    return bool(changed)
