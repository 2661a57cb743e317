"""The whole scoring model once more, in plain Python: an independent reading of ranking.md, to compare the engine with.

No NumPy and no compiler, nothing of the engine but the hash behind the noise (drawing.gumbel and seed_of, which define
it). Slow and plain on purpose: it is the reference of the tests, and the formulas of the benchmark's ORM peer.

    world = World.now(as_of)                    # catalogue, priorities, scales, pools and calendars, read by the ORM
    for person in people(ids):                  # compact rows, decoded (distributors/records.py)
        found = candidates(person, world)       # every card, with the terms of its score
        slate = drawn(found, person, world)     # five of them

Money and measures are in hundredths where records hold them, in units everywhere else; days are numbers (records.py).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

#: A day in microseconds, which instants are in.
DAY = 86_400_000_000
NEVER = -32768
EPOCH = date(2000, 1, 1)

REASONS = (
    "open_basket", "one_time", "reorder_due", "check_in", "connect", "lapsed", "birthday", "prospect",
    "new_recruit", "quiet_recruit",
)  # fmt: skip
#: Name, unit, how it comes from days: the vocabulary of metrics.py, by place.
METRICS = (
    ("sales", "money", "sum"),
    ("orders", "count", "sum"),
    ("repeat_orders", "count", "sum"),
    ("new_customers", "count", "sum"),
    ("enrolments", "count", "sum"),
    ("contacts_added", "count", "sum"),
    ("active_days", "count", "sum"),
    ("activities_done", "count", "sum"),
    ("lessons_done", "count", "sum"),
    ("order_size", "money", "ratio"),
    ("retained_recruits", "count", "recruits"),
)
UNIT = {name: unit for name, unit, _how in METRICS}
HOW = {name: how for name, _unit, how in METRICS}
#: Metrics that a product line can be asked of.
SCOPED = {"sales", "orders", "repeat_orders", "new_customers", "order_size"}
#: FSRS-6, default parameters: how memory fades.
DECAY = -0.1542
FACTOR = 0.9 ** (1 / DECAY) - 1

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Buying:
    """The fit of the reorder model: weights by line, 0 for all others; BG/NBD; quantiles of the chance, and the likeliest."""

    lines: dict[int, Any]
    parameters: tuple[float, ...]
    quantiles: list[float]
    least: float

    def place(self, customer: dict[str, Any], today: int) -> tuple[float, bool]:
        found = chance(customer, self.lines, self.parameters, today)
        return max(0.01, place(found, self.quantiles)), found >= self.least


@dataclass(frozen=True)
class Calendar:
    """A market's local day and running periods, inclusive."""

    now: int
    today: int
    week: tuple[int, int]
    month: tuple[int, int]
    buying: Buying | None = None  # of all markets


@dataclass(frozen=True)
class Activity:
    """A row of the catalogue. `effects`: of doing it, by (metric, line id or 0), money in base currency."""

    id: int
    about: str  # one of REASONS, or "nobody"
    line: int
    kind: int
    learning: bool
    p: float
    effects: dict[tuple[str, int], float]
    skill: int
    wanted: float
    gain: float
    ways: int  # what a customer must agree to, one of these
    markets: frozenset[int]  # empty for all
    languages: frozenset[str]


@dataclass(frozen=True)
class Segment:
    """A part of the field: None and an empty `team` ask for nothing."""

    days_from: int | None
    days_to: int | None
    team: str

    def holds(self, person: Person, today: int) -> bool:
        days = today - person.joined
        if (self.days_from is not None and days < self.days_from) or (self.days_to is not None and days > self.days_to):
            return False
        return not self.team or bool(person.recruits) == (self.team == "leads")


@dataclass(frozen=True)
class Kpi:
    metric: tuple[str, int]
    weight: float  # points; all that count for somebody are made to sum to 1
    direction: int
    scale: float
    segment: Segment | None = None


@dataclass(frozen=True)
class Campaign:
    """What one of several running campaigns says in a market."""

    share: float  # what her own goals keep
    kpis: list[Kpi]
    segment: Segment | None = None


@dataclass(frozen=True)
class Pool:
    mean: float
    quantiles: tuple[float, ...]


@dataclass(frozen=True)
class Person:
    """One person's compact rows; every record is a tuple in the order of its fields (records.py)."""

    id: int
    identity: int
    market: int
    language: str
    own_share: float
    joined: int
    goals: list[Row]
    days: list[Row]
    customers: list[Row]
    lines: list[Row]
    recruits: list[Row]
    hides: list[Row]
    shown: list[Row]
    skills: list[Row]


