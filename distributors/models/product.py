from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..audit import audited


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

    def __str__(self) -> str:
        return self.name
