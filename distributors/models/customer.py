from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ..marks import marking


class CustomerQuerySet(models.QuerySet["Customer"]):
    def of(self, distributor_id: int) -> CustomerQuerySet:
        """Every query of customers starts from whose they are."""
        return self.filter(distributor_id=distributor_id)

    def may_be_contacted(self) -> CustomerQuerySet:
        return self.filter(do_not_contact=False)


class Customer(models.Model):
    """A customer or prospect of one distributor. The order columns are folded from events (ingest.py)."""

    class Kind(models.TextChoices):
        CUSTOMER = "customer", _("Customer")
        PROSPECT = "prospect", _("Prospect")

    class Hotness(models.TextChoices):
        """How soon a prospect should hear again: 7, 14, 30 or 60 days."""

        HOT = "hot", _("Hot")
        WARM = "warm", _("Warm")
        COOL = "cool", _("Cool")
        COLD = "cold", _("Cold")

    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="customers")
    external_id = models.CharField(_("external id"), max_length=64)
    name = models.CharField(_("name"), max_length=120, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.CUSTOMER)
    hotness = models.CharField(_("interest"), max_length=6, choices=Hotness, blank=True)
    phone = models.CharField(_("phone"), max_length=32, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    birthday = models.DateField(_("birthday"), null=True, blank=True)
    do_not_contact = models.BooleanField(_("do not contact"), default=False)
    added_at = models.DateTimeField(_("added"))
    last_contact_at = models.DateTimeField(_("last contact"), null=True, blank=True)

    # Folded from orders; equal to a rebuild from events to the last bit.
    orders = models.PositiveIntegerField(_("orders"), default=0)
    spent = models.DecimalField(_("spent"), max_digits=18, decimal_places=2, default=0)
    first_order_on = models.DateField(null=True, blank=True)
    last_order_on = models.DateField(null=True, blank=True)
    # Median days between order days; null before the second order day.
    usual_gap_days = models.FloatField(null=True, blank=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.UniqueConstraint(fields=["distributor", "external_id"], name="customer_unique_per_distributor"),
            models.CheckConstraint(condition=Q(kind__in=["customer", "prospect"]), name="customer_kind_is_known"),
            models.CheckConstraint(condition=~Q(external_id=""), name="customer_external_id_not_empty"),
        ]
        indexes = [models.Index(fields=["distributor", "last_order_on"], name="customer_by_last_order")]
        triggers = marking("distributors_featuremark", "SELECT distributor_id FROM {rows}")

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return self.name or self.external_id

    @property
    def given_name(self) -> str:
        given, _blank, rest = self.name.partition(" ")
        # "Household 900" is no person's name: the number tells it from the others.
        return (self.name if rest.isdigit() else given) or self.external_id

    @property
    def initials(self) -> str:
        parts = self.display_name.split()
        return "".join(part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)).upper()[:2]


class Note(models.Model):
    """What she wrote, or what was logged for her, about a customer."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField(_("note"))
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["-at"]

    def __str__(self) -> str:
        return self.text[:60]