@dataclass(frozen=True)
class Due:
    kind: int  # 1 a customer, 2 a recruit
    person: int
    reason: str
    line: int
    score: float
    orders: int = 0
    spent: float = 0.0
    ways: int = 15


@dataclass(frozen=True)
class Goal:
    metric: tuple[str, int]
    weight: float
    left: float
    survival: Outlook = field(repr=False)
    now: float  # of reaching it as things stand


@dataclass(frozen=True)
class Card:
    """A candidate with the weighted terms of its score."""

    activity: Activity
    kind: int  # 0 nobody, 1 a customer, 2 a recruit
    about: int
    p: float
    own: float = 0.0
    company: float = 0.0
    learning: float = 0.0
    fatigue: float = 0.0
    rules: float = 0.0

    @property
    def score(self) -> float:
        return self.own + self.company + self.learning + self.fatigue + self.rules


@dataclass(frozen=True)
class Placed:
    card: Card
    slot: str
    propensity: float


# ---------------------------------------------------------------------------------------------------- whom to contact


def dues(person: Person, calendar: Calendar) -> list[Due]:
    """Every reason to contact somebody today, by customer and then by recruit."""
    return [*customers_due(person, calendar), *recruits_due(person, calendar)]


def customers_due(person: Person, calendar: Calendar) -> Iterator[Due]:
    lines: dict[int, list[Row]] = defaultdict(list)
    for line in person.lines:
        lines[line[0]].append(line)
    for customer in person.customers:
        for reason, line, score in reasons(customer, lines[customer[0]], calendar):
            yield Due(1, customer[0], reason, line, score, customer[1], customer[2] / 100, customer[-1])


def reasons(customer: Row, bought_once: list[Row], calendar: Calendar) -> Iterator[tuple[str, int, float]]:
    """(reason, product line, score) of one customer."""
    (_id, orders, _spent, _first_order, last_order, gap, line, contacted_at, contacted_on, _newest, _second, _third, fourth,
     added_on, interest, born, basket_at, basket_on, _ways) = customer  # fmt: skip
    today = calendar.today
    if fourth > today - 28:  # the caps of a new market: four in 28 days, five days between two
        return
    if calendar.now - 7 * DAY < basket_at <= calendar.now:
        yield "open_basket", line, 0.95 - 0.05 * min(7, max(0, today - basket_on))
    if contacted_on > today - 5:
        return
    if interest and not orders:
        wait, score = {1: (7, 0.60), 2: (14, 0.45), 3: (30, 0.30), 4: (60, 0.20)}[interest]
        if today - (contacted_on if contacted_at else added_on) >= wait:
            yield "prospect", line, score
    if born and (days := next_birthday(born, today) - today) <= 7:
        yield "birthday", line, 0.50 - 0.02 * days
    if last_order == NEVER or last_order > today:
        return
    days, mine, likely = today - last_order, None, False
    if calendar.buying is not None and days <= 400:
        known = {"orders": orders, "first_order": _first_order, "last_order": last_order, "gap": gap, "line": line}
        mine, likely = calendar.buying.place(known, today)
    if gap > 0 and (share := timely(last_order, gap, today, likely)) is not None:
        yield "reorder_due", line, (0.50 + 0.40 * orders / (orders + 4)) * share if mine is None else mine
    for _customer, once, last_on, lasts in bought_once:
        if today - last_on <= 400 and (share := timely(last_on, lasts, today, False)) is not None:
            yield "one_time", once, 0.60 * share if mine is None else mine
    if orders == 1 and bought_once:
        _customer, once, last_on, lasts = bought_once[0]
        if (share := timely(last_on, lasts, today, likely)) is not None:
            yield "reorder_due", once, 0.55 * share if mine is None else mine
    elif gap <= 0 and likely and days >= 14 and mine is not None:
        yield "reorder_due", line, mine
    if 5 <= days <= 8:
        yield "check_in", line, 0.60
    if 19 <= days <= 24:
        yield "connect", line, 0.45
    if 120 <= days <= 400:
        yield "lapsed", line, 0.35 - 0.20 * (days - 120) / (400 - 120)


