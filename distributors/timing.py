"""Who is due today and why, from compact rows (records.py): the kernels behind "whom to contact" and "who needs care".

Scores order people against each other, they are not probabilities. They do not rise with "days since / own gap", which
ranks worse than chance (ranking.md 3); what counts is how much her rhythm is known and whether its time is now:

    own rhythm      (.50 + .40 n/(n + 4)) x timely       n orders; timely = 1 in the window, falling to .6 when it is over
    product used up .60 (only order of its line), .55 (only order) x timely
    once past orders have told who orders again (reordering.py), both of them: her place among all customers, 0 to 1
    open basket     .95 - .05 a day; also between contacts, but for who has heard since she filled it
    check-in .60 · birthday .50 - .02 a day · connect .45 · lapsed .35 falling to .15 at 400 days
    prospect        .60 hot · .45 warm · .30 cool · .20 cold
    new recruit     .50 rising to .80 as her first 30 days run out
    quiet recruit   .30 to .60 by how regularly she ordered before

Rows hold facts alone, whatever their day: of something dated after today they cannot tell what was true before it. An
order dated ahead closes a basket, and hides her rhythm until its day has come.
"""

from __future__ import annotations

from datetime import date
from math import ceil, exp, floor, log, log1p
from typing import Any, NamedTuple

from .bgnbd import expected_of
from .blocks import QUANTILES, REASONS, Buying, Floats
from .compiling import kernel
from .records import NEVER, Records, day_of

# Constants of kernels stand beside them: a compiled cache is outdated by a change of this file, not of another.
(OPEN_BASKET, ONE_TIME, REORDER_DUE, CHECK_IN, CONNECT, LAPSED, BIRTHDAY, PROSPECT, NEW_RECRUIT, QUIET_RECRUIT) = range(
    len(REASONS)
)
DAY = 86_400_000_000  # microseconds

#: The next order is likely between these shares of a gap after the last; later than 1.6 gaps and a week it is not.
WINDOW = (0.8, 1.25)
OVERDUE = 1.6
GRACE_DAYS = 7
#: Nobody is reminded of an order longer ago than this.
LONGEST_DAYS = 400
#: A basket left open longer than this is forgotten.
BASKET_DAYS = 7
#: Contacts are counted over so many days; how many there may be, and how many days are between two, is said by the market.
CAP_DAYS = 28
#: Days that the reorder model looks ahead, up to how many of her own gaps recency counts in it, the least score it gives, and
#: after how many days it may call somebody due of whom nothing else says when.
HORIZON = 28
MOST_GAPS = 10.0
LEAST_SCORE = 0.01
SETTLED_DAYS = 14
#: Days after an order: a word on day 6, another on day 21, and one to somebody not seen for months.
CHECK_IN_DAYS = (5, 8)
CONNECT_DAYS = (19, 24)
LAPSED_DAYS = (120, LONGEST_DAYS)
BIRTHDAY_DAYS = 7
#: Days until a prospect should hear again and the score, by interest: hot, warm, cool, cold.
PROSPECT_DAYS = (7, 14, 30, 60)
PROSPECT_SCORES = (0.60, 0.45, 0.30, 0.20)
#: A recruit's first days, in which a first order matters most; she is left to settle in for the first three.
FIRST_DAYS = 30
SETTLING_DAYS = 3
#: Orders have stopped: nothing for four weeks after orders in the eight weeks before them.
STOPPED_DAYS = 28
BEFORE_DAYS = 56
#: Halves of a search among the first 64 quantiles, the last one being known to be large enough.
STEPS = (32, 16, 8, 4, 2, 1, 1)
#: Days of a common year before each month.
BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


#: (score, window start, window end) in day numbers; score 0 when there is no such reason, NEVER without a window.
Timing = tuple[float, int, int]


class Reason(NamedTuple):
    """One DUE record in Python; days are numbers, NEVER for none."""

    person: int  # customer's or recruit's id
    code: int  # place in REASONS
    line: int  # product line id, 0 for none
    score: float
    start: int
    end: int

    @property
    def window_start(self) -> date | None:
        return None if self.start == NEVER else day_of(self.start)

    @property
    def window_end(self) -> date | None:
        return None if self.end == NEVER else day_of(self.end)


