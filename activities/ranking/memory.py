"""The compact row of what she was shown, did and knows: read, refreshed when something was stored about her, looked up.

Rows are made, marked and refreshed as in distributors/features.py, with one difference. A mark also says that an event
reached her which may close a card of hers: it is taken away only by who settles her (closing.py) in the same transaction.
Who may not settle, because nothing is to be written about her, makes the row again and leaves the mark.

What an action hides, and for how long:
  done          the same card until its activity may come again, and every card about the person for three days
  snooze        the same card until its day
  dismiss       the same card for a week · as not right for this person: for good · as known: the activity, whoever it is
                about, for good · as fewer like this: the activity for 60 days, and a little less of its kind as long
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from distributors.compiling import kernel
from distributors.features import ids_of, instant, packed
from distributors.records import EPOCH, FOREVER, HIDE, SHOWN, SKILL, Records, unpacked

from ..closing import settle as close_settled
from ..learning import retrievability
from ..models import Activity

NOT_NOW_DAYS = 7
FEWER_DAYS = 60
REST_DAYS = 3  # a person just contacted is left alone
#: After so many days a showing weighs half.
HALF_LIFE = 15.0
#: How long showings are kept, before her newest slate. After ten half-lives one weighs a thousandth: that it falls out of
#: the sum when a new slate is written cannot be felt in the list that is loaded again.
EXPOSURE_DAYS = 150
#: How far a reported completion may be ahead of the day on which it is read (cloudevents.py), and some more.
AHEAD_DAYS = 7
#: People refreshed in one transaction.
BLOCK = 1000


@dataclass(frozen=True)
class Row:
    """What ranking reads of one distributor's past (records.py says what is in it). `changed` is new whenever a byte is."""

    distributor_id: int
    hides: Records
    shown: Records
    skills: Records
    changed: int


def sent_day(sql: str) -> str:
    """SQL of a day number -> its two bytes; what is too far is for ever."""
    return f"int2send(least(greatest({sql}, {-FOREVER}), {FOREVER})::int2)"


CARD = "CASE WHEN {0}customer{1} IS NOT NULL THEN 1 WHEN {0}recruit{1} IS NOT NULL THEN 2 ELSE 0 END"

HIDES = f"""
deed AS MATERIALIZED (
    SELECT d.distributor_id, d.activity_id AS activity, {CARD.format("d.", "_id")} AS card,
           coalesce(d.customer_id, d.recruit_id, 0) AS about, d.kind, d.reason, d.day - DATE '{EPOCH}' AS day,
           d.until - DATE '{EPOCH}' AS until, a.again_after_days::int AS again,
           array_position(%(kinds)s::text[], a.kind::text) - 1 AS of_kind,
           max(d.day) OVER (PARTITION BY d.distributor_id) - DATE '{EPOCH}' AS newest
    FROM activities_action d JOIN activities_activity a ON a.id = d.activity_id
    WHERE d.distributor_id = ANY(%(ids)s::bigint[]) AND d.undone_at IS NULL
), hidden AS (
    SELECT d.distributor_id, h.activity, h.kind, h.about, max(h.until) AS until
    FROM deed d CROSS JOIN LATERAL (VALUES
        (d.activity, d.card, d.about, CASE
            WHEN d.kind = 'done' THEN d.day + greatest(1, d.again)
            WHEN d.kind = 'snooze' THEN d.until
            WHEN d.kind <> 'dismiss' OR d.reason IN ('known', 'fewer') THEN NULL
            WHEN d.reason = 'wrong_person' THEN {FOREVER}
            ELSE d.day + {NOT_NOW_DAYS} END),
        (d.activity, 3, 0::bigint, CASE WHEN d.kind = 'dismiss' THEN
            CASE d.reason WHEN 'known' THEN {FOREVER} WHEN 'fewer' THEN d.day + {FEWER_DAYS} END END),
        (0::bigint, d.card + 3, d.about, CASE WHEN d.kind = 'done' AND d.card > 0 THEN d.day + {REST_DAYS} END),
        (d.activity, 6, d.of_kind::bigint, CASE WHEN d.kind = 'dismiss' AND d.reason = 'fewer' THEN d.day + {
    FEWER_DAYS
} END)
    ) AS h(activity, kind, about, until)
    WHERE h.until > d.newest - {AHEAD_DAYS} AND h.about IS NOT NULL
    GROUP BY 1, 2, 3, 4
), hides AS (
    SELECT distributor_id, {
    packed(
        ["int8send(activity)", "int2send(kind::int2)", "int8send(about)", sent_day("until")],
        order="activity, kind, about",
    )
} AS packed FROM hidden GROUP BY 1
)"""  # noqa: S608

