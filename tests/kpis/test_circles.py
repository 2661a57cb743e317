from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.test.utils import CaptureQueriesContext

from distributors.metrics import totals
from distributors.models import Distributor, Market, Measure
from kpis import circles
from kpis.circles import CIRCLE, LOOK, enter, enter_begun, similar_people
from kpis.incentives import contest_neighbours
from kpis.models import ContestEntry, Incentive
from tests import factories as make
from tests.distributors.measures import measure

pytestmark = pytest.mark.django_db

FIRST = date(2026, 8, 3)
EARLIER = FIRST - timedelta(days=10)
AS_OF = datetime(2026, 8, 5, 15, 0, tzinfo=UTC)


def a_contest(**fields: Any) -> Incentive:
    return make.incentive(form=Incentive.Form.CONTEST, **{"starts_on": FIRST, "ends_on": date(2026, 8, 30)} | fields)


def sellers(*sold: int, **fields: Any) -> list[Distributor]:
    people = [make.distributor(**fields) for _ in sold]
    for person, amount in zip(people, sold, strict=True):
        if amount:
            measure(person, "sales", EARLIER, amount)
    return people


def crowd(n: int, market: Market, amount: Callable[[int], int], joined_on: date = date(2025, 1, 6)) -> None:
    """n people of a market, written in two statements."""
    start = Distributor.objects.aggregate(top=Max("pk"))["top"] or 0
    people = Distributor.objects.bulk_create(
        Distributor(external_id=f"x{start}-{i}", name=f"Ada {i}", market=market, joined_on=joined_on) for i in range(n)
    )
    Measure.objects.bulk_create(
        Measure(distributor=person, metric="sales", day=EARLIER, value=amount(i)) for i, person in enumerate(people)
    )


def entries(contest: Incentive) -> list[tuple[int, int, Decimal]]:
    return list(contest.entries.order_by("place").values_list("place", "distributor_id", "before"))


def names(me: Distributor, contest: Incentive) -> set[int]:
    return {person.pk for person in similar_people(me, contest)}


def test_it_works() -> None:
    contest, people = a_contest(), sellers(300, 0, 200, 100, 200)
    enter(contest)
    a, none, b, c, d = (person.pk for person in people)
    assert entries(contest) == [(1, none, 0), (2, c, 100), (3, b, 200), (4, d, 200), (5, a, 300)]
    assert similar_people(people[3], contest) == [people[3], people[1], people[2], people[4], people[0]]


def test_only_sales_of_the_twelve_weeks_before_count() -> None:
    contest, [person] = a_contest(), sellers(0)
    for days, amount in ((0, 1), (1, 20), (84, 300), (85, 4000)):
        measure(person, "sales", FIRST - timedelta(days=days), amount)
    measure(person, "sales", EARLIER, 50_000, scope="eye")
    measure(person, "orders", EARLIER, 600_000)
    enter(contest)
    assert entries(contest) == [(1, person.pk, 320)]


def test_who_is_entered() -> None:
    contest, [person] = a_contest(), sellers(10, joined_on=FIRST)
    sellers(10, joined_on=FIRST + timedelta(days=1))
    sellers(10, left_on=EARLIER)
    sellers(10, market=make.market("de", currency="EUR"))
    enter(contest)
    assert [pk for _place, pk, _before in entries(contest)] == [person.pk]


def test_late_events_and_new_people_change_no_entry() -> None:
    contest, people = a_contest(), sellers(300, 200, 100)
    enter(contest)
    before = entries(contest)
    measure(people[2], "sales", EARLIER - timedelta(days=1), 5000)
    sellers(150)
    enter(contest)
    assert entries(contest) == before


def test_a_contest_of_another_market_or_first_day_is_entered_again() -> None:
    contest, other = a_contest(), a_contest()
    sellers(10, 20)
    elsewhere = sellers(10, market=make.market("de", currency="EUR"))
    for one in (contest, other):
        enter(one)
    Incentive.objects.update(terms="Told better.", ends_on=date(2026, 8, 31))
    assert len(entries(contest)) == 2
    contest.market = elsewhere[0].market
    contest.save()
    assert entries(contest) == [] and len(entries(other)) == 2
    enter(contest)
    assert [pk for _place, pk, _before in entries(contest)] == [elsewhere[0].pk]
    Incentive.objects.filter(pk=other.pk).update(starts_on=FIRST + timedelta(days=1))
    assert entries(other) == []


