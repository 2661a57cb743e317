"""Jenna's day: she signs in, reads why, completes, undoes; an order closes a to-do and moves her goal."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .api import Shop
from .conftest import Product, Visit

pytestmark = pytest.mark.journey

JENNA = "jenna@yousystem.example"
CATALOGUE = Path(__file__).resolve().parents[2] / "activities" / "catalogue"


def test_it_works(visit: Visit) -> None:
    """Her day as product.md has it: $62.50 to go, 75 %, and 66 % of her month, never 67."""
    page = visit.sign_in(JENNA)
    # On the last day of a month the enrolment is the nearer deadline, and the headline says so.
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"^(\$62\.50|1 enrolment)\sto\sgo\s"))
    goals = page.get_by_label("Your goals")
    expect(goals).to_contain_text("$187.50 of $250")
    expect(goals).to_contain_text("75%")
    expect(goals).to_contain_text("66%")
    expect(page.locator(".next, .act")).to_have_count(5)


def test_she_reads_why_completes_and_undoes_and_her_goal_moves(visit: Visit) -> None:
    page = visit.sign_in(JENNA)
    page.goto("/goals/add/")
    page.get_by_label("What").select_option("activities_done")
    page.wait_for_load_state("networkidle")
    page.get_by_label("Goal", exact=True).fill("5")
    page.get_by_role("button", name="Save goal").click()
    page.wait_for_url("**/goals/")
    page.goto("/")
    goal = page.get_by_label("Your goals").locator(".goal", has_text="Activities")
    before = goal.inner_text()

    row = page.locator(".act:has(button.tick)").first
    title = row.locator(".act-t span").first.inner_text()
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator("#why")).to_contain_text("Your goal")
    page.go_back()

    row = page.locator(".act", has_text=title)
    row.get_by_role("button", name=re.compile("Mark done")).click()
    done = page.locator(".act.done", has_text=title)
    expect(done).to_be_visible()
    expect(goal).not_to_have_text(before)
    expect(page.locator("#done")).to_contain_text("1 done today")
    done.get_by_role("button", name=re.compile("Undo")).click()
    expect(page.locator(".act:has(button.tick)", has_text=title)).to_be_visible()
    assert goal.inner_text() == before
    page.reload()
    expect(page.locator(".next, .act", has_text=title)).to_have_count(1)


def test_an_order_closes_the_to_do_and_moves_the_goal(visit: Visit, product: Product) -> None:
    page = visit.sign_in(JENNA)
    shop = Shop(product)
    card = card_that_an_order_closes(page, shop)
    sales = next(g for g in shop.feed("jenna")["goals"] if g["metric"] == "sales")
    status = shop.post(
        "order.placed",
        "jenna",
        {"customer": card["customer"], "currency": "USD", "amount": "20.00",
         "lines": [{"sku": "JOURNEY-1", "quantity": 1, "amount": "20.00"}]},
    )  # fmt: skip
    assert status == 201
    page.reload()
    after = shop.feed("jenna")
    moved = next(g for g in after["goals"] if g["metric"] == "sales")
    assert float(moved["value"]) == float(sales["value"]) + 20
    assert card["key"] not in [c["key"] for c in after["cards"]]
    page.locator("#done summary").click()
    expect(page.locator("#done")).to_contain_text("closed itself")
    expect(page.get_by_label("Your goals")).to_contain_text("$207.50 of $250")


def card_that_an_order_closes(page: Page, shop: Shop) -> dict[str, Any]:
    """The first card of her list whose activity waits for any order; what stands before it she puts off."""
    told = [facts for file in CATALOGUE.glob("*.toml") for facts in tomllib.loads(file.read_text()).get("activity", [])]
    closing = {one["key"] for one in told if one.get("closes_on") == "order.placed" and "line" not in one}
    for _ in range(10):
        found = next((c for c in shop.feed("jenna")["cards"] if c["customer"] and c["activity"] in closing), None)
        if found:
            return found
        page.locator(".next").get_by_role("button", name="Later").click()
        expect(page.locator(".next.later")).to_be_visible()
        page.reload()
    pytest.fail("No card of ten waits for an order")


def test_later_and_not_this_week_can_be_taken_back(visit: Visit) -> None:
    page = visit.sign_in(JENNA)
    first = page.locator(".next h3").inner_text()
    page.locator(".next").get_by_role("button", name="Later").click()
    expect(page.locator(".next.later")).to_contain_text(first)
    page.reload()
    expect(page.locator(".next h3")).not_to_have_text(first)


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True)
def test_the_day_works_without_script(visit: Visit) -> None:
    page = visit.sign_in(JENNA)
    row = page.locator(".act:has(button.tick)").first
    title = row.locator(".act-t span").first.inner_text()
    row.get_by_role("button", name=re.compile("Mark done")).click()
    page.wait_for_load_state()
    expect(page.locator("#undo .toast")).to_be_visible()
    page.locator("#undo .toast").get_by_role("button", name="Undo").click()
    page.wait_for_load_state()
    expect(page.locator(".next, .act", has_text=title).first).to_be_visible()