# A card counts once a day. The sum is added up from the newest day on, so that its last bit is always the same.
SHOWINGS = f"""
showing AS (
    SELECT DISTINCT s.distributor_id, c.activity, {
    CARD.format("c.", "")
} AS kind, coalesce(c.customer, c.recruit, 0) AS about,
           s.day - DATE '{EPOCH}' AS day
    FROM unnest(%(ids)s::bigint[]) AS who(id)
    CROSS JOIN LATERAL (SELECT max(day) AS day FROM activities_slate WHERE distributor_id = who.id) AS newest
    JOIN activities_slate s ON s.distributor_id = who.id AND s.day > newest.day - {EXPOSURE_DAYS}
    CROSS JOIN LATERAL jsonb_to_recordset(s.cards) AS c(activity bigint, customer bigint, recruit bigint)
    WHERE c.activity IS NOT NULL
), dated AS (
    SELECT *, max(day) OVER (PARTITION BY distributor_id, activity, kind, about) AS last FROM showing
), exposed AS (
    SELECT distributor_id, activity, kind, about, last,
           sum(power(0.5::float8, (last - day)::float8 / {HALF_LIFE}) ORDER BY day DESC) AS total
    FROM dated GROUP BY 1, 2, 3, 4, 5
), shown AS (
    SELECT distributor_id, {
    packed(
        ["int8send(activity)", "int2send(kind::int2)", "int8send(about)", sent_day("last"), "float8send(total)"],
        order="activity, kind, about",
    )
} AS packed FROM exposed GROUP BY 1
)"""  # noqa: S608

SKILLS = f"""
held AS (
    SELECT distributor_id, skill_id, score, (memory->>'stability')::float8 AS stability,
           (memory->>'last_review')::timestamptz AS reviewed_at
    FROM activities_mastery WHERE distributor_id = ANY(%(ids)s::bigint[])
), skills AS (
    SELECT distributor_id, {
    packed(
        ["int8send(skill_id)", "float8send(score)", "float8send(stability)", instant("reviewed_at")], order="skill_id"
    )
} AS packed FROM held WHERE stability > 0 AND reviewed_at IS NOT NULL GROUP BY 1
)"""  # noqa: S608

VOCABULARY = {"kinds": Activity.Kind.values}
RECORDS = {"hides": HIDE, "shown": SHOWN, "skills": SKILL}
SPACING = "coalesce((SELECT number FROM distributors_version WHERE name = 'spacing'), 0)"


def columns(of: str) -> str:
    return ", ".join(f"{of}.{name}" for name in RECORDS)


