"""What HQ should know before it publishes weights, in sentences made of the same figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from django.utils.translation import get_language_info, ngettext
from django.utils.translation import gettext as _

from distributors.blocks import Ints
from distributors.models import Market
from distributors.wording import number
from kpis.board import is_about
from kpis.models import Campaign, Priority

from ..ranking.shelf import Shelf, readable_in
from .trial import Change, Figures, Mask

#: Languages in which something is read, with the ids of the markets where it is.
Spoken = Mapping[str, Sequence[int]]


def of(given: Change, found: Figures, spoken: Spoken) -> list[str]:
    """A sentence each, the gravest first. No query."""
    priorities = given.priorities
    if not priorities:
        return [*few(found), _("Without weights this campaign counts for nobody.")]
    parts = list(parts_of_the_field(given, found.counted.rows))
    nobody = [one for one in priorities if not any(is_about(one, *part) for part in parts)]
    reached = [one for one in priorities if one not in nobody]
    markets = np.unique([given.shelf.market_index[market.pk] for market, _segments in parts]).astype(np.int64)
    unmoved = [one for one in reached if not moving(given.shelf, one, markets).any()]
    return [
        *few(found),
        *elsewhere(given, found),
        *(out_of_scope(given.shelf, one) for one in nobody if parts),
        *without_activity(unmoved),
        *without_words(given.shelf, [one for one in reached if one not in unmoved], spoken),
    ]


def few(found: Figures) -> Iterator[str]:
    """214 people would get fewer than three activities, as many as now."""
    then, now = found.few.people, found.few_before.people
    if not then:
        return
    said = {"n": number(then), "more": number(abs(then - now))}
    if then == now:
        yield (
            ngettext(
                "%(n)s person would get fewer than three activities, as now.",
                "%(n)s people would get fewer than three activities, as many as now.",
                then,
            )
            % said
        )
    elif then > now:
        yield (
            ngettext(
                "%(n)s person would get fewer than three activities, %(more)s more than now.",
                "%(n)s people would get fewer than three activities, %(more)s more than now.",
                then,
            )
            % said
        )
    else:
        yield (
            ngettext(
                "%(n)s person would get fewer than three activities, %(more)s less than now.",
                "%(n)s people would get fewer than three activities, %(more)s less than now.",
                then,
            )
            % said
        )


def elsewhere(given: Change, found: Figures) -> Iterator[str]:
    """For 4,000 people another campaign counts: Mexico spring."""
    rows: dict[Campaign | None, int] = {}
    for row in np.flatnonzero(found.counted.rows).tolist():
        campaign = given.after.priorities[row].campaign
        rows[campaign] = rows.get(campaign, 0) + int(found.counted.rows[row])
    none = rows.pop(None, 0)
    others = {campaign: n for campaign, n in rows.items() if campaign and campaign.pk != given.campaign.pk}
    if people := scaled(sum(others.values()), found):
        names = ", ".join(sorted(str(campaign) for campaign in others))
        yield ngettext(
            "For %(n)s person another campaign counts: %(names)s.",
            "For %(n)s people another campaign counts: %(names)s.",
            people,
        ) % {"n": number(people), "names": names}
    if people := scaled(none, found):
        yield ngettext(
            "For %(n)s person none of these weights counts.", "For %(n)s people none of these weights counts.", people
        ) % {"n": number(people)}


def scaled(people: int, found: Figures) -> int:
    return round(people * found.total / max(1, found.seen))


def parts_of_the_field(given: Change, rows: Ints) -> Iterator[tuple[Market, frozenset[int]]]:
    """Every market and set of segments (ids) that anybody of the audience belongs to."""
    segments = [one.pk for one in given.after.segments]
    for row in np.flatnonzero(rows).tolist():
        market, bits = divmod(row, 1 << len(segments))
        yield given.shelf.markets[market], frozenset(pk for i, pk in enumerate(segments) if bits >> i & 1)


def out_of_scope(shelf: Shelf, priority: Priority) -> str:
    """Order size moves nothing: it counts in Mexico only."""
    kpi = priority.kpi
    market = shelf.markets[shelf.market_index[kpi.market_id]].name if kpi.market_id else ""
    said = {"kpi": kpi, "market": market, "segment": kpi.segment}
    if market and kpi.segment:
        return _("%(kpi)s counts for nobody here: it is for “%(segment)s” in %(market)s.") % said
    if market:
        return _("%(kpi)s counts for nobody here: it is for %(market)s.") % said
    return _("%(kpi)s counts for nobody here: it is for “%(segment)s”.") % said


def without_activity(unmoved: Sequence[Priority]) -> Iterator[str]:
    if unmoved:
        yield _("No published activity moves %(kpis)s.") % {"kpis": named(unmoved)}


def without_words(shelf: Shelf, priorities: Sequence[Priority], spoken: Spoken) -> Iterator[str]:
    """Spanish has no content for Order size: English would be read instead, or nothing."""
    for language in sorted(spoken):
        places = np.array([shelf.market_index[pk] for pk in spoken[language] if pk in shelf.market_index], np.int64)
        own = written_in(shelf, language)
        missing = [
            one
            for one in priorities
            if len(mine := markets_of(shelf, one, places)) and not (moving(shelf, one, mine) & own).any()
        ]
        if missing:
            yield _("%(language)s has no content for %(kpis)s.") % {
                "language": language_name(language),
                "kpis": named(missing),
            }


def markets_of(shelf: Shelf, priority: Priority, places: Ints) -> Ints:
    """Those of these markets in which the KPI counts."""
    market = priority.kpi.market_id
    return places if market is None else places[places == shelf.market_index[market]]


def moving(shelf: Shelf, priority: Priority, markets: Ints) -> Mask:
    """A: which activities that any of these markets has move the KPI the way it should go."""
    key = shelf.key_index.get(priority.kpi.key)
    if key is None:
        return np.zeros(len(shelf.activities), bool)
    moves = shelf.arrays.effects[:, key] * priority.kpi.direction > 0
    return moves & shelf.arrays.sold[markets].astype(bool).any(axis=0)


def written_in(shelf: Shelf, language: str) -> Mask:
    """A: which activities have words in this very language, `de` for `de-at`; English is not a help for the others."""
    own = readable_in(language)[:2]
    return np.array([any(one in words for one in own) for words in shelf.words], bool)


def language_name(code: str) -> str:
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


def named(priorities: Sequence[Priority]) -> str:
    return ", ".join(str(one.kpi) for one in priorities)
