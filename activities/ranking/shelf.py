"""The catalogue as ranking reads it: published activities with their words, and the same as columns for the kernel.

Built from the database when a version number says that it changed (distributors/versions.py), else taken from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings

from distributors import versions
from distributors.blocks import REASONS, Floats
from distributors.kept import Kept
from distributors.metrics import METRICS, How, Unit, metric_key, split_key
from distributors.models import CHANNELS, EVERY_CHANNEL, Distributor, Market, ProductLine

from ..models import Activity, ActivityText, EffectVersion
from .blocks import ACTIVITY, KEY, Bits, Catalogue

FALLBACK_LANGUAGE = "en"
#: The reference data that a shelf is made of.
NAMES = ("catalogue", "effects", "reference")
METRIC_PLACE = {metric: place for place, metric in enumerate(METRICS)}
#: A stated impact on a product line that does not exist: no goal is limited to it, and 0 would mean all lines.
NO_SUCH_LINE = -1
#: The channels of which a customer must allow one, by the form of what is asked; any for what is neither.
WAYS: dict[str, int] = {
    Activity.Form.MESSAGE: EVERY_CHANNEL - CHANNELS["call"],
    Activity.Form.CALL: CHANNELS["call"],
}


@dataclass(frozen=True, eq=False)
class Shelf:
    """Everything is in the order of the arrays; people share it, so nobody changes it.

    Texts are held with their bodies: the catalogue's words are some 60 KB a language, and a page that opens a card then
    asks for nothing more.
    """

    versions: dict[str, int]  # NAMES -> number; what is here is no older
    arrays: Catalogue
    activities: list[Activity]  # with line and skill, in the order of their keys
    words: list[dict[str, ActivityText]]  # by activity, then by language
    index: dict[int, int]  # activity id -> place
    markets: list[Market]  # by id
    market_index: dict[int, int]
    languages: tuple[str, ...]
    language_index: dict[str, int]
    keys: list[str]  # "sales:eye": what any activity moves
    key_index: dict[str, int]
    line_names: dict[int, str]
    line_ids: dict[str, int]  # by code
    # Behind the arrays' p and effects where something was learned.
    learned_effects: EffectVersion | None  # None before the first

    def text(self, place: int, language: str) -> ActivityText | None:
        """Its words as a reader of `language` gets them; None when she could not read them."""
        return in_language(self.words[place], language)

    def language_of(self, code: str) -> int:
        """Index among `languages`; of a language in which nothing is written, that of English."""
        return next(self.language_index[one] for one in readable_in(code) if one in self.language_index)

    @property
    def effects_version(self) -> int:
        """0 before the first."""
        return self.learned_effects.version if self.learned_effects else 0

    def offered(self, distributor: Distributor) -> Iterator[tuple[Activity, ActivityText]]:
        """What her market has, in her words. An activity that she could not read is left out: it is no help."""
        for place in np.flatnonzero(self.arrays.sold[self.market_index[distributor.market_id]]).tolist():
            if (text := self.text(place, distributor.speaks)) is not None:
                yield self.activities[place], text


def readable_in(language: str) -> tuple[str, str, str]:
    """What to look for, best first: `pt-br`, `pt`, English."""
    return language, language.split("-")[0], FALLBACK_LANGUAGE


def in_language(words: Mapping[str, ActivityText], language: str) -> ActivityText | None:
    return next((words[one] for one in readable_in(language) if one in words), None)


KEPT: Kept[Shelf] = Kept(most=2)


def current() -> Shelf:
    """As it stands now. One query when nothing changed since the last one."""
    return of(versions.current())


def of(numbers: Mapping[str, int]) -> Shelf:
    """The shelf of these versions (versions.current(), read before), or a newer one. No query when it is kept."""
    mine = numbers_of(numbers)
    return KEPT.of(tuple(mine.values()), lambda: built(mine), holds=lambda: numbers_of(versions.current()) == mine)


def numbers_of(numbers: Mapping[str, int], names: Sequence[str] = NAMES) -> dict[str, int]:
    return {name: numbers.get(name, 0) for name in names}


def built(numbers: dict[str, int]) -> Shelf:
    """From the database, in six queries."""
    activities = sorted(Activity.objects.published().select_related("line", "skill"), key=lambda one: one.key)
    words = words_of(activities)
    markets = list(Market.objects.order_by("pk"))
    lines = list(ProductLine.objects.all())
    newest = EffectVersion.objects.first()
    told: dict[str, Any] = newest.values if newest else {}

    languages = languages_of(words, markets)
    effects = [effects_of(one, learned_effects(told, one)) for one in activities]
    keys = sorted({key for one in effects for key in one})
    line_ids = {line.code: line.pk for line in lines}
    return Shelf(
        versions=numbers,
        arrays=columns(
            activities,
            p=[learned_p(told, one) for one in activities],
            effects=matrix(effects, keys),
            keys=keys,
            line_ids=line_ids,
            price=[float(market.price_level) for market in markets],
            sold=sold(activities, markets),
            readable=readable(words, languages),
        ),
        activities=activities,
        words=words,
        index=places(one.pk for one in activities),
        markets=markets,
        market_index=places(market.pk for market in markets),
        languages=languages,
        language_index=places(languages),
        keys=keys,
        key_index=places(keys),
        line_names={line.pk: line.name for line in lines},
        line_ids=line_ids,
        learned_effects=newest,
    )


def places(values: Iterable[Any]) -> dict[Any, int]:
    return {value: place for place, value in enumerate(values)}


def words_of(activities: Sequence[Activity]) -> list[dict[str, ActivityText]]:
    by_activity: dict[int, dict[str, ActivityText]] = {one.pk: {} for one in activities}
    for text in ActivityText.objects.filter(activity__in=by_activity):
        by_activity[text.activity_id][text.language] = text
    return list(by_activity.values())


def languages_of(words: Iterable[Mapping[str, ActivityText]], markets: Iterable[Market]) -> tuple[str, ...]:
    """Every language that anything is written or read in."""
    written = {language for texts in words for language in texts}
    spoken = {market.language for market in markets} | {code for code, _name in settings.LANGUAGES}
    return tuple(sorted(written | spoken | {FALLBACK_LANGUAGE}))


def sold(activities: Sequence[Activity], markets: Sequence[Market]) -> Bits:
    """Markets x activities. One that names no market is for all of them."""
    named: dict[int, set[int]] = {}
    links = Activity.markets.through.objects.values_list("activity_id", "market_id")
    for activity_id, market_id in links:
        named.setdefault(activity_id, set()).add(market_id)
    return bits([[one.pk not in named or market.pk in named[one.pk] for one in activities] for market in markets])


def readable(words: Sequence[Mapping[str, ActivityText]], languages: Sequence[str]) -> Bits:
    return bits([[in_language(texts, language) is not None for texts in words] for language in languages])


def bits(rows: list[list[bool]]) -> Bits:
    """Two-dimensional even where there is nothing."""
    return np.array(rows, np.uint8).reshape(len(rows), -1) if rows else np.zeros((0, 0), np.uint8)


def matrix(effects: Sequence[Mapping[str, float]], keys: Sequence[str]) -> Floats:
    """Activities x keys; what an activity does not move is 0."""
    found = [[one.get(key, 0.0) for key in keys] for one in effects]
    return np.array(found, np.float64).reshape(len(effects), len(keys))


def columns(
    activities: Sequence[Activity],
    *,
    p: list[float],
    effects: Floats,
    keys: Sequence[str],
    line_ids: Mapping[str, int],
    price: list[float],
    sold: Bits,
    readable: Bits,
) -> Catalogue:
    metrics, scopes = [split_key(key)[0] for key in keys], [split_key(key)[1] for key in keys]
    kinds = places(Activity.Kind.values)
    activity, key = np.zeros(len(activities), ACTIVITY), np.zeros(len(keys), KEY)
    activity["id"] = [one.pk for one in activities]
    activity["about"] = [REASONS.index(one.about) if one.about in REASONS else -1 for one in activities]
    activity["line"] = [one.line_id or 0 for one in activities]
    activity["kind"] = [kinds[one.kind] for one in activities]
    activity["learning"] = [one.is_learning for one in activities]
    activity["p"] = p
    activity["skill"] = [one.skill_id or 0 for one in activities]
    activity["wanted"] = [one.skill.wanted if one.skill else 1.0 for one in activities]
    activity["gain"] = [one.skill_gain if one.skill else 0.0 for one in activities]
    activity["ways"] = [WAYS.get(one.form, EVERY_CHANNEL) for one in activities]
    key["metric"] = [METRIC_PLACE[metric] for metric in metrics]
    key["line"] = [line_ids.get(scope, NO_SUCH_LINE) if scope else 0 for scope in scopes]
    key["money"] = [METRICS[metric].unit is Unit.MONEY for metric in metrics]
    key["sales"] = [metric == "sales" for metric in metrics]
    return Catalogue(activity, key, effects, np.array(price, np.float64), sold, readable)


def effects_of(activity: Activity, learned: Mapping[str, float] | None = None) -> dict[str, float]:
    """Effects of doing it by metric key, money in base currency; every key a goal or KPI may ask for.

    What was learned of an impact stands in for what its author stated. Then they are completed, never overridden: doing
    it is one activity done (and one lesson); an unscoped impact of an activity with a product line counts for that
    line; a sum within a line counts for the whole.
    """
    told = {**activity.impacts, **(learned or {})}
    effects = {key: float(value) for key, value in told.items() if split_key(key)[0] in METRICS}
    effects.setdefault("activities_done", 1.0)
    if activity.is_learning:
        effects.setdefault("lessons_done", 1.0)
    for key in list(effects):
        metric, scope = split_key(key)
        if scope and METRICS[metric].how is How.SUM:
            effects.setdefault(metric, effects[key])
        elif not scope and activity.line is not None and METRICS[metric].scoped:
            effects.setdefault(metric_key(metric, activity.line.code), effects[key])
    return effects


def learned_p(told: Mapping[str, Any], activity: Activity) -> float:
    """P(done | shown); the author's when nothing was learned."""
    mean, _n = told.get(activity.key, {}).get("p", (activity.p_done, 0))
    return float(mean)


def learned_effects(told: Mapping[str, Any], activity: Activity) -> dict[str, float]:
    return {key: mean for key, (mean, _n) in told.get(activity.key, {}).get("e", {}).items()}
