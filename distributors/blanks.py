"""Texts with blanks to be filled in: {name}, {product|favourite}, and [parts in brackets] left out where a field is not known.

    Hi[ {name}], your {product} should be nearly used up. Shall I put one aside[, as every {usual}]?

Never a hole: a bracket with an unknown field is left out, and so is a sentence with one outside brackets, whole. Nothing here
raises for what an author typed; `problems` says in sentences what to put right. Messages to customers and notices share it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

#: Longer than any message; what comes after it is not rendered.
LONGEST = 20_000

TOKEN = re.compile(r"\{([^{}\[\]|\n]*)(?:\|([^{}\[\]|\n]*))?\}")
BRACKET = re.compile(r"\[([^\[\]\n]*)\]")
ODD = re.compile(r"[\[\]{}]")
# While sentences are looked for, a character that nobody types stands for a field, a part in brackets (of a sentence, or of
# whole sentences), or a part that was left out.
FIELD_MARK, PART_MARK, WHOLE_MARK, SEAM = 0xF0000, 0xF8000, 0x100000, "\ue000"
MARK = re.compile("[\U000f0000-\U0010ffff]")
PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")

ENDS = ".!?…"
STOP = re.compile(r"[.!?…]+[\"”“’»)]*(?=\s|$|[\U00100000-\U0010ffff])")
# A full stop that ends no sentence. Where in doubt two are taken as one: then both are left out, and never a half.
NO_END = re.compile(
    r"(?:^|[\s(\"“„«])(?:\d{1,2}|[^\W\d_]|[^\W\d_]\.\s?[^\W\d_]|p\.\s?ej|Mrs?|Ms|Dra?|Prof|St|Sra?|Srta|Fr|Hr|Nr|No|Tel"
    r"|approx|ca|bzw|evtl|inkl|usw|etc|vs|min|Min|Std)\.$",
    re.IGNORECASE,
)
#: More letters than any abbreviation in NO_END has.
LONGEST_WORD = 16
CLOSERS = {"(": ")", "«": "»", "„": "“", "“": "”"}
BLANKS = re.compile(r"[^\S\u00a0\u202f]+")


# -- rendering


def render(text: str, fields: Mapping[str, str]) -> str:
    """The message with what is known filled in and the rest left out without a trace; empty when nothing can be said."""
    known = {name: value for name, said in fields.items() if (value := clean(said))}
    lines: list[str] = []
    for line in PRIVATE.sub("", text[:LONGEST]).splitlines():
        rendered = Line.of(line).render(known)
        if rendered or not line.strip():
            lines.append(rendered)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def clean(value: object) -> str:
    """A value as it may stand in a message: one line, and nothing that reads like a field."""
    # The blank within 180 € stays one that no line ends at.
    return BLANKS.sub(" ", ODD.sub(" ", PRIVATE.sub("", str(value)))).strip() if value is not None else ""


def filled(token: re.Match[str], known: Mapping[str, str]) -> str | None:
    """What a field says: its value, else the word instead of it; None when there is neither."""
    return known.get(token[1].strip()) or clean(token[2]) or None


@dataclass
class Line:
    """A line of a template: text with a mark for each field and each part in brackets."""

    marked: str = ""
    tokens: dict[str, re.Match[str]] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Line:
        line = cls()
        line.marked = ODD.sub("", TOKEN.sub(line.mark_token, BRACKET.sub(line.mark_part, text)))
        return line

    def mark_part(self, found: re.Match[str]) -> str:
        mark = chr((WHOLE_MARK if is_whole(found[1]) else PART_MARK) + len(self.parts))
        self.parts[mark] = found[1]
        return mark

    def mark_token(self, found: re.Match[str]) -> str:
        mark = chr(FIELD_MARK + len(self.tokens))
        self.tokens[mark] = found
        return mark

    def render(self, known: Mapping[str, str]) -> str:
        return tidied(" ".join(filter(None, (self.sentence(one, known) for one in sentences(self.marked)))))

    def sentence(self, marked: str, known: Mapping[str, str]) -> str:
        """One sentence filled in; empty when a field outside brackets is not known, or nothing is left of it."""
        said: list[str] = []
        for letter in marked:
            if letter in self.tokens:
                value = filled(self.tokens[letter], known)
                if value is None:
                    return ""
                said.append(value)
            else:
                said.append(part(self.parts[letter], known) if letter in self.parts else letter)
        whole = "".join(said)
        if SEAM not in whole:
            return whole.strip()
        while SEAM in whole:
            left, _seam, right = whole.partition(SEAM)
            whole = seamless(left, right)
        return whole.strip() if has_words(whole) else ""


def part(inner: str, known: Mapping[str, str]) -> str:
    """What stands in brackets, filled in; a seam when a field of it is not known."""
    values = {token[0]: filled(token, known) for token in TOKEN.finditer(inner)}
    if None in values.values():
        return SEAM
    return ODD.sub("", TOKEN.sub(lambda token: str(values[token[0]]), inner))


def seamless(left: str, right: str) -> str:
    """Both sides of a part that was left out, without the blanks and commas that belonged to it."""
    apart = left[-1:].isspace() or right[:1].isspace()
    left, right = left.rstrip(), right.lstrip()
    if right.startswith(SEAM):
        return f"{left} {right}" if apart else left + right
    if not right or right[0] in ENDS + ")»”":
        left = left.rstrip(" ,;:–—")
    elif right[0] in ",;:" and (not has_words(left) or left[-1] in ",;:" + ENDS):
        right = right.lstrip(" ,;:")
    if left and right and CLOSERS.get(left[-1]) == right[0]:
        left, right, apart = left[:-1].rstrip(), right[1:].lstrip(), True
    if not has_words(left):
        left, right = left.rstrip(" ,;:–—"), capitalised(right)
        return left + right
    apart = apart or (left[-1].isalnum() and right[:1].isalnum())
    return f"{left} {right}" if apart and right and right[0] not in ",;:)»”" + ENDS else left + right


def has_words(text: str) -> bool:
    return any(letter.isalnum() for letter in text)


def capitalised(text: str) -> str:
    at = next((i for i, letter in enumerate(text) if letter.isalnum()), None)
    return text if at is None else text[:at] + text[at].upper() + text[at + 1 :]


def tidied(line: str) -> str:
    """No two blanks, none before punctuation, no two commas, and one full stop where a value brought its own."""
    line = re.sub(r" +(?=[,.;!?…])|(?<= ) +| +(?=:(?: |$))", "", BLANKS.sub(" ", line))
    line = re.sub(r",+(?=[,.!?…])", "", re.sub(r"\( ?\) ?", "", line))
    return re.sub(r"(?<=\w)\.\.(?![.\w])", ".", line).strip()


def sentences(marked: str) -> Iterator[str]:
    """A line's sentences; a part in brackets that holds whole ones is one by itself."""
    start = 0
    for end in stops(marked):
        if end > start:
            yield marked[start:end]
            start = end
    if marked[start:].strip():
        yield marked[start:]


