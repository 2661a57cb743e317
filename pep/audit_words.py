"""A recorded change in a reader's words: what it is about by name, and from what to what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DateTimeField, Field, ForeignKey, Model
from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from distributors.models import User
from kpis.models import Priority, PriorityVersion

#: What a row is called by, the first that it has.
NAMES = ("name", "title", "phrase", "email", "key", "prize")
#: Longer texts are cut: the whole stands in the row's own history.
LONGEST = 160


@dataclass(frozen=True)
class Told:
    who: str
    what: str  # campaign Q4 2026
    changes: str  # name: Repeat → Repeat orders · target: – → 20


class Names:
    """Names of the rows that these changes point at, as they are today: a query a table."""

    def __init__(self, changes: Sequence[Any]) -> None:
        wanted: dict[type[Model], set[Any]] = {User: {change.user_id for change in changes}}
        for change in changes:
            for field in keys_of(apps.get_model(change.pgh_obj_model)):
                values = [change.pgh_data.get(field.attname), *(change.pgh_diff or {}).get(field.attname, [])]
                wanted.setdefault(field.related_model, set()).update(values)  # type: ignore[arg-type]
        self.rows = {model: in_bulk(model, keys - {None}) for model, keys in wanted.items()}

    def of(self, model: type[Model], key: Any) -> str:
        row = self.rows.get(model, {}).get(key)
        if isinstance(row, PriorityVersion):
            return str(row.campaign)
        return str(row) if row is not None else f"#{key}"


def in_bulk(model: type[Model], keys: set[Any]) -> dict[Any, Model]:
    if not keys:
        return {}
    rows = model._base_manager.filter(pk__in=keys)
    return {row.pk: row for row in (rows.select_related("campaign") if model is PriorityVersion else rows)}


def keys_of(model: type[Model]) -> list[ForeignKey[Any, Any]]:
    return [field for field in model._meta.concrete_fields if isinstance(field, ForeignKey)]


def told(changes: Sequence[Any]) -> list[Told]:
    """Each of them in words. At most a query a table that they name, and two for weights."""
    names, before = Names(changes), weights_before(changes)
    return [Told(who_of(one, names), what_of(one, names), changes_of(one, names, before)) for one in changes]


def who_of(change: Any, names: Names) -> str:
    if not change.user_id:
        return _("the system")
    return str(getattr(names.rows[User].get(change.user_id), "name", "") or f"#{change.user_id}")


def what_of(change: Any, names: Names) -> str:
    """KPI Repeat orders; without a name of its own by what it belongs to: weight Q4 2026: New distributors."""
    model, data = apps.get_model(change.pgh_obj_model), change.pgh_data
    called = next((str(data[name]) for name in NAMES if data.get(name)), "")
    if not called:
        owners = [
            names.of(field.related_model, data[field.attname]) for field in owned_by(model) if data.get(field.attname)
        ]  # type: ignore[arg-type]
        called = ": ".join(owners[:2]) or str(change.pgh_obj_id or "")
    version = f" v{data['number']}" if "number" in data else ""
    language = f" ({data['language']})" if data.get("language") and model._meta.label != "distributors.Market" else ""
    return f"{model._meta.verbose_name} {short(called)}{version}{language}"


def owned_by(model: type[Model]) -> list[ForeignKey[Any, Any]]:
    """What a row is about: not who wrote it, nor another of its own kind."""
    return [field for field in keys_of(model) if field.related_model not in (User, model)]


def changes_of(change: Any, names: Names, before: dict[tuple[int, int], int]) -> str:
    data = change.pgh_data
    if change.pgh_obj_model == Priority._meta.label and change.pgh_label == "insert":
        earlier = before.get((data["version_id"], data["kpi_id"]), 0)
        return _("%(before)s to %(now)s") % {"before": earlier, "now": data["weight"]}
    if change.pgh_label != "update":
        return short(str(data.get("reason") or ""))
    model = apps.get_model(change.pgh_obj_model)
    return " · ".join(line(model, name, values, names) for name, values in (change.pgh_diff or {}).items())


def line(model: type[Model], name: str, values: Sequence[Any], names: Names) -> str:
    try:
        field = next(one for one in model._meta.concrete_fields if name in (one.name, one.attname))
    except (StopIteration, FieldDoesNotExist):  # a column that a later release dropped
        return f"{name}: {in_words(None, values[0], names)} → {in_words(None, values[1], names)}"
    return f"{field.verbose_name}: {in_words(field, values[0], names)} → {in_words(field, values[1], names)}"


def in_words(field: Field[Any, Any] | None, value: Any, names: Names) -> str:
    """A stored value as its form has it: a choice by its label, a row by its name, a moment on the reader's clock."""
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict | list):
        return short(json.dumps(value, ensure_ascii=False))
    if isinstance(field, ForeignKey):
        return short(names.of(field.related_model, value))  # type: ignore[arg-type]
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(field, DateTimeField) and (at := parse_datetime(str(value))):
        return formats.date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")
    return short(str(value))


def short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def weights_before(changes: Sequence[Any]) -> dict[tuple[int, int], int]:
    """What each KPI weighed in the version before, by (version, KPI) of the weights among these changes."""
    label = Priority._meta.label
    versions = in_bulk(PriorityVersion, {one.pgh_data["version_id"] for one in changes if one.pgh_obj_model == label})
    if not versions:
        return {}
    campaigns = {version.campaign_id for version in versions.values()}  # type: ignore[attr-defined]
    weights = Priority.objects.filter(version__campaign__in=campaigns)
    known = {
        (campaign, number, kpi): weight
        for campaign, number, kpi, weight in weights.values_list(
            "version__campaign", "version__number", "kpi", "weight"
        )
    }
    return {
        (pk, kpi): weight
        for pk, version in versions.items()
        for (campaign, number, kpi), weight in known.items()
        if (campaign, number) == (version.campaign_id, version.number - 1)  # type: ignore[attr-defined]
    }
