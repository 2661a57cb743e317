"""People as the lists show them: one fact with a number, and where today lies in their order rhythm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from math import ceil, floor

from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import outreach
from .bars import Rhythm, rhythm
from .models import Customer, Market
from .models.customer import EVERY_CHANNEL
from .reorder import Due, free_from
from .timing import WINDOW
from .wording import day_near, day_short

WEEK = 7
#: From here on a span is told in weeks.
IN_WEEKS = 14
#: Reasons whose window is that of the next order; the others' is when to be in touch.
OF_ORDERS = ("reorder_due", "one_time")


class Standing(Enum):
    """Whether a person may hear from her now, and if not, why not."""

    FREE = "free"
    STOPPED = "stopped"  # asked for no contact, by no way at all
    UNASKED = "unasked"  # the market wants consent, and there is none on record
    WAITS = "waits"  # heard from her lately, or often


@dataclass(frozen=True)
class PersonLine:
    customer: Customer
    line: str
    rhythm: Rhythm | None = None
    chip: str = ""
    interest: str = ""  # a prospect's, in words
    standing: Standing = Standing.FREE
    due: bool = False  # there is a reason to be in touch, and a step that fits it
    writes: bool = True  # by some channel that is not a call
    call: str = ""  # the address that calls, of somebody who may only be called

    @property
    def may_hear(self) -> bool:
        return self.standing is Standing.FREE


def due_person(due: Due, today: date, market: Market) -> PersonLine:
    customer = due.customer
    window = window_of(due, today)
    bar = rhythm(*window, today) if window else None
    writes, call = reaching(customer, market)
    return PersonLine(customer, due_line(due, today), bar, *chips(customer), due=True, writes=writes, call=call)


def is_about_line(due: Due) -> bool:
    """Whether it is how long a product lasts that says when, not her own gaps between orders."""
    return due.reason == "one_time" or (due.reason == "reorder_due" and not due.customer.usual_gap_days)


def window_of(due: Due, today: date) -> tuple[date, date, date] | None:
    """When the order was that the reason counts from, and the first and last day of the next one's window; None without one.

    Of a product line that is the line's last order, which need not be her last.
    """
    if due.reason not in OF_ORDERS or not due.window_start or not due.window_end:
        return None
    ago = due.facts.get("days_since_line")
    last = due.customer.last_order_on if ago is None else today - timedelta(days=int(str(ago)))
    return (last, due.window_start, due.window_end) if last else None


def reaching(customer: Customer, market: Market) -> tuple[bool, str]:
    """Whether a message may be written; who agreed to calls only has the address of one, given a number."""
    if outreach.reachable(customer, market) - {"call"}:
        return True, ""
    way = outreach.call(customer, market=market)
    return False, way.url if way else ""


def chips(customer: Customer) -> tuple[str, str]:
    """Prospect, and how interested; both empty for a customer."""
    if customer.kind != Customer.Kind.PROSPECT:
        return "", ""
    return _("Prospect"), customer.get_hotness_display() if customer.hotness else ""


def due_line(due: Due, today: date) -> str:
    """Lumen Liner, day 54 of 56 · Usually every 5 weeks, last 34 days ago · Day 6 after the order: check-in."""
    customer = due.customer
    ago = (today - customer.last_order_on).days if customer.last_order_on else None
    if due.reason == "birthday" and customer.birthday:
        return _("Birthday on %(day)s") % {"day": day_short(customer.birthday)}
    if due.reason == "open_basket":
        return _("Left a basket open")
    if due.reason == "prospect" or ago is None:
        return since_contact(customer, today)
    if due.reason in OF_ORDERS and (said := rhythm_line(due, today, ago)):
        return said
    return after_order(due.reason, ago) or ordered(ago)


def after_order(reason: str, ago: int) -> str:
    """Why so long after the order, and how long; empty for any other reason."""
    if reason == "check_in":
        return _("Day %(n)s after the order: check-in") % {"n": ago}
    n = round(ago / WEEK)
    if reason == "connect":
        return ngettext("%(n)s week since the order: a word", "%(n)s weeks since the order: a word", n) % {"n": n}
    if reason == "lapsed":
        return ngettext("No order for %(n)s week", "No order for %(n)s weeks", n) % {"n": n}
    return ""


def rhythm_line(due: Due, today: date, ago: int) -> str:
    """Lumen Liner, day 54 of 56 · Lash serum, 10 days over the usual 52; of her own gaps, as her page has it: own_rhythm."""
    if not is_about_line(due):
        return own_rhythm(due.customer, today)
    gap, days = int(str(due.facts.get("lasts_days") or 0)), int(str(due.facts.get("days_since_line", ago)))
    facts = {"product": due.facts.get("product", ""), "ago": days, "gap": gap, "over": days - gap}
    if not gap or not facts["product"]:
        return ""
    if days > gap:
        return _("%(product)s, %(over)s days over the usual %(gap)s") % facts
    return _("%(product)s, day %(ago)s of %(gap)s") % facts


def ordered(ago: int) -> str:
    if ago <= 0:
        return _("Ordered today")
    return ngettext("Ordered %(n)s day ago", "Ordered %(n)s days ago", ago) % {"n": ago}


def since_contact(customer: Customer, today: date) -> str:
    """On the active clock, which is her market's on her own pages."""
    if customer.last_contact_at:
        days = max(0, (today - localdate(customer.last_contact_at)).days)
        if not days:
            return _("Last contact today")
        return ngettext("Last contact %(n)s day ago", "Last contact %(n)s days ago", days) % {"n": days}
    days = max(0, (today - localdate(customer.added_at)).days)
    if not days:
        return _("Added today")
    return ngettext("Added %(n)s day ago", "Added %(n)s days ago", days) % {"n": days}


