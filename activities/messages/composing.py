"""The message sheet's contents: words to begin with, in which language, and what goes along."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format, time_format
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from distributors import reorder
from distributors.blanks import ENDS
from distributors.languages import spoken
from distributors.models import Customer, Distributor
from distributors.reorder import Due
from distributors.wording import day_short

from ..cards import Candidate
from ..library import reading, sharing
from ..models import Activity, ActivityText, Asset, AssetText, MessageTemplate, Outreach, ShareLink
from . import checking, offering, words

#: A draft that was not sent is offered again for so long, and "Sent it?" is asked.
KEPT = timedelta(days=14)
#: Letters of a last paragraph that may be a signature.
SHORT = 60
#: Between them a message disturbs nobody.
MORNING, EVENING = time(8), time(21)
SLUG = re.compile(r"[-a-zA-Z0-9_]+", re.ASCII)
OWN, BLANK = "own", "blank"


@dataclass(frozen=True)
class Choice:
    """Words to begin with: the card's own, a template's, or none. `message` is the template, rendered."""

    value: str
    label: str
    body: str = ""
    asset: Asset | None = None
    message: offering.Message | None = None

    @property
    def template(self) -> MessageTemplate | None:
        return self.message.template if self.message else None


@dataclass(frozen=True)
class Attachment:
    """A library item that goes along, as her own link."""

    asset: Asset
    title: str
    caption: str
    link: ShareLink
    address: str


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A message before it is sent, and what could be chosen instead. `kept` is what she wrote last and has not sent."""

    distributor: Distributor
    customer: Customer
    activity: Activity | None
    card_key: str
    why: str
    choices: list[Choice]
    chosen: Choice
    languages: list[tuple[str, str]]
    language: str
    subject: str  # empty where no e-mail can go
    text: str
    attachment: Attachment | None
    kept: Outreach | None = None
    rests: str = ""  # that she was in touch lately, and from when it is time again
    late: str = ""  # that most people sleep, or sit at supper, by the clock of her market


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What she asked for by address or form; left out, the best fit or what she wrote last is taken."""

    template: str = ""
    asset: str | None = None  # a key; "" takes the attachment away
    language: str = ""

    def __bool__(self) -> bool:
        return bool(self.template or self.asset is not None or self.language)


def sheet(
    *,
    distributor: Distributor,
    customer: Customer,
    candidate: Candidate | None,
    why: str,
    asked: Chosen,
    address: Callable[[ShareLink], str],
    as_of: datetime,
) -> Sheet:
    """What to say to this customer, about a card or about nothing in particular. `address` says a link's whole URL."""
    activity = candidate.activity if candidate else None
    kept = None if asked else draft_of(distributor, customer, activity, as_of)
    if kept is not None:
        asked = chosen_then(kept)
    due, line_id = (due_of(candidate), activity.line_id) if activity else best_reason(distributor, customer, as_of)
    about = activity.about if activity else due.reason if due else None
    codes = offering.languages_for(distributor, customer, reason=about, line_id=line_id, activity=activity)
    speaks = asked.language if asked.language in codes else codes[0] if codes else distributor.speaks
    offered = offering.messages_for(
        distributor, customer, reason=about, line_id=line_id, language=speaks, as_of=as_of, due=due
    )
    fitting = begun_well([one for one in offered if one.language == speaks], distributor, customer)
    choices = choices_of(candidate, fitting, speaks)
    chosen = next((one for one in choices if one.value == asked.template), None) or first_of(choices, asked.asset)
    asset = item_of(asked.asset, chosen, activity, distributor.local_day(as_of))
    attachment = attached(asset, distributor, customer, speaks, as_of, address)
    link = attachment.address if attachment else ""
    with translation.override(speaks):
        fields = words.fields_of(distributor, customer, reason=about, due=due, link=link, as_of=as_of)
        subject, text = worded(chosen, attachment, fields)
        if kept is not None:
            subject, text = kept.subject, kept_text(kept, attachment, address)
        subject = (subject or checking.plain_subject()) if by_email(distributor, customer) else ""
    return Sheet(
        distributor=distributor, customer=customer, activity=activity, card_key=candidate.key if candidate else "",
        why=why, choices=choices, chosen=chosen, languages=named(codes), language=speaks,
        subject=subject, text=text, attachment=attachment, kept=kept, rests=rests(distributor, customer, as_of), late=late(distributor, as_of),
    )  # fmt: skip


