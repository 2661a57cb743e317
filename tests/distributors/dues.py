"""Who is due, told in full: what pages ask for a few people, asked for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from distributors.models import Distributor
from distributors.reorder import Due, best_of, details, reasons, reasons_of, tell


def due(distributor: Distributor, *, as_of: datetime) -> list[Due]:
    """Her customers that are due, each once with the best reason, best first."""
    return due_of([distributor], as_of=as_of)[distributor.pk]


def due_of(distributors: Iterable[Distributor], *, as_of: datetime) -> dict[int, list[Due]]:
    """`due` for many; load the people `with_market()`."""
    people = list(distributors)
    found = reasons_of(people, as_of=as_of)
    wanted = [(person, one) for person in people for one in best_of(found[person.pk])]
    listed: dict[int, list[Due]] = {person.pk: [] for person in people}
    for (person, _one), told in zip(wanted, tell(wanted, as_of), strict=True):
        if told is not None:
            listed[person.pk].append(told)
    return listed


def all_reasons(distributor: Distributor, *, as_of: datetime) -> dict[int, list[Due]]:
    """Every reason by customer id, the best first."""
    found: dict[int, list[Due]] = {}
    for told in details(distributor, reasons(distributor, as_of=as_of), as_of=as_of):
        if told is not None:
            found.setdefault(told.customer.pk, []).append(told)
    return found