def chance(one: dict[str, Any], lines: dict[int, Any], parameters: Sequence[float], today: int) -> float:
    """One customer's chance of ordering again, as a loop over objects would have it."""
    recency, age = today - one["last_order"], today - one["first_order"]
    once, weights = one["gap"] <= 0, lines.get(one["line"], lines[0])
    x, last = (0, 0) if once else (one["orders"] - 1, age - recency)
    z = weights["bias"] + weights["recency"] * math.log1p(recency) + weights["orders"] * math.log(one["orders"])
    z += weights["age"] * math.log1p(age) + weights["expected"] * math.log1p(bought_ahead(parameters, x, last, age))
    if once:
        z += weights["once"]
    else:
        z += weights["gap"] * math.log1p(one["gap"]) + weights["gaps"] * min(recency / one["gap"], 10)
    return float(1 / (1 + math.exp(-max(-30, min(30, z)))))


def bought_ahead(parameters: Sequence[float], x: int, last: int, age: int) -> float:
    """What BG/NBD expects in 28 days."""
    r, alpha, a, b = parameters
    z = 28 / (alpha + age + 28)
    total = term = 1.0
    n = 0
    while abs(term) >= 1e-13:
        term *= (a + b - 1 - r + n) * (a - 1 + n) / ((a + b + x - 1 + n) * (1 + n)) * z
        total, n = total + term, n + 1
    odds = a / (b + x - 1) * ((alpha + age) / (alpha + last)) ** (r + x) if x else 0
    return max(0.0, (a + b + x - 1) / (a - 1) * (1 - (1 - z) ** (a - 1) * total) / (1 + odds))


def place(chance: float, quantiles: Sequence[float]) -> float:
    """The share of all customers who are less likely."""
    first = bisect_left(quantiles, chance)
    if first == 0 or first == len(quantiles):
        return 0.0 if first == 0 else 1.0
    lower, upper = quantiles[first - 1], quantiles[first]
    return (first - 1 + (chance - lower) / (upper - lower)) / (len(quantiles) - 1)


def timely(last: int, gap: float, today: int, likely: bool) -> float | None:
    """1 in the window (.8 to 1.25 of the gap), falling to .6 when it is over (1.6 and a week); None outside, but for the
    likeliest when it is over."""
    start, end = last + math.floor(0.8 * gap), last + math.ceil(1.25 * gap)
    over = last + math.ceil(1.6 * gap) + 7
    if today < start or (today > over and not likely):
        return None
    return 1 - 0.4 * (max(0, today - end) / max(1, over - end))


def next_birthday(month_and_day: int, today: int) -> int:
    """Kept on 28 February where there is no 29th."""
    now = EPOCH + timedelta(days=today)
    month, day = divmod(month_and_day, 100)
    for year in (now.year, now.year + 1):
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        on = date(year, month, 28 if month_and_day == 229 and not leap else day)
        if on >= now:
            return (on - EPOCH).days
    raise AssertionError("a year has a birthday in it")


def recruits_due(person: Person, calendar: Calendar) -> Iterator[Due]:
    """Joined lately and no order yet; or orders have stopped for four weeks after eight with some."""
    today = calendar.today
    by_recruit: dict[int, list[Row]] = defaultdict(list)
    for row in person.recruits:
        by_recruit[row[0]].append(row)
    for recruit, rows in by_recruit.items():
        ordered = [(day, orders) for _id, _joined, day, orders in rows if day != NEVER and day <= today]
        since = today - rows[0][1]
        if not ordered:
            if 3 <= since <= 30:
                yield Due(2, recruit, "new_recruit", 0, 0.5 + 0.3 * since / 30)
            continue
        before = sum(orders for day, orders in ordered if today - 28 - 56 < day <= today - 28)
        if before > 0 and today - max(day for day, _orders in ordered) >= 28:
            yield Due(2, recruit, "quiet_recruit", 0, 0.3 + 0.3 * min(1.0, before / 100 / 8))


# ------------------------------------------------------------------------------------------------------------- goals


def running_goals(person: Person, world: World) -> list[Goal]:
    """Her goals whose period holds today, with what is left and P(she makes at least x more)."""
    found = []
    for place, record in enumerate(person.goals):
        _id, metric, line, period, first, last, target, weight = record
        calendar = world.calendar[person.market]
        first, last = {0: calendar.week, 1: calendar.month, 2: (first, last)}[period]
        if not first <= calendar.today <= last:
            continue
        name = METRICS[metric][0]
        over = [(day, value) for slot, day, value in person.days if slot == 2 * place]
        under = [(day, value) for slot, day, value in person.days if slot == 2 * place + 1]
        value = made_in(name, over, under, first, last)
        # Shown and compared in hundredths, a ratio rounded half to even.
        value = Fraction(0) if value is None else Fraction(round(100 * value), 100)
        left = float(max(Fraction(0), Fraction(target, 100) - value))
        survival = outlook(person, world, name, line, (first, last), target / 100, float(value), over, under)
        found.append(Goal((name, line), weight / 100, left, survival, survival(left)))
    return found


