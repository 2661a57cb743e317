"""The console's sliders, numbers and locks share out 100 points, whatever is moved; own goals never fall below 50."""

from __future__ import annotations

import random

from playwright.sync_api import Locator, Page
from pytest import mark

from .conftest import Visit

pytestmark = mark.journey

KEYS = ["ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"]
ROWS = """() => [...document.querySelectorAll("#console [data-kpi]")].map(row => ({
  points: Number(row.querySelector(".w").value),
  slider: Number(row.querySelector("input[type=range]").value),
  bar: row.querySelector(".v").getAttribute("width"),
  locked: row.querySelector(".icb").getAttribute("aria-pressed") === "true",
  sent: !row.querySelector(".keep").disabled,
}))"""


def test_it_works(second_visit: Visit) -> None:
    page = console(second_visit)
    before = points(page)
    assert sum(before) == 100
    drag(slider(page, 0), 0.7)
    assert points(page)[0] == 70 and sum(points(page)) == 100
    drag(slider(page, 0), before[0] / 100)
    assert points(page) == before
    for seed in range(120):
        turn(page, random.Random(seed))


def test_first_weights_are_typed_one_after_the_other(second_visit: Visit) -> None:
    """Of a new campaign nobody has points: the others wait at 0, and what is missing is said."""
    page = console(second_visit)
    page.goto("/admin/kpis/campaign/add/")
    for name, said in {"name": "Autumn", "starts_on": "2099-01-01", "ends_on": "2099-03-01"}.items():
        page.locator(f"[name={name}]").fill(said)
    page.locator("[name=_save]").click()
    page.goto("/admin/campaigns/")
    page.get_by_role("link", name="Autumn").first.click()
    page.wait_for_load_state("networkidle")
    assert set(points(page)) == {0}
    for row, said, total in ((0, 60, 60), (2, 10, 70), (1, 30, 100), (1, 65, 100)):
        number = page.locator("#console .w").nth(row)
        number.fill(str(said))
        number.press("Tab")
        assert points(page)[row] == said and sum(points(page)) == total
        assert page.get_by_text("of 100").is_visible() == (total < 100)
    assert points(page)[:3] == [30, 65, 5] and set(points(page)[3:]) == {0}


def test_own_goals_keep_half(second_visit: Visit) -> None:
    page = console(second_visit)
    own = page.locator("#share-slider")
    drag(own, 0.2)
    drag(own, -3)
    assert page.locator("#share").input_value() == "50" and page.locator("#rest").inner_text() == "50"
    page.fill("#share", "30")
    page.press("#share", "Enter")
    assert page.locator("#share").input_value() == "50" and "/save/" not in page.url


def test_leaving_asks_only_when_something_is_unsaved(second_visit: Visit) -> None:
    page, asked = console(second_visit), []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == [] and not page.locator("#unsaved").is_visible()
    slider(page, 0).press("PageUp")
    assert page.locator("#unsaved").is_visible()
    page.reload()
    assert asked == ["beforeunload"]


def console(visit: Visit) -> Page:
    page = visit.sign_in("hq@yousystem.example")
    page.goto("/admin/priorities/")
    page.wait_for_load_state("networkidle")
    return page


def points(page: Page) -> list[int]:
    return [row["points"] for row in page.evaluate(ROWS)]


def slider(page: Page, row: int) -> Locator:
    return page.locator("#console [data-kpi] input[type=range]").nth(row)


def drag(slider: Locator, to: float) -> None:
    """With the mouse, from where its thumb is to a part of its width."""
    box, page = slider.bounding_box(), slider.page
    low, high = (float(slider.get_attribute(end)) for end in ("min", "max"))
    at = (float(slider.input_value()) - low) / (high - low)
    x, y = (lambda part: box["x"] + 8 + (box["width"] - 16) * part), box["y"] + box["height"] / 2
    page.mouse.move(x(at), y)
    page.mouse.down()
    page.mouse.move(x(to), y, steps=5)
    page.mouse.up()


def turn(page: Page, chance: random.Random) -> None:
    """One move of one row, by key, number or lock: 100 points, none below 0, and what is locked stays."""
    before, row = page.evaluate(ROWS), chance.randrange(4)
    what = chance.choice(["key", "number", "lock"])
    if what == "lock":
        page.locator("#console .icb").nth(row).click()
    elif not before[row]["locked"] and what == "key":
        slider(page, row).press(chance.choice(KEYS))
    elif not before[row]["locked"]:
        number = page.locator("#console .w").nth(row)
        number.fill(str(chance.randrange(-5, 130)))
        number.press("Tab")
    now = page.evaluate(ROWS)
    assert sum(one["points"] for one in now) == 100 and min(one["points"] for one in now) >= 0, (what, row, before, now)
    for was, one in zip(before, now, strict=True):
        assert one["slider"] == one["points"] and one["bar"] == f"{one['points']}%" and one["sent"] == one["locked"]
        assert what == "lock" or not was["locked"] or was["points"] == one["points"], (what, row, before, now)
