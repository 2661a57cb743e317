"""The library the company starts with: TOML in starter/, checked, then written to the database.

    items.toml        facts: [[item]] key, kind, and line, url, picture or file (in the folder) where it has one
    <language>.toml   words by key: [key] title, caption, body, alt

An item that is there already stays as HQ and trainers left it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from django.db import transaction

from distributors.models import ProductLine

from ..catalogue import FULL_LANGUAGE, CatalogueError, Table, by_key, toml
from ..models import Asset, AssetText
from . import shade_chart, uploads

FOLDER = Path(__file__).with_name("starter")
FACTS = {"key", "kind", "line", "url", "picture", "file"}
WORDS = {"title", "caption", "body", "alt"}
#: Pictures that come with the product, by the name an item gives.
PICTURES: dict[str, Callable[[], bytes]] = {"shade_chart": shade_chart.drawn}


@dataclass(frozen=True)
class Items:
    """What the files say."""

    facts: dict[str, Table]
    words: dict[str, dict[str, Table]]  # by language and key


@transaction.atomic
def load(folder: Path = FOLDER, *, only_known_lines: bool = False) -> int:
    """Add what is missing, published; how many were added. Raises CatalogueError.

    Product lines must exist, unless `only_known_lines`: then items of other lines are left out.
    """
    content = read(folder)
    lines = dict(ProductLine.objects.values_list("code", "pk"))
    known = set(Asset.objects.values_list("key", flat=True))
    added = 0
    for key, facts in content.facts.items():
        line = facts.get("line", "")
        if line and line not in lines:
            if only_known_lines:
                continue
            raise CatalogueError(f"Library item {key} needs the product line {line}, which does not exist.")
        if key not in known:
            words = {language: texts[key] for language, texts in content.words.items() if key in texts}
            add(facts, words, lines, folder)
            added += 1
    return added


def add(facts: Table, words: dict[str, Table], lines: dict[str, int], folder: Path) -> None:
    asset = Asset.objects.create(
        key=facts["key"], kind=facts["kind"], line_id=lines.get(facts.get("line", "")), status=Asset.Status.PUBLISHED
    )
    for language, told in words.items():
        text = AssetText(asset=asset, language=language, url=facts.get("url", ""), **told)
        if data := carried(facts, folder):
            text.file = checked(facts["kind"], data)
        text.save()


def carried(facts: Table, folder: Path) -> bytes | None:
    """The item's picture or file; None where it has neither."""
    if "picture" in facts:
        return PICTURES[facts["picture"]]()
    return (folder / facts["file"]).read_bytes() if "file" in facts else None


def checked(kind: str, data: bytes) -> File[bytes]:
    """As an upload of HQ is. Raises ValidationError."""
    return uploads.checked(kind, ContentFile(data, name="carried"))


def read(folder: Path = FOLDER) -> Items:
    """The files as they are, checked. Raises CatalogueError."""
    path = folder / "items.toml"
    facts = by_key(path, toml(path).get("item", []))
    words = {file.stem: stripped(toml(file)) for file in sorted(folder.glob("*.toml")) if file != path}
    content = Items(facts, words)
    for problem in problems(content, folder):
        raise CatalogueError(problem)
    return content


def stripped(texts: Table) -> dict[str, Table]:
    return {key: {name: value.strip() for name, value in told.items()} for key, told in texts.items()}


def problems(content: Items, folder: Path) -> Iterator[str]:
    for key, facts in content.facts.items():
        for said in fact_problems(facts, folder):
            yield f"Library item {key} {said}."
    if missing := content.facts.keys() - content.words.get(FULL_LANGUAGE, {}).keys():
        yield f"Library item {min(missing)} has no English words."
    for language, texts in content.words.items():
        for key, told in texts.items():
            for said in word_problems(told, content.facts.get(key)):
                yield f"The words of {key} in {language} {said}."


def fact_problems(facts: Table, folder: Path) -> Iterator[str]:
    if odd := (facts.keys() - FACTS) | ({"key", "kind"} - facts.keys()):
        yield f"has an unknown field or lacks {min(odd)}"
        return
    if facts.get("picture", "shade_chart") not in PICTURES:
        yield f"has an unknown picture {facts['picture']}"
    if (facts["kind"] == Asset.Kind.IMAGE) != ("picture" in facts):
        yield "is a picture, which needs one" if facts["kind"] == Asset.Kind.IMAGE else "has a picture, but is none"
    elsewhere = facts["kind"] == Asset.Kind.LINK or (facts["kind"] == Asset.Kind.VIDEO and "file" not in facts)
    if (elsewhere or "url" in facts) and not facts.get("url", "").startswith("https://"):
        yield "needs an address that begins with https://"
    if "file" in facts:
        yield from file_problems(facts, folder)
    try:
        Asset(key=facts["key"], kind=facts["kind"]).clean_fields(exclude={"line"})
    except ValidationError as error:
        yield f"has a wrong {next(iter(error.message_dict))}"


def file_problems(facts: Table, folder: Path) -> Iterator[str]:
    """A plain name of a file in the folder, of the item's kind."""
    name = facts["file"]
    if Path(name).name != name or not (folder / name).is_file():
        yield f"has a file that is not there, {name}"
        return
    try:
        checked(facts["kind"], (folder / name).read_bytes())
    except ValidationError as error:
        yield f"has a file that is refused: {error.messages[0]}"


def word_problems(told: Table, facts: Table | None) -> Iterator[str]:
    if facts is None:
        yield "belong to no item"
        return
    if odd := told.keys() - WORDS:
        yield f"have an unknown part {min(odd)}"
        return
    needed = ["title", "caption"]
    needed += ["body"] if facts["kind"] == Asset.Kind.ARTICLE else []
    needed += ["alt"] if facts.keys() & {"picture", "file"} else []
    if lacking := [name for name in needed if not told.get(name)]:
        yield f"lack the {lacking[0]}"
    for name, value in told.items():
        most = getattr(AssetText._meta.get_field(name), "max_length", None)
        if most and len(value) > most:
            yield f"have a {name} of more than {most} letters"
