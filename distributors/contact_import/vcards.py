"""vCards 2.1, 3.0 and 4.0 of phones -> drafts, one a card. A card that is broken is one problem; the others stand.

Lines are taken apart here, since the pattern of vobject's own reader needs exponential time for some lines; decoding the
values and names is vobject's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext as _
from vobject.base import ContentLine
from vobject.vcard import splitFields

from .files import MOST_ROWS, Contents, FileError, too_long
from .values import Draft

CARD = re.compile(r"\s*BEGIN:VCARD\s*$", re.IGNORECASE | re.MULTILINE)
READ = frozenset(
    {"FN", "N", "NICKNAME", "ORG", "TEL", "EMAIL", "BDAY", "NOTE", "LANG", "KIND", "X-ADDRESSBOOKSERVER-KIND"}
)
#: Longer lines are pictures or nonsense.
LONGEST_LINE = 20_000
APPLE_NO_YEAR = "1604"


def looks_like_cards(text: str) -> bool:
    return CARD.match(text) is not None


def read_cards(text: str) -> Contents:
    drafts: list[Draft] = []
    for lines in cards(text):
        if len(drafts) >= MOST_ROWS:
            raise FileError(too_long())
        drafts.append(draft_of(len(drafts) + 1, lines))
    return Contents(drafts, cards=True)


def cards(text: str) -> Iterator[list[str] | None]:
    """The logical lines of each card; None for one that has no end."""
    lines: list[str] | None = None
    depth = 0
    for line in logical_lines(text):
        said = line.strip().upper()
        if said == "BEGIN:VCARD" and depth and not agent(lines):
            yield None
            lines, depth = [], 1
        elif said == "BEGIN:VCARD":
            lines, depth = (lines if depth else []), depth + 1
        elif said == "END:VCARD" and depth:
            depth -= 1
            if not depth:
                yield lines
                lines = None
        elif lines is not None and depth == 1:
            lines.append(line)
    if lines is not None:
        yield None


def agent(lines: list[str] | None) -> bool:
    """vCard 2.1 puts the card of somebody's agent inside hers."""
    return bool(lines) and lines[-1].strip().upper() == "AGENT:"  # type: ignore[index]


def logical_lines(text: str) -> Iterator[str]:
    """Lines with what was folded put back: by a blank at the start, or by = at the end of quoted-printable."""
    held: list[str] = []
    soft = False
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if soft:
            held[-1] = held[-1][:-1]
            held.append(line)
        elif held and line[:1] in {" ", "\t"} and line:
            held.append(line[1:])
        else:
            if held:
                yield "".join(held)
            held = [line]
        soft = line.endswith("=") and "QUOTED-PRINTABLE" in held[0][:200].upper()
    yield "".join(held)


def draft_of(number: int, lines: list[str] | None) -> Draft:
    if lines is None:
        return Draft(number, problem=_("The card has no end: part of the file is missing."))
    draft, phones = Draft(number), list[tuple[int, str]]()
    for line in lines:
        head, _colon, raw = apart(line)
        name = head.split(";")[0].rpartition(".")[2].strip().upper()
        if name not in READ:
            continue
        value = value_of(name, head, raw) if len(line) <= LONGEST_LINE else None
        if value is None:
            if name in {"FN", "N"}:
                return Draft(number, problem=_("The name on this card cannot be read."))
            continue
        if name == "TEL":
            phones.append((rank(head), telephone(value)))
        elif name.endswith("KIND"):
            if value.strip().lower() == "group":
                return Draft(number, problem=_("This card is a group, not a person."))
        else:
            keep(draft, name, value)
    draft.texts["phone"] = [text for order, text in sorted(phones, key=lambda one: one[0]) if order < NO_VOICE]
    return draft


def apart(line: str) -> tuple[str, str, str]:
    """Name with parameters, and value: apart at the first colon outside quotation marks."""
    quoted = False
    for at, letter in enumerate(line[:2000]):
        if letter == '"':
            quoted = not quoted
        elif letter == ":" and not quoted:
            return line[:at], ":", line[at + 1 :]
    return line.partition(":")


def value_of(name: str, head: str, raw: str) -> str | None:
    """The value with its letters decoded; None when they are not what the card says."""
    pairs = [part.split("=", 1) for part in head.upper().split(";")[1:]]
    for params in (pairs, [*(pair for pair in pairs if pair[0] != "CHARSET"), ["CHARSET", "WINDOWS-1252"]]):
        try:
            return str(ContentLine(name, [list(pair) for pair in params], raw).value)
        except (ValueError, LookupError):
            continue
    return None


def keep(draft: Draft, name: str, value: str) -> None:
    texts = draft.texts
    if name == "N":
        last, first, middle = name_parts(value)
        for part, text in (("first", first), ("middle", middle), ("last", last)):
            texts.setdefault(part, []).append(text)
    elif name == "ORG":
        texts.setdefault("company", []).append(plain(value.split(";")[0]))
    elif name == "BDAY":
        texts.setdefault("birthday", []).append(birthday(value))
    else:
        fields = {"FN": "name", "NICKNAME": "nickname", "EMAIL": "email", "NOTE": "note", "LANG": "language"}
        texts.setdefault(fields[name], []).append(plain(value))


def name_parts(value: str) -> tuple[str, str, str]:
    parts = [" ".join(part) if isinstance(part, list) else str(part) for part in splitFields(value)]
    last, first, middle = ([*parts, "", "", ""])[:3]
    return last, first, middle


def plain(value: str) -> str:
    r"""Without the escapes of vCard: \n is a new line, \, a comma."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value, flags=re.DOTALL)


def telephone(value: str) -> str:
    text = plain(value).strip()
    if text.lower().startswith("tel:"):
        number, _semicolon, rest = text[4:].partition(";")
        extension = re.search(r"ext=(\d+)", rest)
        return f"{number} ext {extension[1]}" if extension else number
    return text


NO_VOICE = 9


def rank(head: str) -> int:
    """Mobile numbers first, then the preferred, then the others; a fax is none to call."""
    words = set(re.split(r'[;=,"]', head.upper()))
    if words & {"FAX", "PAGER", "MODEM"}:
        return NO_VOICE
    if words & {"CELL", "IPHONE", "MOBILE"}:
        return 0
    return 1 if "PREF" in words else 2


def birthday(value: str) -> str:
    """As ISO; without a year, or with Apple's year for none, as --04-03."""
    text = value.strip()
    if text.startswith(APPLE_NO_YEAR):
        return "--" + text[4:].lstrip("-")
    return text
