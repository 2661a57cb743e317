"""The message sheet: from a card or a person to her phone's app, "Sent it?", and what she sent to one person."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from distributors.access import FIELD, access
from distributors.http import FieldRequest, SeeOther, gone_is_404
from distributors.models import Customer

from .. import lookup
from ..cards import Card
from ..library import sharing
from ..messages import checking, lines, outreach, words
from ..messages.composing import Attachment, Chosen, Sheet, attached, by_email, shown_item, with_link, without_link
from ..models import Activity, MessageTemplate, Outreach, ShareLink
from ..record import target_of

LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{1,8})?", re.ASCII)
CARD = re.compile(r"[-\w]{1,120}(\.[cr]\d{1,18})?", re.ASCII)
#: What the form's buttons ask for.
CHANGE, REMOVE, LINK, RESTORE, DRAFT = "change", "remove", "link", "restore", "draft"
PREPARE, SENT, NOT_SENT = "prepare", "sent", "not_sent"
#: In the session, of the message she opened last: its id, and the item that was in the address when she came.
CAME_WITH = "message_came_with"


@dataclass(frozen=True)
class Whom:
    """Whom a sheet is about, and the card it came from; without a card, only the person."""

    customer: Customer
    activity: Activity | None = None
    card: Card | None = None

    @property
    def url(self) -> str:
        if self.activity is None:
            return reverse("message_person", args=[self.customer.pk])
        return reverse("message", args=[f"{self.activity.key}.c{self.customer.pk}"])


@access(FIELD)
@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def message(request: FieldRequest, key: str) -> HttpResponse:
    """The sheet of a card about a customer."""
    card = lookup.card_of(request.distributor, key, as_of=timezone.now())
    if card is None or card.candidate.customer is None:
        raise Http404
    return answer(request, Whom(card.candidate.customer, card.candidate.activity, card))


@access(FIELD)
@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def message_person(request: FieldRequest, pk: int) -> HttpResponse:
    """The sheet of a person, whatever the reason."""
    return answer(request, Whom(own_customer(request, pk)))


def own_customer(request: FieldRequest, pk: int) -> Customer:
    return get_object_or_404(Customer.objects.of(request.distributor.pk), pk=pk)


def answer(request: FieldRequest, whom: Whom) -> HttpResponse:
    if request.method != "POST":
        asked = asked_by(request.GET)
        if comes_back(request, whom, asked):
            asked = Chosen()
        return page(request, whom, prepared(request, whom, asked), asking=not asked)
    does = request.POST.get("do", PREPARE)
    if does == NOT_SENT:
        return left(request, whom)
    if does == SENT:
        return said_sent(request, whom)
    if does in (CHANGE, REMOVE, LINK, RESTORE, DRAFT):
        return changed(request, whom, does)
    return typed(request, whom)


def asked_by(said: Any) -> Chosen:
    return Chosen(
        template=said.get("template", "")[:20], asset=said["asset"][:60] if "asset" in said else None,
        language=said.get("language", "")[:12],
    )  # fmt: skip


def comes_back(request: FieldRequest, whom: Whom, asked: Chosen) -> bool:
    """Whether the address is of the message that she has opened, or sent today: on a reload or by the back button it still
    names the item with which she came, also when she took that away. Another item is another message."""
    if asked.asset is None:
        return False
    latest, now = outreach.latest(request.distributor, whom.customer, whom.activity), timezone.now()
    if latest is None or not came_with(request, latest, asked.asset):
        return False
    if latest.state == Outreach.State.SENT:
        return sent_today(latest, request.distributor.local_day(now))
    return outreach.draft_of(request.distributor, whom.customer, whom.activity, now) is not None


def came_with(request: FieldRequest, message: Outreach, key: str) -> bool:
    goes_along = message.link is not None and message.link.asset.key == key
    return goes_along or request.session.get(CAME_WITH) == [message.pk, key]


def prepared(request: FieldRequest, whom: Whom, asked: Chosen) -> Sheet:
    return outreach.sheet(
        distributor=request.distributor, customer=whom.customer, candidate=whom.card.candidate if whom.card else None,
        why=whom.card.why if whom.card else "", asked=asked, as_of=timezone.now(),
        address=lambda link: sharing.address(link, request),
    )  # fmt: skip


# The form's buttons


def left(request: FieldRequest, whom: Whom) -> HttpResponse:
    """ "Not yet", from Today or the activity's page: back to the text, as she left it."""
    open_one = outreach.latest(request.distributor, whom.customer, whom.activity)
    if open_one is not None:
        outreach.not_sent(
            distributor=request.distributor, outreach_id=open_one.pk, as_of=timezone.now(), by=request.user
        )
    return SeeOther(whom.url)