def reasons_in(found: Records, first: int, last: int) -> list[Reason]:
    """Rows first to last (exclusive) of what a kernel found."""
    return [Reason(*row[1:]) for row in found[first:last].tolist()]


@kernel
def contacts(
    customers: Records, lines: Records, m: int, today: int, now: int, buying: Buying, out: Records
) -> int:  # fmt: skip
    """One person's CUSTOMER and LINE records, both by customer id -> the number of reasons put in `out`.

    By customer; of one, in the order in which equal scores stay. `m` is her market's index in `buying`, `today` a day
    number, `now` in microseconds.
    """
    n, last, year = 0, 0, year_of(today)
    for who in range(len(customers)):
        customer = customers[who]
        person, line = customer.id, customer.line
        while last < len(lines) and lines[last].customer < person:
            last += 1  # of somebody who must not be contacted
        first = last
        while last < len(lines) and lines[last].customer == person:
            last += 1
        if nth_contact(customer, buying.most[m]) > today - CAP_DAYS:
            continue
        quiet = customer.contacted_on > today - buying.quiet[m]
        n = add(open_basket(customer, today, now, quiet), OPEN_BASKET, who, person, line, n, out)
        if quiet:
            continue
        n = add(prospect(customer, today), PROSPECT, who, person, line, n, out)
        n = add(birthday(customer, today, year), BIRTHDAY, who, person, line, n, out)
        if customer.last_order == NEVER or customer.last_order > today:
            continue
        place, likely = place_among(customer, first < last, today, buying)
        n = add(own_rhythm(customer, today, place, likely), REORDER_DUE, who, person, line, n, out)
        for i in range(first, last):
            n = add(used_up(lines[i], today, place), ONE_TIME, who, person, lines[i].line, n, out)
        if customer.orders == 1 and first < last:
            found = only_order(lines[first], today, place, likely)
            n = add(found, REORDER_DUE, who, person, lines[first].line, n, out)
        elif customer.gap <= 0:
            n = add(unknown_rhythm(customer, today, place, likely), REORDER_DUE, who, person, line, n, out)
        n = add(after_order(customer, today, CHECK_IN_DAYS, 0.60), CHECK_IN, who, person, line, n, out)
        n = add(after_order(customer, today, CONNECT_DAYS, 0.45), CONNECT, who, person, line, n, out)
        n = add(lapsed(customer, today), LAPSED, who, person, line, n, out)
    return n


@kernel
def add(found: Timing, reason: int, who: int, person: int, line: int, n: int, out: Records) -> int:
    """Put in `out` at `n` what has a score; returns how far `out` is filled.

    `out` comes last: evaluated before something that may raise, its references would be counted at each call, which takes
    five times as long as all else.
    """
    score, start, end = found
    if score <= 0:
        return n
    due = out[n]
    due.who, due.person, due.reason, due.line = who, person, reason, line
    due.score, due.start, due.end = score, start, end
    return n + 1


@kernel
def open_basket(customer: Any, today: int, now: int, quiet: bool) -> Timing:
    """It need not wait for the days between contacts, unless she has heard since she filled it."""
    is_open = now - BASKET_DAYS * DAY < customer.basket_at <= now
    if not is_open or (quiet and customer.contacted_at >= customer.basket_at):
        return 0.0, NEVER, NEVER
    return 0.95 - 0.05 * min(max(0, today - customer.basket_on), BASKET_DAYS), NEVER, NEVER


@kernel
def prospect(customer: Any, today: int) -> Timing:
    """By interest: 7, 14, 30 or 60 days after the last contact, or after she was added."""
    if customer.interest == 0 or customer.orders > 0:
        return 0.0, NEVER, NEVER
    since = customer.contacted_on if customer.contacted_at != 0 else customer.added_on
    due_on = since + PROSPECT_DAYS[customer.interest - 1]
    return PROSPECT_SCORES[customer.interest - 1] if due_on <= today else 0.0, due_on, NEVER


@kernel
def birthday(customer: Any, today: int, year: int) -> Timing:
    if customer.birthday == 0:
        return 0.0, NEVER, NEVER
    on = next_birthday(customer.birthday, today, year)
    days = on - today
    return 0.50 - 0.02 * days if days <= BIRTHDAY_DAYS else 0.0, today, on


