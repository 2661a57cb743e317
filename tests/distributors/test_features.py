"""Compact rows: what is in them, that they are always what the facts say, and that no change is ever lost."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from distributors import erasing, features, ingest, merging, outreach, records, versions
from distributors.features import Row
from distributors.metrics import METRICS, How
from distributors.models import (
    Customer,
    CustomerLine,
    Distributor,
    Event,
    Feature,
    FeatureMark,
    Goal,
    Market,
    Measure,
    Order,
    OrderLine,
    Product,
    ProductLine,
    Segment,
    SegmentMember,
    Version,
)
from tests import factories as make
from tests.factories import NOW, TODAY

from .measures import measure, steady_weeks
from .test_fold import history, stage

pytestmark = pytest.mark.django_db

SEEDS = int(os.environ.get("PEP_SEEDS", "20"))

AT = records.microseconds(NOW)
D = records.day_number(TODAY)
NEVER = records.NEVER


@pytest.fixture
def jenna() -> Distributor:
    return make.distributor(name="Jenna")


def row(of: Distributor) -> Row:
    return features.of([of.pk])[of.pk]


def told(found: records.Records) -> list[tuple[Any, ...]]:
    return [tuple(record) for record in found.tolist()]


def test_it_works(jenna: Distributor) -> None:
    eye = make.product_line("eye")
    goal = make.goal(jenna, metric="sales", scope="eye", target=Decimal("250.50"), weight=Decimal("1.5"))
    measure(jenna, "sales", TODAY, "12.34", scope="eye")
    measure(jenna, "sales", TODAY, "99.99")  # all lines: not what the goal counts
    ana = make.customer(
        jenna, kind="prospect", hotness="hot", birthday=date(1990, 2, 28), last_contact_at=NOW - timedelta(hours=12)
    )
    rosa = make.distributor(sponsor=jenna, joined_on=TODAY - timedelta(days=30))
    measure(rosa, "orders", TODAY, 2)

    found = row(jenna)
    assert told(found.goals) == [(goal.pk, 0, eye.pk, 0, NEVER, NEVER, 25050, 150)]
    assert told(found.days) == [(0, D, 1234)]
    half_a_day = 12 * 3600 * 1_000_000
    assert told(found.customers) == [
        # 15:00 UTC less 12 hours is the day before in New York
        (
            ana.pk,
            0,
            0,
            NEVER,
            NEVER,
            -1.0,
            0,
            AT - half_a_day,
            D - 1,
            D - 1,
            NEVER,
            NEVER,
            NEVER,
            D,
            1,
            228,
            0,
            NEVER,
            15,
        )  # fmt: skip
    ]
    assert told(found.recruits) == [(rosa.pk, D - 30, D, 200)]
    assert (len(found.lines), found.distributor_id) == (0, jenna.pk)
    assert found.customers.dtype.isnative


def test_the_identity_is_of_the_external_id() -> None:
    assert row(make.distributor(external_id="jenna")).identity == int.from_bytes(
        bytes.fromhex("a9726dca1f708941"), "big", signed=True
    )


def test_nobody_and_nothing(jenna: Distributor) -> None:
    assert features.of([]) == {}
    assert features.of([0]) == {}
    assert all(len(getattr(row(jenna), name)) == 0 for name in features.RECORDS)


def test_a_mark_of_nobody_goes_away() -> None:
    FeatureMark.objects.create(distributor_id=0)
    assert features.refresh_marked(0, 10) == 0
    assert not FeatureMark.objects.exists()


# Windows


def days_kept(of: Distributor) -> list[int]:
    return [D - day for _slot, day, _value in told(row(of).days)]


@pytest.mark.parametrize(
    ("metric", "period", "reach"),
    [("sales", "week", 98), ("sales", "month", 122), ("order_size", "week", 91), ("order_size", "month", 403)],
)
def test_days_reach_as_far_back_as_any_window(jenna: Distributor, metric: str, period: str, reach: int) -> None:
    make.goal(jenna, metric=metric, period=period)
    for ago in (0, reach, reach + 1):
        measure(jenna, "sales", TODAY - timedelta(days=ago), 5)
    assert days_kept(jenna) == [reach, 0]


def test_a_ratio_reaches_back_from_the_newest_of_both(jenna: Distributor) -> None:
    make.goal(jenna, metric="order_size")
    measure(jenna, "orders", TODAY, 1)
    steady_weeks(jenna, "sales", TODAY - timedelta(days=7), [5] * 20)
    kept = told(row(jenna).days)
    assert kept[-1] == (1, D, 100)
    assert [D - day for slot, day, _value in kept if slot == 0] == [91 - 7 * n for n in range(13)]


def test_a_dated_goal_reaches_back_by_its_own_days(jenna: Distributor) -> None:
    make.goal(jenna, period="campaign", starts_on=TODAY - timedelta(days=5), ends_on=TODAY + timedelta(days=4))
    for ago in (0, 101, 102):
        measure(jenna, "sales", TODAY - timedelta(days=ago), 5)
    assert days_kept(jenna) == [101, 0]
    assert told(row(jenna).goals)[0][3:6] == (2, D - 5, D + 4)


def test_recruits_are_named_on_each_day_they_ordered(jenna: Distributor) -> None:
    make.goal(jenna, metric="retained_recruits")
    ida, mia = make.distributor(sponsor=jenna), make.distributor(sponsor=jenna, left_on=TODAY)
    measure(ida, "orders", TODAY, 2)
    measure(mia, "orders", TODAY, 1)
    measure(mia, "orders", TODAY - timedelta(days=91), 1)
    measure(ida, "orders", TODAY - timedelta(days=92), 1)
    measure(ida, "orders", TODAY + timedelta(days=9), -1)  # more taken back than ordered: not a day she ordered on
    assert told(row(jenna).days) == [(0, D - 91, mia.pk), *sorted([(0, D, ida.pk), (0, D, mia.pk)])]
    assert [told(row(jenna).recruits)[0][0]] == [ida.pk], "who left needs no care"


def test_a_recruit_is_looked_back_on_for_eight_weeks(jenna: Distributor) -> None:
    ida = make.distributor(sponsor=jenna)
    for ago in (10, 65, 66):
        measure(ida, "orders", TODAY - timedelta(days=ago), 1)
    mia = make.distributor(sponsor=jenna, joined_on=TODAY)
    joined = records.day_number(ida.joined_on)
    assert told(row(jenna).recruits) == [
        (ida.pk, joined, D - 65, 100),
        (ida.pk, joined, D - 10, 100),
        (mia.pk, D, NEVER, 0),
    ]


def test_dates_beyond_two_bytes_are_the_first_or_last_of_them(jenna: Distributor) -> None:
    make.goal(jenna, period="campaign", starts_on=date(1, 1, 1), ends_on=date(9999, 12, 31))
    assert told(row(jenna).goals)[0][4:6] == (NEVER + 1, records.FOREVER - 1)


# Customers


def order(of: Distributor, customer: str, at: datetime, *lines: dict[str, Any], n: int = 0) -> None:
    data = {"customer": customer, "currency": "USD", "amount": "10.00", "lines": list(lines)}
    ingest.record(type="order.placed", distributor=of, time=at, data=data, external_id=f"o{make.number()}")


def basket(of: Distributor, customer: str, at: datetime) -> None:
    ingest.record(
        type="basket.opened", distributor=of, time=at, data={"customer": customer}, external_id=f"b{make.number()}"
    )


def baskets(of: Distributor) -> list[tuple[Any, ...]]:
    return [told_one[-3:-1] for told_one in told(row(of).customers)]


def test_a_basket_is_open_until_an_order_at_or_after_it(jenna: Distributor) -> None:
    hour = timedelta(hours=1)
    basket(jenna, "ana", NOW - 3 * hour)
    basket(jenna, "ana", NOW - 2 * hour)
    assert baskets(jenna) == [(AT - 2 * 3_600_000_000, D)]
    order(jenna, "ana", NOW - 2 * hour)
    assert baskets(jenna) == [(0, NEVER)]
    basket(jenna, "ana", NOW - 1 * hour)
    assert baskets(jenna) == [(AT - 3_600_000_000, D)]
    order(jenna, "bea", NOW)
    assert baskets(jenna) == [(AT - 3_600_000_000, D), (0, NEVER)], "somebody else's order closes nothing"


def line(sku: str, amount: str, **said: Any) -> dict[str, Any]:
    return {"sku": sku, "amount": amount, **said}


def test_the_line_is_the_dearest_of_her_last_order_day(jenna: Distributor) -> None:
    for sku in ("EYE-1", "LIP-1", "BOX-1"):
        make.product(sku, line=make.product_line(sku[:3].lower()))
    order(jenna, "ana", NOW - timedelta(days=9), line("EYE-1", "90.00"))
    order(jenna, "ana", NOW, line("LIP-1", "30.00", quantity=3), line("BOX-1", "20.00"))
    assert told(row(jenna).customers)[0][6] == ProductLine.objects.get(code="box").pk, "the dearest by the piece"


def test_lines_bought_once_are_of_what_is_used_up(jenna: Distributor) -> None:
    serum = make.product("EYE-1", lasts_days=60)
    make.product("EYE-2")
    make.product("BOX-1", line=make.product_line("box"))
    order(jenna, "ana", NOW, line("EYE-1", "5.00"), line("EYE-2", "50.00"), line("BOX-1", "20.00"))
    ana = Customer.objects.get(external_id="ana")
    assert told(row(jenna).lines) == [(ana.pk, serum.line_id, D, 60)]
    order(jenna, "ana", NOW - timedelta(days=99), line("EYE-2", "5.00"))
    assert told(row(jenna).lines) == [], "twice is not once"


def test_who_asked_for_no_contact_is_not_in_it(jenna: Distributor) -> None:
    make.product("EYE-1", lasts_days=60)
    order(jenna, "ana", NOW, line("EYE-1", "5.00"))
    Customer.objects.update(do_not_contact=True)
    assert (len(row(jenna).customers), len(row(jenna).lines)) == (0, 0)


@pytest.mark.parametrize(("hotness", "code"), [("hot", 1), ("warm", 2), ("cool", 3), ("", 3), ("cold", 4)])
def test_interest_is_of_prospects_alone(jenna: Distributor, hotness: str, code: int) -> None:
    make.customer(jenna, kind="prospect", hotness=hotness)
    make.customer(jenna, kind="customer", hotness=hotness)
    make.customer(jenna, kind="prospect", hotness=hotness, orders=1)
    assert [record[14] for record in told(row(jenna).customers)] == [code, 0, 0]


# The definition once more, in plain Python: one person at a time, whole tables read


def expected(of: Distributor) -> dict[str, list[tuple[Any, ...]]]:
    people = [customer for customer in Customer.objects.filter(distributor=of).order_by("pk") if may_hear(customer)]
    return {
        "goals": [goal_record(goal) for goal in goals_of(of)],
        "days": sorted(day for place, goal in enumerate(goals_of(of)) for day in goal_days(place, goal)),
        "customers": [customer_record(customer) for customer in people],
        "lines": [record for customer in people for record in line_records(customer)],
        "recruits": [record for recruit in of.recruits.filter(left_on=None).order_by("pk") for record in care(recruit)],
        "tags": [tag(stay) for stay in of.segments.order_by("segment_id", "since")],
    }


def may_hear(customer: Customer) -> bool:
    asked = customer.allowed > 0 or not customer.distributor.market.consent_required and customer.refused != 15
    return asked and not customer.do_not_contact


def tag(stay: SegmentMember) -> tuple[int, int, int]:
    until = records.FOREVER if stay.until is None else records.day_number(stay.until)
    return stay.segment_id, records.day_number(stay.since), until


def goals_of(of: Distributor) -> list[Goal]:
    return sorted(of.goals.running(), key=lambda goal: (-goal.weight, goal.pk))


def goal_record(goal: Goal) -> tuple[Any, ...]:
    line = ProductLine.objects.filter(code=goal.scope).first()
    return (
        goal.pk, list(METRICS).index(goal.metric), line.pk if line else -1 if goal.scope else 0,
        list(Goal.Period).index(goal.period), records.day_number(goal.starts_on), records.day_number(goal.ends_on),
        int(goal.target * 100), int(goal.weight * 100),
    )  # fmt: skip


def goal_days(place: int, goal: Goal) -> list[tuple[int, int, int]]:
    metric = METRICS[goal.metric]
    whose = list(goal.distributor.recruits.all()) if metric.how is How.RECRUITS else [goal.distributor]
    found = []
    for n, name in enumerate(metric.of or (metric.name,)):
        for m in Measure.objects.filter(distributor__in=whose, metric=name, scope=goal.scope):
            if metric.how is not How.RECRUITS:
                found.append((2 * place + n, m.day, int(m.value * 100)))
            elif m.value > 0:
                found.append((2 * place, m.day, m.distributor_id))
    longest = {"week": 7, "month": 31}.get(goal.period) or (goal.ends_on - goal.starts_on).days + 1
    back = 91 + longest if metric.how is How.SUM else 13 * longest
    since = max((day for _slot, day, _value in found), default=TODAY) - timedelta(days=back)
    return [(slot, records.day_number(day), value) for slot, day, value in found if day >= since]


def customer_record(customer: Customer) -> tuple[Any, ...]:
    market, contact = customer.distributor.market, customer.last_contact_at
    lately = customer.lines.filter(last_on=customer.last_order_on) if customer.last_order_on else []
    dearest = sorted(lately, key=lambda bought: (-(bought.price or 0), bought.line_id))
    opened = Event.objects.filter(customer=customer, type="basket.opened").order_by("-time").first()
    if opened and Order.objects.filter(customer=customer, time__gte=opened.time).exists():
        opened = None
    prospect = customer.kind == "prospect" and not customer.orders
    born, recent = customer.birthday, [market.local_day(at) for at in customer.recent_contacts]
    return (
        customer.pk, customer.orders, int(customer.spent * 100), records.day_number(customer.first_order_on),
        records.day_number(customer.last_order_on),
        -1.0 if customer.usual_gap_days is None else customer.usual_gap_days,
        dearest[0].line_id if dearest else 0,
        records.microseconds(contact) if contact else 0,
        records.day_number(market.local_day(contact) if contact else None),
        *(records.day_number(recent[n] if n < len(recent) else None) for n in range(4)),
        records.day_number(market.local_day(customer.added_at)),
        {"hot": 1, "warm": 2, "cold": 4}.get(customer.hotness, 3) if prospect else 0,
        born.month * 100 + born.day if born else 0,
        records.microseconds(opened.time) if opened else 0,
        records.day_number(market.local_day(opened.time) if opened else None),
        customer.allowed if market.consent_required else 15 & ~customer.refused,
    )  # fmt: skip


def line_records(customer: Customer) -> list[tuple[int, int, int, int]]:
    once = customer.lines.filter(orders=1, product__lasts_days__isnull=False).select_related("product")
    first = sorted(once, key=lambda b: (-records.day_number(b.last_on), -(b.price or 0), b.line_id))
    return [(customer.pk, b.line_id, records.day_number(b.last_on), b.product.lasts_days or 0) for b in first]


def care(recruit: Distributor) -> list[tuple[int, int, int, int]]:
    rows = Measure.objects.filter(distributor=recruit, metric="orders", scope="", value__gt=0).order_by("day")
    joined = records.day_number(recruit.joined_on)
    if not rows:
        return [(recruit.pk, joined, NEVER, 0)]
    since = rows[len(rows) - 1].day - timedelta(days=56)
    return [(recruit.pk, joined, records.day_number(m.day), int(m.value * 100)) for m in rows if m.day > since]


def lines_bought() -> list[tuple[Any, ...]]:
    """What CustomerLine should hold, from order lines."""
    found = []
    for customer, line_id in sorted(set(OrderLine.objects.values_list("order__customer", "line"))):
        bought = list(
            OrderLine.objects.filter(order__customer=customer, line=line_id).select_related("product", "order")
        )
        main = min(bought, key=preference)
        found.append(
            (
                customer,
                line_id,
                len({b.order_id for b in bought}),
                main.order.day,
                main.product_id,
                price(main),
                main.amount,
            )
        )
    return found


def preference(bought: OrderLine) -> tuple[Any, ...]:
    each = price(bought)
    return (
        -bought.order.day.toordinal(), bought.product.lasts_days is None, -bought.amount, bought.product_id,
        each is None, -(each or 0),
    )  # fmt: skip


def price(bought: OrderLine) -> Decimal | None:
    if not bought.quantity:
        return None
    return (bought.amount / bought.quantity).quantize(Decimal("0.01"), ROUND_HALF_UP)


def in_bytes() -> list[tuple[Any, ...]]:
    """Every row as it is stored; not `changed`, which counts changes."""
    rows = Feature.objects.order_by("pk").values_list("pk", "identity", "settings", *features.RECORDS, "reference")
    return [tuple(bytes(v) if isinstance(v, memoryview) else v for v in stored) for stored in rows]


# Histories


def long_ago(rng: random.Random, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some of them moved back by up to a year and a half, so that windows have an end."""
    for event in events:
        if rng.random() < 0.4:
            at = datetime.fromisoformat(event["time"]) - timedelta(days=rng.randint(0, 550))
            event["time"] = at.isoformat()
    return events


