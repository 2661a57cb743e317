"""Conditions as they are worked with: trees of all / any / none over facts about a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from .vocabulary import Op

#: Beyond these a tree is not a rule that anybody could read.
MOST_LEAVES, MOST_DEPTH, MOST_VALUES, MOST_CHARACTERS = 40, 5, 50, 20_000
#: More than any amount, count or number of days; far from where floats lose whole numbers.
MOST_NUMBER = 1e12


@dataclass(frozen=True, order=True)
class Fact:
    """A name of the vocabulary with its parameters, by name. Hashable: the same fact is worked out once, whoever asks."""

    name: str
    of: tuple[tuple[str, str | int], ...] = ()

    def __getitem__(self, param: str) -> Any:
        return dict(self.of)[param]


@dataclass(frozen=True)
class Leaf:
    """`values`: numbers for a number (two for `between`), names for a choice; empty where the operator takes none."""

    fact: Fact
    op: Op
    values: tuple[float, ...] | tuple[str, ...] = ()


class How(StrEnum):
    ALL = "all"
    ANY = "any"
    NONE = "none"


@dataclass(frozen=True)
class Group:
    how: How
    parts: tuple[Leaf | Group, ...] = field(default=())


Node = Leaf | Group


class Problem(NamedTuple):
    """What is wrong, in one sentence, and where: `if.all.2.value`."""

    path: str
    sentence: str


class ConditionError(ValueError):
    """Every problem of a tree that was refused, the first one first."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems[0].sentence)
        self.problems = problems


class Known(NamedTuple):
    """What a condition may name, each with its label; ranks have no other name than their own."""

    segments: Mapping[int, str]
    lines: Mapping[str, str]
    activities: Mapping[str, str]
    campaigns: Mapping[int, str]
    incentives: Mapping[int, str]
    markets: Mapping[str, str]
    ranks: Collection[str]


def leaves(node: Node, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """Every leaf with its path, in reading order: `all.2`, `all.0.none.1`; empty for a tree that is one leaf."""
    if isinstance(node, Leaf):
        yield path, node
        return
    for place, part in enumerate(node.parts):
        yield from leaves(part, f"{path}.{node.how}.{place}" if path else f"{node.how}.{place}")


def facts_of(nodes: Iterable[Node | None]) -> tuple[Fact, ...]:
    """Every fact that they ask for, once, in the order in which it is first asked for."""
    return tuple(dict.fromkeys(leaf.fact for node in nodes if node is not None for _path, leaf in leaves(node)))
