"""Why a rule put a card there, in the words of who reads it: her own figures, or those of her recruit that a leader may see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from django.conf import settings
from django.utils.translation import gettext as _

from distributors import versions
from distributors.conditions import Leaf, worded
from distributors.conditions.vocabulary import METRIC, VOCABULARY, Group
from distributors.conditions.worded import Names
from distributors.kept import Kept
from distributors.models import Segment
from distributors.wording import day_short
from kpis.models import Campaign, Incentive

from ..cards import Candidate, Reason
from ..ranking import kernel
from ..ranking.person import Ranking
from ..ranking.shelf import Shelf, numbers_of
from . import naming
from .decisions import BOOST, PIN, TRIGGER, Decision, Did, Known

#: What speaks most for a card comes first; of what is not here nobody needs to be told (that it is Monday, her language).
STRONGEST = (
    Group.FIGURES, Group.GOALS, Group.CUSTOMERS, Group.CAMPAIGNS, Group.ACTIONS, Group.PROFILE,
)  # fmt: skip
#: How HQ files her is no reason to tell her, nor a market or language.
UNTOLD = frozenset({"in_segment", "market", "language"})
#: What a leader sees of a recruit (F23): performance and who she is. A chance is a guess about her, so it is not there.
FOR_LEADERS = frozenset({Group.FIGURES, Group.PROFILE})
NOT_FOR_LEADERS = frozenset({"decline"})
#: Of figures: what she sells and whom she brings. How she works (her list, her to-dos, lessons, visits) is her own business.
METRICS_FOR_LEADERS = frozenset(
    {"sales", "orders", "repeat_orders", "order_size", "enrolments", "retained_recruits"}
)  # fmt: skip
MOST = 2


def reason(ranking: Ranking, index: int, candidate: Candidate) -> Reason | None:
    """For a card that a rule put there or moved up; None for any other."""
    for decision, did in acting(ranking, index):
        said = sentences(ranking, decision, candidate)
        if said:
            return Reason("rule", heading(decision, current(ranking, decision)), said)
        if did.effect in {PIN, TRIGGER}:
            return Reason("rule", _("Why now"), neutral(decision, ranking, candidate))
    return None


def panel(ranking: Ranking, index: int, candidate: Candidate) -> Reason | None:
    """The reason as the Why panel has it: of a card in the place of the pin, who put it there too, and until when."""
    found, top = reason(ranking, index, candidate), on_top(ranking, index)
    if found is None or not top:
        return found
    # That the company picked it is in what follows.
    facts = "" if found.sentence == picked() else found.sentence
    return replace(found, sentence=" ".join(filter(None, [facts, top])))


def is_pinned(ranking: Ranking, index: int) -> bool:
    """Whether the card stands in the place that rules give, outside the draw."""
    return int(kernel.pinned(0, len(ranking), ranking.rules, ranking.found.room.cards.card)) == index


def on_top(ranking: Ranking, index: int) -> str:
    """YouSystem put this on top of your list until 30 August. Empty for a card that is not in the place of the pin."""
    until = top_until(ranking, index)
    if until is None:
        return ""
    said = {"company": company(), "day": day_short(until)}
    return _("%(company)s put this on top of your list until %(day)s. It takes one of the five places.") % said


def top_until(ranking: Ranking, index: int) -> date | None:
    """The last day, hers, of what keeps the card on top; None for a card that nothing keeps there."""
    if not is_pinned(ranking, index):
        return None
    # What another call is in the way of moves the card up, and does not keep it there.
    kept = [did.until for _decision, did in acting(ranking, index) if did.effect in {PIN, TRIGGER} and not did.amount]
    return max((day for day in kept if day is not None), default=None)


def placed(ranking: Ranking, index: int, candidate: Candidate) -> str:
    """The sentence of a card that a rule put there; empty for one that it only moved, or did not touch."""
    acted = any(did.effect in {PIN, TRIGGER} for _decision, did in acting(ranking, index))
    found = reason(ranking, index, candidate) if acted else None
    return found.sentence if found else ""


def acting(ranking: Ranking, index: int) -> Iterator[tuple[Decision, Did]]:
    """What speaks for the card, most telling first."""
    card = ranking.found.room.cards.card[index]
    recruit = int(card["about"]) if card["kind"] == 2 else 0
    for decision, did in ranking.ruling.on(int(card["activity"]), recruit):
        if did.effect in {PIN, TRIGGER} or (did.effect == BOOST and did.amount > 0):
            yield decision, did


def current(ranking: Ranking, decision: Decision) -> Decision:
    """The same rule as it holds for her today, if it does: newer figures than those it fired on."""
    if decision.since is None or decision.whom != ranking.distributor.pk:
        return decision
    now = (one for one in ranking.ruling.decisions() if one.rule == decision.rule and one.since is None and one.facts)
    return next(now, decision)


def heading(decision: Decision, told: Decision) -> str:
    """Why now · Why now: seen on 24 August, of figures that may have moved since."""
    if told.since is None:
        return _("Why now")
    return _("Why now: seen on %(day)s") % {"day": day_short(told.since)}


def sentences(ranking: Ranking, decision: Decision, candidate: Candidate) -> str:
    """Your sales in the last 7 days are 62% below your own four weeks before. Empty when there is nothing to be told."""
    her, of = ranking.distributor, current(ranking, decision)
    recruit = candidate.recruit if decision.whom != her.pk else None
    if decision.whom != her.pk and recruit is None:
        return ""
    names = names_of(ranking)
    found: dict[str, None] = {}
    for one in sorted((one for one in of.facts if may_tell(one.leaf, leader=recruit is not None)), key=by_strength):
        said = worded.told(
            one.leaf,
            one.value,
            to="leader" if recruit else "her",
            name=(recruit or her).given_name,
            market=(recruit or her).market,
            names=names,
        )
        if said:
            found[said] = None
    return " ".join(list(found)[:MOST])


def may_tell(leaf: Leaf, *, leader: bool) -> bool:
    """Whether a condition is told to the person it is about, or to her `leader`: on cards and in notices."""
    fact = VOCABULARY[leaf.fact.name]
    if fact.group not in STRONGEST or fact.name in UNTOLD:
        return False
    return not leader or (
        fact.group in FOR_LEADERS
        and fact.name not in NOT_FOR_LEADERS
        and (METRIC not in fact.takes or dict(leaf.fact.of).get(METRIC) in METRICS_FOR_LEADERS)
    )


def by_strength(one: Known) -> int:
    return STRONGEST.index(VOCABULARY[one.leaf.fact.name].group)


def neutral(decision: Decision, ranking: Ranking, candidate: Candidate) -> str:
    """Where the facts are not to be told."""
    if decision.whom != ranking.distributor.pk and candidate.recruit is not None:
        return _("A word from you would help %(name)s now.") % {"name": candidate.recruit.given_name}
    return picked()


def picked() -> str:
    return _("%(company)s has picked this for you now.") % {"company": company()}


def company() -> str:
    return str(getattr(settings, "COMPANY_NAME", "YouSystem"))


KEPT: Kept[Names] = Kept(most=12)
#: The reference data that names are made of. A new prize comes with the rule that names it.
NAMES = ("kpis", "catalogue", "reference", "rules")


def names_of(ranking: Ranking) -> Names:
    """What conditions name, in her language. No query when they are kept."""
    numbers, language = numbers_of(ranking.ruling.numbers, NAMES), ranking.distributor.speaks
    return KEPT.of(
        (*numbers.values(), language),
        lambda: named(ranking.shelf, language),
        holds=lambda: numbers_of(versions.current(), NAMES) == numbers,
    )


def named(shelf: Shelf, language: str) -> Names:
    """Three queries. Ranks are called what they are."""
    return Names(
        segments=dict(Segment.objects.values_list("pk", "name")),
        lines={code: shelf.line_names[pk] for code, pk in shelf.line_ids.items()},
        activities=naming.titles(shelf, language),
        campaigns=dict(Campaign.objects.values_list("pk", "name")),
        incentives=dict(Incentive.objects.values_list("pk", "name")),
        markets={market.code: market.name for market in shelf.markets},
        ranks=(),
    )