def some(rng: random.Random, rows: Any) -> Any:
    return rng.choice(list(rows.order_by("pk")) or [None])


def set_a_goal(rng: random.Random) -> None:
    of, metric, period = some(rng, Distributor.objects), rng.choice(list(METRICS)), rng.choice(list(Goal.Period))
    scope = rng.choice(["", "eye", "lips", "unknown"]) if METRICS[metric].scoped else ""
    of.goals.running().filter(metric=metric, scope=scope, period=period).update(ended_at=NOW)
    dates = {"starts_on": TODAY - timedelta(days=rng.randint(0, 30)), "ends_on": TODAY}
    weight = Decimal(rng.randint(1, 3))
    make.goal(of, metric=metric, scope=scope, period=period, weight=weight, **dates if period == "campaign" else {})


def edit_a_customer(rng: random.Random) -> None:
    customer = some(rng, Customer.objects)
    if customer is None:
        return
    heard = [NOW - timedelta(hours=hours) for hours in sorted(rng.sample(range(99), rng.randint(1, 4)))]
    change: dict[str, Any] = rng.choice([
        {"do_not_contact": rng.random() < 0.5}, {"birthday": date(1980, rng.randint(1, 12), 5)},
        {"last_contact_at": heard[0], "recent_contacts": heard}, {"hotness": rng.choice(["hot", "warm", ""])},
        {"allowed": rng.choice([0, 1, 15]), "refused": rng.choice([0, 8, 15])},
    ])  # fmt: skip
    Customer.objects.filter(pk=customer.pk, merged_into=None, erased_at=None).update(**change)


