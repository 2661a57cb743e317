"""The messages and blocked phrases a company starts with: TOML in starter/, checked, then added to the database.

    templates.toml    [[message]] tables: key, name, about, line, asset (the key of a library item); the last three may be left out
    <language>.toml   words by key: [key] title (she chooses it by), subject, body
    phrases.toml      [[claims]] tables: language, kind, instead, phrases

Only what is missing is added, messages by name and phrases by language and phrase: from then on they are HQ's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from distributors.models import ProductLine

from ..models import Asset, BlockedPhrase, MessageTemplate, MessageTemplateText
from . import phrases, words

FOLDER = Path(__file__).with_name("starter")
FULL_LANGUAGE = "en"
LONGEST_TITLE = 80
ABOUT = {value for value, _label in MessageTemplate.ABOUT}

Table = dict[str, Any]


class MessageFileError(ValueError):
    """What is wrong with the files, in one sentence that names the message or phrase."""


@dataclass(frozen=True)
class Content:
    """What the files say."""

    messages: list[Table]
    words: dict[str, dict[str, Table]]  # by language and key
    phrases: list[BlockedPhrase]  # unsaved


@dataclass(frozen=True)
class Added:
    messages: int
    texts: int
    phrases: int


@transaction.atomic
def load(folder: Path = FOLDER) -> Added:
    """Add what is missing, published; what is there stays as HQ and trainers left it.

    Messages for a product line that the company does not have are left out; a library item that is not there (yet) is too,
    the message then goes without it. Raises MessageFileError.
    """
    content = read(folder)
    lines = dict(ProductLine.objects.values_list("code", "pk"))
    assets = dict(Asset.objects.values_list("key", "pk"))
    there = set(MessageTemplate.objects.values_list("name", flat=True))
    texts: list[MessageTemplateText] = []
    wanted = [told for told in content.messages if told["name"] not in there and told.get("line", "") in {"", *lines}]
    for told in wanted:
        template = MessageTemplate.objects.create(
            name=told["name"], about=told.get("about", ""), status=MessageTemplate.Status.PUBLISHED,
            line_id=lines.get(told.get("line", "")), asset_id=assets.get(told.get("asset", "")),
        )  # fmt: skip
        texts += [
            MessageTemplateText(template=template, language=language, **said[told["key"]])
            for language, said in content.words.items()
            if told["key"] in said
        ]
    MessageTemplateText.objects.bulk_create(texts)
    give_titles(content)
    known = set(BlockedPhrase.objects.values_list("language", "phrase"))
    new = [one for one in content.phrases if (one.language, one.phrase) not in known]
    BlockedPhrase.objects.bulk_create(new)
    return Added(len(wanted), len(texts), len(new))


def give_titles(content: Content) -> None:
    """To the texts that were there before texts had titles; one that has a title keeps it."""
    keys = {told["name"]: told["key"] for told in content.messages}
    bare = MessageTemplateText.objects.filter(title="", template__name__in=keys).select_related("template")
    for text in bare:
        text.title = content.words.get(text.language, {}).get(keys[text.template.name], {}).get("title", "")
        if text.title:
            text.save(update_fields=["title"])


# -- reading and checking


def read(folder: Path = FOLDER) -> Content:
    """The files as they are, checked. Raises MessageFileError."""
    messages = toml(folder / "templates.toml").get("message", [])
    spoken = {
        path.stem: {key: stripped(said) for key, said in toml(path).items()}
        for path in sorted(folder.glob("*.toml"))
        if path.stem in dict(settings.LANGUAGES)
    }
    content = Content(messages, spoken, list(claims(toml(folder / "phrases.toml").get("claims", []))))
    for problem in problems(content):
        raise MessageFileError(problem)
    return content


def toml(path: Path) -> Table:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise MessageFileError(f"{path.name} is missing from the messages.") from None
    except tomllib.TOMLDecodeError as error:
        raise MessageFileError(f"{path.name} is not TOML: {error}.") from error


def stripped(said: Table) -> Table:
    return {part: text.strip() for part, text in said.items()}


def claims(tables: list[Table]) -> Iterator[BlockedPhrase]:
    for told in tables:
        for phrase in told.get("phrases", []):
            yield BlockedPhrase(
                phrase=phrase, language=told.get("language", ""), kind=told.get("kind", ""),
                instead=told.get("instead", ""),
            )  # fmt: skip


def problems(content: Content) -> Iterator[str]:
    for field in ("key", "name"):
        values = [told.get(field, "") for told in content.messages]
        if twice := [value for value in values if not value or values.count(value) > 1]:
            yield (
                f"A message has no {field}." if not twice[0] else f"There are two messages with the {field} {twice[0]}."
            )
    for told in content.messages:
        if odd := told.keys() - {"key", "name", "about", "line", "asset"}:
            yield f"Message {told['key']} has an unknown field {min(odd)}."
        if told.get("about", "") not in {"", *ABOUT}:
            yield f"Message {told['key']} is for {told['about']}, which is no reason to write to a customer."
        if told["key"] not in content.words.get(FULL_LANGUAGE, {}):
            yield f"Message {told['key']} has no English words."
    yield from phrase_problems(content.phrases)
    for language, texts in content.words.items():
        for key, said in texts.items():
            for problem in word_problems(said, key in {told["key"] for told in content.messages}):
                yield f"The words of {key} in {language} {problem}"
            yield from claim_problems(content, language, key)


def word_problems(said: Table, belongs: bool) -> Iterator[str]:
    if not belongs:
        yield "belong to no message."
    if odd := said.keys() - {"title", "subject", "body"}:
        yield f"have an unknown part {min(odd)}."
    if not said.get("body"):
        yield "lack the body."
    if len(said.get("title", "")) > LONGEST_TITLE:
        yield f"have a title of more than {LONGEST_TITLE} letters."
    for text in said.values():
        for problem in words.problems(text):
            yield f"cannot be filled in: {problem}"


def phrase_problems(found: list[BlockedPhrase]) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for one in found:
        if one.kind not in BlockedPhrase.Kind.values or len(one.phrase) > 120 or len(one.instead) > 200:
            yield f"The phrase {one.phrase} has a kind that is not known, or is too long."
        if (one.language, one.phrase) in seen:
            yield f"The phrase {one.phrase} is there twice in {one.language}."
        seen.add((one.language, one.phrase))


def claim_problems(content: Content, language: str, key: str) -> Iterator[str]:
    index = phrases.Index.of(content.phrases)
    for text in content.words[language][key].values():
        for claim in phrases.search(index, text, ""):
            yield f"The words of {key} in {language} make a claim: {claim.text}."
