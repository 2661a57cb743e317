"""A rule's definition as a text of JSON, and such a text read. What it has to say is kpis/definitions.py."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from django.utils.translation import gettext as _

from distributors.conditions import ConditionError, Problem

from .form_rows import Json

#: Of the text as it is written. What it says may be shorter still (definitions.LONGEST).
MOST_BYTES = 200_000
SCHEMA = "$schema"


class TwiceError(ValueError):
    """A field that stands twice in one object. The other way to read it would be to take one of the two."""


def text_of(definition: Json, schema: str) -> str:
    """With the address of the schema that it keeps to."""
    return json.dumps({SCHEMA: schema} | definition, ensure_ascii=False, indent=2) + "\n"


def said_in(text: str) -> Any:
    """What the text says, without the address of its schema; any JSON. ConditionError with why it is none."""
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        refuse(too_large())
    try:
        said = json.loads(text, object_pairs_hook=once_each, parse_constant=no_number)
    except json.JSONDecodeError as wrong:
        at = {"line": wrong.lineno, "column": wrong.colno}
        refuse(_("This is not JSON: look at line %(line)d, character %(column)d.") % at)
    except TwiceError as wrong:
        refuse(_("A field stands here twice: %(name)s. Remove one of them.") % {"name": wrong})
    except (ValueError, RecursionError):  # an endless number, and groups without end
        refuse(_("This is not a rule that can be read."))
    return {name: value for name, value in said.items() if name != SCHEMA} if isinstance(said, dict) else said


def too_large() -> str:
    return _("This is more than %(n)d kB. A rule is far shorter.") % {"n": MOST_BYTES // 1000}


def refuse(sentence: str) -> NoReturn:
    raise ConditionError([Problem("", sentence)])


def once_each(pairs: list[tuple[str, Any]]) -> Json:
    found: Json = {}
    for name, value in pairs:
        if name in found:
            raise TwiceError("".join(c if c.isprintable() else "?" for c in name[:60]))
        found[name] = value
    return found


def no_number(name: str) -> NoReturn:
    """NaN and Infinity, which Python writes and JSON does not have."""
    raise ValueError(name)
