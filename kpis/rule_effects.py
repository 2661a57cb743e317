"""What a rule may do: one small class an effect.

A new effect is a class that reads, writes and says itself, and either holds while the condition does (`hold`) or happens
when the rule fires (`fire`); and its line in EFFECTS. Activities are keys here: what they are is asked of an Offer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from distributors import blanks
from distributors.blocks import Floats, Ints
from distributors.conditions.phrases import Names, number, plural
from distributors.languages import spoken
from distributors.models import SegmentMember
from distributors.records import day_number
from distributors.wording import said_day

from .models import Call, Firing
from .rule_fields import Fields, is_number

Mask = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.uint8]

#: All rules together move a card by no more than this, up or down (ranking.md 2).
MOST_BOOST = 0.1
LONGEST_PIN, LONGEST_CALL, LONGEST_STAY = 31, 30, 365
LONGEST_TITLE, LONGEST_TEXT = 120, 600
#: In what a notice says: whom it is about, the reason with her number, and her sums and years (rule_figures.py) ...
BLANKS = (
    "name", "reason", "sales_7", "sales_28", "orders_7", "orders_28", "years", "day",
)  # fmt: skip
#: ... and what is nobody's business but her own: how she does with her goals and prizes (F23).
OWN_BLANKS = (
    "goal", "goal_left", "goal_percent", "goal_days", "goal_until",
    "prize", "prize_award", "prize_left", "prize_percent", "prize_days", "prize_until",
)  # fmt: skip
HER, LEADER = "her", "leader"
#: Activity.Kind, which belongs to an app above this one.
KINDS: dict[str, str | Promise] = {
    "build_team": gettext_lazy("Build your team"),
    "reinforce_knowledge": gettext_lazy("Reinforce knowledge"),
    "develop_pitch": gettext_lazy("Develop your pitch"),
    "reach_out": gettext_lazy("Reach out"),
    "refocus": gettext_lazy("Refocus"),
    "incentivise": gettext_lazy("Incentivise"),
}


class Offer(NamedTuple):
    """The published activities, by index."""

    keys: Sequence[str]
    kinds: Sequence[str]
    lines: Sequence[str]  # product lines' codes; empty for none


class Standing(NamedTuple):
    """What rules come to for n people and A activities, as they are worked through in the order of the book."""

    boost: Floats  # n x A
    barred: Bits  # n x A: not shown
    only: Bits  # n x A: shown to those only who are let
    let: Bits  # n x A
    pins: Ints  # n x A: 1 for what is to be on top, 2 for what is if that one cannot, and so on; else 0


def nothing(people: int, activities: int) -> Standing:
    """What no rule says."""
    shape = (people, activities)
    barred, only, let = (np.zeros(shape, np.uint8) for _each in range(3))
    return Standing(np.zeros(shape), barred, only, let, np.zeros(shape, np.int64))


class Fired(NamedTuple):
    """A rule fired for somebody. Days are local: hers, and her leader's."""

    firing: Firing
    leader_id: int | None  # her sponsor, if active
    day: date
    leader_day: date | None


@dataclass
class Writes:
    """What firings leave, unsaved: whoever fires writes all of them at once."""

    calls: list[Call] = field(default_factory=list)
    members: list[SegmentMember] = field(default_factory=list)


@dataclass(frozen=True)
class Target:
    """Which activities: one, those of a kind, or those of a product line. `by` says which of the three."""

    by: str
    of: str

    @classmethod
    def read(cls, fields: Fields) -> Target:
        if len(fields.raw) != 1 or not fields.raw.keys() <= TARGETS.keys():
            fields.refuse(_("Choose one activity, one kind of activity or one product line."))
            return cls("activity", "")
        [by] = fields.raw
        return cls(by, TARGETS[by](fields))

    def written(self) -> dict[str, str]:
        return {self.by: self.of}

    def places(self, offer: Offer) -> Ints:
        """Indexes of its activities; none when they are gone."""
        of = {"activity": offer.keys, "kind": offer.kinds, "line": offer.lines}[self.by]
        return np.array([place for place, one in enumerate(of) if one == self.of], np.int64)

    def said(self, names: Names) -> str:
        """“Win {name} back” · activities of the kind “Reach out” · activities of the line “Eye”."""
        if self.by == "activity":
            return activity_name(self.of, names)
        if self.by == "kind":
            return _("activities of the kind “%(kind)s”") % {"kind": KINDS.get(self.of, self.of)}
        return _("activities of the line “%(line)s”") % {"line": names.lines.get(self.of, self.of)}


