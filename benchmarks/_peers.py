"""What the recalculation is compared with, on the same people and the same day: Django's ORM, and SQL.

Both are given our compact rows as they are: reading goals, measures, customers and purchases from their tables, which
either would have to do without them, is left out to their advantage.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import _plain
from _plain import Card, Person, Placed, World

#: People read, scored and written at a time by the ORM peer.
BLOCK = 250
Slate = list[tuple[int, int, int, str, float, float]]  # activity, kind, about, slot, score, propensity


def slate_of(placed: Sequence[Placed]) -> Slate:
    return [
        (one.card.activity.id, one.card.kind, one.card.about, one.slot, one.card.score, one.propensity)
        for one in placed
    ]


# --------------------------------------------------------------------------------------------------------------- ORM


def with_the_orm(ids: Sequence[int], world: World) -> tuple[float, dict[int, Slate]]:
    """Seconds, and the slates: read in blocks by select_related and in_bulk, plain Python, five rows each by bulk_create."""
    model = shown_model()
    slates: dict[int, Slate] = {}
    began = time.perf_counter()
    for first in range(0, len(ids), BLOCK):
        rows = []
        for person in _plain.people(ids[first : first + BLOCK]):
            slates[person.id] = slate_of(_plain.drawn(_plain.candidates(person, world), person, world))
            rows += [
                model(
                    distributor_id=person.id, position=n, activity_id=activity, kind=kind, about_id=about, slot=slot,
                    score=score, propensity=propensity,
                )
                for n, (activity, kind, about, slot, score, propensity) in enumerate(slates[person.id], start=1)
            ]  # fmt: skip
        model.objects.bulk_create(rows, batch_size=2000)
    return time.perf_counter() - began, slates


def shown_model() -> Any:
    """A table of five rows a person, as one would first think of it; dropped by drop()."""
    from django.apps import apps
    from django.db import connection, models

    name = "BenchShown"
    if name.lower() not in apps.all_models["activities"]:
        fields = {
            "distributor_id": models.BigIntegerField(),
            "position": models.SmallIntegerField(),
            "activity_id": models.BigIntegerField(),
            "kind": models.SmallIntegerField(),
            "about_id": models.BigIntegerField(),
            "slot": models.CharField(max_length=8),
            "score": models.FloatField(),
            "propensity": models.FloatField(),
        }
        once = models.UniqueConstraint(fields=["distributor_id", "position"], name="bench_shown_once")
        meta = type("Meta", (), {"app_label": "activities", "db_table": "bench_shown", "constraints": [once]})
        type(name, (models.Model,), {**fields, "Meta": meta, "__module__": __name__})
    model = apps.get_model("activities", name)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_shown")
    with connection.schema_editor() as editor:
        editor.create_model(model)
    return model


# --------------------------------------------------------------------------------------------------------------- SQL

TABLES = {
    "bench_person": "id int8, market int8, alpha float8",
    "bench_goal": (
        "person int8, key text, weight float8, remaining float8, now float8, made float8[], n int, base float8,"
        " typical float8, falling float8[], counts bool"
    ),
    "bench_due": "person int8, kind int, about int8, reason text, line int, score float8, stretch float8, ways int",
    "bench_hide": "person int8, activity int8, kind int, about int8",
    "bench_shown_before": "person int8, activity int8, kind int, about int8, exposure float8",
    "bench_mastery": "person int8, skill int8, mastery float8",
    "bench_waved_off": "person int8, activity int8, kind int",
    "bench_activity": (
        "id int8, market int8, about text, line int, of_kind int, learning bool, p float8, skill int8, wanted float8,"
        " gain float8, ways int"
    ),
    "bench_effect": "activity int8, market int8, key text, effect float8, is_sales bool",
    "bench_kpi": "market int8, key text, weight float8, direction int, scale float8",
    "bench_top": "person int8, position int, activity int8, kind int, about int8, score float8",
}
INDEXES = {
    "bench_person": "id",
    "bench_goal": "person",
    "bench_due": "person, reason, score DESC",
    "bench_hide": "person",
    "bench_shown_before": "person, activity, kind, about",
    "bench_mastery": "person, skill",
    "bench_waved_off": "person",
    "bench_activity": "market, about",
    "bench_effect": "activity, market, key",
}
# P(X >= x). `falling` is the market's quantiles, negated and reversed, so that width_bucket counts those that are as large.
FUNCTIONS = """
    CREATE FUNCTION bench_pooled(ratio float8, falling float8[], larger int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE larger WHEN 0 THEN 0 WHEN 65 THEN 1
            ELSE (larger - 1 + (-falling[larger] - ratio) / (-falling[larger] + falling[larger + 1])) / 64 END
    $$;
    CREATE FUNCTION bench_at_least(x float8, made float8[], n int, base float8, typical float8, falling float8[])
    RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE WHEN x <= 0 THEN 1 ELSE (
            (SELECT count(*) FROM unnest(made) AS m WHERE m >= x + base - 1e-8)
            + 8 * CASE
                WHEN typical < 1e-6 THEN CASE WHEN x + base <= 0 THEN 1 ELSE 0 END
                WHEN falling IS NULL THEN exp(-greatest((x + base) / typical, 0))
                ELSE bench_pooled((x + base) / typical, falling, width_bucket(-(x + base) / typical, falling))
            END
        ) / (n + 8) END
    $$;
    CREATE FUNCTION bench_chance(
        x float8, made float8[], n int, base float8, typical float8, falling float8[], counts bool
    ) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE WHEN NOT counts OR x = floor(x) THEN bench_at_least(x, made, n, base, typical, falling)
            ELSE (1 - x + floor(x)) * bench_at_least(floor(x), made, n, base, typical, falling)
                 + (x - floor(x)) * bench_at_least(floor(x) + 1, made, n, base, typical, falling) END
    $$;
"""
SCORE = """
    INSERT INTO bench_top (person, position, activity, kind, about, score)
    SELECT person.id, best.position, best.activity, best.kind, best.about, best.score
    FROM bench_person person
    CROSS JOIN LATERAL (
        SELECT row_number() OVER (ORDER BY score DESC, place, about) AS position, once.*
        FROM (
            SELECT DISTINCT ON (kind, CASE kind WHEN 0 THEN activity ELSE about END) scored.*
            FROM (
                SELECT card.activity, card.place, card.kind, card.about,
                       person.alpha * least(1, coalesce(own.utility, 0) / %(own_scale)s)
                       + coalesce(company.k, 0)
                       + .25 * card.p * coalesce(card.gain * greatest(0, card.wanted - coalesce(m.mastery, 0)) / card.wanted, 0)
                       - .01 * coalesce(shown.exposure, 0)
                       + greatest(-.1, -.05 * (SELECT count(DISTINCT w.activity) FROM bench_waved_off w
                             WHERE w.person = person.id AND w.kind = card.of_kind AND w.activity <> card.activity)) AS score
                FROM (
                    SELECT a.id AS activity, a.id AS place, a.of_kind, 0 AS kind, 0::int8 AS about, a.p, 1::float8 AS stretch,
                           a.skill, a.wanted, a.gain
                    FROM bench_activity a WHERE a.market = person.market AND a.about = 'nobody'
                    UNION ALL
                    SELECT a.id, a.id, a.of_kind, due.kind, due.about, least(.95, greatest(.01, a.p * (.5 + due.score))),
                           due.stretch, a.skill, a.wanted, a.gain
                    FROM bench_activity a
                    CROSS JOIN LATERAL (
                        SELECT * FROM (
                            SELECT DISTINCT ON (d.about) d.* FROM bench_due d
                            WHERE d.person = person.id AND d.reason = a.about
                                  AND (a.line = 0 OR d.kind = 2 OR d.line = a.line) AND d.ways & a.ways <> 0
                            ORDER BY d.about, d.score DESC
                        ) AS each ORDER BY score DESC, about LIMIT 12
                    ) AS due
                    WHERE a.market = person.market AND a.about <> 'nobody'
                ) AS card
                LEFT JOIN bench_mastery m ON m.person = person.id AND m.skill = card.skill
                LEFT JOIN bench_shown_before shown ON shown.person = person.id AND shown.activity = card.activity
                     AND shown.kind = card.kind AND shown.about = card.about
                CROSS JOIN LATERAL (
                    SELECT sum(g.weight * (
                        .5 * (CASE WHEN t.tau < g.remaining
                                THEN bench_chance(g.remaining - t.tau, g.made, g.n, g.base, g.typical, g.falling, g.counts)
                                ELSE 1 END - g.now)
                        + .5 * least(1, t.tau / g.remaining)
                    )) AS utility
                    FROM bench_goal g
                    JOIN bench_effect e ON e.activity = card.activity AND e.market = person.market AND e.key = g.key
                    CROSS JOIN LATERAL (SELECT card.p * e.effect * CASE WHEN e.is_sales THEN card.stretch ELSE 1 END) AS t(tau)
                    WHERE g.person = person.id AND g.remaining > 0 AND t.tau <> 0
                ) AS own
                CROSS JOIN LATERAL (
                    SELECT sum((1 - person.alpha) * k.weight * greatest(-1, least(1, k.direction / k.scale
                               * card.p * e.effect * CASE WHEN e.is_sales THEN card.stretch ELSE 1 END))) AS k
                    FROM bench_kpi k
                    JOIN bench_effect e ON e.activity = card.activity AND e.market = person.market AND e.key = k.key
                    WHERE k.market = person.market
                ) AS company
                WHERE NOT EXISTS (
                    SELECT 1 FROM bench_hide h WHERE h.person = person.id AND (
                        (h.activity = card.activity AND (h.kind = 3 OR (h.kind = card.kind AND h.about = card.about)))
                        OR (card.kind > 0 AND h.kind = card.kind + 3 AND h.about = card.about))
                )
            ) AS scored
            ORDER BY kind, CASE kind WHEN 0 THEN activity ELSE about END, score DESC, place
        ) AS once
        ORDER BY position LIMIT 5
    ) AS best
"""
LEFT_OUT = (
    "windows and spreads of goals, who is due, FSRS and fading are prepared for it; it has no slots, pools, noise or "
    "propensities: the five best scores, one card a person"
)


def with_sql(persons: Sequence[Person], world: World) -> tuple[float, dict[int, list[tuple[int, int, int, float]]]]:
    """Seconds of the one statement, and what it found: the five best (activity, kind, about, score) of each person."""
    from django.db import connection

    drop()
    with connection.cursor() as cursor:
        for table, columns in TABLES.items():
            cursor.execute(f"CREATE UNLOGGED TABLE {table} ({columns})")
        cursor.execute(FUNCTIONS)
        for table, rows in prepared(persons, world).items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        for table, columns in INDEXES.items():
            cursor.execute(f"CREATE INDEX ON {table} ({columns})")
        for table in TABLES:
            cursor.execute(f"ANALYZE {table}")
        began = time.perf_counter()
        cursor.execute(SCORE, {"own_scale": world.own_scale})
        seconds = time.perf_counter() - began
        cursor.execute("SELECT person, activity, kind, about, score FROM bench_top ORDER BY person, position")
        found: dict[int, list[tuple[int, int, int, float]]] = {}
        for person, *card in cursor.fetchall():
            found.setdefault(person, []).append(tuple(card))
    drop()
    return seconds, found


def drop() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS bench_shown, {', '.join(TABLES)}")
        for name in ("bench_chance", "bench_at_least", "bench_pooled"):
            cursor.execute(f"DROP FUNCTION IF EXISTS {name}")


def prepared(persons: Sequence[Person], world: World) -> dict[str, Iterable[tuple[Any, ...]]]:
    """The rows of its tables: what is in the compact rows, with everything that depends on the day worked out."""
    tables: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TABLES}
    for person in persons:
        scorer = _plain.Scorer(person, world)
        tables["bench_person"].append((person.id, person.market, scorer.alpha))
        tables["bench_goal"] += goals_of(person, world)
        tables["bench_due"] += dues_of(person, world)
        tables["bench_hide"] += [(person.id, *one) for one in scorer.cards_hidden]
        tables["bench_hide"] += [(person.id, activity, 3, 0) for activity in scorer.activities_hidden]
        tables["bench_hide"] += [(person.id, 0, kind + 3, about) for kind, about in scorer.people_hidden]
        tables["bench_shown_before"] += [
            (person.id, *one, scorer.faded(last, total)) for one, (last, total) in scorer.shown.items()
        ]
        tables["bench_mastery"] += [(person.id, skill, held) for skill, held in scorer.mastery.items()]
        tables["bench_waved_off"] += [(person.id, activity, kind) for activity, kind in scorer.fewer]
    for market, price in world.price.items():
        tables["bench_kpi"] += [
            (market, key_of(kpi.metric), kpi.weight, kpi.direction, kpi.scale) for kpi in world.of_everybody(market)
        ]
        for a in world.catalogue:
            # Everybody reads English; a catalogue in other words only is not in a benchmark.
            if a.markets and market not in a.markets:
                continue
            tables["bench_activity"].append(
                (a.id, market, a.about, a.line, a.kind, a.learning, a.p, a.skill, a.wanted, a.gain, a.ways)
            )
            tables["bench_effect"] += [
                (a.id, market, key_of(m), e * (price if _plain.UNIT[m[0]] == "money" else 1), m[0] == "sales")
                for m, e in a.effects.items()
            ]
    return dict(tables)


def key_of(metric: tuple[str, int]) -> str:
    return f"{metric[0]}:{metric[1]}"


def goals_of(person: Person, world: World) -> list[tuple[Any, ...]]:
    goals = _plain.running_goals(person, world)
    total = sum(goal.weight for goal in goals)
    found = []
    for goal in goals:
        chance = goal.survival
        falling = [-step for step in reversed(chance.quantiles)] or None
        found.append(
            (person.id, key_of(goal.metric), goal.weight / total, goal.left, goal.now, list(chance.made),
             len(chance.made), chance.base, chance.typical, falling, chance.counts)
        )  # fmt: skip
    return found


def dues_of(person: Person, world: World) -> list[tuple[Any, ...]]:
    found = _plain.dues(person, world.calendar[person.market])
    _by_reason, average = _plain.people_for_cards(found)
    return [
        (person.id, due.kind, due.person, due.reason, due.line, due.score, _plain.stretch(due, average), due.ways)
        for due in found
    ]


def five_best(found: Sequence[Card]) -> list[tuple[int, int, int, float]]:
    """What the SQL peer should find."""
    best: dict[tuple[int, int], Card] = {}
    for card in found:
        who = (card.kind, card.about if card.kind else card.activity.id)
        if who not in best or card.score > best[who].score:
            best[who] = card
    top = sorted(best.values(), key=lambda card: -card.score)[:5]
    return [(card.activity.id, card.kind, card.about, card.score) for card in top]
