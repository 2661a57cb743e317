"""HQ moves a weight in the admin; the field's next page load follows, with no feed rewritten in between."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .api import Shop
from .conftest import Product, Visit

pytestmark = pytest.mark.journey


def publish(page: Page, weights: dict[str, int], reason: str) -> None:
    """Set every weight on the live campaign's page and save."""
    page.goto("/admin/kpis/campaign/?status__exact=live")
    page.get_by_role("link", name="the second eye order").click()
    page.locator("input[name=reason]").wait_for()
    for field in page.locator("input[name^=weight_]").all():
        label = page.locator(f"label[for={field.get_attribute('id')}]").inner_text().strip()
        field.fill(str(next((points for name, points in weights.items() if name in label), 0)))
    page.locator("input[name=reason]").fill(reason)
    page.get_by_role("button", name="Save", exact=True).click()


def terms(product: Product) -> dict[str, float]:
    return {card["key"]: card["terms"]["company"] for card in Shop(product).feed("jenna")["cards"]}


def test_it_works(visit: Visit, second_visit: Visit, product: Product) -> None:
    jenna = visit.sign_in("jenna@yousystem.example")
    hq = second_visit.sign_in("hq@yousystem.example")
    titles = ".next h3, .act .act-t > span:first-child"
    before, shares = jenna.locator(titles).all_inner_texts(), terms(product)

    publish(hq, {"New distributors": 100}, "Autumn is for new people")
    expect(hq.get_by_text("is published")).to_be_visible()
    jenna.reload()
    after = jenna.locator(titles).all_inner_texts()
    assert after != before
    assert terms(product) != shares

    publish(
        hq, {"Eye line": 40, "New distributors": 20, "retention": 15, "Order size": 25}, "Back to the quarter's weights"
    )


def test_weights_that_do_not_sum_to_100_are_refused_in_one_sentence(second_visit: Visit) -> None:
    page = second_visit.sign_in("hq@yousystem.example")
    publish(page, {"New distributors": 90}, "A slip")
    expect(page.get_by_text("The weights add up to 90")).to_be_visible()
    expect(page.get_by_text("is published")).to_have_count(0)