def activity_key(fields: Fields) -> str:
    return fields.named(
        "activity",
        fields.known.activities if fields.known else None,
        _("Choose an activity."),
        _("There is no activity %(name)s."),
    )


def kind_name(fields: Fields) -> str:
    return fields.one_of("kind", KINDS, _("Choose one of the kinds of activities."))


def line_code(fields: Fields) -> str:
    return fields.named(
        "line",
        fields.known.lines if fields.known else None,
        _("Choose a product line."),
        _("There is no product line %(name)s."),
    )


TARGETS = {"activity": activity_key, "kind": kind_name, "line": line_code}


def activity_name(key: str, names: Names) -> str:
    return _("“%(activity)s”") % {"activity": names.activities.get(key, key)}


def reader(fields: Fields) -> str:
    return fields.one_of("for", (HER, LEADER), _("Choose whom it is for: her or her leader."))


# The effects


class Effect:
    """What every effect says of itself. One that `fires` has `fire`, any other has `hold`."""

    name: ClassVar[str]
    label: ClassVar[str | Promise]
    fires: ClassVar[bool] = False
    #: It keeps activities away from her; every other one that is about activities brings them.
    hides: ClassVar[bool] = False
    #: It does something to those as well whom its rule does not match.
    shuts_out: ClassVar[bool] = False
    #: Fields that may be absent.
    optional: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """From its JSON. What is wrong goes to `fields.problems`."""
        raise NotImplementedError

    def written(self) -> dict[str, Any]:
        """What `read` reads, without the effect's name."""
        raise NotImplementedError

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """JSON Schema of its fields, by field, without the effect's name."""
        raise NotImplementedError

    def sentence(self, names: Names) -> str:
        """For HQ, to follow “then”, without a full stop."""
        raise NotImplementedError

    def hold(self, matched: Mask, reached: Mask, days: Ints, offer: Offer, out: Standing) -> None:
        """Write into `out` what holds for whom it matched, n; `days` are each one's own, as day numbers.

        `reached` are those for whom there is the rule at all, matched or not: it is valid on her day, and she is not
        among those whom it leaves alone.
        """

    def fire(self, place: int, fired: Fired, out: Writes) -> None:
        """Add what a firing leaves. `place` is the effect's among those of its rule."""

    def about(self) -> Target | None:
        """The activities in her own list that it shows or hides."""
        return None


@dataclass(frozen=True)
class OnTarget(Effect):
    target: Target

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(Target.read(fields.inside("target")))

    def written(self) -> dict[str, Any]:
        return {"target": self.target.written()}

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {"target": {"$ref": "#/$defs/target"}}

    def about(self) -> Target | None:
        return self.target


class Eligible(OnTarget):
    name = "eligible"
    label = gettext_lazy("Show only to these people")
    shuts_out = True

    def sentence(self, names: Names) -> str:
        return _("show %(what)s only to her") % {"what": self.target.said(names)}

    def hold(self, matched: Mask, reached: Mask, days: Ints, offer: Offer, out: Standing) -> None:
        places = self.target.places(offer)
        out.only[np.ix_(reached, places)] = 1
        out.let[np.ix_(matched, places)] = 1


class Suppress(OnTarget):
    name = "suppress"
    label = gettext_lazy("Do not show")
    hides = True

    def sentence(self, names: Names) -> str:
        return _("do not show %(what)s") % {"what": self.target.said(names)}

    def hold(self, matched: Mask, reached: Mask, days: Ints, offer: Offer, out: Standing) -> None:
        out.barred[np.ix_(matched, self.target.places(offer))] = 1


