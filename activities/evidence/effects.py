"""What showing and doing each activity was found to change: versions learned from the log, going back, and how it is said.

An author's estimate is the prior; logged showings, drawn by lot, move it (estimating.py says how, contests.py what was
drawn). The newest version counts. After somebody went back to an older one nothing is learned until somebody resumes.

Of each person and day the first slate counts. The noise is seeded by the day, and a later slate of the same day follows
what she did about the first: its draw is no second throw of the dice. Pins are never counted: no lot fell on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from distributors.blocks import Floats
from distributors.metrics import METRICS, How, Unit, split_key
from distributors.models import Distributor, User
from distributors.remainders import Ask, values
from distributors.wording import number

from ..models import Action, Activity, EffectVersion, Slate
from ..ranking.drawing import Slot
from ..ranking.shelf import effects_of
from . import estimating
from .contests import Contest, contests
from .estimating import LEAST, Mask, Sums

#: Days over which an effect is looked for, the one of the showing among them.
HORIZON = 7
#: Days before, whose average is taken off: it says most of what she would have made anyway.
BEFORE = 28
#: How many showings an author's estimate is worth. How often a thing is done shows itself soon; what it brings is hidden in
#: the swings of a week: with sales of 60 +- 100, p .4 and e 18 an estimate is off by its own size until some 250.
PRIOR_P, PRIOR_E = 50, 200
#: The log that is read, each night anew, so that late orders and what was taken back correct themselves; and of how many
#: people, always the same ones, so that the night stays short.
WINDOW, PEOPLE, BLOCK = 84, 1000, 25
#: By definition, not by estimate: doing it is one activity done. Learned only of an author who states otherwise.
COUNTED = frozenset({"activities_done", "lessons_done"})

Values = dict[str, dict[str, Any]]


# Reading


@dataclass(frozen=True)
class Standing:
    """What counts for an activity, and whose word it is. `exposures`: showings behind it, in the prior's coin."""

    mean: float
    stated: float
    exposures: int
    is_authors: bool


def current() -> EffectVersion | None:
    """The newest version; None while every estimate is the authors'. One query."""
    return EffectVersion.objects.first()


def standing(activity: Activity, metric_key: str, version: EffectVersion | None) -> Standing:
    """The effect of doing it on one metric, in base money and natural units."""
    stated = effects_of(activity).get(metric_key, 0.0)
    return told(stated, learned(activity, version).get("e", {}).get(metric_key), PRIOR_E)


def standing_p(activity: Activity, version: EffectVersion | None) -> Standing:
    """P(done | shown)."""
    return told(activity.p_done, learned(activity, version).get("p"), PRIOR_P)


def learned(activity: Activity, version: EffectVersion | None) -> dict[str, Any]:
    return version.values.get(activity.key, {}) if version else {}


def told(stated: float, found: Sequence[float] | None, prior: int) -> Standing:
    """The author's until the showings weigh more than her word."""
    mean, weight = (stated, 0) if found is None else found
    return Standing(mean, stated, int(weight), weight <= prior)


def footnote(standing: Standing) -> str:
    """Author’s estimate · Measured on 1,204 showings: in the active language, for the reader of a card."""
    if standing.is_authors:
        return _("Author’s estimate")
    n = standing.exposures
    return ngettext("Measured on %(n)s showing", "Measured on %(n)s showings", n) % {"n": number(n)}


# Versions


def learn_tonight() -> None:
    """For the schedule."""
    learn(timezone.now())


def learn(as_of: datetime) -> EffectVersion | None:
    """What the log of the last weeks says becomes the next version; None when that is what counts already.

    None also while learning is paused: after somebody went back, what she went back to stands.
    """
    if paused(current()):
        return None
    until = last_day(as_of)
    found, exposures = measured(until)
    with transaction.atomic():
        newest = EffectVersion.objects.select_for_update().first()
        if paused(newest) or found == (newest.values if newest else {}):
            return None
        return publish(newest, values=found, until=until, exposures=exposures, made_at=as_of)


def last_day(as_of: datetime) -> date:
    """The last day whose horizon has ended on every clock of the world."""
    return as_of.date() - timedelta(days=HORIZON + 1)


def paused(newest: EffectVersion | None) -> bool:
    """Somebody went back, and nobody resumed learning since."""
    return newest is not None and newest.back_to is not None


@transaction.atomic
def go_back(*, version: int, reason: str, by: User, as_of: datetime) -> EffectVersion:
    """Make the values of an older version count, 0 for the authors' estimates. Learning pauses.

    ValueError without a reason or for the version that counts; DoesNotExist for one that never was.
    """
    newest = EffectVersion.objects.select_for_update().first()
    if newest is None:
        raise EffectVersion.DoesNotExist
    if version == newest.version:
        raise ValueError(_("This version counts already."))
    old = EffectVersion.objects.get(version=version) if version else EffectVersion(until=newest.until)
    return publish(
        newest, values=old.values, until=old.until, exposures=old.exposures, made_at=as_of, by=by,
        back_to=version, reason=said(reason),
    )  # fmt: skip


