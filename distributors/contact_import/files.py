"""The bytes that she brought -> its text, or one sentence why it is not a list of contacts. Nothing is ever unpacked."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from .values import Draft

MOST_BYTES, MOST_ROWS = 5_000_000, 5_000


class FileError(ValueError):
    """Why a whole file cannot be read, as one sentence for her."""


@dataclass
class Contents:
    """What a file holds before any value is checked."""

    drafts: list[Draft]
    cards: bool = False  # vCards, numbered as cards; otherwise rows of a table
    unread: list[str] = field(default_factory=list)  # headings of columns that are not brought


#: How other kinds of files begin.
WORKBOOK = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")
OTHER_KINDS = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"SQLite format 3")


def text_of(content: bytes) -> tuple[str, bool]:
    """The text, and whether it was certain how its letters are written (Unicode) or assumed (Windows)."""
    if not content.strip(b"\x00\t\n\r \xef\xbb\xbf\xfe\xff"):
        raise FileError(_("The file is empty."))
    if len(content) > MOST_BYTES:
        raise FileError(too_large())
    if content.startswith(WORKBOOK):
        raise FileError(
            _("This is a workbook or an archive: open it, save the sheet as CSV (UTF-8), and bring that file.")
        )
    if content.startswith(OTHER_KINDS):
        raise FileError(no_text())
    text, certain = decoded(content)
    if not is_text(text):
        raise FileError(no_text())
    return text, certain


def too_large() -> str:
    return _("The file is larger than %(n)s MB. Bring the contacts in several files.") % {"n": MOST_BYTES // 1_000_000}


def too_long() -> str:
    return _("The file has more than %(n)s contacts. Bring them in several files.") % {"n": f"{MOST_ROWS:,}"}


def no_text() -> str:
    return _("This is not a list of contacts. Bring a CSV file or a vCard (.vcf).")


def decoded(content: bytes) -> tuple[str, bool]:
    for encoding in encodings(content):
        try:
            return content.decode(encoding), True
        except UnicodeDecodeError:
            continue
    try:
        return content.decode("windows-1252"), False
    except UnicodeDecodeError:
        return content.decode("latin-1"), False


def encodings(content: bytes) -> list[str]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    start = content[:2000]
    # UTF-16 that does not say so: every other byte of Latin letters is zero.
    if start[1::2].count(0) > len(start) * 0.4:
        return ["utf-16-le"]
    if start[::2].count(0) > len(start) * 0.4:
        return ["utf-16-be"]
    return ["utf-8-sig"]


def is_text(text: str) -> bool:
    start = text[:100_000]
    strange = sum((letter < " " and letter not in "\t\n\r\f\v\x1a") or "\x7f" <= letter <= "\x9f" for letter in start)
    return "\0" not in text and strange <= max(5, len(start) // 100)
