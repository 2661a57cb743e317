"""One person of a file, as texts -> checked values. What cannot be read is left out with a sentence, never guessed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..event_types import EMAIL, LANGUAGE
from ..models import Customer, Market
from ..models.customer import CHANNELS
from ..wording import day_short, said_day

LONGEST_NAME, LONGEST_PHONE, LONGEST_EMAIL, LONGEST_NOTE, LONGEST_ORIGIN = 120, 32, 254, 2000, 200
EARLIEST_YEAR = 1900
#: The log begins on this day, in UTC.
EARLIEST_SAID = date(2000, 1, 1)
#: Numbers and addresses of one person beyond these are left out.
MOST_MORE = 10
#: Letters up to which a folded text is kept.
MOST_KEPT = 200

Row = dict[str, Any]


@dataclass
class Draft:
    """A row or card: its texts by field, in the order of the file, the preferred first; or why it could not be read.

    Fields: name, first, middle, last, nickname, company, phone, email, birthday, kind, hotness, language, note,
    consent, consent_origin, consent_on, consent_channels, consent_<channel>, consent_origin_<channel>,
    consent_on_<channel>, stop, added.
    """

    row: int
    texts: dict[str, list[str]] = field(default_factory=dict)
    problem: str = ""

    def first(self, name: str) -> str:
        return next(iter(self.texts.get(name, ())), "")


@dataclass(frozen=True)
class Reader:
    """How values are read: which of day and month comes first between slashes ("dmy", "mdy", "" not known)."""

    order: str
    today: date


# --- Texts ------------------------------------------------------------------------------------------------------------


def one_line(text: str) -> str:
    """Without control and invisible letters, which phones copy along, and with single blanks."""
    return " ".join("".join(shown(letter) for letter in text).split())


def shown(letter: str) -> str:
    category = unicodedata.category(letter)
    if category in {"Cf", "Cs"}:
        return ""
    return " " if category in {"Cc", "Zl", "Zp", "Zs"} else letter


def many_lines(text: str) -> str:
    return "\n".join(one_line(line) for line in text.splitlines()).strip()


def folded(text: str) -> str:
    """Lower case without accents and punctuation: how headings, choices and names are compared."""
    # What is longer is nobody's name and no choice, and would be kept for ever.
    return folded_short(text) if len(text) <= MOST_KEPT else without_accents(text)


@lru_cache(maxsize=4096)
def folded_short(text: str) -> str:
    return without_accents(text)


def without_accents(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[\W_]+", " ", plain).split())


# --- The whole row ----------------------------------------------------------------------------------------------------


def checked(draft: Draft, reader: Reader) -> Row:
    """The row as it is kept until she says so: values, consents, and sentences about what is left out."""
    row: Row = {"row": draft.row, "name": name_of(draft), "problem": draft.problem, "left_out": []}
    if not row["problem"]:
        row["problem"] = name_problem(row["name"])
    row["name"] = row["name"][:LONGEST_NAME]
    if row["problem"]:
        return row
    said: list[str] = row["left_out"]
    told = [many_lines(text) for text in draft.texts.get("note", ())]
    dated, notes = [one for text in told for one in dated_notes(text)], [undated(text) for text in told]
    row["phone"] = main_and_more(phones(draft, said), _("More numbers: %(list)s"), notes, said)
    row["email"] = main_and_more(emails(draft, said), _("More addresses: %(list)s"), notes, said)
    row["birthday"] = birthday(draft.first("birthday"), reader, notes, said)
    row["kind"] = choice(draft.first("kind"), kinds(), _("“%(text)s” is left out: write customer or prospect."), said)
    row["hotness"] = choice(
        draft.first("hotness"), interests(), _("“%(text)s” is left out: write hot, warm, cool or cold."), said
    )
    row["language"] = language(draft.first("language"), said)
    row["consents"] = consents(draft, reader, said)
    row["note"] = note("\n".join(text for text in notes if text), said)
    row["dated_notes"] = [[day, note(text, said)] for day, text in dated]
    row["added"] = past_day(draft.first("added"), reader)
    return row


def name_of(draft: Draft) -> str:
    """The whole name, else first, middle and last, else the nickname or the company."""
    parts = [draft.first(part) for part in ("first", "middle")] + draft.texts.get("last", [])
    for text in (draft.first("name"), " ".join(parts), draft.first("nickname"), draft.first("company")):
        if found := one_line(text):
            return found
    return ""


def name_problem(name: str) -> str:
    # Letters, digits or pictures; a dash or a comma is nobody's name.
    if not any(unicodedata.category(letter)[0] in "LNS" for letter in name):
        return _("There is no name.")
    if len(name) > LONGEST_NAME:
        return _("The name is longer than %(n)s letters.") % {"n": LONGEST_NAME}
    return ""


def main_and_more(values: list[str], label: str, notes: list[str], said: list[str]) -> str:
    """The first one; further ones are kept in the note, so that nothing is lost."""
    if len(values) > MOST_MORE:
        said.append(_("More than %(n)s numbers or addresses are left out.") % {"n": MOST_MORE})
    if more := values[1:MOST_MORE]:
        notes.append(label % {"list": ", ".join(more)})
    return values[0] if values else ""


def note(text: str, said: list[str]) -> str:
    if len(text) > LONGEST_NOTE:
        said.append(_("Only the first %(n)s letters of the note are kept.") % {"n": LONGEST_NOTE})
    return text[:LONGEST_NOTE]


#: How our own table (exporting.py) begins each note.
DATED = re.compile(r"^\[(\d{4}-\d\d-\d\d)\] ", re.ASCII | re.MULTILINE)


def dated_notes(text: str) -> list[tuple[str, str]]:
    """The notes that begin with a day, [2026-08-27], each with it."""
    _first, *parts = DATED.split(text)
    found = zip(parts[::2], parts[1::2], strict=True)
    return [(day, said.strip()) for day, said in found if said.strip()]


def undated(text: str) -> str:
    return DATED.split(text)[0].strip()


# --- Phone, e-mail ----------------------------------------------------------------------------------------------------

#: What is written in phone numbers, with "ext" or "x" before an extension.
DIALLED = re.compile(r"[\d\s()+\-./*#,]*(ext\.?|x)?[\s\d]*", re.IGNORECASE)
#: 4.91711E+11: a spreadsheet took the number for an amount and forgot its last digits.
SHORTENED = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)


def phones(draft: Draft, said: list[str]) -> list[str]:
    found: dict[str, str] = {}
    for text in draft.texts.get("phone", ()):
        value = one_line(text).removeprefix("'").strip()
        if not value:
            continue
        if sentence := phone_problem(value):
            said.append(sentence)
        else:
            found.setdefault(digits(value), value)
    return list(found.values())


def phone_problem(value: str) -> str:
    if SHORTENED.fullmatch(value):
        return _("The phone number %(text)s is left out: a spreadsheet shortened it.") % {"text": value}
    if len(value) > LONGEST_PHONE or not DIALLED.fullmatch(value) or sum(map(str.isdigit, value)) < 3:
        return _("“%(text)s” is left out: it is not a phone number.") % {"text": value[:40]}
    return ""


def digits(phone: str) -> str:
    """What tells a number from another: digits without the international prefix and the 0 of the trunk."""
    bare = re.sub(r"\D", "", re.sub(r"\(0\)", "", phone.split("x")[0].split("ext")[0]))
    return bare.lstrip("0") or bare


def emails(draft: Draft, said: list[str]) -> list[str]:
    found: dict[str, str] = {}
    for text in draft.texts.get("email", ()):
        value = one_line(text)
        if not value:
            continue
        if len(value) > LONGEST_EMAIL or not EMAIL.fullmatch(value):
            said.append(_("“%(text)s” is left out: it is not an e-mail address.") % {"text": value[:40]})
        else:
            found.setdefault(value.casefold(), value)
    return list(found.values())


# --- Birthday ---------------------------------------------------------------------------------------------------------

ISO_DAY = re.compile(r"(\d{4})[-/.]?(\d\d)[-/.]?(\d\d)([T ].*)?")
NO_YEAR = re.compile(r"--(\d\d)-?(\d\d)")
PARTED = re.compile(r"(\d{1,2})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{4}|\d\d)( 0?0:00(:00)?)?")
#: What programs write for no date.
NO_DAY = re.compile(r"[0./: -]*")


def birthday(text: str, reader: Reader, notes: list[str], said: list[str]) -> str:
    """The day as ISO text, empty when there is none or it cannot be told for certain."""
    text = one_line(text)
    if NO_DAY.fullmatch(text):
        return ""
    if found := NO_YEAR.fullmatch(text):
        return without_year(int(found[1]), int(found[2]), text, notes, said)
    days = readings(text, reader)
    if len(days) == 1 and days[0].year >= EARLIEST_YEAR and days[0] <= reader.today:
        return days[0].isoformat()
    if len(days) == 2:
        both = {"text": text, "one": said_day(days[0]), "other": said_day(days[1])}
        said.append(_("Birthday %(text)s is left out: it can be %(one)s or %(other)s. Write it as 1990-12-31.") % both)
    else:
        said.append(_("Birthday “%(text)s” is left out: write it as 1990-12-31.") % {"text": text[:40]})
    return ""


def without_year(month: int, day: int, text: str, notes: list[str], said: list[str]) -> str:
    try:
        spoken = day_short(date(2000, month, day))
    except ValueError:
        said.append(_("Birthday “%(text)s” is left out: write it as 1990-12-31.") % {"text": text})
        return ""
    said.append(_("Birthday %(day)s has no year: it is kept as a note.") % {"day": spoken})
    notes.append(_("Birthday: %(day)s") % {"day": spoken})
    return ""


def readings(text: str, reader: Reader) -> list[date]:
    """Every day that the text can mean: none, one, or two."""
    if found := ISO_DAY.fullmatch(text):
        return valid([(int(found[1]), int(found[2]), int(found[3]))])
    found = PARTED.fullmatch(text)
    if found is None:
        return []
    one, mark, other, year = int(found[1]), found[2], int(found[3]), whole_year(found[4], reader.today)
    if year is None:
        return []
    days = valid([(year, other, one)] if mark == "." else [(year, other, one), (year, one, other)])
    if len(days) == 2 and reader.order:
        return days[:1] if reader.order == "dmy" else days[1:]
    return days


def valid(parts: Iterable[tuple[int, int, int]]) -> list[date]:
    days = []
    for year, month, day in parts:
        try:
            days.append(date(year, month, day))
        except ValueError:
            continue
    return list(dict.fromkeys(days))


def whole_year(text: str, today: date) -> int | None:
    """Two digits mean the 1900s where nobody can be born yet in the 2000s; otherwise they can mean both."""
    if len(text) == 4:
        return int(text)
    return 1900 + int(text) if int(text) > today.year % 100 else None


def slashed_order(texts: Iterable[str], market: Market) -> str:
    """Which comes first between slashes: what the market writes, unless days of the file beyond 12 say otherwise.

    Where the file contradicts its market, or itself, nobody can tell: "".
    """
    seen = set()
    for text in texts:
        found = PARTED.fullmatch(one_line(text))
        if found and found[2] != "." and (int(found[1]) > 12) != (int(found[3]) > 12):
            seen.add("dmy" if int(found[1]) > 12 else "mdy")
    usual = written_order(market)
    if usual:
        seen.add(usual)
    return seen.pop() if len(seen) == 1 else ""


def read_by_order(texts: Iterable[str], reader: Reader) -> bool:
    """Whether a day of these could be two, and is read as one by the order of day and month: 03/04/1985."""
    return bool(reader.order) and any(len(readings(one_line(text), Reader("", reader.today))) == 2 for text in texts)


def written_order(market: Market) -> str:
    """How a short date is written in the market's language there; "" where the language alone does not say (English)."""
    language, _sep, region = market.language.replace("_", "-").partition("-")
    for place in (region, market.code):
        if order := order_of(language, place.upper()):
            return order
    return "" if language == "en" else order_of(language, "")


