"""From the log of shown lists and of what was done to the estimator's arrays: would other weights have shown what is done?

A list is one person's first of a day: the noise is seeded by the day, so a later one is no second throw of the dice
(effects.py). A shown card counts as done when she did it after it was shown, on that day or on the WITHIN days after; pins
take no part. A list is weighed again from its log alone: S is linear in the KPI weights and in alpha, so a KPI's part times
new weight / old weight is what it would have added, as long as the old weight was not 0.

What stays as it was: the candidates, their chances, and what she had been shown and had done before that day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from distributors import segments, versions
from distributors.blocks import Floats, Ints
from distributors.kept import Kept
from distributors.models import Distributor, Market
from distributors.records import Records
from distributors.wording import day_short
from kpis import campaigns, priorities
from kpis.board import Board
from kpis.models import Campaign
from kpis.priorities import Priorities
from kpis.proposals import Proposal

from ..models import Action, Slate
from ..ranking import drawing
from ..ranking.drawing import Slot
from ..ranking.scoring import OWN_SHARE_FLOOR
from . import off_policy, redrawing
from .off_policy import Estimate
from .redrawing import LISTED, Chances, Lists, Mask
from .replay import CLOSE, DRAWN_BY

#: Days whose lists are read, and those after a list's own on which what was done still counts for it.
WINDOW, WITHIN = 28, 2
#: Newest lists that are read, and how many at a time: one is some 5 KB of log.
MOST, BATCH = 20_000, 500
PLACES = 5
#: No figure from fewer effective lists, or fewer people: between people is what errors are counted by.
LEAST, LEAST_PEOPLE = 200, 30
#: Nor when less than this share of the cards could have been drawn then: who was not among the few that competed for a slot
#: (drawing.POOL) had no chance at all. The log holds nothing of them, and the estimate takes them to be like the others.
POSSIBLE = 0.9
#: What is read is kept for so many seconds: every move of a slider asks again.
FRESH = 1800

Done = dict[tuple[int, int, str], list[tuple[date, datetime]]]


class CannotSay(Exception):  # noqa: N818 (what callers tell the reader)
    """The log cannot answer; the sentence says why."""


@dataclass(frozen=True)
class Answer:
    found: Estimate
    first: date
    last: date
    cards: int  # drawn ones
    possible: float  # share of the cards with these weights that could have been drawn then
    left_out: int  # lists of the same people that could not be weighed again
    capped: bool  # there were more than MOST


class Then(NamedTuple):
    """By what a list was ranked: its KPIs by metric key and what weight they had, a minus where they should fall."""

    kpis: tuple[str, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Book:
    """The logged lists of a campaign's people, with what came of them. Shared between readers, never changed."""

    lists: Lists
    logged: Floats  # L x P: the chances that were logged; 1 where no lot was drawn
    reward: Floats  # L x P
    person: Ints
    market: Ints  # ids
    then: list[Then]
    ranked_by: Ints  # L: which of `then`
    share: Floats  # L: alpha
    hers: Floats  # L: the share she asked to keep
    first: date
    last: date
    older: int  # lists whose log does not hold what is needed
    capped: bool


class Weighing(NamedTuple):
    """What becomes of each list's terms (redrawing.py), L or L x J."""

    reached: Mask  # the weights would count for her now
    can: Mask  # and her list can be weighed again
    own_by: Floats
    company_by: Floats
    lacking: list[str]  # metric keys that have a weight now and had none in some list


# Answering


def answer(proposal: Proposal, as_of: datetime) -> Answer:
    """How many cards of a list were done, and would have been with these weights. CannotSay when the log cannot tell."""
    if not proposal.weights:
        raise CannotSay(_("Give at least one KPI some points first."))
    book = book_of(proposal.campaign, as_of)
    if not len(book.person):
        raise CannotSay(why_no_lists(proposal.campaign, book, as_of))
    board = proposal.board()
    weighing = weighed(book, proposal.campaign, board, as_of)
    if not weighing.reached.any():
        raise CannotSay(_("Other campaigns count for all of these people now, so these weights would reach nobody."))
    if not weighing.can.any():
        raise CannotSay(why_not_weighed(weighing, board))
    found = redrawing.chances(book.lists, weighing.own_by, weighing.company_by, weighing.can)
    # A draw that its log does not explain is left out, as everywhere (contests.py).
    right = weighing.can & (np.abs(found.then - book.logged) <= CLOSE).all(axis=1)
    if not right.any():
        raise CannotSay(older_log())
    return answered(book, right, found, int((weighing.reached & ~right).sum()))


