"""New items -> customers, products and events by set-based SQL, from arrays (few) or a COPY staging table (many)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pgtrigger

from .cloudevents import Item, iso

COLUMNS = "source, external_id, type, distributor_id, owner_id, customer, customer_name, time, data, digest"

UNNEST = """unnest(%(sources)s::text[], %(ids)s::text[], %(types)s::text[], %(distributors)s::bigint[],
    %(owners)s::bigint[], %(customers)s::text[], %(names)s::text[], %(times)s::timestamptz[], %(data)s::jsonb[],
    %(digests)s::bytea[])
    AS s(source, external_id, type, distributor_id, owner_id, customer, customer_name, time, data, digest)"""

STAGING = """
CREATE TEMP TABLE IF NOT EXISTS pep_staged_event (
    source text, external_id text, type text, distributor_id bigint, owner_id bigint, customer text, customer_name text,
    time timestamptz, data jsonb, digest bytea
) ON COMMIT DELETE ROWS
"""

# Whom an event names is hers from that day on, and a customer once she orders (fold.py). What is said of somebody who was
# merged into another contact is said of that one; what is said of somebody erased comes without what is personal, under her
# row's own id (gone.py). Whose contact it is: the subject's, or her sponsor's who enrols.
CUSTOMERS = """
INSERT INTO distributors_customer AS c (distributor_id, external_id, name, kind, hotness, phone, email, language,
    do_not_contact, allowed, refused, recent_contacts, added_at, orders, spent)
SELECT s.owner_id, coalesce(survivor.external_id, s.customer),
       coalesce((array_agg(s.customer_name ORDER BY s.time DESC, s.source DESC, s.external_id DESC)
           FILTER (WHERE s.customer_name <> ''))[1], ''), 'prospect', '', '', '', '', false, 0, 0, '{{}}', min(s.time), 0, 0
FROM {source}
LEFT JOIN distributors_customer merged ON merged.distributor_id = s.owner_id AND merged.external_id = s.customer
LEFT JOIN distributors_customer survivor ON survivor.id = merged.merged_into_id
WHERE s.customer IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (distributor_id, external_id) DO UPDATE
SET added_at = least(c.added_at, excluded.added_at), name = coalesce(nullif(c.name, ''), excluded.name)
WHERE c.erased_at IS NULL AND (c.added_at > excluded.added_at OR (c.name = '' AND excluded.name <> ''))
"""

EVENTS = """
INSERT INTO distributors_event (source, external_id, type, distributor_id, customer_id, time, day, data, digest, received_at)
SELECT s.source, s.external_id, s.type, s.distributor_id, coalesce(c.merged_into_id, c.id), s.time,
       (s.time AT TIME ZONE m.time_zone)::date, s.data, s.digest, %(received_at)s
FROM {source} JOIN distributors_distributor d ON d.id = s.distributor_id JOIN distributors_market m ON m.id = d.market_id
LEFT JOIN distributors_customer c ON c.distributor_id = s.owner_id AND c.external_id = s.customer
ORDER BY s.source, s.external_id
ON CONFLICT DO NOTHING RETURNING source, external_id, id, day
"""

PRODUCT_LINES = """
INSERT INTO distributors_productline (code, name)
SELECT n.code, n.name FROM unnest(%s::text[], %s::text[]) AS n(code, name)
WHERE NOT EXISTS (SELECT FROM distributors_productline l WHERE l.code = n.code) ORDER BY n.code
ON CONFLICT DO NOTHING
"""

PRODUCTS = """
INSERT INTO distributors_product (sku, name, line_id)
SELECT n.sku, n.name, l.id FROM unnest(%s::text[], %s::text[], %s::text[]) AS n(sku, name, line)
JOIN distributors_productline l ON l.code = n.line
WHERE NOT EXISTS (SELECT FROM distributors_product p WHERE p.sku = n.sku) ORDER BY n.sku
ON CONFLICT DO NOTHING
"""

KNOWN = """
SELECT ARRAY(SELECT sku FROM distributors_product WHERE sku = ANY(%s)),
       ARRAY(SELECT code FROM distributors_productline WHERE code = ANY(%s))
