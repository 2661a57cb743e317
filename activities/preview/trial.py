"""What a change of weights would do before it is published: everybody's five cards now and with it, and what differs.

Both lists come from the ranking itself: the kernel finds what a person could be shown once, then scores and draws it with
either weights (kernel.both). So of the people looked at nothing is estimated; figures of a sample are scaled to the
audience and say how far they may be off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from distributors import reordering, versions
from distributors.blocks import Buying, Calendar, Ints, calendar_of, dues
from distributors.chances import spread_for
from distributors.records import NEVER, Records
from distributors.timing import CAP_DAYS, OPEN_BASKET, contacts
from kpis.board import Board, Plan
from kpis.models import Campaign, Priority
from kpis.proposals import Proposal

from ..models import Activity
from ..ranking import kernel, steering
from ..ranking import shelf as shelves
from ..ranking.blocks import People, Steering
from ..ranking.kernel import SLATE
from ..ranking.person import CUSTOMER
from ..ranking.shelf import Shelf
from ..ranking.steering import Course
from ..rules import ruling
from . import sampling
from .sampling import Crowd

#: Whoever gets fewer cards than this has little to do.
FEW = 3
#: Activities told of those that rise most, and of those that fall most.
MOST_MOVED = 5
#: Larger audiences are never counted one by one.
EVERYBODY = 200_000
#: Of a normal distribution, 95 % lie within so many standard errors.
Z = 1.96

Mask = npt.NDArray[np.bool_]


# What is compared


@dataclass(frozen=True, eq=False)
class Change:
    """What counts now (`before`) and what would (`after`), at one moment."""

    proposal: Proposal
    as_of: datetime
    numbers: dict[str, int]
    shelf: Shelf
    calendar: Calendar
    board: Board  # with the proposal in it
    before: Course
    after: Course

    @property
    def campaign(self) -> Campaign:
        return self.proposal.campaign

    @property
    def plan(self) -> Plan:
        """The campaign as if the proposal were its version."""
        return next(plan for plan in self.board.plans if plan.campaign.pk == self.campaign.pk)

    @property
    def priorities(self) -> list[Priority]:
        """The proposal's weights, the weightiest first."""
        return [priority for each in self.plan.priorities.values() for priority in each]

    def arrays(self, people: People) -> tuple[Steering, Steering]:
        """Either weights as the kernel takes them together: as many columns each, and a row for each of these people."""
        width = max(one.arrays.key.shape[1] for one in (self.before, self.after))

        def of(course: Course) -> Steering:
            return widened(course, self.shelf, width)._replace(row=course.rows(people, self.calendar))

        return of(self.before), of(self.after)


def widened(course: Course, shelf: Shelf, width: int) -> Steering:
    """Its arrays with columns of weight 0 up to `width`; they add nothing, to the last bit."""
    if course.arrays.key.shape[1] == width:
        return course.arrays
    return steering.columns(course.priorities, course.scales, shelf, width=width)


def change(proposal: Proposal, as_of: datetime) -> Change:
    """About ten queries."""
    numbers = versions.current()
    shelf = shelves.of(numbers)
    calendar = calendar_of(shelf.markets, as_of)
    board = proposal.board(steering.board_of(numbers, shelf.markets).board)
    return Change(
        proposal,
        as_of,
        numbers,
        shelf,
        calendar,
        board,
        before=steering.of(numbers, shelf, calendar),
        after=steering.built(numbers, shelf, board, as_of),
    )


class Lists(NamedTuple):
    """Slates of n people: native SLATE_CARD records [n, SLATE] and how many count of each."""

    cards: Records
    many: Ints


class Pair(NamedTuple):
    """The lists of the same people with either weights."""

    before: Lists
    after: Lists


def pair(people: People, given: Change) -> Pair:
    """What each of these people would be shown, exactly as her page would, with the same rules before and after.

    One query, for the pools behind their goals, and those of the rules. No rule is fired.
    """
    spread = spread_for(given.shelf.markets, given.calendar, people.goals, people.goals_at, people.market)
    before, after = given.arrays(people)
    decided = ruling.of(
        people, numbers=given.numbers, shelf=given.shelf, calendar=given.calendar, spread=spread, as_of=given.as_of
    )
    buying = reordering.of(given.numbers, given.shelf.markets)
    found = kernel.both(people, given.calendar, spread, buying, given.shelf.arrays, before, after, decided.rules)
    return Pair(Lists(*found[:2]), Lists(*found[2:]))


# Counting