def answered(book: Book, right: Mask, found: Chances, left_out: int) -> Answer:
    weights = off_policy.cumulative(found.now[right], book.logged[right])
    effective, people = int(round(off_policy.effective_size(weights), 6)), len(np.unique(book.person[right]))
    if people < LEAST_PEOPLE:
        raise CannotSay(
            _("Lists of %(people)s people can be weighed again; an estimate takes %(least)s.")
            % {"people": people, "least": LEAST_PEOPLE}
        )
    if effective < LEAST:
        said = {"effective": effective, "lists": int(right.sum()), "least": LEAST}
        raise CannotSay(
            _(
                "For these weights the %(lists)s lists that were shown say as much as %(effective)s would; an estimate takes "
                "%(least)s."
            )
            % said
        )
    if (possible := could_be_drawn(weights, found.possible[right], book.lists.drawn[right])) < POSSIBLE:
        raise CannotSay(
            _(
                "Many cards that these weights would show could not be on the lists of the last weeks, so the log cannot say."
            )
        )
    return Answer(
        off_policy.estimate(weights, book.reward[right], book.person[right]), book.first, book.last,
        int(book.lists.drawn[right].sum()), possible, left_out + book.older, book.capped,
    )  # fmt: skip


def could_be_drawn(weights: Floats, possible: Floats, drawn: Mask) -> float:
    """What share of the cards of lists with the new weights could have been drawn then, each given those above it."""
    above = np.column_stack([np.ones(len(weights)), weights[:, :-1]]) * drawn
    total = above.sum(axis=0)
    return float(((above * possible).sum(axis=0)[total > 0] / total[total > 0]).mean())


# Why not


def older_log() -> str:
    return _(
        "The lists of the last weeks are from before their weights were noted, or were drawn in another way: they cannot be weighed again."
    )


def why_no_lists(campaign: Campaign, book: Book, as_of: datetime) -> str:
    if book.older:
        return older_log()
    people = Distributor.objects.filter(campaigns.audience(campaign, as_of))
    if not people.exists():
        return _("This campaign is for nobody now.")
    newest = Slate.objects.filter(distributor__in=people).aggregate(newest=Max("day"))["newest"]
    if newest is None:
        return _("None of these people has been shown a list yet.")
    if newest > book.last:
        return _("The lists shown so far are too fresh: what was done counts for three days, and those are not over.")
    return _("The newest list of these people is of %(day)s, which is too long ago to say.") % {
        "day": day_short(newest)
    }


def why_not_weighed(weighing: Weighing, board: Board) -> str:
    names = {one.kpi.key: str(one.kpi) for plan in board.plans for each in plan.priorities.values() for one in each}
    if not weighing.lacking:
        return _("The company's priorities had no share in the lists of the last weeks, so the log cannot say.")
    kpi = names.get(weighing.lacking[0], weighing.lacking[0])
    return _("%(kpi)s was not weighed in the lists of the last weeks, so the log cannot say.") % {"kpi": kpi}


# Weighing


def weighed(book: Book, campaign: Campaign, board: Board, as_of: datetime) -> Weighing:
    """What of `board` counts for each list's person now, over what was weighed in the list."""
    rows, row_of = rows_of(book, campaign, board, as_of)
    many, width = book.lists.shown.shape[0], book.lists.parts.shape[1]
    reached, can = np.zeros(many, np.bool_), np.zeros(many, np.bool_)
    own_by, company_by, lacking = np.ones(many), np.zeros((many, width)), dict[str, None]()
    for row, now in enumerate(rows):
        if now is None:
            continue
        reached |= row_of == row
        for ranked_by, then in enumerate(book.then):
            at = np.flatnonzero((row_of == row) & (book.ranked_by == ranked_by))
            if not len(at):
                continue
            share = np.maximum(max(OWN_SHARE_FLOOR, now.own_goal_share), book.hers[at])
            own_by[at] = share / book.share[at]
            missing = [key for key in now.weights if key not in then.kpis]
            lacking |= dict.fromkeys(missing)
            # Where her own goals keep everything, the company's part is 0 whatever was weighed.
            can[at] = (share >= 1) | ((book.share[at] < 1) & (not missing))
            left = np.divide(1 - share, 1 - book.share[at], out=np.zeros(len(at)), where=book.share[at] < 1)
            company_by[at, : len(then.kpis)] = left[:, None] * ratios(now, then)
    return Weighing(reached, can, own_by, company_by, list(lacking))


def ratios(now: Priorities, then: Then) -> Floats:
    """New weight / old weight by KPI of then."""
    signed = {key: weight * now.directions[key] for key, weight in now.weights.items()}
    return np.array([signed.get(key, 0.0) / old for key, old in zip(then.kpis, then.weights, strict=True)], np.float64)


