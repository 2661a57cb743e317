"""CSV of spreadsheets, Google and Outlook -> drafts, one a row, numbered as the spreadsheet numbers them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from .. import exporting
from .files import MOST_ROWS, Contents, FileError, too_long
from .values import Draft, folded, one_line

SEPARATORS = ",;\t"
#: A cell never is longer: a quotation mark that is not closed would swallow the rest of the file.
LONGEST_CELL = 131_072
MOST_COLUMNS = 500

#: Headings, folded, in English, German and Spanish, of spreadsheets and of the exports of Google, Outlook and Apple.
HEADINGS: dict[str, str] = {
    "name": "name|full name|display name|contact name|customer name|vollstandiger name|anzeigename|kontaktname|"
    "nombre completo|nombre y apellidos",
    "first": "first name|given name|firstname|forename|vorname|nombre de pila|primer nombre",
    "middle": "middle name|additional name|weitere vornamen|zweiter vorname|segundo nombre",
    "last": "last name|family name|surname|lastname|nachname|familienname|zuname|apellido|apellidos|primer apellido|"
    "segundo apellido",
    "nickname": "nickname|spitzname|apodo",
    "company": "company|company name|organization name|organisation|organization|organization 1 name|firma|unternehmen|"
    "empresa|organizacion",
    "mobile": "mobile|mobile phone|mobile number|cell|cell phone|cellphone|iphone|whatsapp|handy|handynummer|mobil|"
    "mobiltelefon|mobilnummer|movil|telefono movil|celular|telefono celular",
    "phone": "phone|phones|phone number|telephone|tel|home phone|business phone|work phone|other phone|primary phone|"
    "main phone|home phone 2|business phone 2|mobile phone 2|telefon|telefonnummer|telefon privat|telefon privat 2|"
    "telefon geschaftlich|telefon geschaftlich 2|weiteres telefon|festnetz|rufnummer|haupttelefon|telefono|"
    "numero de telefono|telefono particular|telefono particular 2|telefono del trabajo|telefono del trabajo 2|"
    "telefono principal|otro telefono",
    "email": "e mail|email|mail|e mail privat|e mail geschaftlich|emailadresse|correo|correo electronico|"
    "direccion de correo|direccion de correo electronico|direccion de correo electronico 2|"
    "direccion de correo electronico 3|correo electronico 2",
    "birthday": "birthday|birthdate|birth date|date of birth|dob|bday|geburtstag|geburtsdatum|cumpleanos|nacimiento|"
    "fecha de nacimiento",
    "kind": "kind|contact type|customer or prospect|art|kontaktart|kunde oder interessent|tipo|tipo de contacto|"
    "cliente o interesado",
    "hotness": "interest|interest level|hotness|interesse|interes",
    "language": "language|sprache|idioma",
    "note": "note|notes|comment|comments|notiz|notizen|anmerkung|anmerkungen|bemerkung|bemerkungen|kommentar|nota|notas|"
    "comentario|comentarios|observaciones",
    "consent": "consent|consent given|opt in|einwilligung|zustimmung|consentimiento",
    "consent_origin": "consent origin|consent source|how consent was given|how they agreed|herkunft der einwilligung|"
    "einwilligung herkunft|einwilligung durch|origen del consentimiento",
    "consent_on": "consent date|consent day|agreed on|datum der einwilligung|einwilligung am|einwilligung datum|"
    "fecha del consentimiento",
    "consent_channels": "consent channel|consent channels|channels|wege der einwilligung|einwilligung wege|"
    "einwilligung fur|canales del consentimiento|consentimiento para",
    "consent_call": "consent call|consent calls|consent phone|einwilligung anruf|einwilligung telefon|"
    "consentimiento llamadas|consentimiento telefono",
    "consent_text": "consent text|consent sms|einwilligung sms|consentimiento sms",
    "consent_whatsapp": "consent whatsapp|einwilligung whatsapp|consentimiento whatsapp",
    "consent_email": "consent email|consent e mail|einwilligung e mail|einwilligung email|consentimiento correo|"
    "consentimiento email",
    "stop": "do not contact|unsubscribed|nicht kontaktieren|abgemeldet|no contactar",
}
FIELDS = {word: name for name, line in HEADINGS.items() for word in line.split("|")}
#: Headings that say customer or prospect where no other column does.
KIND_AS_WELL = frozenset({"type", "typ", "status", "estado"})

NUMBERED = (
    (re.compile(r"(phone|telefon|telefono)( number)? \d{1,2}( value)?"), "phone"),
    (re.compile(r"e ?mail( address| adresse| value)?( \d{1,2})?( address| adresse| value)?"), "email"),
)
#: "Phone 1 - Label" of Google says what "Phone 1 - Value" is.
LABEL = re.compile(r"(phone \d{1,2}) (?:type|label)")
VALUE = re.compile(r"(phone \d{1,2}) value")
MOBILE = re.compile(r"mobil|cell|handy|movil|iphone|main|whatsapp")
NO_VOICE = re.compile(r"fax|pager|beeper")
#: Google puts several values into one cell.
SEVERAL = " ::: "

#: A small file to begin with, in the words of each language; read back by a test.
EXAMPLES = {
    "en": (
        "Name,Phone,E-mail,Birthday,Kind,Interest,Language,Note,Consent,Consent channels,Consent origin",
        "Maya Example,+1 555 0100,maya@example.com,1990-04-03,customer,,en,Likes to be called in the evening,yes,"
        '"text, email",Order form of May 2026',
        "Ana Example,,ana@example.com,,prospect,warm,es,,,,",
    ),
    "de": (
        "Name;Telefon;E-Mail;Geburtstag;Art;Interesse;Sprache;Notiz;Einwilligung;Wege der Einwilligung;"
        "Herkunft der Einwilligung",
        "Maja Beispiel;+49 171 5550100;maja@example.com;03.04.1990;Kundin;;de;Am liebsten abends anrufen;ja;SMS, E-Mail;"
        "Bestellschein vom Mai 2026",
        "Ana Beispiel;;ana@example.com;;Interessentin;warm;es;;;;",
    ),
    "es": (
        "Nombre completo;Teléfono;Correo electrónico;Cumpleaños;Tipo;Interés;Idioma;Nota;Consentimiento;"
        "Canales del consentimiento;Origen del consentimiento",
        "Maya Ejemplo;+34 600 555 010;maya@example.com;03/04/1990;clienta;;es;Prefiere llamadas por la tarde;sí;"
        "SMS, correo;Formulario de pedido de mayo de 2026",
        "Ana Ejemplo;;ana@example.com;;interesada;alto;es;;;;",
    ),
}  # fmt: skip


def example(language: str) -> bytes:
    """With the mark by which Excel knows UTF-8."""
    lines = EXAMPLES.get(language.split("-")[0], EXAMPLES["en"])
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8-sig")


@dataclass(frozen=True)
class Layout:
    """How a file is written: its separator, the line of its headings, and what each column is ("" not brought)."""

    separator: str
    headings: list[str]
    fields: list[str]
    labels: dict[int, int]  # column of a phone -> column that says what phone it is


def read_table(text: str) -> Contents:
    """Raises FileError for a file whose separator or columns cannot be told."""
    text, separators = stated_separator(text)
    layout = layout_of(text, separators)
    drafts, filled = list[Draft](), set[int]()
    for number, cells in records(text, layout.separator):
        if number == 1 or (isinstance(cells, list) and not any(cell.strip() for cell in cells)):
            continue
        if len(drafts) >= MOST_ROWS:
            raise FileError(too_long())
        if isinstance(cells, str):
            drafts.append(Draft(number, problem=cells))
            continue
        filled |= {at for at, cell in enumerate(cells) if cell.strip()}
        drafts.append(draft_of(number, cells, layout))
    if not drafts:
        raise FileError(_("The file has headings, but nobody below them."))
    kept = {label for at, label in layout.labels.items()}
    unread = [one_line(heading)[:60] for at, heading in enumerate(layout.headings)
              if not layout.fields[at] and at in filled and at not in kept]  # fmt: skip
    return Contents(drafts, unread=list(dict.fromkeys(unread)))


def stated_separator(text: str) -> tuple[str, str]:
    """Excel's own first line "sep=;" settles the separator."""
    text = text.lstrip("\r\n")
    found = re.match(r'"?sep=([,;\t])"?\r?\n?', text, re.IGNORECASE)
    return (text[found.end() :], found[1]) if found else (text, SEPARATORS)


