"""The parts of the builder's form: controls, rows, groups, and the form as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import form_rows
from .form_words import Options


@dataclass(frozen=True)
class Control:
    """A labelled field. `kind`: select, number, date, text, textarea or checks. `redraws`: other fields follow from it."""

    name: str
    label: str
    kind: str
    values: list[str]
    options: Options = ()
    before: str = ""  # words in front of it and, with its unit, behind it
    after: str = ""
    least: float | None = None
    most: float | None = None
    step: str = ""
    longest: int = 0
    redraws: bool = False
    language: str = ""
    wide: bool = False
    suffix: str = ""  # of the id, where two fields have one name
    problems: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return slug(self.name) + self.suffix

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def typed_wrong(self) -> bool:
        """What a number field of the browser would not show."""
        return bool(self.value) and isinstance(form_rows.number(self.value), str)


@dataclass(frozen=True)
class Row:
    """A condition or an effect: its controls in reading order."""

    path: str
    number: int
    controls: list[Control]
    up: bool = False
    down: bool = False
    below: list[Control] = field(default_factory=list)  # wide ones, under the row
    hidden: list[tuple[str, str]] = field(default_factory=list)
    problems: tuple[str, ...] = ()
    hint: str = ""
    wants_segment: bool = False  # a segment to add to may have to be made first

    is_group = False

    @property
    def id(self) -> str:
        return slug(self.path)


@dataclass(frozen=True)
class GroupRow:
    path: str  # `if.all.1`
    how: Control
    parts: list[Row | GroupRow]
    inside: str  # the path of what is added: `if.all.1.any`
    number: int = 0
    nests: bool = False
    up: bool = False
    down: bool = False
    problems: tuple[str, ...] = ()

    is_group = True

    @property
    def id(self) -> str:
        return slug(self.path)

    @property
    def inside_id(self) -> str:
        return slug(self.inside)


@dataclass(frozen=True)
class Told:
    """A problem as the summary says it, with a link to the control that it is about."""

    sentence: str
    id: str


@dataclass(frozen=True)
class Form:
    when: GroupRow
    but_not: GroupRow | None
    then: list[Row]
    dates: list[Control]
    settings: list[Control]
    problems: list[Told]
    may_add: bool
    may_add_effect: bool
    focus: str = ""


def slug(path: str) -> str:
    """`if.all.0.fact` as an id."""
    return path.replace(".", "-")
