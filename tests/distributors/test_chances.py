from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from distributors import features
from distributors.blocks import QUANTILES, WINDOWS, Calendar, Outlooks, Spread, calendar_of, outlooks
from distributors.chances import NAMES, Chance, look, pool_keys, pooled, spread_for, survival
from distributors.metrics import METRICS, How, Unit, totals
from distributors.models import Distributor, ForecastPool, Goal, Market, Measure
from distributors.periods import past_windows, running_period
from distributors.records import DAY, EPOCH, GOAL, NEVER, Records, day_number, native
from tests import factories as make

from .measures import measure

THURSDAY = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)
TODAY = date(2026, 8, 27)
NOBODY = np.zeros(0, native(DAY))


def goal(
    metric: str = "sales", period: int = 0, target: float = 250, line: int = 0, weight: float = 1, **dates: date
) -> tuple:
    """One GOAL record; period 0 week, 1 month, 2 between `first` and `last`."""
    first, last = dates.get("first"), dates.get("last")
    place = NAMES.index(metric)
    return 1, place, line, period, day_number(first), day_number(last), round(100 * target), round(100 * weight)


def goals_of(*rows: tuple) -> Records:
    return np.array(list(rows), native(GOAL))


def days_of(*rows: tuple[int, date, int]) -> Records:
    """DAY records: slot, day, hundredths (or a recruit)."""
    return np.array([(slot, day_number(day), value) for slot, day, value in sorted(rows)], native(DAY))


def us(week_start: int = 0) -> Market:
    return Market(pk=1, code="us", time_zone="America/New_York", week_start=week_start, currency="USD")


def spread(*rows: tuple[str, int, int, date, float, int, list[float]]) -> Spread:
    """Pools of the first market: metric, line, span, day, mean, people, quantiles."""
    n = len(rows)
    return Spread(
        market=np.zeros(n, np.int64), metric=np.array([NAMES.index(row[0]) for row in rows], np.int64),
        line=np.array([row[1] for row in rows], np.int64), span=np.array([row[2] for row in rows], np.int64),
        day=np.array([day_number(row[3]) for row in rows], np.int64), mean=np.array([row[4] for row in rows], np.float64),
        people=np.array([row[5] for row in rows], np.int64),
        quantiles=np.array([row[6] or [np.nan] * QUANTILES for row in rows], np.float64).reshape(-1, QUANTILES),
    )  # fmt: skip


def seen(goals: Records, days: Records = NOBODY, *, joined: date = EPOCH, pools: Spread | None = None) -> Outlooks:
    out = outlooks(len(goals))
    calendar = calendar_of([us()], THURSDAY)
    assert look(goals, days, day_number(joined), 0, calendar, pools or spread(), out) == len(goals)
    return out


def made(out: Outlooks, g: int = 0) -> list[float]:
    return out.made[g, : out.n[g]].tolist()


def test_it_works() -> None:
    weeks = [60.0, 70.0, 0, 80.0, 50.0, 62.5, 90.0, 10.0, 0, 62.49, 100.0, 120.0]
    days = [(0, TODAY - timedelta(weeks=n + 1), round(100 * value)) for n, value in enumerate(weeks)]
    flat = [1.0] * QUANTILES
    pools = spread(("sales", 0, 4, TODAY, 100.0, 6, flat))
    out = seen(goals_of(goal(target=250)), days_of(*days, (0, TODAY - timedelta(days=2), 18750)), pools=pools)
    assert (out.running[0], out.value[0], out.left[0], out.weight[0]) == (1, 18750, 62.5, 1.0)
    assert made(out) == weeks
    assert out.typical[0] == pytest.approx(np.mean(weeks))
    # 62.50 or more in 6 of 12; of a market of people who always make what they usually make nobody makes more.
    assert survival(62.5, 0, out, pools) == 6 / 20
    assert survival(58.0, 0, out, pools) == (8 + 8) / 20


# What a row comes to, said without kernels: with dates, fractions and the windows that pools are made from.


