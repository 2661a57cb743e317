"""What journeys do at HQ's desk."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def approval_above(page: Page, people: int) -> None:
    page.goto("/admin/kpis/policy/")
    page.locator("input[name=approval_above]").fill(str(people))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