def order_of(language: str, territory: str) -> str:
    try:
        locale = Locale(language, territory or None)
    except (UnknownLocaleError, ValueError, TypeError):
        return ""
    if territory == "" and language == "en":
        return ""
    order = "".join(dict.fromkeys(re.findall("[dMy]", locale.date_formats["short"].pattern))).lower()
    return order if order in {"dmy", "mdy"} else ""


# --- Choices ----------------------------------------------------------------------------------------------------------


def spelled(**words: str) -> dict[str, str]:
    return {word: value for value, line in words.items() for word in line.split("|")}


KINDS = spelled(
    customer="customer|client|kunde|kundin|kundschaft|bestandskunde|cliente|clienta",
    prospect="prospect|lead|interessent|interessentin|interessiert|neukontakt|prospecto|interesado|interesada|contacto",
)
HOTNESS = spelled(
    hot="hot|high|heiss|hoch|caliente|muy alto|muy interesado|muy interesada", warm="warm|medium|mittel|calido|alto|templado",
    cool="cool|low|kuhl|niedrig|tibio|medio|fresco", cold="cold|none|kalt|frio|bajo|ninguno",
)  # fmt: skip
YES = frozenset(
    [
        "yes",
        "y",
        "true",
        "1",
        "x",
        "given",
        "agreed",
        "opt in",
        "ja",
        "j",
        "wahr",
        "erteilt",
        "si",
        "s",
        "verdadero",
        "dado",
        "concedido",
    ]
)
NO = frozenset(
    [
        "no",
        "n",
        "false",
        "0",
        "withdrawn",
        "refused",
        "opt out",
        "nein",
        "falsch",
        "widerrufen",
        "abgelehnt",
        "falso",
        "retirado",
    ]
)
UNKNOWN = frozenset(["unknown", "unbekannt", "desconocido"])
CHANNEL_WORDS = spelled(
    call="call|calls|phone|telephone|anruf|anrufe|telefon|llamada|llamadas|telefono",
    text="text|texts|sms|text message|message|mensaje|mensajes", whatsapp="whatsapp|whats app",
    email="email|e mail|mail|emails|correo|correo electronico", all="all|any|every channel|alle|alles|todo|todos",
)  # fmt: skip


