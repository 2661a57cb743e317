"""Forms of the field's own pages. What they refuse they say in one sentence."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from .metrics import METRICS
from .models import Customer, Distributor, Goal, Note, ProductLine
from .wording import percent

#: How much a goal counts beside her others.
IMPORTANCE = [
    ("0.50", _("Less than the others")),
    ("1.00", _("As much as the others")),
    ("2.00", _("More than the others")),
]


PERIODS = [
    (Goal.Period.WEEK.value, _("Each week")),
    (Goal.Period.MONTH.value, _("Each month")),
    (Goal.Period.CAMPAIGN.value, _("Between two dates")),
]


class GoalForm(forms.Form):
    metric = forms.ChoiceField(label=_("What"), choices=[(m.name, m.label) for m in METRICS.values()])
    scope = forms.ChoiceField(label=_("Product line"), required=False)
    period = forms.ChoiceField(label=_("When"), choices=PERIODS)
    starts_on = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    ends_on = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    target = forms.DecimalField(
        label=_("Goal"), max_digits=12, decimal_places=2, localize=True,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )  # fmt: skip
    weight = forms.TypedChoiceField(label=_("How much it counts"), choices=IMPORTANCE, initial="1.00", coerce=Decimal)

    def __init__(self, *args: Any, chosen: dict[str, str], fixed: bool = False, hint: str = "", **kwargs: Any) -> None:
        """`chosen` is the metric and period the form stands at now: it decides which fields make sense."""
        super().__init__(*args, **kwargs)
        metric = METRICS.get(chosen.get("metric", ""), METRICS["sales"])
        self.fields["target"].help_text = hint
        if fixed:
            for name in ("metric", "scope", "period", "starts_on", "ends_on"):
                del self.fields[name]
            return
        if metric.scoped:
            lines = [("", _("All lines")), *ProductLine.objects.order_by("name").values_list("code", "name")]
            self.fields["scope"].choices = lines  # type: ignore[attr-defined]
        else:
            del self.fields["scope"]
        if chosen.get("period") != Goal.Period.CAMPAIGN:
            del self.fields["starts_on"], self.fields["ends_on"]

    def clean_target(self) -> Decimal:
        target: Decimal = self.cleaned_data["target"]
        if target <= 0:
            raise forms.ValidationError(_("Enter a number above 0."))
        return target

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "starts_on" in self.fields:
            first, last = data.get("starts_on"), data.get("ends_on")
            for name, day in (("starts_on", first), ("ends_on", last)):
                if day is None and name not in self.errors:
                    self.add_error(name, _("Choose a day."))
            if isinstance(first, date) and isinstance(last, date) and last < first:
                self.add_error("ends_on", _("The last day is before the first one."))
        return data


class PersonForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("A name is enough to start."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    kind = forms.ChoiceField(label=_("Who"), choices=Customer.Kind.choices, initial=Customer.Kind.PROSPECT)
    # Names the event: the same form sent twice adds one person.
    token = forms.UUIDField(widget=forms.HiddenInput)


class NoteForm(forms.ModelForm):
    class Meta:
        model = Note
        fields = ["text"]
        labels = {"text": _("New note")}
        widgets = {"text": forms.Textarea(attrs={"rows": 3, "maxlength": 2000})}


class ProfileForm(forms.ModelForm):
    class Meta:
        model = Distributor
        fields = ["name", "language"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"] = forms.ChoiceField(
            label=_("Language"), required=False, choices=[("", _("As in my market")), *settings.LANGUAGES]
        )


class ShareForm(forms.Form):
    """Only she can raise it, and only above the company's setting."""

    own_goal_share = forms.ChoiceField(label=_("Share of your list that follows your own goals"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        steps = [("", _("The company’s setting"))] + [(f"{n / 100:.2f}", percent(n)) for n in range(60, 101, 10)]
        field = self.fields["own_goal_share"]
        field.required = False
        field.choices = steps  # type: ignore[attr-defined]
        field.help_text = _("Never less than half. What you choose here can only raise it above the company’s setting.")