def made_in(metric: str, over: list[Row], under: list[Row], first: int, last: int) -> Fraction | None:
    """What a metric came to in the days first..last, exactly; None for a ratio over nothing."""
    if HOW[metric] == "recruits":
        return Fraction(len({recruit for day, recruit in over if first <= day <= last}))
    total = sum(value for day, value in over if first <= day <= last)
    if HOW[metric] == "sum":
        return Fraction(total, 100)
    count = sum(value for day, value in under if first <= day <= last)
    return Fraction(total, count) if count > 0 else None


@dataclass(frozen=True)
class Outlook:
    """P(X >= x) = (k_own + 8 P_pool) / (n + 8) for what is still to come in a period."""

    made: tuple[float, ...]  # in her past windows
    typical: float  # stretches the market's spread
    base: float  # of metrics that do not add up, whole periods are compared
    quantiles: tuple[float, ...]  # window over own mean in her market; none for an exponential spread
    counts: bool

    def __call__(self, x: float) -> float:
        """Of counts between whole numbers: an added .06 is one more with probability .06."""
        below = math.floor(x)
        part = x - below
        if not self.counts or not part:
            return self.at_least(x)
        return (1 - part) * self.at_least(below) + part * self.at_least(below + 1)

    def at_least(self, x: float) -> float:
        if x <= 0:
            return 1.0
        level = x + self.base
        k = sum(window >= level - 1e-8 for window in self.made)
        return (k + 8 * pooled(level, self.typical, self.quantiles)) / (len(self.made) + 8)


def outlook(
    person: Person, world: World, metric: str, line: int, period: tuple[int, int], target: float, value: float,
    over: list[Row], under: list[Row],
) -> Outlook:  # fmt: skip
    today = world.calendar[person.market].today
    first, last = period
    adds_up = HOW[metric] == "sum"
    if adds_up:
        # As long as the days left, on today's weekday, ended before today; they step back by weeks.
        span, step = last - today + 1, 7
        newest, pool_day = today - 7 * math.ceil(span / 7), today
    else:
        span = step = last - first + 1
        newest, pool_day = first - span, first
    starts = [newest - step * i for i in range(12)]
    windows = [made_in(metric, over, under, s, s + span - 1) for s in starts if s >= person.joined]
    made = tuple(float(window) for window in windows if window is not None)
    pool = world.pools.get((person.market, metric, line, span, pool_day))
    typical = sum(made) / len(made) if made else 0.0
    if typical < 1e-6:
        typical = pool.mean if pool else 0.0
    if not made and typical < 1e-6:
        # Nobody has a history: an even share of the target stands in.
        typical = target * ((last - today + 1) / (last - first + 1) if adds_up else 1.0)
    return Outlook(made, typical, 0.0 if adds_up else value, pool.quantiles if pool else (), UNIT[metric] == "count")


def pooled(level: float, typical: float, steps: tuple[float, ...]) -> float:
    """P(window >= level) where people's windows spread about her mean as they do in her market."""
    if typical < 1e-6:
        return 1.0 if level <= 0 else 0.0
    ratio = level / typical
    if not steps:
        return math.exp(-max(ratio, 0.0))
    n = len(steps) - 1
    # The first quantile that is as large: a ratio on a step (3 of 3 orders) counts the whole step.
    at = bisect_left(steps, ratio)
    if at > n:
        return 0.0
    if at == 0:
        return 1.0
    return (n - at + (steps[at] - ratio) / (steps[at] - steps[at - 1])) / n


# -------------------------------------------------------------------------------------------------- cards and scores


def candidates(person: Person, world: World) -> list[Card]:
    """Every card she could be shown, by activity and then by person, scored."""
    calendar = world.calendar[person.market]
    by_reason, average = people_for_cards(dues(person, calendar))
    goals, scorer = running_goals(person, world), Scorer(person, world)
    total = sum(goal.weight for goal in goals)
    goals = [replace(goal, weight=goal.weight / total) for goal in goals]
    found = []
    for activity in world.catalogue:
        if activity.markets and person.market not in activity.markets:
            continue
        if not {person.language, person.language.split("-")[0], "en"} & activity.languages:
            continue
        for kind, about, p, stretch in whom(activity, by_reason, average):
            if not scorer.hidden(activity, kind, about):
                found.append(scorer.scored(Card(activity, kind, about, p), stretch, goals))
    return found


