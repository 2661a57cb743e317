"""The library a company starts with: complete, readable, compliant, loaded the same each time, HQ's edits kept."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from activities import catalogue
from activities.catalogue import CatalogueError
from activities.library import starter_items
from activities.library.starter_items import FOLDER, Items, load, read
from activities.library.uploads import HEAD, media_type
from activities.models import Activity, Asset, AssetText
from activities.richtext import render_markdown
from tests import factories as make
from tests.activities.test_catalogue import BANNED, LINES, LOUD

ALL_LINES = LINES | {"hair"}


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture(scope="module")
def content() -> Items:
    return read()


@pytest.fixture
def lines(db: None) -> None:
    for code in ALL_LINES:
        make.product_line(code)


def test_it_works(lines: None, media: Path) -> None:
    assert load() == 10
    assert Asset.objects.published().count() == 10
    assert AssetText.objects.count() == 30
    for text in AssetText.objects.filter(asset__kind="image"):
        with text.file.open() as file:
            assert Image.open(file).size == (1200, 960)
        assert text.alt


def test_the_film_plays_on_every_phone(lines: None) -> None:
    """H.264 without sound, what a player must know in front of the pictures, under a name of our own, light enough for a bad line."""
    load()
    films = AssetText.objects.filter(asset__key="eye-liner-film")
    assert len(films) == 3
    for text in films:
        with text.file.open() as file:
            data = file.read()
        assert media_type(data[:HEAD]) == "video/mp4" and len(data) < 400_000
        assert 0 < data.index(b"moov") < data.index(b"mdat")
        assert b"avc1" in data[: data.index(b"mdat")] and b"mp4a" not in data
        assert re.fullmatch(r"library/[0-9a-f]{32}\.mp4", str(text.file.name))
        assert text.alt


def test_the_activity_that_speaks_of_a_video_sends_one(content: Items) -> None:
    sent = catalogue.read()
    assert content.facts[sent.facts["eye-refill-video"]["asset"]]["kind"] == "video"
    for language in ("en", "de", "es"):
        assert "video" in sent.words[language]["eye-refill-video"]["title"].casefold()


def test_twice_is_once_and_edits_stay(lines: None) -> None:
    load()
    asset = Asset.objects.get(key="lip-tint-three-ways")
    asset.texts.filter(language="en").update(title="HQ's own title")
    asset.texts.filter(language="es").delete()
    Asset.objects.filter(key="skin-morning-in-order").update(status="retired", line=None)
    before = sorted(AssetText.objects.values_list("pk", "title", "file"))
    assert load() == 0
    assert sorted(AssetText.objects.values_list("pk", "title", "file")) == before
    assert Asset.objects.get(key="skin-morning-in-order").status == "retired"


def test_every_item_in_every_language(content: Items) -> None:
    assert set(content.words) == {"en", "de", "es"}
    for language, texts in content.words.items():
        assert texts.keys() == content.facts.keys(), language


def test_it_claims_nothing_and_shouts_nothing(content: Items) -> None:
    for language, texts in content.words.items():
        for key, told in texts.items():
            said = "\n".join(told.values())
            assert not LOUD.search(said), (language, key)
            found = re.search(BANNED[language], said, re.IGNORECASE)
            assert not found, (language, key, found)


def test_articles_have_steps_and_show_as_written(content: Items) -> None:
    for language, texts in content.words.items():
        for key, told in texts.items():
            if content.facts[key]["kind"] == "article":
                html = render_markdown(told["body"])
                assert html.count("<h2>") >= 2 and html.count("<li>") >= 2, (language, key)
                assert 80 <= len(told["body"].split()) <= 260, (language, key)


def test_activities_name_items_that_exist_and_fit_their_line(content: Items) -> None:
    facts = catalogue.read().facts
    named = {key: told["asset"] for key, told in facts.items() if "asset" in told}
    assert len(named) >= 6
    for key, asset in named.items():
        assert content.facts[asset]["line"] == facts[key]["line"], key


def test_activities_get_their_item_once(lines: None) -> None:
    load()
    make.product_line("wellness")
    make.product_line("sets")
    catalogue.load()
    activity = Activity.objects.get(key="lip-second-shade")
    assert activity.asset is not None and activity.asset.key == "lip-shade-chart"
    Activity.objects.filter(pk=activity.pk).update(asset=None)
    catalogue.load()
    activity.refresh_from_db()
    assert activity.asset is None


def test_the_catalogue_loads_without_a_library(lines: None) -> None:
    catalogue.load()
    assert not Activity.objects.exclude(asset=None).exists()


@pytest.mark.django_db
def test_a_company_with_other_lines() -> None:
    make.product_line("lip")
    assert load(only_known_lines=True) == 2
    with pytest.raises(CatalogueError, match="needs the product line"):
        load()


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("items.toml", 'kind = "article"', 'kind = "song"', "has a wrong kind"),
        ("items.toml", 'picture = "shade_chart"', 'picture = "/etc/passwd"', "unknown picture"),
        ("items.toml", 'picture = "shade_chart"', "", "is a picture, which needs one"),
        ("items.toml", 'kind = "article"', 'kind = "link"', "needs an address that begins with https://"),
        ("items.toml", 'kind = "article"', 'kind = "article"\ncolour = 1', "unknown field or lacks colour"),
        ("items.toml", 'file = "steady-line.mp4"', "", "needs an address that begins with https://"),
        ("items.toml", 'file = "steady-line.mp4"', 'file = "other.mp4"', "a file that is not there"),
        ("items.toml", 'file = "steady-line.mp4"', 'file = "../library/steady-line.mp4"', "a file that is not there"),
        ("items.toml", 'file = "steady-line.mp4"', 'file = "en.toml"', "a file that is refused"),
        ("items.toml", 'kind = "article"', 'kind = "article"\nfile = "steady-line.mp4"', "a file that is refused"),
        ("items.toml", 'kind = "article"', 'kind = "article"\nurl = "http://a.example"', "begins with https://"),
        ("en.toml", "[lip-shade-chart]", "[lip-other]", "no English words"),
        ("de.toml", "[lip-shade-chart]", "[lip-other]", "belong to no item"),
        ("es.toml", "alt = ", "alto = ", "unknown part alto"),
        ("es.toml", "caption = ", 'caption = ""\nalt = ', "lack the caption"),
    ],
)
def test_wrong_content_is_refused(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    folder = tmp_path / "library"
    shutil.copytree(FOLDER, folder)
    path = folder / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(CatalogueError, match=re.escape(said)):
        starter_items.read(folder)
