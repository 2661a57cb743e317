"""What she sent to one person and what came of it, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Prefetch
from django.utils.text import Truncator
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from distributors.models import Customer, Distributor
from distributors.money import format_money
from distributors.wording import day_short

from .. import result_lines
from ..library import sharing
from ..models import Activity, AssetText, Credit, Outreach

#: Messages shown of one person.
SHOWN = 10
State = Outreach.State


@dataclass(frozen=True)
class Line:
    """One message. `results` are sentences, what came last first; `waits` while nothing has come."""

    message: Outreach
    how: str
    words: str
    item: str
    results: list[str]
    waits: str

    @property
    def is_open(self) -> bool:
        return self.message.state == State.OPENED


def of(distributor: Distributor, customer: Customer, today: date) -> list[Line]:
    """The newest first; those she left without sending are not there. Four queries."""
    messages = list(
        Outreach.objects.of(distributor.pk).filter(customer=customer).exclude(state=State.DROPPED)
        .select_related("link__asset", "distributor__market", "customer", "activity").order_by("-opened_at", "-pk")
        .prefetch_related(
            Prefetch("credits", Credit.objects.select_related("event", *result_lines.TOUCH).order_by("-at")),
            Prefetch("link__asset__texts", AssetText.objects.only("asset_id", "language", "title")),
        )[:SHOWN]
    )  # fmt: skip
    opens = sharing.opens(message.link for message in messages if message.link)
    return [line(message, distributor, today, opens) for message in messages]


def line(
    message: Outreach, distributor: Distributor, today: date, opens: dict[int, int] | None = None
) -> Line:  # fmt: skip
    results = [came(credit, message, distributor) for credit in message.credits.all()]
    opened = opened_line((opens or {}).get(message.link_id or 0, 0))
    return Line(
        message, how(message), Truncator(" ".join(message.text.split())).chars(90), item(message),
        [*results, opened] if opened else results, "" if results else waits(message, today),
    )  # fmt: skip


def how(message: Outreach) -> str:
    """Sent by WhatsApp."""
    if message.sent_at is None:
        return {
            "text": _("Opened as a text"), "whatsapp": _("Opened in WhatsApp"), "email": _("Opened as an e-mail"),
            "share": _("Shared from here"), "copy": _("Copied"),
        }.get(message.channel, _("Opened"))  # fmt: skip
    return {
        "text": _("Sent by text"), "whatsapp": _("Sent by WhatsApp"), "email": _("Sent by e-mail"),
    }.get(message.channel, _("Sent"))  # fmt: skip


def waits(message: Outreach, today: date) -> str:
    """What is waited for until 6 December; after that day, that none came."""
    if message.state != State.SENT or message.waits_until is None:
        return ""
    if message.waits_until < today:
        return _("No result by %(day)s.") % {"day": day_short(message.waits_until)}
    return waiting(message)


def waiting(message: Outreach) -> str:
    """Waiting for an order from Maya until 6 December. It closes itself. · Of a message without a card: both are looked out for."""
    if message.waits_until is None:
        return ""
    said = {
        "order.placed": _("Waiting for an order from %(name)s until %(day)s. It closes itself."),
        "contact.replied": _("Waiting for an answer from %(name)s until %(day)s. It closes itself."),
        "distributor.enrolled": _("Waiting for an enrolment by %(name)s until %(day)s. It closes itself."),
        "": _("Looking out for an order or an answer from %(name)s until %(day)s."),
    }.get(closed_by(message.activity), _("Waiting for the result until %(day)s. It closes itself."))
    return said % {"name": message.customer.given_name, "day": day_short(message.waits_until)}


def yes_means(customer: Customer, activity: Activity | None) -> str:
    """What saying that it was sent brings, before she says so."""
    said = {
        "order.placed": _("Yes notes it with %(name)s and looks out for the order."),
        "contact.replied": _("Yes notes it with %(name)s and looks out for the answer."),
        "distributor.enrolled": _("Yes notes it with %(name)s and looks out for the enrolment."),
        "": _("Yes notes it with %(name)s and looks out for an order or an answer."),
    }.get(closed_by(activity), _("Yes notes it with %(name)s and looks out for the result."))
    return said % {"name": customer.given_name}


def closed_by(activity: Activity | None) -> str:
    """The type of event that a card's result is; empty for a message that no card asked for."""
    return activity.closes_on if activity else ""


def item(message: Outreach) -> str:
    if message.link is None:
        return ""
    titles = {text.language: text.title for text in message.link.asset.texts.all()}
    return titles.get(message.link.language) or next(iter(titles.values()), "")


def opened_line(n: int) -> str:
    return ngettext("Link opened %(n)s time", "Link opened %(n)s times", n) % {"n": n} if n else ""


def came(credit: Credit, message: Outreach, distributor: Distributor) -> str:
    """Ordered $34 two days later."""
    days = (distributor.local_day(credit.at) - distributor.local_day(credit.touched_at)).days
    said = {"result": what_came(credit), "days": days}
    if days == 0:
        return _("%(result)s the same day") % said
    if days == 1:
        return _("%(result)s the day after") % said
    return ngettext("%(result)s %(days)s day later", "%(result)s %(days)s days later", days) % said


def what_came(credit: Credit) -> str:
    if credit.kind == Credit.Kind.ORDER:
        data = credit.event.data
        amount = format_money(float(data["amount"]), data["currency"], get_language() or "en")
        return _("Ordered %(amount)s") % {"amount": amount}
    return _("Replied") if credit.kind == Credit.Kind.REPLY else _("Enrolled")
