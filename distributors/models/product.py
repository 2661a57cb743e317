from __future__ import annotations

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..audit import audited
from ..marks import BOTH, statement, versioned


@versioned("reference")
@audited()
class ProductLine(models.Model):
    """What KPIs and goals are scoped to, such as the eye line."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)

    class Meta:
        verbose_name = _("product line")
        verbose_name_plural = _("product lines")

    def __str__(self) -> str:
        return self.name


#: The main product of a customer's line is one that is used up (CustomerLine): when a product starts or ends to be, the lines
#: that hold it are looked at again.
CHOOSE_AGAIN = """
    IF EXISTS (SELECT FROM new_rows n JOIN old_rows o USING (id) WHERE (n.lasts_days IS NULL) <> (o.lasts_days IS NULL)) THEN
        LOCK TABLE distributors_customerline IN SHARE ROW EXCLUSIVE MODE;
        WITH changed AS (
            SELECT n.id FROM new_rows n JOIN old_rows o USING (id) WHERE (n.lasts_days IS NULL) <> (o.lasts_days IS NULL)
        ), touched AS (
            SELECT DISTINCT o.customer_id, l.line_id FROM changed JOIN distributors_orderline l ON l.product_id = changed.id
            JOIN distributors_order o ON o.event_id = l.order_id
        ), main AS (
            SELECT DISTINCT ON (b.id) b.id, l.product_id, l.amount, round(l.amount / nullif(l.quantity, 0), 2) AS price
            FROM touched JOIN distributors_customerline b USING (customer_id, line_id)
            JOIN distributors_order o ON o.customer_id = b.customer_id AND o.day = b.last_on
            JOIN distributors_orderline l ON l.order_id = o.event_id AND l.line_id = b.line_id
            JOIN distributors_product p ON p.id = l.product_id
            ORDER BY b.id, p.lasts_days IS NULL, l.amount DESC, p.id, price DESC NULLS LAST
        )
        UPDATE distributors_customerline b SET product_id = m.product_id, amount = m.amount, price = m.price
        FROM main m WHERE m.id = b.id AND (b.product_id, b.amount, b.price) IS DISTINCT FROM (m.product_id, m.amount, m.price);
    END IF;
    RETURN NULL;
"""


@versioned("reference", inserts=False)
@audited()
class Product(models.Model):
    sku = models.CharField(_("SKU"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=160)
    line = models.ForeignKey(ProductLine, on_delete=models.PROTECT, related_name="products", verbose_name=_("line"))
    lasts_days = models.PositiveSmallIntegerField(
        _("lasts (days)"), null=True, blank=True, help_text=_("How long most customers take to finish one.")
    )

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        triggers = [statement("choose_lines", pgtrigger.Update, BOTH, CHOOSE_AGAIN)]

    def __str__(self) -> str:
        return self.name
