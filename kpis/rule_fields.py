"""Reading what HQ wrote of a rule, field by field: every problem is kept with its place, so that all are told at once."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from distributors.conditions import Known, Problem

from .models.campaign import FIRST_DAY, LAST_DAY


@dataclass
class Fields:
    """An object of the JSON. A field that cannot be read adds a problem and gives something of its type: whoever reads
    on looks at `problems` in the end.

    `known` are the names there are, None where nobody checks them; `today` the day it would be published on, None for
    what was published already.
    """

    raw: Any
    path: str
    problems: list[Problem]
    known: Known | None = None
    today: date | None = None
    asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if not isinstance(self.raw, dict):
            self.refuse(_("Write this as fields in braces."))
            self.raw = {}

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def refuse(self, sentence: str, name: str = "") -> None:
        self.problems.append(Problem(self.at(name) if name else self.path, sentence))

    def get(self, name: str) -> Any:
        """As it stands; None when it is absent."""
        self.asked.add(name)
        return self.raw.get(name)

    def inside(self, name: str) -> Fields:
        """An object within this one."""
        return Fields(self.get(name), self.at(name), self.problems, self.known, self.today)

    def each(self, name: str) -> Iterator[Fields]:
        """The objects of a list within this one."""
        found = self.get(name)
        for place, raw in enumerate(found if isinstance(found, list) else []):
            yield Fields(raw, f"{self.at(name)}.{place}", self.problems, self.known, self.today)

    def whole(self, name: str, least: int, most: int, *, otherwise: int | None = None) -> int:
        """A whole number; `otherwise` when the field is absent, if it may be."""
        value = self.get(name)
        if value is None and otherwise is not None:
            return otherwise
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.refuse(
            _("Enter a whole number from %(least)s to %(most)s.") % {"least": least, "most": most},
            name,
        )
        return least

    def number(self, name: str, least: float, most: float) -> float:
        value = self.get(name)
        if is_number(value) and least <= value <= most:
            return float(value)
        said = {"least": number_format(least), "most": number_format(most)}
        self.refuse(_("Enter a number from %(least)s to %(most)s.") % said, name)
        return least

    def day(self, name: str) -> date | None:
        """None when it is absent."""
        value = self.get(name)
        if value is None:
            return None
        found = as_day(value)
        if found is None:
            self.refuse(_("Enter a day such as 2026-12-01, from 2000 to 2199."), name)
        return found

    def one_of(self, name: str, choices: Collection[str], sentence: str) -> str:
        value = self.get(name)
        if isinstance(value, str) and value in choices:
            return value
        self.refuse(sentence, name)
        return next(iter(choices), "")

    def named(self, name: str, names: Mapping[str, str] | None, missing: str, unknown: str) -> str:
        """A key of these names; any text where nobody checks them. `unknown` says %(name)s."""
        value = self.get(name)
        if not isinstance(value, str) or not value:
            self.refuse(missing, name)
            return ""
        if names is not None and value not in names:
            self.refuse(unknown % {"name": value[:60]}, name)
        return value

    def nothing_else(self) -> None:
        """Refuse what nobody asked for: a misspelt field would be a rule that does something else."""
        for name in self.raw.keys() - self.asked:
            self.refuse(_("There is no field %(name)s here.") % {"name": str(name)[:60]}, str(name)[:60])


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def as_day(value: object) -> date | None:
    """A day that every clock can show, from its ISO form; None for anything else."""
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and FIRST_DAY <= found <= LAST_DAY else None