def erase_a_customer(rng: random.Random) -> None:
    customer = some(rng, Customer.objects.filter(merged_into=None, erased_at=None))
    if rng.random() < 0.3 and customer is not None:
        erasing.erase(customer=customer, as_of=NOW, by=None)


def merge_two(rng: random.Random) -> None:
    survivor = some(rng, Customer.objects.filter(merged_into=None, erased_at=None))
    other = survivor and some(rng, Customer.objects.of(survivor.distributor_id).exclude(pk=survivor.pk))
    if rng.random() < 0.3 and survivor is not None and other is not None:
        merging.merge(survivor=survivor, other=other, as_of=NOW, by=None)


def move_a_person(rng: random.Random) -> None:
    person, sponsor = some(rng, Distributor.objects), some(rng, Distributor.objects)
    if person.pk > sponsor.pk:
        person.sponsor = sponsor
    person.left_on = rng.choice([None, None, TODAY])
    person.save()


def make_a_member(rng: random.Random) -> None:
    segment, _made = Segment.objects.get_or_create(name=f"Rules {rng.randint(1, 3)}", by_rules=True)
    since = TODAY - timedelta(days=rng.randint(0, 30))
    SegmentMember.objects.update_or_create(
        segment=segment, distributor=some(rng, Distributor.objects), since=since,
        defaults={"until": rng.choice([None, TODAY])},
    )  # fmt: skip


