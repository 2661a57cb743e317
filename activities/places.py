"""Why the list is as it is: whose each place is, where a card's points come from, where it would be without the company's.

Only what is true of this very list. Numbers are places among the cards that are shown: a rank among all that could be
shown says nothing to her.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from distributors.wording import percent

from .cards import Card, Feed, Reason
from .explain import Points, company_name, floored, joined
from .ranking import scoring
from .ranking.drawing import Placed, Slot
from .ranking.person import Ranking

HALF = 50  # percent


@dataclass(frozen=True)
class Row:
    """A place of the list: whose it is, where the card's points come from, and where it would be without the company."""

    card: Card
    place: str
    points: str
    standing: str


@dataclass(frozen=True)
class Listed:
    """Why the list is as it is; only what is true of this very list."""

    places: str
    points: str
    rows: list[Row]


def listed(feed: Feed) -> Listed:
    scores = [card.terms.score for card in feed.cards]
    without = [card.terms.score - card.terms.company for card in feed.cards]
    return Listed(
        places_line(feed),
        points_line(feed),
        [
            Row(card, place_name(card.slot, card.company_share), points_of_card(card), standing(scores, without, at))
            for at, card in enumerate(feed.cards)
        ],
    )


def places_line(feed: Feed) -> str:
    """Places in this list: 2 for your goals, 1 for YouSystem’s focus, 1 to learn, 1 placed by YouSystem."""
    counts = Counter(card.slot for card in feed.cards)
    said = {
        Slot.OWN: _("%(n)s for your goals"),
        Slot.COMPANY: _("%(n)s for %(company)s’s focus"),
        Slot.LEARNING: _("%(n)s to learn"),
        Slot.OTHER: _("%(n)s to fill the list"),
        Slot.PIN: _("%(n)s placed by %(company)s"),
    }
    places = [words % {"n": counts[slot], "company": company_name()} for slot, words in said.items() if counts[slot]]
    return _("Places in this list: %(places)s.") % {"places": ", ".join(places)} if places else ""


def points_line(feed: Feed) -> str:
    """Up to 60 points from her goals, up to 40 from the company: alpha and 1 - alpha. Empty where only one of them counts."""
    if not feed.goals or not any(card.terms.company for card in feed.cards):
        return ""
    own = floored(feed.own_share)
    said = {"own": own, "rest": 100 - own, "company": company_name()}
    return (
        _(
            "A card can get up to %(own)s points from your goals and up to %(rest)s from %(company)s’s focus."
            " Your goals never have less than half of the two, yet a single card can have most of its points from one of them."
        )
        % said
    )


def place_name(slot: Slot, company_share: int) -> str:
    """Whose place the card has; in one for her goals, what else speaks for it as much is not kept quiet."""
    if slot == Slot.OWN and company_share >= HALF:
        return _("For your goals and %(company)s’s focus") % {"company": company_name()}
    return {
        Slot.OWN: _("For your goals"),
        Slot.COMPANY: _("For the company’s focus"),
        Slot.LEARNING: _("To learn"),
        Slot.OTHER: _("To fill the list"),
        Slot.PIN: _("Placed by the company"),
    }[slot]


def points_of_card(card: Card) -> str:
    """Your goals 44% · YouSystem’s focus 55%."""
    terms = card.terms
    parts = Points(terms.own, terms.company, terms.learning, terms.rules)
    said = [
        (_("Your goals %(share)s"), parts.own),
        (_("%(company)s’s focus %(share)s"), parts.company),
        (_("Learning %(share)s"), parts.learning),
        (_("%(company)s’s rules %(share)s"), parts.rules),
    ]
    return " · ".join(
        words % {"share": percent(parts.percent(part)), "company": company_name()} for words, part in said if part > 0
    )


def standing(scores: Sequence[float], without: Sequence[float], at: int) -> str:
    """Where a card of the list stands by its points among those shown, and without the company's. Empty when the company
    has no part in any of them."""
    if all(one == other for one, other in zip(scores, without, strict=True)):
        return ""
    said = {
        "n": among(scores, at), "of": len(scores), "without": among(without, at), "company": company_name()
    }  # fmt: skip
    if said["n"] == said["without"]:
        return _("By points number %(n)s of these %(of)s, with or without %(company)s’s focus.") % said
    return (
        _("By points number %(n)s of these %(of)s; without %(company)s’s focus it would be number %(without)s.") % said
    )


def among(scores: Sequence[float], at: int) -> int:
    """1 for the best; ties share the better place."""
    return 1 + sum(one > scores[at] for one in scores)


def place(ranking: Ranking, placed: Sequence[Placed], index: int) -> Reason | None:
    """Number 2 of 5. For your goals. By points ... None for a card that is not on today's list."""
    at = next((n for n, one in enumerate(placed) if one.index == index), None)
    if at is None:
        return None
    scores = [float(ranking.terms.score[one.index]) for one in placed]
    without = [float(ranking.terms.without_company[one.index]) for one in placed]
    told = joined(
        _("Number %(n)s of %(of)s.") % {"n": at + 1, "of": len(placed)},
        f"{place_name(placed[at].slot, scoring.company_share(ranking.terms, index))}.",
        standing(scores, without, at),
    )
    return Reason("place", _("On today’s list"), told)
