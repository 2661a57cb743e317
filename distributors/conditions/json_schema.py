"""The JSON Schema (2020-12) of conditions, made from the vocabulary: what from_json.py reads, as far as a schema can say.

It cannot say how many conditions there may be in all, that the smaller of two numbers comes first, nor what is there to be
named.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from ..metrics import METRICS
from .from_json import CUSTOMER_REASONS, MOST_ID, MOST_NAME, PERIODS, SINGLE, WEEKDAYS, WITHOUT_VALUE
from .tree import MOST_DEPTH, MOST_LEAVES, MOST_NUMBER, MOST_VALUES, How
from .vocabulary import (
    ACTIVITY,
    CAMPAIGN,
    DAYS,
    GROUPS,
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
    Kind,
    Op,
    Unit,
)

Schema = dict[str, Any]

ID = "urn:pep:condition"
#: Not one control character.
PRINTED = r"^[^\u0000-\u001f\u007f-\u009f]*$"


def schema() -> Schema:
    """Of a whole tree. It may stand within another schema, and be referred to there by its `$id`."""
    defs: Schema = {f"fact_{kind.name}": leaf(kind) for kind in VOCABULARY.values()}
    defs["leaf"] = {"title": _("Condition"), "oneOf": [refer(f"fact_{name}") for name in VOCABULARY]}
    for depth in range(1, MOST_DEPTH + 1):
        below = refer(f"node_{depth + 1}" if depth < MOST_DEPTH else "leaf")
        defs[f"node_{depth}"] = {"oneOf": [refer("leaf"), refer(f"group_{depth}")]}
        defs[f"group_{depth}"] = group(below)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": _("Condition, or a group of conditions"),
        "$ref": "#/$defs/node_1",
        "$defs": defs,
    }


def refer(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def group(below: Schema) -> Schema:
    parts = {"type": "array", "items": below, "minItems": 1, "maxItems": MOST_LEAVES}
    return {
        "title": _("Group of conditions"),
        "type": "object",
        "properties": {how.value: parts for how in How},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }


def leaf(kind: FactType) -> Schema:
    """A condition on one fact: what it takes, its operators, and what each of them is given."""
    return {
        "title": str(kind.label),
        "description": ". ".join(filter(None, [str(GROUPS[kind.group]), unit(kind)])),
        "type": "object",
        "properties": {
            "fact": {"const": kind.name},
            "of": of(kind),
            "is": {"enum": [op.value for op in OPERATORS[kind.kind]]},
            "value": True,
        },
        "required": ["fact", "of", "is"] if kind.takes else ["fact", "is"],
        "additionalProperties": False,
        "oneOf": list(compared(kind)),
    }


def unit(kind: FactType) -> str:
    return {
        Unit.OF_METRIC: _("Money in the company’s base currency, or a count, as the figure is"),
        Unit.COUNT: _("A count"),
        Unit.DAYS: _("In days"),
        Unit.YEARS: _("In years"),
        Unit.PERCENT: _("In percent"),
        Unit.POINTS: _("In percentage points"),
        Unit.NONE: "",
    }[kind.unit]


def compared(kind: FactType) -> Iterable[Schema]:
    """One schema for operators that are given the same."""
    ops = OPERATORS[kind.kind]
    number = {"type": "number", "minimum": -MOST_NUMBER, "maximum": MOST_NUMBER}
    if single := [op for op in ops if op in SINGLE]:
        yield given(single, number)
    if Op.BETWEEN in ops:
        yield given([Op.BETWEEN], {"type": "array", "items": number, "minItems": 2, "maxItems": 2})
    if kind.kind is Kind.CHOICE:
        names = {"type": "array", "items": name_of(kind), "minItems": 1, "maxItems": MOST_VALUES, "uniqueItems": True}
        yield given([Op.ONE_OF, Op.NOT_ONE_OF], names)
    if alone := [op for op in ops if op in WITHOUT_VALUE]:
        yield {"properties": {"is": {"enum": [op.value for op in alone]}, "value": False}}


def given(ops: list[Op], value: Schema) -> Schema:
    return {"properties": {"is": {"enum": [op.value for op in ops]}, "value": value}, "required": ["value"]}


def name_of(kind: FactType) -> Schema:
    """What one of the names of a choice may be."""
    if kind.name == "weekday":
        return {"enum": list(WEEKDAYS), "description": _("0 is Monday")}
    if kind.name == "language":
        return one_of({code: str(name) for code, name in settings.LANGUAGES})
    return name()


def name(least: int = 1) -> Schema:
    return {"type": "string", "minLength": least, "maxLength": MOST_NAME, "pattern": PRINTED}


def of(kind: FactType) -> Schema:
    """What a fact takes: every field, and no others."""
    if not kind.takes:
        return {"type": "object", "maxProperties": 0}
    found: Schema = {
        "type": "object",
        "properties": {param: field(param, kind) for param in kind.takes},
        "required": list(kind.takes),
        "additionalProperties": False,
    }
    if LINE in kind.takes:
        whole = [metric.name for metric in METRICS.values() if not metric.scoped]
        found["if"] = {"properties": {METRIC: {"enum": whole}}}
        found["then"] = {"properties": {LINE: {"const": ""}}}
    return found


def field(param: str, kind: FactType) -> Schema:
    """One field of what a fact takes."""
    metrics = {metric.name: metric.label for metric in METRICS.values()}
    any_metric = {"": _("the goal that counts most")} if kind.group is Group.GOALS else {}
    number = {"type": "integer", "maximum": MOST_ID}
    fields: dict[str, Schema] = {
        METRIC: {"title": _("Figure"), **one_of({**any_metric, **metrics})},
        LINE: {"title": _("Product line"), "description": _("Its code; empty for all of them"), **name(0)},
        DAYS: {"title": _("Days"), "type": "integer", "minimum": 1, "maximum": MOST_DAYS},
        PERIOD: {"title": _("Period"), "enum": list(PERIODS), "description": _("Empty for any")},
        SEGMENT: {"title": _("Segment"), **number, "minimum": 1},
        ACTIVITY: {"title": _("Activity"), "description": _("Its key; empty for any"), **name(0)},
        REASON: {"title": _("Reason to contact"), "enum": list(CUSTOMER_REASONS)},
        CAMPAIGN: {"title": _("Campaign"), "description": _("0 for the one that counts"), **number, "minimum": 0},
        INCENTIVE: {"title": _("Prize"), "description": _("0 for the nearest"), **number, "minimum": 0},
    }
    return fields[param]


def one_of(titles: dict[str, str | Promise]) -> Schema:
    return {"oneOf": [{"const": value, "title": str(title)} for value, title in titles.items()]}
