"""axe, WCAG 2.2 AA and best practice, on every page of the field: 0 violations in light and dark, phone and desktop."""

from __future__ import annotations

from itertools import product as cross

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from .conftest import Product, Visit, open_visit

pytestmark = pytest.mark.journey

PATHS = [
    "/",
    "/why/",
    "/people/",
    "/people/?show=all",
    "/people/?q=ma",
    "/people/twins/",
    "/goals/",
    "/goals/add/",
    "/learn/",
    "/team/",
    "/notices/",
    "/you/",
    "/search/?q=ma",
    "/nowhere/",
]


@pytest.mark.parametrize(("width", "scheme"), list(cross((390, 1280), ("light", "dark"))))
def test_it_works(product: Product, browser: Browser, width: int, scheme: str) -> None:
    options = {
        "viewport": {"width": width, "height": 844}, "color_scheme": scheme, "bypass_csp": True,
        "locale": "en-US", "base_url": product.url,
    }  # fmt: skip
    for visit in open_visit(product, browser, options):
        found = checked(visit)
    assert found == {}


def checked(visit: Visit) -> dict[str, list[str]]:
    """Violations by page; the sign-in page and the first card's and person's pages included."""
    page, axe = visit.page, Axe()
    found: dict[str, list[str]] = {}
    page.goto("/accounts/login/")
    note(found, "/accounts/login/", axe, page)
    visit.sign_in("jenna@yousystem.example")
    card = page.locator(".act a.act-b").first.get_attribute("href")
    page.goto("/people/")
    person = page.locator(".who a[href^='/people/']").first.get_attribute("href").split("#")[0]
    for path in [*PATHS, card, person, f"{person}edit/", f"{person}erase/"]:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        note(found, path, axe, page)
        small = [] if page.viewport_size["width"] > 600 else too_small(page)
        if small:
            found.setdefault(path, []).append(f"targets under 44 px: {small}")
    return found


def note(found: dict[str, list[str]], path: str, axe: Axe, page) -> None:
    violations = axe.run(page).response["violations"]
    if violations:
        found[path] = [f"{v['id']}: {[n['html'][:120] for n in v['nodes'][:3]]}" for v in violations]


def too_small(page) -> list[str]:
    """Visible buttons and form controls under 44 x 44 px. Links inside a sentence are exempt, as WCAG 2.5.8 has it."""
    return page.evaluate(
        """() => [...document.querySelectorAll('button, .btn, .icb, .tab, select, summary')]
            .filter(e => e.checkVisibility() && !e.closest('.vh'))
            .map(e => [e, e.getBoundingClientRect()])
            .filter(([e, r]) => r.width && (r.width < 43.5 || r.height < 43.5) && !e.matches('.unbtn, .link'))
            .map(([e, r]) => `${e.className || e.tagName} ${Math.round(r.width)}x${Math.round(r.height)}`)"""
    )