def change_reference_data(rng: random.Random) -> None:
    rng.choice([
        lambda: Market.objects.filter(code="de").update(time_zone=rng.choice(["Europe/Berlin", "Asia/Tokyo"])),
        lambda: Market.objects.filter(code="de").update(consent_required=rng.random() < 0.5),
        lambda: Product.objects.filter(lasts_days__isnull=False).update(lasts_days=F("lasts_days") + 1),
        lambda: make.product_line("unknown"),
    ])()  # fmt: skip


def refresh_somebody(rng: random.Random) -> None:
    everybody = list(Distributor.objects.values_list("pk", flat=True))
    features.of(rng.sample(everybody, rng.randint(1, len(everybody))))


def refresh_a_range(rng: random.Random) -> None:
    first = some(rng, Distributor.objects).pk
    features.refresh_marked(first, first + rng.randint(0, 3))


def read_a_piece(rng: random.Random, events: list[dict[str, Any]]) -> None:
    """One to thirty events, any of them, perhaps again; those about people who are not there yet do not count."""
    piece = rng.sample(events, rng.choice([1, 2, 7, 30]))
    assert not ingest.bulk(known(piece), received_at=NOW).failed


def known(piece: list[dict[str, Any]]) -> list[dict[str, Any]]:
    people = set(Distributor.objects.values_list("external_id", flat=True))
    return [e for e in piece if {e["subject"], e["data"].get("sponsor", e["subject"])} <= people]


