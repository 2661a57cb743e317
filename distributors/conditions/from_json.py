"""Conditions from JSON, with every problem told in a sentence, and back."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from ..blocks import REASONS, RECRUITS
from ..metrics import METRICS
from .tree import (
    MOST_CHARACTERS,
    MOST_DEPTH,
    MOST_LEAVES,
    MOST_NUMBER,
    MOST_VALUES,
    ConditionError,
    Fact,
    Group,
    How,
    Known,
    Leaf,
    Node,
    Problem,
)
from .vocabulary import (
    ACTIVITY,
    CAMPAIGN,
    DAYS,
    INCENTIVE,
    LINE,
    METRIC,
    MOST_DAYS,
    OPERATORS,
    PERIOD,
    REASON,
    SEGMENT,
    VOCABULARY,
    FactType,
    Kind,
    Op,
)
from .vocabulary import Group as FactGroup

#: Nobody would read more of them.
MOST_PROBLEMS = 50
#: As long as the longest name or key there is: of a rank, a product line, an activity, a market.
MOST_NAME = 60
#: Whole in JavaScript too.
MOST_ID = 2**53 - 1
#: Operators with one number, and those with nothing.
SINGLE = (Op.AT_LEAST, Op.AT_MOST, Op.MORE_THAN, Op.LESS_THAN, Op.EQUALS)
WITHOUT_VALUE = (Op.YES, Op.NO, Op.UNKNOWN, Op.KNOWN)
PERIODS = ("", "week", "month", "campaign")
CUSTOMER_REASONS = ("all", *REASONS[:RECRUITS])
WEEKDAYS = ("0", "1", "2", "3", "4", "5", "6")


def read(raw: object, *, path: str = "if", known: Known | None = None) -> Node:
    """The tree that `raw`, parsed JSON, stands for. With `known`, what it names must be there.

    Raises ConditionError with every problem, each with its place at or below `path`; nothing else, whatever `raw` is.
    """
    reading = Reading(known)
    found = reading.whole(raw, path)
    if found is None or reading.problems:
        raise ConditionError(reading.problems)
    return found


def written(node: Node) -> dict[str, Any]:
    """The JSON that reads as `node`."""
    if isinstance(node, Group):
        return {node.how.value: [written(part) for part in node.parts]}
    raw: dict[str, Any] = {"fact": node.fact.name}
    if node.fact.of:
        raw["of"] = dict(node.fact.of)
    raw["is"] = node.op.value
    if node.op not in WITHOUT_VALUE:
        values = [plain(value) for value in node.values]
        raw["value"] = values[0] if node.op in SINGLE else values
    return raw


def plain(value: float | str) -> float | int | str:
    """7 and not 7.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Enough(Exception):  # noqa: N818 - ends the reading
    """Reading on would tell nobody anything."""


