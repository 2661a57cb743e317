from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..marks import marking


class Order(models.Model):
    """An order, folded from its `order.placed` event. Refunds are money of their own day (Measure), not a change here."""

    event = models.OneToOneField("distributors.Event", on_delete=models.CASCADE, primary_key=True, related_name="order")
    # db_index=False here and below: an index that begins with the column exists already.
    distributor = models.ForeignKey(
        "distributors.Distributor", on_delete=models.CASCADE, related_name="orders", db_index=False
    )
    customer = models.ForeignKey(
        "distributors.Customer", on_delete=models.PROTECT, null=True, related_name="order_set", db_index=False
    )
    time = models.DateTimeField(_("time"))
    day = models.DateField(_("local day"))
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)
    # Not the customer's first order, by (time, source, external_id): does not depend on the order of arrival.
    is_repeat = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [
            models.Index(fields=["distributor", "day"], name="order_by_distributor_day"),
            models.Index(fields=["customer", "time"], name="order_by_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} {self.day}"


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey("distributors.Product", on_delete=models.PROTECT, related_name="order_lines")
    line = models.ForeignKey(
        "distributors.ProductLine", on_delete=models.PROTECT, related_name="order_lines", db_index=False
    )
    quantity = models.DecimalField(_("quantity"), max_digits=10, decimal_places=2)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2)

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        indexes = [models.Index(fields=["line", "order"], name="orderline_by_line")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product_id}"


MEASURED = """
    SELECT distributor_id FROM {rows}
    UNION SELECT d.sponsor_id FROM {rows} r JOIN distributors_distributor d ON d.id = r.distributor_id
    WHERE r.metric = 'orders'
"""


class Measure(models.Model):
    """The sum of one additive metric for one distributor on one local day. Folded from events (ingest.py).

    `scope` is a product line's code, or empty for all lines. Ratios (order size) are quotients of two sums: metrics.py.
    """

    distributor = models.ForeignKey(
        "distributors.Distributor", on_delete=models.CASCADE, related_name="measures", db_index=False
    )
    metric = models.CharField(max_length=32)
    scope = models.CharField(max_length=40, default="", blank=True)
    day = models.DateField()
    # Wider than one amount: no day's sum of amounts can overflow it.
    value = models.DecimalField(max_digits=18, decimal_places=2)

    class Meta:
        verbose_name = _("measure")
        verbose_name_plural = _("measures")
        constraints = [
            models.UniqueConstraint(fields=["distributor", "metric", "scope", "day"], name="measure_one_per_day"),
        ]
        # A recruit's orders are also a feature of her sponsor.
        triggers = marking("distributors_featuremark", MEASURED)

    def __str__(self) -> str:
        return f"{self.metric} {self.day}: {self.value}"