class Tally(NamedTuple):
    """Sums over people, so that blocks add up. Pairs are (before, after)."""

    people: int
    first: int  # whose first card differs
    changed: Ints  # SLATE + 1: how many people have so many cards that differ
    sums: Ints  # MEASURES x 2: cards of each kind
    squares: Ints  # MEASURES: of each person's difference
    few: Ints  # 2: people with fewer than FEW cards
    lists: Ints  # A x 2: lists that have the activity
    rows: Ints  # R: whose list would be steered by each row of `after`
    held: Ints  # 2: customers held back by the caps, and the sum of squares of each person's number of them


#: What is counted by card: messages; messages and calls to somebody who heard from her enough, but for those about a basket
#: she left open, and those about one.
MEASURES = ("messages", "over_cap", "baskets")


def tally(found: Pair, people: People, given: Change) -> Tally:
    n, same = len(people.ids), same_cards(found)
    longest = np.maximum(found.before.many, found.after.many)
    before, after = (measured(lists, people, given) for lists in found)
    return Tally(
        people=n,
        first=int((~same[:, 0, 0] & (longest > 0)).sum()),
        changed=np.bincount(longest - same.any(axis=2).sum(axis=1), minlength=SLATE + 1),
        sums=np.stack([before.sum(axis=1), after.sum(axis=1)], axis=1),
        squares=((after - before) ** 2).sum(axis=1),
        few=np.array([(lists.many < FEW).sum() for lists in found]),
        lists=np.stack([with_activity(lists, given.shelf) for lists in found], axis=1),
        rows=np.bincount(given.after.rows(people, given.calendar), minlength=len(given.after.live)),
        held=summed(held_back(people, given)),
    )


def summed(each: Ints) -> Ints:
    return np.array([each.sum(), (each**2).sum()])


def added(one: Tally, other: Tally) -> Tally:
    return Tally(*(a + b for a, b in zip(one, other, strict=True)))  # type: ignore[operator]


def same_cards(found: Pair) -> Mask:
    """n x SLATE x SLATE: whether a person's i-th card before is her j-th after: the same activity about the same person."""
    before, after = found
    same = (counting(before)[:, :, None]) & (counting(after)[:, None, :])
    for name in ("activity", "kind", "about"):
        same &= before.cards[name][:, :, None] == after.cards[name][:, None, :]
    return same


def counting(lists: Lists) -> Mask:
    """n x SLATE: which of the places hold a card."""
    return np.arange(lists.cards.shape[1]) < lists.many[:, None]


def laid_out(lists: Lists) -> tuple[Ints, Records]:
    """The cards one after the other, and whose each is."""
    held = counting(lists)
    return np.nonzero(held)[0], lists.cards[held]


def places_of(cards: Records, shelf: Shelf) -> Ints:
    """Where on the shelf each card's activity is."""
    ids = shelf.arrays.activity["id"]
    order = np.argsort(ids)
    return order[np.searchsorted(ids[order], cards["activity"])]


def measured(lists: Lists, people: People, given: Change) -> Ints:
    """MEASURES x n: cards of each kind on each person's list."""
    who, cards = laid_out(lists)
    place = places_of(cards, given.shelf)
    form = np.array([one.form for one in given.shelf.activities], object)[place]
    message, call = form == Activity.Form.MESSAGE, form == Activity.Form.CALL
    basket = given.shelf.arrays.activity["about"][place] == OPEN_BASKET
    quiet, often = (about_some(who, cards, people, some) for some in capped(people, given))
    again = message | call
    kinds = (message, again & (often | quiet & ~basket), again & ~often & quiet & basket)
    return np.stack([np.bincount(who[kind], minlength=len(lists.many)) for kind in kinds])


def capped(people: People, given: Change) -> tuple[Mask, Mask]:
    """Of each customer record, whether she heard too lately, and whether she heard too often, as her market has it.

    Asked of the facts alone, not of the reasons that the kernel found: it checks them.
    """
    market = np.repeat(people.market, np.diff(people.customers_at))
    today, caps = given.calendar.today[market], reordering.of(given.numbers, given.shelf.markets)
    contacts = np.stack([people.customers[f"contact_{nth}"] for nth in range(1, 5)], axis=1).astype(np.int64)
    nth = contacts[np.arange(len(market)), caps.most[market] - 1]
    return people.customers["contacted_on"] > today - caps.quiet[market], nth > today - CAP_DAYS


