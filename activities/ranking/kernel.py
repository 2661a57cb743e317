"""Facts -> candidates -> scores -> slate, compiled: the same functions for one person's page and for a million people.

`ranked` does the one for a page and keeps every candidate with its terms; `slates` does it for a block of people and
keeps five cards each. Both call `rank_one`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from distributors.blocks import (
    BUYER,
    QUANTILES,
    REASONS,
    RECRUITS,
    Buying,
    Calendar,
    Floats,
    Ints,
    Outlooks,
    Spread,
    dues,
    outlooks,
)
from distributors.chances import look
from distributors.compiling import kernel
from distributors.records import (
    CUSTOMER,
    DAY,
    GOAL,
    HIDE,
    LINE,
    RECRUIT,
    SHOWN,
    SKILL,
    SLATE_CARD,
    TAG,
    Records,
    native,
)
from distributors.timing import care, contacts

from . import drawing, scoring
from .blocks import ACTIVITY, KEY, Catalogue, People, Rules, Steering, no_rules
from .memory import any_waved_off, exposure_of, fewer, hidden, mastery
from .scoring import Cards

#: The best few people per activity. The rest of a long list could only be reached by exploration noise.
PEOPLE_PER_ACTIVITY = 12
P_LEAST, P_MOST = 0.01, 0.95
#: How far one customer's own average order may stretch an author's stated sales.
STRETCH_LEAST, STRETCH_MOST = 0.5, 2.0
#: How pressing a recruit is about whom a rule calls: as the middle of those who are found quiet (timing.py).
CALLED_SCORE = 0.5
FEWER_BOOST = -0.05  # each "fewer like this" on other activities of the same kind, while it lasts
#: Slates written ahead: cards each, and pools a slot, more than they can use up.
SLATE, MOST_POOLS = 5, 64


class Room(NamedTuple):
    """What one person's ranking fills, used again for the next person of a block."""

    outlook: Outlooks
    weights: Floats  # of her goals, summing to 1
    due: Records  # DUE
    order: Ints  # dues by reason, the best first
    starts: Ints  # where each reason starts in `order`
    cards: Cards
    tau: Floats  # of one metric, by candidate
    pools: drawing.Pools
    placed: Ints
    slots: Ints
    propensity: Floats


def room_for(
    people: People, catalogue: Catalogue, steering: Steering, rules: Rules, *, size: int, most_pools: int = 0
) -> Room:
    """Room for the largest person of a block."""

    def most(at: Ints) -> int:
        return int(np.diff(at).max(initial=0))

    goals = most(people.goals_at)
    due = dues(most(people.customers_at), most(people.lines_at), most(people.recruits_at))
    about = min(PEOPLE_PER_ACTIVITY, len(due))
    room = int(np.where(catalogue.activity["about"] < 0, 1, about).sum()) + most(rules.calls_at) + 1
    return Room(
        outlooks(goals),
        np.zeros(goals),
        due,
        np.zeros(len(due), np.int64),
        np.zeros(len(REASONS) + 1, np.int64),
        scoring.cards(room, goals, steering.key.shape[1]),
        np.zeros(room),
        drawing.pools(room, most_pools or room + 1),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
        np.zeros(size),
    )


@kernel
def in_order(many: int, due: Records, order: Ints, starts: Ints) -> None:
    """Dues by reason, within one the best score first, ties by person: an insertion sort of a few dozen."""
    starts[:] = 0
    for i in range(many):
        starts[due[i].reason + 1] += 1
        k = i
        while k > 0 and comes_before(due[i], due[order[k - 1]]):
            order[k] = order[k - 1]
            k -= 1
        order[k] = i
    for reason in range(1, starts.shape[0]):
        starts[reason] += starts[reason - 1]


@kernel
def comes_before(one: Any, other: Any) -> bool:
    if one.reason != other.reason:
        return one.reason < other.reason
    if one.score != other.score:
        return one.score > other.score
    return one.person < other.person


@kernel
def average_order(many: int, due: Records, customers: Records) -> float:
    """Over the customers her cards could be about, in her market's money; 0 before the first order."""
    spent, orders, before = 0.0, 0, -1
    for d in range(many):
        # Dues come by customer.
        if due[d].reason < RECRUITS and due[d].who != before:
            before = due[d].who
            spent += customers[before].spent / 100.0
            orders += customers[before].orders
    return spent / orders if orders > 0 else 0.0


