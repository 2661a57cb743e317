"""Two people at one form of the admin: the second to save is told, and nothing is overwritten unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms.models import model_to_dict
from django.utils.translation import gettext as _

from .models import User


class SeenField(forms.CharField):
    """What the form was made from. Never a change by itself."""

    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class SeenForm(forms.ModelForm):
    """Base of every form that changes a row. One that does not say what it saw, as no page of ours does, is taken as it is."""

    seen = SeenField(required=False, label="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"].initial = self.now()

    def now(self) -> str:
        """Of the fields that this form has, as the row is."""
        return digest(self.instance, [name for name in self.fields if name != "seen"]) if self.instance.pk else ""

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        now, seen = self.now(), self.cleaned_data.get("seen")
        if seen and seen != now:
            # Saving again is then a decision.
            again = self.data.copy()  # type: ignore[attr-defined]
            again["seen"] = now
            self.data = again
            who = changed_by(self.instance) or _("Somebody")
            told = _("%(who)s changed this after you opened it. What you typed is kept: look at both, then save again.")
            raise ValidationError(told % {"who": who}, code="conflict")
        return data


def digest(row: Model, names: Iterable[str]) -> str:
    """Of these fields' stored values; those of another model by their keys."""
    values = model_to_dict(row, fields=list(names))
    told = {
        name: sorted(str(one.pk) for one in value) if isinstance(value, list) and is_rows(value) else str(value)
        for name, value in sorted(values.items())
    }
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def is_rows(value: list[Any]) -> bool:
    return all(isinstance(one, Model) for one in value)


def changed_by(row: Model) -> User | None:
    """Who the audit says changed the row last."""
    try:
        changes = apps.get_model(f"{row._meta.label}Change")
    except LookupError:
        return None
    last = changes.objects.filter(pgh_obj_id=row.pk).order_by("pgh_id").last()
    context = (last.pgh_context if last else None) or {}
    return User.objects.filter(pk=context.get("user") or 0).first()