def test_one_entry_a_person_and_a_place() -> None:
    contest, people = a_contest(), sellers(10, 20)
    enter(contest)
    for person, place in ((people[0], 3), (make.distributor(), 2)):
        with pytest.raises(IntegrityError), transaction.atomic():
            ContestEntry.objects.create(contest=contest, distributor=person, place=place, before=0)


@pytest.mark.parametrize("seed", range(3))
def test_the_circle_is_the_nearest_of_everybody(seed: int) -> None:
    """300 people: the same as sorting them all by distance, except among those equally far."""
    lot, contest = random.Random(seed), a_contest()
    crowd(300, contest.market, lambda i: lot.choice([0, 0, lot.randrange(0, 500), lot.randrange(0, 5000)]))
    people = list(Distributor.objects.all())
    first, last = circles.days_before(contest)
    sold = totals([p.pk for p in people], "sales", "", first, last)
    for me in lot.sample(people, 40):
        far = sorted(abs(sold[p.pk] - sold[me.pk]) for p in people if p != me)[: CIRCLE - 1]
        circle = similar_people(me, contest)
        assert circle[0] == me and len(set(circle)) == CIRCLE
        assert [abs(sold[p.pk] - sold[me.pk]) for p in circle[1:]] == far


def test_among_equals_the_nearest_places() -> None:
    """Of a market that sold nothing before, not everybody is compared with the same first twelve."""
    contest, people = a_contest(), sellers(*[0] * 40)
    assert names(people[20], contest) == {person.pk for person in people[14:26]}


def test_who_joined_later_is_placed_by_her_own_sales() -> None:
    contest = a_contest()
    people = sellers(*[0] * 20, *range(100, 2100, 100))
    later = make.distributor(joined_on=FIRST + timedelta(days=1))
    assert names(later, contest) == {later.pk, *(person.pk for person in people[9:20])}
    measure(later, "sales", EARLIER, 1010)  # sold before she joined: a correction, or an account taken over
    assert names(later, contest) == {later.pk, *(person.pk for person in people[24:35])}
    assert later.pk not in names(people[30], contest)


def test_who_is_below_or_above_everybody() -> None:
    contest = a_contest()
    people = sellers(*range(100, 2100, 100))
    below, above = (make.distributor(joined_on=FIRST + timedelta(days=1)) for _ in range(2))
    measure(below, "sales", EARLIER, -5)
    measure(above, "sales", EARLIER, 9000)
    assert names(below, contest) == {below.pk, *(person.pk for person in people[:11])}
    assert names(above, contest) == {above.pk, *(person.pk for person in people[-11:])}


def test_who_left_or_moved_to_another_market_is_compared_with_nobody() -> None:
    contest, people = a_contest(), sellers(*range(0, 3000, 100))
    enter(contest)
    gone = people[10:15]
    Distributor.objects.filter(pk__in=[person.pk for person in gone]).update(left_on=FIRST)
    Distributor.objects.filter(pk=people[16].pk).update(market=make.market("de", currency="EUR"))
    near = [*people[8:10], people[15], *people[17:26]]
    assert names(people[17], contest) == {person.pk for person in near}


def test_when_many_left_the_circle_reaches_past_them() -> None:
    contest = a_contest()
    people = sellers(*[0] * (2 * LOOK))
    enter(contest)
    Distributor.objects.filter(pk__in=[p.pk for p in people[1 : LOOK - CIRCLE]]).update(left_on=FIRST)
    assert names(people[0], contest) == {people[0].pk, *(p.pk for p in people[LOOK - CIRCLE : LOOK - 1])}


def test_without_anybody_there_is_no_strip() -> None:
    contest = a_contest()
    later = make.distributor(joined_on=FIRST + timedelta(days=1))
    assert similar_people(later, contest) == [later]
    assert contest_neighbours(later, contest, as_of=AS_OF) == []


