"""The candidates that are shown, with the people they are about and the facts their sentences are made of.

The kernel ranks by numbers alone; only the few cards of a page are loaded. A fixed number of queries, however many.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from distributors import reorder, team, veils
from distributors.models import Customer
from distributors.reorder import Due
from distributors.team import RecruitCare
from distributors.timing import Reason

from ..cards import Candidate
from .person import CUSTOMER, RECRUIT, Ranking


@dataclass(frozen=True)
class Loaded:
    """Candidates by index, and whom to contact, in the order asked for."""

    candidates: dict[int, Candidate]
    due: list[Due]


def load(ranking: Ranking, indices: Iterable[int], *, due: Iterable[Reason] = ()) -> Loaded:
    """These candidates and reasons. A customer who was erased since she was ranked is left out."""
    wanted, asked = list(indices), list(due)
    kinds = ranking.found.room.cards.card["kind"]
    customers = [i for i in wanted if kinds[i] == CUSTOMER]
    recruits = [i for i in wanted if kinds[i] == RECRUIT]
    reasons = list(dict.fromkeys([*(ranking.due(i) for i in customers), *asked]))
    dues = dict(zip(reasons, reorder.details(ranking.distributor, reasons, as_of=ranking.as_of), strict=True))
    cared = team.care_details(ranking.distributor, [ranking.due(i) for i in recruits], as_of=ranking.as_of)
    cares = dict(zip(recruits, cared, strict=True))
    found: dict[int, Candidate] = {}
    for i in wanted:
        one = dues.get(ranking.due(i)) if i in customers else cares.get(i)
        if (one is not None) == bool(kinds[i]):
            found[i] = candidate(ranking, i, one)
    return Loaded(found, [one for reason in asked if (one := dues[reason]) is not None])


def veiled(loaded: Loaded) -> Loaded:
    """The same with initials for customers' names, so that every sentence made of it has only those."""
    return Loaded(
        {
            index: replace(one, customer=veils.veiled(one.customer)) if one.customer else one
            for index, one in loaded.candidates.items()
        },
        [replace(one, customer=veils.veiled(one.customer)) for one in loaded.due],
    )


def candidate(ranking: Ranking, index: int, about: Due | RecruitCare | None) -> Candidate:
    text = ranking.shelf.text(int(ranking.found.room.cards.card["activity"][index]), ranking.distributor.speaks)
    assert text is not None  # what she could not read is no candidate
    customer: Customer | None = about.customer if isinstance(about, Due) else None
    return Candidate(
        activity=ranking.activity(index),
        text=text,
        customer=customer,
        recruit=about.recruit if isinstance(about, RecruitCare) else None,
        p=ranking.p(index),
        effects=effects_of(ranking, index),
        facts=dict(about.facts) if about is not None else {},
    )


def effects_of(ranking: Ranking, index: int) -> dict[str, float]:
    """What doing it changes, by metric key, as the score took it: in her market's money, for a customer of this size."""
    card, arrays = ranking.found.room.cards.card[index], ranking.catalogue
    unit = np.where(arrays.key["money"], arrays.price[ranking.market], 1.0) * np.where(
        arrays.key["sales"], card["stretch"], 1.0
    )
    done = arrays.effects[card["activity"]] * unit
    return {name: float(done[key]) for key, name in enumerate(ranking.shelf.keys) if done[key]}