@kernel
def nth_contact(customer: Any, nth: int) -> int:
    """The day of her nth newest contact, NEVER when there were fewer."""
    if nth == 1:
        return int(customer.contact_1)
    if nth == 2:
        return int(customer.contact_2)
    return int(customer.contact_3) if nth == 3 else int(customer.contact_4)


@kernel
def own_rhythm(customer: Any, today: int, place: float, likely: bool) -> Timing:
    """From the second order day on her own usual gap says when."""
    if customer.gap <= 0:
        return 0.0, NEVER, NEVER
    certainty = 0.50 + 0.40 * customer.orders / (customer.orders + 4)
    return in_window(int(customer.last_order), customer.gap, today, certainty, place, likely)


@kernel
def used_up(line: Any, today: int, place: float) -> Timing:
    """A line bought once, and about used up."""
    if today - line.last_on > LONGEST_DAYS:
        return 0.0, NEVER, NEVER
    return in_window(int(line.last_on), float(line.lasts), today, 0.60, place, False)


@kernel
def only_order(line: Any, today: int, place: float, likely: bool) -> Timing:
    """Before there is a rhythm, what she bought says when."""
    return in_window(int(line.last_on), float(line.lasts), today, 0.55, place, likely)


@kernel
def unknown_rhythm(customer: Any, today: int, place: float, likely: bool) -> Timing:
    """Neither she nor what she bought says when: the model alone, once the order has been settled in for a while."""
    due = likely and today - customer.last_order >= SETTLED_DAYS
    return place if due else 0.0, NEVER, NEVER


@kernel
def in_window(last: int, gap: float, today: int, certainty: float, place: float, likely: bool) -> Timing:
    """Due from .8 of the gap on, until 1.6 of it and a week: then it is no longer a matter of rhythm, and she is due for as
    long as the model has her among the likeliest. Never before: who ordered lately is likely to, and has what she needs.

    `place` is the score, -1 without a model.
    """
    start, end = last + floor(WINDOW[0] * gap), last + ceil(WINDOW[1] * gap)
    over = last + ceil(OVERDUE * gap) + GRACE_DAYS
    if today < start or (today > over and not likely):
        return 0.0, start, end
    if place >= 0:
        return place, start, end
    return certainty * (1 - 0.4 * (max(0, today - end) / max(1, over - end))), start, end


@kernel
def place_among(customer: Any, bought_once: bool, today: int, buying: Buying) -> tuple[float, bool]:
    """How likely she is to order, as a place among all customers, and whether she is among the likeliest.

    -1 without a fit, of whom nobody is reminded any more, and of whom nobody asks: before her own window, when there is no
    product that she `bought_once`.
    """
    days = today - customer.last_order
    if buying.known == 0 or days > LONGEST_DAYS:
        return -1.0, False
    if not bought_once and customer.gap > 0 and days < floor(WINDOW[0] * customer.gap):
        return -1.0, False
    weights = buying.lines[row_of(int(customer.line), buying.lines)]
    chance = chance_of(customer, weights, today, buying.r, buying.alpha, buying.a, buying.b)
    return max(LEAST_SCORE, place_of(chance, buying.quantiles)), chance >= buying.least


@kernel
def chance_of(customer: Any, line: Any, today: int, r: float, alpha: float, a: float, b: float) -> float:
    """P(an order in the next HORIZON days) by the weights of the line; reordering.Model.chances works out the same.

    x of BG/NBD is orders - 1, not order days - 1: see reordering.Seen.repeats.
    """
    recency, age = float(today - customer.last_order), float(today - customer.first_order)
    once, orders = customer.gap <= 0, float(customer.orders)
    expected = expected_of(
        r, alpha, a, b, 0.0 if once else orders - 1.0, 0.0 if once else age - recency, age, float(HORIZON)
    )
    z = line.bias + line.recency * log1p(recency) + line.orders * log(max(orders, 1.0)) + line.age * log1p(age)
    z += line.expected * log1p(expected)
    if once:
        z += line.once
    else:
        z += line.gap * log1p(customer.gap) + line.gaps * min(recency / customer.gap, MOST_GAPS)
    return 1.0 / (1.0 + exp(-min(30.0, max(-30.0, z))))