def plain_person(customer: Customer, market: Market, today: date) -> PersonLine:
    """A person of the whole list, who need not be due."""
    standing = standing_of(customer, market, today)
    line = {
        Standing.STOPPED: _("Asked not to be contacted"),
        Standing.UNASKED: _("No consent on record"),
        Standing.WAITS: next_message(free_from(customer, market, today), today),
    }.get(standing) or said_plainly(customer, today)
    writes, call = reaching(customer, market)
    return PersonLine(customer, line, None, *chips(customer), standing, writes=writes, call=call)


def said_plainly(customer: Customer, today: date) -> str:
    """Ordered 12 days ago · Last contact 3 days ago."""
    if customer.last_order_on and customer.kind != Customer.Kind.PROSPECT:
        return ordered((today - customer.last_order_on).days)
    return since_contact(customer, today)


def standing_of(customer: Customer, market: Market, today: date) -> Standing:
    if customer.do_not_contact or customer.refused == EVERY_CHANNEL:
        return Standing.STOPPED
    if market.consent_required and not customer.allowed:
        return Standing.UNASKED
    return Standing.WAITS if free_from(customer, market, today) else Standing.FREE


def next_message(day: date | None, today: date) -> str:
    """Next message from Friday, or, further away, from 3 September."""
    if day is None:
        return ""
    near = (day - today).days < WEEK
    return _("Next message from %(day)s") % {"day": date_format(day, "l") if near else day_near(day, today)}


def span(days: float) -> str:
    """5 days · 8 weeks."""
    if days < IN_WEEKS:
        n = max(1, round(days))
        return ngettext("%(n)s day", "%(n)s days", n) % {"n": n}
    n = round(days / WEEK)
    return ngettext("%(n)s week", "%(n)s weeks", n) % {"n": n}


def told_rhythm(customer: Customer, due: Due | None, today: date) -> str:
    """What makes her due, of a product line or of all her orders, as the list says it; else the rhythm of all her orders."""
    return due_line(due, today) if due is not None and due.reason in OF_ORDERS else own_rhythm(customer, today)


def own_rhythm(customer: Customer, today: date) -> str:
    """Usually every 5 weeks, last 34 days ago. · Usually every 5 weeks, 106 days over. · One order so far, 54 days ago.

    Empty before the first one.
    """
    if customer.last_order_on is None:
        return ""
    ago = (today - customer.last_order_on).days
    _first, end = order_window(customer, None)
    if customer.usual_gap_days and end and today > end:
        over = ago - round(customer.usual_gap_days)
        return ngettext("Usually every %(span)s, %(n)s day over", "Usually every %(span)s, %(n)s days over", over) % {
            "span": span(customer.usual_gap_days),
            "n": over,
        }
    last = _("today") if ago <= 0 else ngettext("%(days)s day ago", "%(days)s days ago", ago) % {"days": ago}
    if customer.usual_gap_days:
        return _("Usually every %(span)s, last %(ago)s") % {"span": span(customer.usual_gap_days), "ago": last}
    if customer.orders == 1:
        return _("One order so far, %(ago)s") % {"ago": last}
    return _("Last order %(ago)s") % {"ago": last}


def order_window(customer: Customer, lasts: int | None) -> tuple[date | None, date | None]:
    """When the next order is likely: by her own usual gap, before there is one by how many days what she bought `lasts`.

    Her orders alone decide, so that a message changes nothing. (None, None) when nothing says when.
    """
    days, last = customer.usual_gap_days or lasts, customer.last_order_on
    if not days or last is None:
        return None, None
    return last + timedelta(days=floor(WINDOW[0] * days)), last + timedelta(days=ceil(WINDOW[1] * days))