def draft_of(
    distributor: Distributor, customer: Customer, activity: Activity | None, as_of: datetime
) -> Outreach | None:
    """What she opened or left lately, unless she has sent something since."""
    mine = Outreach.objects.of(distributor.pk).filter(customer=customer, activity=activity)
    latest = mine.select_related("link__asset").order_by("-opened_at", "-pk").first()
    if latest is None or latest.state == Outreach.State.SENT or latest.opened_at <= as_of - KEPT:
        return None
    return latest


def chosen_then(kept: Outreach) -> Chosen:
    """Her text stands as it is; the choices beside it are those it came from."""
    template = str(kept.template_id) if kept.template_id else ""
    return Chosen(template=template, asset=kept.link.asset.key if kept.link else "", language=kept.language)


def kept_text(kept: Outreach, attachment: Attachment | None, address: Callable[[ShareLink], str]) -> str:
    """As she left it; without the link when its item may no longer be shown."""
    return without_link(kept.text, address(kept.link)) if kept.link and attachment is None else kept.text


def due_of(candidate: Candidate | None) -> Due | None:
    """The card's facts, as merge fields read them."""
    if candidate is None or candidate.customer is None or not candidate.facts:
        return None
    return Due(candidate.customer, candidate.activity.about, 0.0, facts=dict(candidate.facts))


def best_reason(distributor: Distributor, customer: Customer, as_of: datetime) -> tuple[Due | None, int | None]:
    """Why this customer is due today, with the product line it is about; of a message that no card asks for."""
    mine = [one for one in reorder.reasons(distributor, as_of=as_of) if one.person == customer.pk]
    best = reorder.best_of(mine)
    (due,) = reorder.details(distributor, best, as_of=as_of) if best else (None,)
    return due, (best[0].line or None) if best else None


def begun_well(offered: list[offering.Message], distributor: Distributor, customer: Customer) -> list[offering.Message]:
    """What this person read last stands at the end: nobody gets the same words twice in a row without a thought."""
    mine = Outreach.objects.of(distributor.pk).sent().filter(customer=customer)
    last = mine.order_by("-sent_at", "-pk").values_list("template_id", flat=True).first()
    return sorted(offered, key=lambda one: one.template.pk == last)


def first_of(choices: list[Choice], asset: str | None) -> Choice:
    """The first; with an item that she picked, words that speak of it."""
    speaking = [one for one in choices if one.message and "{link" in one.message.text.body] if asset else []
    return min(speaking, key=lambda one: not (one.asset and one.asset.key == asset), default=choices[0])


def by_email(distributor: Distributor, customer: Customer) -> bool:
    return bool(customer.email) and "email" in checking.writable(customer, distributor.market)


def rests(distributor: Distributor, customer: Customer, as_of: datetime) -> str:
    """Maya heard from you today. From Friday it is Maya's turn again. She may write all the same."""
    today = distributor.local_day(as_of)
    free = reorder.free_from(customer, distributor.market, today)
    if free is None or customer.last_contact_at is None:
        return ""
    last = distributor.local_day(customer.last_contact_at)
    said = {"name": customer.given_name, "last": day_short(last)}
    said["day"] = date_format(free, "l") if (free - today).days < 7 else day_short(free)
    if last == today:
        return _("%(name)s heard from you today. From %(day)s it is %(name)s’s turn again.") % said
    if last == today - timedelta(days=1):
        return _("%(name)s heard from you yesterday. From %(day)s it is %(name)s’s turn again.") % said
    return _("%(name)s heard from you on %(last)s. From %(day)s it is %(name)s’s turn again.") % said


def late(distributor: Distributor, as_of: datetime) -> str:
    """It is 22:40. Nothing is held back: it goes from her own phone, when she likes."""
    now = as_of.astimezone(distributor.market.zone)
    if MORNING <= now.time() < EVENING:
        return ""
    form = pgettext("time format", "H:i")
    said = {"time": time_format(now.time(), form), "morning": time_format(MORNING, form)}
    return _("It is %(time)s. Most people like a message better after %(morning)s.") % said


