from __future__ import annotations

from datetime import datetime, timedelta

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from distributors.audit import audited, audited_links

#: How long the lower of two limits still holds.
RAISED_AFTER = timedelta(days=1)


@audited()
class Policy(models.Model):
    """How HQ steers, one row for the company: when a second person has to approve, and whose lists are looked at first."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    approval_above = models.PositiveIntegerField(
        _("second approver above"),
        default=1000,
        help_text=_("A change that reaches more people than this needs the approval of a second person."),
    )
    samples = models.ManyToManyField(
        "distributors.Distributor",
        blank=True,
        related_name="+",
        verbose_name=_("sample people"),
        help_text=_("Whose lists the console shows first. Others are drawn from the audience."),
    )

    class Meta:
        verbose_name = _("rule of publishing")
        verbose_name_plural = _("rules of publishing")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="policy_is_one_row")]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @classmethod
    def current(cls) -> Policy:
        return cls.objects.first() or cls()

    @classmethod
    def limit(cls, as_of: datetime) -> int:
        """Above how many people a second person approves: the lowest that held within the last day.

        So that who raises it does not publish alone in the same hour; a lower one holds at once.
        """
        changes = apps.get_model("kpis.PolicyChange").objects.order_by("pgh_id")
        lately = changes.filter(pgh_created_at__gt=as_of - RAISED_AFTER)
        before = changes.filter(pgh_created_at__lte=as_of - RAISED_AFTER).last()
        held = [one.approval_above for one in lately]
        if before is not None:
            held.append(before.approval_above)
        return min([cls.current().approval_above, *held] if before or not held else [cls().approval_above, *held])


audited_links(Policy.samples.through, "PolicySample")
