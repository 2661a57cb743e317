"""What she is about to send, looked at: claims that no message may make, its length, and the ways that are open to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from distributors import outreach as reaching
from distributors.models import Customer, Market
from distributors.wording import day_near

from ..models import BlockedPhrase, Outreach
from . import phrases

#: How a message can go; a call is none.
MESSAGES = ("text", "whatsapp", "email")
#: Beside the share sheet, WhatsApp has a sign of its own.
ICONS = {"whatsapp": "chat"}
#: Ways that leave the app to her: her phone's share sheet, and the clipboard.
OPEN_WAYS = ("share", "copy")
MOST = Outreach._meta.get_field("text").max_length or 2000
MOST_SUBJECT = 120

# GSM 03.38: what fits 160 to a text message; with anything else in it, 70.
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_TWICE = frozenset("^{}\\[~]|€")


@dataclass(frozen=True)
class Part:
    """A piece of the text; `mark` when it is one of the claims."""

    text: str
    mark: bool = False


@dataclass(frozen=True)
class Told:
    """A claim and what to do about it."""

    text: str
    kind: str
    instead: str


@dataclass(frozen=True)
class Way:
    """A button of the sheet. Without `url` it is the share sheet or the clipboard."""

    channel: str
    icon: str
    label: str
    url: str = ""


@dataclass(frozen=True)
class Checked:
    """`problem` is the one sentence why it cannot go; then there are no ways."""

    text: str
    subject: str
    problem: str
    claims: list[Told]
    parts: list[Part]
    length: str
    ways: list[Way]
    consent: str
    linkless: bool = False  # what was to go along is not in the text


def checked(*, customer: Customer, market: Market, text: str, subject: str, address: str = "") -> Checked:
    """The message as it would go out now. Claims and a person who may not be written to leave no way open.

    Claims of every language count: she may write in another one than she says. `address` is that of the link which goes along.
    """
    text = tidy(text)
    found = phrases.found(text, "") if len(text) <= MOST else []
    in_subject = phrases.found(subject, "") if 0 < len(subject) <= MOST_SUBJECT else []
    allowed = writable(customer, market)
    problem = problem_of(customer, allowed, text, subject)
    ways = [] if problem or found or in_subject else ways_of(customer, market, text, subject)
    return Checked(
        text=text, subject=subject, problem=problem,
        claims=[told(claim) for claim in (*in_subject, *found)],
        parts=parts_of(text, found), length=length_of(text, ways), ways=ways,
        consent=consent_of(customer, allowed) if ways else "", linkless=address not in text,
    )  # fmt: skip


def tidy(text: str) -> str:
    """Line ends as everywhere but in forms, and nothing that PostgreSQL refuses."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").strip()


def writable(customer: Customer, market: Market) -> frozenset[str]:
    return reaching.reachable(customer, market) & set(MESSAGES)


def problem_of(customer: Customer, allowed: frozenset[str], text: str, subject: str) -> str:
    """Why it cannot go to anybody, or to her. Empty when it can."""
    said = {"name": customer.given_name}
    if customer.do_not_contact:
        return _("%(name)s asked not to be contacted. Your words are kept here.") % said
    if not allowed:
        return _("There is no consent on record to write to %(name)s. Your words are kept here.") % said
    if not text:
        return _("Write a few words first.")
    if len(text) > MOST:
        over = len(text) - MOST
        return ngettext(
            "%(n)s letter over. %(most)s fit.", "%(n)s letters over. %(most)s fit.", over,
        ) % {"n": over, "most": MOST}  # fmt: skip
    if len(subject) > MOST_SUBJECT:
        return _("The subject is too long. %(most)s letters are possible.") % {"most": MOST_SUBJECT}
    return ""


def closed(customer: Customer, market: Market, today: date) -> str:
    """Why nothing can be written to the customer at all, with the day it was said. Empty when something can."""
    if writable(customer, market):
        return ""
    said = [
        one for one in reaching.consents(customer) if one.state == "withdrawn" and one.channel in MESSAGES and one.at
    ]
    last = max((one.at for one in said if one.at), default=None)
    told = {"name": customer.given_name, "day": day_near(market.local_day(last), today) if last else ""}
    if customer.do_not_contact:
        if last:
            return _("On %(day)s %(name)s asked not to be contacted.") % told
        return _("%(name)s asked not to be contacted.") % told
    if len(said) == len(MESSAGES):
        return _("On %(day)s %(name)s asked not to be written to.") % told
    return _("There is no consent on record to write to %(name)s.") % told


def told(claim: Any) -> Told:
    return Told(claim.text, str(BlockedPhrase.Kind(claim.kind).label), claim.instead)


def parts_of(text: str, claims: list[phrases.Claim]) -> list[Part]:
    """The text cut at its claims."""
    parts, at = [], 0
    for claim in claims:
        parts += [Part(text[at : claim.start]), Part(text[claim.start : claim.end], mark=True)]
        at = claim.end
    return [part for part in (*parts, Part(text[at:])) if part.text]


def ways_of(customer: Customer, market: Market, text: str, subject: str) -> list[Way]:
    """Her share sheet, the apps that reach the customer, and the clipboard; only what consent allows."""
    apps = [
        Way(way.channel, ICONS.get(way.channel, way.icon), way.label, way.url)
        for way in reaching.ways(customer, text, subject or plain_subject(), market=market)
    ]
    return [Way("share", "share", _("Share")), *apps, Way("copy", "copy", _("Copy"))]


def plain_subject() -> str:
    """Of an e-mail that was given none. In the active language."""
    return _("A few words from me")


def consent_of(customer: Customer, allowed: frozenset[str]) -> str:
    """Which of the ways she agreed to, when it is not all of them."""
    if allowed == set(MESSAGES):
        return ""
    names = {"text": pgettext("write by", "text"), "whatsapp": _("WhatsApp"), "email": _("e-mail")}
    said = _(", ").join(names[one] for one in MESSAGES if one in allowed)
    return _("You may write to %(name)s by %(ways)s.") % {"name": customer.given_name, "ways": said}


def length_of(text: str, ways: list[Way]) -> str:
    """As a text this is 2 messages long. Empty when one is enough, or no text can be sent."""
    n = text_messages(text)
    if n < 2 or not any(way.channel == "text" for way in ways):
        return ""
    return _("As a text this is %(n)s messages long. Below %(most)s letters it is one.") % {
        "n": n, "most": 160 if is_gsm(text) else 70,
    }  # fmt: skip


def is_gsm(text: str) -> bool:
    return all(letter in GSM or letter in GSM_TWICE for letter in text)


def text_messages(text: str) -> int:
    """How many text messages it takes: 160 letters in one or 153 in each of several; 70 and 67 beyond GSM's alphabet."""
    if is_gsm(text):
        n, one, each = len(text) + sum(letter in GSM_TWICE for letter in text), 160, 153
    else:
        n, one, each = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if n <= one else math.ceil(n / each)