def people_for_cards(found: list[Due]) -> tuple[dict[str, list[Due]], float]:
    """By reason, the best first; and the average order of the customers among them."""
    by_reason: dict[str, list[Due]] = defaultdict(list)
    for due in found:
        by_reason[due.reason].append(due)
    for listed in by_reason.values():
        listed.sort(key=lambda due: (-due.score, due.person))
    customers = {due.person: due for due in found if due.kind == 1}
    orders = sum(due.orders for due in customers.values())
    return by_reason, sum(due.spent for due in customers.values()) / orders if orders else 0.0


def whom(
    activity: Activity, by_reason: dict[str, list[Due]], average: float
) -> Iterator[tuple[int, int, float, float]]:
    """(kind, about, p, how far sales are stretched) of an activity's cards: the best twelve people, each once."""
    if activity.about == "nobody":
        yield 0, 0, activity.p, 1.0
        return
    best: dict[int, Due] = {}
    for due in by_reason.get(activity.about, []):
        if not due.ways & activity.ways:
            continue
        if due.kind == 2 or not activity.line or due.line == activity.line:
            best.setdefault(due.person, due)
    for due in sorted(list(best.values())[:12], key=lambda due: due.person):
        p = min(0.95, max(0.01, activity.p * (0.5 + due.score)))
        yield due.kind, due.person, p, stretch(due, average)


def stretch(due: Due, average: float) -> float:
    """This customer's average order over her customers', within 1/2 and 2: what stated sales are multiplied by."""
    if due.kind == 2 or average <= 0 or due.orders <= 0 or due.spent <= 0:
        return 1.0
    return min(2.0, max(0.5, due.spent / due.orders / average))


