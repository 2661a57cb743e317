from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..marks import marking

#: How a customer can be reached, and the bit of each in Customer.allowed and Customer.refused.
CHANNELS = {"call": 1, "text": 2, "whatsapp": 4, "email": 8}
EVERY_CHANNEL = 15


class CustomerQuerySet(models.QuerySet["Customer"]):
    def of(self, distributor_id: int) -> CustomerQuerySet:
        """Every query of customers starts from whose they are. Who was merged into another or erased is nobody's any more."""
        return self.filter(distributor_id=distributor_id, merged_into=None, erased_at=None)

    def may_be_contacted(self) -> CustomerQuerySet:
        """By at least one channel: features.py says the same in SQL."""
        unless_refused = Q(distributor__market__consent_required=False) & ~Q(refused=EVERY_CHANNEL)
        return self.filter(unless_refused | Q(allowed__gt=0), do_not_contact=False)


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
    language = models.CharField(_("language"), max_length=12, blank=True)
    do_not_contact = models.BooleanField(_("do not contact"), default=False)
    # Folded from consent.changed (contacts.py): channels with consent on record, and channels refused, as bits of CHANNELS.
    allowed = models.PositiveSmallIntegerField(default=0)
    refused = models.PositiveSmallIntegerField(default=0)
    added_at = models.DateTimeField(_("added"))
    # Folded from contact.made that was not taken back: the newest, and the newest four of them, the newest first.
    last_contact_at = models.DateTimeField(_("last contact"), null=True, blank=True)
    recent_contacts = ArrayField(models.DateTimeField(), default=list, blank=True, size=4)
    # The same person as another row: what events say of this one goes there (staging.py).
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged")
    # Everything personal is gone; orders stay, of nobody.
    erased_at = models.DateTimeField(null=True, blank=True)

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
            models.CheckConstraint(
                condition=Q(allowed__lte=EVERY_CHANNEL, refused__lte=EVERY_CHANNEL), name="customer_channels_are_known"
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True, erased_at__isnull=True) | Q(do_not_contact=True),
                name="customer_gone_is_never_contacted",
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | Q(name="", phone="", email="", birthday__isnull=True),
                name="customer_erased_is_nobody",
            ),
        ]
        indexes = [models.Index(fields=["distributor", "last_order_on"], name="customer_by_last_order")]
        triggers = marking("distributors_featuremark", "SELECT distributor_id FROM {rows}")

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return gettext("Somebody who was erased") if self.erased_at else self.name or self.external_id

    @property
    def given_name(self) -> str:
        if self.erased_at:
            return gettext("somebody")
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
