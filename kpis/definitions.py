"""What a rule says, from the JSON of a version or draft: if, but not, then, when. Read with all problems at once.

    {"if": {"fact": "change", "of": {"metric": "sales", "line": "", "days": 7}, "is": "at_most", "value": -50},
     "then": [{"effect": "trigger", "activity": "win-back", "for": "her", "days": 7}], "priority": 60}

Conditions are distributors/conditions/, effects rule_effects.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from distributors import conditions
from distributors.conditions import ConditionError, Fact, Known, Node, Problem, worded
from distributors.conditions.worded import Names
from distributors.wording import said_day

from . import contradictions, rule_effects
from .contradictions import Form
from .models.campaign import FIRST_DAY, LAST_DAY
from .rule_effects import EFFECTS, Effect, Pin
from .rule_fields import Fields

#: In its JSON, without needless spaces.
LONGEST = 20_000
MOST_EFFECTS = 5
PRIORITY, COOLDOWN, HELD_BACK = (1, 100), (1, 365), (0, 50)
USUAL_PRIORITY, USUAL_COOLDOWN = 50, 28


@dataclass(frozen=True)
class Definition:
    when: Node
    but_not: Node | None
    then: tuple[Effect, ...]
    starts_on: date | None = None  # of each market's own days
    ends_on: date | None = None  # inclusive
    priority: int = USUAL_PRIORITY  # the higher first
    cooldown_days: int = USUAL_COOLDOWN
    held_back: int = 0  # percent of teams for whom it does nothing

    @cached_property
    def form(self) -> Form:
        """`when`, the same for all ways to write the same."""
        return contradictions.form(self.when)

    @cached_property
    def excepted(self) -> Form | None:
        """`but_not` in that form."""
        return contradictions.form(self.but_not) if self.but_not is not None else None

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        return conditions.facts_of([node for node in (self.when, self.but_not) if node is not None])


def read(raw: Any, known: Known | None = None, *, today: date | None = None) -> Definition:
    """ConditionError with every problem: paths such as `if.all.2.value`, `then.0.by`, `to`.

    `known` are the names there are; without them any name will do. `today` is the day it would be published on: pins and
    its end are to be ahead of it. Without, it is read as it was published.
    """
    if problem := cannot_be_kept(raw):
        raise ConditionError([Problem("", problem)])
    problems: list[Problem] = []
    fields = Fields(raw, "", problems, known, today)
    when = condition(fields, "if")
    but_not = condition(fields, "but_not") if fields.get("but_not") is not None else None
    if fields.get("if") is None:
        fields.refuse(_("Say for whom: add a condition."), "if")
    then = effects(fields)
    starts_on, ends_on = span(fields)
    priority = fields.whole("priority", *PRIORITY, otherwise=USUAL_PRIORITY)
    cooldown = fields.whole("cooldown_days", *COOLDOWN, otherwise=USUAL_COOLDOWN)
    held_back = fields.whole("held_back", *HELD_BACK, otherwise=0)
    fields.nothing_else()
    check_possible(fields, when, but_not)
    if problems or when is None:
        raise ConditionError(problems)
    return Definition(when, but_not, then, starts_on, ends_on, priority, cooldown, held_back)


def cannot_be_kept(raw: Any) -> str:
    """Why this is too much, or nothing that a database keeps; empty when it is neither."""
    try:
        text = json.dumps(raw, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except (TypeError, ValueError, RecursionError):
        return _("This is not a rule that can be read.")
    if len(text) > LONGEST:
        return _("A rule has at most %(most)s characters, and this one %(n)s. Split it in two.") % {
            "most": number_format(LONGEST, force_grouping=True),
            "n": number_format(len(text), force_grouping=True),
        }
    return _("This is not a rule that can be read.") if r"\u0000" in text else ""


def condition(fields: Fields, name: str) -> Node | None:
    raw = fields.get(name)
    if raw is None:
        return None
    try:
        return conditions.read(raw, path=name, known=fields.known)
    except ConditionError as error:
        fields.problems += error.problems
        return None


def effects(fields: Fields) -> tuple[Effect, ...]:
    raw = fields.get("then")
    if not isinstance(raw, list) or not raw:
        fields.refuse(_("Say what happens: add an effect."), "then")
        return ()
    if len(raw) > MOST_EFFECTS:
        fields.refuse(
            _("A rule does at most %(n)d things. Make another rule for the others.") % {"n": MOST_EFFECTS}, "then"
        )
        return ()
    before = len(fields.problems)
    found = tuple(effect(inner) for inner in fields.each("then"))
    if len(fields.problems) == before:
        check_together(fields, found)
    return found


def effect(fields: Fields) -> Effect:
    name = fields.one_of("effect", EFFECTS, _("Choose what happens."))
    before = len(fields.problems)
    found = EFFECTS[name].read(fields)
    if fields.raw.get("effect") != name:
        del fields.problems[before:]  # of the fields of something else
    else:
        fields.nothing_else()
    return found


def check_together(fields: Fields, then: tuple[Effect, ...]) -> None:
    """Refuse one thing twice, two pins, and to show what the same rule hides."""
    for place, one in enumerate(then):
        path = f"then.{place}"
        if one in then[:place]:
            fields.refuse(_("The rule does this already."), path)
        elif isinstance(one, Pin) and any(isinstance(other, Pin) for other in then[:place]):
            fields.refuse(_("A rule puts one activity on top. Keep one of the two."), path)
        elif one.about() and any(one.about() == other.about() and one.hides != other.hides for other in then[:place]):
            fields.refuse(_("The rule both shows and hides this. Keep one of the two."), path)


def span(fields: Fields) -> tuple[date | None, date | None]:
    starts_on, ends_on = fields.day("from"), fields.day("to")
    if starts_on is not None and ends_on is not None and starts_on > ends_on:
        fields.refuse(_("It ends before it starts. Choose a later end."), "to")
    elif ends_on is not None and fields.today is not None and ends_on < fields.today:
        fields.refuse(_("That day has passed. Choose a later one."), "to")
    return starts_on, ends_on


def check_possible(fields: Fields, when: Node | None, but_not: Node | None) -> None:
    """Refuse conditions that nobody can meet."""
    asked, excepted = (contradictions.form(node) if node is not None else None for node in (when, but_not))
    possible = True
    for name, found in (("if", asked), ("but_not", excepted)):
        if found is not None and (why := contradictions.impossible(found)):
            fields.refuse(why, name)
            possible = False
    if asked is not None and excepted is not None and possible:
        if asked == excepted:
            fields.refuse(_("“But not” says the same as “If”, so it holds for nobody."), "but_not")
        elif contradictions.impossible(contradictions.but_not(asked, excepted)):
            fields.refuse(_("“But not” takes away everybody whom “If” finds."), "but_not")


# Written, and said


def written(definition: Definition) -> dict[str, Any]:
    """The JSON that `read` reads, complete."""
    found: dict[str, Any] = {"if": conditions.written(definition.when)}
    if definition.but_not is not None:
        found["but_not"] = conditions.written(definition.but_not)
    found["then"] = [{"effect": effect.name, **effect.written()} for effect in definition.then]
    if definition.starts_on is not None:
        found["from"] = definition.starts_on.isoformat()
    if definition.ends_on is not None:
        found["to"] = definition.ends_on.isoformat()
    return found | {
        "priority": definition.priority,
        "cooldown_days": definition.cooldown_days,
        "held_back": definition.held_back,
    }


def sentence(definition: Definition, names: Names) -> str:
    """If ..., then ..., but not if ...: the whole rule read back to HQ."""
    excepts = definition.but_not is not None
    said = {
        "when": worded.read_back(definition.when, names, closed=excepts),
        "then": in_a_row([effect.sentence(names) for effect in definition.then]),
    }
    if definition.but_not is None:
        found = _("If %(when)s, then %(then)s.") % said
    else:
        said["but_not"] = worded.read_back(definition.but_not, names, closed=True)
        found = _("If %(when)s, but not if %(but_not)s, then %(then)s.") % said
    return " ".join([found, *validity(definition)])


def in_a_row(parts: list[str]) -> str:
    """a · a and b · a; b; and c: each may have a comma of its own."""
    if len(parts) < 2:
        return "".join(parts)
    if len(parts) == 2:
        return _("%(one)s and %(other)s") % {"one": parts[0], "other": parts[1]}
    return _("%(most)s; and %(last)s") % {"most": "; ".join(parts[:-1]), "last": parts[-1]}


def validity(definition: Definition) -> list[str]:
    days = {
        "first": said_day(definition.starts_on) if definition.starts_on else "",
        "last": said_day(definition.ends_on) if definition.ends_on else "",
    }
    if days["first"] and days["last"]:
        return [_("From %(first)s to %(last)s.") % days]
    if days["first"]:
        return [_("From %(first)s.") % days]
    return [_("Until %(last)s.") % days] if days["last"] else []


# JSON Schema


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a definition: what `read` refuses beyond it takes names or two fields at once."""
    day = {"type": "string", "format": "date", "formatMinimum": f"{FIRST_DAY}", "formatMaximum": f"{LAST_DAY}"}

    def whole(least: int, most: int, usual: int) -> dict[str, Any]:
        return {"type": "integer", "minimum": least, "maximum": most, "default": usual}

    properties = {
        # Not of the rule: a text of it may name this schema. What is kept never does.
        "$schema": {"type": "string", "format": "uri"},
        "if": {"$ref": "#/$defs/condition"},
        "but_not": {"$ref": "#/$defs/condition"},
        "then": {"type": "array", "minItems": 1, "maxItems": MOST_EFFECTS, "items": {"$ref": "#/$defs/effect"}},
        "from": day,
        "to": day,
        "priority": whole(*PRIORITY, USUAL_PRIORITY),
        "cooldown_days": whole(*COOLDOWN, USUAL_COOLDOWN),
        "held_back": whole(*HELD_BACK, 0),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rule",
        **rule_effects.fields_schema(properties, frozenset(properties) - {"if", "then"}),
        "$defs": {
            "condition": conditions.schema(),  # with an $id: what it refers to is within itself
            "effect": {"oneOf": rule_effects.schemas()},
            "target": rule_effects.target_schema(),
        },
    }