def test_the_schedule_enters_what_has_begun_in_its_market() -> None:
    sellers(10, 20, 30)
    samoa = make.market("ws", time_zone="Pacific/Apia")  # 13 hours ahead: 01:00 on the 4th when it is noon on the 3rd
    sellers(10, market=samoa)
    running, ends_today = a_contest(), a_contest(starts_on=FIRST - timedelta(days=7), ends_on=FIRST)
    ahead, ahead_here = a_contest(market=samoa, starts_on=date(2026, 8, 4)), a_contest(starts_on=date(2026, 8, 4))
    over = a_contest(starts_on=FIRST - timedelta(days=7), ends_on=FIRST - timedelta(days=1))
    award = make.incentive(starts_on=FIRST)
    enter_begun(datetime(2026, 8, 3, 12, 0, tzinfo=UTC))
    found = [len(entries(one)) for one in (running, ends_today, ahead, ahead_here, over, award)]
    assert found == [3, 3, 1, 0, 0, 0]


def test_the_schedule_does_nothing_twice(django_assert_num_queries: Callable) -> None:
    contest, _people = a_contest(), sellers(10, 20, 30)
    enter_begun(AS_OF)
    before = entries(contest)
    sellers(5)
    with django_assert_num_queries(1):
        enter_begun(AS_OF)
    assert entries(contest) == before


def test_one_contest_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = a_contest(), a_contest()
    sellers(10, 20)

    def failing(contest: Incentive) -> None:
        if contest == bad:
            raise ValueError("No.")
        enter(contest)

    monkeypatch.setattr(circles, "enter", failing)
    with pytest.raises(ExceptionGroup):
        enter_begun(AS_OF)
    assert len(entries(good)) == 2


@pytest.mark.django_db(transaction=True)
def test_one_enters_everybody_and_nobody_waits() -> None:
    """Who comes meanwhile, or after, adds nothing, although somebody left and the places would be others."""
    contest, people = a_contest(), sellers(*range(0, 2000, 100))
    found = []

    def read() -> None:
        try:
            found.append(similar_people(people[5], contest))
        finally:
            connection.close()

    with transaction.atomic():
        enter(contest)
        Distributor.objects.filter(pk=people[0].pk).update(left_on=FIRST)
        meanwhile = Thread(target=read)
        meanwhile.start()
        meanwhile.join(10)
        assert found == [[people[5]]]
    enter(contest)
    assert [(place, pk) for place, pk, _before in entries(contest)] == [(n, p.pk) for n, p in enumerate(people, 1)]


@pytest.mark.django_db(transaction=True)
def test_pages_and_schedules_at_once_enter_everybody_once() -> None:
    contest, people = a_contest(), sellers(*range(0, 3000, 100))
    together, found, problems = Barrier(8), [], []

    def run(n: int) -> None:
        try:
            together.wait(10)
            if n % 2:
                enter_begun(AS_OF)
            else:
                found.append(len(similar_people(people[n], contest)))
        except Exception as problem:
            problems.append(problem)
        finally:
            connection.close()

    threads = [Thread(target=run, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert problems == [] and set(found) <= {1, CIRCLE}
    assert [(place, pk) for place, pk, _before in entries(contest)] == [(n, p.pk) for n, p in enumerate(people, 1)]
    assert len(similar_people(people[0], contest)) == CIRCLE


def rows_read(plan: dict[str, Any]) -> float:
    """Rows that the scans of a plan produced or threw away."""
    own = 0.0
    if "Scan" in plan["Node Type"] and plan["Node Type"] != "Bitmap Heap Scan":
        own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return own + sum(rows_read(child) for child in plan.get("Plans", []))


@pytest.mark.parametrize("joined_on", [date(2025, 1, 6), date(2026, 8, 4)], ids=["entered", "joined later"])
def test_a_page_reads_a_few_rows_of_a_large_market(joined_on: date) -> None:
    """Among 20,000 people, in a table that holds other contests too: what each query of a page touches."""
    market = make.market()
    crowd(20_000, market, lambda i: i % 7_000)
    me = sellers(3_500, joined_on=joined_on, market=market)[0]
    contest = a_contest(market=market)
    for one in (a_contest(market=market), contest):
        enter(one)
    for person in similar_people(me, contest):  # who has made nothing has no place
        measure(person, contest.metric, AS_OF.date(), 1)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distributors_distributor; ANALYZE distributors_measure")
    with CaptureQueriesContext(connection) as asked:
        assert len(contest_neighbours(me, contest, as_of=AS_OF)) == 2
    assert len(asked) <= 5
    for query in asked:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query["sql"].replace("%", "%%"))
            [told] = cursor.fetchone()
        [plan] = told if isinstance(told, list) else json.loads(told)
        assert rows_read(plan["Plan"]) <= 5 * LOOK, (query["sql"], plan)
