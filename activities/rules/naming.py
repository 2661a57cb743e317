"""What rules may name, each with the words that HQ reads for it: markets, lines, activities, segments, campaigns, ranks."""

from __future__ import annotations

from datetime import timedelta

from django.core.cache import cache
from django.db import connection

from distributors.conditions.worded import Names
from distributors.models import Segment
from kpis.models import Campaign, Incentive

from ..evidence.slate_table import FIELD
from ..ranking import shelf as shelves
from ..ranking.shelf import Shelf

#: How long the ranks are kept: they are looked for among everybody.
KEPT = timedelta(minutes=5)


def of(language: str, shelf: Shelf | None = None) -> Names:
    """As a reader of `language` gets them. Five queries, four when the shelf is given, one less when the ranks are kept."""
    shelf = shelf or shelves.current()
    return Names(
        segments=dict(Segment.objects.values_list("pk", "name")),
        lines={code: shelf.line_names[pk] for code, pk in shelf.line_ids.items()},
        activities=titles(shelf, language),
        campaigns=dict(Campaign.objects.values_list("pk", "name")),
        incentives=dict(Incentive.objects.values_list("pk", "name")),
        markets={market.code: market.name for market in shelf.markets},
        ranks=ranks(),
    )


def titles(shelf: Shelf, language: str) -> dict[str, str]:
    """By key, “Win … back” where a name stands; one that has no words she could read is named by its key."""
    found = {}
    for place, activity in enumerate(shelf.activities):
        words = shelf.text(place, language) or next(iter(shelf.words[place].values()), None)
        found[activity.key] = FIELD.sub("…", words.title) if words else activity.key
    return found


#: Those that somebody has, and those that a published version names: it stays valid when nobody has the rank any more.
RANKS = """
SELECT rank FROM distributors_distributor WHERE rank <> ''
UNION
SELECT named #>> '{}' FROM kpis_ruleversion,
     jsonb_path_query(definition, '$.** ? (@.type() == "object" && @.fact == "rank").value[*]') AS named
WHERE jsonb_typeof(named) = 'string'
"""


def ranks() -> list[str]:
    """All there are to choose from, as of KEPT ago at most."""
    place = f"rules.ranks.{connection.settings_dict['NAME']}"
    found: list[str] | None = cache.get(place)
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(RANKS)
            found = sorted(rank for (rank,) in cursor.fetchall())
        cache.set(place, found, KEPT.total_seconds())
    return found
