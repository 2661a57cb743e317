"""A slate as a table for HQ: every number of every candidate, from the log alone.

The activities' titles are today's. Whom a card is about is a number: customers' names are the distributor's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.utils.formats import number_format
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from distributors.blocks import Floats
from distributors.metrics import METRICS, split_key
from distributors.models import ProductLine
from kpis.models import Rule

from ..models import Activity, Slate
from ..ranking.drawing import Slot
from ..ranking.shelf import in_language
from ..rules.decisions import HELD_BACK, ONLY
from . import replay
from .replay import TERMS, Log, Reproduced

TERM_NAMES = {
    "own": gettext_lazy("Own goals"), "company": gettext_lazy("Company"), "learning": gettext_lazy("Learning"),
    "fatigue": gettext_lazy("Shown before"), "rules": gettext_lazy("Rules"),
}  # fmt: skip
SLOT_NAMES = {
    Slot.OWN: gettext_lazy("Own goals"), Slot.COMPANY: gettext_lazy("Company"), Slot.LEARNING: gettext_lazy("Learning"),
    Slot.OTHER: gettext_lazy("What is left"), Slot.PIN: gettext_lazy("Placed by a rule"),
}  # fmt: skip
#: What a rule did to a card.
EFFECT_NAMES = {
    "pin": gettext_lazy("put on top"), "trigger": gettext_lazy("asked for"), "boost": gettext_lazy("moved"),
    "suppress": gettext_lazy("not shown"), "eligible": gettext_lazy("shown only to some, her too"),
    ONLY: gettext_lazy("shown only to others"), HELD_BACK: gettext_lazy("held back for comparison"),
}  # fmt: skip
#: What an author leaves open in a title.
FIELD = re.compile(r"\{\w+\}")
#: Length of the longest bar.
BAR = 100.0


@dataclass(frozen=True)
class Part:
    """A stretch of a bar: what one term adds to a score."""

    name: str
    x: str
    width: str


@dataclass(frozen=True)
class Act:
    """What a rule did to a card, or that it held and did nothing."""

    rule_id: int | None  # None when there is no such rule any more
    name: str
    number: int  # of the version that did it
    did: str  # asked for, moved +0.05


@dataclass(frozen=True)
class Line:
    """One candidate. Numbers are written out as they are shown; `rank` counts people, each by her best card."""

    activity_id: int | None  # None when there is no such activity any more
    title: str
    about: str
    score: str
    terms: list[tuple[str, str]]  # name of the term, and what it adds
    kpis: list[str]
    bar: list[Part]
    rank: int
    rank_without_company: int
    company_share: int
    is_best: bool  # of her cards, with the company's priorities and without
    is_best_without_company: bool
    place: int = 0  # on the list; 0 for who was not shown
    slot: str = ""
    chance: str = ""
    lesson: bool = False
    barred: bool = False
    acts: tuple[Act, ...] = ()  # of rules, in the order of their priority

    @property
    def moved(self) -> bool:
        """The company's priorities put it elsewhere."""
        return self.rank != self.rank_without_company

    @property
    def rank_said(self) -> str:
        """Of a person's lesser cards only where they were shown."""
        return str(self.rank) if self.is_best or self.place else ""

    @property
    def rank_without_company_said(self) -> str:
        return str(self.rank_without_company) if self.is_best_without_company or self.place else ""


