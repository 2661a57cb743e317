"""The one line under a card: what is known about the person it is about, in a sentence with a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from distributors.models import Distributor
from distributors.money import format_money
from distributors.wording import day_short

from .cards import Candidate
from .messages import words
from .messages.words import span
from .models import Activity
from .record import filled

About = Activity.About
WEEK = 7


class Facts:
    """A candidate's facts, typed, with the fallbacks that sentences need."""

    def __init__(self, candidate: Candidate, reader: Distributor) -> None:
        self.candidate, self.reader, self.given = candidate, reader, candidate.facts

    @property
    def name(self) -> str:
        person = self.candidate.customer or self.candidate.recruit
        return person.given_name if person else ""

    @property
    def product(self) -> str:
        """What she bought, else the line's name, else nothing."""
        return str(self.given.get("product") or self.given.get("line_name") or "")

    def days(self, name: str) -> int | None:
        value = self.given.get(name)
        return int(value) if isinstance(value, (int, float)) else None

    def day(self, name: str) -> date | None:
        value = self.given.get(name)
        return value if isinstance(value, date) else None

    def money(self, name: str) -> str:
        value = self.given.get(name)
        if not isinstance(value, (int, float, Decimal)) or not value:
            return ""
        return format_money(value, self.reader.market.currency, self.reader.speaks)


def line_of(candidate: Candidate, reader: Distributor) -> str:
    """Maria bought Lumen Palette 34 days ago. Most customers finish one in about 8 weeks. Empty without facts.

    Of a recruit about whom a rule calls there are none: what made it call is told instead (rules/reasoning.py).
    """
    if not candidate.facts:
        return ""
    say = SENTENCES.get(candidate.activity.about)
    return say(Facts(candidate, reader)) if say else ""


@dataclass(frozen=True)
class Words:
    """Fills {name}, {product}, {line} and {me} of an author's text for one card and its reader."""

    candidate: Candidate
    reader: Distributor

    @classmethod
    def of(cls, candidate: Candidate, reader: Distributor) -> Words:
        return cls(candidate, reader)

    def fill(self, template: str) -> str:
        candidate = self.candidate
        person = candidate.customer or candidate.recruit
        product = Facts(candidate, self.reader).product
        # Authors write "your {product}", so that this reads well when nobody knows which one.
        fields = {"me": self.reader.given_name, "product": product or _("product")}
        if candidate.activity.line is None:
            fields["line"] = str(candidate.facts.get("line_name") or "")
        return filled(template, candidate.activity, person, **fields)

    def message(self, template: str) -> str:
        """A message to send: what is not known is left out (words.py)."""
        candidate = self.candidate
        known = words.personal(self.reader, candidate.customer or candidate.recruit) | words.told(candidate.facts)
        if candidate.activity.line is not None:
            known["line"] = candidate.activity.line.name
        if product := Facts(candidate, self.reader).product:
            known["product"] = product
        return words.render(template, known)


def days_ago(days: int) -> str:
    if days <= 1:
        return _("yesterday") if days == 1 else _("today")
    return ngettext("%(days)s day ago", "%(days)s days ago", days) % {"days": number_format(days)}


def bought(facts: Facts) -> str:
    """Maria bought Lumen Palette 34 days ago."""
    days = facts.days("days_since_line")
    days = facts.days("days_since_order") if days is None else days
    said = {"name": facts.name, "product": facts.product, "ago": days_ago(days or 0)}
    if facts.product:
        return _("%(name)s bought %(product)s %(ago)s.") % said
    return _("%(name)s ordered %(ago)s.") % said


def lasting(facts: Facts) -> str:
    """How long most customers need for one, when the product says so."""
    lasts = facts.days("lasts_days")
    return _("Most customers finish one in about %(span)s.") % {"span": span(lasts)} if lasts else ""


def reorder_due(facts: Facts) -> str:
    gap, orders = facts.days("usual_gap_days"), facts.days("orders") or 0
    if gap and orders > 1:
        # The mean is all that is kept of her orders; "usually" would be another figure.
        average = facts.money("order_average")
        said = {
            "name": facts.name,
            "span": span(gap),
            "ago": days_ago(facts.days("days_since_order") or 0),
            "average": average,
        }
        if average:
            return _("%(name)s reorders about every %(span)s, on average %(average)s, and last ordered %(ago)s.") % said
        return _("%(name)s reorders about every %(span)s and last ordered %(ago)s.") % said
    return joined(bought(facts), lasting(facts))