@dataclass(frozen=True)
class Boost(OnTarget):
    """`by` is added to the score of each card. What all rules add is bounded where they come together."""

    name = "boost"
    label = gettext_lazy("Move up or down")
    by: float

    @classmethod
    def read(cls, fields: Fields) -> Self:
        by = fields.get("by")
        if not is_number(by) or abs(by) > MOST_BOOST:
            said = {"n": number_format(100 * MOST_BOOST, 0)}
            fields.refuse(_("Enter a number of points from −%(n)s to +%(n)s.") % said, "by")
            by = MOST_BOOST
        elif by == 0:
            fields.refuse(_("0 moves nothing. Enter more, or less."), "by")
        return cls(Target.read(fields.inside("target")), float(by))

    def written(self) -> dict[str, Any]:
        return {**super().written(), "by": self.by}

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {
            **super().schema(),
            "by": {"type": "number", "minimum": -MOST_BOOST, "maximum": MOST_BOOST, "not": {"const": 0}},
        }

    def sentence(self, names: Names) -> str:
        points = points_of(self.by)
        said = {"what": self.target.said(names), "by": number(points)}
        if self.by > 0:
            return (
                ngettext("move %(what)s up by %(by)s point", "move %(what)s up by %(by)s points", plural(points)) % said
            )
        return (
            ngettext("move %(what)s down by %(by)s point", "move %(what)s down by %(by)s points", plural(points)) % said
        )

    def hold(self, matched: Mask, reached: Mask, days: Ints, offer: Offer, out: Standing) -> None:
        out.boost[np.ix_(matched, self.target.places(offer))] += self.by


def points_of(by: float) -> float:
    """Hundredths, as HQ sets and reads them: 0.03 and -0.03 are 3. To a tenth, unless that left nothing."""
    points = abs(float(Decimal(repr(by)) * 100))
    return round(points, 1) or points


@dataclass(frozen=True)
class Pin(Effect):
    """On top of her list, to the end of a day. Of several the first that she has a card of: rules come by priority."""

    name = "pin"
    label = gettext_lazy("Put on top of the list")
    activity: str
    until: date

    @classmethod
    def read(cls, fields: Fields) -> Self:
        inner = fields.inside("target")
        key = activity_key(inner)
        inner.nothing_else()
        until = fields.day("until")
        if until is None and fields.get("until") is None:
            fields.refuse(_("Say until when it stays on top."), "until")
        if until is not None and fields.today is not None:
            cls.check_until(fields, until, fields.today)
        return cls(key, until or date.max)

    @staticmethod
    def check_until(fields: Fields, until: date, today: date) -> None:
        if until < today:
            fields.refuse(_("That day has passed. Choose a later one."), "until")
        elif until > today + timedelta(days=LONGEST_PIN):
            fields.refuse(_("Choose a day within the next %(n)d days.") % {"n": LONGEST_PIN}, "until")

    def written(self) -> dict[str, Any]:
        return {"target": {"activity": self.activity}, "until": self.until.isoformat()}

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {
            "target": fields_schema({"activity": KEY_SCHEMA}),
            "until": {"type": "string", "format": "date"},
        }

    def sentence(self, names: Names) -> str:
        said = {"what": activity_name(self.activity, names), "day": said_day(self.until)}
        return _("put %(what)s on top of her list until %(day)s") % said

    def hold(self, matched: Mask, reached: Mask, days: Ints, offer: Offer, out: Standing) -> None:
        for place in self.about().places(offer):
            hers = matched & (days <= day_number(self.until)) & (out.pins[:, place] == 0)
            out.pins[hers, place] = out.pins[hers].max(axis=1) + 1

    def about(self) -> Target:
        return Target("activity", self.activity)