@dataclass(frozen=True)
class Table:
    slate: Slate
    log: Log

    @cached_property
    def lines(self) -> list[Line]:
        """Every candidate, the best score first; equal ones in the order in which they were ranked."""
        scores = self.log.terms.score
        order = sorted(range(len(self.log)), key=lambda i: (-float(scores[i]), i))
        return [self.line(i) for i in order]

    @cached_property
    def shown(self) -> list[Line]:
        """The list itself, in its order."""
        return sorted((line for line in self.lines if line.place), key=lambda line: line.place)

    @cached_property
    def missing(self) -> list[str]:
        """What was shown and is not in the log: never, unless the log was damaged."""
        return [reference(card["key"]) for card in self.slate.cards if card["key"] not in self.places_of_keys]

    @cached_property
    def people(self) -> int:
        """How many places there are: a person has one."""
        return len({about or key for about, key in zip(self.log.about, self.log.keys, strict=True)})

    @cached_property
    def best(self) -> set[int]:
        return best_of_each(self.log.terms.score, self.log.about)

    @cached_property
    def best_without_company(self) -> set[int]:
        return best_of_each(self.log.terms.without_company, self.log.about)

    @cached_property
    def kpi_names(self) -> list[str]:
        lines = dict(ProductLine.objects.values_list("code", "name"))
        return [kpi_name(key, lines) for key in self.log.kpis]

    @cached_property
    def ruled(self) -> dict[str, list[tuple[int, int, str, float]]]:
        """As the list was logged with: what rules did by activity's key, or by the key of a card about a recruit."""
        return self.slate.versions.get("ruled", {})  # type: ignore[no-any-return]

    @cached_property
    def rules(self) -> dict[int, Rule]:
        asked = {rule for told in self.ruled.values() for rule, *_rest in told}
        return Rule.objects.in_bulk(asked) if asked else {}

    @cached_property
    def idle(self) -> list[Act]:
        """Rules that held for her and did nothing to any card, or held her back."""
        return self.told(self.ruled.get("", ()))

    def acts(self, key: str) -> tuple[Act, ...]:
        """On one card."""
        activity = key.partition(".")[0]
        names = dict.fromkeys((activity, key))
        return tuple(self.told([one for name in names for one in self.ruled.get(name, ())]))

    def told(self, logged: Iterable[tuple[int, int, str, float]]) -> list[Act]:
        """One for each rule, with all it did."""
        found: dict[tuple[int, int], list[str]] = {}
        for rule_id, number, effect, amount in logged:
            found.setdefault((rule_id, number), []).append(effect_said(effect, amount))
        return [self.act(*which, ", ".join(filter(None, did))) for which, did in found.items()]

    def act(self, rule_id: int, number: int, did: str) -> Act:
        rule = self.rules.get(rule_id)
        name = rule.name if rule else _("Rule %(number)s") % {"number": rule_id}
        return Act(rule.pk if rule else None, name, number, did)

    @property
    def term_names(self) -> list[tuple[str, str]]:
        return [(name, str(label)) for name, label in TERM_NAMES.items()]

    @cached_property
    def reproduced(self) -> Reproduced:
        return replay.replayed(self.slate, self.log)

    @cached_property
    def places_of_keys(self) -> dict[str, int]:
        return {key: i for i, key in enumerate(self.log.keys)}

    @cached_property
    def cards(self) -> dict[int, tuple[int, str, float]]:
        """Candidates that were shown: place, slot and chance."""
        return {
            self.places_of_keys[card["key"]]: (place, card["slot"], card["propensity"])
            for place, card in enumerate(self.slate.cards, start=1)
            if card["key"] in self.places_of_keys
        }

    @cached_property
    def longest(self) -> float:
        return max((sum(speaking.values()) for speaking in map(self.speaking, range(len(self.log)))), default=0.0)

    @cached_property
    def activities(self) -> dict[object, Activity]:
        """By id of logs that hold it, else by key."""
        log, found = self.log, Activity.objects.prefetch_related("texts")
        if log.can_be_drawn:
            return dict(found.in_bulk(log.ids.tolist()))
        keys = {key.partition(".")[0] for key in log.keys}
        return dict(found.in_bulk(keys, field_name="key"))

    def activity(self, i: int) -> Activity | None:
        log = self.log
        if log.can_be_drawn:
            return self.activities.get(int(log.ids[log.cards.card["activity"][i]]))
        return self.activities.get(log.keys[i].partition(".")[0])

    def speaking(self, i: int) -> dict[str, float]:
        """The terms that speak for a candidate."""
        terms = self.log.terms
        return {name: value for name in TERMS if (value := float(getattr(terms, name)[i])) > 0}

    def line(self, i: int) -> Line:
        log, terms, activity = self.log, self.log.terms, self.activity(i)
        place, slot, chance = self.cards.get(i, (0, "", None))
        return Line(
            activity_id=activity.pk if activity else None,
            title=title_of(activity) if activity else log.keys[i].partition(".")[0],
            about=person(log.about[i]),
            score=figure(float(terms.score[i])),
            terms=[(name, figure(float(getattr(terms, name)[i]))) for name in TERMS],
            kpis=[figure(float(part)) for part in terms.by_kpi[i]],
            bar=list(self.bar(i)),
            rank=log.ranks[i],
            rank_without_company=log.ranks_without_company[i],
            company_share=log.company_share(i),
            is_best=i in self.best,
            is_best_without_company=i in self.best_without_company,
            place=place,
            slot=str(SLOT_NAMES.get(Slot(slot), slot)) if slot else "",
            chance=f"{rounded(100 * chance, 1)}%" if chance is not None else "",
            lesson=bool(log.cards.card["learning"][i]),
            barred=bool(log.cards.card["barred"][i]),
            acts=self.acts(log.keys[i]),
        )

    def bar(self, i: int) -> Iterator[Part]:
        at = 0.0
        for name, value in self.speaking(i).items():
            width = BAR * value / self.longest
            yield Part(name, f"{at:.2f}", f"{width:.2f}")
            at += width


