"""The two forms of an import: which file, and what to do with whom it names."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ..consent_lines import CHANNEL_LABELS
from ..models import Customer
from .files import MOST_BYTES, too_large
from .values import LONGEST_ORIGIN, one_line

#: What a file picker offers; what is inside decides.
ACCEPTED = ".csv,.tsv,.txt,.vcf,.vcard,text/csv,text/vcard,text/x-vcard"


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("File"), allow_empty_file=True, widget=forms.FileInput(attrs={"accept": ACCEPTED}),
        error_messages={"required": _("Choose a file."), "missing": _("Choose a file."), "invalid": _("Choose a file.")},
    )  # fmt: skip

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(too_large())
        return file


class WishForm(forms.Form):
    kind = forms.ChoiceField(label=_("Who they are"), choices=Customer.Kind.choices, initial=Customer.Kind.PROSPECT)
    known = forms.ChoiceField(
        label=_("Whom you have already"), widget=forms.RadioSelect, initial="skip",
        choices=[("skip", _("Leave as they are")), ("fill", _("Fill in what is missing"))],
    )  # fmt: skip
    agreed = forms.BooleanField(label=_("These people agreed that I write to them"), required=False)
    channels = forms.MultipleChoiceField(
        label=_("They agreed to"), choices=list(CHANNEL_LABELS.items()), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    origin = forms.CharField(
        label=_("How you know"), required=False, max_length=LONGEST_ORIGIN,
        help_text=_("For example: order form, card at the fair in May."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, asks_kind: bool, asks_known: bool, asks_consent: bool, **kwargs: Any) -> None:
        """Only what there is to decide is asked."""
        super().__init__(*args, **kwargs)
        asked = {"kind": asks_kind, "known": asks_known}
        asked |= dict.fromkeys(("agreed", "channels", "origin"), asks_consent)
        for name, wanted in asked.items():
            if not wanted:
                del self.fields[name]

    def clean_origin(self) -> str:
        return one_line(self.cleaned_data["origin"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("agreed"):
            if not data.get("channels") and "channels" not in self.errors:
                self.add_error("channels", _("Choose at least one way."))
            if not data.get("origin") and "origin" not in self.errors:
                self.add_error("origin", _("Say how you know. Consent is kept with where it came from."))
        elif data.get("channels") or data.get("origin"):
            self.add_error("agreed", _("Tick this if they agreed, or clear what is below it."))
        return data
