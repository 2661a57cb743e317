"""How words are written, for comparing texts with phrases: letters, amounts of money, times.

A word is compared in any case, without accents and punctuation. Amounts have one form each, wherever their sign or code stands
($5000: US$ 5,000, 5000$, 5 000.00 USD, 5k dollars), and so have times (/ month: a month, per month, each month, /mo). Phrases take
the same way; of them a * and the + of 100+ stay in the words.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Word", "capitals_apart", "folded", "letters_together", "one_form", "spelt_out", "words_of"]


class Word(NamedTuple):
    """A word as it is compared, and where it stands: text[start:end]."""

    said: str
    start: int
    end: int


# -- letters

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
#: As they are written without their dots.
SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
DOTTED = frozenset("äöü")
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


def words_of(text: str, *, signs: str = "") -> list[Word]:
    """The words of a text in the form that is compared. `signs` are no punctuation."""
    words: list[Word] = []
    said, start, end = "", 0, 0
    for at, letter in enumerate(text):
        plain = letter if letter in signs else folded(letter)
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


def spelt_out(words: list[Word], text: str, *, signs: str = "") -> list[Word]:
    """With ä, ö and ü as ae, oe and ue."""
    found = list(words)
    for i, word in enumerate(words):
        written = unicodedata.normalize("NFC", text[word.start : word.end]).casefold()
        if not DOTTED.isdisjoint(written):
            found[i] = word._replace(said=words_of(written.translate(SPELT_OUT), signs=signs)[0].said)
    return found


# -- words that were written apart, or as one

#: So many letters apart are read as a word.
SPACED = 3


def letters_together(words: list[Word], text: str) -> list[Word]:
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


def capitals_apart(words: list[Word], text: str) -> list[Word]:
    """With QuitYourJob as three words, and Quit9To5 as four."""
    if not any(one.islower() and other.isupper() for one, other in pairwise(text)):
        return words
    return [piece for word in words for piece in pieces_of(word, text)]


def pieces_of(word: Word, text: str) -> list[Word]:
    written = text[word.start : word.end]
    if not any(one.islower() and other.isupper() for one, other in pairwise(written)):
        return [word]
    cuts = [0, *(at for at in range(1, len(written)) if begins(written, at)), len(written)]
    pieces = [words_of(written[start:end]) for start, end in pairwise(cuts)]
    return [Word(one.said, word.start + start + one.start, word.start + start + one.end)
            for start, found in zip(cuts, pieces, strict=False) for one in found]  # fmt: skip


def begins(written: str, at: int) -> bool:
    """Whether a word begins there: a capital after a small letter, the last of several capitals, a number and what follows it."""
    before, letter, after = written[at - 1], written[at], written[at + 1 : at + 2]
    if before.isdigit() != letter.isdigit():
        return before.isalnum() and letter.isalnum()
    return letter.isupper() and (before.islower() or after.islower())


# -- amounts

#: Signs and codes of money, which may be part of the word ($500, 500eur), and what they are in one form.
MARKS = {
    "$": "$", "us$": "$", "usd": "$", "mx$": "$", "mxn": "$", "ca$": "$", "cad": "$", "a$": "$", "aud": "$",
    "€": "€", "eur": "€", "£": "£", "gbp": "£", "chf": "chf", "sfr": "chf", "¥": "¥", "₹": "₹",
}  # fmt: skip
#: Words of money beside a number; dollars of no number stay a word.
CURRENCIES = MARKS | {
    "dollar": "$", "dollars": "$", "bucks": "$", "dolar": "$", "dolares": "$", "peso": "$", "pesos": "$",
    "euro": "€", "euros": "€", "pound": "£", "pounds": "£", "quid": "£", "franken": "chf",
}  # fmt: skip
MONEY = frozenset(MARKS.values())
THOUSANDS = {"k", "mil", "tsd", "tausend", "thousand", "grand"}
#: The same behind a number without a blank.
GLUED = ("k", "mil", "tsd")
#: Between a number and what it is of.
NARROW = " \u00a0\u202f\u2009"


def one_form(words: list[Word], text: str) -> list[Word]:
    """With amounts and times in one form each."""
    return with_times(with_amounts(words, text), text)


def with_amounts(words: list[Word], text: str) -> list[Word]:
    found: list[Word] = []
    at = 0
    while at < len(words):
        after, word = at + 1, words[at]
        if not word.said.isalpha() or word.said in CURRENCIES:
            after, word = amount(words, at, text)
        found.append(word)
        at = after
    return found


def amount(words: list[Word], at: int, text: str) -> tuple[int, Word]:
    """The amount that begins there in one form, else the word as it stands; and where the next begins."""
    first, start, sign = words[at], at, ""
    if first.said in CURRENCIES and follows(words, at, text):
        sign, start = CURRENCIES[first.said], at + 1
    read = parts(words[start].said, text[words[start].start : words[start].end])
    if read is None:
        return at + 1, first
    sign, number, thousands = sign or read[0], read[1], read[2]
    after = start + 1
    while number.isdecimal() and (group := group_after(words, after - 1, text)):
        number, after = number + group, after + 1
    if not thousands and follows(words, after - 1, text) and words[after].said in THOUSANDS:
        thousands, after = True, after + 1
    if follows(words, after - 1, text) and CURRENCIES.get(words[after].said, "") in ({sign} if sign else MONEY):
        sign, after = CURRENCIES[words[after].said], after + 1
    if sign or thousands:
        number = thousand(number) if thousands else number
        return after, Word(sign + number, first.start, words[after - 1].end)
    # Of no money, 5 000 may be 5 of 000, and 31.12 the last of a year.
    return at + 1, first


def group_after(words: list[Word], at: int, text: str) -> str:
    """Three more digits of a number: 000 of 5 000. Empty where there are none."""
    if at + 1 >= len(words) or text[words[at].end : words[at + 1].start] not in set(NARROW):
        return ""
    after = words[at + 1]
    whole = without_cents(text[after.start : after.end]) if after.said.isdecimal() else ""
    return whole if len(whole) == 3 else ""


def follows(words: list[Word], at: int, text: str) -> bool:
    """Whether the next word stands close to this one: 500 €, 500+ €, 500,- €."""
    if at + 1 >= len(words):
        return False
    return text[words[at].end : words[at + 1].start].strip(NARROW + "+") in {"", ",-", ",–"}


@lru_cache(maxsize=4096)
def parts(said: str, written: str) -> tuple[str, str, bool] | None:
    """A word's currency ("" of a plain number), its number without cents (5, 100+ or *), and whether of thousands; None of no number."""
    digits = [at for at, letter in enumerate(said) if letter.isdecimal() or letter == "*"]
    if not digits:
        return None
    start, end = digits[0], digits[-1] + 1
    end += said[end : end + 1] == "+"
    mark, number, rest = said[:start], said[start:end], said[end:]
    is_number = number.removesuffix("+").isdecimal() or number == "*"
    times = next((one for one in GLUED if rest.startswith(one) and rest[len(one) :] in {"", *CURRENCIES}), "")
    behind = rest.removeprefix(times)
    if not is_number or mark not in {"", *MARKS} or behind not in {"", *CURRENCIES}:
        return None
    number = without_cents(written) if number.isdecimal() else number
    return MARKS.get(mark, "") or CURRENCIES.get(behind, ""), number, bool(times)


