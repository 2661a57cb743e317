"""Contacts of a distributor who look like one person: the same number, address or name."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from .models import Customer, Distributor, NotTheSame


@dataclass(frozen=True)
class Pair:
    """Two contacts who look alike; `why` is "phone", "email" or "name", the first of these that they share.

    "household" for one number of two given names with an e-mail address each: rather a couple, or mother and daughter.
    """

    one: Customer
    other: Customer
    why: str


#: Of a number the last digits are compared, so that one with a country's code and one without are the same.
DIGITS = 9
#: What is left of an accent once a letter is taken apart: José is Jose.
ACCENTS = "\u0300-\u036f"
#: More than so many with one number, address or name are a placeholder ("00000000", "info@"): no hint that they are one.
MOST_ALIKE = 10

# Every contact with what others may share with it, then whoever shares it: equal values only, so 5,000 contacts are
# three hash joins. The strongest reason of a pair counts; who ordered most recently comes first, and households last.
PAIRS = f"""
WITH said AS MATERIALIZED (
    SELECT c.id, c.last_order_on, f.rank, f.value
    FROM distributors_customer c
    CROSS JOIN LATERAL (VALUES
        (1, CASE WHEN length(regexp_replace(c.phone, '\\D', '', 'g')) >= 6
            THEN right(regexp_replace(c.phone, '\\D', '', 'g'), {DIGITS}) END),
        (2, nullif(lower(trim(c.email)), '')),
        (3, nullif(lower(regexp_replace(regexp_replace(normalize(trim(c.name), NFKD), '[{ACCENTS}]', '', 'g'),
            '\\s+', ' ', 'g')), ''))
    ) AS f(rank, value)
    WHERE c.distributor_id = %(distributor)s AND c.merged_into_id IS NULL AND c.erased_at IS NULL AND f.value IS NOT NULL
), shared AS MATERIALIZED (
    SELECT rank, value FROM said GROUP BY 1, 2 HAVING count(*) BETWEEN 2 AND {MOST_ALIKE}
), alike AS (
    SELECT a.id AS one, b.id AS other, min(rank) AS rank, max(greatest(a.last_order_on, b.last_order_on)) AS last_on
    FROM shared JOIN said a USING (rank, value) JOIN said b USING (rank, value)
    WHERE a.id < b.id GROUP BY 1, 2
), judged AS (
    SELECT one, other, last_on, CASE
        WHEN alike.rank = 1 AND mail.value <> mails.value
            AND split_part(name.value, ' ', 1) <> split_part(names.value, ' ', 1) THEN 4
        ELSE alike.rank END AS rank
    FROM alike
    LEFT JOIN said mail ON mail.id = one AND mail.rank = 2 LEFT JOIN said mails ON mails.id = other AND mails.rank = 2
    LEFT JOIN said name ON name.id = one AND name.rank = 3 LEFT JOIN said names ON names.id = other AND names.rank = 3
)
SELECT one, other, rank FROM judged
WHERE NOT EXISTS (SELECT FROM distributors_notthesame n WHERE n.one_id = judged.one AND n.other_id = judged.other)
ORDER BY rank, last_on DESC NULLS LAST, one, other LIMIT %(limit)s
"""  # noqa: S608

WHY = {1: "phone", 2: "email", 3: "name", 4: "household"}


def pairs(distributor: Distributor, limit: int = 50) -> list[Pair]:
    """The likeliest first: a shared number, then an address, then a name, then a household. Two queries."""
    with connection.cursor() as cursor:
        cursor.execute(PAIRS, {"distributor": distributor.pk, "limit": limit})
        found = cursor.fetchall()
    people = Customer.objects.of(distributor.pk).in_bulk({pk for row in found for pk in row[:2]})
    return [
        Pair(people[one], people[other], WHY[rank]) for one, other, rank in found if one in people and other in people
    ]


def say_not_the_same(*, one: Customer, other: Customer) -> None:
    """She says that they are two people: they do not come up again. ValueError for contacts of two distributors."""
    if one.distributor_id != other.distributor_id or one.pk == other.pk:
        raise ValueError("Two contacts of one distributor are needed.")
    first, second = sorted((one.pk, other.pk))
    NotTheSame.objects.get_or_create(one_id=first, other_id=second)