@transaction.atomic
def resume(*, reason: str, by: User, as_of: datetime) -> EffectVersion:
    """Let learning go on: the same values until the next night's. ValueError without a reason or a pause."""
    newest = EffectVersion.objects.select_for_update().first()
    if newest is None or not paused(newest):
        raise ValueError(_("Learning is not paused."))
    return publish(
        newest, values=newest.values, until=newest.until, exposures=newest.exposures, made_at=as_of, by=by,
        reason=said(reason),
    )  # fmt: skip


def said(reason: str) -> str:
    if not reason.strip():
        raise ValueError(_("Say in a sentence why."))
    return reason.strip()


def publish(newest: EffectVersion | None, **fields: Any) -> EffectVersion:
    return EffectVersion.objects.create(version=newest.version + 1 if newest else 1, **fields)


# Measuring


class Row(NamedTuple):
    """A person's first slate of a day."""

    distributor_id: int
    day: date
    contests: list[Contest]
    #: Activity key, whom it is about and how much likelier than the activity's p it was, without pins.
    cards: list[tuple[str, str, float]]


class Deed(NamedTuple):
    """Something she did, and had not taken back."""

    activity: str
    about_key: str
    day: date


@dataclass(frozen=True)
class Book:
    """The activities in the order of the arrays, and the metric keys that any of them states an effect on."""

    activities: list[Activity]
    places: dict[str, int]  # by activity key
    keys: list[str]
    stated: Floats  # keys x activities

    @property
    def states(self) -> Mask:
        return np.array(self.stated != 0)


def book() -> Book:
    """Retired ones as well: they were shown, and took others' places."""
    activities = list(Activity.objects.select_related("line").order_by("key"))
    stated = [learnable(one) for one in activities]
    keys = sorted({key for effects in stated for key in effects})
    matrix = np.array([[effects.get(key, 0.0) for effects in stated] for key in keys], np.float64)
    places = {one.key: place for place, one in enumerate(activities)}
    return Book(activities, places, keys, matrix.reshape(len(keys), len(activities)))


def learnable(activity: Activity) -> dict[str, float]:
    """What an author states, completed as for ranking. Not quotients: a week without an order has none, and to leave such
    weeks out would choose among people by what the showing did."""
    return {
        key: value
        for key, value in effects_of(activity).items()
        if METRICS[split_key(key)[0]].how is not How.RATIO and (key not in COUNTED or key in activity.impacts)
    }


def measured(until: date) -> tuple[Values, int]:
    """What stands out of the log up to `until`, and from how many exposures. Only what differs from authors' estimates by
    something learned is in it."""
    found, first = book(), until - timedelta(days=WINDOW - 1)
    sums = estimating.nothing_yet(found.stated)
    shown, done = dict.fromkeys(found.places, 0), dict.fromkeys(found.places, 0)
    asked = dict.fromkeys(found.places, 0.0)
    for ids in blocks(people_of(first)):
        rows = list(rows_of(ids, first, until, found))
        deeds = deeds_of(ids, first, until)
        count_exposures(rows, deeds, shown, done, asked)
        add(sums, rows, deeds, found)
    effects = estimating.estimate(sums, found.states, prior=PRIOR_E)
    return written(found, shown, done, asked, effects), sum(shown.values())


def people_of(first: date) -> list[int]:
    """Those who left in the meantime as well: leaving may be what a showing did."""
    # Multiplied (Knuth), neighbouring ids scatter, the same way every night.
    scattered = (F("pk") * 2654435761) % 4294967296
    ids = Distributor.objects.exclude(left_on__lt=first).order_by(scattered, "pk").values_list("pk", flat=True)
    return sorted(ids[:PEOPLE])


def blocks(ids: list[int]) -> Iterator[list[int]]:
    return (ids[at : at + BLOCK] for at in range(0, len(ids), BLOCK))


def rows_of(ids: list[int], first: date, until: date, found: Book) -> Iterator[Row]:
    """By person and day. A slate is some 10 KB of log: read one after the other, never all."""
    slates = (
        Slate.objects.filter(distributor_id__in=ids, day__gte=first, day__lte=until)
        .order_by("distributor_id", "day", "shown_at", "pk")
        .distinct("distributor_id", "day")
    )
    for slate in slates.iterator(chunk_size=200):
        drawn = [card for card in slate.cards if card["slot"] != Slot.PIN]
        open_ones = [one for one in contests(slate) if all(key in found.places for key in one.activities)]
        yield Row(
            slate.distributor_id, slate.day, open_ones, [card for card in shown_in(drawn) if card[0] in found.places]
        )