@kernel
def adjusted_p(stated: float, score: float) -> float:
    """p = stated (1/2 + due score), within [.01, .95]: the estimate holds for somebody who is half due."""
    return min(P_MOST, max(P_LEAST, stated * (0.5 + score)))


@kernel
def stretched(average: float, customer: Any) -> float:
    """This customer's average order over her customers' average, within [1/2, 2]."""
    if average <= 0 or customer.orders <= 0 or customer.spent <= 0:
        return 1.0
    return min(STRETCH_MOST, max(STRETCH_LEAST, customer.spent / 100.0 / customer.orders / average))


@kernel
def skill_gap(activity: Any, now: int, skills: Records) -> float:
    """iota (m* - m)+ / m*: how much of the mastery worth having this activity would add."""
    if activity.skill == 0:
        return 0.0
    return activity.gain * max(0.0, activity.wanted - mastery(skills, activity.skill, now)) / activity.wanted


@kernel
def candidates(
    i: int, many: int, people: People, calendar: Calendar, catalogue: Catalogue, rules: Rules, room: Room
) -> int:
    """Every card person i could be shown now, by activity and then by person, with what its score is made of."""
    m, lang, n = people.market[i], people.language[i], 0
    today, now = calendar.today[m], calendar.now
    cards, due, order, starts = room.cards.card, room.due, room.order, room.starts
    customers = people.customers[people.customers_at[i] : people.customers_at[i + 1]]
    hides = people.hides[people.hides_at[i] : people.hides_at[i + 1]]
    shown = people.shown[people.shown_at[i] : people.shown_at[i + 1]]
    skills = people.skills[people.skills_at[i] : people.skills_at[i + 1]]
    sold, readable = catalogue.sold[m], catalogue.readable[lang]
    average, tired = average_order(many, due, customers), any_waved_off(hides)
    called = rules.calls_at[i + 1] - rules.calls_at[i] if rules.calls_at.shape[0] > 0 else 0
    in_order(many, due, order, starts)
    for a in range(catalogue.activity.shape[0]):
        if not sold[a] or not readable[a]:
            continue
        activity, first = catalogue.activity[a], n
        if activity.about >= 0:
            if starts[activity.about] < starts[activity.about + 1]:
                n = about_people(n, a, activity, average, today, due, order, starts, customers, hides, cards)
            if activity.about >= RECRUITS and called > 0:
                n = about_called(n, first, a, activity, i, many, today, rules, hides, cards)
        elif not hidden(hides, activity.id, 0, 0, today):
            n = add(n, a, 0, 0, -1, activity.p, 1.0, cards)
        if n == first:
            continue
        gap = skill_gap(activity, now, skills)
        boost = FEWER_BOOST * fewer(hides, activity.id, activity.kind, today) if tired else 0.0
        if rules.boost.shape[0] > 0:
            boost += rules.boost[i, a]
        barred = rules.barred.shape[0] > 0 and rules.barred[i, a] != 0
        for c in range(first, n):
            card = cards[c]
            card.learning, card.barred, card.gap, card.boost = activity.learning, barred, gap, boost
            card.exposure = exposure_of(shown, activity.id, card.kind, card.about, today)
    return n


@kernel
def about_people(
    n: int, a: int, activity: Any, average: float, today: int, due: Records, order: Ints, starts: Ints, customers: Records,
    hides: Records, cards: Records,
) -> int:  # fmt: skip
    """Cards of one activity, of the best twelve it fits, each person once; an activity of a line fits reasons of that line."""
    reason, first, seen = activity.about, n, 0
    for k in range(starts[reason], starts[reason + 1]):
        one = due[order[k]]
        if not fits(activity, one) or was_better(k, starts[reason], activity, due, order):
            continue
        if reason < RECRUITS and customers[one.who].ways & activity.ways == 0:
            continue  # she does not agree to what this asks for
        if seen == PEOPLE_PER_ACTIVITY:
            break
        seen += 1
        kind = 2 if reason >= RECRUITS else 1
        if hidden(hides, activity.id, kind, one.person, today):
            continue
        stretch = stretched(average, customers[one.who]) if kind == 1 else 1.0
        n = add(n, a, kind, one.person, order[k], adjusted_p(activity.p, one.score), stretch, cards)
    by_person(first, n, cards)
    return n


