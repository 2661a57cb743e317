"""What a card is worth to her goal: a known order as a plain sum, else what is expected of it, and never as a promise."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from activities import recommend
from activities.cards import Candidate, Card
from activities.explain import order_asked_for
from activities.models import Activity, ActivityText
from distributors.goals import GoalState
from distributors.models import Customer, Distributor, Goal
from tests import factories as f
from tests.activities.stage import order, stage
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def jenna() -> Distributor:
    return stage()


def card(jenna: Distributor, name: str) -> Card:
    feed = recommend.feed(jenna, as_of=f.NOW, noise=False, log=False)
    return next(one for one in feed.cards if one.key.startswith(name))


def goal_reason(card: Card) -> str:
    return next(reason.sentence for reason in card.reasons if reason.source == "goal")


def test_it_works(jenna: Distributor) -> None:
    refill = card(jenna, "eye-refill-video")
    assert refill.worth == "A reorder of Lumen Palette ($34) would take you from 75% to 88% of your $250."
    assert goal_reason(refill).startswith(
        f"$62.50 to go by 30 August. {refill.worth} On average a to-do like this should bring $"
    )


def test_a_basket_is_worth_what_is_in_it(jenna: Distributor) -> None:
    assert card(jenna, "basket").worth == "This basket ($22) would take you from 75% to 83% of your $250."


def test_what_is_expected_is_floored_and_said_to_be_an_average(jenna: Distributor) -> None:
    lesson = card(jenna, "reorder-talk")
    tau = lesson.candidate.tau["sales"]
    assert 1 < tau < 2
    assert lesson.worth.startswith("On average a to-do like this should bring $1 of the $62.50 to go")
    for one in recommend.feed(jenna, as_of=f.NOW, log=False).cards:
        assert "could close" not in one.worth and "of your $62.50 gap" not in one.worth


def test_more_than_is_missing_is_not_promised(jenna: Distributor) -> None:
    order(jenna, jenna.customers.get(name="Other One"), 0, "61.50", time=f.NOW)  # $1 to go
    lesson = card(jenna, "reorder-talk")
    assert "should bring" not in lesson.worth and lesson.worth


STATE = GoalState(
    goal=Goal(metric="sales", period="week", target=Decimal(250), weight=Decimal(1)),
    first=date(2026, 8, 24), last=date(2026, 8, 30), value=Decimal("187.50"), expected=None, chance=None,
    survival=lambda x: 0.5, currency="USD", days_left=4,
)  # fmt: skip


@pytest.mark.parametrize(("about", "facts", "value"), [
    ("reorder_due", {"orders": 4, "order_average": Decimal("37.75")}, Decimal("37.75")),
    ("lapsed", {"orders": 2, "order_average": Decimal("20.00")}, Decimal("20.00")),
    ("reorder_due", {"orders": 1, "order_average": Decimal("37.75")}, None),  # one order is no average
    ("one_time", {"orders": 1, "product": "Lumen Palette"}, None),  # no price known
    ("check_in", {"orders": 4, "order_average": Decimal("37.75")}, None),  # asks for no order
    ("prospect", {}, None),
])  # fmt: skip
def test_an_amount_is_named_only_where_it_is_known(about: str, facts: dict[str, object], value: Decimal | None) -> None:
    candidate = Candidate(
        activity=Activity(key="a", about=about), text=ActivityText(), customer=Customer(pk=1, name="Priya"), facts=facts
    )
    found = order_asked_for(candidate, STATE)
    assert (found[1] if found else None) == value


def test_of_a_goal_of_one_line_only_its_products_count() -> None:
    lips = GoalState(
        **{**STATE.__dict__, "goal": Goal(metric="sales", scope="lip", period="week", target=Decimal(250))}
    )
    facts = {"product": "Lumen Palette", "product_price": Decimal(34), "line": "eye", "orders": 3,
             "order_average": Decimal(30)}  # fmt: skip
    candidate = Candidate(
        activity=Activity(key="a", about="one_time"), text=ActivityText(), customer=Customer(pk=1), facts=facts
    )
    assert order_asked_for(candidate, STATE) is not None and order_asked_for(candidate, lips) is None


def test_one_main_button_and_what_she_did_beside_the_message(jenna: Distributor) -> None:
    """On a card that calls, the bar calls; that she called is said beside the words."""
    ana = jenna.customers.get(name="Ana Vidal")
    ActivityText.objects.filter(activity__key="nurture").update(message="Hi {name}")
    client, url = signed_in(jenna), reverse("activity", args=[f"nurture.c{ana.pk}"])
    bar = words(client.get(url)).partition('class="cta one"')[2]
    assert (
        "I called" in bar
        and "tel:" not in bar
        and "There is no number or address of Ana yet." in words(client.get(url))
    )
    Customer.objects.filter(pk=ana.pk).update(phone="+1 555 0100")
    page = words(client.get(url))
    above, _, bar = page.partition('class="cta one"')
    assert "tel:+15550100" in bar and "Call Ana" in bar and "Later" in bar and "I called" not in bar
    assert "I called" in above and "no number" not in page