def held_back(people: People, given: Change) -> Ints:
    """n: how many of each person's customers are worth a message today, and wait because of their market's caps alone.

    The same with either weights: caps come before any ranking.
    """
    waits = np.logical_or(*capped(people, given))
    whose = np.repeat(np.arange(len(people.ids)), np.diff(people.customers_at))[waits]
    customers, lines = named_apart(people, waits, whose)
    uncapped = customers.copy()
    for nth in range(1, 5):
        uncapped[f"contact_{nth}"] = NEVER
    buying, market = reordering.of(given.numbers, given.shelf.markets), people.market[whose]
    found = np.zeros(len(people.ids), np.int64)
    for place in np.unique(market).tolist():
        some = market == place
        free = due_among(uncapped[some], lines, place, given, buying._replace(quiet=np.zeros_like(buying.quiet)))
        held = free & ~due_among(customers[some], lines, place, given, buying)
        found += np.bincount(whose[some][held], minlength=len(found))
    return found


def named_apart(people: People, some: Mask, whose: Ints) -> tuple[Records, Records]:
    """CUSTOMER records of `some`, and their LINE records, under ids that rise from person to person: as timing.contacts wants
    those of one person, though in a benchmark of clones ids repeat."""
    customers, buyer = people.customers[some], np.repeat(np.arange(len(people.ids)), np.diff(people.lines_at))
    known, place = np.unique(customers["id"], return_inverse=True)
    customers["id"] = whose * len(known) + place
    mine = np.isin(people.lines["customer"], known)
    lines = people.lines[mine]
    lines["customer"] = buyer[mine] * len(known) + np.searchsorted(known, lines["customer"])
    return customers, lines


def due_among(customers: Records, lines: Records, market: int, given: Change, buying: Buying) -> Mask:
    """Of each of these customers of one market, whether there is a reason to contact her."""
    lines = lines[np.isin(lines["customer"], customers["id"])]
    out = dues(len(customers), len(lines), 0)
    n = contacts(customers, lines, market, int(given.calendar.today[market]), given.calendar.now, buying, out)
    due = np.zeros(len(customers), bool)
    due[out["who"][:n]] = True
    return due


def about_some(who: Ints, cards: Records, people: People, some: Mask) -> Mask:
    """Of each card, whether it is about one of `some` of its reader's customer records."""
    whose = np.repeat(np.arange(len(people.ids)), np.diff(people.customers_at))[some]
    meant = people.customers["id"][some]
    ids = np.unique(meant)
    if not len(ids):
        return np.zeros(len(cards), bool)
    place = np.minimum(np.searchsorted(ids, cards["about"]), len(ids) - 1)
    named = (cards["kind"] == CUSTOMER) & (ids[place] == cards["about"])
    # Of clones in a benchmark customers' ids repeat: the pair counts.
    return named & np.isin(who * len(ids) + place, whose * len(ids) + np.searchsorted(ids, meant))


def with_activity(lists: Lists, shelf: Shelf) -> Ints:
    """A: on how many lists each activity is; twice on one list counts once."""
    who, cards = laid_out(lists)
    size = len(shelf.activities)
    listed = np.unique(who * size + places_of(cards, shelf))
    return np.bincount(listed % max(1, size), minlength=size)


# What it comes to


@dataclass(frozen=True)
class Share:
    """People of the audience. `error`: how far `share` may be off in 19 of 20 samples; 0 when everybody was looked at."""

    people: int
    share: float
    error: float


@dataclass(frozen=True)
class Total:
    """Cards a day over the whole audience; `error` is that of `more`, as above."""

    before: int
    after: int
    error: int

    @property
    def more(self) -> int:
        return self.after - self.before

    @property
    def share(self) -> float:
        """More for each one there was."""
        return self.more / self.before if self.before else 0.0


@dataclass(frozen=True)
class Held:
    """Customers over the whole audience; `error` as above."""

    customers: int
    error: int


@dataclass(frozen=True)
class Moved:
    """Of all lists, which share has the activity."""

    activity: Activity
    before: float
    after: float


@dataclass(frozen=True)
class Figures:
    """What would change for the `total` people of an audience, of whom `seen` were looked at.

    A card is an activity about a person (or about nobody). `first`: whose first card is another one. `median`: of the
    cards that differ, of five. `messages`: cards whose form is a message, whether or not she sends it. `held`: customers
    worth a message today who wait, because they heard lately or often enough, as their market has it. `over_cap`: messages and
    calls to such customers all the same, none while the kernel does what it should, which tests ask; who filled a basket
    since may hear again by design, `baskets`.
    """

    total: int
    seen: int
    waiting: int  # whose facts are those of their last update
    first: Share
    median: int
    messages: Total
    held: Held
    over_cap: Total
    baskets: Total
    few_before: Share
    few: Share
    rising: list[Moved]
    falling: list[Moved]
    counted: Tally

    @property
    def whole(self) -> bool:
        return self.seen == self.total


