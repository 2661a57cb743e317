"""The builder's form: a definition as rows of controls, each with its label, its choices, its unit and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.utils.translation import gettext as _

from distributors.conditions import Problem
from kpis.definitions import COOLDOWN, HELD_BACK, MOST_EFFECTS, PRIORITY, USUAL_COOLDOWN, USUAL_PRIORITY

from . import form_rows, moving
from .form_conditions import Conditions
from .form_drawing import Drawing, Problems, Words, is_within
from .form_effects import Effects
from .form_parts import Control, Form, GroupRow, Row, Told, slug
from .form_rows import Json


def of(definition: Json, problems: Sequence[Problem], words: Words, focus: str = "") -> Form:
    """The form that says this definition. Problems that no control shows stand in its summary alone."""
    begun = moving.begun(definition)
    given = begun, form_rows.fields_of(begun), Problems(problems), words
    conditions, effects, span = Conditions(*given), Effects(*given), When(*given)
    when = conditions.group("if", ())
    but_not = conditions.group("but_not", ()) if "but_not" in begun else None
    then = [effects.effect(place, one) for place, one in enumerate(begun["then"])]
    dates, settings_ = span.dates(), span.settings()
    shown = sorted(controls_of([when, *([but_not] if but_not else []), *then], [*dates, *settings_]))
    return Form(
        when=when,
        but_not=but_not,
        then=then,
        dates=dates,
        settings=settings_,
        problems=[Told(one.sentence, slug(nearest(one.path, shown))) for one in problems],
        may_add=moving.may_add(begun),
        may_add_effect=len(then) < MOST_EFFECTS,
        focus=slug(focus),
    )


class When(Drawing):
    """When it counts, before which others, how often for one person, and for how many not."""

    def dates(self) -> list[Control]:
        return [
            self.control("from", _("From"), "date"),
            self.control("to", _("To"), "date"),
        ]

    def settings(self) -> list[Control]:
        return [
            self.whole("priority", _("Priority"), PRIORITY, USUAL_PRIORITY, _("of 100; the higher goes first")),
            self.whole(
                "cooldown_days", _("Quiet time"), COOLDOWN, USUAL_COOLDOWN, _("days before it fires for her again")
            ),
            self.whole("held_back", _("Held back"), HELD_BACK, 0, _("percent of teams get nothing of it")),
        ]

    def whole(self, name: str, label: str, span: tuple[int, int], usual: int, after: str) -> Control:
        return self.control(name, label, "number", first=str(usual), after=after, least=span[0], most=span[1], step="1")


def controls_of(rows: Iterable[Row | GroupRow], more: Iterable[Control]) -> Iterator[str]:
    """The names of every control."""
    yield from (one.name for one in more)
    for row in rows:
        if isinstance(row, GroupRow):
            yield row.how.name
            yield from controls_of(row.parts, ())
        else:
            yield from (one.name for one in (*row.controls, *row.below))


def nearest(path: str, shown: Sequence[str]) -> str:
    """The control that a problem is about: itself, the one it is within, else the first within what it is about."""
    outer = [name for name in shown if is_within(path, name)]
    return max(outer, key=len) if outer else next((name for name in shown if path and is_within(name, path)), "")