class Plain:
    def __init__(self, record: Records, place: int, days: Records, market: Market, today: date) -> None:
        self.metric = METRICS[NAMES[record["metric"]]]
        self.today, self.rows = today, [row for row in days if row["slot"] // 2 == place]
        dates = (
            (None, None)
            if record["first"] == NEVER
            else tuple(EPOCH + timedelta(int(record[at])) for at in ("first", "last"))
        )
        self.period = running_period(market, list(Goal.Period)[record["period"]], today, *dates)

    def total(self, first: date, last: date) -> Fraction | None:
        """Of first..last, inclusive; None when undefined."""
        within = [row for row in self.rows if first <= EPOCH + timedelta(int(row["day"])) <= last]
        if self.metric.how is How.RECRUITS:
            return Fraction(len({int(row["value"]) for row in within}))
        over, under = (sum(int(row["value"]) for row in within if row["slot"] % 2 == part) for part in (0, 1))
        if self.metric.how is How.SUM:
            return Fraction(over, 100)
        return Fraction(over, under) if under > 0 else None

    @property
    def span(self) -> int:
        first, last = self.period
        return ((last - self.today) if self.metric.how is How.SUM else (last - first)).days + 1

    @property
    def start(self) -> date:
        return self.today if self.metric.how is How.SUM else self.period[0]

    def made(self, joined: date) -> list[float]:
        windows = past_windows(self.metric.how is How.SUM, self.span, self.start, WINDOWS)
        found = [self.total(first, stop - timedelta(days=1)) for first, stop in windows if first >= joined]
        return [float(value) for value in found if value is not None]


def random_row(dice: random.Random, today: date) -> tuple[Records, Records]:
    goals, days = [], []
    for place, metric in enumerate(dice.sample(NAMES, dice.randint(0, 6))):
        period = dice.randrange(3)
        first = today - timedelta(days=dice.randint(-5, 60))
        dates = (
            {"first": first, "last": first + timedelta(days=dice.choice([0, 6, 30, 89, 365]))} if period == 2 else {}
        )
        goals.append(goal(metric, period, dice.choice([1, 3, 250, 1234.56]), **dates))
        for _ in range(dice.choice([0, 3, 200])):
            day = today - timedelta(days=dice.randint(-3, dice.choice([20, 120, 900])))
            if METRICS[metric].how is How.RECRUITS:
                days.append((2 * place, day, dice.randint(2**40, 2**40 + 4)))
            else:
                ratio = METRICS[metric].how is How.RATIO
                days.append((2 * place + dice.randrange(1 + ratio), day, dice.choice([100, 200, 333, -100, 123456])))
    return goals_of(*goals), days_of(*days)


@pytest.mark.parametrize("seed", range(300))
def test_it_is_what_dates_and_fractions_say(seed: int) -> None:
    dice = random.Random(seed)
    market, as_of = (
        us(week_start=dice.randrange(7)),
        THURSDAY + timedelta(days=dice.randrange(400), hours=dice.randrange(24)),
    )
    today = market.local_day(as_of)
    joined = today - timedelta(days=dice.choice([0, 10, 60, 5000]))
    goals, days = random_row(dice, today)
    out = outlooks(6)
    for column in out:
        column[:] = 77  # left over from somebody else
    assert look(goals, days, day_number(joined), 0, calendar_of([market], as_of), spread(), out) == len(goals)
    for g, record in enumerate(goals):
        plain = Plain(record, g, days, market, today)
        assert out.running[g] == (plain.period is not None)
        if plain.period is None:
            assert (out.left[g], out.n[g]) == (0, 0)
            continue
        assert (out.first[g], out.last[g]) == tuple(map(day_number, plain.period))
        value = round(100 * (plain.total(*plain.period) or 0))  # half to even, as Decimal rounds
        assert out.value[g] == value
        assert out.left[g] == max(0, int(record["target"]) - value) / 100
        assert out.counts[g] == (plain.metric.unit is Unit.COUNT)
        assert made(out, g) == plain.made(joined)
        assert out.base[g] == (0 if plain.metric.how is How.SUM else value / 100)
        assert out.known[g] == bool(made(out, g))


@pytest.mark.parametrize(
    ("over", "under", "value"), [(1, 8, 12), (3, 8, 38), (-1, 8, -12), (-3, 8, -38), (2, 3, 67), (5, 0, 0)]
)
def test_a_ratio_is_rounded_half_to_even(over: int, under: int, value: int) -> None:
    days = days_of((0, TODAY, over), *[(1, TODAY, under)] * bool(under))
    assert seen(goals_of(goal("order_size")), days).value[0] == value
    if under:
        assert (Decimal(over) / under).quantize(Decimal("0.01")) * 100 == value


def test_a_month_overlaps_its_own_past_windows() -> None:
    """On a Thursday with five days left last Thursday is in the running month and in the newest window."""
    out = seen(goals_of(goal("orders", 1, 5)), days_of((0, date(2026, 8, 20), 100), (0, date(2026, 8, 27), 100)))
    assert out.value[0] == 200
    assert made(out) == [1.0] + [0.0] * 11


def test_out_of_its_dates_it_is_left_out() -> None:
    goals = goals_of(goal(period=2, first=date(2026, 8, 1), last=date(2026, 8, 26)), goal())
    out = seen(goals, days_of((0, date(2026, 8, 26), 100), (2, date(2026, 8, 26), 700)))
    assert out.running.tolist() == [0, 1]
    assert out.value.tolist() == [0, 700]


def test_a_pool_of_too_few_people_does_not_count() -> None:
    atoms = [0.0] * 32 + [1.0] + [2.0] * 32
    for people, row, typical in ((4, -1, 250 * 4 / 7), (5, 0, 40.0)):
        out = seen(goals_of(goal()), joined=TODAY, pools=spread(("sales", 0, 4, TODAY, 40.0, people, atoms)))
        assert (out.pool[0], out.typical[0], out.known[0]) == (row, pytest.approx(typical), row == 0)


@pytest.mark.parametrize(
    "other",
    [("orders", 0, 4, TODAY), ("sales", 7, 4, TODAY), ("sales", 0, 5, TODAY), ("sales", 0, 4, TODAY - timedelta(1))],
)
def test_a_pool_of_something_else_does_not_count(other: tuple) -> None:
    pools = spread((*other, 40.0, 99, [1.0] * QUANTILES), ("sales", 0, 4, TODAY, 50.0, 99, [1.0] * QUANTILES))
    assert seen(goals_of(goal()), pools=pools).pool[0] == 1
    assert seen(goals_of(goal()), pools=spread((*other, 40.0, 99, [1.0] * QUANTILES))).pool[0] == -1
    pools.market[1] = 1
    assert seen(goals_of(goal()), pools=pools).pool[0] == -1


# Survival.

amounts = st.floats(0, 1e6, allow_nan=False)
quantiles = st.lists(st.floats(-5, 50), min_size=65, max_size=65).map(sorted)


def chance_of(
    made: list[float], *, typical: float, quantiles: list[float] | None = None, base: float = 0.0, counts: bool = False
) -> Chance:
    out = outlooks(1)
    out.made[0, : len(made)], out.n[0] = made, len(made)
    out.typical[0], out.base[0], out.counts[0], out.pool[0] = typical, base, counts, 0 if quantiles else -1
    return Chance(0, out, spread(("sales", 0, 4, TODAY, 1.0, 9, list(quantiles or []))))


chances = st.builds(
    chance_of,
    made=st.lists(amounts, max_size=12),
    typical=amounts,
    quantiles=quantiles | st.none(),
    base=amounts,
    counts=st.booleans(),
)


def plain_survival(chance: Chance, x: float) -> float:
    """The formula of ranking.md 2 in NumPy, of amounts."""
    out, level = chance.out, x + chance.out.base[0]
    own, typical = out.made[0, : out.n[0]], out.typical[0]
    if typical < 1e-6:
        pool = float(level <= 0)
    elif out.pool[0] < 0:
        pool = float(np.exp(-max(level / typical, 0)))
    else:
        # Negated and reversed, so that a level equal to an atom still counts the atom itself.
        falling = -chance.spread.quantiles[0][::-1]
        pool = float(np.interp(-level / typical, falling, np.linspace(0, 1, 65), left=0, right=1))
    return 1.0 if x <= 0 else ((own >= level - 1e-8).sum() + 8 * pool) / (len(own) + 8)


@settings(deadline=None)  # the first call compiles
@given(chances, st.lists(st.floats(-1e6, 2e6), min_size=2, max_size=30))
def test_survival_is_a_falling_probability(chance: Chance, xs: list[float]) -> None:
    xs = sorted(xs)
    found = chance(np.array(xs))
    assert np.all((found >= 0) & (found <= 1))
    assert np.all(np.diff(found) <= 1e-12)
    assert [chance(x) for x in xs] == list(found)
    assert all(p == 1 for x, p in zip(xs, found, strict=True) if x <= 0)


@given(
    chances, st.lists(st.floats(0, 2e6) | st.integers(0, 100).map(float), min_size=1, max_size=30), st.integers(0, 64)
)
def test_survival_is_the_plain_formula(chance: Chance, xs: list[float], atom: int) -> None:
    if chance.out.pool[0] == 0:  # and at an atom exactly
        xs.append(max(0.0, chance.spread.quantiles[0, atom] * chance.out.typical[0] - chance.out.base[0]))
    for x in xs:
        low = np.floor(x) if chance.out.counts[0] else x
        expected = plain_survival(chance, low)
        if low < x:
            expected = (1 - (x - low)) * expected + (x - low) * plain_survival(chance, low + 1)
        assert chance(x) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_every_quantile_and_everything_between_is_found(seed: int) -> None:
    dice = np.random.default_rng(seed)
    spots = np.sort(dice.choice([0, 0.5, 1, 1.5, *dice.exponential(1, 90)], 65))
    chance = chance_of([], typical=1.0, quantiles=spots.tolist())
    between = (spots[1:] + spots[:-1]) / 2
    for x in [*spots, *between, *np.nextafter(spots, 99), *np.nextafter(spots, -99), 1e-300]:
        assert chance(float(x)) == pytest.approx(plain_survival(chance, float(x)), abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=12), st.integers(1, 20))
