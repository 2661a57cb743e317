"""What the pages of a rule share: which rule, how it reads and whom it reaches, who may write it, how a refusal is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from distributors import zones
from distributors.access import EDITORS
from distributors.conditions import ConditionError
from distributors.conditions.worded import Names
from distributors.http import reader
from kpis import definitions, rule_drafts
from kpis.definitions import Definition
from kpis.drafts import DraftConflict
from kpis.models import Rule, RuleVersion

from ..evidence.slate_table import FIELD
from ..rules import counting, naming
from ..rules.counting import Reach
from ..rules.failing import Failing

State = Rule.State
LOOKS = {State.LIVE: "chip-a", State.DRAFT: "chip-w"}
#: It is worked out with every list that is opened: what has not failed for this long seems to be over.
STILL = timedelta(hours=1)


def said_by(said: Mapping[str, Any], names: Names) -> tuple[Definition | None, str]:
    """What it reads as, and its one sentence; without one where it is not complete."""
    try:
        definition = definitions.read(said)
    except ConditionError:
        return None, ""
    return definition, FIELD.sub("…", definitions.sentence(definition, names))


def rule_of(pk: int) -> Rule:
    return get_object_or_404(Rule, pk=pk)


def newest_of(found: Rule) -> RuleVersion | None:
    return rule_drafts.newest_version(found)


def reach_of(version: RuleVersion | None, as_of: datetime) -> int:
    """For how many people it holds; 0 for what does not read, which is refused for that."""
    return reach(version.definition if version else {}, as_of).most


def reach(said: Mapping[str, Any], as_of: datetime) -> Reach:
    try:
        return counting.reaches(said, as_of)
    except ConditionError:
        return Reach(0, 0, from_others=False)


def names_now() -> Names:
    return naming.of(get_language() or "en")


def failing_said(one: Failing | None, newest: RuleVersion | None, as_of: datetime) -> str:
    """That it could not be worked out, from when to when; empty once another version is there."""
    if one is None or (newest is not None and newest.published_at >= one.last):
        return ""
    said = {"since": zones.said_short(one.since), "last": zones.said_short(one.last)}
    if as_of - one.last < STILL:
        return _("Could not be worked out since %(since)s. Nobody’s list is held up: each goes on without it.") % said
    return (
        _("Could not be worked out from %(since)s to %(last)s. Nobody’s list was held up: each went on without it.")
        % said
    )


def may_edit(request: HttpRequest) -> bool:
    return reader(request).role in EDITORS


def clean(said: str) -> str:
    """PostgreSQL refuses NUL."""
    return said.replace("\0", "")


def status_of(problem: ValidationError | None) -> int:
    """409 when somebody was faster, else 422 for a refusal."""
    return 200 if problem is None else 409 if isinstance(problem, DraftConflict) else 422