def said_sent(request: FieldRequest, whom: Whom) -> HttpResponse:
    """Without script: the text, the way it went, and that it is sent, in one form."""
    try:
        kept = keep(request, whom)
    except outreach.MessageError as refused:
        return typed(request, whom, problem=str(refused))
    outreach.sent(distributor=request.distributor, outreach_id=kept.pk, as_of=timezone.now(), by=request.user)
    return SeeOther(whom.url)


def changed(request: FieldRequest, whom: Whom, does: str) -> HttpResponse:
    """Other words, another language, nothing attached, the link back in the text, or a draft that her browser kept. What she
    had typed can be put back."""
    asked, said = asked_by(request.POST), request.POST
    text, before = checking.tidy(said.get("text", "")), checking.tidy(said.get("was", ""))
    kept, subject = checking.tidy(said.get("kept", "")), said.get("subject", "")[:120]
    if does == REMOVE:
        text = without_link(text, said.get("address", "")[:500])
        sheet = prepared(request, whom, Chosen(template=asked.template, asset="", language=asked.language))
        return page(request, whom, sheet, text=text, subject=subject, kept=kept)
    sheet = prepared(request, whom, asked)
    if does == LINK:
        return page(request, whom, sheet, text=linked(sheet, text), subject=subject, kept=kept)
    if does == DRAFT:
        return page(request, whom, sheet, text=text, subject=subject, kept=kept)
    own = text if text != before else ""
    if does == RESTORE:
        return page(request, whom, sheet, text=kept, kept=own)
    return page(request, whom, sheet, kept=own or kept)


def linked(sheet: Sheet, text: str) -> str:
    """Her text with the link of what goes along, which she had deleted from it."""
    if sheet.attachment is None or sheet.attachment.address in text:
        return text
    me = words.personal(sheet.distributor, None).get("me", "")
    with translation.override(sheet.language):
        return with_link(text, sheet.attachment.address, me)


def typed(request: FieldRequest, whom: Whom, problem: str = "") -> HttpResponse:
    """Her text as she typed it, looked at; 422 with one sentence when it cannot go."""
    sheet, said = prepared(request, whom, asked_by(request.POST)), request.POST
    return page(
        request, whom, sheet, text=said.get("text", ""), subject=said.get("subject", ""), kept=said.get("kept", ""),
        problem=problem, sent_by_form=True,
    )  # fmt: skip


def page(
    request: FieldRequest,
    whom: Whom,
    sheet: Sheet,
    *,
    text: str | None = None,
    subject: str | None = None,
    kept: str = "",
    problem: str = "",
    sent_by_form: bool = False,
    asking: bool = False,
) -> HttpResponse:
    """The whole sheet: a page, or for htmx its middle. `asking`: an open message is asked about, a sent one told.

    For a person who may not be written to it is one sentence, unless she has typed something, or sent it before.
    """
    latest = outreach.latest(request.distributor, whom.customer, whom.activity)
    check = checking.checked(
        customer=whom.customer, market=request.distributor.market,
        text=sheet.text if text is None else text, subject=sheet.subject if subject is None else subject,
        address=sheet.attachment.address if sheet.attachment else "",
    )  # fmt: skip
    context = {
        "sheet": sheet, "whom": whom, "check": check, "kept": kept, "was": sheet.text, "problem": problem,
        "came": (request.POST.get("came") or request.GET.get("asset", ""))[:60],
        "summary": sent_by_form and (problem or check.problem or check.claims), "tab": "today" if whom.card else "people",
        **(standing(request, latest) if asking else {}), "rows": rows_of(check.text), "attachment": sheet.attachment,
        "yes_means": lines.yes_means(whom.customer, whom.activity),
        "by_email": by_email(request.distributor, whom.customer),
    }  # fmt: skip
    if text is None and not context.keys() & {"open", "sent"}:
        today = request.distributor.local_day(timezone.now())
        context["closed"] = checking.closed(whom.customer, request.distributor.market, today)
    template = "activities/_message.html" if request.htmx else "activities/message.html"
    return render(request, template, context, status=422 if context["summary"] else 200)