@kernel
def about_called(
    n: int,
    first: int,
    a: int,
    activity: Any,
    i: int,
    many: int,
    today: int,
    rules: Rules,
    hides: Records,
    cards: Records,
) -> int:
    """And of recruits for whom a rule asks for it, unless she has the card anyway. `due` is then `many` + the call's place."""
    start = rules.calls_at[i]
    for k in range(start, rules.calls_at[i + 1]):
        call = rules.calls[k]
        if call.activity != a or hidden(hides, activity.id, 2, call.recruit, today):
            continue
        known = False
        for c in range(first, n):
            known = known or cards[c].about == call.recruit
        if not known:
            n = add(n, a, 2, call.recruit, many + k - start, adjusted_p(activity.p, CALLED_SCORE), 1.0, cards)
    by_person(first, n, cards)
    return n


@kernel
def fits(activity: Any, one: Any) -> bool:
    """An activity of one product line is about customers whose reason is that line."""
    return activity.line == 0 or one.reason >= RECRUITS or one.line == activity.line


@kernel
def was_better(k: int, first: int, activity: Any, due: Records, order: Ints) -> bool:
    """The same person came before with the same reason: of her lines used up, the best speaks for her."""
    for earlier in range(first, k):
        one = due[order[earlier]]
        if one.person == due[order[k]].person and fits(activity, one):
            return True
    return False


@kernel
def by_person(first: int, n: int, cards: Records) -> None:
    """Cards of one activity in the order of whom they are about, so that ties never depend on anything else."""
    for i in range(first + 1, n):
        k = i
        while k > first and cards[k - 1].about > cards[k].about:
            swap(cards[k - 1], cards[k])
            k -= 1


@kernel
def swap(one: Any, other: Any) -> None:
    one.about, other.about = other.about, one.about
    one.due, other.due = other.due, one.due
    one.p, other.p = other.p, one.p
    one.stretch, other.stretch = other.stretch, one.stretch


@kernel
def add(n: int, a: int, kind: int, about: int, due: int, p: float, stretch: float, cards: Records) -> int:
    card = cards[n]
    card.activity, card.kind, card.about, card.due, card.p, card.stretch = a, kind, about, due, p, stretch
    return n + 1


@kernel
def own_share(i: int, people: People, steering: Steering) -> float:
    """alpha: the company's setting, or the larger share she keeps for herself; never below a half."""
    return max(scoring.OWN_SHARE_FLOOR, max(steering.share[steering.row[i]], people.own_share[i]))


@kernel
def score(
    i: int, n: int, goals: int, people: People, spread: Spread, catalogue: Catalogue, steering: Steering, room: Room
) -> None:
    """The terms of person i's n candidates."""
    row, share, found, tau = steering.row[i], own_share(i, people, steering), room.cards, room.tau
    price, cards = catalogue.price[people.market[i]], found.card
    for g in range(goals):
        goal = people.goals[people.goals_at[i] + g]
        key = scoring.key_of(goal.metric, goal.line, catalogue.key) if room.outlook.running[g] else -1
        if key < 0:
            scoring.nothing(n, g, found.gains)
            scoring.nothing(n, g, found.shares)
            continue
        scoring.shown_effects(n, key, price, cards, catalogue.key, catalogue.effects, tau)
        scoring.goal_moves(n, g, tau, room.outlook, spread, found.gains, found.shares)
    for j in range(steering.key.shape[1]):
        key = steering.key[row, j]
        if key < 0 or steering.weight[row, j] == 0.0:
            scoring.nothing(n, j, found.by_kpi)
            continue
        scoring.shown_effects(n, key, price, cards, catalogue.key, catalogue.effects, tau)
        scoring.kpi_moves(n, j, tau, share, row, steering, found.by_kpi)
    weights = room.weights[:goals]
    scoring.add_up(n, weights, share, steering.own_scale, cards, found.gains, found.shares, found.by_kpi)


