"""Files of contacts, as programs export them."""

from __future__ import annotations

from typing import Any

from distributors.contact_import import importing
from distributors.contact_import.importing import Line, Wish
from distributors.models import ContactImport, Distributor
from tests import factories as make

GOOGLE = (
    "First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,Name Prefix,Name Suffix,"
    "Nickname,File As,Organization Name,Organization Title,Organization Department,Birthday,Notes,Photo,Labels,"
    "E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,"
    "Phone 2 - Label,Phone 2 - Value\r\n"
    'Maya,,Ortiz,,,,,,,,,,,1990-04-03,"Sister of Ana,\nlikes evenings",,* myContacts,* ,maya@example.com,Work,'
    "maya@work.example,Home,+1 555-0100,Mobile,+1 555-0199 ::: +1 555-0198\r\n"
    "Tess,,,,,,,,,,,,, --07-14,,,* myContacts,,,,,Work Fax,+1 555-0111,,\r\n"
)

OUTLOOK = (
    "First Name,Middle Name,Last Name,Title,Suffix,Company,E-mail Address,E-mail 2 Address,Home Phone,Business Phone,"
    "Mobile Phone,Business Fax,Birthday,Anniversary,Notes,Language,Categories\r\n"
    "Jürgen,,Müller,,,,juergen@example.com,,030 5550101,,0171 5550100,030 5550102,12/25/1980,0/0/00,,,\r\n"
    '"Ana","María","López",,,Kiosk,ana@example.com,ana2@example.com,,,,,0/0/00,0/0/00,"",Spanish,\r\n'
)

IPHONE = """BEGIN:VCARD
VERSION:3.0
PRODID:-//Apple Inc.//iPhone OS 17.5//EN
N:Ortiz;Maya;;;
FN:Maya Ortiz
EMAIL;type=INTERNET;type=HOME;type=pref:maya@example.com
TEL;type=HOME;type=VOICE:(555) 555-0100
TEL;type=CELL;type=VOICE;type=pref:\u202a+1 (555) 555-0199\u202c
item1.TEL:+1 555 555 0122
item1.X-ABLabel:_$!<Assistant>!$_
BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-03
NOTE:Likes evenings\\, not mornings.\\nSister of Ana.
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAASABIAAD/4QBMRXhpZgAATU0AKgAAAAgA
 AgESAAMAAAABAAEAAIdpAAQAAAABAAAAJgAAAAAAAqACAAQAAAABAAAAQKADAAQAAAABAAAAQAAAAA
END:VCARD
BEGIN:VCARD
VERSION:3.0
N:Marsh;Tess;;;
FN:Tess Marsh
BDAY:1985-12-31
END:VCARD
""".replace("\n", "\r\n")


def lines_of(distributor: Distributor, content: bytes | str) -> list[Line]:
    return importing.compare(distributor, brought(distributor, content).rows)


def brought(distributor: Distributor, content: bytes | str) -> ContactImport:
    content = content.encode() if isinstance(content, str) else content
    return importing.read(distributor=distributor, content=content, file_name="contacts.csv", as_of=make.NOW)


def only(distributor: Distributor, content: bytes | str) -> dict[str, Any]:
    """The one row of a file."""
    (line,) = lines_of(distributor, content)
    return line.row


def add(distributor: Distributor, content: bytes | str, **wish: Any) -> importing.Added:
    done = importing.add(
        distributor=distributor, pk=brought(distributor, content).pk, wish=Wish(**wish), by=None, as_of=make.NOW
    )
    assert done is not None
    return done