def rows_of(book: Book, campaign: Campaign, board: Board, as_of: datetime) -> tuple[list[Priorities | None], Ints]:
    """What counts by market and set of segments, None when it is another campaign's; and which of them for each list."""
    markets = {one.pk: one for one in Market.objects.filter(pk__in=np.unique(book.market).tolist())}
    bits = bits_of(book.person, markets.values(), board, as_of)
    each, row_of = np.unique(np.column_stack([book.market, bits]), axis=0, return_inverse=True)
    rows: list[Priorities | None] = []
    for market_id, mine in each.tolist():
        market = markets[market_id]
        theirs = frozenset(segment.pk for i, segment in enumerate(board.segments) if mine >> i & 1)
        counting = board.counting(market, as_of, theirs)
        ours = bool(counting) and counting[0].version.campaign_id == campaign.pk
        rows.append(priorities.told(counting, market.language) if ours else None)
    return rows, row_of.reshape(-1)


def bits_of(person: Ints, markets: Iterable[Market], board: Board, as_of: datetime) -> Ints:
    """Bit i is set for who belongs to the board's i-th segment now. A query each."""
    found = np.zeros(len(person), np.int64)
    people = np.unique(person).tolist() if board.segments else []
    for i, segment in enumerate(board.segments):
        asked = Q(pk__in=[])
        for market in markets:
            asked |= Q(market=market) & segments.condition(segment, market.local_day(as_of))
        ids = list(Distributor.objects.filter(asked, pk__in=people).values_list("pk", flat=True))
        found |= np.isin(person, ids).astype(np.int64) << i
    return found


# Reading


KEPT: Kept[Book] = Kept(most=1)


