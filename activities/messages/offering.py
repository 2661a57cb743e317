"""Which messages to offer for a customer and a reason, best first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import translation

from distributors.models import Customer, Distributor
from distributors.reorder import Due

from ..models import Activity, Asset, MessageTemplate, MessageTemplateText
from . import words

__all__ = ["Message", "languages_for", "messages_for"]


@dataclass(frozen=True)
class Message:
    """A template rendered for one customer, without a link; `linked` fills it in once she has one."""

    template: MessageTemplate
    subject: str
    body: str
    language: str
    asset: Asset | None  # published and not expired; it may lack a text in this language
    text: MessageTemplateText = field(repr=False)
    fields: dict[str, str] = field(default_factory=dict, repr=False)

    def linked(self, link: str) -> Message:
        """The same with {link} filled in."""
        known = self.fields | {"link": link}
        return replace(
            self, subject=words.render(self.text.subject, known), body=words.render(self.text.body, known), fields=known
        )


def messages_for(
    distributor: Distributor,
    customer: Customer,
    *,
    reason: str | None,
    line_id: int | None,
    language: str = "",
    as_of: datetime,
    due: Due | None = None,
) -> list[Message]:
    """Published templates that fit, best first: in her customer's language, then hers, then English (`language`, when one was
    chosen, before them all); in each for the reason and line, then the reason, then the line, then any message. 3 queries.

    Each template is there once, in the best language it has. A library item that is no longer shown is left out, with the
    sentence that holds {link}.
    """
    wanted = preferred(distributor, customer, language)
    found: list[tuple[tuple[int, int, str], Message]] = []
    known: dict[str, dict[str, str]] = {}
    for template in fitting(reason, line_id).select_related("asset").prefetch_related("texts"):
        text = best_text(template.texts.all(), wanted)
        if text is None:
            continue
        if text.language not in known:
            known[text.language] = fields_in(text.language, distributor, customer, reason, due, as_of)
        message = rendered(template, text, known[text.language], shown(template.asset, distributor, as_of))
        if message.body:
            found.append(((rank(text.language, wanted), fit(template, reason, line_id), template.name), message))
    return [message for _order, message in sorted(found, key=lambda one: one[0])]


def languages_for(
    distributor: Distributor,
    customer: Customer,
    *,
    reason: str | None,
    line_id: int | None,
    activity: Activity | None = None,
) -> list[str]:
    """Codes of the languages that a fitting template or the activity's message has: her customer's first, then hers, then
    English, then the others. At most 2 queries.
    """
    texts = MessageTemplateText.objects.filter(template__in=fitting(reason, line_id))
    codes = set(texts.values_list("language", flat=True))
    if activity is not None:
        codes |= set(activity.texts.exclude(message="").values_list("language", flat=True))
    wanted = [*preferred(distributor, customer, ""), *(code for code, _name in settings.LANGUAGES)]
    return sorted(codes, key=lambda code: (rank(code, wanted), code))


def fitting(reason: str | None, line_id: int | None) -> QuerySet[MessageTemplate]:
    """Published templates for the reason and the line, or for any."""
    about, line = Q(about=""), Q(line=None)
    if reason:
        about |= Q(about=reason)
    if line_id is not None:
        line |= Q(line=line_id)
    return MessageTemplate.objects.published().filter(about, line)


def fit(template: MessageTemplate, reason: str | None, line_id: int | None) -> int:
    """0 for the reason and the line, 1 for the reason, 2 for the line, 3 for any message."""
    return (0 if reason and template.about == reason else 2) + (0 if line_id and template.line_id == line_id else 1)


# -- languages


def preferred(distributor: Distributor, customer: Customer, language: str) -> list[str]:
    """Codes, the best first; "de-at" is followed by "de"."""
    found: dict[str, None] = {}
    for code in (language, customer.language, distributor.speaks, settings.LANGUAGE_CODE.split("-")[0]):
        for one in with_its_base(code):
            found.setdefault(one)
    return list(found)


def with_its_base(code: str) -> Iterator[str]:
    code = code.strip().lower()
    if code:
        yield code
        yield code.split("-")[0]


def rank(code: str, wanted: list[str]) -> int:
    return wanted.index(code) if code in wanted else len(wanted)


def best_text(texts: Iterable[MessageTemplateText], wanted: list[str]) -> MessageTemplateText | None:
    """In the first of these languages that there is one in."""
    by_language = {text.language.lower(): text for text in texts}
    return next((by_language[code] for code in wanted if code in by_language), None)


# -- one message


def fields_in(
    language: str, distributor: Distributor, customer: Customer, reason: str | None, due: Due | None, as_of: datetime
) -> dict[str, str]:
    with translation.override(language):
        return words.fields_of(distributor, customer, reason=reason, due=due, as_of=as_of)


def rendered(
    template: MessageTemplate, text: MessageTemplateText, known: dict[str, str], asset: Asset | None
) -> Message:
    return Message(
        template=template,
        subject=words.render(text.subject, known),
        body=words.render(text.body, known),
        language=text.language,
        asset=asset,
        text=text,
        fields=known,
    )


def shown(asset: Asset | None, distributor: Distributor, as_of: datetime) -> Asset | None:
    """The library item, while it is published and has not expired."""
    if asset is None or asset.status != Asset.Status.PUBLISHED:
        return None
    return None if asset.expires_on and asset.expires_on < distributor.local_day(as_of) else asset
