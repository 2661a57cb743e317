from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..marks import marking


class Version(models.Model):
    """The version of a kind of reference data, new with every change of its tables (marks.py): what caches are keyed by."""

    name = models.CharField(max_length=20, primary_key=True)
    number = models.BigIntegerField()

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class CustomerLine(models.Model):
    """What a customer bought of a product line, folded from her orders (fold.py).

    `product` is the main one of the last order day that holds the line: one that is used up before one that is not, then
    the dearest; `price` of one of it, null when its quantity is 0.
    """

    customer = models.ForeignKey(
        "distributors.Customer", on_delete=models.CASCADE, related_name="lines", db_index=False
    )
    line = models.ForeignKey("distributors.ProductLine", on_delete=models.PROTECT, related_name="+", db_index=False)
    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="+")
    orders = models.PositiveIntegerField()
    last_on = models.DateField()
    product = models.ForeignKey("distributors.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    price = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    # Of the main product, on that day: which line of an order is the dearest.
    amount = models.DecimalField(max_digits=18, decimal_places=2)

    class Meta:
        verbose_name = _("line of a customer")
        verbose_name_plural = _("lines of customers")
        constraints = [models.UniqueConstraint(fields=["customer", "line"], name="customerline_once")]
        triggers = marking("distributors_featuremark", "SELECT distributor_id FROM {rows}")

    def __str__(self) -> str:
        return f"{self.customer_id} {self.line_id}"


class FeatureMark(models.Model):
    """Whose Feature row is out of date. Written by triggers; taken by features.refresh in the transaction that writes it."""

    distributor_id = models.BigIntegerField(db_index=True)

    class Meta:
        verbose_name = _("mark")
        verbose_name_plural = _("marks")

    def __str__(self) -> str:
        return str(self.distributor_id)


class Feature(models.Model):
    """The compact row of a distributor: everything about her goals and people that ranking reads (records.py).

    A function of stored facts and reference data alone: `rebuild` makes the same bytes. `changed` is a new number
    whenever the bytes are; `reference` is the version of markets and products they were made with.
    """

    distributor = models.OneToOneField(
        "distributors.Distributor", on_delete=models.CASCADE, primary_key=True, related_name="feature"
    )
    # The seed of her exploration noise: 64 bits of the MD5 of her external id, the same everywhere and for ever.
    identity = models.BigIntegerField()
    # What else of her a ranking depends on (market, day she joined, language, own goals' share, rank), so that `changed` is of
    # that too. Read from her own row where it is used.
    settings = models.CharField(max_length=160)
    goals = models.BinaryField()
    days = models.BinaryField()
    customers = models.BinaryField()
    lines = models.BinaryField()
    recruits = models.BinaryField()
    tags = models.BinaryField(default=b"")
    changed = models.BigIntegerField()
    reference = models.BigIntegerField()

    class Meta:
        verbose_name = _("feature row")
        verbose_name_plural = _("feature rows")

    def __str__(self) -> str:
        return str(self.distributor_id)