def test_own_windows_count_whole(made: list[int], x: int) -> None:
    assert chance_of(made, typical=0.0)(float(x)) == pytest.approx(sum(m >= x for m in made) / (len(made) + 8))


def test_pool_counts_an_atom_and_interpolates() -> None:
    # Half of all windows are nothing, half are twice the mean.
    chance = chance_of([], typical=10.0, quantiles=[0.0] * 32 + [1.0] + [2.0] * 32)
    assert chance(20.0) == pytest.approx(1 - 33 / 64)
    assert chance(20.1) == 0
    assert chance(10.0) == pytest.approx(0.5)
    assert chance(15.0) == pytest.approx(1 - 32.5 / 64)
    assert pooled(0.0, 10.0, 0, chance.spread.quantiles) == 1


def test_of_a_count_an_added_fraction_is_one_more_with_that_probability() -> None:
    chance = chance_of([3.0, 2.0, 1.0, 0.0], typical=0.0, counts=True)
    assert chance(2.0) == 2 / 12
    assert chance(1.94) == pytest.approx(0.94 * 2 / 12 + 0.06 * 3 / 12)
    assert chance(0.5) == pytest.approx(0.5 * 1 + 0.5 * 3 / 12)


def test_arrays_keep_their_shape() -> None:
    chance = chance_of([3.0], typical=1.0)
    assert chance(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])).shape == (2, 3)
    assert chance(np.zeros(0)).shape == (0,)
    assert isinstance(chance(np.float64(2)), float)


