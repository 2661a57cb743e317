"""Forms of the field's own pages. What they refuse they say in one sentence."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .consent_lines import CHANNEL_LABELS, GIVEN, UNKNOWN, WITHDRAWN
from .metrics import METRICS
from .models import Customer, Distributor, Goal, ProductLine
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


#: Digits that a phone number has at least, and what it is written with.
PHONE = RegexValidator(r"^(?=(?:\D*\d){5})[\d\s()+./-]+$", _("Enter a phone number in digits, such as +1 555 0100."))
OFF = {"autocomplete": "off"}


def not_said(choices: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [("", _("Not said")), *choices]


class ReachForm(forms.Form):
    """Ways to reach a person, and how interested she is: none of them is needed to start."""

    phone = forms.CharField(
        label=_("Phone"), max_length=32, required=False, validators=[PHONE],
        help_text=_("With the country code, so that WhatsApp finds it."),
        widget=forms.TextInput(attrs={"type": "tel", **OFF}),
    )  # fmt: skip
    email = forms.EmailField(
        label=_("E-mail"), max_length=254, required=False, widget=forms.EmailInput(attrs=OFF),
        error_messages={"invalid": _("Enter an e-mail address, such as maya@example.com.")},
    )  # fmt: skip
    hotness = forms.ChoiceField(
        label=_("Interest"), required=False, choices=not_said(Customer.Hotness.choices),
        help_text=_("A prospect comes up again after 7, 14, 30 or 60 days, from hot to cold."),
    )  # fmt: skip


class PersonForm(ReachForm):
    field_order = ["name", "kind", "phone", "email", "hotness"]

    name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("A name is enough to start."), widget=forms.TextInput(attrs=OFF),
        error_messages={"required": _("Enter a name.")},
    )  # fmt: skip
    kind = forms.ChoiceField(label=_("Who"), choices=Customer.Kind.choices, initial=Customer.Kind.PROSPECT)
    # Names the event: the same form sent twice adds one person.
    token = forms.UUIDField(widget=forms.HiddenInput)

    @property
    def more(self) -> list[forms.BoundField]:
        """What the disclosure holds."""
        return [self["phone"], self["email"], self["hotness"]]

    @property
    def more_is_open(self) -> bool:
        return any(field.errors or field.value() for field in self.more)


class PersonEditForm(ReachForm):
    """All that she keeps of a person besides notes and consent."""

    field_order = ["name", "phone", "email", "birthday", "kind", "hotness", "language"]

    name = forms.CharField(label=_("Name"), max_length=120, required=False, widget=forms.TextInput(attrs=OFF))
    birthday = forms.DateField(
        label=_("Birthday"), required=False, widget=forms.DateInput(attrs={"type": "date", **OFF}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Enter a day, such as 1990-05-12.")},
    )  # fmt: skip
    kind = forms.ChoiceField(label=_("Who"), choices=Customer.Kind.choices)
    language = forms.ChoiceField(label=_("Language"), required=False)

    def __init__(self, data: Any = None, *, customer: Customer, today: date) -> None:
        name = {"name": customer.given_name}
        super().__init__(data, initial={name: getattr(customer, name) for name in self.base_fields})
        self.customer, self.today = customer, today
        # A language that came with the contact stays to choose, also when no page is in it.
        other = {customer.language} - {code for code, _name in settings.LANGUAGES} - {""}
        languages = [("", _("As in my market")), *settings.LANGUAGES, *((code, code) for code in other)]
        self.fields["language"].choices = languages  # type: ignore[attr-defined]
        self.fields["language"].help_text = (
            gettext("Messages to %(name)s are in this language where we have one.") % name
        )
        if customer.orders:
            # Who has ordered is a customer, whatever a form says.
            del self.fields["kind"]
            # Interest is a prospect's: by it a prospect comes up again. app.css hides it while another kind is chosen.
            del self.fields["hotness"]

    def clean_name(self) -> str:
        """A person who came with orders alone may stay without a name; a name is not taken away."""
        name: str = self.cleaned_data["name"]
        if self.customer.name and not name:
            raise forms.ValidationError(_("Enter a name."))
        return name

    def clean_birthday(self) -> date | None:
        day: date | None = self.cleaned_data["birthday"]
        if day is not None and (day.year < 1900 or day > self.today):
            raise forms.ValidationError(_("Enter a day between 1900 and today."))
        return day

    @property
    def changed(self) -> dict[str, Any]:
        """What she changed, by name of the field."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class ConsentForm(forms.Form):
    """What somebody said about being contacted, and how we know."""

    state = forms.ChoiceField(
        choices=[(GIVEN, _("Yes")), (WITHDRAWN, _("No more")), (UNKNOWN, _("Not asked"))], widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the answers.")},
    )  # fmt: skip
    channel = forms.MultipleChoiceField(
        label=_("By"), choices=list(CHANNEL_LABELS.items()), widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose what it is about.")},
    )  # fmt: skip
    origin = forms.CharField(
        label=_("How you know"), max_length=200, help_text=_("Write how you know, such as: said so on the phone."),
        widget=forms.TextInput(attrs=OFF), error_messages={"required": _("Say how you know.")},
    )  # fmt: skip

    def __init__(self, data: Any = None, *, name: str) -> None:
        super().__init__(data)
        self.fields["state"].label = gettext("What did %(name)s say?") % {"name": name}


class LinesField(forms.CharField):
    """Lines of text: a line end is one letter, as the browser counts it, although it is sent as two."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class NoteForm(forms.Form):
    text = LinesField(
        label=_("New note"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={
            "required": _("Write a few words first."),
            "max_length": _("The note has %(show_value)d letters; %(limit_value)d are possible."),
        },
    )  # fmt: skip


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