def stops(marked: str) -> Iterator[int]:
    start, quoted = 0, open_at(marked)
    whole = {found.start() for found in MARK.finditer(marked) if ord(found[0]) >= WHOLE_MARK}
    for at in sorted({found.end() for found in STOP.finditer(marked)} | {at + 1 for at in whole}):
        alone = (at - 1) in whole and not marked[start : at - 1].strip()
        if alone or ((at - 1) not in whole and not quoted[at - 1] and ends_at(marked, at)):
            yield at
            start = at


def ends_at(text: str, at: int) -> bool:
    """Whether a sentence ends here: it is no abbreviation or ordinal, and nothing in small letters comes after it."""
    after = re.compile(r"\S").search(text, at)
    return not (after and after[0].islower()) and not NO_END.search(text[max(0, at - LONGEST_WORD) : at])


def open_at(text: str) -> list[bool]:
    """After each letter, whether a bracket or a quotation mark waits for its counterpart."""
    waiting: list[str] = []
    found: list[bool] = []
    for letter in text:
        if waiting and letter == waiting[-1]:
            waiting.pop()
        elif letter == '"' or letter in CLOSERS:
            waiting.append(CLOSERS.get(letter, '"'))
        found.append(bool(waiting))
    return found


def is_whole(inner: str) -> bool:
    """Whether what stands in brackets ends a sentence."""
    inner = inner.rstrip()
    found = re.search(r"[.!?…]+[\"”“’»)]*$", inner)
    return bool(found and has_words(inner) and not NO_END.search(inner))


# -- what an author gets wrong


def problems(text: str, fields: Collection[str]) -> list[str]:
    """What to put right in a text with these fields, a sentence each; empty when it never leaves a hole, whatever is known."""
    return list(dict.fromkeys(told for line in text.splitlines() for told in line_problems(line, fields)))


def line_problems(text: str, fields: Collection[str]) -> Iterator[str]:
    for token in TOKEN.finditer(text):
        name = token[1].strip()
        if name not in fields:
            every = ", ".join(f"{{{one}}}" for one in fields)
            yield _("{%(name)s} is not a field. The fields are: %(every)s.") % {"name": name, "every": every}
        elif token[2] is not None and not has_words(token[2]):
            yield _("Write after the bar in {%(name)s|} the word that stands in for it.") % {"name": name}
    if set("{}") & set(TOKEN.sub("", text)):
        yield _("Each { needs its } in the same line, with the name of a field between them.")
    if re.search(r"\[[^\]]*\[", text):
        yield _("Brackets do not stand within brackets.")
    elif set("[]") & set(BRACKET.sub("", TOKEN.sub("", text))):
        yield _("Each [ needs its ] in the same line.")
    else:
        yield from part_problems(text)


def part_problems(text: str) -> Iterator[str]:
    line = Line.of(text)
    for inner in line.parts.values():
        if not TOKEN.search(inner):
            yield _("[%(part)s] has no field: what stands in brackets is left out where its field is not known.") % {
                "part": inner
            }
    for sentence in sentences(line.marked):
        for mark, inner in line.parts.items():
            ends = is_whole(inner)
            torn = len(list(sentences(TOKEN.sub("X", inner)))) > 1 if not ends else sentence.lstrip()[:1] != mark
            if mark in sentence and torn:
                yield _("[%(part)s] tears a sentence: put a part of one sentence in brackets, or whole sentences.") % {
                    "part": inner
                }


def named(text: str) -> set[str]:
    """Every field that the text has, in brackets or not."""
    return {token[1].strip() for token in TOKEN.finditer(text)}


def needed(text: str) -> set[str]:
    """The fields without which a sentence of the template is left out."""
    return {token[1].strip() for token in TOKEN.finditer(BRACKET.sub("", text)) if token[2] is None}


def says_something(text: str, fields: Mapping[str, str]) -> bool:
    """Whether more than a greeting and a name is left: at least one sentence that ends."""
    return any(line.rstrip('"”“’»)').endswith(tuple(ENDS)) for line in render(text, fields).splitlines())
