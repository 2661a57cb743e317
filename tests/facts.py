"""Blocks of people from the database, for tests of facts; and what they are compared with, one person at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np
import psycopg

from activities.ranking import loading, memory
from activities.ranking import shelf as shelves
from distributors import features, reordering, versions
from distributors.blocks import calendar_of
from distributors.chances import spread_for
from distributors.conditions import Fact
from distributors.conditions.checks import Column
from distributors.conditions.facts import Block
from distributors.models import Distributor
from tests.factories import NOW


def fact(name: str, **of: Any) -> Fact:
    return Fact(name, tuple(sorted(of.items())))


def block_of(people: Sequence[Distributor], as_of: datetime = NOW) -> Block:
    """In the order given, with rows that are up to date."""
    ids = [person.pk for person in people]
    shelf = shelves.current()
    calendar = calendar_of(shelf.markets, as_of)
    found = loading.people_of(people, features.of(ids), memory.of(ids, as_of, settle=False), shelf)
    spread = spread_for(shelf.markets, calendar, found.goals, found.goals_at, found.market)
    buying = reordering.of(versions.current(), shelf.markets)
    return Block(found, calendar, spread, shelf.markets, shelf.languages, as_of, shelf.line_ids, buying)


def told(column: Column) -> list[float | str | None]:
    """None for what is unknown; of a choice the name."""
    names = {code: name for name, code in column.codes.items()}
    return [None if np.isnan(value) else names.get(value, value) for value in column.values.tolist()]


@contextmanager
def statements() -> Iterator[list[str]]:
    """Everything that is asked of the database, by Django's cursors and by the driver's own."""
    asked: list[str] = []
    execute = psycopg.Cursor.execute

    def spy(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        asked.append(str(query))
        return execute(self, query, *args, **options)

    psycopg.Cursor.execute = spy  # type: ignore[method-assign]
    try:
        yield asked
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
