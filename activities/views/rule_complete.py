"""Whether a rule that is written can be published: what is wrong with it or missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from distributors.conditions import ConditionError, Problem
from distributors.conditions.worded import Names
from kpis import definitions, rules
from kpis.definitions import Definition
from kpis.models import RuleDraft
from kpis.rule_effects import LEADER, Trigger

from ..ranking.shelf import Shelf
from ..rules import form_drawing, naming
from ..rules.form_rows import Json


def names_of(shelf: Shelf) -> Names:
    return naming.of(get_language() or "en", shelf)


def problems_of(said: Json, shelf: Shelf, names: Names, as_of: datetime) -> tuple[Definition | None, list[Problem]]:
    """Everything that would keep it from being published, or what it reads as."""
    try:
        found = definitions.read(said, names, today=as_of.date())
    except ConditionError as refused:
        return None, list(dict.fromkeys(refused.problems))
    problems = list(wrong_for_leaders(found, shelf))
    if why := rules.problem_with_segments(found, rules.segments_there([found])):
        problems.append(Problem("", why))
    return (None if problems else found), problems


def wrong_for_leaders(found: Definition, shelf: Shelf) -> Iterator[Problem]:
    """Rules know activities by key alone; whom one is about is known here."""
    by_key = {one.key: one for one in shelf.activities}
    for place, effect in enumerate(found.then):
        one = by_key.get(effect.activity) if isinstance(effect, Trigger) and effect.to == LEADER else None
        if one is not None and not form_drawing.suits_leader(one):
            said = _("A leader is asked about the person or about nobody. Choose an activity that is about a recruit.")
            yield Problem(f"then.{place}.activity", said)


def check_complete(draft: RuleDraft | None, shelf: Shelf, names: Names, as_of: datetime) -> None:
    """ValidationError with the first thing that is missing or wrong."""
    problems = problems_of(draft.definition, shelf, names, as_of)[1] if draft else []
    if problems:
        raise ValidationError(problems[0].sentence, code="definition")


def is_empty_at(said: Json, path: str) -> bool:
    """Whether nothing stands there yet: a field to be filled in, rather than one that is wrong."""
    value: Any = said
    for step in filter(None, path.split(".")):
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return True
    return value in (None, "", [], {}) or value == ["", ""]
