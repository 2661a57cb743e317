"""What tests of rules are written with: definitions as HQ's JSON, and everything that a rule may name."""

from __future__ import annotations

from typing import Any

from distributors.conditions import Known

KNOWN = Known(
    segments={7: "Comeback"},
    lines={"eye": "Eye"},
    activities={"win-back": "Win {name} back", "tips": "Tips for the new line"},
    campaigns={},
    incentives={},
    markets={"us": "US"},
    ranks=("Gold",),
)

#: Sales of the last seven days are half of what they were, or less.
FELL: dict[str, Any] = {
    "fact": "change", "of": {"metric": "sales", "line": "", "days": 7}, "is": "at_most", "value": -50,
}  # fmt: skip
GOLD: dict[str, Any] = {"fact": "rank", "is": "one_of", "value": ["Gold"]}
ASK: dict[str, Any] = {"effect": "trigger", "activity": "win-back", "for": "her", "days": 7}


def team(op: str, value: object) -> dict[str, Any]:
    return {"fact": "team_size", "is": op, "value": value}


def definition(*then: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """If her sales fell, then what is asked; by `when` something else."""
    return {"if": fields.pop("when", FELL), "then": list(then) or [ASK], **fields}