def rows_of(text: str) -> int:
    """Lines of the text on a phone, so that it is seen whole without script."""
    return min(20, max(4, sum(1 + len(line) // 42 for line in text.split("\n"))))


def standing(request: FieldRequest, latest: Outreach | None) -> dict[str, Any]:
    """Whether the newest message of this card is open ("Sent it?") or was sent today."""
    if latest is None:
        return {}
    today = request.distributor.local_day(timezone.now())
    if latest.state == Outreach.State.OPENED:
        return {"open": latest}
    if sent_today(latest, today) and "another" not in request.GET:
        return {"sent": lines.line(latest, request.distributor, today)}
    return {}


def sent_today(message: Outreach, today: date) -> bool:
    return message.sent_at is not None and message.distributor.local_day(message.sent_at) == today


# While she writes


@access(FIELD)
@require_POST
def message_check_view(request: FieldRequest) -> HttpResponse:
    """A fragment: claims marked, its length, and the ways with the text as it is now."""
    whom = whom_of(request)
    if whom is None:
        return HttpResponse(status=422)
    context = {
        "check": looked_at(request, whom), "whom": whom, "oob": True,
        "attachment": attachment_of(request, whom, request.POST.get("asset", "")),
    }  # fmt: skip
    return render(request, "activities/_message_check.html", context)


def attachment_of(request: FieldRequest, whom: Whom, key: str) -> Attachment | None:
    """What goes along with the form's text, while it may be shown."""
    now = timezone.now()
    return attached(
        shown_item(key, request.distributor.local_day(now)), request.distributor, whom.customer, language_of(request), now,
        lambda link: sharing.address(link, request),
    )  # fmt: skip


def looked_at(request: FieldRequest, whom: Whom) -> checking.Checked:
    """The form's text as it is now."""
    said = request.POST
    return checking.checked(
        customer=whom.customer, market=request.distributor.market, text=said.get("text", ""),
        subject=said.get("subject", ""), address=said.get("address", "")[:500],
    )  # fmt: skip


def language_of(request: FieldRequest) -> str:
    said = request.POST.get("language", "")
    return said if LANGUAGE.fullmatch(said) else request.distributor.speaks


@access(FIELD)
@require_POST
@gone_is_404
def message_opened(request: FieldRequest) -> HttpResponse:
    """Her phone's app is opening: the text is kept. Answers with "Sent it?" for when she comes back."""
    whom = whom_of(request)
    if whom is None:
        return HttpResponse(status=422)
    try:
        kept = keep(request, whom)
    except outreach.MessageError as refused:
        context = {"check": looked_at(request, whom), "whom": whom, "problem": str(refused), "summary": True}
        return render(request, "activities/_message_check.html", context, status=422)
    came = request.POST.get("came", "")[:60]
    if came and not came_with(request, kept, came):
        request.session[CAME_WITH] = [kept.pk, came]
    means = lines.yes_means(whom.customer, whom.activity)
    return render(request, "activities/_message_asked.html", {"open": kept, "whom": whom, "yes_means": means})


def whom_of(request: FieldRequest) -> Whom | None:
    """Of the form's hidden fields; None without any. Somebody else's is not there."""
    card_key, customer = request.POST.get("card", ""), request.POST.get("customer", "")
    if card_key:
        try:
            target = target_of(request.distributor, card_key)
        except ObjectDoesNotExist as error:
            raise Http404 from error
        if target.customer is None:
            raise Http404
        return Whom(target.customer, target.activity)
    if not customer.isdecimal() or len(customer) > 18:
        return None
    return Whom(own_customer(request, int(customer)))


def keep(request: FieldRequest, whom: Whom) -> Outreach:
    """The form as an open message. MessageError, with the sentence."""
    said = request.POST
    template = said.get("template", "")
    return outreach.opened(
        distributor=request.distributor, customer=whom.customer, activity=whom.activity,
        channel=said.get("channel", ""), language=language_of(request),
        text=said.get("text", ""), subject=checking.tidy(said.get("subject", "")),
        template=MessageTemplate.objects.published().filter(pk=int(template)).first() if is_number(template) else None,
        link=link_of(request, whom, said.get("asset", "")), as_of=timezone.now(), by=request.user,
    )  # fmt: skip


def is_number(raw: str) -> bool:
    return raw.isdecimal() and len(raw) < 10


def link_of(request: FieldRequest, whom: Whom, key: str) -> ShareLink | None:
    """The link that goes along, when its item may still be shown and the text has it."""
    goes = attachment_of(request, whom, key)
    return goes.link if goes is not None and goes.address in request.POST.get("text", "") else None


# Sent it?


@access(FIELD)
@require_POST
def message_sent(request: FieldRequest, pk: int) -> HttpResponse:
    return after(request, outreach.sent, pk)


@access(FIELD)
@require_POST
def message_not_sent(request: FieldRequest, pk: int) -> HttpResponse:
    return after(request, outreach.not_sent, pk)


@access(FIELD)
@require_POST
def message_undo(request: FieldRequest, pk: int) -> HttpResponse:
    """On the sheet: back to her text, as before she sent it. Among a person's messages it is asked about again."""
    return after(request, outreach.undo if request.POST.get("in") == "person" else back_to_draft, pk)


@transaction.atomic
def back_to_draft(**said: Any) -> Outreach:
    outreach.undo(**said)
    return outreach.not_sent(**said)


def after(request: FieldRequest, verb: Any, pk: int) -> HttpResponse:
    """Do it, and show again what the button was on: the sheet, the person's messages, or another card about the person."""
    try:
        one = verb(distributor=request.distributor, outreach_id=pk, as_of=timezone.now(), by=request.user)
    except ObjectDoesNotExist as error:
        raise Http404 from error
    if request.POST.get("in") == "person":
        if request.htmx:
            return fragment(request, one.customer, answered=True)
        return SeeOther(reverse("person", args=[one.customer_id]))
    if request.POST.get("in") == "activity" and CARD.fullmatch(request.POST.get("at", "")):
        return SeeOther(reverse("activity", args=[request.POST["at"]]))
    whom = whom_about(request, one)
    if request.htmx:
        return page(request, whom, prepared(request, whom, Chosen()), asking=True)
    return SeeOther(whom.url)


def whom_about(request: FieldRequest, one: Outreach) -> Whom:
    if one.activity is None:
        return Whom(one.customer)
    card = lookup.card_of(request.distributor, outreach.card_key(one), as_of=timezone.now())
    return Whom(one.customer, one.activity, card)


# On the person's page


@access(FIELD)
@require_safe
def person_outreach(request: FieldRequest, pk: int) -> HttpResponse:
    """A fragment for the person's page: what she sent, and what came of it."""
    return fragment(request, own_customer(request, pk))


def fragment(request: FieldRequest, customer: Customer, *, answered: bool = False) -> HttpResponse:
    """`answered`: the step on the same page is asked for again."""
    today = request.distributor.local_day(timezone.now())
    context = {
        "customer": customer, "answered": answered, "lines": lines.of(request.distributor, customer, today), "tab": "people",
    }  # fmt: skip
    template = "activities/_person_outreach.html" if request.htmx else "activities/person_outreach.html"
    return render(request, template, context)