"""

OTHER = ("other", "Other")

Found = dict[tuple[str, str], tuple[int, Any]]


def unnested(cursor: Any, items: list[Item], received_at: datetime) -> Found:
    """Insert from arrays in the statement: no staging table, fewest round trips."""
    params = {
        "sources": [i.source for i in items],
        "ids": [i.external_id for i in items],
        "types": [i.type for i in items],
        "distributors": [i.distributor_id for i in items],
        "owners": [i.owner_id for i in items],
        "customers": [i.customer for i in items],
        "names": [i.data.get("customer_name") for i in items],
        "times": [i.time for i in items],
        "data": [i.data_text for i in items],
        "digests": [i.digest for i in items],
    }
    return insert(cursor, items, received_at, UNNEST, params)


def copied(cursor: Any, items: list[Item], received_at: datetime) -> Found:
    """Insert by way of a staging table filled by COPY."""
    cursor.execute(STAGING)
    cursor.execute("TRUNCATE pep_staged_event")
    with cursor.copy(f"COPY pep_staged_event ({COLUMNS}) FROM STDIN") as copy:
        for first in range(0, len(items), 5000):
            copy.write("".join(map(copy_line, items[first : first + 5000])))
    cursor.execute("ANALYZE pep_staged_event")
    return insert(cursor, items, received_at, "pep_staged_event AS s", {})


ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"})


def copy_line(item: Item) -> str:
    """One line of COPY's text format."""
    customer, name = item.customer, item.data.get("customer_name")
    fields = (
        item.source,
        item.external_id,
        item.type,
        str(item.distributor_id),
        str(item.owner_id),
        customer,
        name,
        iso(item.time),
        item.data_text,
    )
    # data is canonical JSON: control characters are escaped in it already, only the backslashes need doubling.
    texts = [
        r"\N" if text is None else text.translate(ESCAPES) if "\\" in text or not text.isprintable() else text
        for text in fields
    ]
    return "\t".join(texts) + "\t\\\\x" + item.digest.hex() + "\n"


def insert(cursor: Any, items: list[Item], received_at: datetime, source: str, params: dict[str, Any]) -> Found:
    if any(item.customer for item in items):
        cursor.execute(CUSTOMERS.format(source=source), params)
    insert_products(cursor, items)
    cursor.execute(EVENTS.format(source=source), params | {"received_at": received_at})
    return {(source, external_id): (pk, day) for source, external_id, pk, day in cursor.fetchall()}


def insert_products(cursor: Any, items: Iterable[Item]) -> None:
    """Products (and lines) that the orders name and the catalogue does not know yet."""
    lines, products = named(items)
    if not products:
        return
    cursor.execute(KNOWN, [list(products), [*lines, OTHER[0]]])
    skus, codes = map(set, cursor.fetchone())
    products = {sku: stated for sku, stated in sorted(products.items()) if sku not in skus}
    if any(line == OTHER[0] for _name, line in products.values()):
        lines.setdefault(*OTHER)
    lines = {code: name for code, name in sorted(lines.items()) if code not in codes}
    # The audit is of what people change; what events bring is recorded by the events.
    with pgtrigger.ignore("distributors.Product:insert_insert", "distributors.ProductLine:insert_insert"):
        if lines:
            cursor.execute(PRODUCT_LINES, [list(lines), list(lines.values())])
        if products:
            columns = zip(*((sku, name, line) for sku, (name, line) in products.items()), strict=True)
            cursor.execute(PRODUCTS, [list(column) for column in columns])


def named(items: Iterable[Item]) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Line code -> name and SKU -> (name, line code), as the items state them; the first statement of a line wins."""
    lines: dict[str, str] = {}
    products: dict[str, tuple[str, str]] = {}
    seen: set[tuple[str, str | None]] = set()
    for item in items:
        for line in item.data.get("lines", ()):
            sku, code = line["sku"], line.get("line")
            if (sku, code) in seen:
                continue
            seen.add((sku, code))
            if code:
                lines.setdefault(code, line.get("line_name") or code.replace("-", " ").capitalize())
            # A stated line beats "other", whichever of the two comes first here.
            if sku not in products or products[sku][1] == OTHER[0]:
                products[sku] = (line.get("name") or sku, code or OTHER[0])
    return lines, products
