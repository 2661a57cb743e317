"""Messages with merge fields: {name}, {product|favourite}, and [parts in brackets] that are left out where a field is not known.

    Hi[ {name}], your {product} should be nearly used up. Shall I put one aside[, as every {usual}]?

What is not known leaves no hole (distributors/blanks.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.utils.translation import ngettext

from distributors import blanks
from distributors.blanks import clean, needed, render, says_something
from distributors.models import Customer, CustomerLine, Distributor
from distributors.reorder import Due

__all__ = [
    "FIELDS", "fields_of", "given_name", "needed", "personal", "problems", "render", "says_something", "span", "told",
]  # fmt: skip

#: What an author may write in braces.
FIELDS = ("name", "full_name", "me", "company", "product", "line", "days", "usual", "link")
WEEK = 7
#: From here on a span is told in weeks.
IN_WEEKS = 14


def problems(text: str) -> list[str]:
    """What to put right in a template, a sentence each; empty when it never leaves a hole, whatever is known."""
    return blanks.problems(text, FIELDS)


# -- what is known


def fields_of(
    distributor: Distributor,
    customer: Customer,
    *,
    reason: str | None = None,
    due: Due | None = None,
    link: str = "",
    as_of: datetime | None = None,
) -> dict[str, str]:
    """The fields known of this customer, in the active language: `override` the message's. At most one query.

    `due` is the reason in full (reorder.details) where there is one. Without `due` and `as_of` {days} is not known.
    """
    facts = dict(due.facts) if due is not None else {}
    if (reason or (due and due.reason)) == "open_basket" and facts.get("basket_product"):
        facts["product"] = facts["basket_product"]
    elif not facts.get("product"):
        facts |= last_bought(customer)
    if as_of is not None and customer.last_order_on is not None:
        facts.setdefault("days_since_order", (distributor.local_day(as_of) - customer.last_order_on).days)
    facts.setdefault("usual_gap_days", customer.usual_gap_days)
    return personal(distributor, customer) | told(facts) | ({"link": link} if link else {})


def last_bought(customer: Customer) -> dict[str, object]:
    """The main product of the last order and its line, as reasons tell them. One query."""
    bought = CustomerLine.objects.filter(customer=customer).order_by("-last_on", "line_id")
    row = bought.values_list("product__name", "line__name").first()
    return {"product": row[0], "line_name": row[1]} if row else {}


def personal(distributor: Distributor, person: Customer | Distributor | None) -> dict[str, str]:
    """The fields about the two of them, and the company."""
    name = clean(person.name) if person is not None else ""
    said = {
        "name": given_name(name), "full_name": name, "me": given_name(clean(distributor.name)),
        "company": str(settings.COMPANY_NAME),
    }  # fmt: skip
    return {field: value for field, value in said.items() if value}


def given_name(name: str) -> str:
    """Maria of Maria Ruiz. Nothing of nobody: unlike a page, a message never shows somebody's number in the shop."""
    first, _blank, rest = name.partition(" ")
    # "Household 900" is no person's name: the number tells it from the others.
    return name if rest.isdigit() else first


def told(facts: Mapping[str, object]) -> dict[str, str]:
    """The fields that a reason's facts fill."""
    days, gap = facts.get("days_since_order"), facts.get("usual_gap_days")
    said = {
        "product": str(facts.get("product") or ""),
        "line": str(facts.get("line_name") or ""),
        # "1 days ago" is no number to tell: then it is not known.
        "days": str(days) if isinstance(days, int) and days > 1 else "",
        "usual": span(gap) if isinstance(gap, (int, float)) and gap > 0 else "",
    }
    return {field: value for field, value in said.items() if value}


def span(days: float) -> str:
    """5 days · 8 weeks."""
    if days < IN_WEEKS:
        n = max(1, round(days))
        return ngettext("%(n)s day", "%(n)s days", n) % {"n": n}
    n = round(days / WEEK)
    return ngettext("%(n)s week", "%(n)s weeks", n) % {"n": n}
