"""A field of a million: the demo company, told through the product's own door, and people cloned from it in SQL.

    PEP_DATA=/some/folder python benchmarks/_population.py --distributors 1000000 --seed 7 [--activities 200]

1. `manage.py demo`: a real company with its events, goals, priorities and scales (--templates people of it are made).
   Its rules are ended. Whoever got no goal from her own history gets one of weekly sales.
2. The catalogue is topped up with variants of its activities: seeded p and impacts, the same words.
3. What its people were shown, did and learned in the last weeks: seeded slates, actions and masteries.
4. Their compact rows, by the product's own `features.refresh` and `memory.refresh`.
5. Everybody else: a clone of one of them, chosen by a seeded hash that prefers the small ones, with her own id, her own
   identity (so her own exploration noise) and goals, Feature and Memory rows; the ids inside the records are the template's.
   Clones have no events, customers or measures of their own: what reads those (a refresh of a marked row) needs one of
   the demo people. Triggers sleep meanwhile, so that nobody is marked.

Prints one line of JSON: people, seconds, bytes a row, and how customers, goals, days and due people are distributed.
A folder that holds such a population already is left as it is; any other data is refused.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import _house

MARKER = "population.json"
#: Of the demo company that everybody else is cloned from.
TEMPLATES = 2000
ACTIVITIES = 200
#: Templates are ordered by size and chosen at share u^SKEW of the list, u even: half of the clones are of the smallest
#: sixth, one in a hundred of the largest hundred and sixtieth.
SKEW = 2.5
#: What variants of an activity differ by.
FACTOR = (0.55, 1.45)
#: People whose compact rows are made in one go, and clones in one statement.
BLOCK, CLONES = 500, 50_000
#: Days of showings before today, the share of people who open the app at all, and on how many of those days at most.
DAYS, OPENING, MOST_DAYS = 56, 0.6, 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options_of(parser)
    options = parser.parse_args()
    if not os.environ.get("PEP_DATA"):
        parser.error("set PEP_DATA to the folder to fill; a million people need about 12 GB")
    _house.import_the_product()
    print(json.dumps(ensure(options)))


def options_of(parser: argparse.ArgumentParser, *, distributors: int = 1_000_000) -> None:
    """The options of everything that runs on a population."""
    parser.add_argument("--distributors", type=int, default=distributors, help=f"the whole field ({distributors:,})")
    parser.add_argument("--seed", type=int, default=7, help="another seed makes another field (7)")
    parser.add_argument("--activities", type=int, default=ACTIVITIES, help=f"size of the catalogue ({ACTIVITIES})")
    parser.add_argument("--templates", type=int, help=f"people of the real demo company ({TEMPLATES:,})")


def ensure(options: argparse.Namespace) -> dict[str, Any]:
    """The population in the database of this process: what its marker says if it is there, else made now."""
    from django.conf import settings

    from distributors.models import Distributor

    asked = {"people": options.distributors, "activities": options.activities, "seed": options.seed}
    marker = settings.DATA_DIR / MARKER
    if marker.exists():
        told: dict[str, Any] = json.loads(marker.read_text())
        if any(told[name] != value for name, value in asked.items()):
            raise SystemExit(f"{settings.DATA_DIR} holds another population: {told}. Choose another PEP_DATA.")
        return told
    _house.manage(_house.environment(settings.DATA_DIR), "migrate", "--verbosity", "0")
    if Distributor.objects.exists():
        raise SystemExit(f"{settings.DATA_DIR} holds distributors already. Choose another PEP_DATA.")
    told = asked | make(options)
    marker.write_text(json.dumps(told))
    return told


def make(options: argparse.Namespace) -> dict[str, Any]:
    began = time.monotonic()
    templates = options.templates or min(TEMPLATES, max(30, options.distributors // 5))
    steps: dict[str, float] = {}
    for name, work in (
        ("demo company", lambda: found(templates, options.seed)),
        ("no rules", without_rules),
        ("goals for all", aim),
        ("catalogue", lambda: widen_catalogue(options.activities, options.seed)),
        ("what was shown", lambda: remember(options.seed)),
        ("compact rows", compact_rows),
        ("clones", lambda: clone(options.distributors, options.seed)),
    ):
        start = time.monotonic()
        work()
        steps[name] = round(time.monotonic() - start, 1)
        print(f"{name:<16}{steps[name]:8.1f} s", file=sys.stderr)
    return {"templates": templates, "seconds": round(time.monotonic() - began, 1), "steps": steps} | sizes()


def found(templates: int, seed: int) -> None:
    from django.conf import settings

    env = _house.environment(settings.DATA_DIR)
    _house.manage(env, "demo", "--distributors", str(templates), "--seed", str(seed), "--no-sign-ins")


def without_rules() -> None:
    """Clones have no figures of their own that rules could ask about, and the plain peers know none: rules.py measures them."""
    from kpis.models import Firing, Rule

    Rule.objects.update(state=Rule.State.ENDED)
    Firing.objects.all().delete()


def aim() -> None:
    """A weekly goal for who has none: the demo sets goals from history, and the smallest have too little of it."""
    from django.utils import timezone

    from distributors.models import Distributor, Goal

    idle = Distributor.objects.active().with_market().exclude(goals__ended_at__isnull=True, goals__isnull=False)
    Goal.objects.bulk_create(
        Goal(distributor=person, metric="sales", target=100 * person.market.price_level, created_at=timezone.now())
        for person in idle.order_by("pk")
    )


def widen_catalogue(size: int, seed: int) -> None:
    """Variants of what is published, until there are `size`: other odds and impacts, the same words and markets."""
    from activities.models import Activity, ActivityText

    real = list(Activity.objects.published().order_by("key").prefetch_related("texts", "markets"))
    dice, made = random.Random(f"catalogue {seed}"), []
    for n in range(max(0, size - len(real))):
        base, round_number = real[n % len(real)], n // len(real) + 2
        fields = {f.attname: getattr(base, f.attname) for f in Activity._meta.concrete_fields if not f.primary_key}
        fields["key"] = f"{base.key}-{round_number}"
        fields["p_done"] = round(min(0.95, base.p_done * dice.uniform(*FACTOR)), 3)
        fields["impacts"] = {key: round(value * dice.uniform(*FACTOR), 3) for key, value in base.impacts.items()}
        made.append((base, Activity(**fields)))
    Activity.objects.bulk_create(variant for _base, variant in made)
    ActivityText.objects.bulk_create(
        ActivityText(
            activity=variant, language=text.language, title=text.title, summary=text.summary, body=text.body,
            message=text.message,
        )
        for base, variant in made
        for text in base.texts.all()
    )  # fmt: skip
    Activity.markets.through.objects.bulk_create(
        Activity.markets.through(activity_id=variant.pk, market_id=market.pk)
        for base, variant in made
        for market in base.markets.all()
    )


def remember(seed: int) -> None:
    """What the people of the demo company were shown and did since DAYS days, and the skills they learned."""
    from django.utils import timezone

    from activities.models import Action, Mastery, Slate

    now = timezone.now()
    slates, actions, masteries = [], [], []
    for person in the_field():
        dice = random.Random(f"memory {seed} {person.external_id}")
        masteries += learned_by(person, dice, now)
        if dice.random() > OPENING:
            continue
        cards = cards_of(person, dice)
        today = person.market.local_day(now)
        # Most come now and then, a few every other day.
        often = max(1, int(MOST_DAYS * dice.random() ** 3))
        for ago in sorted(dice.sample(range(1, DAYS + 1), often)):
            shown = dice.sample(cards, min(5, len(cards)))
            slates.append(slate_of(person, today - timedelta(days=ago), now - timedelta(days=ago), shown))
            actions += done_with(person, shown, today - timedelta(days=ago), now - timedelta(days=ago), dice)
    Slate.objects.bulk_create(slates, batch_size=2000)
    Action.objects.bulk_create(actions, batch_size=2000, ignore_conflicts=True)
    Mastery.objects.bulk_create(masteries, batch_size=2000)


def the_field() -> Iterator[Any]:
    from distributors.models import Distributor

    yield from Distributor.objects.active().with_market().prefetch_related("customers", "recruits").order_by("pk")


def cards_of(person: Any, dice: random.Random) -> list[tuple[Any, Any, Any]]:
    """Some forty cards she is often shown: (activity, customer, recruit)."""
    customers, recruits = list(person.customers.all())[:12], list(person.recruits.all())[:6]
    found: list[tuple[Any, Any, Any]] = []
    for activity in dice.sample(catalogue(), 40):
        if activity.about == "nobody":
            found.append((activity, None, None))
        elif activity.is_about_recruit:
            found += [(activity, None, dice.choice(recruits))] if recruits else []
        elif customers:
            found.append((activity, dice.choice(customers), None))
    return found


@cache
def catalogue() -> list[Any]:
    from activities.models import Activity

    return list(Activity.objects.published().order_by("key"))


@cache
def skills() -> list[Any]:
    from activities.models import Skill

    return list(Skill.objects.order_by("key"))


def about_key(customer: Any, recruit: Any) -> str:
    if customer is not None:
        return f"c{customer.pk}"
    return f"r{recruit.pk}" if recruit is not None else ""


def slate_of(person: Any, day: date, at: datetime, shown: list[tuple[Any, Any, Any]]) -> Any:
    from activities.models import Slate

    cards = [
        {
            "key": f"{activity.key}.{about}" if (about := about_key(customer, recruit)) else activity.key,
            "activity": activity.pk,
            "customer": customer.pk if customer else None,
            "recruit": recruit.pk if recruit else None,
            "slot": "own",
            "propensity": 0.2,
            "score": 0.1,
            "terms": {},
        }
        for activity, customer, recruit in shown
    ]
    digest = hashlib.sha256("\n".join(str(card["key"]) for card in cards).encode()).digest()
    return Slate(distributor_id=person.pk, day=day, shown_at=at, seed=0, cards=cards, digest=digest)


def done_with(
    person: Any, shown: list[tuple[Any, Any, Any]], day: date, at: datetime, dice: random.Random
) -> Iterator[Any]:
    """A fifth of the cards done, a tenth put off, one in twenty dismissed for one reason or another."""
    from activities.models import Action

    for activity, customer, recruit in shown:
        luck = dice.random()
        if luck > 0.35:
            continue
        kind = Action.Kind.DONE if luck < 0.2 else Action.Kind.SNOOZE if luck < 0.3 else Action.Kind.DISMISS
        yield Action(
            distributor_id=person.pk, activity_id=activity.pk, customer=customer, recruit=recruit,
            about_key=about_key(customer, recruit), kind=kind, day=day, at=at,
            until=day + timedelta(days=7) if kind == Action.Kind.SNOOZE else None,
            reason=dice.choice(Action.Reason.values) if kind == Action.Kind.DISMISS else "",
        )  # fmt: skip


def learned_by(person: Any, dice: random.Random, now: datetime) -> Iterator[Any]:
    from fsrs import Card, Rating

    from activities.learning import SCHEDULER
    from activities.models import Mastery

    for skill in skills():
        if dice.random() > 0.3:
            continue
        at = now - timedelta(days=dice.randint(1, 90))
        card = Card(card_id=skill.pk, due=at)
        for rating in dice.sample([Rating.Good, Rating.Hard, Rating.Easy], dice.randint(1, 2)):
            card, _log = SCHEDULER.review_card(card, rating, review_datetime=at)
        yield Mastery(
            distributor_id=person.pk, skill=skill, score=round(dice.uniform(0.3, 1.0), 2), memory=card.to_dict(),
            reviewed_at=at,
        )  # fmt: skip


def compact_rows() -> None:
    """The pools of the day, and Feature and Memory rows of the demo people."""
    from django.utils import timezone

    from activities.ranking import memory
    from distributors import features
    from distributors.demo import forecast
    from distributors.models import Distributor

    now = timezone.now()
    forecast(as_of=now)
    ids = list(Distributor.objects.order_by("pk").values_list("pk", flat=True))
    for first in range(0, len(ids), BLOCK):
        # To-dos whose result arrived are closed by it, which counts for goals.
        memory.refresh(ids[first : first + BLOCK], as_of=now)
        features.refresh(ids[first : first + BLOCK])


CHOOSE = """
    CREATE UNLOGGED TABLE bench_clone AS
    WITH template AS (
        SELECT d.id, row_number() OVER (ORDER BY length(f.customers) + length(f.days), d.id) - 1 AS n
        FROM distributors_distributor d JOIN distributors_feature f ON f.distributor_id = d.id
        WHERE d.left_on IS NULL
    ), chosen AS (
        SELECT g.id, floor(
            (SELECT count(*) FROM template)
            * power((hashint8extended(g.id, %(seed)s) & 1073741823) / 1073741824::float8, %(skew)s)
        )::bigint AS n
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS g(id)
    )
    SELECT chosen.id, template.id AS template FROM chosen JOIN template USING (n) ORDER BY chosen.id
