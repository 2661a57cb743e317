"""What HQ should know before it publishes a rule: where it and another rule pull apart, or say the same twice.

What cannot be is refused when it is read (definitions.py). These are warnings: HQ may mean it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from distributors.conditions.worded import Names

from . import contradictions
from .definitions import Definition
from .models import Rule
from .rule_effects import Effect, Offer, Pin, Target
from .rules import Ruled

NO_NAMES = Names(segments={}, lines={}, activities={}, campaigns={}, incentives={}, markets={}, ranks=())


@dataclass(frozen=True)
class Conflict:
    rule: Rule | None  # the other one; None where the rule is at odds with itself
    sentence: str


def conflicts(
    definition: Definition, others: Sequence[Ruled], *, offer: Offer | None = None, names: Names = NO_NAMES
) -> list[Conflict]:
    """Warnings about a rule beside `others`, the live ones without itself.

    `offer` tells which activities are of a kind or line; without it only the same ones are recognised.
    """
    found = [Conflict(None, sentence) for sentence in within(definition, offer, names)]
    for other in others:
        found += [Conflict(other.rule, sentence) for sentence in beside(definition, other, offer, names)]
    return found


def within(definition: Definition, offer: Offer | None, names: Names) -> Iterator[str]:
    if contradictions.for_everybody(definition.form):
        yield _("“If” holds for everybody of whom it is known. Is there a condition too many?")
    if definition.excepted is not None and contradictions.for_everybody(definition.excepted):
        yield _("“But not” holds for everybody of whom it is known, so hardly anybody is left.")
    for place, one in enumerate(definition.then):
        for other in definition.then[:place]:
            if at_odds(one, other, offer):
                yield _("It says both: %(one)s, and: %(other)s. What is hidden stays hidden.") % {
                    "one": other.sentence(names),
                    "other": one.sentence(names),
                }


def beside(definition: Definition, other: Ruled, offer: Offer | None, names: Names) -> Iterator[str]:
    theirs = other.definition
    odds = [(own, their) for own in definition.then for their in theirs.then if at_odds(own, their, offer)]
    pins = definition.priority == theirs.priority and pinning(definition) and pinning(theirs)
    same = (definition.form, definition.excepted) == (theirs.form, theirs.excepted)
    if not (odds or pins or same) or not meet(definition, theirs):
        return
    if same:
        yield _("“%(rule)s” has the same conditions. One rule can do both.") % {"rule": other.rule}
    for own, their in odds:
        yield _(
            "“%(rule)s” says: %(theirs)s. This rule says: %(own)s. For whom both hold, what is hidden stays hidden."
        ) % {"rule": other.rule, "theirs": their.sentence(names), "own": own.sentence(names)}
    if pins:
        yield _(
            "“%(rule)s” puts something on top too, at the same priority: the older rule wins. "
            "Give the more important one a higher priority."
        ) % {"rule": other.rule}


def at_odds(one: Effect, other: Effect, offer: Offer | None) -> bool:
    """One hides an activity that the other shows."""
    mine, theirs = one.about(), other.about()
    return one.hides != other.hides and mine is not None and theirs is not None and overlap(mine, theirs, offer)


def overlap(one: Target, other: Target, offer: Offer | None) -> bool:
    if one == other:
        return True
    return offer is not None and bool(set(one.places(offer).tolist()) & set(other.places(offer).tolist()))


def pinning(definition: Definition) -> bool:
    return any(isinstance(effect, Pin) for effect in definition.then)


def meet(one: Definition, other: Definition) -> bool:
    """There are days on which both are valid, and both may hold for somebody."""
    starts = max(one.starts_on or date.min, other.starts_on or date.min)
    ends = min(one.ends_on or date.max, other.ends_on or date.max)
    return starts <= ends and not contradictions.apart(one.form, other.form)