# With a database: rows as features.py writes them, pools as they are stored.


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_values_are_those_of_the_vocabulary(seed: int) -> None:
    dice = random.Random(seed)
    line = make.product_line("eye")
    seller = make.distributor(joined_on=date(2026, 1, 5))
    people = [seller, *(make.distributor(sponsor=seller) for _ in range(3))]
    for person in people:
        rows = {
            (metric, scope, TODAY - timedelta(days=dice.randrange(200)))
            for _ in range(80)
            for metric in METRICS
            for scope in ("", "eye")
            if METRICS[metric].how is How.SUM and (METRICS[metric].scoped or not scope)
        }
        Measure.objects.bulk_create(
            Measure(
                distributor=person, metric=metric, scope=scope, day=day, value=Decimal(dice.randint(-200, 9999)) / 100
            )
            for metric, scope, day in sorted(rows)
        )
    for metric in METRICS.values():
        make.goal(seller, metric=metric.name, period=dice.choice(["week", "month"]), target=Decimal(100))
        if metric.scoped:
            make.goal(seller, metric=metric.name, scope="eye", period="week", target=Decimal(100))
    row = features.of([seller.pk])[seller.pk]
    out = outlooks(len(row.goals))
    look(row.goals, row.days, day_number(seller.joined_on), 0, calendar_of([seller.market], THURSDAY), spread(), out)
    by_id = Goal.objects.in_bulk()
    assert len(row.goals) == len(by_id)
    for g, record in enumerate(row.goals):
        goal, metric = by_id[int(record["id"])], METRICS[by_id[int(record["id"])].metric]
        assert record["line"] == (line.pk if goal.scope else 0)
        first, last = running_period(seller.market, goal.period, TODAY)

        def total(start: date, end: date, goal: Goal = goal) -> Decimal | None:
            return totals([seller.pk], goal.metric, goal.scope, start, end).get(seller.pk)

        assert out.value[g] == 100 * (total(first, last) or 0)
        span, start = ((last - TODAY).days + 1, TODAY) if metric.how is How.SUM else ((last - first).days + 1, first)
        windows = past_windows(metric.how is How.SUM, span, start, WINDOWS)
        expected = [total(a, b - timedelta(days=1)) for a, b in windows if a >= seller.joined_on]
        if metric.how is How.RATIO:
            expected = [value for value in expected if value is not None]
        assert made(out, g) == pytest.approx(
            [float(value or 0) for value in expected], abs=0.0050001 if metric.how is How.RATIO else 0
        )


