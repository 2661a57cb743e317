"""The catalogue of activities a company starts with: TOML in activities/catalogue/, checked, then written to the database.

    <kind>.toml              facts: [[activity]] tables with the fields of Activity
    <language>/<kind>.toml   words by key: [key] title, summary, body, message
    skills.toml              [[skill]] key, wanted, name by language

English is complete; another language may lack an activity, which is then shown in English.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from distributors.event_types import CHECKS as EVENT_TYPES
from distributors.metrics import METRICS, split_key
from distributors.models import ProductLine

from .messages import words as merging
from .models import Activity, ActivityText, Asset, Skill

FOLDER = Path(__file__).with_name("catalogue")
FULL_LANGUAGE = "en"
FACTS = {
    "key", "form", "about", "line", "minutes", "p_done", "impacts", "skill", "skill_gain", "closes_on",
    "again_after_days", "asset",
}  # fmt: skip
REQUIRED_FACTS = {"key", "form", "about", "minutes", "p_done", "impacts"}
WORDS = {"title", "summary", "body", "message"}
FIELD = re.compile(r"\{([^{}]*)\}")
#: Whose last purchase is known by name, so that {product} can be filled.
KNOWS_PRODUCT = {"reorder_due", "one_time", "check_in", "connect", "lapsed"}

Table = dict[str, Any]


class CatalogueError(ValueError):
    """What is wrong with the content, in one sentence that names the file or the key."""


@dataclass(frozen=True)
class Content:
    """What the files say."""

    skills: dict[str, Table]
    facts: dict[str, Table]  # with "kind", by key
    words: dict[str, dict[str, Table]]  # by language and key


@dataclass(frozen=True)
class Loaded:
    """How many are in the catalogue now, new or not."""

    activities: int
    texts: int
    skills: int


@transaction.atomic
def load(folder: Path = FOLDER, *, only_known_lines: bool = False) -> Loaded:
    """Write the catalogue by key: what is there is updated, nothing is removed, and all or nothing is written.

    New activities are published; the status, markets and library item of known ones stay as HQ and trainers left them.
    A library item that is not there (library/starter_items.py loads them first) is no item.
    Product lines must exist, unless `only_known_lines`: then activities of other lines are left out, and an impact
    within another line counts for the metric as a whole. Raises CatalogueError.
    """
    content = read(folder)
    lines = dict(ProductLine.objects.values_list("code", "pk"))
    if only_known_lines:
        content = fitting(content, lines.keys())
    for key, facts in content.facts.items():
        if missing := lines_of(facts) - lines.keys():
            raise CatalogueError(f"Activity {key} needs the product line {min(missing)}, which does not exist.")
    skills = {key: save_skill(key, told) for key, told in content.skills.items()}
    activities = {key: save_activity(facts, lines, skills) for key, facts in content.facts.items()}
    for language, texts in content.words.items():
        for key, words in texts.items():
            blank = dict.fromkeys(WORDS, "")
            ActivityText.objects.update_or_create(activity=activities[key], language=language, defaults=blank | words)
    return Loaded(len(activities), sum(map(len, content.words.values())), len(skills))


def fitting(content: Content, lines: Collection[str]) -> Content:
    """What of the content suits a company with only these product lines."""
    facts = {
        key: told | {"impacts": {known(impact, lines): effect for impact, effect in told["impacts"].items()}}
        for key, told in content.facts.items()
        if told.get("line", "") in {"", *lines}
    }
    words = {
        language: {key: told for key, told in texts.items() if key in facts}
        for language, texts in content.words.items()
    }
    return Content(content.skills, facts, words)


def known(impact: str, lines: Collection[str]) -> str:
    metric, scope = split_key(impact)
    return impact if scope in lines else metric


def save_skill(key: str, told: Table) -> Skill:
    names = dict(told["name"])
    values = {"name": names.pop(FULL_LANGUAGE), "name_by_language": names, "wanted": told["wanted"]}
    return Skill.objects.update_or_create(key=key, defaults=values)[0]


def save_activity(facts: Table, lines: dict[str, int], skills: dict[str, Skill]) -> Activity:
    values = {name: value for name, value in facts.items() if name not in {"key", "line", "skill", "asset"}}
    values["line_id"] = lines[facts["line"]] if "line" in facts else None
    values["skill"] = skills[facts["skill"]] if "skill" in facts else None
    at_first = {"status": Activity.Status.PUBLISHED, "asset": Asset.objects.filter(key=facts.get("asset", "")).first()}
    activity, _new = Activity.objects.update_or_create(
        key=facts["key"], defaults=values, create_defaults=values | at_first
    )
    return activity


def lines_of(facts: Table) -> set[str]:
    """Product lines an activity names: its own, and the scopes of its impacts."""
    scopes = {split_key(key)[1] for key in facts["impacts"]} | {facts.get("line", "")}
    return scopes - {""}


# -- reading and checking


def read(folder: Path = FOLDER) -> Content:
    """The files as they are, checked. Raises CatalogueError."""
    skills = by_key(folder / "skills.toml", toml(folder / "skills.toml").get("skill", []))
    facts: dict[str, Table] = {}
    for kind in Activity.Kind.values:
        path = folder / f"{kind}.toml"
        for key, told in by_key(path, toml(path).get("activity", [])).items():
            if key in facts:
                raise CatalogueError(f"Activity {key} is in the catalogue twice.")
            facts[key] = told | {"kind": kind}
    words = {path.name: words_in(path) for path in sorted(folder.iterdir()) if path.is_dir()}
    content = Content(skills, facts, words)
    for problem in problems(content):
        raise CatalogueError(problem)
    return content


def toml(path: Path) -> Table:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise CatalogueError(f"{path.name} is missing from the catalogue.") from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path.parent.name}/{path.name} is not TOML: {error}.") from error


def by_key(path: Path, tables: list[Table]) -> dict[str, Table]:
    found: dict[str, Table] = {}
    for table in tables:
        key = table.get("key", "")
        if not key or key in found:
            raise CatalogueError(f"{path.name} has an entry {f'{key} twice' if key else 'without a key'}.")
        found[key] = table
    return found


def words_in(folder: Path) -> dict[str, Table]:
    found: dict[str, Table] = {}
    for path in sorted(folder.glob("*.toml")):
        for key, words in toml(path).items():
            if key in found:
                raise CatalogueError(f"{folder.name} has words for {key} twice.")
            found[key] = {name: value.strip() for name, value in words.items()}
    return found


def problems(content: Content) -> Iterator[str]:
    for key, told in content.skills.items():
        if FULL_LANGUAGE not in told.get("name", {}) or not 0 < told.get("wanted", 0) <= 1:
            yield f"Skill {key} needs an English name and a wanted mastery above 0 and up to 1."
    for key, facts in content.facts.items():
        for said in fact_problems(facts, content.skills):
            yield f"Activity {key} {said}."
    if missing := content.facts.keys() - content.words.get(FULL_LANGUAGE, {}).keys():
        yield f"Activity {min(missing)} has no English words."
    for language, texts in content.words.items():
        for key, words in texts.items():
            for said in word_problems(words, content.facts.get(key)):
                yield f"The words of {key} in {language} {said}."


def fact_problems(facts: Table, skills: dict[str, Table]) -> Iterator[str]:
    told = facts.keys() - {"kind"}
    if odd := (told - FACTS) | (REQUIRED_FACTS - told):
        yield f"has an unknown field or lacks {min(odd)}"
        return
    if facts["form"] == Activity.Form.LESSON and ("skill" not in facts or facts["about"] != Activity.About.NOBODY):
        yield "is a lesson, which needs a skill and is about nobody"
    if "skill" in facts and facts["skill"] not in skills:
        yield f"teaches the unknown skill {facts['skill']}"
    if facts.get("closes_on", "order.placed") not in EVENT_TYPES:
        yield f"closes on the unknown event {facts['closes_on']}"
    for impact, effect in facts["impacts"].items():
        metric, scope = split_key(impact)
        if metric not in METRICS or (scope and not METRICS[metric].scoped) or type(effect) not in (int, float):
            yield f"states an impact on {impact}, which cannot be measured"
    values = {name: value for name, value in facts.items() if name not in {"line", "skill", "asset"}}
    try:
        # Choices, ranges and slugs are the model's to judge; its unique key is not asked about here.
        Activity(**values).clean_fields(exclude={"line", "skill"})
    except ValidationError as error:
        yield f"has a wrong {next(iter(error.message_dict))}"


def word_problems(words: Table, facts: Table | None) -> Iterator[str]:
    if facts is None:
        yield "belong to no activity"
        return
    if odd := words.keys() - WORDS:
        yield f"have an unknown part {min(odd)}"
    sends = facts["form"] in (Activity.Form.MESSAGE, Activity.Form.CALL)
    needed = ["title", "summary", "body", *(["message"] if sends else [])]
    if lacking := [name for name in needed if not words.get(name)]:
        yield f"lack the {lacking[0]}"
    message = words.get("message", "")
    used = {field for part, value in words.items() if part != "message" for field in FIELD.findall(value)}
    if unknown := (used | merging.needed(message)) - fields_of(facts):
        yield f"use {{{min(unknown)}}}, which cannot be filled"
    if wrong := merging.problems(message):
        yield f"have a message that cannot be filled in: {wrong[0].rstrip('.')}"


def fields_of(facts: Table) -> set[str]:
    """The merge fields that are always known for this activity."""
    known = {"me"}
    if facts["about"] != Activity.About.NOBODY:
        known.add("name")
    if facts["about"] in KNOWS_PRODUCT:
        known.add("product")
    if "line" in facts:
        known.add("line")
    return known