START = """
INSERT INTO activities_memory (distributor_id, hides, shown, skills, changed, spacing)
SELECT d.id, '', '', '', 0, -1 FROM distributors_distributor d
WHERE d.id = ANY(%(ids)s::bigint[]) AND NOT EXISTS (SELECT FROM activities_memory m WHERE m.distributor_id = d.id)
ORDER BY d.id ON CONFLICT DO NOTHING
"""
TAKE = """
WITH held AS (
    SELECT distributor_id FROM activities_memory WHERE distributor_id = ANY(%(ids)s::bigint[])
    ORDER BY distributor_id FOR NO KEY UPDATE
)
SELECT array_agg(distributor_id) FROM held
"""
TAKE_MARKS = """
WITH free AS (
    SELECT id, distributor_id FROM activities_memorymark WHERE distributor_id = ANY(%(ids)s::bigint[]) FOR UPDATE SKIP LOCKED
)
SELECT array_agg(id), array_agg(DISTINCT distributor_id) FROM free
"""
#: The rows of `ids` as the facts say now: distributor_id, the three kinds of records, spacing.
MADE = f"""
{HIDES}, {SHOWINGS}, {SKILLS}, made AS (
    SELECT who.id AS distributor_id, {", ".join(f"coalesce({name}.packed, ''::bytea) AS {name}" for name in RECORDS)},
           {SPACING} AS spacing
    FROM unnest(%(ids)s::bigint[]) AS who(id) {" ".join(f"LEFT JOIN {name} ON {name}.distributor_id = who.id" for name in RECORDS)}
)"""  # noqa: S608
WRITE = f"""
WITH {MADE}, compared AS (
    SELECT made.*, m.changed AS was, m.spacing AS spacing_was,
           m.spacing < 0 OR ({columns("m")}) IS DISTINCT FROM ({columns("made")}) AS differs
    FROM made JOIN activities_memory m USING (distributor_id)
), written AS (
    UPDATE activities_memory m
    SET {", ".join(f"{name} = c.{name}" for name in RECORDS)}, spacing = c.spacing,
        changed = CASE WHEN c.differs THEN nextval('distributors_version_number') ELSE c.was END
    FROM compared c WHERE m.distributor_id = c.distributor_id AND (c.differs OR c.spacing <> c.spacing_was)
    RETURNING c.differs
), unmarked AS (
    DELETE FROM activities_memorymark WHERE id = ANY(%(marks)s::bigint[])
)
SELECT count(*) FROM written WHERE differs
"""  # noqa: S608
# Rows that claim to be up to date and are not.
WRONG = f"""
WITH {MADE}
SELECT array_agg(made.distributor_id) FROM made JOIN activities_memory m USING (distributor_id, spacing)
WHERE ({columns("m")}) IS DISTINCT FROM ({columns("made")})
  AND NOT EXISTS (SELECT FROM activities_memorymark mark WHERE mark.distributor_id = made.distributor_id)
"""  # noqa: S608
READ = f"""
SELECT asked.id, {columns("m")}, m.changed,
       m.distributor_id IS NULL
           OR EXISTS (SELECT FROM activities_memorymark mark WHERE mark.distributor_id = asked.id) OR m.spacing <> {SPACING} AS outdated
FROM unnest(%(ids)s::bigint[]) AS asked(id)
LEFT JOIN activities_memory m ON m.distributor_id = asked.id
"""  # noqa: S608
OUTDATED = f"""
SELECT array_agg(id ORDER BY id) FROM (
    SELECT d.id FROM distributors_distributor d LEFT JOIN activities_memory m ON m.distributor_id = d.id
         AND m.distributor_id BETWEEN %(first)s AND %(last)s
    WHERE d.id BETWEEN %(first)s AND %(last)s AND (m.distributor_id IS NULL OR m.spacing <> {SPACING})
    UNION SELECT distributor_id FROM activities_memorymark WHERE distributor_id BETWEEN %(first)s AND %(last)s
) AS outdated
"""  # noqa: S608


def of(distributor_ids: Iterable[int], as_of: datetime, *, settle: bool = True) -> dict[int, Row]:
    """Rows by distributor; nothing for who does not exist. 1 query when nothing was stored about any of them since.

    To-dos whose result arrived are closed first. Without `settle` no action is written, and what waits keeps waiting.
    """
    ids = sorted(set(distributor_ids))
    found, outdated = read(ids)
    if outdated:
        refresh(outdated, as_of=as_of if settle else None)
        found |= read(outdated)[0]
    return {pk: found[pk] for pk in ids if pk in found}


def read(ids: list[int]) -> tuple[dict[int, Row], list[int]]:
    """Rows as they are stored, and whose of them is missing or out of date."""
    found, outdated = {}, []
    with connection.cursor() as cursor:
        cursor.execute(READ, {"ids": ids})
        for pk, hides, shown, skills, changed, is_outdated in cursor.fetchall():
            if is_outdated:
                outdated.append(pk)
            if changed is not None:
                found[pk] = Row(pk, unpacked(hides, HIDE), unpacked(shown, SHOWN), unpacked(skills, SKILL), changed)
    return found, outdated


def refresh(distributor_ids: Iterable[int], *, as_of: datetime | None = None) -> int:
    """Make the rows of these people again from facts; how many had other bytes before.

    With `as_of` those of them who are marked are settled first, and then no longer marked. Without it marks stay: what an
    event may close is still to be found out.
    """
    ids = sorted(set(distributor_ids))
    return sum(refresh_block(ids[n : n + BLOCK], as_of) for n in range(0, len(ids), BLOCK))


def refresh_marked(first: int, last: int, *, as_of: datetime | None = None) -> int:
    """`refresh` of everybody with an id in first..last (inclusive) who is marked or whose row is missing or out of date."""
    with connection.cursor() as cursor:
        ids = ids_of(cursor, OUTDATED, {"first": first, "last": last})
    return refresh(ids, as_of=as_of) if ids else 0