def named(codes: list[str]) -> list[tuple[str, str]]:
    names = dict(settings.LANGUAGES)
    return [(code, str(names.get(code) or names.get(code.split("-")[0]) or code)) for code in codes]


def choices_of(candidate: Candidate | None, offered: list[offering.Message], language: str) -> list[Choice]:
    """The card's own words first, then what fits, then an empty sheet."""
    own = text_in(candidate, language).message if candidate else ""
    return [
        *([Choice(OWN, _("From this activity"), own)] if own else []),
        *(Choice(str(one.template.pk), named_as(one), one.body, one.asset, one) for one in offered),
        Choice(BLANK, _("My own words")),
    ]


def named_as(message: offering.Message) -> str:
    """What she chooses it by, in her own language, whatever the message is in; else as the message's language has it."""
    titles = {text.language: text.title for text in message.template.texts.all()}
    return spoken(titles, get_language() or "", message.text.title or message.template.name)


def text_in(candidate: Candidate, language: str) -> ActivityText:
    texts = {text.language: text for text in candidate.activity.texts.all()}
    return texts.get(language) or texts.get(language.split("-")[0]) or candidate.text


def item_of(key: str | None, chosen: Choice, activity: Activity | None, day: date) -> Asset | None:
    """What goes along: what she chose, else what belongs to the words, else to the activity. Nothing that has ended."""
    if key == "":
        return None
    if key is not None:
        return shown_item(key, day)
    asset = chosen.asset or (activity.asset if activity else None)
    return asset if asset is not None and not reading.has_ended(asset, day) else None


def shown_item(key: str, day: date) -> Asset | None:
    """The library item of this key while it may be shown. Of a form or an address: not every text is a key."""
    asset = Asset.objects.filter(key=key).first() if SLUG.fullmatch(key) else None
    return asset if asset is not None and not reading.has_ended(asset, day) else None


def attached(
    asset: Asset | None, distributor: Distributor, customer: Customer, language: str, as_of: datetime,
    address: Callable[[ShareLink], str],
) -> Attachment | None:  # fmt: skip
    text = asset_text(asset, [language, language.split("-")[0], distributor.speaks, "en"]) if asset else None
    if asset is None or text is None:
        return None
    link = sharing.link_for(
        distributor=distributor, customer=customer, asset=asset, language=text.language, as_of=as_of
    )
    return Attachment(asset, text.title, text.caption, link, address(link))


def asset_text(asset: Asset, languages: list[str]) -> AssetText | None:
    texts = {text.language: text for text in asset.texts.all()}
    return next((texts[one] for one in languages if one in texts), next(iter(texts.values()), None))


def worded(chosen: Choice, attachment: Attachment | None, fields: dict[str, str]) -> tuple[str, str]:
    """Subject and text, with the link where the words have a place for it, else at the end."""
    link = attachment.address if attachment else ""
    if chosen.message is not None:
        message = chosen.message.linked(link)
        subject, text = message.subject, message.body
    else:
        subject, text = "", words.render(chosen.body, fields)
    if attachment is None or link in text:
        return subject, text
    return subject, with_link(text or attachment.caption, link, fields.get("me", ""))


def with_link(text: str, address: str, me: str) -> str:
    """Her text with the link in it: before the signature, with words of its own. In the active language."""
    body, signature = signed(text, me)
    return "\n\n".join(filter(None, (body, _("Here it is: %(link)s") % {"link": address}, signature)))


def signed(text: str, me: str) -> tuple[str, str]:
    """The text and what stands under it: her name, a short line that ends no sentence, or the last of several paragraphs."""
    body, _gap, last = text.rpartition("\n\n")
    if body and ("\n\n" in body or (len(last) <= SHORT and last[-1:] not in ENDS)):
        return body, last
    name = re.search(rf"(?<=[{ENDS}])\s+{re.escape(me)}$", text) if me else None
    return (text[: name.start()], me) if name else (text, "")


def without_link(text: str, address: str) -> str:
    """Her text after the attachment was taken away, without the words that led to the link ("Here it is: ...")."""
    if not address:
        return text
    left = re.sub(rf"(?:[^{ENDS}\n]*:[^\S\n]*)?{re.escape(address)}", "", text)
    return re.sub(r"\n{3,}", "\n\n", left).strip()