def layout_of(text: str, separators: str) -> Layout:
    """The separator by which most headings are known. Two that are equally good are not chosen between."""
    found = [
        (known(headings), separator, headings)
        for separator in separators
        if (headings := first_record(text, separator))
    ]
    most = max((n for n, _separator, _headings in found), default=0)
    if not most:
        raise FileError(
            _(
                "The first row names no column that is known here. It needs at least the headings Name and Phone or E-mail."
            )
        )
    best = [(separator, headings) for n, separator, headings in found if n == most]
    widths = {len(headings) for _separator, headings in best}
    if widths == {1}:
        best = best[:1] if len(separators) == 1 else [(unused_separator(text, separators), best[0][1])]
    if len(best) > 1:
        raise FileError(_("The columns are separated in two ways. Save the file again with commas only."))
    separator, headings = best[0]
    if len(headings) > MOST_COLUMNS:
        raise FileError(_("The file has more than %(n)s columns.") % {"n": MOST_COLUMNS})
    return named(separator, headings)


def unused_separator(text: str, separators: str) -> str:
    """One column needs no separator: a comma in it belongs to the text."""
    return min(separators, key=text.count)


def known(headings: list[str]) -> int:
    return sum(bool(field_of(folded(heading))) for heading in headings[:MOST_COLUMNS])