def figures(counted: Tally, total: int, waiting: int, given: Change) -> Figures:
    share = scaled(counted, total)
    moved = moved_most(counted, given.shelf)
    messages, over_cap, baskets = (total_of(counted, total, measure) for measure in range(len(MEASURES)))
    return Figures(
        total=total,
        seen=counted.people,
        waiting=waiting,
        first=share(counted.first),
        median=middle(counted.changed),
        messages=messages,
        held=held_of(counted, total),
        over_cap=over_cap,
        baskets=baskets,
        few_before=share(int(counted.few[0])),
        few=share(int(counted.few[1])),
        rising=[one for one in moved if one.after > one.before][:MOST_MOVED],
        falling=[one for one in reversed(moved) if one.after < one.before][:MOST_MOVED],
        counted=counted,
    )


def scaled(counted: Tally, total: int) -> Callable[[int], Share]:
    """People among those looked at -> people of the audience."""
    seen = max(1, counted.people)

    def share(people: int) -> Share:
        return Share(round(people * total / seen), people / seen, wilson(people / seen, counted.people, total))

    return share


def wilson(share: float, seen: int, total: int) -> float:
    """The farther end of Wilson's 95 % interval, with a correction for a finite field (Cochran, Sampling Techniques, 2.6).

    Unlike share ± z s it is right for shares near 0 and 1, too.
    """
    if seen >= total or not seen:
        return 0.0
    n = seen * (total - 1) / (total - seen)
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return max(centre + half - share, share - (centre - half))


def total_of(counted: Tally, total: int, measure: int) -> Total:
    seen = max(1, counted.people)
    before, after = counted.sums[measure].tolist()
    error = error_of(after - before, int(counted.squares[measure]), seen, total)
    return Total(round(before * total / seen), round(after * total / seen), error)


def held_of(counted: Tally, total: int) -> Held:
    seen = max(1, counted.people)
    customers, squares = counted.held.tolist()
    return Held(round(customers * total / seen), error_of(customers, squares, seen, total))


def error_of(summed: int, squares: int, seen: int, total: int) -> int:
    """How far a sum over `seen` people, scaled to `total`, may be off in 19 of 20 samples."""
    variance = (squares - summed**2 / seen) / max(1, seen - 1)
    return round(Z * total * sqrt(max(0.0, variance) / seen * max(0.0, 1 - seen / max(1, total))))


def middle(changed: Ints) -> int:
    """The median; of two in the middle the smaller one."""
    half = (int(changed.sum()) + 1) // 2
    return int(np.searchsorted(np.cumsum(changed), half)) if half else 0


def moved_most(counted: Tally, shelf: Shelf) -> list[Moved]:
    """Every activity on any list, what rises most first; ties by key."""
    seen = max(1, counted.people)
    found = [
        Moved(shelf.activities[place], *(counted.lists[place] / seen).tolist())
        for place in np.flatnonzero(counted.lists.any(axis=1)).tolist()
    ]
    return sorted(found, key=lambda one: (one.before - one.after, one.activity.key))


# Asked for


@dataclass(frozen=True, eq=False)
class Preview:
    given: Change
    crowd: Crowd
    found: Pair  # of the crowd

    @cached_property
    def figures(self) -> Figures:
        counted = tally(self.found, self.crowd.people, self.given)
        return figures(counted, self.crowd.total, self.crowd.waiting, self.given)

    @property
    def few(self) -> list[int]:
        """Ids of the people looked at who would get fewer than FEW cards, the fewest first."""
        few = np.flatnonzero(self.found.after.many < FEW)
        order = np.lexsort((self.crowd.people.ids[few], self.found.after.many[few]))
        return self.crowd.people.ids[few][order].tolist()


def of(proposal: Proposal, as_of: datetime) -> Preview:
    """With the people of `proposal`'s audience, all of them or a sample. Nothing is written about anybody."""
    given = change(proposal, as_of)
    crowd = sampling.of(proposal.campaign, given.numbers, given.shelf, given.calendar, as_of)
    return Preview(given, crowd, pair(crowd.people, given))


def everybody(given: Change) -> Figures:
    """The same figures over the whole audience, block by block. Some 20,000 people a second."""
    ids, counted = sampling.all_ids(given.campaign, given.as_of), nobody(given)
    waiting = sampling.brought_up_to_date(ids)
    for people in sampling.blocks(ids, given.shelf):
        counted = added(counted, tally(pair(people, given), people, given))
    return figures(counted, len(ids), waiting, given)


def nobody(given: Change) -> Tally:
    def none(*shape: int) -> Ints:
        return np.zeros(shape, np.int64)

    kinds = len(MEASURES)
    return Tally(
        0, 0, none(SLATE + 1), none(kinds, 2), none(kinds), none(2), none(len(given.shelf.activities), 2),
        none(len(given.after.live)), none(2),
    )  # fmt: skip