def book_of(campaign: Campaign, as_of: datetime) -> Book:
    """Kept for some minutes: the lists of then change no more, and a slider asks again and again."""
    names = ("kpis", "reference")
    numbers = versions.current()
    return KEPT.of(
        (campaign.pk, *(numbers[name] for name in names), int(as_of.timestamp()) // FRESH),
        lambda: read(campaign, as_of),
        holds=lambda: all(versions.current()[name] == numbers[name] for name in names),
    )


class Row(NamedTuple):
    """What is read of a slate."""

    distributor_id: int
    market_id: int
    day: date
    shown_at: datetime
    versions: dict[str, Any]
    cards: list[dict[str, Any]]
    eligible: list[list[Any]]


class Listed(NamedTuple):
    """One list: n candidates that no rule barred, P places."""

    distributor_id: int
    market_id: int
    day: date
    shown_at: datetime
    then: Then
    share: float
    hers: float
    card: Records
    parts: npt.NDArray[np.float32]
    shown: list[int]
    drawn: list[bool]
    logged: list[float]
    asked: list[tuple[int, str]]  # of each card: activity, and whom it is about


def read(campaign: Campaign, as_of: datetime) -> Book:
    last = last_day(as_of)
    first = last - timedelta(days=WINDOW - 1)
    ids = list(newest(campaign, first, last, as_of).values_list("pk", flat=True)[: MOST + 1])
    people = People()
    found = [listed(row, people) for row in rows_in(ids[:MOST])]
    known = [one for one in found if one is not None]
    return booked(known, first, last, len(found) - len(known), capped=len(ids) > MOST)


def last_day(as_of: datetime) -> date:
    """The last one whose following days are over on every clock of the world."""
    return as_of.date() - timedelta(days=WITHIN + 2)


def newest(campaign: Campaign, first: date, last: date, as_of: datetime) -> QuerySet[Slate]:
    """The first list of each person and day, the newest first."""
    mine = Slate.objects.filter(distributor=OuterRef("distributor"), day=OuterRef("day"))
    earlier = mine.filter(
        Q(shown_at__lt=OuterRef("shown_at")) | Q(shown_at=OuterRef("shown_at"), pk__lt=OuterRef("pk"))
    )
    people = Distributor.objects.filter(campaigns.audience(campaign, as_of))
    return (
        Slate.objects.filter(day__gte=first, day__lte=last, distributor__in=people)
        .exclude(Exists(earlier))
        .order_by("-pk")
    )


def rows_in(ids: Sequence[int]) -> Iterator[Row]:
    for at in range(0, len(ids), BATCH):
        slates = Slate.objects.filter(pk__in=ids[at : at + BATCH]).values_list(
            "distributor_id", "distributor__market_id", "day", "shown_at", "versions", "cards", "eligible"
        )
        yield from (Row(*slate) for slate in slates)


def listed(row: Row, people: People) -> Listed | None:
    """None when the log does not hold what it takes, or the list was drawn in another way."""
    if not can_be_weighed(row):
        return None
    names, cards = row.versions["columns"], row.cards[:PLACES]
    keys = [line[0] for line in row.eligible]
    if not {one["key"] for one in cards} <= set(keys):
        return None
    values = np.array([line[1:] for line in row.eligible], np.float64)
    column = dict(zip(names[1:], values.T, strict=False))
    card = np.zeros(len(values), LISTED)
    for name in ("own", "company", "fatigue", "rules", "activity"):
        card[name] = column[name]
    card["learned"], card["learning"] = column["learning"], column["lesson"]
    # Whom a card is about matters only as far as it is the same person.
    card["about"] = [people[key.partition(".")[2]] for key in keys]
    card["kind"] = card["about"] > 0
    keep = column["barred"] == 0
    place = np.cumsum(keep) - 1
    empty = PLACES - len(cards)
    drawn = [one["slot"] != Slot.PIN for one in cards]
    said = row.versions
    return Listed(
        row.distributor_id, row.market_id, row.day, row.shown_at,
        Then(tuple(said["kpis"]), tuple(said["weights"])), said["own_goal_share"], said["her_share"],
        card[keep], values[keep, len(names) - 1 :].astype(np.float32),
        [int(place[keys.index(one["key"])]) for one in cards] + [-1] * empty,
        drawn + [False] * empty,
        [one["propensity"] if lot else 1.0 for one, lot in zip(cards, drawn, strict=True)] + [1.0] * empty,
        [(one["activity"], one["key"].partition(".")[2]) for one in cards],
    )  # fmt: skip


class People(dict[str, int]):
    """A number for each person a card may be about, as they come; 0 for nobody."""

    def __init__(self) -> None:
        super().__init__({"": 0})

    def __missing__(self, about: str) -> int:
        self[about] = len(self)
        return self[about]


def can_be_weighed(row: Row) -> bool:
    said = row.versions
    columns = said.get("columns", [])
    return (
        said.get("drawing") == drawing.VERSION
        and bool(said.get("noise"))
        and {"weights", "own_goal_share", "her_share"} <= said.keys()
        and columns[:1] == ["key"]
        and set(columns) >= DRAWN_BY
        and bool(row.eligible)
    )


def booked(found: Sequence[Listed], first: date, last: date, older: int, *, capped: bool) -> Book:
    then: dict[Then, int] = {}
    ranked_by = [then.setdefault(one.then, len(then)) for one in found]
    person = np.array([one.distributor_id for one in found], np.int64)
    done = done_by(np.unique(person).tolist(), first, last)
    many = len(found)
    return Book(
        Lists(
            np.cumsum([0, *(len(one.card) for one in found)], dtype=np.int64),
            np.concatenate([np.zeros(0, LISTED), *(one.card for one in found)]),
            side_by_side([one.parts for one in found]),
            np.array([one.shown for one in found], np.int64).reshape(many, PLACES),
            np.array([one.drawn for one in found], np.bool_).reshape(many, PLACES),
        ),
        logged=np.array([one.logged for one in found], np.float64).reshape(many, PLACES),
        reward=np.array([rewards(one, done) for one in found], np.float64).reshape(many, PLACES),
        person=person,
        market=np.array([one.market_id for one in found], np.int64),
        then=list(then),
        ranked_by=np.array(ranked_by, np.int64),
        share=np.array([one.share for one in found], np.float64),
        hers=np.array([one.hers for one in found], np.float64),
        first=first, last=last, older=older, capped=capped,
    )  # fmt: skip


def side_by_side(parts: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """One below the other, with as many columns as the widest has."""
    found = np.zeros((sum(len(one) for one in parts), max((one.shape[1] for one in parts), default=0)), np.float32)
    at = 0
    for one in parts:
        found[at : at + len(one), : one.shape[1]] = one
        at += len(one)
    return found


def done_by(people: list[int], first: date, last: date) -> Done:
    """What these people did and had not taken back: when, by person, activity and whom it was about."""
    rows = (
        Action.objects.standing()
        .filter(
            distributor_id__in=people, kind=Action.Kind.DONE, day__gte=first, day__lte=last + timedelta(days=WITHIN)
        )
        .values_list("distributor_id", "activity_id", "about_key", "day", "at")
    )
    found: Done = defaultdict(list)
    for distributor_id, activity_id, about_key, day, at in rows:
        found[distributor_id, activity_id, about_key].append((day, at))
    return found


def rewards(one: Listed, done: Done) -> list[float]:
    """1 for each card that she did after it was shown, in time; pins and empty places have none."""
    until, found = one.day + timedelta(days=WITHIN), [0.0] * PLACES
    for place, card in enumerate(one.asked):
        deeds = done.get((one.distributor_id, *card), ())
        found[place] = float(one.drawn[place] and any(at >= one.shown_at and day <= until for day, at in deeds))
    return found