def refresh_block(ids: list[int], as_of: datetime | None) -> int:
    """All in one transaction: what settling writes belongs to the marks that were taken before it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(START, {"ids": ids})
        held = ids_of(cursor, TAKE, {"ids": ids})
        marks = settled_marks(cursor, held, as_of) if as_of is not None else []
        cursor.execute(WRITE, {"ids": held, "marks": marks, **VOCABULARY})
        return int(cursor.fetchone()[0])


def settled_marks(cursor: Any, ids: list[int], as_of: datetime) -> list[int]:
    """Take the marks of these people, then close what the events behind them have settled."""
    cursor.execute(TAKE_MARKS, {"ids": ids})
    marks, marked = cursor.fetchone()
    if marked:
        close_settled(marked, as_of=as_of)
    return marks or []


def wrong() -> list[int]:
    """Whose row has no mark and the newest spacing, and yet is not what the facts say, to the last bit. Empty, always."""
    with connection.cursor() as cursor:
        everybody = ids_of(
            cursor, "SELECT array_agg(distributor_id ORDER BY distributor_id) FROM activities_memory", {}
        )
        found: list[int] = []
        for first in range(0, len(everybody), BLOCK):
            found += ids_of(cursor, WRONG, {"ids": everybody[first : first + BLOCK], **VOCABULARY})
    return sorted(found)


@kernel
def first_of(records: Records, start: int, activity: int) -> int:
    """Where the activity's records begin from `start` on, if it has any; one at least must follow.

    Halving without a branch: where the search goes next is beyond any guess of a processor.
    """
    left = len(records) - start
    while left > 1:
        half = left >> 1
        start += half if records[start + half - 1].activity < activity else 0
        left -= half
    return start


@kernel
def hidden(hides: Records, activity: int, kind: int, about: int, today: int) -> bool:
    """Done too recently, put off, dismissed, or about somebody who was just contacted. `kind` is 0 to 2, as in HIDE."""
    start = 0
    while start < len(hides) and hides[start].activity == 0:
        # People at rest come first, under no activity.
        one = hides[start]
        if (one.kind == kind + 3) & (one.about == about) & (today < one.until):
            return True
        start += 1
    if start == len(hides):
        return False
    for place in range(first_of(hides, start, activity), len(hides)):
        one = hides[place]
        if one.activity != activity:
            return False
        its = (one.kind == 3) | ((one.kind == kind) & (one.about == about))
        if its & (today < one.until):
            return True
    return False


@kernel
def any_waved_off(hides: Records) -> bool:
    """Whether `fewer` can find any: most people never say so, and it is asked for every activity."""
    for one in hides:  # noqa: SIM110 (compiled: no generators)
        if one.kind == 6:
            return True
    return False


@kernel
def fewer(hides: Records, activity: int, kind_of_activity: int, today: int) -> int:
    """How many other activities of that kind she waved off with "fewer like this", while it lasts."""
    found = 0
    for one in hides:
        if one.kind == 6 and one.about == kind_of_activity and one.activity != activity and today < one.until:
            found += 1
    return found


@kernel
def exposure(shown: Any, today: int) -> float:
    """sum of 0.5^(days/15) over the earlier days on which the card of this SHOWN record was shown.

    Without today's own: a list that is loaded again must not tire her.
    """
    if shown.last >= today:
        return float(shown.sum - 1.0)
    return float(shown.sum * 0.5 ** ((today - shown.last) / HALF_LIFE))


@kernel
def exposure_of(shown: Records, activity: int, kind: int, about: int, today: int) -> float:
    """`exposure` of a card; 0 for one she was not shown."""
    if len(shown) == 0:
        return 0.0
    for place in range(first_of(shown, 0, activity), len(shown)):
        one = shown[place]
        if one.activity != activity:
            return 0.0
        if (one.kind == kind) & (one.about == about):
            return exposure(one, today)
    return 0.0


@kernel
def mastery(skills: Records, skill: int, now: int) -> float:
    """m_s = R times her last score, 0..1; 0 for a skill never learned. `now` in microseconds since 1970."""
    for one in skills:
        if one.skill == skill:
            return float(one.score * retrievability(one.stability, one.reviewed_at, now))
    return 0.0


__all__ = [
    "Row", "exposure", "exposure_of", "fewer", "hidden", "mastery", "of", "refresh", "refresh_marked", "retrievability",
]  # fmt: skip