"""
EXTERNAL = "'clone-' || c.id"
#: Model -> what differs in a clone (`c`) from her template (`t`); None is left empty, or to the table's own default.
DIFFERENT: dict[str, dict[str, str | None]] = {
    "distributors.Feature": {
        "distributor_id": "c.id",
        "identity": f"('x' || left(md5({EXTERNAL}), 16))::bit(64)::bigint",
    },
    "activities.Memory": {"distributor_id": "c.id"},
    "distributors.Distributor": {
        "id": "c.id",
        "external_id": EXTERNAL,
        "user_id": None,
        "sponsor_id": None,
        "enrolled_by_id": None,
    },
    "distributors.Goal": {"id": None, "distributor_id": "c.id"},
}


def clone(people: int, seed: int) -> None:
    """Fill the field up to `people`, on two connections: one statement a table and block of clones."""
    from django.apps import apps
    from django.db import connection

    from distributors.models import Distributor

    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM distributors_distributor")
        first = cursor.fetchone()[0] + 1
        last = first + people - Distributor.objects.count() - 1
        if last < first:
            return
        cursor.execute("DROP TABLE IF EXISTS bench_clone")
        cursor.execute(CHOOSE, {"first": first, "last": last, "seed": seed, "skew": SKEW})
        cursor.execute("ALTER TABLE bench_clone ADD PRIMARY KEY (id)")
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda label: copy(label, first, last), DIFFERENT))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_clone")
        cursor.execute("SELECT setval(pg_get_serial_sequence('distributors_distributor', 'id'), %s)", [last])
        # Autovacuum would come by in the middle of a measurement.
        for label in DIFFERENT:
            cursor.execute(f"VACUUM (FREEZE, ANALYZE) {apps.get_model(label)._meta.db_table}")


def copy(label: str, first: int, last: int) -> None:
    from django.apps import apps
    from django.db import connection

    model = apps.get_model(label)
    table, different = model._meta.db_table, DIFFERENT[label]
    columns = {field.column: f"t.{field.column}" for field in model._meta.concrete_fields} | different
    columns = {name: sql for name, sql in columns.items() if sql is not None}
    key = "distributor_id" if "distributor_id" in columns else "id"
    statement = (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())}"
        f" FROM bench_clone c JOIN {table} t ON t.{key} = c.template"
        " WHERE c.id BETWEEN %s AND %s ORDER BY c.id"
    )
    try:
        with connection.cursor() as cursor:
            # No triggers: no marks, no audit, no foreign keys looked up.
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("SET synchronous_commit = off")
            for start in range(first, last + 1, CLONES):
                cursor.execute(statement, [start, min(last, start + CLONES - 1)])
    finally:
        connection.close()


def sizes() -> dict[str, Any]:
    """Bytes a row, and median / 90th percentile / most of what people have."""
    from django.db import connection

    from distributors import records

    things = {
        "customers": ("distributors_feature", "customers", records.CUSTOMER),
        "goals": ("distributors_feature", "goals", records.GOAL),
        "days": ("distributors_feature", "days", records.DAY),
        "recruit_days": ("distributors_feature", "recruits", records.RECRUIT),
        "shown": ("activities_memory", "shown", records.SHOWN),
    }
    found: dict[str, Any] = {}
    with connection.cursor() as cursor:
        for name, (table, column, record) in things.items():
            cursor.execute(
                f"SELECT percentile_disc(ARRAY[.5, .9, 1]) WITHIN GROUP (ORDER BY length({column})) FROM {table}"
            )
            found[name] = [length // record.itemsize for length in cursor.fetchone()[0]]
        for table in ("distributors_feature", "activities_memory"):
            cursor.execute(
                f"SELECT pg_total_relation_size('{table}') / count(*), avg(pg_column_size(t.*))::int FROM {table} t"
            )
            on_disk, packed = cursor.fetchone()
            found[f"{table.split('_')[1]}_bytes"] = {"on_disk": int(on_disk), "row": packed}
    found["due"] = due_people()
    return {"bytes_per_row": {k: v for k, v in found.items() if k.endswith("_bytes")}} | {
        "median_p90_most": {k: v for k, v in found.items() if not k.endswith("_bytes")}
    }


def due_people(sample: int = 2000) -> list[int]:
    """How many customers and recruits are due today, of an even sample of the field."""
    import _plain
    from django.utils import timezone

    from distributors.models import Distributor

    ids = list(Distributor.objects.active().order_by("pk").values_list("pk", flat=True))
    world = _plain.World.now(timezone.now())
    counts = sorted(
        len({(due.kind, due.person) for due in _plain.dues(person, world.calendar[person.market])})
        for person in _plain.people(ids[:: max(1, len(ids) // sample)])
    )
    return [counts[len(counts) // 2], counts[len(counts) * 9 // 10], counts[-1]]


if __name__ == "__main__":
    main()
