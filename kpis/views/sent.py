"""What forms about a campaign's weights sent: for which campaign, made from what, and why they were refused."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.shortcuts import get_object_or_404

from ..drafts import Seen
from ..models import Campaign

FIELDS = {"reason", "starts", "note"}


class Back(NamedTuple):
    """A roll back that was refused: to which version, with what for a reason."""

    number: int
    reason: str


def told(problem: ValidationError | None) -> dict[str, Any]:
    """A refusal in one sentence, and the field that it is about."""
    if problem is None:
        return {}
    code = getattr(problem, "code", None)
    return {"problem": " ".join(problem.messages), "at_field": code if code in FIELDS else ""}


def campaign_of(pk: int) -> Campaign:
    return get_object_or_404(Campaign.objects.select_related("segment"), pk=pk)


def seen_in(data: QueryDict) -> Seen:
    """What the form was made from; a form without it has seen nothing."""
    return Seen(whole(data.get("revision", "")), whole(data.get("version", "")))


def whole(said: str) -> int:
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 9 else 0
