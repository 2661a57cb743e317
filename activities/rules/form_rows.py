"""The builder's fields and the JSON of a definition, each made from the other.

A field's name is the path of what it holds: `if.all.0.fact`, `if.all.0.of.days`, `then.0.target`, `held_back`. What a
group asks for is its field `how`; the `all` in the names below it only says what it was when the page was made.

Nothing here refuses anything: what is missing stays missing and what is no number stays the text it is, so that
definitions.read can say what is wrong and the page can show it as it was typed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.datastructures import MultiValueDict

from distributors.conditions import MOST_DEPTH, How
from distributors.conditions.vocabulary import (
    ACTIVITY,
    CAMPAIGN,
    DAYS,
    INCENTIVE,
    LINE,
    METRIC,
    OPERATORS,
    PERIOD,
    REASON,
    SEGMENT,
    VOCABULARY,
    FactType,
    Group,
    Op,
)
from distributors.metrics import METRICS
from kpis.rule_effects import EFFECTS, Effect

Json = dict[str, Any]
Sent = MultiValueDict[str, str]

NUMBERS = ("priority", "cooldown_days", "held_back")
DATES = ("from", "to")
#: Parameters that are whole numbers in the JSON.
WHOLE = frozenset({DAYS, SEGMENT, CAMPAIGN, INCENTIVE})
#: What a parameter is as long as nobody has said otherwise.
AT_FIRST: dict[str, str | int] = {
    METRIC: "sales", LINE: "", DAYS: 28, PERIOD: "", ACTIVITY: "", REASON: "all", CAMPAIGN: 0, INCENTIVE: 0, SEGMENT: "",
}  # fmt: skip
#: How long a to-do or a notice stands, as long as nobody has said otherwise.
DAYS_AT_FIRST = 7
#: Operators without a value.
VALUELESS = frozenset({Op.YES, Op.NO, Op.KNOWN, Op.UNKNOWN})
LISTS = frozenset({Op.ONE_OF, Op.NOT_ONE_OF})
TARGETS = ("activity", "kind", "line")
#: Longer is no number anybody typed; int() refuses more than some thousand digits.
LONGEST_NUMBER = 32
#: Names go as deep as the deepest tree that is allowed and one group more, so that it can be told that it is too deep.
MOST_STEPS = 2 * (MOST_DEPTH + 2) + 3


# From the fields


@dataclass
class Spot:
    """What was sent under one name, and under the names that go on from it."""

    said: list[str] = field(default_factory=list)
    below: dict[str, Spot] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """What one field below says; empty when it was not sent."""
        spot = self.below.get(name)
        return spot.said[0] if spot and spot.said else ""

    def texts(self, name: str) -> list[str]:
        spot = self.below.get(name)
        return spot.said if spot else []

    def numbered(self) -> list[Spot]:
        """Those that go on with a number, by it."""
        found = [(int(name), spot) for name, spot in self.below.items() if is_place(name)]
        return [spot for _place, spot in sorted(found, key=lambda one: one[0])]


def definition_of(post: Sent) -> Json:
    """The definition that the posted fields say, complete or not. Fields it does not know are left out; raises nothing."""
    top = spots(post)
    found: Json = {}
    if "if" in top.below:
        found["if"] = node_of(top.below["if"])
    if "but_not" in top.below:
        found["but_not"] = node_of(top.below["but_not"])
    if "then" in top.below:
        found["then"] = [effect_of(spot) for spot in top.below["then"].numbered()]
    found |= {name: said for name in DATES if (said := top.text(name).strip())}
    return found | {name: number(said) for name in NUMBERS if (said := top.text(name).strip())}


def spots(post: Sent) -> Spot:
    top = Spot()
    for name, said in post.lists():
        steps = str(name).split(".")
        if len(steps) > MOST_STEPS:
            continue
        spot = top
        for step in steps:
            spot = spot.below.setdefault(step, Spot())
        spot.said = [clean(str(one)) for one in said]
    return top


def node_of(spot: Spot) -> Json:
    """A group where its `how` or anything below says so, else a condition."""
    asked = spot.text("how")
    below = [how for how in How if how in spot.below]
    if not asked and not below:
        return leaf_of(spot)
    how = How(asked) if asked in set(How) else below[0] if below else How.ALL
    return {how.value: [node_of(part) for one in below for part in spot.below[one].numbered()]}


def leaf_of(spot: Spot) -> Json:
    name = spot.text("fact")
    fact = VOCABULARY.get(name)
    if fact is None:
        return {"fact": name}
    found: Json = {"fact": name}
    if fact.takes:
        found["of"] = params_of(fact, spot.below.get("of", Spot()))
    op = op_of(fact, spot.text("is"))
    found["is"] = op.value
    # What was typed about another fact says nothing about this one.
    if (value := value_of(op, spot.texts("value"))) is not None and spot.text("was") in {"", name}:
        found["value"] = value
    return found


def params_of(fact: FactType, spot: Spot) -> Json:
    found: Json = {}
    for param in fact.takes:
        said = spot.text(param).strip() if param in spot.below else first_of(fact, param)
        found[param] = number(said) if param in WHOLE and isinstance(said, str) else said
    metric = METRICS.get(found.get(METRIC, ""))
    if LINE in found and metric is not None and not metric.scoped:
        found[LINE] = ""
    return found


def first_of(fact: FactType, param: str) -> str | int:
    """A goal's metric may stay open: it is her weightiest then."""
    return "" if param == METRIC and fact.group is Group.GOALS else AT_FIRST[param]


def op_of(fact: FactType, said: str) -> Op:
    allowed = OPERATORS[fact.kind]
    return Op(said) if said in {op.value for op in allowed} else allowed[0]