def table_of(slate: Slate) -> Table:
    """Of a logged slate, or of one that is not saved."""
    return Table(slate, replay.read(slate))


def best_of_each(scores: Floats, people: Sequence[str]) -> set[int]:
    """Of each person the best card, the first of equal ones; and every card about nobody."""
    best: dict[str, int] = {}
    for i, who in enumerate(people):
        name = who or f"#{i}"
        if name not in best or scores[i] > scores[best[name]]:
            best[name] = i
    return set(best.values())


def effect_said(effect: str, amount: float) -> str:
    """moved +0.05"""
    signed = ("+" if amount > 0 else "−") + rounded(abs(amount), 2) if amount else ""
    return " ".join(filter(None, [str(EFFECT_NAMES.get(effect, effect)), signed]))


def figure(value: float) -> str:
    """Four decimals, a nought where there is nothing at all."""
    return rounded(value, 4) if value else "0"


def rounded(value: float, decimals: int) -> str:
    """number_format alone cuts digits off."""
    return number_format(round(value, decimals) + 0.0, decimals)


def title_of(activity: Activity) -> str:
    """In the reader's language, with what an author leaves open left open."""
    text = in_language({text.language: text for text in activity.texts.all()}, get_language() or "en")
    return FIELD.sub("…", text.title) if text else activity.key


def person(about: str) -> str:
    """customer 12"""
    if not about:
        return ""
    said = {"number": about[1:]}
    return _("recruit %(number)s") % said if about[0] == "r" else _("customer %(number)s") % said


def reference(key: str) -> str:
    activity, _dot, about = key.partition(".")
    return f"{activity}, {person(about)}" if about else activity


def kpi_name(key: str, lines: dict[str, str]) -> str:
    """Repeat orders, Eye line; a metric that there is no more by its key."""
    metric, scope = split_key(key)
    if metric not in METRICS:
        return key
    label = str(METRICS[metric].label)
    return f"{label}, {lines.get(scope, scope)}" if scope else label


def versions_said(slate: Slate) -> Sequence[tuple[str, str, str]]:
    """What counted when it was ranked: name in the log, label, number."""
    labels = {
        "kpi": _("Priorities"), "scales": _("Scales"), "catalogue": _("Catalogue"), "effects": _("Learned effects"),
        "rules": _("Rules"), "drawing": _("Way of drawing"),
    }  # fmt: skip
    return [(name, label, str(slate.versions[name])) for name, label in labels.items() if name in slate.versions]