LINE_COLUMNS = ("customer", "line", "orders", "last_on", "product", "price", "amount")
EDITS = [set_a_goal, edit_a_customer, erase_a_customer, merge_two, move_a_person, make_a_member, change_reference_data]
READS = [refresh_somebody, refresh_a_range]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_rows_kept_up_are_rows_made_anew(seed: int) -> None:
    rng = random.Random(seed)
    stage()
    events = long_ago(rng, history(rng))
    for _ in range(rng.randint(10, 30)):
        if rng.random() < 0.3:
            read_a_piece(rng, events)
        else:
            rng.choice([*EDITS, *READS, *READS])(rng)
    everybody = list(Distributor.objects.order_by("pk"))
    kept = features.of(person.pk for person in everybody)
    assert not FeatureMark.objects.exists()
    for person in everybody:
        found = {name: told(getattr(kept[person.pk], name)) for name in features.RECORDS}
        assert found == expected(person)
    kept_bytes = in_bytes()
    assert list(CustomerLine.objects.order_by("customer", "line").values_list(*LINE_COLUMNS)) == lines_bought()
    assert ingest.rebuild(check=True).features == 0
    Feature.objects.all().delete()
    features.refresh_marked(0, everybody[-1].pk)
    assert in_bytes() == kept_bytes


