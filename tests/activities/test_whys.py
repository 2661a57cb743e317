"""The why line of each kind of card, word for word."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from activities import whys
from activities.cards import Candidate
from activities.explain import told_gain
from activities.models import Activity, ActivityText
from distributors.models import Customer, Distributor, Market

READER = Distributor(name="Jenna Reyes", market=Market(currency="USD", language="en"))


def said(about: str, **facts: object) -> str:
    recruit = about in ("new_recruit", "quiet_recruit")
    candidate = Candidate(
        activity=Activity(key="a", about=about), text=ActivityText(),
        customer=None if recruit else Customer(pk=1, name="Maria Ruiz"),
        recruit=Distributor(pk=2, name="Dana Blum") if recruit else None, facts=facts,
    )  # fmt: skip
    return whys.line_of(candidate, READER)


def test_it_works() -> None:
    assert said("one_time", product="Lumen Liner", days_since_line=54, days_since_order=54, lasts_days=56) == (
        "Maria bought Lumen Liner once, 54 days ago. Most customers finish one in about 8 weeks."
    )


@pytest.mark.parametrize(("about", "facts", "sentence"), [
    ("reorder_due", {"usual_gap_days": 35.0, "orders": 5, "order_average": Decimal("31.00"), "days_since_order": 34},
     "Maria reorders about every 5 weeks, on average $31, and last ordered 34 days ago."),
    ("reorder_due", {"orders": 1, "product": "Lumen Palette", "days_since_line": 34, "lasts_days": 42},
     "Maria bought Lumen Palette 34 days ago. Most customers finish one in about 6 weeks."),
    ("one_time", {"days_since_order": 1}, "Maria ordered once, yesterday."),
    ("open_basket", {"days_open": 2, "basket_amount": Decimal("22.00")},
     "Maria filled a basket of $22 2 days ago and has not ordered it yet."),
    ("open_basket", {"days_open": 0}, "Maria filled a basket today and has not ordered it yet."),
    ("check_in", {"product": "Lash serum", "days_since_order": 6},
     "Maria bought Lash serum 6 days ago. The first days of use are when questions come up."),
    ("lapsed", {"orders": 4, "days_since_order": 130}, "Maria ordered 4 times, last 130 days ago."),
    ("birthday", {"birthday_on": date(2026, 8, 30), "days_to_birthday": 3}, "Maria has a birthday on 30 August."),
    ("birthday", {"birthday_on": date(2026, 8, 27), "days_to_birthday": 0}, "Maria has a birthday today."),
    ("prospect", {"days_since_added": 8, "hotness": "hot"},
     "You added Maria 8 days ago. Marked as hot: a week is the time to come back."),
    ("prospect", {"days_since_contact": 20, "days_since_added": 80}, "You last spoke with Maria 20 days ago."),
    ("new_recruit", {"days_since_joined": 24, "first_days_end_on": date(2026, 9, 2)},
     "Dana joined 24 days ago, no order yet. Her first 30 days end on Wednesday 2 September."),
    ("quiet_recruit", {"days_since_order": 40, "orders_before": 6, "days_before": 56},
     "Dana last had an order 40 days ago. There were 6 in the 8 weeks before."),
    ("nobody", {}, ""),
])  # fmt: skip
def test_from_the_facts(about: str, facts: dict[str, object], sentence: str) -> None:
    assert said(about, **facts) == sentence


def test_authors_fields_are_filled_and_others_left() -> None:
    candidate = Candidate(
        activity=Activity(key="a"), text=ActivityText(), customer=Customer(pk=1, name="Maria Ruiz"),
        facts={"product": "Lumen Liner", "line_name": "Eye line"},
    )  # fmt: skip
    template = "{me} writes {name} about {product} of the {line} {%x} {other}"
    assert whys.Words.of(candidate, READER).fill(template) == (
        "Jenna writes Maria about Lumen Liner of the Eye line {%x} {other}"
    )


@pytest.mark.parametrize(
    ("gain", "p", "now", "told"),
    [
        (0.06, 0.46, 0.48, 0.06),  # Jenna's refill: 48% to 54%
        (0.90, 0.46, 0.10, 0.414),  # $2 left: done it would be reached, but it may not be done
        (0.0, 0.46, 0.48, 0.0),
    ],
)
def test_a_chance_never_rises_by_more_than_the_chance_that_it_is_done(
    gain: float, p: float, now: float, told: float
) -> None:
    assert told_gain(gain, p, now) == pytest.approx(told)
