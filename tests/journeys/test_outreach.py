"""Jenna writes to Maya from her phone: edits, shares, says sent; Maya opens the link and orders; and Jenna is told."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from .api import Shop
from .conftest import Product, Visit, open_visit

pytestmark = pytest.mark.journey

JENNA = "jenna@yousystem.example"
#: The share sheet of a phone, and what it was given.
SHARE_SHEET = """
Object.defineProperty(navigator, "share", {
  configurable: true,
  value: (given) => { sessionStorage.shared = given.text; return Promise.resolve(); },
});
"""
BOT = "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"


@pytest.fixture
def stranger(product: Product, browser: Browser) -> Iterator[Visit]:
    """Maya's own phone: never signed in. A headless browser says so, and is then counted as no person."""
    options = {
        "viewport": {"width": 390, "height": 844}, "locale": "en-US", "base_url": product.url,
        "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
    }  # fmt: skip
    yield from open_visit(product, browser, options)


def test_it_works(visit: Visit, stranger: Visit, product: Product) -> None:
    visit.context.add_init_script(SHARE_SHEET)
    page = visit.sign_in(JENNA)
    person = person_page(page, "Maya Ortiz")
    card = open_card(page)
    link = writes_and_shares(page)
    says_sent(page)
    maya_opens(stranger, link)
    expect_told(page, person, "Link opened 1 time")
    orders(product, "maya", "EYE-LINER", "34.00")
    is_told(page, person, card)


def person_page(page: Page, name: str) -> str:
    page.goto("/people/?show=all")
    page.get_by_role("searchbox").first.fill(name.split()[0])
    page.get_by_role("link", name=name).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    return page.url


def open_card(page: Page) -> str:
    """From her page to the card about her, and its message; the card's address."""
    step = page.locator("#step")
    expect(step).to_contain_text(re.compile(r"Maya bought Lumen Liner (once, )?54 days ago"))
    step.get_by_role("link", name=re.compile("Open")).click()
    page.wait_for_url("**/activity/**")
    card = page.url
    page.get_by_role("link", name="Write to Maya").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Write to Maya")
    return card


def writes_and_shares(page: Page) -> str:
    """Her own words, shared as a phone does; the personal link in them."""
    box = page.get_by_label("Your message")
    # Which card is hers today depends on the lot, and so does whether something goes along.
    page.goto(f"{page.url}?asset=eye-liner-film")
    expect(box).to_have_value(re.compile(r"http\S+/s/"))
    found = re.search(r"http\S+/s/[\w-]+/", box.input_value())
    assert found is not None
    with page.expect_response("**/message/check/"):
        box.fill(f"Hi Maya, your liner must be nearly used up. Shall I bring one on Friday? {found[0]}")
    page.locator("#check [data-ways]:not([inert])").wait_for()
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_text("Sent it?")).to_be_visible()
    assert page.evaluate("sessionStorage.shared") == box.input_value()
    return found[0]


def says_sent(page: Page) -> None:
    """Back from the other app, on another page: it is asked there too, and kept."""
    page.goto(page.url.partition("?")[0])
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Waiting for an order from Maya")).to_be_visible()


def maya_opens(stranger: Visit, link: str) -> None:
    """A program that looks at the link first is not counted; she is, once, however often she looks."""
    preview = urllib.request.Request(link, headers={"User-Agent": BOT})
    with urllib.request.urlopen(preview, timeout=30) as answer:
        assert answer.status == 200 and b"Jenna" in answer.read()
    seen = urllib.request.Request(
        f"{link}seen/", data=b"", headers={"User-Agent": BOT, "Sec-Fetch-Site": "same-origin"}
    )
    with urllib.request.urlopen(seen, timeout=30) as answer:
        assert answer.status == 204
    for tab in (stranger.page, stranger.context.new_page()):
        with tab.expect_response("**/seen/"):
            tab.goto(link)
    expect(stranger.page.locator("body")).to_contain_text("Jenna of YouSystem shared this with you")
    expect(stranger.page.locator("body")).not_to_contain_text("Maya")
    assert stranger.context.cookies() == []


def expect_told(page: Page, person: str, said: str) -> None:
    page.goto(person)
    expect(page.locator("#outreach")).to_contain_text(said)


def orders(product: Product, who: str, sku: str, amount: str) -> None:
    data = {
        "customer": who, "currency": "USD", "amount": amount, "lines": [{"sku": sku, "quantity": 1, "amount": amount}],
    }  # fmt: skip
    assert Shop(product).post("order.placed", "jenna", data) == 201


def is_told(page: Page, person: str, card: str) -> None:
    """On Today, at the card, on her page and among the notices; and what it followed, never what caused it."""
    page.goto("/")
    page.locator("#done summary").click()
    came = re.compile(r"Maya ordered \$34 at \d\d:\d\d, the same day as your message\.")
    expect(page.locator("#done")).to_contain_text(came)
    page.goto(card)
    expect(page.locator("main")).to_contain_text(came)
    expect_told(page, person, "Ordered $34 the same day")
    page.goto("/notices/")
    notice = page.locator(".notice", has_text="An order from Maya")
    expect(notice).to_contain_text(came)
    expect(notice).to_contain_text("was the last thing before it")
    notice.get_by_role("link", name="Open Maya Ortiz").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Maya Ortiz")


def test_a_card_she_began_closes_itself(visit: Visit, product: Product) -> None:
    """Shared, and never said to be sent: the order closes it, and says what it followed."""
    visit.context.add_init_script(SHARE_SHEET)
    page = visit.sign_in(JENNA)
    person_page(page, "Maria Santos")
    page.locator("#step").get_by_role("link", name=re.compile("Open")).click()
    page.wait_for_url("**/activity/**")
    page.get_by_role("link", name="Write to Maria").click()
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_text("Sent it?")).to_be_visible()
    orders(product, "maria", "EYE-PALETTE", "48.00")
    page.goto("/")
    page.locator("#done summary").click()
    expect(page.locator("#done")).to_contain_text(
        re.compile(r"Maria ordered \$48 at \d\d:\d\d, the same day as your message\. This closed itself\.")
    )


def test_a_reply_is_noted_once(visit: Visit) -> None:
    page = visit.sign_in(JENNA)
    person_page(page, "Wren Castillo")
    page.get_by_text("Note an answer").click()
    page.get_by_role("button", name="Interested").click()
    expect(page.locator("#undo")).to_contain_text("Noted: Wren is interested.")
    expect(page.get_by_text("Answered: interested")).to_have_count(1)
