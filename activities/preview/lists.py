"""One sample person's five cards now and with a draft, side by side, as HQ reads them: customers by their initials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from distributors import wording
from distributors.models import Distributor
from kpis.models import KPI, Campaign

from .. import recommend
from ..cards import Candidate
from ..ranking import candidates
from ..ranking.person import Ranking, rank
from ..ranking.shelf import FALLBACK_LANGUAGE
from ..whys import Words
from .trial import Change

#: The drawing of the moves between the lists, in its own units: the first card's middle, from card to card, what is above.
FIRST, STEP, HEAD, END = 50, 52, 24, 2


@dataclass(frozen=True)
class Line:
    """A card of one of the lists. `tag`: the KPI it moves most, or what else it is for; `move`: up 2, new, leaves."""

    place: int
    title: str
    tag: str
    move: str = ""
    rises: bool = False
    leaves: bool = False


@dataclass(frozen=True)
class Slope:
    path: str
    rises: bool


@dataclass(frozen=True)
class Told:
    person: Distributor
    about: str  # Sales this week 75%. 4 customers due, 9 recruits.
    now: str  # Now, live v4
    then: str
    note: str  # why nothing may change for her, else empty
    before: list[Line]
    after: list[Line]
    slopes: list[Slope]
    dots: list[int]  # where cards come from nowhere
    height: int


@dataclass(frozen=True)
class Shown:
    """A card of one list: its key, its title in HQ's language, its tag."""

    key: str
    title: str
    tag: str


def told(distributor: Distributor, given: Change) -> Told:
    """Load her `with_market()`. Some twenty queries; nothing is written about her."""
    before = rank(distributor, as_of=given.as_of)
    after = rank(distributor, as_of=given.as_of, board=given.board)
    names = names_of(given)
    now, then = shown(before, names), shown(after, names)
    was = {card.key: place for place, card in enumerate(now, start=1)}
    will = {card.key: place for place, card in enumerate(then, start=1)}
    both = [(place, will[key]) for key, place in was.items() if key in will]
    return Told(
        person=distributor,
        about=about(before),
        now=now_heading(before, given.campaign),
        then=_("With this draft, v%(n)d") % {"n": given.plan.versions[0].number},
        note=note(after, given.campaign),
        before=[line(place, one, will) for place, one in enumerate(now, start=1)],
        after=[moved(place, one, was) for place, one in enumerate(then, start=1)],
        slopes=sorted((slope(*pair) for pair in both), key=lambda one: one.rises),
        dots=[middle(place) for key, place in will.items() if key not in was],
        height=HEAD + STEP * max(len(now), len(then)) + END,
    )


def shown(ranking: Ranking, names: Mapping[str, str]) -> list[Shown]:
    """Her list, without who was erased meanwhile."""
    placed = [one.index for one in recommend.slate(ranking)]
    loaded = candidates.veiled(candidates.load(ranking, placed)).candidates
    return [Shown(ranking.keys[i], title(ranking, i, loaded[i]), tag(ranking, i, names)) for i in placed if i in loaded]


def title(ranking: Ranking, index: int, candidate: Candidate) -> str:
    """In the reader's language as far as it is written in it, else in hers."""
    place = int(ranking.found.room.cards.card["activity"][index])
    text = ranking.shelf.text(place, get_language() or FALLBACK_LANGUAGE) or candidate.text
    return Words.of(candidate, ranking.distributor).fill(text.title)


def tag(ranking: Ranking, index: int, names: Mapping[str, str]) -> str:
    """The KPI with the largest part in the card's score; what no KPI speaks for is to learn, or for her own goals."""
    parts = ranking.terms.by_kpi[index]
    if len(parts) and parts.max() > 0:
        key = list(ranking.priorities.weights)[int(np.argmax(parts))]
        return names.get(key) or ranking.priorities.words[key]
    if ranking.activity(index).is_learning:
        return _("To learn")
    return _("Own goal") if ranking.terms.own[index] > 0 else ""


def names_of(given: Change) -> dict[str, str]:
    """What HQ calls a KPI, by metric key; of two that lead to the same activities the weightier one in the draft."""
    found = {kpi.key: kpi.name for kpi in KPI.objects.order_by("-pk")}
    return found | {one.kpi.key: one.kpi.name for one in reversed(given.priorities)}


# Words


def about(ranking: Ranking) -> str:
    """Sales this week 75%, Enrolments in August 66%. 4 customers due, 9 recruits."""
    lines = wording.line_names(state.goal.scope for state in ranking.goals)
    goals = [
        f"{wording.goal_title(one.goal, one.first, one.last, lines)} {wording.percent(one.percent)}"
        for one in ranking.goals
    ]
    due, team = ranking.due_customers, len(np.unique(ranking.people.recruits["id"]))
    counts = [
        ngettext("%(n)s customer due", "%(n)s customers due", due) % {"n": due},
        ngettext("%(n)s recruit", "%(n)s recruits", team) % {"n": team},
    ]
    return " ".join(f"{', '.join(part)}." for part in (goals or [_("No goal")], counts))


def now_heading(ranking: Ranking, campaign: Campaign) -> str:
    """Now, live v4 · Now, Mexico spring v2 · Now, without priorities"""
    live = ranking.priorities
    if live.campaign is None:
        return _("Now, without priorities")
    number = live.version.rpartition(".")[2]
    if live.campaign.pk == campaign.pk:
        return _("Now, live v%(n)s") % {"n": number}
    return _("Now, %(campaign)s v%(n)s") % {"campaign": live.campaign, "n": number}


def note(ranking: Ranking, campaign: Campaign) -> str:
    """Why the draft does not count for her, when it does not."""
    counts = ranking.priorities.campaign
    if counts is None:
        return _("None of these weights counts for her.")
    if counts.pk != campaign.pk:
        return _("For her %(campaign)s counts, not this one.") % {"campaign": counts}
    return ""


def line(place: int, card: Shown, will: Mapping[str, int]) -> Line:
    leaves = card.key not in will
    return Line(place, card.title, card.tag, _("leaves") if leaves else "", leaves=leaves)


def moved(place: int, card: Shown, was: Mapping[str, int]) -> Line:
    if card.key not in was:
        return Line(place, card.title, card.tag, _("new"), rises=True)
    up = was[card.key] - place
    move = (_("up %(n)d") if up > 0 else _("down %(n)d")) % {"n": abs(up)} if up else ""
    return Line(place, card.title, card.tag, move, rises=up > 0)


# The drawing beside them


def middle(place: int) -> int:
    return FIRST + STEP * (place - 1)


def slope(before: int, after: int) -> Slope:
    a, b = middle(before), middle(after)
    return Slope(f"M4 {a}C26 {a} 26 {b} 48 {b}", rises=after < before)