def without_cents(written: str) -> str:
    """$31.50 is 31, $1,000 is 1000."""
    at = max(written.rfind("."), written.rfind(","))
    cents = sum(map(str.isdecimal, written[at + 1 :])) if at >= 0 else 0
    kept = written[:at] if 0 < cents < 3 else written
    return "".join(one for letter in kept if (one := folded(letter) or "").isdecimal()) or "0"


def thousand(number: str) -> str:
    return number if number == "*" else f"{number.removesuffix('+')}000{'+' if number.endswith('+') else ''}"


# -- times

PER = {"a", "an", "per", "each", "every", "im", "pro", "je", "jeden", "jede", "am", "die", "den", "al", "por", "cada"}
PER_OF_TWO = {("a", "la"), ("in", "der"), ("every", "single")}
#: Behind a time they make it one of its own: a month ago, am Tag der Lieferung, al mes pasado.
ONCE = {
    "ago", "late", "later", "earlier", "der", "des", "danach", "darauf", "vorher", "zuvor", "pasado", "pasada", "siguiente",
    "januar", "februar", "marz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "dezember",
}  # fmt: skip
TIMES = {
    "hour", "day", "week", "month", "year", "stunde", "tag", "woche", "monat", "jahr", "hora", "dia", "semana", "mes", "ano",
}  # fmt: skip
#: Behind a slash.
SHORT_TIMES = {"hr": "hour", "h": "hour", "d": "day", "wk": "week", "mo": "month", "mth": "month", "yr": "year"}


def with_times(words: list[Word], text: str) -> list[Word]:
    """With a month, per month, each month, /month and /mo as the two words / month."""
    found: list[Word] = []
    for at, word in enumerate(words):
        found.append(word)
        if not at or (word.said not in TIMES and word.said not in SHORT_TIMES):
            continue
        if at + 1 < len(words) and words[at + 1].said in ONCE and text[word.end : words[at + 1].start].isspace():
            continue
        before = words[at - 1]
        gap = text[before.end : word.start]
        if gap.strip(NARROW) == "/":
            slash = before.end + gap.index("/")
            found[-1:] = [Word("/", slash, slash + 1), word._replace(said=SHORT_TIMES.get(word.said, word.said))]
        elif word.said in TIMES and at > 1 and (words[at - 2].said, before.said) in PER_OF_TWO:
            found[-3:] = [Word("/", words[at - 2].start, before.end), word]
        elif word.said in TIMES and before.said in PER:
            found[-2:] = [before._replace(said="/"), word]
    return found
