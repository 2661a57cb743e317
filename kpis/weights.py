"""The form with which HQ moves the weights of a campaign's KPIs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from distributors.models import User

from . import priorities
from .models import KPI, Campaign, PriorityVersion

PREFIX = "weight_"
#: What a campaign starts from before its first version.
FIRST_SHARE = Decimal("0.60")


class WeightsForm(forms.ModelForm):
    """The campaign itself, and one number a KPI. A version is published only when something about it was changed."""

    own_goal_share = forms.DecimalField(
        label=_("Own goals' share"),
        min_value=Decimal("0.5"),
        max_value=1,
        max_digits=3,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.01", "min": "0.5", "max": "1"}),
        help_text=_("What each person's own goals keep of her ranking: at least 0.5."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Why the priorities change. Needed to publish."),
    )
    # The version the editor is looking at: the second of two editors is told.
    expected_version = forms.IntegerField(widget=forms.HiddenInput, required=False, label="")

    class Meta:
        model = Campaign
        fields = ["name", "status", "starts_on", "ends_on", "markets"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newest = newest_version(self.instance)
        self.fields["own_goal_share"].initial = newest.own_goal_share if newest else FIRST_SHARE
        self.fields["expected_version"].initial = newest.number if newest else 0
        for name, weight in weights_of(newest).items():
            self.fields[name].initial = weight

    @property
    def publishes(self) -> bool:
        names = {name for name in self.fields if name.startswith(PREFIX)} | {"own_goal_share", "reason"}
        return bool(names & set(self.changed_data))

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        if not self.errors and self.publishes:
            # The lock lasts until the admin's transaction ends: nobody publishes between this check and the save.
            Campaign.objects.select_for_update().get(pk=self.instance.pk)
            newest = newest_version(self.instance)
            if self.cleaned_data["expected_version"] != (newest.number if newest else 0):
                raise priorities.EditConflict(priorities.conflict(newest), code="conflict")
            self.check_weights()
        return data

    def check_weights(self) -> None:
        try:
            priorities.check(
                self.instance, self.weights(), self.cleaned_data["own_goal_share"], self.cleaned_data["reason"]
            )
        except ValidationError as problem:
            field = problem.code if problem.code in {"reason", "own_goal_share"} else None
            self.add_error(field, problem)

    def weights(self) -> dict[int, int]:
        """Points by KPI id; a KPI with none is left out."""
        points = {
            int(name.removeprefix(PREFIX)): value or 0
            for name, value in self.cleaned_data.items()
            if name.startswith(PREFIX)
        }
        return {kpi: weight for kpi, weight in points.items() if weight}

    def publish(self, *, by: User, as_of: datetime) -> PriorityVersion:
        return priorities.publish(
            campaign=self.instance,
            weights=self.weights(),
            own_goal_share=self.cleaned_data["own_goal_share"],
            reason=self.cleaned_data["reason"],
            by=by,
            as_of=as_of,
            expected_version=self.cleaned_data["expected_version"],
        )


def newest_version(campaign: Campaign) -> PriorityVersion | None:
    return campaign.versions.select_related("by").order_by("-number").first() if campaign.pk else None


def weights_of(version: PriorityVersion | None) -> dict[str, int]:
    """Points by the form's field name."""
    if version is None:
        return {}
    return {f"{PREFIX}{kpi}": weight for kpi, weight in version.priorities.values_list("kpi_id", "weight")}


def weights_form() -> type[WeightsForm]:
    """WeightsForm with one field for each KPI there is now."""
    fields = {
        f"{PREFIX}{kpi.pk}": forms.IntegerField(
            label=kpi.name,
            min_value=0,
            max_value=priorities.POINTS,
            required=False,
            initial=0,
            widget=UnfoldAdminIntegerFieldWidget(attrs={"inputmode": "numeric", "min": "0", "max": "100"}),
        )
        for kpi in KPI.objects.order_by("name")
    }
    return type("CampaignWeightsForm", (WeightsForm,), fields)
