from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from distributors.audit import audited


@audited()
class Incentive(models.Model):
    """A prize for a sum of one metric between two dates in one market, or a contest on it among similar people."""

    class Form(models.TextChoices):
        AWARD = "award", _("Award with tiers")
        CONTEST = "contest", _("Contest")

    name = models.CharField(_("name"), max_length=120)
    form = models.CharField(_("form"), max_length=8, choices=Form, default=Form.AWARD)
    market = models.ForeignKey("distributors.Market", on_delete=models.CASCADE, related_name="incentives")
    metric = models.CharField(_("metric"), max_length=32)
    scope = models.CharField(_("product line"), max_length=40, default="", blank=True)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("to"))
    terms = models.TextField(_("terms"), blank=True)

    class Meta:
        verbose_name = _("incentive")
        verbose_name_plural = _("incentives")
        constraints = [
            models.UniqueConstraint(fields=["name", "market"], name="incentive_name_unique_in_market"),
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")),
                name="incentive_ends_after_it_starts",
                violation_error_message=_("The last day is before the first one."),
            ),
        ]
        triggers = [
            # Another market or first day is another contest: whoever was in the old one is not compared in the new.
            pgtrigger.Trigger(
                name="enter_again",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("market", "starts_on"),
                func="DELETE FROM kpis_contestentry WHERE contest_id = NEW.id; RETURN NULL;",
            )
        ]

    def __str__(self) -> str:
        return self.name


@audited()
class IncentiveTier(models.Model):
    incentive = models.ForeignKey(Incentive, on_delete=models.CASCADE, related_name="tiers")
    threshold = models.DecimalField(_("from"), max_digits=14, decimal_places=2)
    prize = models.CharField(_("prize"), max_length=80)

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["threshold"]
        constraints = [
            models.UniqueConstraint(fields=["incentive", "threshold"], name="tier_threshold_unique"),
            models.CheckConstraint(
                condition=Q(threshold__gt=0),
                name="tier_threshold_positive",
                violation_error_message=_("Enter a number above 0."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prize} {self.threshold}"


class ContestEntry(models.Model):
    """Where somebody stood among her market's people when a contest began (circles.py): one statement writes them all."""

    # db_index=False: an index that begins with the column exists already; in the first constraint that is the person's.
    contest = models.ForeignKey(Incentive, on_delete=models.CASCADE, related_name="entries", db_index=False)
    distributor = models.ForeignKey(
        "distributors.Distributor", on_delete=models.CASCADE, related_name="contest_entries", db_index=False
    )
    place = models.PositiveIntegerField()  # from 1, by what she sold before, the least first; ties by id
    before = models.DecimalField(max_digits=20, decimal_places=2)

    class Meta:
        verbose_name = _("contest entry")
        verbose_name_plural = _("contest entries")
        constraints = [
            models.UniqueConstraint(fields=["distributor", "contest"], name="contestentry_once"),
            models.UniqueConstraint(fields=["contest", "place"], name="contestentry_one_a_place"),
        ]
        indexes = [models.Index(fields=["contest", "before", "place"], name="contestentry_by_sales")]

    def __str__(self) -> str:
        return f"{self.contest_id} {self.distributor_id}: {self.place}"
