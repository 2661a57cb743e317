"""Each KPI's figure on a history small enough to count by hand, down to the events it is made of."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from distributors import erasing, ingest, segments
from distributors.cloudevents import read
from distributors.metrics import METRICS
from distributors.models import Customer, Distributor, Market, Measure, SegmentMember
from distributors.storing import store
from kpis import evidence, figures
from kpis.figures import FIGURES
from kpis.models import KPI
from kpis.models.kpi import RATES
from tests import factories as make
from tests.distributors.measures import measure
from tests.distributors.orders import order

pytestmark = pytest.mark.django_db

#: A Sunday: the last day of the week that counts, in a market whose weeks start on Monday.
LAST = date(2026, 8, 23)


def ago(days: int) -> date:
    return LAST - timedelta(days=days)


def kpi(metric: str, scope: str = "", **fields: Any) -> KPI:
    return make.kpi(metric=metric, scope=scope, **fields)


def of_week(metric: str, scope: str = "", last: date = LAST, **fields: Any) -> tuple[Any, Any]:
    """Numerator and denominator of the week that ends on `last`."""
    (week,) = figures.weekly(kpi(metric, scope, **fields), fields.get("market") or make.market(), last, 1)
    return week.numerator, week.denominator


def test_it_works() -> None:
    seller = make.distributor()
    for days, value in ((-1, 100), (0, 10), (6, 5), (7, 3), (20, 2), (21, 1)):
        measure(seller, "sales", ago(days), value)
    weeks = figures.weekly(kpi("sales"), seller.market, LAST, 3)
    assert [(week.first, week.numerator) for week in weeks] == [(ago(20), 2), (ago(13), 3), (ago(6), 15)]
    assert {week.denominator for week in weeks} == {None}


def test_every_metric_and_rate_has_a_figure() -> None:
    assert set(FIGURES) == set(METRICS) | set(RATES)


# Repeat rate


@pytest.mark.parametrize(("days", "counts"), [(59, 0), (60, 1), (66, 1), (67, 0)])
def test_first_orders_of_sixty_days_ago_count(days: int, counts: int) -> None:
    order(make.customer(make.distributor()), ago(days))
    assert of_week("repeat_rate") == (0, counts)


@pytest.mark.parametrize(("gap", "again"), [(0, 1), (1, 1), (60, 1), (61, 0)])
def test_an_order_within_sixty_days_is_a_repeat(gap: int, again: int) -> None:
    customer = make.customer(make.distributor())
    order(customer, ago(66))
    order(customer, ago(66 - gap))
    assert of_week("repeat_rate") == (again, 1)


def test_who_ordered_before_is_no_new_customer() -> None:
    customer = make.customer(make.distributor())
    for days in (200, 63, 40):
        order(customer, ago(days))
    assert of_week("repeat_rate") == (0, 0)


def test_a_line_has_first_orders_and_repeats_of_its_own() -> None:
    eye, skin = make.product("EYE-1"), make.product("SKIN-1", line=make.product_line("skin"))
    customer = make.customer(make.distributor())
    order(customer, ago(100), skin)
    order(customer, ago(63), eye)
    order(customer, ago(50), skin)
    assert (of_week("repeat_rate", "eye"), of_week("repeat_rate", "skin")) == ((0, 1), (0, 0))
    order(customer, ago(3), skin, eye)
    assert of_week("repeat_rate", "eye") == (1, 1)


# Retention


@pytest.mark.parametrize(("days", "counts"), [(89, 0), (90, 1), (179, 1), (180, 0)])
def test_customers_of_the_ninety_days_before(days: int, counts: int) -> None:
    order(make.customer(make.distributor()), ago(days))
    assert of_week("customer_retention") == (0, counts)


@pytest.mark.parametrize(("days", "again"), [(91, 0), (90, 0), (89, 1), (0, 1), (-1, 0)])
def test_who_ordered_in_the_last_ninety_days_stays(days: int, again: int) -> None:
    customer = make.customer(make.distributor())
    for at in {120, days}:
        order(customer, ago(at))
    assert of_week("customer_retention") == (again, 1)


def test_a_customer_counts_once_however_often_she_orders() -> None:
    customer = make.customer(make.distributor())
    for days in (170, 120, 120, 95, 60, 30, 30, 2):
        order(customer, ago(days))
    assert of_week("customer_retention") == (1, 1)


@pytest.mark.parametrize(("days", "counts"), [(89, 0), (90, 1), (180, 1), (181, 0)])
def test_people_who_joined_thirteen_weeks_before(days: int, counts: int) -> None:
    make.distributor(joined_on=ago(days))
    assert of_week("distributor_retention") == (0, counts)


@pytest.mark.parametrize(("days", "active"), [(30, 0), (29, 1), (0, 1), (-1, 0)])
def test_an_order_in_thirty_days_keeps_her_active(days: int, active: int) -> None:
    measure(make.distributor(joined_on=ago(120)), "orders", ago(days), 1)
    assert of_week("distributor_retention") == (active, 1)


@pytest.mark.parametrize(("left", "active"), [(0, 0), (-1, 1)])
def test_who_has_left_is_not_retained(left: int, active: int) -> None:
    measure(make.distributor(joined_on=ago(120), left_on=ago(left)), "orders", ago(3), 1)
    assert of_week("distributor_retention") == (active, 1)


# Shares of the people who are with us


def test_adoption_counts_each_person_once() -> None:
    one, two, _idle = (make.distributor() for _ in range(3))
    for person, days in ((one, 6), (one, 3), (one, 0), (two, 0), (two, 8)):
        measure(person, "active_days", ago(days), 1)
    assert of_week("adoption") == (2, 3)
    assert of_week("adoption", last=ago(7)) == (1, 3)


def test_who_left_counts_for_the_weeks_before() -> None:
    gone = make.distributor(left_on=LAST)
    measure(gone, "active_days", ago(3), 1)
    measure(gone, "active_days", ago(10), 1)
    assert of_week("adoption") == (0, 0)
    assert of_week("adoption", last=ago(7)) == (1, 1)
    measure(gone, "sales", ago(3), 50)
    assert of_week("sales") == (50, None)  # money of hers stays what it was


def test_who_has_not_joined_yet_does_not_count() -> None:
    make.distributor(joined_on=LAST)
    assert (of_week("adoption"), of_week("adoption", last=ago(7))) == ((0, 1), (0, 0))


@pytest.mark.parametrize(("days", "finished"), [(28, 0), (27, 1), (0, 1), (-1, 0)])
def test_a_lesson_of_four_weeks_keeps_her_compliant(days: int, finished: int) -> None:
    seller = make.distributor()
    measure(seller, "lessons_done", ago(days), 2)
    measure(seller, "lessons_done", ago(60), 1)
    assert of_week("compliance") == (finished, 1)


@pytest.mark.parametrize(("days", "enrolments"), [(28, 0), (27, 3), (0, 3), (-1, 0)])
def test_recruiting_adds_up_four_weeks(days: int, enrolments: int) -> None:
    make.distributor()
    measure(make.distributor(), "enrolments", ago(days), 3)
    assert of_week("recruiting") == (enrolments, 2)


@pytest.mark.parametrize(("days", "counts"), [(29, 0), (30, 1), (57, 1), (58, 0)])
def test_who_joined_thirty_days_ago_had_thirty_days(days: int, counts: int) -> None:
    make.distributor(joined_on=ago(days))
    assert of_week("first_orders") == (0, counts)


@pytest.mark.parametrize(("after", "ordered"), [(0, 1), (30, 1), (31, 0)])
def test_a_first_order_within_thirty_days(after: int, ordered: int) -> None:
    seller = make.distributor(joined_on=ago(50))
    for days in (after, after + 5):
        measure(seller, "orders", ago(50 - days), 1)
    assert of_week("first_orders") == (ordered, 1)


# Sums


def test_order_size_is_sales_less_refunds_by_orders() -> None:
    seller = make.distributor()
    measure(seller, "sales", ago(3), 100)
    measure(seller, "orders", ago(3), 2)
    measure(seller, "sales", ago(1), -30)  # a refund
    assert of_week("order_size") == (70, 2)


def test_recruits_who_ordered_count_once_for_their_sponsors_market() -> None:
    sponsor = make.distributor(market=make.market("de", currency="EUR"))
    recruit = make.distributor(sponsor=sponsor)
    for days in (6, 3, 0, 7):
        measure(recruit, "orders", ago(days), 1)
    measure(make.distributor(sponsor=sponsor), "orders", ago(2), 1)
    assert of_week("retained_recruits", market=sponsor.market) == (2, None)
    assert of_week("retained_recruits") == (0, None)


def test_a_market_has_weeks_of_its_own() -> None:
    sunday = make.market("mx", currency="MXN", week_start=Market.Weekday.SUNDAY)
    measure(make.distributor(market=sunday), "sales", LAST, 10)
    measure(make.distributor(), "sales", LAST, 1)
    assert of_week("sales", market=sunday, last=ago(1)) == (0, None)  # Sunday the 23rd begins her next week
    assert of_week("sales", market=sunday, last=ago(1) + timedelta(days=7)) == (10, None)
    assert of_week("sales") == (1, None)


# Segments


@pytest.mark.parametrize(
    "fields",
    [{"days_from": 30}, {"days_to": 90}, {"days_from": 30, "days_to": 90}, {"team": "leads"}, {"team": "alone", "days_from": 31}],
)  # fmt: skip
def test_a_segment_is_the_one_of_the_campaigns(fields: dict[str, Any]) -> None:
    people = [make.distributor(joined_on=ago(days)) for days in (0, 29, 30, 31, 90, 91, 400)]
    make.distributor(joined_on=ago(5), sponsor=people[3])
    make.distributor(joined_on=ago(5), sponsor=people[5])
    make.distributor(joined_on=ago(50), left_on=ago(9), sponsor=people[6])
    segment = make.segment(**fields)
    inside = Distributor.objects.active().filter(segments.condition(segment, LAST)).count()
    assert of_week("adoption", segment=segment) == (0, inside)


def test_a_segment_is_asked_at_the_end_of_each_week() -> None:
    seller = make.distributor(joined_on=ago(40))
    measure(seller, "sales", ago(12), 5)
    measure(seller, "sales", ago(2), 3)
    new = kpi("sales", segment=make.segment(days_to=33))
    assert [week.numerator for week in figures.weekly(new, seller.market, LAST, 2)] == [5, 0]


def test_who_leads_is_asked_at_the_end_of_each_week() -> None:
    seller = make.distributor()
    make.distributor(sponsor=seller, joined_on=ago(17), left_on=ago(3))
    for team, expected in (("leads", [0, 2, 3, 0]), ("alone", [1, 0, 0, 4])):
        Measure.objects.all().delete()
        for weeks, value in enumerate((4, 3, 2, 1)):
            measure(seller, "sales", ago(7 * weeks), value)
        found = figures.weekly(kpi("sales", segment=make.segment(team=team)), seller.market, LAST, 4)
        assert [week.numerator for week in found] == expected


STAYS: list[list[tuple[int, int | None]]] = [
    [], [(30, None)], [(0, 0)], [(-1, None)], [(40, 8), (7, 7)], [(40, 20), (20, 14), (12, None)], [(60, 0)], [(60, 1)],
]  # fmt: skip


@pytest.mark.parametrize(
    "fields", [{}, {"days_to": 90}, {"days_from": 31}, {"team": "leads"}, {"team": "alone"}, {"team": "alone", "days_from": 31}]
)  # fmt: skip
def test_a_segment_that_rules_fill_is_the_one_of_the_campaigns(fields: dict[str, Any]) -> None:
    """Stays that follow each other, overlap, end, have no end; with what else the segment asks for."""
    filled, other = make.segment(by_rules=True, **fields), make.segment(by_rules=True)
    for joined in (30, 31, 90, 91, 400):
        for n, stays in enumerate(STAYS):
            person = make.distributor(joined_on=ago(joined))
            make.distributor(joined_on=ago(29), sponsor=person if n % 2 else None)
            for since, until in stays:
                ends = None if until is None else ago(until)
                SegmentMember.objects.create(segment=filled, distributor=person, since=ago(since), until=ends)
            SegmentMember.objects.create(segment=other, distributor=person, since=ago(200))
    weeks = 4 if "team" not in fields else 1  # who leads is asked as of now
    found = figures.weekly(kpi("adoption", segment=filled), make.market(), LAST, weeks)
    assert [week.denominator for week in found] == [
        Distributor.objects.filter(segments.condition(filled, ago(7 * n))).count() for n in reversed(range(weeks))
    ]
    assert found[-1].denominator


def test_a_stay_is_asked_at_the_end_of_each_week() -> None:
    seller, filled = make.distributor(), make.segment(by_rules=True)
    SegmentMember.objects.create(segment=filled, distributor=seller, since=ago(16), until=ago(1))
    for weeks, value in enumerate((4, 3, 2, 1)):
        measure(seller, "sales", ago(7 * weeks), value)
    found = figures.weekly(kpi("sales", segment=filled), seller.market, LAST, 4)
    assert [week.numerator for week in found] == [0, 2, 3, 0]


# Down to the events


def at(day: date, hour: int = 15) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=UTC)


class Told:
    """A history told event by event, as other systems would."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        make.product("EYE-1")
        make.product("SKIN-1", line=make.product_line("skin"))
        self.us, self.mx = make.market(), make.market("mx", currency="MXN", week_start=6)
        self.people = [self.distributor(n) for n in range(6)]

    def distributor(self, n: int) -> Distributor:
        gone = {"left_on": ago(20)} if n == 5 else {}
        return make.distributor(market=self.mx if n % 3 == 2 else self.us, joined_on=ago(10 + 40 * n), **gone)

    def tell(self, type_: str, person: Distributor, day: date, **data: Any) -> str:
        name = f"t{make.number()}"
        customer = data.pop("customer", None)
        ingest.record(
            type=type_, distributor=person, customer=customer, time=at(day, self.dice.choice((9, 15, 18))),
            external_id=name, data=data,
        )  # fmt: skip
        return name

    def day(self) -> date:
        return ago(self.dice.randint(-3, 200))

    def everything(self) -> None:
        for person in self.people:
            customers = [make.customer(person) for _ in range(3)]
            for _ in range(8):
                self.trade(person, self.dice.choice(customers))
            for _ in range(5):
                self.tell("distributor.signed_in", person, ago(self.dice.randint(-2, 20)))
                self.tell("contact.added", person, self.day(), customer=self.dice.choice(customers))
            self.learn(person)
            self.enrol(person)

    def trade(self, person: Distributor, customer: Customer) -> None:
        line = {"sku": self.dice.choice(("EYE-1", "SKIN-1")), "quantity": 1, "amount": "20.50"}
        other = {"sku": "EYE-1", "quantity": 2, "amount": "9.50"}
        money, day = {"currency": person.market.currency, "amount": "30"}, self.day()
        name = self.tell("order.placed", person, day, customer=customer, lines=[line, other], **money)
        if self.dice.random() < 0.3:
            self.tell(
                "order.refunded",
                person,
                day + timedelta(days=2),
                order=name,
                **{**money, "amount": "9.50"},
                lines=[other],
            )

    def learn(self, person: Distributor) -> None:
        for n in range(8):
            day = ago(9 * (n // 4))  # two to-dos and two lessons on a day, one of each taken back
            done = self.tell("activity.completed", person, day, activity="x", form="lesson" if n % 2 else "todo")
            if n % 4 < 2:
                self.tell("activity.undone", person, day, activity="x", undoes=done)
        self.tell("lesson.completed", person, ago(self.dice.randint(0, 30)), activity="course/1")

    def enrol(self, sponsor: Distributor) -> None:
        for _ in range(2):
            name, day = f"n{make.number()}", ago(self.dice.randint(0, 60))
            event = {
                "specversion": "1.0", "source": "crm", "id": f"e-{name}", "type": "distributor.enrolled", "subject": name,
                "time": at(day).isoformat(),
                "data": {"name": name, "sponsor": sponsor.external_id, "joined_on": day.isoformat()},
            }  # fmt: skip
            assert not store([read(event, row=0, received_at=make.NOW)], received_at=make.NOW).invalid
            recruit = Distributor.objects.get(external_id=name)
            self.trade(recruit, make.customer(recruit))


def every_figure() -> list[KPI]:
    scopes = {name: ("", "eye", "skin") if figure.scoped else ("",) for name, figure in FIGURES.items()}
    return [kpi(name, scope) for name, some in scopes.items() for scope in some]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_figure_is_the_sum_of_its_people_and_they_of_their_events(seed: int) -> None:
    told = Told(seed)
    told.everything()
    counted = 0
    for one in every_figure():
        for market, newest in ((told.us, LAST), (told.mx, ago(1))):
            for back, week in enumerate(reversed(figures.weekly(one, market, newest, 8))):
                last = newest - timedelta(weeks=back)
                # Eight weeks at once say what each says by itself.
                assert figures.weekly(one, market, last, 1) == [week], one.metric
                shares = figures.people(one, market, last)
                assert (shares.numerator, shares.denominator) == week[1:], one.metric
                assert shares.people == len(shares.largest)
                assert sum(share.numerator for share in shares.largest) == week.numerator
                if back in {0, 1, 5}:
                    counted += sum(check_events(one, market, last, share) for share in shares.largest)
    assert counted > 200


def check_events(one: KPI, market: Market, last: date, share: figures.Share) -> int:
    found = evidence.account(one, market, last, Distributor.objects.get(pk=share.distributor))
    assert found.is_whole, (one.metric, one.scope, last, share, found)
    assert (found.numerator, found.denominator) == (share.numerator, share.denominator or 0)
    assert sum(row.numerator for row in found.rows) == share.numerator
    assert sum(row.denominator for row in found.rows) == (share.denominator or 0)
    assert all(row.source for row in found.rows if row.type)
    return len(found.rows)


def test_customers_are_numbers() -> None:
    seller = make.distributor()
    for n in range(2):
        customer = make.customer(seller, name=f"Theodora {n}")
        for day in (ago(63), ago(40)):
            ingest.record(
                type="order.placed", distributor=seller, customer=customer, time=at(day), external_id=f"o{n}{day}",
                data={"currency": "USD", "amount": "10", "lines": []},
            )  # fmt: skip
    found = evidence.account(kpi("repeat_rate"), seller.market, LAST, seller)
    assert [(row.customer, row.numerator, row.denominator) for row in found.rows] == [
        (1, 0, 1), (2, 0, 1), (1, 1, 0), (2, 1, 0),
    ]  # fmt: skip
    assert "Theodora" not in repr(found)


def test_the_orders_of_an_erased_customer_stay_of_nobody() -> None:
    seller = make.distributor()
    customer = make.customer(seller)
    for n, day in enumerate((ago(30), ago(3))):
        ingest.record(
            type="order.placed", distributor=seller, customer=customer, time=at(day), external_id=f"o{n}",
            data={"currency": "USD", "amount": "10", "lines": []},
        )  # fmt: skip
    before = evidence.account(kpi("repeat_orders"), seller.market, LAST, seller)
    erasing.erase(customer=customer, as_of=make.NOW, by=None)
    found = evidence.account(kpi("repeat_orders"), seller.market, LAST, seller)
    assert (found.rows, found.numerator, found.remainder) == (before.rows, Decimal(1), (Decimal(0), Decimal(0)))


def test_what_is_said_of_an_erased_contact_adds_nobody() -> None:
    seller = make.distributor()
    customer = make.customer(seller, external_id="maya")
    erasing.erase(customer=customer, as_of=make.NOW, by=None)
    for name in ("maya", "tess"):
        ingest.record(
            type="contact.added",
            distributor=seller,
            time=at(ago(3)),
            external_id=name,
            data={"customer": name, "name": "A"},
        )
    found = evidence.account(kpi("contacts_added"), seller.market, LAST, seller)
    assert found.is_whole and len(found.rows) == found.numerator == 1


def test_a_person_is_asked_for_by_herself() -> None:
    one, two = make.distributor(), make.distributor()
    for seller in (one, two):
        measure(seller, "sales", ago(1), 5)
    assert figures.people(kpi("sales"), one.market, LAST, who=one.pk).numerator == 5


def test_the_largest_shares_come_first() -> None:
    sellers = [make.distributor() for _ in range(3)]
    for seller, value in zip(sellers, (5, 50, -20), strict=True):
        measure(seller, "sales", ago(1), value)
    found = figures.people(kpi("sales"), make.market(), LAST, most=2)
    assert [share.numerator for share in found.largest] == [50, -20]
    assert (found.people, found.numerator) == (3, 35)


def test_one_query_each(django_assert_num_queries: Callable) -> None:
    seller = make.distributor()
    order(make.customer(seller), ago(63))
    one, market = kpi("repeat_rate", segment=make.segment(team="alone")), make.market()
    with django_assert_num_queries(1):
        figures.weekly(one, market, LAST, 26)
    with django_assert_num_queries(1):
        figures.people(one, market, LAST)
    with django_assert_num_queries(2):
        evidence.account(one, market, LAST, seller)