@kernel
def rank_one(
    i: int, people: People, calendar: Calendar, spread: Spread, buying: Buying, catalogue: Catalogue, steering: Steering,
    rules: Rules, room: Room,
) -> tuple[int, int, int]:  # fmt: skip
    """Score everything person i could be shown; how many candidates, dues and goals there are in `room`."""
    m = people.market[i]
    goals = look(
        people.goals[people.goals_at[i] : people.goals_at[i + 1]], people.days[people.days_at[i] : people.days_at[i + 1]],
        people.joined[i], m, calendar, spread, room.outlook,
    )  # fmt: skip
    scoring.normalised(goals, room.outlook, room.weights)
    customers = people.customers[people.customers_at[i] : people.customers_at[i + 1]]
    lines = people.lines[people.lines_at[i] : people.lines_at[i + 1]]
    recruits = people.recruits[people.recruits_at[i] : people.recruits_at[i + 1]]
    many = contacts(customers, lines, m, calendar.today[m], calendar.now, buying, room.due)
    many = care(recruits, calendar.today[m], many, room.due)
    n = candidates(i, many, people, calendar, catalogue, rules, room)
    score(i, n, goals, people, spread, catalogue, steering, room)
    return n, many, goals


@kernel
def pinned(i: int, n: int, rules: Rules, cards: Records) -> int:
    """The best candidate of the activity a rule pins for her, about whom it says if it does; -1 without one."""
    best = -1
    if rules.pin.shape[0] == 0 or rules.pin[i] < 0:
        return best
    about = rules.pin_about[i]
    for c in range(n):
        asked = cards[c].activity == rules.pin[i] and not cards[c].barred
        if about != 0:
            asked = asked and cards[c].kind == 2 and cards[c].about == about
        if asked and (best < 0 or cards[c].score > cards[best].score):
            best = c
    return best


@kernel
def fill_slates(
    people: People, calendar: Calendar, spread: Spread, buying: Buying, catalogue: Catalogue, steering: Steering,
    rules: Rules, room: Room, noisy: bool, out: Records, counts: Ints,
) -> None:  # fmt: skip
    activities = catalogue.activity
    for i in range(people.ids.shape[0]):
        n, _many, _goals = rank_one(i, people, calendar, spread, buying, catalogue, steering, rules, room)
        seed = drawing.day_seed(people.identity[i], calendar.today[people.market[i]])
        counts[i] = fill_slate(i, n, seed, noisy, activities, rules, room, out)


@kernel
def fill_slate(
    i: int, n: int, seed: int, noisy: bool, activities: Records, rules: Rules, room: Room, out: Records
) -> int:
    """Draw the slate of person i from her n scored candidates into row i; how many cards there are."""
    cards = room.cards.card
    many = drawing.draw(
        n, out.shape[1], seed, noisy, pinned(i, n, rules, cards), cards, activities, room.pools,
        room.placed, room.slots, room.propensity,
    )  # fmt: skip
    for k in range(many):
        card, shown = cards[room.placed[k]], out[i, k]
        shown.activity = activities[card.activity].id
        shown.kind, shown.about, shown.score = card.kind, card.about, card.score
        shown.slot, shown.propensity = room.slots[k], room.propensity[k]
    return many


@kernel
def fill_both(
    people: People, calendar: Calendar, spread: Spread, buying: Buying, catalogue: Catalogue, before: Steering,
    after: Steering, rules: Rules, room: Room, noisy: bool, out: Records, counts: Ints, changed: Records,
    changed_counts: Ints,
) -> None:  # fmt: skip
    """Two slates of each person: what she could be shown is found once, and scored and drawn with either steering."""
    for i in range(people.ids.shape[0]):
        n, _many, goals = rank_one(i, people, calendar, spread, buying, catalogue, before, rules, room)
        seed = drawing.day_seed(people.identity[i], calendar.today[people.market[i]])
        counts[i] = fill_slate(i, n, seed, noisy, catalogue.activity, rules, room, out)
        score(i, n, goals, people, spread, catalogue, after, room)
        changed_counts[i] = fill_slate(i, n, seed, noisy, catalogue.activity, rules, room, changed)