@kernel
def row_of(line: int, lines: Records) -> int:
    """Where the line's weights are; 0, those of all lines, when it has none."""
    low, high = 1, len(lines)
    while low < high:
        middle = (low + high) // 2
        if lines[middle].line < line:
            low = middle + 1
        else:
            high = middle
    return low if low < len(lines) and lines[low].line == line else 0


@kernel
def place_of(chance: float, quantiles: Floats) -> float:
    """The share of all customers who are less likely, interpolated between quantiles."""
    if chance > quantiles[QUANTILES - 1]:
        return 1.0
    first = 0
    for step in STEPS:
        first += step * (quantiles[first + step - 1] < chance)
    if first == 0:
        return 0.0
    lower, upper = quantiles[first - 1], quantiles[first]
    return (first - 1 + (chance - lower) / (upper - lower)) / (QUANTILES - 1)


@kernel
def after_order(customer: Any, today: int, days: tuple[int, int], score: float) -> Timing:
    """The same score from day to day after her last order."""
    start, end = customer.last_order + days[0], customer.last_order + days[1]
    return score if start <= today <= end else 0.0, start, end


@kernel
def lapsed(customer: Any, today: int) -> Timing:
    first, last = LAPSED_DAYS
    days = today - customer.last_order
    return after_order(customer, today, LAPSED_DAYS, 0.35 - 0.20 * (days - first) / (last - first))


@kernel
def next_birthday(month_day: int, today: int, year: int) -> int:
    """The first on or after `today`, a day of `year`. Born on 29 February: kept on the 28th in other years."""
    on = day_in(year, month_day)
    return on if on >= today else day_in(year + 1, month_day)


@kernel
def day_in(year: int, month_day: int) -> int:
    """month x 100 + day of that year -> its day number."""
    month, day = month_day // 100, month_day % 100
    leap = is_leap(year)
    if month_day == 229 and not leap:
        day = 28
    return new_year(year) + BEFORE_MONTH[month - 1] + (1 if leap and month > 2 else 0) + day - 1


@kernel
def new_year(year: int) -> int:
    """The day number of its 1 January."""
    past = year - 1
    return 365 * (year - 2000) + past // 4 - past // 100 + past // 400 - 484


@kernel
def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@kernel
def year_of(day: int) -> int:
    """The year of a day number: an estimate that is never off by more than one, put right."""
    year = 2000 + day * 400 // 146097
    if new_year(year) > day:
        return year - 1
    return year + 1 if new_year(year + 1) <= day else year


@kernel
def care(recruits: Records, today: int, start_at: int, out: Records) -> int:
    """One person's RECRUIT records -> recruits whom a word would help today, put in `out` from `start_at` on.

    By recruit's id. Returns how far `out` is filled.
    """
    n, i = start_at, 0
    while i < len(recruits):
        first, last_on, before = i, NEVER, 0
        while i < len(recruits) and recruits[i].id == recruits[first].id:
            day = recruits[i].day
            if day <= today:
                last_on = max(last_on, day)
                if today - STOPPED_DAYS - BEFORE_DAYS < day <= today - STOPPED_DAYS:
                    before += recruits[i].orders
            i += 1
        reason, score = need(recruits[first].joined_on, last_on, before, today)
        n = add((score, NEVER, NEVER), reason, first, recruits[first].id, 0, n, out)
    return n


@kernel
def need(joined_on: int, last_on: int, before: int, today: int) -> tuple[int, float]:
    """-> (reason, score); score 0 for none. `before` counts the eight weeks before the last four, in hundredths."""
    days = today - joined_on
    if last_on == NEVER and SETTLING_DAYS <= days <= FIRST_DAYS:
        return NEW_RECRUIT, 0.5 + 0.3 * days / FIRST_DAYS
    if before > 0 and today - last_on >= STOPPED_DAYS:
        return QUIET_RECRUIT, 0.3 + 0.3 * min(1.0, before / 100 / (BEFORE_DAYS / 7))
    return QUIET_RECRUIT, 0.0
