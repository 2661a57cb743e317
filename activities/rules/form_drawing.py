"""What every part of the builder's form is drawn from: the definition, what is wrong with it, and what can be chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from distributors.conditions import Problem
from distributors.conditions.worded import Names
from distributors.models import Segment

from ..models import Activity
from ..ranking.shelf import Shelf
from .form_parts import Control
from .form_rows import Json, Sent
from .form_words import Options, with_current


@dataclass(frozen=True)
class Words:
    """What the choices of a form are made of, looked up once."""

    names: Names
    shelf: Shelf
    by_rules: frozenset[int]  # segments that rules fill

    def activities(self, of: Iterable[Activity]) -> Options:
        """By kind, in the order of their titles."""
        found: dict[str, list[tuple[str, str | Promise]]] = {}
        for one in of:
            found.setdefault(one.kind, []).append((one.key, self.names.activities.get(one.key, one.key)))
        return [(label, sorted(found[kind], key=lambda pair: str(pair[1]).casefold()))
                for kind, label in Activity.Kind.choices if kind in found]  # fmt: skip

    def for_leader(self) -> list[Activity]:
        return [one for one in self.shelf.activities if suits_leader(one)]


def suits_leader(activity: Activity) -> bool:
    """A leader's to-do is about the recruit whom the rule found, or about nobody: not about a customer of her own."""
    return activity.is_about_recruit or activity.about == Activity.About.NOBODY


def words(names: Names, shelf: Shelf) -> Words:
    return Words(names, shelf, frozenset(Segment.objects.filter(by_rules=True).values_list("pk", flat=True)))


class Problems:
    """What is wrong, by the path that each stands at or below."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = problems

    def at(self, path: str) -> tuple[str, ...]:
        return tuple(one.sentence for one in self.problems if one.path == path)

    def within(self, path: str) -> tuple[str, ...]:
        return tuple(one.sentence for one in self.problems if is_within(one.path, path))


@dataclass(frozen=True)
class Drawing:
    """What every part of a form is drawn from, and with."""

    definition: Json
    sent: Sent  # the fields of the definition
    problems: Problems
    words: Words

    def control(self, name: str, label: str | Promise, kind: str, *, first: str = "", **more: Any) -> Control:
        """With what it holds now; `first` where nothing was said yet."""
        values = self.sent.getlist(name) if name in self.sent else [first]
        if kind == "select":
            more["options"] = with_current(more["options"], values[0] if values else "")
        return Control(name, str(label), kind, values, problems=self.problems.within(name), **more)

    def unplaced(self, path: str, controls: Sequence[Control]) -> tuple[str, ...]:
        """What is wrong with a row and with none of its controls."""
        shown = {sentence for one in controls for sentence in one.problems}
        return tuple(one for one in self.problems.within(path) if one not in shown)


def is_within(path: str, outer: str) -> bool:
    return path == outer or path.startswith(f"{outer}.")
