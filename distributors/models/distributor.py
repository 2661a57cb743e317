from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ..audit import audited
from ..marks import marking
from .market import installed


class DistributorQuerySet(models.QuerySet["Distributor"]):
    def active(self) -> DistributorQuerySet:
        return self.filter(left_on__isnull=True)

    def with_market(self) -> DistributorQuerySet:
        return self.select_related("market")


# Not what she sets herself, nor what an event already records.
@audited(exclude=["language", "own_goal_share", "enrolled_by", "rank"], inserts=False)
class Distributor(models.Model):
    """A self-employed seller. `sponsor` makes the tree; an enrolment is an event of the sponsor."""

    external_id = models.CharField(_("external id"), max_length=64, unique=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="distributor"
    )
    market = models.ForeignKey("distributors.Market", on_delete=models.PROTECT, related_name="distributors")
    sponsor = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="recruits")
    name = models.CharField(_("name"), max_length=120)
    language = models.CharField(_("language"), max_length=12, blank=True, help_text=_("Empty: the market's."))
    rank = models.CharField(
        _("rank"),
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text=_("Her title in the company's plan, as events report it."),
    )
    joined_on = models.DateField(_("joined on"))
    left_on = models.DateField(_("left on"), null=True, blank=True)
    # Her own share of the ranking; only she can raise it above the company's setting.
    own_goal_share = models.DecimalField(_("own goals' share"), max_digits=3, decimal_places=2, null=True, blank=True)
    enrolled_by = models.OneToOneField(
        "distributors.Event", on_delete=models.SET_NULL, null=True, blank=True, related_name="enrolled"
    )

    objects = DistributorQuerySet.as_manager()

    class Meta:
        verbose_name = _("distributor")
        verbose_name_plural = _("distributors")
        constraints = [
            models.CheckConstraint(
                condition=Q(sponsor__isnull=True) | ~Q(sponsor=F("id")),
                name="distributor_does_not_sponsor_herself",
                violation_error_message=_("Nobody sponsors herself. Choose somebody else."),
            ),
            models.CheckConstraint(
                condition=Q(own_goal_share__isnull=True) | Q(own_goal_share__gte=0.5, own_goal_share__lte=1),
                name="distributor_own_goal_share_at_least_half",
            ),
            models.CheckConstraint(condition=~Q(external_id=""), name="distributor_external_id_not_empty"),
        ]
        triggers = marking("distributors_featuremark", "SELECT id FROM {rows} UNION SELECT sponsor_id FROM {rows}")

    def __str__(self) -> str:
        return self.name

    @property
    def given_name(self) -> str:
        return self.name.split(" ", 1)[0]

    @property
    def initials(self) -> str:
        parts = self.name.split()
        return "".join(part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)).upper()

    @property
    def speaks(self) -> str:
        """One of the product's languages, whatever is stored of her or of her market."""
        return installed(self.language or self.market.language)

    def local_day(self, as_of: datetime) -> date:
        return self.market.local_day(as_of)