class Reading:
    """One pass over a tree. It collects problems, and goes no deeper and no further than anybody could read."""

    def __init__(self, known: Known | None) -> None:
        self.known = known
        self.problems: list[Problem] = []
        self.leaves = 0

    def whole(self, raw: object, path: str) -> Node | None:
        try:
            found = self.node(raw, path, depth=1)
        except Enough:
            return None
        if found is not None and not self.problems and len(json.dumps(written(found))) > MOST_CHARACTERS:
            self.wrong(path, _("This is more text than a rule can hold. Split it into several rules."))
        return found

    def wrong(self, path: str, sentence: str) -> Any:
        """One more problem. Answers None, for the caller to hand on in place of what could not be read."""
        self.problems.append(Problem(path, sentence))
        if len(self.problems) >= MOST_PROBLEMS:
            raise Enough
        return None

    # Trees

    def node(self, raw: object, path: str, depth: int) -> Node | None:
        if not isinstance(raw, Mapping):
            return self.wrong(path, _("Write a condition here, or a group of conditions."))
        hows = [how for how in How if how.value in raw]
        if "fact" in raw and not hows:
            return self.leaf(raw, path)
        if len(hows) != 1 or len(raw) != 1:
            return self.wrong(path, _("Write one condition with its fact, or one group: all, any or none."))
        return self.group(hows[0], raw[hows[0].value], path, depth)

    def group(self, how: How, raw: object, path: str, depth: int) -> Group | None:
        if depth > MOST_DEPTH:
            said = _("Groups stand at most %(n)s deep in one another. Take this one apart.")
            return self.wrong(path, said % {"n": MOST_DEPTH})
        if not isinstance(raw, list):
            return self.wrong(path, _("A group holds a list of conditions."))
        if not raw:
            return self.wrong(path, _("This group is empty. Add a condition or remove the group."))
        below = f"{path}.{how.value}" if path else how.value
        parts = [self.node(part, f"{below}.{place}", depth + 1) for place, part in enumerate(raw)]
        return Group(how, tuple(part for part in parts if part is not None))

    def leaf(self, raw: Mapping[str, Any], path: str) -> Leaf | None:
        self.leaves += 1
        if self.leaves > MOST_LEAVES:
            said = _("A rule has at most %(n)s conditions. Remove some, or split it into several rules.")
            self.wrong(path, said % {"n": MOST_LEAVES})
            raise Enough
        dot = f"{path}." if path else ""
        if any(key not in ("fact", "of", "is", "value") for key in raw):
            self.wrong(path, _("A condition has the fields fact, of, is and value, and no others."))
        kind = self.fact_type(raw["fact"], f"{dot}fact")
        if kind is None:
            return None
        of = self.params(kind, raw.get("of", {}), f"{dot}of")
        op = self.op(kind, raw.get("is"), f"{dot}is")
        values = None if op is None else self.values(kind, op, raw, f"{dot}value")
        if of is None or op is None or values is None:
            return None
        return Leaf(Fact(kind.name, of), op, values)

    def fact_type(self, raw: object, path: str) -> FactType | None:
        if isinstance(raw, str) and raw in VOCABULARY:
            return VOCABULARY[raw]
        if isinstance(raw, str) and raw:
            return self.wrong(path, _("There is no fact “%(name)s”.") % {"name": echo(raw)})
        return self.wrong(path, _("Choose a fact."))

    # What the fact takes

    def params(self, kind: FactType, raw: object, path: str) -> tuple[tuple[str, str | int], ...] | None:
        if not isinstance(raw, Mapping):
            return self.wrong(path, _("What this fact is about stands in a field for each part of it."))
        if not kind.takes and raw:
            return self.wrong(path, _("“%(fact)s” takes nothing further.") % {"fact": kind.label})
        if any(key not in kind.takes for key in raw):
            fields = ", ".join(kind.takes)
            said = _("“%(fact)s” takes these fields and no others: %(fields)s.")
            self.wrong(path, said % {"fact": kind.label, "fields": fields})
        found = {name: PARAMS[name](self, kind, raw.get(name), f"{path}.{name}") for name in kind.takes}
        if any(value is None for value in found.values()):
            return None
        metric = found.get(METRIC)
        if found.get(LINE) and not METRICS[str(metric)].scoped:
            said = _("“%(metric)s” cannot be limited to a product line.")
            return self.wrong(f"{path}.{LINE}", said % {"metric": METRICS[str(metric)].label})
        return tuple((name, value) for name, value in found.items() if value is not None)

    def metric(self, kind: FactType, raw: object, path: str) -> str | None:
        if kind.group is FactGroup.GOALS and raw == "":
            return ""
        return self.chosen(raw, METRICS, path, _("Choose a figure."))

    def period(self, _kind: FactType, raw: object, path: str) -> str | None:
        return self.chosen(raw, PERIODS, path, _("Choose a period: week, month, campaign, or none for any."))

    def reason(self, _kind: FactType, raw: object, path: str) -> str | None:
        return self.chosen(raw, CUSTOMER_REASONS, path, _("Choose a reason to contact customers, or all."))

    def line(self, _kind: FactType, raw: object, path: str) -> str | None:
        return self.key(
            raw, self.known and self.known.lines, path, _("Choose a product line, or none for all of them.")
        )

    def activity(self, _kind: FactType, raw: object, path: str) -> str | None:
        return self.key(raw, self.known and self.known.activities, path, _("Choose an activity, or none for any."))

    def days(self, _kind: FactType, raw: object, path: str) -> int | None:
        found = whole_number(raw)
        if found is not None and 1 <= found <= MOST_DAYS:
            return found
        return self.wrong(path, _("Enter a whole number of days from 1 to %(n)s.") % {"n": MOST_DAYS})

    def segment(self, _kind: FactType, raw: object, path: str) -> int | None:
        return self.number_of(raw, 1, self.known and self.known.segments, path, _("Choose a segment."))

    def campaign(self, _kind: FactType, raw: object, path: str) -> int | None:
        said = _("Choose a campaign, or none for the one that counts.")
        return self.number_of(raw, 0, self.known and self.known.campaigns, path, said)

    def incentive(self, _kind: FactType, raw: object, path: str) -> int | None:
        said = _("Choose a prize, or none for the nearest one.")
        return self.number_of(raw, 0, self.known and self.known.incentives, path, said)

    def chosen(self, raw: object, among: Collection[str], path: str, otherwise: str) -> str | None:
        return raw if isinstance(raw, str) and raw in among else self.wrong(path, otherwise)

    def key(self, raw: object, known: Collection[str] | None, path: str, otherwise: str) -> str | None:
        """A key that is there; empty is allowed."""
        if not isinstance(raw, str) or (raw and not readable(raw)):
            return self.wrong(path, otherwise)
        if raw and known is not None and raw not in known:
            return self.wrong(path, _("There is no “%(name)s” any more.") % {"name": echo(raw)} + " " + otherwise)
        return raw

    def number_of(
        self, raw: object, least: int, known: Collection[int] | None, path: str, otherwise: str
    ) -> int | None:
        """An id that is there; 0 where that is allowed."""
        found = whole_number(raw)
        if found is None or not least <= found <= MOST_ID:
            return self.wrong(path, otherwise)
        if found and known is not None and found not in known:
            return self.wrong(path, _("That one is not there any more.") + " " + otherwise)
        return found

    # Operators and values

    def op(self, kind: FactType, raw: object, path: str) -> Op | None:
        allowed = OPERATORS[kind.kind]
        if isinstance(raw, str) and raw in allowed:
            return Op(raw)
        said = _("“%(fact)s” is compared by one of these: %(operators)s.")
        return self.wrong(path, said % {"fact": kind.label, "operators": ", ".join(allowed)})

    def values(
        self, kind: FactType, op: Op, raw: Mapping[str, Any], path: str
    ) -> tuple[float, ...] | tuple[str, ...] | None:
        if op in WITHOUT_VALUE:
            return self.wrong(path, _("Nothing is compared here: leave the value out.")) if "value" in raw else ()
        if "value" not in raw:
            return self.wrong(path, _("Enter what it is compared with."))
        if kind.kind is Kind.CHOICE:
            return self.choices(kind, raw["value"], path)
        if op is Op.BETWEEN:
            return self.span(raw["value"], path)
        found = self.number(raw["value"], path)
        return None if found is None else (found,)

    def number(self, raw: object, path: str) -> float | None:
        if isinstance(raw, bool) or not isinstance(raw, (int, float)) or raw != raw:
            return self.wrong(path, _("Enter a number."))
        if not -MOST_NUMBER <= raw <= MOST_NUMBER:
            return self.wrong(path, _("This number is too large for anything that is counted here."))
        return float(raw) + 0.0  # -0.0 is 0

    def span(self, raw: object, path: str) -> tuple[float, ...] | None:
        if not isinstance(raw, list) or len(raw) != 2:
            return self.wrong(path, _("Enter two numbers, the smaller one first."))
        low, high = (self.number(one, path) for one in raw)
        if low is None or high is None:
            return None
        if low > high:
            return self.wrong(path, _("Nothing lies between these two: enter the smaller one first."))
        return low, high

    def choices(self, kind: FactType, raw: object, path: str) -> tuple[str, ...] | None:
        if not isinstance(raw, list) or not raw:
            return self.wrong(path, _("Choose one or more."))
        if len(raw) > MOST_VALUES:
            return self.wrong(path, _("Choose at most %(n)s.") % {"n": MOST_VALUES})
        among = self.among(kind)
        for one in raw:
            if not isinstance(one, str) or not readable(one):
                return self.wrong(path, _("Each of these is a name of 1 to %(n)s characters.") % {"n": MOST_NAME})
            if among is not None and one not in among:
                return self.wrong(path, _("There is no “%(name)s” here.") % {"name": echo(one)})
        if len(set(raw)) < len(raw):
            return self.wrong(path, _("One of these stands here twice."))
        return tuple(raw)

    def among(self, kind: FactType) -> Collection[str] | None:
        """The names that a choice has; None where everything goes."""
        match kind.name:
            case "weekday":
                return WEEKDAYS
            case "language":
                return [code for code, _name in settings.LANGUAGES]
            case "market":
                return self.known and self.known.markets
            case _:
                return self.known and self.known.ranks


Param = Callable[[Reading, FactType, object, str], str | int | None]
PARAMS: dict[str, Param] = {
    METRIC: Reading.metric, LINE: Reading.line, DAYS: Reading.days, PERIOD: Reading.period, SEGMENT: Reading.segment,
    ACTIVITY: Reading.activity, REASON: Reading.reason, CAMPAIGN: Reading.campaign, INCENTIVE: Reading.incentive,
}  # fmt: skip


def whole_number(raw: object) -> int | None:
    """7, and 7.0, which JSON does not tell apart."""
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else None


def readable(name: str) -> bool:
    """Neither empty nor endless, and without what no database keeps: control characters, half surrogates."""
    return 0 < len(name) <= MOST_NAME and all(unicodedata.category(c) not in ("Cc", "Cs") for c in name)


def echo(name: str) -> str:
    """What was written, as far as it can be shown."""
    return "".join(c if c.isprintable() else "?" for c in name[:MOST_NAME])
