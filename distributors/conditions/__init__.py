"""Conditions: trees of all / any / none over facts about a person, read from JSON and written back.

    {"all": [{"fact": "change", "of": {"metric": "sales", "line": "", "days": 7}, "is": "at_most", "value": -50},
             {"none": [{"fact": "rank", "is": "one_of", "value": ["Gold"]}]}]}

Pure. What a fact comes to is facts.py; how many people a tree holds for at once is checks.py; how it reads is
worded.py. What is unknown about somebody makes every operator false but `unknown`, and `none` is the opposite of
`any`.
"""

from __future__ import annotations

from .from_json import read, written
from .json_schema import schema
from .tree import (
    MOST_CHARACTERS,
    MOST_DEPTH,
    MOST_LEAVES,
    MOST_NUMBER,
    MOST_VALUES,
    ConditionError,
    Fact,
    Group,
    How,
    Known,
    Leaf,
    Node,
    Problem,
    facts_of,
    leaves,
)

__all__ = [
    "MOST_CHARACTERS", "MOST_DEPTH", "MOST_LEAVES", "MOST_NUMBER", "MOST_VALUES", "ConditionError", "Fact", "Group", "How",
    "Known", "Leaf", "Node", "Problem", "facts_of", "leaves", "read", "schema", "written",
]  # fmt: skip
