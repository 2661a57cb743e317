"""HQ moves a slider, sees what would change, publishes, and the field's next page load follows; roll back restores it."""

from __future__ import annotations

import re
from itertools import product as cross

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from .api import Shop
from .conftest import Product, Visit, open_visit
from .desk import approval_above

pytestmark = pytest.mark.journey

JENNA, HQ, APPROVER = (f"{who}@yousystem.example" for who in ("jenna", "hq", "approver"))
TITLES = ".next h3, .act .act-t > span:first-child"


def console(page: Page) -> None:
    """The weights of the campaign that counts, with the preview there."""
    page.goto("/admin/priorities/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("the second eye order")
    expect(page.get_by_role("heading", name="What the field would see")).to_be_visible()
    expect(page.locator("#preview ol li").first).to_be_visible()


def slider(page: Page, kpi: str) -> Locator:
    return page.get_by_role("slider", name=kpi, exact=True)


def points(page: Page, kpi: str) -> int:
    return int(slider(page, kpi).input_value())


def push(page: Page, kpi: str, to: int) -> None:
    """By keyboard, as far as it goes."""
    handle = slider(page, kpi)
    handle.focus()
    while int(handle.input_value()) < to:
        handle.press("PageUp" if to - int(handle.input_value()) >= 10 else "ArrowRight")


def publish(page: Page, why: str) -> None:
    page.get_by_role("button", name="Review and publish").click()
    page.get_by_label("Why", exact=True).fill(why)
    page.get_by_role("button", name=re.compile(r"^Publish v\d+")).click()
    page.wait_for_url("**/admin/propagation/**")


def company_terms(product: Product) -> dict[str, float]:
    return {card["key"]: card["terms"]["company"] for card in Shop(product).feed("jenna")["cards"]}


def test_it_works(visit: Visit, second_visit: Visit, product: Product) -> None:
    jenna, hq = visit.sign_in(JENNA), second_visit.sign_in(HQ)
    before, shares = jenna.locator(TITLES).all_inner_texts(), company_terms(product)
    expect(hq).to_have_url(re.compile("/admin/overview/$"))

    console(hq)
    expect(hq.get_by_label("Total").or_(hq.locator("#total"))).to_have_text("100")
    sample = hq.locator("#preview select[name=person]")
    expect(sample.locator("option:checked")).to_contain_text("Jenna")
    shown = hq.locator("#preview").inner_text()
    push(hq, "New distributors", 100)
    expect(hq.locator("#total")).to_have_text("100")
    expect(hq.locator("#preview")).not_to_have_text(shown)
    expect(hq.locator("#preview")).to_contain_text("Computed over all")
    jenna.reload()
    assert jenna.locator(TITLES).all_inner_texts() == before  # nothing reaches the field until it is published

    publish(hq, "Autumn is for new people")
    expect(hq.locator(".hq")).to_contain_text("100%")
    jenna.reload()
    after = jenna.locator(TITLES).all_inner_texts()
    assert after != before
    assert company_terms(product) != shares

    console(hq)
    roll_back(hq)
    hq.wait_for_load_state("networkidle")
    jenna.reload()
    assert jenna.locator(TITLES).all_inner_texts() == before
    assert company_terms(product) == shares


def roll_back(page: Page) -> None:
    page.locator("summary", has_text=re.compile("^Roll back to v1$")).click()
    page.get_by_role("textbox", name="Why").fill("It sold more before")
    page.locator("details[open] button", has_text="Roll back to v1").click()


def test_of_two_editors_the_second_is_told(product: Product, browser: Browser) -> None:
    options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US", "base_url": product.url}
    one, other = open_visit(product, browser, options), open_visit(product, browser, options)
    first, second = next(one).sign_in(HQ), next(other).sign_in(APPROVER)
    console(first)
    console(second)
    push(first, "Order size", 60)
    push(second, "New distributors", 60)
    first.get_by_role("button", name="Save draft").click()
    first.wait_for_load_state("networkidle")
    second.get_by_role("button", name="Save draft").click()
    told = second.get_by_role("alert")
    expect(told).to_contain_text("saved the draft")
    expect(told).to_contain_text("Order size 60")
    assert points(second, "New distributors") == 60  # hers is still there
    first.reload()
    assert points(first, "Order size") == 60  # and his was not overwritten
    first.get_by_role("button", name="Discard draft").click()
    first.locator("#ask-yes").click()
    expect(first.get_by_role("button", name="Discard draft")).to_have_count(0)
    for visit in (one, other):
        next(visit, None)


def test_above_a_set_reach_a_second_person_approves(product: Product, browser: Browser) -> None:
    options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US", "base_url": product.url}
    one, other = open_visit(product, browser, options), open_visit(product, browser, options)
    editor, approver = next(one).sign_in(HQ), next(other).sign_in(APPROVER)
    approval_above(approver, 10)
    console(editor)
    push(editor, "Order size", 50)
    editor.get_by_role("button", name="Review and publish").click()
    editor.get_by_label("Why", exact=True).fill("Baskets shrink")
    editor.get_by_role("button", name="Ask for approval").click()
    expect(editor.get_by_text("Waiting for approval").first).to_be_visible()
    expect(editor.get_by_role("button", name=re.compile("^Publish"))).to_have_count(0)

    approver.goto("/admin/overview/")
    approver.get_by_role("link", name=re.compile("the second eye order")).first.click()
    approver.goto(editor.url)
    approver.get_by_role("button", name="Approve and publish").click()
    approver.wait_for_url("**/admin/propagation/**")
    approval_above(approver, 1000)
    console(editor)
    assert points(editor, "Order size") == 50
    roll_back(editor)
    editor.wait_for_load_state("networkidle")
    for visit in (one, other):
        next(visit, None)


def test_without_script_weights_that_do_not_sum_to_100_are_refused_in_one_sentence(
    product: Product, browser: Browser
) -> None:
    """With it the sliders cannot leave 100 (test_console_sliders.py)."""
    options = {"locale": "en-US", "base_url": product.url, "java_script_enabled": False}
    for visit in open_visit(product, browser, options):
        page = visit.sign_in(HQ)
        page.goto("/admin/priorities/")
        page.get_by_label("Order size", exact=True).first.fill("7")
        page.get_by_role("button", name="Show what would change").click()
        expect(page.get_by_text("Computed over all")).to_be_visible()
        page.go_back()
        page.get_by_label("Order size", exact=True).first.fill("7")
        page.get_by_role("button", name="Review and publish").click()
        expect(page.locator(".problem")).to_contain_text("They must add up to 100")
        expect(page.get_by_role("button", name=re.compile(r"^Publish v\d+"))).to_have_count(0)
        page.goto("/admin/priorities/")
        page.get_by_role("button", name="Discard draft").click()
        expect(page.get_by_role("button", name="Discard draft")).to_have_count(0)


def test_hq_sees_her_today_and_she_sees_that_they_looked(visit: Visit, second_visit: Visit) -> None:
    jenna, hq = visit.sign_in(JENNA), second_visit.sign_in(HQ)
    titles = jenna.locator(TITLES).all_inner_texts()
    hq.goto("/admin/field/")
    hq.get_by_role("searchbox").fill("Jenna")
    hq.get_by_role("searchbox").press("Enter")
    hq.get_by_role("link", name=re.compile("Jenna")).first.click()
    expect(hq.get_by_text("Nothing can be done here")).to_be_visible()
    assert len(hq.locator(TITLES).all_inner_texts()) == len(titles)
    jenna.goto("/you/")
    expect(jenna.get_by_text("Who looked at your pages")).to_be_visible()
    expect(jenna.locator("main")).to_contain_text("HQ")


PAGES = ["overview", "priorities", "campaigns", "kpi", "field"]


@pytest.mark.parametrize(("width", "scheme"), list(cross((390, 1280), ("light", "dark"))))
def test_accessible(product: Product, browser: Browser, width: int, scheme: str) -> None:
    """axe on HQ's own pages (not on the admin's frame): 0 violations."""
    options = {
        "viewport": {"width": width, "height": 900}, "color_scheme": scheme, "bypass_csp": True,
        "locale": "en-US", "base_url": product.url,
    }  # fmt: skip
    found: dict[str, list[str]] = {}
    for visit in open_visit(product, browser, options):
        page, axe = visit.sign_in(HQ), Axe()
        paths = [f"/admin/{name}/" for name in PAGES]
        page.goto("/admin/priorities/")
        ours = page.url.rstrip("/")
        page.goto("/admin/kpi/")
        figure = page.locator(".hq a[href^='/admin/kpi/']").first.get_attribute("href")
        for path in [*paths, f"{ours}/versions/", f"{ours}/review/", figure]:
            page.goto(path)
            page.wait_for_load_state("networkidle")
            for violation in axe.run(page, context=".hq").response["violations"]:
                found.setdefault(path, []).append(
                    f"{violation['id']}: {[node['html'][:160] for node in violation['nodes'][:3]]}"
                )
    assert found == {}