def value_of(op: Op, said: list[str]) -> Any:
    """None where nothing is needed, or nothing was typed."""
    typed = [one.strip() for one in said]
    if op in VALUELESS or not any(typed):
        return None
    if op in LISTS:
        return [one for one in said if one]
    if op is Op.BETWEEN:
        return [number(one) for one in (*typed, "")[:2]]
    return number(typed[0])


def effect_of(spot: Spot) -> Json:
    name = spot.text("effect")
    found: Json = {"effect": name}
    effect = EFFECTS.get(name)
    if effect is None:
        return found
    for one, schema in effect.schema().items():
        said = effect_field(one, schema, spot) if one in spot.below else effect_first(effect, one, schema)
        if said not in (None, ""):
            found[one] = said
    return found


def effect_field(name: str, schema: Json, spot: Spot) -> Any:
    """One field of an effect, of the type that its JSON Schema says."""
    said = spot.text(name).strip()
    if name == "target":
        return target_of(said)
    if name == "by":
        return share_of(said)
    if schema.get("type") == "object":
        languages = spot.below.get(name, Spot()).below
        return {code: words for code, one in languages.items() if (words := "".join(one.said[:1]).strip())}
    return number(said) if schema.get("type") in {"integer", "number"} else said


def effect_first(effect: type[Effect], name: str, schema: Json) -> Any:
    """What a field is as long as it was not there, because the effect was chosen a moment ago. None: it stays out."""
    if name == "target" or schema.get("type") == "object":
        return {}
    if "enum" in schema:
        return schema["enum"][0]
    return DAYS_AT_FIRST if name == "days" and name not in effect.optional else None


def target_of(said: str) -> Json:
    """`line:eye` as {"line": "eye"}; empty for none."""
    kind, _sep, what = said.partition(":")
    return {kind: what} if kind in TARGETS and what else {}


def share_of(said: str) -> Any:
    """Points are hundredths: 5 is 0.05."""
    points = number(said)
    return float(Decimal(said) / 100) if isinstance(points, int | float) else points


def number(said: str) -> Any:
    """5, 2.5, or the text itself where it is no number."""
    if len(said) > LONGEST_NUMBER:
        return said
    if re.fullmatch(r"-?[0-9]+", said):
        return int(said)
    try:
        # Decimal, because float() also takes 1_0, which nobody meant as ten.
        found = float(Decimal(said)) if "_" not in said else math.nan
    except (InvalidOperation, OverflowError, ValueError):
        return said
    return found if math.isfinite(found) else said


def clean(said: str) -> str:
    """PostgreSQL refuses NUL, in JSON too; browsers send lines as CRLF."""
    return said.replace("\0", "").replace("\r\n", "\n")


# Back into fields


def fields_of(definition: Json) -> Sent:
    """The fields that definition_of reads as this definition. What is nonsense in a stored draft is left out; raises nothing."""
    return MultiValueDict(dict(fields(definition)))


def fields(definition: Json) -> Iterator[tuple[str, list[str]]]:
    for name in ("if", "but_not"):
        if isinstance(node := definition.get(name), dict):
            yield from node_fields(name, node)
    for place, effect in enumerate(listed(definition.get("then"))):
        if isinstance(effect, dict):
            yield from effect_fields(f"then.{place}", effect)
    for name in (*DATES, *NUMBERS):
        if name in definition:
            yield name, [typed(definition[name])]


def node_fields(path: str, node: Json) -> Iterator[tuple[str, list[str]]]:
    how = how_of(node)
    if how is None:
        yield from leaf_fields(path, node)
        return
    yield f"{path}.how", [how]
    for place, part in enumerate(parts_of(node)):
        yield from node_fields(f"{path}.{how}.{place}", part)


def leaf_fields(path: str, leaf: Json) -> Iterator[tuple[str, list[str]]]:
    name = typed(leaf.get("fact"))
    yield f"{path}.fact", [name]
    yield f"{path}.was", [name]
    for param, said in mapped(leaf.get("of")).items():
        yield f"{path}.of.{param}", [typed(said)]
    if "is" in leaf:
        yield f"{path}.is", [typed(leaf["is"])]
    if "value" in leaf:
        value = leaf["value"]
        yield f"{path}.value", [typed(one) for one in value] if isinstance(value, list) else [typed(value)]


def effect_fields(path: str, effect: Json) -> Iterator[tuple[str, list[str]]]:
    for name, said in effect.items():
        if name == "target":
            pairs = [f"{kind}:{what}" for kind, what in mapped(said).items() if kind in TARGETS]
            yield f"{path}.target", pairs[:1]
        elif isinstance(said, dict):
            for code, words in said.items():
                yield f"{path}.{name}.{code}", [typed(words)]
        elif name == "by":
            yield f"{path}.by", [points(said)]
        else:
            yield f"{path}.{name}", [typed(said)]


def points(share: Any) -> str:
    """0.05 as 5: exactly, so that it comes back as it was."""
    if isinstance(share, bool) or not isinstance(share, int | float):
        return typed(share)
    return f"{(Decimal(repr(share)) * 100).normalize():f}"


def typed(value: Any) -> str:
    """As a field holds it; nothing for what no field can hold."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


# What a definition is made of, whatever it says


def how_of(node: Json) -> str | None:
    """all, any, none of a group; None for a condition."""
    return next((how.value for how in How if how.value in node), None)


def parts_of(group: Json) -> list[Json]:
    """Of a group; what is no part is left out."""
    how = how_of(group)
    return [one for one in listed(group.get(how or "")) if isinstance(one, dict)]


def mapped(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def is_place(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) < 5
