"""What the builder's buttons do to a definition: add, remove and move conditions, groups and effects.

A button's value is its verb and the path it is about, `add:if.all`, `up:if.all.0.none.1`. One that makes no sense any more
changes nothing.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from distributors.conditions import MOST_DEPTH, MOST_LEAVES
from kpis.definitions import MOST_EFFECTS

from .form_rows import Json, how_of, is_place, parts_of

TREES = ("if", "but_not")
THEN = "then"


Steps = tuple[int, ...]


class Pressed(NamedTuple):
    """`at`: the path of what the hand goes to next: a field, or a button as `up.if.all.0`; empty for nothing."""

    definition: Json
    at: str = ""


def pressed(definition: Json, do: str) -> Pressed:
    verb, _sep, path = do.partition(":")
    act = VERBS.get(verb)
    found = act(begun(definition), path, verb) if act else None
    return found or Pressed(definition, path if verb == "change" else "")


def begun(definition: Json) -> Json:
    """As the builder shows it: its If is a group, with a place for the first condition and the first effect."""
    found = copy.deepcopy(definition)
    for name in TREES:
        if isinstance(node := found.get(name), dict) and how_of(node) is None:
            found[name] = {"all" if name == "if" else "any": [node]}
    if not isinstance(found.get("if"), dict):
        found["if"] = {"all": [{"fact": ""}]}
    if not found.get(THEN):
        found[THEN] = [{"effect": ""}]
    return found


# Buttons


def add(found: Json, path: str, _verb: str) -> Pressed | None:
    """A condition at the end of a group, an effect at the end of Then, or the first exception."""
    if path == THEN:
        return add_effect(found)
    root, steps = split(path)
    if root == "but_not" and root not in found:
        found[root] = {"any": [{"fact": ""}]}
        return Pressed(found, "but_not.any.0.fact")
    group = node_at(found, root, steps)
    if group is None or how_of(group) is None or not may_add(found):
        return None
    parts_in(group).append({"fact": ""})
    return Pressed(found, f"{written(found, root, (*steps, len(parts_in(group)) - 1))}.fact")


def add_effect(found: Json) -> Pressed | None:
    if len(found[THEN]) >= MOST_EFFECTS:
        return None
    found[THEN].append({"effect": ""})
    return Pressed(found, f"{THEN}.{len(found[THEN]) - 1}.effect")


def add_group(found: Json, path: str, _verb: str) -> Pressed | None:
    root, steps = split(path)
    group = node_at(found, root, steps)
    if group is None or how_of(group) is None or not may_nest(steps) or not may_add(found):
        return None
    parts_in(group).append({"all" if how_of(group) == "any" else "any": [{"fact": ""}]})
    inside = (*steps, len(parts_in(group)) - 1, 0)
    return Pressed(found, f"{written(found, root, inside)}.fact")


def remove(found: Json, path: str, _verb: str) -> Pressed | None:
    root, steps = split(path)
    if root == "but_not" and not steps:
        found.pop(root, None)
        return Pressed(found, "add.but_not")
    if root == THEN:
        if len(steps) != 1 or steps[0] >= len(found[THEN]):
            return None
        del found[THEN][steps[0]]
        return Pressed(begun(found), "add.then")
    above = node_at(found, root, steps[:-1])
    if not steps or node_at(found, root, steps) is None or above is None:
        return None
    del parts_in(above)[steps[-1]]
    if root == "but_not" and not parts_in(found[root]):
        del found[root]
        return Pressed(found, "add.but_not")
    return Pressed(found, f"add.{written(found, root, steps[:-1])}.{how_of(above)}")


def move(found: Json, path: str, verb: str) -> Pressed | None:
    root, steps = split(path)
    up = verb == "up"
    if root == THEN:
        return move_effect(found, steps, up)
    to = place_after(found, root, steps, up)
    node = node_at(found, root, steps)
    if to is None or node is None:
        return None
    parts_in(node_at(found, root, steps[:-1]) or {}).pop(steps[-1])
    parts_in(node_at(found, root, to[:-1]) or {}).insert(to[-1], node)
    again = place_after(found, root, to, up) is not None
    return Pressed(found, f"{next_button(up, again)}.{written(found, root, to)}")


def move_effect(found: Json, steps: Steps, up: bool) -> Pressed | None:
    effects = found[THEN]
    if len(steps) != 1:
        return None
    [place] = steps
    to = place - 1 if up else place + 1
    if not 0 <= to < len(effects) or place >= len(effects):
        return None
    effects[place], effects[to] = effects[to], effects[place]
    again = to > 0 if up else to < len(effects) - 1
    return Pressed(found, f"{next_button(up, again)}.{THEN}.{to}")


def next_button(up: bool, again: bool) -> str:
    """The same one as long as it does something, else the one back."""
    return "up" if up == again else "down"


VERBS: dict[str, Any] = {"add": add, "group": add_group, "remove": remove, "up": move, "down": move}


# Where things are


def place_after(found: Json, root: str, steps: Steps, up: bool) -> Steps | None:
    """Where a part of a tree stands after a move: as in an outline, into a group that is its neighbour and out of its own.

    None when it is the first (or last) of all already. Taken out of the tree before it is put there.
    """
    node, above = node_at(found, root, steps), node_at(found, root, steps[:-1])
    if not steps or node is None or above is None:
        return None
    *outer, place = steps
    beside = place - 1 if up else place + 1
    siblings = parts_in(above)
    if 0 <= beside < len(siblings):
        if how_of(siblings[beside]) is None or len(steps) + 1 + height(node) > MOST_DEPTH:
            return (*outer, beside)
        return (*outer, beside, len(parts_in(siblings[beside]))) if up else (*outer, place, 0)
    if not outer:
        return None
    return (*outer[:-1], outer[-1]) if up else (*outer[:-1], outer[-1] + 1)


def split(path: str) -> tuple[str, Steps]:
    """`if.all.0.none.1` as if and (0, 1): what a group asks for may have changed since the name was given."""
    root, *steps = path.split(".")
    return root, tuple(int(step) for step in steps if is_place(step))


def node_at(found: Json, root: str, steps: Steps) -> Json | None:
    node = found.get(root) if root in TREES else None
    for place in steps:
        parts = parts_of(node) if isinstance(node, dict) else []
        node = parts[place] if place < len(parts) else None
    return node if isinstance(node, dict) else None


def parts_in(group: Json) -> list[Json]:
    """The group's own list, to be changed."""
    how = how_of(group)
    found: list[Json] = group.setdefault(how, []) if how else []
    return found


def written(found: Json, root: str, steps: Steps) -> str:
    """The path of a node as its fields are named."""
    node, path = found.get(root), root
    for place in steps:
        path += f".{how_of(node or {})}.{place}"
        node = parts_of(node or {})[place] if place < len(parts_of(node or {})) else {}
    return path


# Limits


def height(node: Json) -> int:
    """Groups on the way down to its deepest condition."""
    return 0 if how_of(node) is None else 1 + max((height(part) for part in parts_of(node)), default=0)


def count(node: Any) -> int:
    if not isinstance(node, dict):
        return 0
    return 1 if how_of(node) is None else sum(count(part) for part in parts_of(node))


def may_add(definition: Json) -> bool:
    return all(count(definition.get(root)) < MOST_LEAVES for root in TREES)


def may_nest(steps: Steps) -> bool:
    """Whether a group at these steps may hold another one: the outermost is the first of MOST_DEPTH."""
    return len(steps) + 1 < MOST_DEPTH