def in_every_language(labels: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """What our own pages and tables call each value -> the value. `labels` are translated when they are read."""
    labels, found = list(labels), dict[str, str]()
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found |= {folded(str(label)): value for value, label in labels}
    return found


@lru_cache(maxsize=1)
def kinds() -> dict[str, str]:
    return in_every_language(Customer.Kind.choices) | KINDS


@lru_cache(maxsize=1)
def interests() -> dict[str, str]:
    return in_every_language(Customer.Hotness.choices) | HOTNESS


@lru_cache(maxsize=1)
def states() -> dict[str, str]:
    own = [("given", gettext_lazy("Given")), ("given", gettext_lazy("Yes")), ("withdrawn", gettext_lazy("Withdrawn"))]
    return in_every_language(own) | dict.fromkeys(YES, "given") | dict.fromkeys(NO, "withdrawn")


def choice(text: str, words: dict[str, str], otherwise: str, said: list[str]) -> str:
    plain = folded(text)
    if one_line(text) and plain not in words:
        said.append(otherwise % {"text": one_line(text)[:40]})
    return words.get(plain, "")


def language(text: str, said: list[str]) -> str:
    """A code (de, es-MX) or a language's name in English, German or Spanish."""
    plain = one_line(text).replace("_", "-")
    if not plain:
        return ""
    if len(plain) <= 12 and LANGUAGE.fullmatch(plain) and plain.split("-")[0].lower() in language_codes():
        return plain
    code = languages_by_name().get(folded(plain), "")
    if not code:
        said.append(_("The language “%(text)s” is left out: it is not known.") % {"text": plain[:40]})
    return code


@lru_cache(maxsize=1)
def language_codes() -> frozenset[str]:
    return frozenset(Locale("en").languages)


@lru_cache(maxsize=1)
def languages_by_name() -> dict[str, str]:
    codes = [code for code in Locale("en").languages if len(code) <= 3]
    spoken = {folded(Locale(own).languages[own]): own for own in ("de", "en", "es", "fr", "it", "pt", "nl", "pl", "tr")}
    readers = [Locale(reader) for reader in ("es", "de", "en")]
    names = {folded(reader.languages[code]): code for reader in readers for code in codes if code in reader.languages}
    return names | spoken


# --- Consent: only what the file says, with how it is known ------------------------------------------------------------


def consents(draft: Draft, reader: Reader, said: list[str]) -> list[Row]:
    """[{channel, state, origin, on}]. A refusal always counts; consent only with its origin. `on` is a day, or an instant."""
    found = []
    for channel, state in consent_states(draft, said).items():
        origin = one_line(draft.first(f"consent_origin_{channel}") or draft.first("consent_origin"))[:LONGEST_ORIGIN]
        found.append({"channel": channel, "state": state, "origin": origin})
    if any(one["state"] == "given" and not one["origin"] for one in found):
        said.append(_("Consent is not recorded: the file does not say how it was given."))
    whole = consent_day(draft.first("consent_on"), reader, said)
    kept = [one for one in found if one["state"] == "withdrawn" or one["origin"]]
    return [
        one | {"on": consent_day(draft.first(f"consent_on_{one['channel']}"), reader, said) or whole} for one in kept
    ]


def consent_states(draft: Draft, said: list[str]) -> dict[str, str]:
    whole = state(draft.first("consent"), said)
    found = dict.fromkeys(channels(draft.first("consent_channels"), said) or ["all"], whole) if whole else {}
    for channel in CHANNELS:
        if own := state(draft.first(f"consent_{channel}"), said):
            found[channel] = own
    if state(draft.first("stop"), said) == "given":
        # Where each way says so itself, each has its own day.
        each = {channel: found[channel] for channel in CHANNELS if found.get(channel) == "withdrawn"}
        return each if len(each) == len(CHANNELS) else {"all": "withdrawn"}
    return found


def state(text: str, said: list[str]) -> str:
    plain = folded(text)
    if plain in states():
        return states()[plain]
    if one_line(text) and plain not in UNKNOWN:
        sentence = _("“%(text)s” is not read as consent: write yes or no.") % {"text": one_line(text)[:40]}
        said.append(sentence)
    return ""


def channels(text: str, said: list[str]) -> list[str]:
    otherwise = _("“%(text)s” is left out: write call, text, WhatsApp or e-mail.")
    named = [choice(part, CHANNEL_WORDS, otherwise, said) for part in re.split(r"[,;/|&+]|:::", text)]
    return list(dict.fromkeys(name for name in named if name))


#: As our own table writes when something was said.
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def consent_day(text: str, reader: Reader, said: list[str]) -> str:
    text = one_line(text)
    if NO_DAY.fullmatch(text):
        return ""
    if day := past_day(text, reader):
        return text if INSTANT.fullmatch(text) else day
    said.append(_("The day of consent “%(text)s” is left out: write it as 2026-01-31.") % {"text": text[:40]})
    return ""


def past_day(text: str, reader: Reader) -> str:
    """The day as ISO text when it can be told for certain, is past, and is one on which something can have happened here."""
    text = one_line(text)
    days, latest = readings(text, reader), reader.today
    if INSTANT.fullmatch(text):
        at = instant(text)
        # Told in UTC, where her day may have ended.
        days, latest = [at.date()] if at else [], reader.today + timedelta(days=1)
    return days[0].isoformat() if len(days) == 1 and EARLIEST_SAID < days[0] <= latest else ""


def instant(text: str) -> datetime | None:
    """An INSTANT, unless there is no such time."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
