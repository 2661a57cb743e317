"""Where a zone is chosen: in the operator's form of a user, and on each one's own page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelect2Widget

from . import zones
from .models import User


class ZoneField(forms.ChoiceField):
    """A select that searches, offering places by region. Whatever else this machine knows as a zone is taken, too."""

    widget = UnfoldAdminSelect2Widget

    def __init__(self, **kwargs: Any) -> None:
        told: dict[str, Any] = {"label": _("Time zone"), "required": False, "choices": choices}
        super().__init__(**told | kwargs)

    def validate(self, value: Any) -> None:
        if value:
            zones.validate(value)


def choices() -> list[Any]:
    """The installation's own first."""
    default = gettext("That of this installation: %(zone)s") % {"zone": zones.words(settings.DESK_TIME_ZONE)}
    return [("", default), ("UTC", "UTC"), *zones.by_region()]


class ZoneForm(forms.ModelForm):
    """Base of the forms that have a user's zone; what she has now is offered, though it be no place."""

    time_zone = ZoneField()

    class Meta:
        model = User
        fields = ["time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now, field = self.instance.time_zone, self.fields["time_zone"]
        if isinstance(field, ZoneField) and now and now not in zones.offered():
            field.choices = [*choices(), (now, zones.words(now))]