@dataclass(frozen=True)
class ToSomebody(Effect):
    """For herself or her leader, for some days from the firing on. Without a leader nobody gets hers."""

    fires = True
    to: str
    days: int

    def call(self, place: int, fired: Fired, **fields: Any) -> list[Call]:
        to, since = (fired.firing.distributor_id, fired.day) if self.to == HER else (fired.leader_id, fired.leader_day)
        if to is None or since is None:
            return []
        until = since + timedelta(days=self.days - 1)
        return [Call(firing=fired.firing, to_id=to, place=place, since=since, until=until, **fields)]

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {"for": {"enum": [HER, LEADER]}, "days": {"type": "integer", "minimum": 1, "maximum": LONGEST_CALL}}


@dataclass(frozen=True)
class Trigger(ToSomebody):
    name = "trigger"
    label = gettext_lazy("Ask for an activity")
    activity: str

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(reader(fields), fields.whole("days", 1, LONGEST_CALL), activity_key(fields))

    def written(self) -> dict[str, Any]:
        return {"activity": self.activity, "for": self.to, "days": self.days}

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {"activity": KEY_SCHEMA, **super().schema()}

    def sentence(self, names: Names) -> str:
        said = {"what": activity_name(self.activity, names), "n": self.days}
        if self.to == HER:
            return (
                ngettext(
                    "show %(what)s on top of her list for %(n)d day",
                    "show %(what)s on top of her list for %(n)d days",
                    self.days,
                )
                % said
            )
        return (
            ngettext(
                "show her leader %(what)s on top of the list for %(n)d day",
                "show her leader %(what)s on top of the list for %(n)d days",
                self.days,
            )
            % said
        )

    def fire(self, place: int, fired: Fired, out: Writes) -> None:
        out.calls += self.call(place, fired, what=Call.What.ACTIVITY, activity=self.activity)

    def about(self) -> Target | None:
        return Target("activity", self.activity) if self.to == HER else None