def first_record(text: str, separator: str) -> list[str]:
    for _number, cells in records(text, separator):
        return cells if isinstance(cells, list) else []
    return []


@lru_cache(maxsize=1)
def own_fields() -> dict[str, str]:
    """The headings of our own table, in every language."""
    found: dict[str, str] = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found |= {folded(heading): name for name, heading in exporting.headings().items()}
    return {heading: name for heading, name in found.items() if name not in exporting.COUNTED}


def field_of(heading: str) -> str:
    if heading in FIELDS:
        return FIELDS[heading]
    if heading in own_fields():
        return own_fields()[heading]
    if heading == "nombre":
        return "name"
    if heading in KIND_AS_WELL:
        return "kind"
    return next((name for pattern, name in NUMBERED if pattern.fullmatch(heading)), "")


def named(separator: str, headings: list[str]) -> Layout:
    """What each column is, once all are seen: beside a first name, a "Name" is the last one ("Vorname; Name")."""
    plain = [folded(heading) for heading in headings]
    fields = [field_of(heading) for heading in plain]
    if any(FIELDS.get(heading) == "kind" for heading in plain):
        fields = ["" if heading in KIND_AS_WELL else name for heading, name in zip(plain, fields, strict=True)]
    if "last" in fields and "first" not in fields:
        fields = ["first" if name == "name" else name for name in fields]
    elif "first" in fields and "last" not in fields:
        fields = ["last" if name == "name" else name for name in fields]
    if not {"name", "first", "last", "nickname", "company"} & set(fields):
        raise FileError(_("No column is called Name: add that heading and bring the file again."))
    places = {found[1]: at for at, heading in enumerate(plain) if (found := LABEL.fullmatch(heading))}
    labels = {at: places[found[1]] for at, heading in enumerate(plain)
              if (found := VALUE.fullmatch(heading)) and found[1] in places}  # fmt: skip
    return Layout(separator, headings, fields, labels)


def records(text: str, separator: str) -> Iterator[tuple[int, list[str] | str]]:
    """Rows as a spreadsheet numbers them, the headings being 1; a sentence for one that is not CSV."""
    csv.field_size_limit(LONGEST_CELL)
    reader: Any = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    while True:
        number += 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield number, _("A quotation mark in this row is not closed or stands in the wrong place.")


def draft_of(number: int, cells: list[str], layout: Layout) -> Draft:
    while len(cells) > len(layout.headings) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) != len(layout.headings):
        counts = {"n": len(cells), "all": len(layout.headings)}
        return Draft(number, problem=_("The row has %(n)s cells, the first row has %(all)s.") % counts)
    draft, landlines = Draft(number), list[str]()
    for at, (name, cell) in enumerate(zip(layout.fields, cells, strict=True)):
        if not name or not cell.strip():
            continue
        label = folded(cells[layout.labels[at]]) if at in layout.labels else ""
        if NO_VOICE.search(label):
            continue
        cell = exporting.plain_cell(cell)
        values = cell.split(SEVERAL) if name in {"phone", "mobile", "email"} else [cell]
        if name == "phone" and not MOBILE.search(label):
            landlines += values
        else:
            draft.texts.setdefault("phone" if name == "mobile" else name, []).extend(values)
    if landlines:
        draft.texts.setdefault("phone", []).extend(landlines)
    return draft
