"""Claims that no message may make, found in what she is about to send.

Text and phrases are compared word by word, in the form of spelling.py: any case, without accents and punctuation, letters of
other alphabets as the Latin ones they look like, amounts and times in one form. A text is read in several ways (readings): as it
stands, letters apart as a word (c u r e s, c.u.r.e.s), capitals as beginnings (#QuitYourJob), and what becomes a word of a phrase
by that alone: digits and signs for letters (cur3s, cure$), and pieces of a word around a sign, an emoji or a line's end (cu-res),
or around a blank if they are short (cu res, heal s). A phrase counts in several spellings, too (spellings): ä as a and as ae, and
its words in one (#financialfreedom, antiinflammatory). Nothing is searched for by regular expressions, so that no phrase can be slow.

It catches what is written without thinking, and the usual tricks. It does not catch two long pieces with a blank between them
("ab nehmen" is good German), a letter left out (c*res), repeated ones (cuures), or other words for the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.apps import apps
from django.db.models import Count, Max

from distributors.kept import Kept

from ..models import BlockedPhrase
from .spelling import MONEY, Word, capitals_apart, letters_together, one_form, spelt_out, with_times, words_of

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
#: The words of a phrase are also looked for as one, if that has so many letters.
LONG_AS_ONE = 6


# -- phrases


class Piece(NamedTuple):
    """What stands at one place of a phrase: this word, any word that begins with it, or a number of at least so much.

    Of a number `said` is its currency, "" for any or none; a * alone is the beginning "" of any word.
    """

    said: str
    any_ending: bool = False
    least: int = 0

    def fits(self, there: str) -> bool:
        if self.least:
            number = there.removeprefix(self.said) if self.said else there.lstrip(MONEY_LETTERS)
            return there.startswith(self.said) and number.isdecimal() and int(number[:12]) >= self.least
        return there.startswith(self.said) if self.any_ending else there == self.said


#: What an amount in one form begins with.
MONEY_LETTERS = "".join(sorted(MONEY))


def spellings(phrase: str) -> list[tuple[Piece, ...]]:
    """The pieces of a phrase, once for each way in which it is written."""
    found: dict[tuple[Piece, ...], None] = {}
    as_typed = words_of(phrase, signs="*+")
    for words in (as_typed, spelt_out(as_typed, phrase, signs="*+")):
        for said in (words, capitals_apart(words, phrase)):
            # Any word before Euro counts, as does any amount: zweitausend Euro.
            for form in (one_form(said, phrase), with_times(said, phrase)):
                pieces = tuple(piece_of(word.said) for word in form if word.said.strip("+"))
                found |= dict.fromkeys([pieces, *in_one_word(pieces)])
    # Of nothing but a * every word would be a claim.
    return [pieces for pieces in found if any(piece.said for piece in pieces)]


def piece_of(said: str) -> Piece:
    if said.endswith("*"):
        return Piece(said[:-1], any_ending=True)
    number = said.lstrip(MONEY_LETTERS).removesuffix("+")
    if said.endswith("+") and number.isdecimal():
        return Piece(said[: -len(number) - 1], least=max(1, int(number[:12])))
    return Piece(said.replace("+", ""))


def in_one_word(pieces: tuple[Piece, ...]) -> list[tuple[Piece, ...]]:
    """passiveincome for passive income; nothing of a phrase with amounts, times or any word in it."""
    said = "".join(piece.said for piece in pieces)
    are_words = all(piece.said.isalnum() and not piece.least for piece in pieces)
    if not are_words or len(pieces) < 2 or len(said) < LONG_AS_ONE or any(piece.any_ending for piece in pieces[:-1]):
        return []
    return [(Piece(said, pieces[-1].any_ending),)]


# -- the list, ready to be searched


@dataclass(frozen=True)
class Entry:
    """A phrase in one spelling, ready to be compared; `anchor` is the piece it is looked up by."""

    pieces: tuple[Piece, ...]
    anchor: int
    language: str
    kind: str
    instead: str

    def fits(self, words: list[Word], at: int) -> bool:
        """Whether it stands there, its first word at words[at]."""
        if at < 0 or at + len(self.pieces) > len(words):
            return False
        return all(piece.fits(words[i].said) for i, piece in enumerate(self.pieces, at))


@dataclass
class Index:
    """Phrases by their anchor: the word as it stands, or the beginning of it."""

    exact: dict[str, list[Entry]] = field(default_factory=dict)
    beginnings: dict[str, list[Entry]] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)  # of the beginnings
    #: Each word of a phrase, also behind the anchor, and those that any ending will do for.
    words: set[str] = field(default_factory=set)
    stems: set[str] = field(default_factory=set)
    longest_stem: int = 0

    @classmethod
    def of(cls, phrases: Iterable[BlockedPhrase]) -> Index:
        index = cls()
        for phrase in phrases:
            language = phrase.language.split("-")[0].lower()
            for pieces in spellings(phrase.phrase):
                index.add(pieces, language, phrase)
        index.lengths = sorted(set(map(len, index.beginnings)))
        index.longest_stem = max(map(len, index.stems), default=0)
        return index

    def add(self, pieces: tuple[Piece, ...], language: str, phrase: BlockedPhrase) -> None:
        # The longest word is the rarest.
        anchor = max(range(len(pieces)), key=lambda i: len(pieces[i].said))
        said, begins = pieces[anchor].said, pieces[anchor].any_ending or pieces[anchor].least
        entry = Entry(pieces, anchor, language, phrase.kind, phrase.instead)
        (self.beginnings if begins else self.exact).setdefault(said, []).append(entry)
        for piece in pieces:
            # Of three letters much can be made.
            if len(piece.said) >= SHORT and piece.said.isalpha():
                (self.stems if piece.any_ending else self.words).add(piece.said)

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
        for at, word in enumerate(words):
            for entry in self.anchored(word.said):
                start = at - entry.anchor
                if (not language or entry.language in ("", language)) and entry.fits(words, start):
                    yield start, start + len(entry.pieces), entry

    def anchored(self, word: str) -> Iterator[Entry]:
        yield from self.exact.get(word, ())
        for length in self.lengths:
            if length > len(word):
                break
            yield from self.beginnings.get(word[:length], ())


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
    """The words of a text as they stand, and where that makes a difference as they are meant, in one form each."""
    words = words_of(text)
    apart = letters_together(words, text)
    written = [words, apart, spelt_out(words, text), capitals_apart(words, text), mended(index, words, text)]
    found: list[list[Word]] = []
    for reading in (*written, *([mended(index, apart, text)] if apart != words else [])):
        if reading not in found:
            found.append(reading)
    return [one_form(reading, text) for reading in found]


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