class Scorer:
    """S = alpha U~ + (1 - alpha) K + lambda L - F + B of one person's cards."""

    def __init__(self, person: Person, world: World) -> None:
        self.world, self.person = world, person
        self.today, self.now = world.calendar[person.market].today, world.calendar[person.market].now
        self.price = world.price[person.market]
        share, self.company = world.steering(person)
        self.alpha = max(0.5, share, person.own_share)
        hides = {(activity, kind, about) for activity, kind, about, until in person.hides if self.today < until}
        self.cards_hidden = {one for one in hides if one[1] < 3}
        self.activities_hidden = {activity for activity, kind, _about in hides if kind == 3}
        self.people_hidden = {(kind - 3, about) for _activity, kind, about in hides if kind in {4, 5}}
        self.fewer = {(activity, of_kind) for activity, kind, of_kind in hides if kind == 6}
        self.shown = {(activity, kind, about): (last, total) for activity, kind, about, last, total in person.shown}
        self.mastery = {skill: score * self.recalled(stability, at) for skill, score, stability, at in person.skills}

    def recalled(self, stability: float, reviewed_at: int) -> float:
        if stability <= 0:
            return 0.0
        return (1 + FACTOR * max(0, (self.now - reviewed_at) // DAY) / stability) ** DECAY

    def hidden(self, activity: Activity, kind: int, about: int) -> bool:
        """This very card; the activity whoever it is about; or every card about this person."""
        return (
            activity.id in self.activities_hidden
            or (activity.id, kind, about) in self.cards_hidden
            or (kind, about) in self.people_hidden
        )

    def exposure(self, card: Card) -> float:
        """sum of .5^(days/15) over the days before today on which it was shown."""
        last, total = self.shown.get((card.activity.id, card.kind, card.about), (self.today, 1.0))
        return self.faded(last, total)

    def faded(self, last: int, total: float) -> float:
        return total - 1 if last == self.today else total * 0.5 ** ((self.today - last) / 15)

    def shown_effect(self, card: Card, metric: tuple[str, int], stretch: float) -> float:
        """tau: p times the effect of doing it, in the market's money, for a customer of this size.

        Multiplied from left to right as the engine does: values that are equal but for their last bit would fall out of
        the eighth place of a pool in one and not in the other.
        """
        price = self.price if UNIT[metric[0]] == "money" else 1.0
        return card.p * card.activity.effects.get(metric, 0.0) * price * (stretch if metric[0] == "sales" else 1.0)

    def scored(self, card: Card, stretch: float, goals: list[Goal]) -> Card:
        activity = card.activity
        utility = 0.0
        for goal in goals:
            tau = self.shown_effect(card, goal.metric, stretch)
            if goal.left > 0 and tau != 0:
                gain = (goal.survival(goal.left - tau) if tau < goal.left else 1.0) - goal.now
                utility += goal.weight * (0.5 * gain + 0.5 * min(1.0, tau / goal.left))
        company = 0.0
        for kpi in self.company:
            tau = self.shown_effect(card, kpi.metric, stretch)
            company += (1 - self.alpha) * kpi.weight * max(-1.0, min(1.0, kpi.direction * tau / kpi.scale))
        gap = 0.0
        if activity.skill:
            held = self.mastery.get(activity.skill, 0.0)
            gap = activity.gain * max(0.0, activity.wanted - held) / activity.wanted
        waved_off = sum(kind == activity.kind and other != activity.id for other, kind in self.fewer)
        return replace(
            card,
            own=self.alpha * min(1.0, utility / self.world.own_scale),
            company=company,
            learning=0.25 * card.p * gap,
            fatigue=-0.01 * self.exposure(card),
            rules=max(-0.1, -0.05 * waved_off),
        )


# ------------------------------------------------------------------------------------------------------------- slate

PATTERN = ("own", "own", "own", "company", "learning")
SLOTS = ("own", "company", "learning", "other")


def drawn(found: Sequence[Card], person: Person, world: World, *, size: int = 5, noise: bool = True) -> list[Placed]:
    """Slots in order, at most one card a person, an activity again only when nothing else is left."""
    from activities.ranking.drawing import gumbel, seed_of

    seed = seed_of(person.identity, EPOCH + timedelta(days=world.calendar[person.market].today))
    pools = {slot: Pages(slot, found) for slot in SLOTS}
    placed: list[Placed] = []
    gone: set[int] = set()
    used: set[int] = set()  # activities on the slate
    repeats = False
    while len(placed) < size:
        left = [i for i in range(len(found)) if i not in gone and (repeats or found[i].activity.id not in used)]
        if not left:
            if repeats or not any(i not in gone for i in range(len(found))):
                break
            repeats = True
            continue
        slot, page = first_open(PATTERN[len(placed) % 5], pools, set(left))
        if not page:
            if repeats:
                break
            repeats = True
            continue
        row = SLOTS.index(slot) + (4 if repeats else 0)

        def luck(i: int, row: int = row) -> float:
            card = found[i]
            return float(gumbel(seed, card.activity.id, card.kind, card.about, row)) if noise else 0.0

        chosen = max(page, key=lambda pair: math.log(pair[1]) + luck(pair[0])) if noise else page[0]
        pi = chosen[1] / sum(weight for _i, weight in page) if noise else 1.0
        card = found[chosen[0]]
        placed.append(Placed(card, slot, pi))
        used.add(card.activity.id)
        gone.add(chosen[0])
        if card.kind:
            gone |= {i for i, other in enumerate(found) if (other.kind, other.about) == (card.kind, card.about)}
    return placed


Page = list[tuple[int, float]]


class Pages:
    """The pools of a slot, made as far as they are looked at: mostly the first one."""

    def __init__(self, slot: str, found: Sequence[Card]) -> None:
        self.made: list[Page] = []
        self.to_come = pages(slot, found)

    def __iter__(self) -> Iterator[Page]:
        yield from self.made
        for page in self.to_come:
            self.made.append(page)
            yield page


def first_open(slot: str, pools: dict[str, Pages], left: set[int]) -> tuple[str, Page]:
    """Who is left of the slot's first pool with anybody left, else of the next slot's: her own goals come first."""
    for source in (slot, *(other for other in SLOTS if other != slot)):
        for page in pools[source]:
            if opened := [(i, weight) for i, weight in page if i in left]:
                return source, opened
    return slot, []


def pages(slot: str, found: Sequence[Card]) -> Iterator[Page]:
    """Who competes for a slot: the best eight, then the next eight; (card, weight) with the best first.

    In one no activity is named twice; over all of them nobody is.
    """
    waiting = sorted((i for i, card in enumerate(found) if belongs(slot, card)), key=lambda i: -value(slot, found[i]))
    named: set[tuple[int, int]] = set()
    while waiting:
        page: list[int] = []
        later: list[int] = []
        for i in waiting:
            card = found[i]
            who = (card.kind, card.about)
            if card.kind and who in named:
                continue
            if len(page) == 8 or card.activity.id in {found[j].activity.id for j in page}:
                later.append(i)
                continue
            page.append(i)
            named.add(who)
        if page:
            yield weighed(page, [value(slot, found[i]) for i in page])
        waiting = later


def belongs(slot: str, card: Card) -> bool:
    if slot == "own":
        return not card.activity.learning and card.own > 0
    if slot == "company":
        return card.company > 0
    return slot == "other" or card.activity.learning


def value(slot: str, card: Card) -> float:
    """The company's slot ranks by K, less what she is tired of and plus what rules say."""
    return card.company + card.fatigue + card.rules if slot == "company" else card.score


def weighed(page: list[int], values: list[float]) -> Page:
    """w = .95 softmax(value / .10) + .05 / n."""
    powers = [math.exp((one - values[0]) / 0.10) for one in values]
    total = sum(powers)
    return [(i, 0.95 * power / total + 0.05 / len(page)) for i, power in zip(page, powers, strict=True)]


# -------------------------------------------------------------------------------------------- read by the plain ORM


@dataclass(frozen=True)
class World:
    """Everything that is the same for many people, by market's id where it differs."""

    calendar: dict[int, Calendar]
    catalogue: list[Activity]
    company: dict[int, list[Campaign]]  # those that run, the one that counts first
    own_scale: float
    price: dict[int, float]
    pools: dict[tuple[int, str, int, int, int], Pool]  # market, metric, line, days in a window, day

    @classmethod
    def now(cls, as_of: datetime) -> World:
        from activities.ranking import scales
        from distributors.models import ForecastPool, Market, ProductLine
        from kpis import board

        lines = {line.code: line.pk for line in ProductLine.objects.all()} | {"": 0}
        frozen = scales.current()
        calendar, company, price = {}, {}, {}
        held, buying = board.current(), buying_now()
        for market in Market.objects.all():
            today = market.local_day(as_of)
            calendar[market.pk] = replace(calendar_of(market, today, as_of), buying=buying)
            price[market.pk] = float(market.price_level)
            company[market.pk] = [
                campaign_of(plan.campaign, version, plan.priorities[version.pk], market, lines, frozen)
                for plan, version in held.running(market, as_of)
            ]
        pools = {
            (pool.market_id, pool.metric, lines[pool.scope], pool.days, day_number(pool.day)): Pool(
                pool.mean, tuple(pool.quantiles)
            )
            for pool in ForecastPool.objects.filter(people__gte=5)
        }
        return cls(calendar, catalogue_of(lines), company, frozen.own, price, pools)

    def steering(self, person: Person) -> tuple[float, list[Kpi]]:
        """The first running campaign that is for her and has a KPI about her: its share, and those KPIs with weights
        that sum to 1."""
        today = self.calendar[person.market].today
        for campaign in self.company[person.market]:
            if campaign.segment is None or campaign.segment.holds(person, today):
                mine = [kpi for kpi in campaign.kpis if kpi.segment is None or kpi.segment.holds(person, today)]
                if mine:
                    total = sum(kpi.weight for kpi in mine)
                    return campaign.share, merged(replace(kpi, weight=kpi.weight / total) for kpi in mine)
        return 1.0, []

    def of_everybody(self, market: int) -> list[Kpi]:
        """What counts for every person of a market; ValueError where it depends on who she is."""
        campaigns = self.company[market][:1]
        if any(one.segment or any(kpi.segment for kpi in one.kpis) for one in campaigns):
            raise ValueError("A campaign of this field is for a segment: what counts differs from person to person.")
        total = sum(kpi.weight for campaign in campaigns for kpi in campaign.kpis)
        return merged(replace(kpi, weight=kpi.weight / total) for campaign in campaigns for kpi in campaign.kpis)


def merged(kpis: Iterable[Kpi]) -> list[Kpi]:
    """Two that move the same figure are one with both weights."""
    found: dict[tuple[str, int], Kpi] = {}
    for kpi in kpis:
        held = found.get(kpi.metric)
        found[kpi.metric] = replace(held, weight=held.weight + kpi.weight) if held else kpi
    return list(found.values())


def campaign_of(
    campaign: Any, version: Any, weighed: Iterable[Any], market: Any, lines: dict[str, int], frozen: Any
) -> Campaign:
    return Campaign(
        share=float(version.own_goal_share),
        kpis=[
            Kpi(
                split(one.kpi.key, lines), one.weight, one.kpi.direction, frozen.of(one.kpi.key, market),
                segment_of(one.kpi.segment),
            )
            for one in weighed
            if one.kpi.market_id in (None, market.pk)
        ],
        segment=segment_of(campaign.segment),
    )  # fmt: skip


def segment_of(stored: Any) -> Segment | None:
    return Segment(stored.days_from, stored.days_to, stored.team) if stored else None


def split(key: str, lines: dict[str, int]) -> tuple[str, int]:
    metric, _sep, scope = key.partition(":")
    return metric, lines.get(scope, -1)


def day_number(day: date) -> int:
    return (day - EPOCH).days


def buying_now() -> Buying | None:
    from distributors import reordering
    from distributors.models import ReorderFit

    fit = ReorderFit.objects.first()
    if fit is None or not reordering.is_good(fit):
        return None
    model = reordering.Model.read(fit.values)
    names = model.records().dtype.names or ()
    lines = {row[0]: dict(zip(names, row, strict=True)) for row in model.records().tolist()}
    return Buying(lines, tuple(model.buying), fit.values["quantiles"], fit.values["least"])


def calendar_of(market: Any, today: date, as_of: datetime) -> Calendar:
    monday = today - timedelta(days=(today.weekday() - market.week_start) % 7)
    month = today.replace(day=1)
    after = (month + timedelta(days=32)).replace(day=1)
    return Calendar(
        now=(as_of - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1),
        today=day_number(today),
        week=(day_number(monday), day_number(monday) + 6),
        month=(day_number(month), day_number(after) - 1),
    )


def catalogue_of(lines: dict[str, int]) -> list[Activity]:
    """Published activities by key, with what their authors estimate. (Nothing is learned in a benchmark's field.)"""
    from activities.models import Activity as Stored

    kinds = list(Stored.Kind.values)
    rows = Stored.objects.published().select_related("line", "skill").prefetch_related("markets", "texts")
    return [
        Activity(
            id=row.pk, about=row.about, line=row.line_id or 0, kind=kinds.index(row.kind), learning=row.form == "lesson",
            p=row.p_done, effects=completed(row, lines), skill=row.skill_id or 0,
            wanted=row.skill.wanted if row.skill else 1.0, gain=row.skill_gain,
            ways={"message": 14, "call": 1}.get(row.form, 15),
            markets=frozenset(market.pk for market in row.markets.all()),
            languages=frozenset(text.language for text in row.texts.all()),
        )
        for row in sorted(rows, key=lambda row: row.key)
    ]  # fmt: skip


def completed(row: Any, lines: dict[str, int]) -> dict[tuple[str, int], float]:
    """Doing it is one activity done (and one lesson); a whole counts for the activity's line, a line for the whole."""
    stated = {split(key, lines): float(value) for key, value in row.impacts.items()}
    found = {("activities_done", 0): 1.0, **({("lessons_done", 0): 1.0} if row.form == "lesson" else {}), **stated}
    for (metric, line), effect in list(found.items()):
        if line and HOW[metric] == "sum":
            found.setdefault((metric, 0), effect)
        elif not line and row.line_id and metric in SCOPED:
            found.setdefault((metric, row.line_id), effect)
    return found


def people(ids: Iterable[int]) -> list[Person]:
    """Their compact rows as they stand, in the order of ids, without who left. Two queries."""
    from activities.models import Memory
    from distributors.models import Distributor

    wanted = list(ids)
    rows = Distributor.objects.active().with_market().select_related("feature").filter(pk__in=wanted).order_by("pk")
    memories = Memory.objects.in_bulk(wanted)
    return [person_of(row, memories.get(row.pk, Memory(hides=b"", shown=b"", skills=b""))) for row in rows]


def person_of(row: Any, memory: Any) -> Person:
    from distributors import records

    def decoded(raw: Any, record: Any) -> list[Row]:
        return records.unpacked(raw, record).tolist()  # type: ignore[no-any-return]

    feature = row.feature
    return Person(
        id=row.pk,
        identity=feature.identity,
        market=row.market_id,
        language=row.speaks,
        own_share=float(row.own_goal_share or 0),
        joined=day_number(row.joined_on),
        goals=decoded(feature.goals, records.GOAL),
        days=decoded(feature.days, records.DAY),
        customers=decoded(feature.customers, records.CUSTOMER),
        lines=decoded(feature.lines, records.LINE),
        recruits=decoded(feature.recruits, records.RECRUIT),
        hides=decoded(memory.hides, records.HIDE),
        shown=decoded(memory.shown, records.SHOWN),
        skills=decoded(memory.skills, records.SKILL),
    )
