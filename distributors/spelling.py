"""Names as people type them: whatever the case and the accents, ß as ss, and an umlaut as one letter or two.

Müßig is found by mussig, MUESSIG and müssig, and Muessig by mußig. What is typed becomes a regular expression: to spell
out what is stored instead would take thirty times as long, and `unaccent` is an extension, which the role of a deployment
may not be allowed to create.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import lru_cache

from django.db.models import Q

#: Latin letters with accents: Latin-1, Extended-A and -B, Extended Additional.
ACCENTED = (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
#: Those that no accent can be taken from.
STROKES = {"ø": "o", "đ": "d", "ł": "l", "ı": "i", "ð": "d"}
#: An accent may also stand beside its letter, as Apple's programs write it.
MARKS = "[\u0300-\u036f]"
#: Two letters that people type for one, and those; upper case too, which not every database's locale knows.
TWO = {"ae": "äÄæÆ", "oe": "öÖœŒøØ", "ue": "üÜ", "ss": "ßẞ"}
ONE = {letter: two for two, letters in TWO.items() for letter in letters if letter != "ø"}


def holds(field: str, q: str) -> Q:
    """Whether the text of a column holds `q`, however either of them is spelled."""
    return Q(**{f"{field}__iregex": pattern(q)})


def find(text: str, q: str) -> tuple[int, int]:
    """Where a text holds `q`, as (from, to); at its beginning when it does not."""
    found = re.search(pattern(q), text, re.IGNORECASE)
    return found.span() if found else (0, 0)


@lru_cache(maxsize=256)
def pattern(q: str) -> str:
    """A regular expression, for PostgreSQL and for Python, for every spelling of `q`. Both leave the case of a-z open."""
    letters = unicodedata.normalize("NFC", q).lower().replace("\u0307", "")
    parts, at = [], 0
    while at < len(letters):
        two = letters[at : at + 2]
        if two in TWO:
            # Sue is not Su: what is typed as two letters is one only where that is an umlaut.
            parts.append(f"(?:{spelled(two[0])}{spelled(two[1])}|[{TWO[two]}]|{two[0]}{MARKS})")
            at += 2
            continue
        parts.append(one(letters[at], ends=at in (0, len(letters) - 1)))
        at += 1
    return "".join(parts)


def one(letter: str, *, ends: bool) -> str:
    """One letter that was typed. While she types Weiss, Weis is half of a ß: `ends`."""
    if letter == "ß":
        return f"(?:ss|[{TWO['ss']}])"
    if letter in ONE:
        two = ONE[letter]
        return f"(?:{spelled(two[0])}(?:{spelled(two[1])})?|[{TWO[two]}])"
    if letter == "s" and ends:
        return f"(?:{spelled('s')}|[{TWO['ss']}])"
    return f"(?:{spelled(letter)}e?)" if letter + "e" in TWO else spelled(letter)


@lru_cache(maxsize=512)
def spelled(letter: str) -> str:
    """A letter with and without accents."""
    bare = base(letter)
    if bare in accented():
        return f"[{bare}{accented()[bare]}]{MARKS}*"
    return (
        re.escape(letter)
        if letter.upper() == letter or len(letter.upper()) > 1
        else f"[{letter}{letter.upper()}]{MARKS}*"
    )


def base(letter: str) -> str:
    small = letter.lower()
    return STROKES.get(small) or unicodedata.normalize("NFKD", small)[:1]


@lru_cache(maxsize=1)
def accented() -> dict[str, str]:
    """a-z -> the letters that are it with accents, in either case."""
    found: dict[str, str] = defaultdict(str)
    for code in ACCENTED:
        letter = chr(code)
        if letter.isalpha() and "a" <= (bare := base(letter)) <= "z":
            found[bare] += letter
    return dict(found)
