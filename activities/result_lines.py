"""A result in words, and what it followed: "Maya ordered $34 at 10:42, 2 days after your message." Never "because of"."""

from __future__ import annotations

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from distributors.models import Distributor, Event
from distributors.money import format_money
from distributors.wording import day_short

from .models import Activity, Credit


def told(event: Event, name: str, credit: Credit | None, reader: Distributor) -> str:
    """One sentence in her language. `name` is whose result it is. Load the credit with what `TOUCH` names."""
    with translation.override(reader.speaks):
        said = {"result": happened(event, name, reader)}
        if credit is None:
            return _("%(result)s.") % said
        return _("%(result)s, %(after)s.") % (said | {"after": followed(credit, reader)})


def happened(event: Event, name: str, reader: Distributor) -> str:
    """Maya ordered $34 at 10:42, without a full stop; the active language is hers."""
    at = date_format(event.time.astimezone(reader.market.zone), pgettext("time format", "H:i"))
    said = {"name": name, "time": at}
    if event.type == "order.placed":
        amount = format_money(float(event.data["amount"]), event.data["currency"], reader.speaks)
        return _("%(name)s ordered %(amount)s at %(time)s") % (said | {"amount": amount})
    if event.type == "distributor.enrolled":
        return _("%(name)s enrolled at %(time)s") % said
    if event.type == "contact.replied":
        return _("%(name)s replied at %(time)s") % said
    return _("The result arrived at %(time)s") % said


#: What `followed` reads of a credit, for select_related.
TOUCH = ("action__activity", "outreach")


def followed(credit: Credit, reader: Distributor) -> str:
    """2 days after your message: by her calendar."""
    days = (reader.local_day(credit.at) - reader.local_day(credit.touched_at)).days
    form = form_of(credit)
    if form == Activity.Form.MESSAGE:
        return {0: _("the same day as your message"), 1: _("the day after your message")}.get(days) or ngettext(
            "%(n)s day after your message", "%(n)s days after your message", days
        ) % {"n": days}
    if form == Activity.Form.CALL:
        return {0: _("the same day as your call"), 1: _("the day after your call")}.get(days) or ngettext(
            "%(n)s day after your call", "%(n)s days after your call", days
        ) % {"n": days}
    return {0: _("the same day as your to-do"), 1: _("the day after your to-do")}.get(days) or ngettext(
        "%(n)s day after your to-do", "%(n)s days after your to-do", days
    ) % {"n": days}


def form_of(credit: Credit) -> str:
    if credit.outreach is not None:
        return Activity.Form.CALL if credit.outreach.channel == "call" else Activity.Form.MESSAGE
    assert credit.action is not None
    return credit.action.activity.form


def came_last(credit: Credit, reader: Distributor) -> str:
    """The why of a notice: what of hers was the newest before it."""
    day = {"day": day_short(reader.local_day(credit.touched_at))}
    form = form_of(credit)
    if form == Activity.Form.MESSAGE:
        return _("Your message of %(day)s was the last thing before it.") % day
    if form == Activity.Form.CALL:
        return _("Your call of %(day)s was the last thing before it.") % day
    return _("Your to-do of %(day)s was the last thing before it.") % day
