"""The builder's form: a definition as rows of controls, each with its label, its choices, its unit and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from distributors.blocks import REASONS, RECRUITS
from distributors.conditions import How, Problem
from distributors.conditions.vocabulary import (
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
    Op,
    Unit,
)
from distributors.conditions.worded import Names
from distributors.metrics import METRICS
from distributors.metrics import Unit as Measured
from distributors.models import Goal, Segment
from kpis.definitions import COOLDOWN, HELD_BACK, MOST_EFFECTS, PRIORITY, USUAL_COOLDOWN, USUAL_PRIORITY
from kpis.rule_effects import EFFECTS, HER, LEADER, Effect

from ..models import Activity
from ..ranking.shelf import Shelf
from . import form_rows, moving
from .form_rows import LISTS, VALUELESS, Json, Sent, how_of, mapped, parts_of

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


def of(definition: Json, problems: Sequence[Problem], words: Words, focus: str = "") -> Form:
    """The form that says this definition. Problems that no control shows stand in its summary alone."""
    begun = moving.begun(definition)
    drawing = Drawing(begun, form_rows.fields_of(begun), Problems(problems), words)
    when = drawing.group("if", ())
    but_not = drawing.group("but_not", ()) if "but_not" in begun else None
    then = [drawing.effect(place, one) for place, one in enumerate(begun["then"])]
    dates, settings_ = drawing.dates(), drawing.settings()
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

    # Conditions

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

    # Effects

    def effect(self, place: int, effect: Json) -> Row:
        path, many = f"then.{place}", len(self.definition["then"])
        known = EFFECTS.get(effect.get("effect", ""))
        chosen = self.control(f"{path}.effect", _("What happens"), "select", options=effects(), redraws=True)
        found = [one for name, schema in known.schema().items() for one in self.effect_field(path, name, schema, effect)] \
            if known else []  # fmt: skip
        controls = [chosen, *(one for one in found if not one.wide)]
        below = [one for one in found if one.wide]
        return Row(
            path=path,
            number=place + 1,
            controls=controls,
            below=below,
            up=place > 0,
            down=place < many - 1,
            problems=self.unplaced(path, [*controls, *below]),
            hint=self.hint(known),
            wants_segment=known is not None and "segment" in known.schema(),
        )

    def effect_field(self, path: str, name: str, schema: Json, effect: Json) -> list[Control]:
        """By what it is called and what its JSON Schema says: an effect that is new needs nothing here."""
        at = f"{path}.{name}"
        if name == "target":
            return [self.control(at, _("Which activities"), "select", options=self.targets(schema))]
        if name == "activity":
            offered = self.words.for_leader() if effect.get("for") == LEADER else self.words.shelf.activities
            options: Options = [("", [("", _("choose an activity"))]), *self.words.activities(offered)]
            return [self.control(at, _("Activity"), "select", options=options)]
        if name == "segment":
            mine = {pk: label for pk, label in self.words.names.segments.items() if pk in self.words.by_rules}
            options = [("", [("", _("choose a segment")), *sorted_pairs(mine)])]
            return [self.control(at, _("Segment"), "select", options=options)]
        if name == "for":
            return [self.control(at, _("For whom"), "select", options=[("", list(WHOM.items()))], redraws=True)]
        if name == "by":
            return [self.control(at, _("Points"), "number", before=_("by"), after=_("points, −10 to +10"),
                                 least=-10, most=10, step="any")]  # fmt: skip
        return self.plain_field(at, name, schema)

    def plain_field(self, at: str, name: str, schema: Json) -> list[Control]:
        if schema.get("type") == "object":
            return [self.spoken(at, name, code, str(label), schema) for code, label in settings.LANGUAGES]
        if schema.get("format") == "date":
            return [self.control(at, _("Last day"), "date", before=_("until"))]
        if schema.get("type") in {"integer", "number"}:
            return [self.control(at, _("Days"), "number", before=_("for"), after=_("days"), step="1",
                                 least=schema.get("minimum"), most=schema.get("maximum"))]  # fmt: skip
        choices = [(str(one), str(one)) for one in schema.get("enum", [])]
        return [self.control(at, name, "select" if choices else "text", options=[("", choices)])]

    def spoken(self, at: str, name: str, code: str, language: str, schema: Json) -> Control:
        longest = mapped(mapped(schema.get("properties")).get(code)).get("maxLength", 0)
        label = _("Title, %(language)s") if name == "title" else _("Text, %(language)s")
        return self.control(
            f"{at}.{code}", label % {"language": _(language)}, "text" if name == "title" else "textarea",
            longest=longest, language=code, wide=True,
        )  # fmt: skip

    def targets(self, schema: Json) -> Options:
        """One activity, or all of a kind or line where the effect takes these."""
        found: list[Any] = [("", [("", _("choose activities"))])]
        if "properties" not in schema:
            kinds = [(f"kind:{kind}", label) for kind, label in Activity.Kind.choices]
            lines = [(f"line:{code}", label) for code, label in sorted_pairs(self.words.names.lines)]
            found += [(_("All of one kind"), kinds), (_("All of one product line"), lines)]
        single = self.words.activities(self.words.shelf.activities)
        return [*found, *((label, [(f"activity:{key}", title) for key, title in some]) for label, some in single)]

    def hint(self, effect: type[Effect] | None) -> str:
        if effect is None:
            return ""
        fields = effect.schema()
        if "segment" in fields:
            return _("Only segments that rules fill can be chosen. Without days she stays for good.")
        if "text" in fields:
            return _("{name} is whom it is about, {reason} what was found, with her number.")
        return ""

    # When

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

    def unplaced(self, path: str, controls: Sequence[Control]) -> tuple[str, ...]:
        """What is wrong with a row and with none of its controls."""
        shown = {sentence for one in controls for sentence in one.problems}
        return tuple(one for one in self.problems.within(path) if one not in shown)


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


def slug(path: str) -> str:
    """`if.all.0.fact` as an id."""
    return path.replace(".", "-")


def is_within(path: str, outer: str) -> bool:
    return path == outer or path.startswith(f"{outer}.")


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
