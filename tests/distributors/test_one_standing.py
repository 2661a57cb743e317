"""Her list of people and a person's own page tell the same: who is due and why, in which rhythm, and who waits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.urls import reverse

from distributors import outreach
from distributors.models import Customer, Distributor
from tests import factories as make
from tests.distributors.orders import order
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@dataclass(frozen=True)
class History:
    """What happened with a customer: days ago on which she ordered the liner (lasts 56 days) or the veil (40 days), hours ago
    at which she filled a basket and heard from her distributor."""

    liner: list[int] = field(default_factory=list)
    veil: list[int] = field(default_factory=list)
    basket: int | None = None
    heard: list[int] = field(default_factory=list)


HISTORIES = {
    "Only order, in its window": History(liner=[54]),
    "Only order, over": History(liner=[70]),
    "Only order, too early": History(liner=[9]),
    "Own gap, in its window": History(liner=[41, 76, 111, 146]),
    "Own gap, over the usual": History(liner=[47, 82, 117, 152]),
    "Own gap, long over": History(liner=[100, 135, 170]),
    "Own gap, too early": History(liner=[9, 44, 79]),
    "A line used up, own gap too early": History(liner=[12, 35, 58, 81], veil=[35]),
    "A line over, own gap too early": History(liner=[9, 79, 149], veil=[44]),
    "A line used up, own gap too": History(liner=[35, 70, 105], veil=[36]),
    "Two lines used up": History(liner=[50], veil=[38]),
    "Two orders of one day": History(liner=[54, 54]),
    "Check-in": History(liner=[6]),
    "Long ago": History(liner=[150, 190]),
    "Due, but heard lately": History(liner=[54], heard=[30]),
    "Due, but heard often": History(liner=[54], heard=[8 * 24, 14 * 24, 20 * 24, 26 * 24]),
    "Due, and heard before": History(liner=[54], heard=[6 * 24]),
    "A basket": History(liner=[9, 44], basket=20),
    "A basket, heard before it": History(liner=[9, 44], basket=20, heard=[30]),
    "A basket, heard since": History(liner=[9, 44], basket=20, heard=[2]),
    "Never ordered": History(),
}


def told(name: str, of: Distributor) -> Customer:
    happened = HISTORIES[name]
    customer = make.customer(of, name=name, phone="+1 555 0100")
    liner = make.product("EYE-1", name="Lumen Liner", lasts_days=56)
    veil = make.product("SUN-1", name="Sun veil", lasts_days=40, line=make.product_line("sun"))
    for product, days in ((liner, happened.liner), (veil, happened.veil)):
        for ago in days:
            order(customer, make.TODAY - timedelta(days=ago), product)
    if happened.basket is not None:
        make.event(of, type="basket.opened", customer=customer, time=hours_ago(happened.basket))
    for nth, ago in enumerate(sorted(happened.heard, reverse=True)):
        customer.refresh_from_db()
        outreach.contacted(customer=customer, channel="text", as_of=hours_ago(ago), by=None, key=f"h-{nth}")
    customer.refresh_from_db()
    return customer


def hours_ago(hours: int) -> datetime:
    return make.NOW - timedelta(hours=hours)


@dataclass(frozen=True)
class Standing:
    """What a page says of somebody."""

    due: bool
    offered: bool  # a message, by a button
    waits: str  # Next message from Friday
    rhythm: str  # in the words of the list
    likely: bool


def on_the_list(of: Distributor, customer: Customer) -> Standing:
    client, message = signed_in(of), reverse("message_person", args=[customer.pk])
    listed = {row.person.customer.pk: row.person for row in client.get(reverse("people")).context["rows"]}
    page = client.get(reverse("people"), {"show": "all"})
    [row] = [row for row in page.context["rows"] if row.person.customer.pk == customer.pk]
    assert (customer.pk in listed) == row.person.due, "both tabs know who is due"
    said = row.person.line
    waits = said if said.startswith("Next message from") else ""
    about = said if row.person.rhythm else ""
    return Standing(row.person.due, f'href="{message}"' in words(page), waits, about, bool(row.person.rhythm))


def on_her_page(of: Distributor, customer: Customer) -> Standing:
    page = signed_in(of).get(reverse("person", args=[customer.pk]))
    text, known = words(page), page.context
    button = re.search(rf'class="btn[^"]*" href="{reverse("message_person", args=[customer.pk])}"', text)
    waits = re.search(r"Next message from [^.<]+", text)
    return Standing(
        known["expects_step"], bool(button), waits[0] if waits else "", unescape(known["rhythm_line"]),
        known["rhythm"] is not None,
    )  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_it_works(name: str) -> None:
    dora = make.distributor()
    customer = told(name, dora)
    listed, own = on_the_list(dora, customer), on_her_page(dora, customer)
    assert (own.due, own.offered, own.waits) == (listed.due, listed.offered, listed.waits)
    if listed.rhythm:
        assert own.likely and own.rhythm == listed.rhythm, "one window, in the same words"


@pytest.mark.parametrize("name", HISTORIES)
def test_the_step_never_denies_what_the_list_says(name: str) -> None:
    """No activity is published: who is due has a reason on her page all the same."""
    dora = make.distributor()
    customer = told(name, dora)
    listed = on_the_list(dora, customer)
    step = words(signed_in(dora).get(reverse("next_step", args=[customer.pk])))
    assert ("Nothing to do" in step) != listed.due
    assert (reverse("message_person", args=[customer.pk]) in step) == listed.due
    assert listed.rhythm in step


def test_the_histories_cover_what_there_is() -> None:
    dora = make.distributor()
    seen = {on_the_list(dora, told(name, dora)).rhythm for name in HISTORIES}
    assert {"Lumen Liner, day 54 of 56", "Sun veil, day 35 of 40", "Sun veil, 4 days over the usual 40"} <= seen
    assert {"Usually every 5 weeks, last 41 days ago", "Usually every 5 weeks, 12 days over"} <= seen


@pytest.mark.parametrize(
    ("name", "waits"),
    [("A basket, heard since", "Next message from Tuesday"), ("A basket, heard before it", ""), ("A basket", "")],
)
def test_a_basket_is_a_reason_to_write_once(name: str, waits: str) -> None:
    dora = make.distributor()
    customer = told(name, dora)
    listed, own = on_the_list(dora, customer), on_her_page(dora, customer)
    assert listed.due == own.due == (not waits) and listed.waits == own.waits == waits
    assert listed.offered == own.offered == (not waits)


def test_who_waits_can_still_be_written_to_by_choice() -> None:
    """From the menu: an answer is owed sometimes."""
    dora = make.distributor()
    customer = told("Due, but heard lately", dora)
    text = words(signed_in(dora).get(reverse("person", args=[customer.pk])))
    menu = text.partition('class="pop">')[2].partition("</details>")[0]
    assert reverse("message_person", args=[customer.pk]) in menu and "tel:" in menu


def test_the_window_of_a_line_begins_with_its_own_order() -> None:
    dora = make.distributor()
    customer = told("A line used up, own gap too early", dora)
    page = signed_in(dora).get(reverse("person", args=[customer.pk]))
    assert page.context["rhythm_line"] == "Sun veil, day 35 of 40" and len(page.context["rhythm"].orders) == 1
    # Ordered 35 days ago, .8 and 1.25 of 40 days: from 32 to 50 days after.
    assert page.context["likely"] == "Likely 24 August to 11 September"
