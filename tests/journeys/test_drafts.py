"""What Jenna typed is never lost inside a page: in the message sheet, and in the note on a person's page."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import Visit

pytestmark = pytest.mark.journey

JENNA = "jenna@yousystem.example"
WREN = "Wren Castillo"


def person_page(page: Page) -> str:
    page.goto("/people/?show=all")
    page.get_by_role("searchbox").first.fill(WREN.split()[0])
    page.get_by_role("link", name=WREN).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(WREN)
    return page.url


def slowly(route: Route) -> None:
    """A phone on a train: the answer comes after whatever the page does by itself in the meantime."""
    time.sleep(0.6)
    route.continue_()


def kept(page: Page) -> list[str]:
    return [key for key in page.evaluate("Object.keys(sessionStorage)") if key.startswith("kept:")]


def test_a_language_chosen_right_after_typing_is_what_she_gets(visit: Visit) -> None:
    page = visit.sign_in(JENNA)
    page.goto(f"{person_page(page)}message/")
    box = page.get_by_label("Your message")
    page.route(re.compile(r"/message/$"), slowly)
    box.press_sequentially("And ")
    page.get_by_label("Language").select_option("de")
    expect(box).to_have_value(re.compile(r"^Hallo Wren,"))
    expect(page.get_by_label("Language")).to_have_value("de")
    page.get_by_role("button", name="Put them back").click()
    expect(box).to_have_value(re.compile("And "))
    expect(page.get_by_text("Your own words were replaced.")).to_have_count(0)
    page.get_by_label("Begin with").select_option("blank")
    expect(box).to_have_value("")


def test_a_message_half_written_is_there_after_a_reload_and_on_the_way_back(visit: Visit) -> None:
    page = visit.sign_in(JENNA)
    page.goto(f"{person_page(page)}message/")
    box = page.get_by_label("Your message")
    page.get_by_label("Language").select_option("de")
    expect(box).to_have_value(re.compile(r"^Hallo Wren,"))
    box.fill("Liebe Wren, ich")
    page.reload()
    expect(box).to_have_value("Liebe Wren, ich")
    expect(page.get_by_label("Language")).to_have_value("de")
    page.locator(".to a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(WREN)
    page.go_back()
    expect(box).to_have_value("Liebe Wren, ich")
    expect(page.locator("#check [data-ways]:not([inert]) [data-way=copy]")).to_be_attached()
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with page.expect_response("**/message/opened/"):
        page.get_by_role("button", name="Copy").click()
    page.wait_for_function("!Object.keys(sessionStorage).some((key) => key.startsWith('kept:'))")


def test_a_note_stays_while_something_else_is_saved_and_goes_when_she_signs_out(visit: Visit) -> None:
    page = visit.sign_in(JENNA)
    person = person_page(page)
    note = page.get_by_label("New note")
    note.fill("Likes the quiet look")
    page.get_by_role("button", name="Do not contact", exact=True).click()
    expect(page.locator("#undo")).to_contain_text("No more cards about")
    expect(note).to_have_value("Likes the quiet look")
    page.locator("#undo").get_by_role("button", name="Undo").click()
    expect(page.locator("#undo")).to_contain_text("may be contacted again")
    expect(note).to_have_value("Likes the quiet look")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator("#notes")).to_contain_text("Likes the quiet look")
    expect(note).to_have_value("")
    assert kept(page) == []
    note.fill("And the other")
    page.get_by_role("button", name=re.compile("Delete the note")).first.click()
    expect(page.locator("#notes")).to_contain_text("Note deleted.")
    expect(note).to_have_value("And the other")
    page.goto("/you/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/**")
    assert page.evaluate("sessionStorage.length") == 0
    page.goto(person)
    assert page.url.partition("?")[0].endswith("/accounts/login/")
