"""Claims that no message may make, found in what she is about to send.

Text and phrases are compared word by word: any case, without accents, hyphens, quotation marks and other punctuation; Cyrillic and
Greek letters that look like Latin ones are those (LOOKALIKES), and letters that stand apart (c u r e s, c.u.r.e.s) are read as a
word, too. So is what becomes a word of a phrase by that alone: digits and signs for letters (cur3s, cure$), and pieces of a word
around a sign, an emoji or a line's end (cu-res), or around a blank if they are short (cu res, heal s: Pieces). Nothing is searched
for by regular expressions, so that no phrase can be slow.

It catches what is written without thinking, and the usual tricks. It does not catch two long pieces with a blank between them
("ab nehmen" is good German), a letter left out (c*res), repeated ones (cuures), or other words for the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from django.apps import apps
from django.db.models import Count, Max

from distributors.kept import Kept

from ..models import BlockedPhrase

__all__ = ["Claim", "found"]


@dataclass(frozen=True)
class Claim:
    """text[start:end] of the message; `kind` as in BlockedPhrase.Kind, `instead` what to say ("" where HQ wrote nothing)."""

    start: int
    end: int
    text: str
    kind: str
    instead: str


def found(text: str, language: str) -> list[Claim]:
    """The claims in the text, in its order, none overlapping another.

    Phrases of the language ("de-at" is "de") and those of every language count; with "" all do, and so it is asked about what is sent: she may
    write in another language than she says. At most 3 queries, usually 1.
    """
    return search(current(), text, language)


# -- words


class Word(NamedTuple):
    """A word as it is compared, and where it stands: text[start:end]."""

    said: str
    start: int
    end: int


#: Inside a word they are not there: don't is dont, cu\u00adres is cures.
UNSEEN = {"'", "’", "ʼ", "`", "´"}
#: What is read as a Latin letter, because it looks like it; in phrases as well as in texts, so that no language loses its own.
LOOKALIKES = dict(
    zip(
        "авекмнорстухіјѕһԁԛԝѵӏүгпиєαβγεζηικμνορτυχωϲϳıɑɡ",
        "abekmhopctyxijshdqwvlyrnueabyeznikmvoptuxwcjiag",
        strict=True,
    )
)
#: Greek capitals that look like another letter than their small ones.
CAPITALS = str.maketrans("ΗΝΥ", "HNY")
#: What is written for a letter inside a word; 1 may be either.
FOR_LETTERS = [str.maketrans("0134578$€", f"o{one}eastbse") for one in "il"]
#: The same of signs that end a word.
SIGNS = {"@": "a", "!": "i", "¡": "i", "|": "l"}
#: A word is looked for in so many pieces.
PIECES = 4
#: Pieces with a blank between them are as short as this, and together as long as that; or one of them is a consonant.
SHORT, LONG = 4, 5
CONSONANTS = frozenset("bcdfghjklmnpqrstvwxzß")
#: So many letters apart are read as a word.
SPACED = 3
#: Between digits they belong to the number: $1,000 is $1000.
IN_NUMBERS = {",", ".", "’", "'"}


@lru_cache(maxsize=4096)
def folded(letter: str) -> str | None:
    """A letter as it is compared: "" where it is not there, None where it ends a word."""
    kind = unicodedata.category(letter)
    if letter in UNSEEN or kind in {"Mn", "Me", "Cf"}:
        return ""
    if kind == "Sc" or letter == "%":
        return letter
    plain = "".join(one for one in unicodedata.normalize("NFKD", letter.casefold()) if one.isalnum()).casefold()
    return "".join(LOOKALIKES.get(one, one) for one in plain) or None


def words_of(text: str) -> list[Word]:
    """The words of a text in the form that is compared."""
    words: list[Word] = []
    said, start, end = "", 0, 0
    for at, letter in enumerate(text):
        plain = folded(letter)
        if plain is None and letter in IN_NUMBERS and said[-1:].isdigit() and text[at + 1 : at + 2].isdigit():
            plain = ""
        if plain is None:
            if said:
                words.append(Word(said, start, end))
            said = ""
        elif said:
            # An accent of its own belongs to its letter; an apostrophe after the word does not.
            if plain or unicodedata.category(letter) == "Mn":
                end = at + 1
            said += plain
        elif plain:
            said, start, end = plain, at, at + 1
    return [*words, Word(said, start, end)] if said else words


def together(words: list[Word], text: str) -> list[Word]:
    """With each row of letters apart, the same gap between them, as one word."""
    found: list[Word] = []
    row: list[Word] = []
    for word in words:
        if row and not goes_on(row, word, text):
            found += as_one(row)
            row = []
        row.append(word)
    return found + as_one(row)


def goes_on(row: list[Word], word: Word, text: str) -> bool:
    if not (is_letter(row[-1]) and is_letter(word)):
        return False
    return len(row) == 1 or text[row[-1].end : word.start] == text[row[0].end : row[1].start]


def is_letter(word: Word) -> bool:
    return len(word.said) == 1 and word.said.isalnum()


def as_one(row: list[Word]) -> list[Word]:
    return [Word("".join(word.said for word in row), row[0].start, row[-1].end)] if len(row) >= SPACED else row


def phrase_words(phrase: str) -> list[tuple[str, bool]]:
    """Each word of a phrase, and whether any ending will do; a * alone stands for any word."""
    words: list[tuple[str, bool]] = []
    for piece in phrase.split():
        open_ended = piece.endswith("*")
        inner = [word.said for word in words_of(piece)]
        if inner:
            words += [(word, False) for word in inner[:-1]] + [(inner[-1], open_ended)]
        elif open_ended:
            words.append(("", True))
    return words


# -- the list, ready to be searched


@dataclass(frozen=True)
class Entry:
    """A phrase ready to be compared: its words, and the first of them that is not a * alone."""

    words: tuple[tuple[str, bool], ...]
    anchor: int
    language: str
    kind: str
    instead: str

    def fits(self, words: list[Word], at: int) -> bool:
        """Whether it stands there, its first word at words[at]."""
        if at < 0 or at + len(self.words) > len(words):
            return False
        for i, (said, any_ending) in enumerate(self.words, at):
            there = words[i].said
            if not (there.startswith(said) if any_ending else there == said):
                return False
        return True


@dataclass
class Index:
    """Phrases by their anchor: the word as it stands, or the beginning of it."""

    exact: dict[str, list[Entry]] = field(default_factory=dict)
    beginnings: dict[str, list[Entry]] = field(default_factory=dict)
    #: Each word of a phrase, also behind the anchor, and those that any ending will do for.
    words: set[str] = field(default_factory=set)
    stems: set[str] = field(default_factory=set)
    longest_stem: int = 0

    @classmethod
    def of(cls, phrases: Iterable[BlockedPhrase]) -> Index:
        index = cls()
        for phrase in phrases:
            words = phrase_words(phrase.phrase)
            anchor = next((i for i, (said, _any_ending) in enumerate(words) if said), None)
            # Of nothing but a * every word would be a claim.
            if anchor is not None:
                language = phrase.language.split("-")[0].lower()
                entry = Entry(tuple(words), anchor, language, phrase.kind, phrase.instead)
                said, any_ending = words[anchor]
                (index.beginnings if any_ending else index.exact).setdefault(said, []).append(entry)
                for one, any_one in words:
                    # Of three letters much can be made.
                    if len(one) >= SHORT and one.isalpha():
                        (index.stems if any_one else index.words).add(one)
        index.longest_stem = max(map(len, index.stems), default=0)
        return index

    def read(self, said: str) -> str | None:
        """The word of a phrase that this can be read as."""
        letters = sum(map(str.isalpha, said))
        for one in [said] if letters == len(said) else [said.translate(table) for table in FOR_LETTERS]:
            if letters > 1 and (one in self.words or self.begins_with_stem(one)):
                return one
        return None

    def begins_with_stem(self, word: str) -> bool:
        return any(word[:n] in self.stems for n in range(SHORT, min(len(word), self.longest_stem) + 1))

    def hits(self, words: list[Word], language: str) -> Iterator[tuple[int, int, Entry]]:
        """First word, word after the last, and the phrase."""
        longest = max(map(len, self.beginnings), default=0)
        for at, word in enumerate(words):
            for entry in self.anchored(word.said, longest):
                start = at - entry.anchor
                if (not language or entry.language in ("", language)) and entry.fits(words, start):
                    yield start, start + len(entry.words), entry

    def anchored(self, word: str, longest: int) -> list[Entry]:
        found = list(self.exact.get(word, ()))
        for length in range(1, min(longest, len(word)) + 1):
            found += self.beginnings.get(word[:length], ())
        return found


KEPT: Kept[Index] = Kept(most=2)


def current() -> Index:
    """The phrases in force, made ready once, and again when the list has changed. One query when it has not."""
    stand = changes()
    return KEPT.of(stand, in_force, holds=lambda: changes() == stand)


def in_force() -> Index:
    return Index.of(BlockedPhrase.objects.filter(is_active=True).order_by("pk"))


def changes() -> tuple[int, int]:
    """How the list stands: each change of it is a row of its audit. Their number, too: one may be committed after a newer one."""
    made = apps.get_model("activities", "BlockedPhraseChange").objects
    stand = made.aggregate(n=Count("pgh_id"), newest=Max("pgh_id"))
    return stand["n"], stand["newest"] or 0


def search(index: Index, text: str, language: str) -> list[Claim]:
    wanted = language.split("-")[0].lower()
    written = [text] if (latin := text.translate(CAPITALS)) == text else [text, latin]
    hits = [hit for one in written for words in readings(index, one) for hit in spans(index, words, wanted)]
    return [Claim(start, end, text[start:end], entry.kind, entry.instead) for start, end, entry in merged(hits)]


def readings(index: Index, text: str) -> list[list[Word]]:
    """The words of a text as they stand, and where that makes a difference as they are meant."""
    words = words_of(text)
    apart = together(words, text)
    found = [words]
    for reading in (apart, mended(index, words, text), mended(index, apart, text) if apart != words else words):
        if reading not in found:
            found.append(reading)
    return found


# -- words that were taken apart


def mended(index: Index, words: list[Word], text: str) -> list[Word]:
    """With each word of a phrase that was written with digits, or in pieces, as that word."""
    found: list[Word] = []
    at = 0
    while at < len(words):
        after, word = meant(index, words, at, text)
        found.append(word)
        at = after
    return found


def meant(index: Index, words: list[Word], at: int, text: str) -> tuple[int, Word]:
    """What begins there, and where the next begins: the longest word of a phrase that its pieces make, else as it stands."""
    best, said = (at + 1, words[at]), words[at].said
    if not said.isalpha() and (one := index.read(said)):
        best = at + 1, words[at]._replace(said=one)
    for after in range(at + 1, min(at + PIECES, len(words))):
        gap = text[words[after - 1].end : words[after].start]
        blank = gap == " "
        if (blank and not (after == at + 1 and are_pieces(said, words[after].said))) or not (blank or joins(gap)):
            break
        said += SIGNS.get(gap, "") + words[after].said
        if one := index.read(said):
            best = after + 1, Word(one, words[at].start, words[after].end)
        if blank:
            break
    return best


def joins(gap: str) -> bool:
    """A sign or an emoji without a blank, or a hyphen at the end of a line."""
    return gap.rstrip("\r\n").rstrip(" ").endswith("-") if "\n" in gap else not any(map(str.isspace, gap))


def are_pieces(one: str, other: str) -> bool:
    """Whether a blank between them may stand inside a word: cu res, heal s. Longer ones, and vowels, are words themselves."""
    length = len(one) + len(other)
    if min(len(one), len(other)) == 1:
        return length >= LONG - 1 and (one in CONSONANTS or other in CONSONANTS)
    return length >= LONG and max(len(one), len(other)) <= SHORT


# -- claims


def spans(index: Index, words: list[Word], language: str) -> Iterator[tuple[int, int, Entry]]:
    """Where in the text each phrase stands."""
    for first, after, entry in index.hits(words, language):
        yield words[first].start, words[after - 1].end, entry


def merged(hits: Iterable[tuple[int, int, Entry]]) -> list[tuple[int, int, Entry]]:
    """Overlapping ones as one, which says what the longest of them says."""
    found: list[tuple[int, int, Entry]] = []
    size = 0
    for first, end, entry in sorted(hits, key=lambda hit: (hit[0], -hit[1])):
        if found and first < found[-1][1]:
            before = found[-1]
            longer = end - first > size
            found[-1] = (before[0], max(before[1], end), entry if longer else before[2])
            size = max(size, end - first)
        else:
            found.append((first, end, entry))
            size = end - first
    return found
