"""What needs a decision about rules: a draft that waits for an approver, or was sent back."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from distributors.models import User

from .. import rule_drafts
from ..models import RuleDraft
from .decisions import Decision, Kind


def rules_waiting(user: User) -> Iterator[Decision]:
    """One query, and two or three for each that is in review or was sent back."""
    for draft in RuleDraft.objects.select_related("rule", "by").order_by("saved_at"):
        if draft.state == rule_drafts.IN_REVIEW:
            told = {"rule": draft.rule, "who": rule_drafts.asked_by(draft) or _("Somebody")}
            if rule_drafts.approves(draft, user):
                kind, said = Kind.WAITS_FOR_YOU, _("The rule “%(rule)s” waits for you. %(who)s asked for approval.")
            else:
                kind, said = Kind.WAITS, _("The rule “%(rule)s” waits for an approver. %(who)s asked.")
            yield Decision(kind, said % told, "rule_review", (draft.rule_id,), draft.saved_at)
        elif draft.note:
            changed = rule_drafts.changes("RuleDraft", rule_id=draft.rule_id).last()
            said = _("The rule “%(rule)s” was sent back: “%(note)s”") % {"rule": draft.rule, "note": draft.note}
            at = changed.pgh_created_at if changed else draft.saved_at
            yield Decision(Kind.SENT_BACK, said, "rule_edit", (draft.rule_id,), at)
