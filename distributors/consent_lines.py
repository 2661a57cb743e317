"""What a person allowed, by channel: since when, and how we know, in words for her page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import outreach
from .models import Customer

#: As pages name them.
CHANNEL_LABELS = {
    "call": gettext_lazy("Call"),
    "text": gettext_lazy("Text"),
    "whatsapp": gettext_lazy("WhatsApp"),
    "email": gettext_lazy("E-mail"),
}
ALL = "all"
GIVEN, WITHDRAWN, UNKNOWN = "given", "withdrawn", "unknown"


@dataclass(frozen=True)
class ConsentLine:
    label: str
    state: str  # given, withdrawn, unknown
    words: str
    since: datetime | None
    origin: str


def consent_lines(customer: Customer) -> list[ConsentLine]:
    """One a channel, in the order of CHANNELS. One query."""
    return [
        ConsentLine(
            str(CHANNEL_LABELS[one.channel]),
            one.state,
            state_words(one.state),
            None if one.state == UNKNOWN else one.at,
            "" if one.state == UNKNOWN else one.origin,
        )
        for one in outreach.consents(customer)
    ]


def state_words(state: str) -> str:
    return {GIVEN: _("Given"), WITHDRAWN: _("Withdrawn")}.get(state, _("Not asked"))