# Marks


@pytest.fixture
def rosa(jenna: Distributor) -> Distributor:
    """Jenna's recruit, with one of everything that rows are made of; and nobody has a mark."""
    rosa = make.distributor(name="Rosa", sponsor=jenna)
    make.goal(rosa)
    make.product("EYE-1", lasts_days=60)
    order(rosa, "ana", NOW - timedelta(days=9), line("EYE-1", "5.00"))
    settle()
    return rosa


def settle() -> None:
    features.refresh_marked(0, 2**31)
    assert not marked()


def marked() -> set[int]:
    return set(FeatureMark.objects.values_list("distributor_id", flat=True))


def sql(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def copy_in(rosa: Distributor) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY distributors_measure (distributor_id, metric, scope, day, value) FROM STDIN") as copy,
    ):
        copy.write_row((rosa.pk, "sales", "", TODAY, 5))


def saved(instance: Any, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(instance, name, value)
    instance.save()


def updated_in_bulk(rosa: Distributor) -> None:
    goals = list(Goal.objects.all())
    for goal in goals:
        goal.target += 1
    Goal.objects.bulk_update(goals, ["target"])


def member(rosa: Distributor) -> None:
    SegmentMember.objects.create(
        segment=Segment.objects.create(name="Fell", by_rules=True), distributor=rosa, since=TODAY
    )


CHANGES: dict[str, Callable[[Distributor], Any]] = {
    "a customer added": lambda rosa: make.customer(rosa),
    "customers added in bulk": lambda rosa: Customer.objects.bulk_create(
        Customer(distributor=rosa, external_id=f"bulk{n}", added_at=NOW) for n in range(3)
    ),
    "a customer saved": lambda rosa: saved(rosa.customers.get(), spent=7),
    "a customer updated": lambda rosa: rosa.customers.update(do_not_contact=True),
    "a customer erased": lambda rosa: erasing.erase(customer=rosa.customers.get(), as_of=NOW, by=None),
    "a customer merged": lambda rosa: merging.merge(
        survivor=make.customer(rosa), other=rosa.customers.get(external_id="ana"), as_of=NOW, by=None
    ),
    "consent changed": lambda rosa: outreach.set_consent(
        customer=rosa.customers.get(), channel="all", state="withdrawn", origin="", as_of=NOW, by=None
    ),
    "in touch": lambda rosa: outreach.contacted(
        customer=rosa.customers.get(), channel="text", as_of=NOW, by=None, key="touch"
    ),
    "a customer changed by plain SQL": lambda rosa: sql("UPDATE distributors_customer SET birthday = '1990-01-01'"),
    "a goal set": lambda rosa: make.goal(rosa, metric="orders"),
    "a goal ended": lambda rosa: rosa.goals.update(ended_at=NOW),
    "goals updated in bulk": updated_in_bulk,
    "a goal deleted": lambda rosa: rosa.goals.all().delete(),
    "sales measured": lambda rosa: measure(rosa, "sales", TODAY, 1),
    "sales changed": lambda rosa: Measure.objects.filter(metric="sales").update(value=1),
    "sales forgotten": lambda rosa: Measure.objects.filter(metric="sales").delete(),
    "sales copied in": copy_in,
    "a line changed": lambda rosa: CustomerLine.objects.update(orders=7),
    "a line forgotten": lambda rosa: CustomerLine.objects.all().delete(),
    "a basket opened": lambda rosa: make.event(rosa, type="basket.opened", customer=rosa.customers.get()),
    "an order": lambda rosa: order(rosa, "ana", NOW),
    "made a member": lambda rosa: member(rosa),
    "a rank reached": lambda rosa: Distributor.objects.filter(pk=rosa.pk).update(rank="Gold"),
    "renamed": lambda rosa: Distributor.objects.filter(pk=rosa.pk).update(external_id="rosa"),
}
#: What her sponsor's row holds as well.
SEEN_BY_HER_SPONSOR = {"an order", "a customer merged", "renamed", "a rank reached"}


@pytest.mark.parametrize("change", CHANGES)
def test_whoever_changes_something_leaves_a_mark(rosa: Distributor, change: str) -> None:
    before = features.of([rosa.pk])[rosa.pk]
    CHANGES[change](rosa)
    assert marked() == {rosa.pk, *({rosa.sponsor_id} if change in SEEN_BY_HER_SPONSOR else ())}
    assert rosa.pk in features.read([rosa.pk])[1]
    after = features.of([rosa.pk])[rosa.pk]
    assert after.changed > before.changed
    settle()


@pytest.mark.parametrize("how", ["insert", "update", "delete"])
def test_orders_of_a_recruit_mark_her_sponsor(rosa: Distributor, how: str) -> None:
    rows = Measure.objects.filter(distributor=rosa, metric="orders", scope="")
    {
        "insert": lambda: measure(rosa, "orders", TODAY, 1),
        "update": lambda: rows.update(value=9),
        "delete": lambda: rows.delete(),
    }[how]()
    assert marked() == {rosa.pk, rosa.sponsor_id}


def test_who_moves_marks_both_sponsors(rosa: Distributor) -> None:
    old, new = rosa.sponsor_id, make.distributor()
    settle()
    saved(rosa, sponsor=new)
    assert marked() == {rosa.pk, old, new.pk}
    assert len(row(new).recruits) == 1


@pytest.mark.parametrize("model", [Market, ProductLine, Product])
def test_new_reference_data_makes_every_row_outdated(rosa: Distributor, model: Any) -> None:
    before = versions.current()["reference"]
    model.objects.update(name=F("name"))
    assert versions.current()["reference"] > before
    assert features.read([rosa.pk])[1] == [rosa.pk]
    assert features.refresh_marked(rosa.pk, rosa.pk) == 0, "the same bytes"
    assert features.read([rosa.pk])[1] == []
    assert not marked()


def test_another_time_zone_is_another_day(rosa: Distributor) -> None:
    before = row(rosa)
    Market.objects.update(time_zone="Pacific/Auckland")
    after = row(rosa)
    assert after.changed > before.changed
    assert told(after.customers)[0][13] == told(before.customers)[0][13] + 1


def test_changed_stays_when_no_byte_does(rosa: Distributor) -> None:
    before = row(rosa)
    Customer.objects.update(name="Ana Maria")
    assert marked() == {rosa.pk}
    assert features.refresh([rosa.pk]) == 0
    assert row(rosa).changed == before.changed


def test_a_person_who_is_gone_has_no_row(rosa: Distributor) -> None:
    gone = make.distributor().pk
    features.of([gone])
    Distributor.objects.filter(pk=gone).delete()
    assert features.of([gone, rosa.pk]).keys() == {rosa.pk}
    assert gone not in marked()


def test_an_ingest_leaves_no_mark_of_who_is_not_there(rosa: Distributor) -> None:
    enrol = {
        "specversion": "1.0", "source": "t", "id": "1", "type": "distributor.enrolled", "subject": "mia",
        "time": NOW.isoformat(), "data": {"name": "Mia", "sponsor": rosa.external_id},
    }  # fmt: skip
    assert not ingest.bulk([enrol], received_at=NOW).failed
    mia = Distributor.objects.get(external_id="mia")
    assert marked() == {rosa.pk, mia.pk}


# Whose


def test_nothing_of_anybody_else_is_in_a_row() -> None:
    """Everybody has the same; the row of one must not change when all others lose or double theirs."""
    rng = random.Random(3)
    stage()
    assert not ingest.bulk(history(rng, 80), received_at=NOW).failed
    for person in Distributor.objects.all():
        for metric in ("sales", "order_size", "retained_recruits"):
            make.goal(person, metric=metric, period="month")
    ann = Distributor.objects.get(external_id="ann")
    hers = row(ann)
    assert len(hers.customers) and len(hers.days) and len(hers.recruits)
    mine = {ann.pk, *ann.recruits.values_list("pk", flat=True)}
    assert set(hers.customers["id"].tolist()) <= set(ann.customers.values_list("pk", flat=True))
    assert set(hers.recruits["id"].tolist()) <= mine
    others = Distributor.objects.exclude(pk__in=mine)
    Measure.objects.filter(distributor__in=others).update(value=F("value") * 2)
    Customer.objects.filter(distributor__in=others).update(spent=1)
    CustomerLine.objects.filter(distributor__in=others).delete()
    Goal.objects.filter(distributor__in=others).delete()
    features.refresh(Distributor.objects.values_list("pk", flat=True))
    assert row(ann).changed == hers.changed


# Queries


def test_a_clean_row_is_one_query(rosa: Distributor, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        found, stored = features.of_with_versions([rosa.pk])
    assert found.keys() == {rosa.pk}
    assert stored == versions.current()
    assert stored["reference"] > 0 and stored["catalogue"] == Version.objects.filter(name="catalogue").count()
    with django_assert_num_queries(1):
        assert features.of_with_versions([]) == ({}, stored)


def test_however_many_are_marked_the_queries_are_as_many(django_assert_num_queries: Any) -> None:
    people = [make.distributor() for _ in range(20)]
    for person in people:
        make.goal(person)
        make.customer(person)
    with django_assert_num_queries(8):  # two to read, four to refresh, a savepoint and its end
        assert len(features.of(person.pk for person in people)) == 20
    make.customer(people[0])
    with django_assert_num_queries(8):
        features.of(person.pk for person in people)
    with django_assert_num_queries(1):
        assert features.refresh_marked(0, people[-1].pk) == 0


# At the same time


class Elsewhere(Thread):
    """Work on a connection of its own."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self.work, self.result = work, None
        self.problem: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.work()
        except Exception as problem:
            self.problem = problem
        finally:
            connection.close()

    def done(self, within: float = 20) -> Any:
        self.join(within)
        assert not self.is_alive(), "waits"
        if self.problem:
            raise self.problem
        return self.result


def sales(found: Row) -> list[int]:
    return [value for _slot, _day, value in told(found.days)]


def sell(of: Distributor, cents: int) -> Measure:
    return measure(of, "sales", TODAY - timedelta(days=cents), Decimal(cents) / 100)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("before", ["clean", "marked", "missing"])
def test_a_reader_waits_for_no_change_and_loses_none(before: str) -> None:
    rosa = make.distributor()
    make.goal(rosa)
    sell(rosa, 1)
    if before != "missing":
        settle()
    if before == "marked":
        sell(rosa, 2)
    there = sales(Elsewhere(lambda: row(rosa)).done()) if before != "marked" else [2, 1]
    with transaction.atomic():
        sell(rosa, 3)
        assert sales(Elsewhere(lambda: row(rosa)).done()) == there, "not yet true"
        Elsewhere(lambda: features.refresh_marked(0, 2**31)).done()
    assert sales(row(rosa)) == [3, *there]
    settle()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("marked_before", [False, True])
def test_a_change_during_a_refresh_is_not_lost(marked_before: bool) -> None:
    rosa = make.distributor()
    make.goal(rosa)
    sell(rosa, 1)
    settle()
    if marked_before:
        sell(rosa, 2)
    with transaction.atomic():
        features.refresh([rosa.pk])
        Elsewhere(lambda: sell(rosa, 3)).done()
    assert marked() == {rosa.pk}
    assert sales(row(rosa))[0] == 3


@pytest.mark.django_db(transaction=True)
def test_older_bytes_never_replace_newer_ones() -> None:
    rosa = make.distributor()
    make.goal(rosa)
    sell(rosa, 1)
    settle()
    with transaction.atomic():
        features.refresh([rosa.pk])
        Elsewhere(lambda: sell(rosa, 2)).done()
        newer = Elsewhere(lambda: row(rosa))
        newer.join(0.5)
        assert newer.is_alive(), "refreshes of one person take turns"
    assert sales(newer.done()) == [2, 1]
    assert not marked()
    assert sales(row(rosa)) == [2, 1]


@pytest.mark.django_db(transaction=True)
def test_everything_at_once() -> None:
    """Batches that cross, pages that edit, readers and refreshes of ranges: no deadlock, and every row is right."""
    first = make.distributor(external_id="p0")
    people = [first, *(make.distributor(external_id=f"p{n}", sponsor=first) for n in range(1, 6))]
    for person in people:
        make.goal(person)
        make.customer(person, external_id="ana")

    def batches(n: int) -> None:
        for i in range(6):
            placed = [an_order(f"{n}-{i}-{person.pk}", person) for person in people]
            verdicts = ingest.accept(placed[:: 1 if n % 2 else -1], received_at=NOW)
            assert {verdict.status for verdict in verdicts} == {201}

    def edits(n: int) -> None:
        for i in range(30):
            Customer.objects.filter(distributor=people[i % 6]).update(birthday=date(1990, n, 1 + i % 28))

    def reads(n: int) -> None:
        for i in range(30):
            features.of(person.pk for person in (people if i % 2 else people[:1]))
            features.refresh_marked(first.pk, people[-1].pk)

    for thread in [Elsewhere(lambda work=work, n=n: work(n)) for work in (batches, edits, reads) for n in (1, 2)]:
        thread.done(60)
    features.of(person.pk for person in people)
    assert not marked()
    assert features.wrong() == []
    assert Order.objects.count() == 72


def an_order(n: str, of: Distributor) -> dict[str, Any]:
    data = {"customer": "ana", "currency": "USD", "amount": "5.00", "lines": [{"sku": "EYE-1", "amount": "5.00"}]}
    return {
        "specversion": "1.0", "source": "t", "id": n, "type": "order.placed", "subject": of.external_id,
        "time": NOW.isoformat(), "data": data,
    }  # fmt: skip