@dataclass(frozen=True)
class Tell(ToSomebody):
    """A notice to read. Its words by language, English at least, with BLANKS: [parts in brackets] go where one is not known."""

    name = "notice"
    label = gettext_lazy("Tell somebody")
    title: Mapping[str, str]
    text: Mapping[str, str]

    @classmethod
    def read(cls, fields: Fields) -> Self:
        to = reader(fields)
        known = BLANKS if to == LEADER else BLANKS + OWN_BLANKS
        return cls(
            to,
            fields.whole("days", 1, LONGEST_CALL),
            words(fields.inside("title"), LONGEST_TITLE, known),
            words(fields.inside("text"), LONGEST_TEXT, known),
        )

    def written(self) -> dict[str, Any]:
        return {"for": self.to, "days": self.days, "title": dict(self.title), "text": dict(self.text)}

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {**super().schema(), "title": words_schema(LONGEST_TITLE), "text": words_schema(LONGEST_TEXT)}

    def sentence(self, names: Names) -> str:
        said = {"title": self.headline}
        return _("tell her: “%(title)s”") % said if self.to == HER else _("tell her leader: “%(title)s”") % said

    @property
    def headline(self) -> str:
        """Its title as whoever looks at the page reads it, blanks and all."""
        return spoken(self.title, get_language() or "en", self.title.get("en", "")).replace("[", "").replace("]", "")

    def said(
        self, language: str, *, name: str, reason: str, figures: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """Title and text for a reader of `language`. `figures` as they were when the rule fired (rule_figures.told)."""
        fields = {**(figures or {}), "name": name, "reason": reason}
        title, text = (spoken(by_language, language, by_language["en"]) for by_language in (self.title, self.text))
        return blanks.render(title, fields), blanks.render(text, fields)

    def fire(self, place: int, fired: Fired, out: Writes) -> None:
        out.calls += self.call(place, fired, what=Call.What.NOTICE)


@dataclass(frozen=True)
class Join(Effect):
    """A member of a segment by rules, for so many days from the firing on; 0 for no end."""

    name = "segment"
    label = gettext_lazy("Add to a segment")
    fires = True
    optional = frozenset({"days"})
    segment: int
    days: int = 0

    @classmethod
    def read(cls, fields: Fields) -> Self:
        pk = fields.get("segment")
        if not isinstance(pk, int) or isinstance(pk, bool):
            fields.refuse(_("Choose a segment."), "segment")
            pk = 0
        elif fields.known is not None and pk not in fields.known.segments:
            fields.refuse(_("This segment no longer exists. Choose another."), "segment")
        days = 0 if fields.get("days") is None else fields.whole("days", 1, LONGEST_STAY)
        return cls(pk, days)

    def written(self) -> dict[str, Any]:
        return {"segment": self.segment} | ({"days": self.days} if self.days else {})

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {"segment": {"type": "integer"}, "days": {"type": "integer", "minimum": 1, "maximum": LONGEST_STAY}}

    def sentence(self, names: Names) -> str:
        said = {"segment": names.segments.get(self.segment, str(self.segment)), "n": self.days}
        if not self.days:
            return _("add her to “%(segment)s”") % said
        return (
            ngettext("add her to “%(segment)s” for %(n)d day", "add her to “%(segment)s” for %(n)d days", self.days)
            % said
        )

    def fire(self, place: int, fired: Fired, out: Writes) -> None:
        until = fired.day + timedelta(days=self.days - 1) if self.days else None
        out.members.append(
            SegmentMember(
                segment_id=self.segment, distributor_id=fired.firing.distributor_id, since=fired.day, until=until
            )
        )


#: By name, as the definition says it, in the order in which the builder offers them.
EFFECTS: dict[str, type[Effect]] = {
    effect.name: effect for effect in (Trigger, Tell, Pin, Boost, Suppress, Eligible, Join)
}


# Words of a notice


def words(fields: Fields, longest: int, known: Sequence[str]) -> dict[str, str]:
    """By language, with these blanks; English is what everybody else reads."""
    found = {}
    for language, name in settings.LANGUAGES:
        value = fields.get(language)
        if value is None or value == "":
            continue
        if problem := problem_with(value, longest, known):
            said = {"language": name, "problem": problem}
            fields.refuse(_("%(language)s: %(problem)s") % said, language)
        else:
            found[language] = value.strip()
    if "en" not in found and not fields.get("en"):
        fields.refuse(
            _("Write it in English at least: who reads another language gets that until it is written."), "en"
        )
    fields.nothing_else()
    return found


def problem_with(value: object, longest: int, known: Sequence[str]) -> str:
    """Why this cannot be said to somebody, in a sentence; empty when it can."""
    if not isinstance(value, str) or not value.strip():
        return _("Write it in words.")
    if len(value) > longest:
        return _("Keep it within %(n)d characters.") % {"n": longest}
    if hers := sorted(blanks.named(value) & (set(OWN_BLANKS) - set(known))):
        return _("Her leader is not told her goals and prizes: leave out {%(blank)s}.") % {"blank": hers[0]}
    if problems := blanks.problems(value, known):
        return problems[0]
    if not blanks.render(value, {"name": "X", "reason": "X."}):
        return _("Without her figures nothing is left of it: put the part that needs one in [brackets].")
    return ""


# JSON Schema

KEY_SCHEMA: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 60}


def fields_schema(properties: Mapping[str, Any], optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    """An object of exactly these fields."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def words_schema(longest: int) -> dict[str, Any]:
    languages = [language for language, _name in settings.LANGUAGES]
    said = {"type": "string", "maxLength": longest}
    return fields_schema(
        {language: said | ({"minLength": 1} if language == "en" else {}) for language in languages},
        frozenset(languages) - {"en"},
    )


def target_schema() -> dict[str, Any]:
    by = {"activity": KEY_SCHEMA, "kind": {"enum": list(KINDS)}, "line": KEY_SCHEMA}
    return {"oneOf": [fields_schema({name: one}) for name, one in by.items()]}


def schemas() -> list[dict[str, Any]]:
    """One for each effect."""
    return [
        fields_schema({"effect": {"const": name}, **effect.schema()}, effect.optional)
        for name, effect in EFFECTS.items()
    ]