def spread_of(people: list[Distributor], as_of: datetime = THURSDAY) -> tuple[Spread, list[Market], Calendar]:
    rows = features.of([person.pk for person in people])
    markets = sorted({person.market for person in people}, key=lambda market: market.pk)
    calendar = calendar_of(markets, as_of)
    goals = [rows[person.pk].goals for person in people]
    goals_at = np.cumsum([0, *map(len, goals)])
    index = np.array([markets.index(person.market) for person in people])
    return spread_for(markets, calendar, np.concatenate(goals), goals_at, index), markets, calendar


@pytest.mark.django_db
def test_pools_of_many_people(django_assert_num_queries: Callable) -> None:
    line = make.product_line("eye")
    markets = [make.market("us"), make.market("de", time_zone="Europe/Berlin", currency="EUR")]
    people = [make.distributor(market=markets[n % 2], joined_on=date(2025, 1, 1)) for n in range(12)]
    for n, person in enumerate(people):
        make.goal(person)
        make.goal(person, metric="order_size", scope="eye", period="month")
        measure(person, "sales", TODAY - timedelta(weeks=1), 50 * (1 + n % 2))
    people.append(make.distributor(market=markets[0]))  # without a goal
    found, of_markets, _calendar = spread_of(people)
    assert len(found.market) == 4 == ForecastPool.objects.count()
    for row in range(4):
        stored = ForecastPool.objects.get(
            market=of_markets[found.market[row]], metric=NAMES[found.metric[row]], scope="eye" if found.line[row] else "",
        )  # fmt: skip
        assert found.line[row] in (0, line.pk)
        assert (found.span[row], found.day[row]) == (stored.days, day_number(stored.day))
        assert (found.mean[row], found.people[row]) == (stored.mean, stored.people)
        assert found.quantiles[row].tolist() == stored.quantiles or np.all(np.isnan(found.quantiles[row]))
    assert sorted(set(found.mean[found.metric == NAMES.index("sales")])) == pytest.approx([50 / 12 * 6 / 7, 100 / 12])
    features.of([person.pk for person in people])
    with django_assert_num_queries(2):  # rows, pools
        spread_of(people)
    with django_assert_num_queries(1):
        assert spread_of(people[-1:])[0].quantiles.shape == (0, QUANTILES)


@pytest.mark.django_db
def test_a_pool_that_was_rolled_back_is_made_again() -> None:
    seller = make.distributor()
    make.goal(seller)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        for n in range(5):
            measure(make.distributor(), "sales", TODAY - timedelta(weeks=1), 100 + n)
        assert spread_of([seller])[0].people.tolist() == [5]
        raise ZeroDivisionError
    assert spread_of([seller])[0].people.tolist() == [0]


@pytest.mark.django_db
def test_a_line_that_is_gone_has_no_pool() -> None:
    seller = make.distributor()
    make.goal(seller, scope="gone")
    assert len(spread_of([seller])[0].market) == 0


def test_keys_are_those_that_look_asks_for() -> None:
    market, calendar = us(), calendar_of([us()], THURSDAY)
    goals = goals_of(
        goal(), goal("orders", 1), goal("order_size", 1, line=7), goal("retained_recruits"),
        goal(period=2, first=date(2026, 8, 1), last=TODAY), goal(period=2, first=date(2026, 8, 28), last=date(2026, 9, 9)),
    )  # fmt: skip
    twice = np.concatenate([goals, goals])
    keys = pool_keys(twice, np.array([0, 2, 6, 12]), np.array([0, 0, 0]), calendar)
    assert [(NAMES[metric], line, span, EPOCH + timedelta(day)) for _m, metric, line, span, day in keys.tolist()] == [
        ("sales", 0, 4, TODAY),
        ("orders", 0, 5, TODAY),
        ("order_size", 7, 31, date(2026, 8, 1)),
        ("retained_recruits", 0, 7, date(2026, 8, 24)),
        ("sales", 0, 1, TODAY),
    ]
    everything = spread(
        *[(NAMES[row[1]], row[2], row[3], EPOCH + timedelta(row[4]), 1.0, 9, [1.0] * 65) for row in keys.tolist()]
    )
    out = outlooks(6)
    look(goals, NOBODY, 0, 0, calendar, everything, out)
    assert out.pool.tolist() == [0, 1, 2, 3, 4, -1]
    assert market.week_of(TODAY)[0] == date(2026, 8, 24)
