"""The words and choices of the builder's controls: operators, units, parameters, facts, effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from distributors.conditions import How
from distributors.conditions.vocabulary import (
    ACTIVITY,
    CAMPAIGN,
    DAYS,
    GROUPS,
    INCENTIVE,
    LINE,
    METRIC,
    PERIOD,
    REASON,
    SEGMENT,
    VOCABULARY,
    Op,
    Unit,
)
from distributors.models import Goal
from kpis.rule_effects import EFFECTS, HER, LEADER

#: (value, label).
Pairs = Sequence[tuple[str, str | Promise]]
#: Pairs under a heading; no heading where it is empty.
Options = Sequence[tuple[str | Promise, Pairs]]
OPS: dict[Op, str | Promise] = {
    Op.AT_LEAST: gettext_lazy("is at least"),
    Op.AT_MOST: gettext_lazy("is at most"),
    Op.MORE_THAN: gettext_lazy("is more than"),
    Op.LESS_THAN: gettext_lazy("is less than"),
    Op.EQUALS: gettext_lazy("is exactly"),
    Op.BETWEEN: gettext_lazy("is between"),
    Op.ONE_OF: gettext_lazy("is one of"),
    Op.NOT_ONE_OF: gettext_lazy("is not one of"),
    Op.YES: gettext_lazy("she is in it"),
    Op.NO: gettext_lazy("she is not in it"),
    Op.UNKNOWN: gettext_lazy("is not known"),
    Op.KNOWN: gettext_lazy("is known"),
}
HOWS: dict[How, str | Promise] = {
    How.ALL: gettext_lazy("all of these hold"),
    How.ANY: gettext_lazy("any of these holds"),
    How.NONE: gettext_lazy("none of these holds"),
}
PERIODS: Pairs = [
    ("", gettext_lazy("any period")),
    (Goal.Period.WEEK, gettext_lazy("of the week")),
    (Goal.Period.MONTH, gettext_lazy("of the month")),
    (Goal.Period.CAMPAIGN, gettext_lazy("between two dates")),
]
WEEKDAYS: Pairs = [
    ("0", gettext_lazy("Monday")), ("1", gettext_lazy("Tuesday")), ("2", gettext_lazy("Wednesday")),
    ("3", gettext_lazy("Thursday")), ("4", gettext_lazy("Friday")), ("5", gettext_lazy("Saturday")),
    ("6", gettext_lazy("Sunday")),
]  # fmt: skip
#: Of customers, by the reason for which she would contact them; Activity.About says the same of an activity.
CONTACTS: dict[str, str | Promise] = {
    "all": gettext_lazy("everybody on her list"),
    "open_basket": gettext_lazy("with an open basket"),
    "one_time": gettext_lazy("who bought a line once"),
    "reorder_due": gettext_lazy("due for a reorder"),
    "check_in": gettext_lazy("who ordered 6 days ago"),
    "connect": gettext_lazy("who ordered 21 days ago"),
    "lapsed": gettext_lazy("without an order for 120 days"),
    "birthday": gettext_lazy("with a birthday this week"),
    "prospect": gettext_lazy("prospects to contact"),
}
UNITS: dict[Unit, str | Promise] = {
    Unit.DAYS: gettext_lazy("days"),
    Unit.YEARS: gettext_lazy("years"),
    Unit.PERCENT: gettext_lazy("%"),
    Unit.POINTS: gettext_lazy("points"),
    Unit.COUNT: "",
    Unit.NONE: "",
}
#: What stands before a parameter in the row, so that it reads as a sentence, and what it is called.
PARAMS: dict[str, tuple[str | Promise, str | Promise]] = {
    METRIC: (pgettext_lazy("a figure", "of"), gettext_lazy("Figure")),
    LINE: (pgettext_lazy("a product line", "in"), gettext_lazy("Product line")),
    DAYS: (gettext_lazy("over the last"), gettext_lazy("Days")),
    PERIOD: ("", gettext_lazy("Period")),
    SEGMENT: ("", gettext_lazy("Segment")),
    ACTIVITY: (pgettext_lazy("an activity", "of"), gettext_lazy("Activity")),
    REASON: ("", gettext_lazy("Which customers")),
    CAMPAIGN: ("", gettext_lazy("Campaign")),
    INCENTIVE: ("", gettext_lazy("Award")),
}
WHOM = {HER: gettext_lazy("for her"), LEADER: gettext_lazy("for her leader")}
#: The fact select's choices, by group of the vocabulary.
FACTS: Options = [
    ("", [("", gettext_lazy("choose a fact"))]),
    *((label, [(fact.name, fact.label) for fact in VOCABULARY.values() if fact.group is group])
      for group, label in GROUPS.items()),
]  # fmt: skip


def effects() -> Options:
    return [("", [("", _("choose what happens")), *((name, one.label) for name, one in EFFECTS.items())])]


def sorted_pairs(names: Mapping[Any, str]) -> list[tuple[str, str | Promise]]:
    return sorted(((str(key), label) for key, label in names.items()), key=lambda pair: str(pair[1]).casefold())


def with_current(options: Options, value: str) -> Options:
    """What was chosen stays chosen, also when it is offered no more."""
    if not value or any(value == one for _heading, some in options for one, _label in some):
        return options
    return [("", [(value, not_there(value.partition(":")[2] or value))]), *options]


def not_there(value: str) -> str:
    return _("%(name)s (not on offer now)") % {"name": value}