def shown_in(drawn: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, float]]:
    for card in drawn:
        activity, _dot, about = card["key"].partition(".")
        yield activity, about, float(card.get("likelier", 1.0))


def deeds_of(ids: list[int], first: date, until: date) -> dict[int, list[Deed]]:
    rows = (
        Action.objects.standing()
        .filter(distributor_id__in=ids, kind=Action.Kind.DONE, day__gte=first)
        .filter(day__lt=until + timedelta(days=HORIZON))
        .values_list("distributor_id", "activity__key", "about_key", "day")
    )
    by_person: dict[int, list[Deed]] = defaultdict(list)
    for distributor_id, activity, about_key, day in rows:
        by_person[distributor_id].append(Deed(activity, about_key, day))
    return by_person


def count_exposures(
    rows: Iterable[Row],
    deeds: dict[int, list[Deed]],
    shown: dict[str, int],
    done: dict[str, int],
    asked: dict[str, float],
) -> None:
    """A card is one exposure however often it is shown within a horizon: the same card tomorrow asks the same question
    again, and counting it as a second trial would turn one answer into several and one late "yes" into many "no"s.

    `asked` weighs a showing by how much likelier than the activity's own p the ranking took it to be (a customer who is
    due counts 1/2 + her due score): the kernel multiplies p by the same, and p must not learn it a second time.
    """
    opened: dict[tuple[int, str, str], date] = {}
    days: dict[tuple[int, str, str], list[date]] = defaultdict(list)
    for distributor_id, hers in deeds.items():
        for deed in hers:
            days[distributor_id, deed.activity, deed.about_key].append(deed.day)
    for row in rows:
        for activity, about, likelier in row.cards:
            card = row.distributor_id, activity, about
            if card in opened and (row.day - opened[card]).days < HORIZON:
                continue
            opened[card] = row.day
            shown[activity] += 1
            asked[activity] += likelier
            done[activity] += any(0 <= (day - row.day).days < HORIZON for day in days.get(card, ()))


def add(sums: Sums, rows: Sequence[Row], deeds: dict[int, list[Deed]], found: Book) -> None:
    """Only days on which something was open. Doing counts whoever it was about: so does what it brings."""
    drawn = [row for row in rows if row.contests]
    if not drawn:
        return
    z, won, done = (np.zeros((len(drawn), len(found.activities))) for _ in range(3))
    for n, row in enumerate(drawn):
        for contest in row.contests:
            at = [found.places[key] for key in contest.activities]
            z[n, at] += contest.won - contest.chance
            won[n, at] += contest.won
        for deed in deeds.get(row.distributor_id, ()):
            if 0 <= (deed.day - row.day).days < HORIZON:
                done[n, found.places[deed.activity]] += 1
    sums.add(z, won, done, moved(drawn, found), np.array([row.distributor_id for row in drawn], np.int64))


def moved(rows: Sequence[Row], found: Book) -> Floats:
    """Keys x rows: the metric over the horizon less her own average before; money in base currency."""
    asks = [
        Ask(row.distributor_id, *split_key(key), first, last)
        for key in found.keys
        for row in rows
        for first, last in windows(row.day)
    ]
    made = np.array([float(value) for value in values(asks)]).reshape(len(found.keys), len(rows), 2)
    by_person = dict(
        Distributor.objects.filter(pk__in={row.distributor_id for row in rows}).values_list("pk", "market__price_level")
    )
    price = np.array([float(by_person[row.distributor_id]) for row in rows])
    money = np.array([[METRICS[split_key(key)[0]].unit is Unit.MONEY] for key in found.keys], bool).reshape(-1, 1)
    return (made[..., 0] - made[..., 1] * HORIZON / BEFORE) / np.where(money, price, 1.0)


def windows(day: date) -> tuple[tuple[date, date], tuple[date, date]]:
    """The horizon, and the days before it."""
    return (day, day + timedelta(days=HORIZON - 1)), (day - timedelta(days=BEFORE), day - timedelta(days=1))


def written(
    found: Book, shown: dict[str, int], done: dict[str, int], asked: dict[str, float], effects: estimating.Effects
) -> Values:
    """As EffectVersion keeps it. Below the least number of exposures a word stands as its author wrote it."""
    told: Values = {}
    for place, activity in enumerate(found.activities):
        said: dict[str, Any] = {}
        n = shown[activity.key]
        if n >= LEAST:
            said["p"] = [
                six(estimating.chance(activity.p_done, asked[activity.key], done[activity.key], prior=PRIOR_P)),
                n,
            ]
        means = {
            key: [six(effects.mean[k, place]), int(effects.weight[k, place])]
            for k, key in enumerate(found.keys)
            if not np.isnan(effects.mean[k, place])
        }
        if means:
            said["e"] = means
        if said:
            told[activity.key] = said
    return told


def six(value: float) -> float:
    """Six significant digits, so that versions read well and compare."""
    return float(f"{value:.6g}")
