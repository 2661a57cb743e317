"""`contact.added` -> the customer's name, phone and so on: of each field, the latest event that states it counts."""

from __future__ import annotations

from typing import Any

# Only a winner among the new events is written, so that arrival order cannot matter. What is cleared is stated as "".
DETAILS = """
WITH stated AS (
    SELECT DISTINCT ON (e.customer_id, f.name) e.id, e.customer_id, f.name, coalesce(f.value, '') AS value
    FROM distributors_event e
    CROSS JOIN LATERAL (VALUES
        ('name', e.data->>'name'), ('kind', e.data->>'kind'), ('hotness', e.data->>'hotness'),
        ('phone', e.data->>'phone'), ('email', e.data->>'email'), ('birthday', e.data->>'birthday'),
        ('language', e.data->>'language')
    ) AS f(name, value)
    WHERE e.type = 'contact.added' AND (f.value <> '' OR e.data->'clears' ? f.name) AND e.customer_id IN (
        SELECT customer_id FROM distributors_event WHERE id = ANY(%(ids)s::bigint[]) AND type = 'contact.added')
    ORDER BY e.customer_id, f.name, e.time DESC, e.source DESC, e.external_id DESC
), news AS (
    SELECT customer_id, jsonb_object_agg(name, value) AS said
    FROM stated WHERE id = ANY(%(ids)s::bigint[]) GROUP BY 1
)
UPDATE distributors_customer c
SET name = coalesce(said->>'name', c.name), hotness = coalesce(said->>'hotness', c.hotness),
    phone = coalesce(said->>'phone', c.phone), email = coalesce(said->>'email', c.email),
    language = coalesce(said->>'language', c.language),
    birthday = CASE WHEN said ? 'birthday' THEN nullif(said->>'birthday', '')::date ELSE c.birthday END,
    kind = CASE WHEN c.orders > 0 THEN 'customer' ELSE coalesce(said->>'kind', c.kind) END
FROM news WHERE c.id = news.customer_id AND c.erased_at IS NULL
"""


def write_details(cursor: Any, ids: list[int]) -> None:
    """Fill in what the new contact.added events among `ids` say about people, after the fold."""
    cursor.execute(DETAILS, {"ids": ids})
