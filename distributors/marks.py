"""Marks left by the database itself: whose compact row is out of date, and which reference data has a new version.

Statement triggers, so that nothing is missed: the ORM, bulk writes, COPY, plain SQL and the admin all leave them, in the
transaction of the change. Nobody waits for a mark: a change shares one that is free, or adds its own; who refreshes a row
takes the marks that no change under way holds, and leaves the others standing (features.py says why nothing is lost).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pgtrigger
from django.db import models

M = TypeVar("M", bound=type[models.Model])

NEW, OLD = pgtrigger.Referencing(new="new_rows"), pgtrigger.Referencing(old="old_rows")
BOTH = pgtrigger.Referencing(new="new_rows", old="old_rows")

MARK = """
    WITH who AS MATERIALIZED (SELECT DISTINCT w.id FROM ({people}) AS w(id) WHERE w.id IS NOT NULL),
    held AS MATERIALIZED (
        SELECT m.distributor_id FROM {table} m JOIN who ON who.id = m.distributor_id FOR KEY SHARE OF m SKIP LOCKED
    )
    INSERT INTO {table} (distributor_id) SELECT id FROM who WHERE id NOT IN (SELECT distributor_id FROM held);
    RETURN NULL;
"""
BUMP = """
    INSERT INTO distributors_version (name, number) VALUES ('{name}', nextval('distributors_version_number'))
    ON CONFLICT (name) DO UPDATE SET number = excluded.number;
"""


def bumping(name: str) -> str:
    """A statement for the body of a trigger: the reference data `name` has a new version number."""
    return BUMP.format(name=name)


def marking(table: str, people: str, *, inserts_only: bool = False) -> list[pgtrigger.Trigger]:
    """Triggers that mark people in `table`. `people` selects their ids from {rows}, the rows that changed."""
    name = f"mark_{table.removesuffix('mark').split('_')[1]}"

    def trigger(suffix: str, operation: Any, rows: pgtrigger.Referencing, *tables: str) -> pgtrigger.Trigger:
        asked = " UNION ".join(people.format(rows=one) for one in tables)
        return statement(f"{name}_{suffix}", operation, rows, MARK.format(table=table, people=asked))

    inserted = trigger("insert", pgtrigger.Insert, NEW, "new_rows")
    if inserts_only:
        return [inserted]
    return [
        inserted,
        trigger("update", pgtrigger.Update, BOTH, "new_rows", "old_rows"),
        trigger("delete", pgtrigger.Delete, OLD, "old_rows"),
    ]


def statement(name: str, operation: Any, rows: pgtrigger.Referencing | None, func: str) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name, level=pgtrigger.Statement, when=pgtrigger.After, operation=operation, referencing=rows, func=func
    )


def versioned(name: str, *, inserts: bool = True) -> Callable[[M], M]:
    """Whatever changes this table gives the reference data `name` a new version number (versions.py).

    Without `inserts` new rows do not: of a table that events fill, where nobody refers to a row before it is there.
    """

    def declare(model: M) -> M:
        func = f"{bumping(name)} RETURN NULL;"
        operations = {"update": pgtrigger.Update, "delete": pgtrigger.Delete}
        if inserts:
            operations["insert"] = pgtrigger.Insert
        triggers = [statement(f"version_{n}", operation, None, func) for n, operation in operations.items()]
        return pgtrigger.register(*triggers)(model)  # type: ignore[no-any-return]

    return declare