def slates(
    people: People, calendar: Calendar, spread: Spread, buying: Buying, catalogue: Catalogue, steering: Steering,
    rules: Rules, size: int = SLATE,
) -> tuple[Records, Ints]:  # fmt: skip
    """The slates of a block: native SLATE_CARD records [n, size] (zeros after the last card), and cards each."""
    n = len(people.ids)
    out, counts = np.zeros((n, size), native(SLATE_CARD)), np.zeros(n, np.int64)
    room = room_for(people, catalogue, steering, rules, size=size, most_pools=MOST_POOLS)
    fill_slates(people, calendar, spread, buying, catalogue, steering, rules, room, True, out, counts)
    return out, counts


def both(
    people: People, calendar: Calendar, spread: Spread, buying: Buying, catalogue: Catalogue, before: Steering,
    after: Steering, rules: Rules, size: int = SLATE,
) -> tuple[Records, Ints, Records, Ints]:  # fmt: skip
    """The slates of a block with each of two steerings (as many columns each), as `slates` gives them."""
    n = len(people.ids)
    dtype = native(SLATE_CARD)
    out, changed = np.zeros((n, size), dtype), np.zeros((n, size), dtype)
    counts, changed_counts = np.zeros(n, np.int64), np.zeros(n, np.int64)
    room = room_for(people, catalogue, before, rules, size=size, most_pools=MOST_POOLS)
    fill_both(
        people, calendar, spread, buying, catalogue, before, after, rules, room, True, out, counts, changed, changed_counts,
    )  # fmt: skip
    return out, counts, changed, changed_counts


class Ranked(NamedTuple):
    """One person's ranking: the first `cards` rows of room.cards, `dues` of room.due and `goals` of room.outlook count."""

    cards: int
    dues: int
    goals: int
    room: Room


def ranked(
    people: People, calendar: Calendar, spread: Spread, buying: Buying, catalogue: Catalogue, steering: Steering,
    rules: Rules, i: int = 0,
) -> Ranked:  # fmt: skip
    """Everything person i of a block could be shown, scored."""
    room = room_for(people, catalogue, steering, rules, size=1)
    n, many, goals = rank_one(i, people, calendar, spread, buying, catalogue, steering, rules, room)
    return Ranked(n, many, goals, room)


def compile_ahead() -> int:
    """Compile what pages and recalculations call, as far as it is not on disk yet; how many kernels were compiled.

    Half a minute once on a machine, and again when a kernel changes; nothing after that.
    """
    empty = np.zeros(0, np.int64)
    at = np.zeros(2, np.int64)
    records = {
        name: np.zeros(0, native(dtype))
        for name, dtype in (
            ("goals", GOAL), ("days", DAY), ("customers", CUSTOMER), ("lines", LINE), ("recruits", RECRUIT),
            ("tags", TAG), ("hides", HIDE), ("shown", SHOWN), ("skills", SKILL),
        )
    }  # fmt: skip
    people = People(
        ids=np.ones(1, np.int64), identity=np.ones(1, np.int64), market=np.zeros(1, np.int64),
        language=np.zeros(1, np.int64), own_share=np.zeros(1), joined=np.zeros(1, np.int64),
        **records, **{f"{name}_at": at for name in records},
    )  # fmt: skip
    day = np.zeros(1, np.int64)
    calendar = Calendar(0, day, day, day, day, day)
    spread = Spread(empty, empty, empty, empty, empty, np.zeros(0), empty, np.zeros((0, QUANTILES)))
    buying = Buying(0, np.zeros(1, BUYER), 1.0, 1.0, 1.0, 1.0, np.zeros(QUANTILES), 1.0, day, day)
    catalogue = Catalogue(
        np.zeros(0, ACTIVITY), np.zeros(0, KEY), np.zeros((0, 0)), np.ones(1), np.zeros((1, 0), np.uint8),
        np.zeros((1, 0), np.uint8),
    )  # fmt: skip
    nothing = np.zeros((1, 0))
    course = Steering(np.zeros((1, 0), np.int64), nothing, nothing, nothing, np.ones(1), 1.0, np.zeros(1, np.int64))
    slates(people, calendar, spread, buying, catalogue, course, no_rules())
    both(people, calendar, spread, buying, catalogue, course, course, no_rules())
    found = ranked(people, calendar, spread, buying, catalogue, course, no_rules())
    drawing.slate(0, found.room.cards, catalogue.activity, seed=1)
    return sum(len(one.stats.cache_misses) for one in (fill_slates, fill_both, rank_one, drawing.draw))
