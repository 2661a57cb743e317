"""People as the lists show them: one fact with a number, and where today lies in their order rhythm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .bars import Rhythm, rhythm
from .models import Customer
from .reorder import Due
from .wording import day_short


@dataclass(frozen=True)
class PersonLine:
    customer: Customer
    line: str
    rhythm: Rhythm | None = None
    chip: str = ""


def due_person(due: Due, today: date) -> PersonLine:
    customer = due.customer
    bar = None
    if customer.last_order_on and due.window_start and due.window_end:
        bar = rhythm(customer.last_order_on, due.window_start, due.window_end, today)
    prospect = customer.kind == Customer.Kind.PROSPECT
    return PersonLine(customer, due_line(due, today), bar, _("Prospect") if prospect else "")


def due_line(due: Due, today: date) -> str:
    """Lumen Liner, day 54 of 56 · Usually reorders this week · Added 12 days ago."""
    customer, product = due.customer, str(due.facts.get("product") or "")
    ago = (today - customer.last_order_on).days if customer.last_order_on else None
    if due.reason == "birthday" and customer.birthday:
        return _("Birthday on %(day)s") % {"day": day_short(customer.birthday)}
    if due.reason == "open_basket":
        return _("Left a basket open")
    if due.reason == "prospect" or ago is None:
        return since_contact(customer, today)
    if due.reason in {"reorder_due", "one_time"} and (said := rhythm_line(due, product, ago)):
        return said
    return ordered(ago)


def rhythm_line(due: Due, product: str, ago: int) -> str:
    """Lumen Liner, day 54 of 56 · Lash serum, 10 days over the usual 52."""
    own = due.reason == "reorder_due" and due.customer.usual_gap_days
    gap = round(float(own or str(due.facts.get("lasts_days") or 0)))
    days = ago if own else int(str(due.facts.get("days_since_line") or ago))
    if not gap:
        return ""
    facts = {"product": product, "ago": days, "gap": gap, "over": days - gap}
    if days > gap:
        return (
            _("%(product)s, %(over)s days over the usual %(gap)s")
            if product
            else _("%(over)s days over the usual %(gap)s")
        ) % facts
    return (_("%(product)s, day %(ago)s of %(gap)s") if product else _("Day %(ago)s of %(gap)s")) % facts


def ordered(ago: int) -> str:
    if ago <= 0:
        return _("Ordered today")
    return ngettext("Ordered %(n)s day ago", "Ordered %(n)s days ago", ago) % {"n": ago}


def since_contact(customer: Customer, today: date) -> str:
    if customer.last_contact_at:
        days = max(0, (today - customer.last_contact_at.date()).days)
        return ngettext("Last contact %(n)s day ago", "Last contact %(n)s days ago", days) % {"n": days}
    days = max(0, (today - customer.added_at.date()).days)
    return ngettext("Added %(n)s day ago", "Added %(n)s days ago", days) % {"n": days}


def plain_person(customer: Customer, today: date) -> PersonLine:
    """A person of the whole list, who need not be due."""
    if customer.do_not_contact:
        return PersonLine(customer, _("Asked not to be contacted"))
    prospect = customer.kind == Customer.Kind.PROSPECT
    if customer.last_order_on and not prospect:
        line = ordered((today - customer.last_order_on).days)
    else:
        line = since_contact(customer, today)
    return PersonLine(customer, line, None, _("Prospect") if prospect else "")
