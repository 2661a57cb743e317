"""If, and but not: a rule's conditions as rows of controls."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from distributors.blocks import REASONS, RECRUITS
from distributors.conditions.vocabulary import (
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
    Group,
    Op,
    Unit,
)
from distributors.metrics import METRICS
from distributors.metrics import Unit as Measured

from . import form_rows, moving
from .form_drawing import Drawing
from .form_parts import Control, GroupRow, Row
from .form_rows import LISTS, VALUELESS, Json, how_of, parts_of
from .form_words import (
    CONTACTS,
    FACTS,
    HOWS,
    OPS,
    PARAMS,
    PERIODS,
    UNITS,
    WEEKDAYS,
    Options,
    Pairs,
    not_there,
    sorted_pairs,
)


class Conditions(Drawing):
    """If, and but not: groups of conditions, within each other."""

    def group(self, root: str, steps: tuple[int, ...], number: int = 0) -> GroupRow:
        node = moving.node_at(self.definition, root, steps) or {}
        how, path = how_of(node) or "all", moving.written(self.definition, root, steps)
        return GroupRow(
            path=path,
            how=self.control(
                f"{path}.how", _("How the conditions hang together"), "select",
                options=[("", [(one.value, label) for one, label in HOWS.items()])], redraws=True,
            ),
            parts=[self.part(root, (*steps, place), part) for place, part in enumerate(parts_of(node))],
            inside=f"{path}.{how}",
            number=number,
            nests=moving.may_nest(steps),
            problems=self.problems.at(path) + self.problems.at(f"{path}.{how}"),
            **self.moves(root, steps),
        )  # fmt: skip

    def part(self, root: str, steps: tuple[int, ...], node: Json) -> Row | GroupRow:
        number = steps[-1] + 1
        return self.leaf(root, steps, node, number) if how_of(node) is None else self.group(root, steps, number)

    def moves(self, root: str, steps: tuple[int, ...]) -> dict[str, bool]:
        return {
            name: moving.place_after(self.definition, root, steps, up=name == "up") is not None
            for name in ("up", "down")
        }

    def leaf(self, root: str, steps: tuple[int, ...], leaf: Json, number: int) -> Row:
        path = moving.written(self.definition, root, steps)
        fact = VOCABULARY.get(leaf.get("fact", ""))
        controls = [self.control(f"{path}.fact", _("Fact"), "select", options=FACTS, redraws=True)]
        if fact is not None:
            controls += [self.param(path, fact, param) for param in self.params(path, fact)]
            op = self.op(path, fact)
            controls += [op, *self.value(path, fact, Op(op.value))]
        return Row(
            path=path,
            number=number,
            controls=controls,
            hidden=[(f"{path}.was", fact.name if fact else "")],
            problems=self.unplaced(path, controls),
            up=self.moves(root, steps)["up"],
            down=self.moves(root, steps)["down"],
        )

    def params(self, path: str, fact: FactType) -> Iterator[str]:
        """Those that make sense: most figures are not kept by product line."""
        metric = METRICS.get(self.sent.get(f"{path}.of.{METRIC}", ""))
        for param in fact.takes:
            if param != LINE or metric is None or metric.scoped:
                yield param

    def param(self, path: str, fact: FactType, param: str) -> Control:
        name, (before, label) = f"{path}.of.{param}", PARAMS[param]
        first = str(form_rows.first_of(fact, param))
        if param == DAYS:
            return self.control(
                name,
                label,
                "number",
                first=first,
                before=str(before),
                after=_("days"),
                least=1,
                most=MOST_DAYS,
                step="1",
            )
        return self.control(
            name, label, "select", first=first, before=str(before), options=self.options(fact, param),
            redraws=param == METRIC,
        )  # fmt: skip

    def options(self, fact: FactType, param: str) -> Options:
        names = self.words.names
        metrics: Pairs = [(one.name, one.label) for one in METRICS.values()]
        if param == METRIC:
            return [("", [("", _("her weightiest goal")), *metrics] if fact.group is Group.GOALS else metrics)]
        if param == ACTIVITY:
            return [("", [("", _("any activity"))]), *self.words.activities(self.words.shelf.activities)]
        named: dict[str, Pairs] = {
            LINE: [("", _("all product lines")), *sorted_pairs(names.lines)],
            PERIOD: PERIODS,
            REASON: [(one, CONTACTS[one]) for one in ("all", *REASONS[:RECRUITS])],
            SEGMENT: [("", _("choose a segment")), *sorted_pairs(names.segments)],
            CAMPAIGN: [("0", _("the one that counts for her")), *sorted_pairs(names.campaigns)],
            INCENTIVE: [("0", _("the nearest one")), *sorted_pairs(names.incentives)],
        }
        return [("", named[param])]

    def op(self, path: str, fact: FactType) -> Control:
        allowed = OPERATORS[fact.kind]
        now = form_rows.op_of(fact, self.sent.get(f"{path}.is", ""))
        options: Options = [("", [(one.value, OPS[one]) for one in allowed])]
        found = self.control(f"{path}.is", _("Comparison"), "select", options=options, redraws=True)
        return Control(found.name, found.label, "select", [now.value], options, redraws=True, problems=found.problems)

    def value(self, path: str, fact: FactType, op: Op) -> list[Control]:
        name = f"{path}.value"
        if op in VALUELESS:
            return []
        if op in LISTS:
            return [self.control(name, _("Values"), "checks", options=self.choices(fact, name))]
        unit = self.unit(path, fact)
        first = self.control(name, _("Value"), "number", after=unit, step="any")
        if op is not Op.BETWEEN:
            return [first]
        low, high = (*self.sent.getlist(name), "", "")[:2]
        return [
            Control(name, _("From"), "number", [low], step="any", problems=first.problems),
            Control(name, _("To"), "number", [high], before=_("and"), after=unit, step="any", suffix="-to"),
        ]

    def choices(self, fact: FactType, name: str) -> Options:
        """What a fact may be one of, and what was chosen and is not there any more."""
        by_fact: dict[str, Pairs] = {
            "market": sorted_pairs(self.words.names.markets),
            "language": [(code, _(str(label))) for code, label in settings.LANGUAGES],
            "rank": [(rank, rank) for rank in self.words.names.ranks],
            "weekday": WEEKDAYS,
        }
        known = by_fact.get(fact.name, [])
        gone = set(self.sent.getlist(name)) - {value for value, _label in known} - {""}
        return [("", [*known, *((value, not_there(value)) for value in sorted(gone))])]

    def unit(self, path: str, fact: FactType) -> str:
        if fact.unit is not Unit.OF_METRIC:
            return str(UNITS[fact.unit])
        metric = METRICS.get(self.sent.get(f"{path}.of.{METRIC}", ""))
        if metric is not None and metric.unit is Measured.COUNT:
            return ""
        return _("in base currency")