def one_time(facts: Facts) -> str:
    days = facts.days("days_since_line")
    days = facts.days("days_since_order") if days is None else days
    said = {"name": facts.name, "product": facts.product, "ago": days_ago(days or 0)}
    if not facts.product:
        return joined(_("%(name)s ordered once, %(ago)s.") % said, lasting(facts))
    return joined(_("%(name)s bought %(product)s once, %(ago)s.") % said, lasting(facts))


def open_basket(facts: Facts) -> str:
    said = {"name": facts.name, "ago": days_ago(facts.days("days_open") or 0), "amount": facts.money("basket_amount")}
    if said["amount"]:
        return _("%(name)s filled a basket of %(amount)s %(ago)s and has not ordered it yet.") % said
    return _("%(name)s filled a basket %(ago)s and has not ordered it yet.") % said


def check_in(facts: Facts) -> str:
    return joined(bought(facts), _("The first days of use are when questions come up."))


def connect(facts: Facts) -> str:
    return joined(bought(facts), _("A word now keeps the next order with you."))


def lapsed(facts: Facts) -> str:
    orders = facts.days("orders") or 1
    said = {"name": facts.name, "n": orders, "ago": days_ago(facts.days("days_since_order") or 0)}
    return (
        ngettext("%(name)s ordered %(n)s time, last %(ago)s.", "%(name)s ordered %(n)s times, last %(ago)s.", orders)
        % said
    )


def birthday(facts: Facts) -> str:
    on, days = facts.day("birthday_on"), facts.days("days_to_birthday")
    if on is None or not days:
        return _("%(name)s has a birthday today.") % {"name": facts.name}
    return _("%(name)s has a birthday on %(day)s.") % {"name": facts.name, "day": day_short(on)}


def prospect(facts: Facts) -> str:
    contact, added = facts.days("days_since_contact"), facts.days("days_since_added")
    said = {"name": facts.name, "ago": days_ago((added if contact is None else contact) or 0)}
    first = _("You added %(name)s %(ago)s.") if contact is None else _("You last spoke with %(name)s %(ago)s.")
    interest = {
        "hot": _("Marked as hot: a week is the time to come back."),
        "warm": _("Marked as warm: two weeks is the time to come back."),
        "cool": _("Marked as cool: a month is the time to come back."),
        "cold": _("Marked as cold: two months is the time to come back."),
    }.get(str(facts.given.get("hotness") or ""), "")
    return joined(first % said, interest)


def new_recruit(facts: Facts) -> str:
    said = {"name": facts.name, "ago": days_ago(facts.days("days_since_joined") or 0)}
    ends = facts.day("first_days_end_on")
    first = _("%(name)s joined %(ago)s, no order yet.") % said
    if ends is None:
        return first
    return joined(first, _("Her first 30 days end on %(day)s.") % {"day": day_long(ends)})


def quiet_recruit(facts: Facts) -> str:
    said = {"name": facts.name, "ago": days_ago(facts.days("days_since_order") or 0)}
    first, before = _("%(name)s last had an order %(ago)s.") % said, facts.days("orders_before") or 0
    if not before:
        return first
    weeks = (facts.days("days_before") or WEEK) // WEEK
    usual = ngettext(
        "There was %(n)s in the %(weeks)s weeks before.", "There were %(n)s in the %(weeks)s weeks before.", before
    )
    return joined(first, usual % {"n": before, "weeks": weeks})


def day_long(day: date) -> str:
    return date_format(day, pgettext("date format", "l j F"))


def joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


SENTENCES: dict[str, Callable[[Facts], str]] = {
    About.REORDER_DUE: reorder_due,
    About.ONE_TIME: one_time,
    About.OPEN_BASKET: open_basket,
    About.CHECK_IN: check_in,
    About.CONNECT: connect,
    About.LAPSED: lapsed,
    About.BIRTHDAY: birthday,
    About.PROSPECT: prospect,
    About.NEW_RECRUIT: new_recruit,
    About.QUIET_RECRUIT: quiet_recruit,
}
