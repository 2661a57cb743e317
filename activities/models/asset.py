from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from distributors.audit import audited


class AssetQuerySet(models.QuerySet["Asset"]):
    def published(self) -> AssetQuerySet:
        return self.filter(status=Asset.Status.PUBLISHED)


@audited(exclude=["updated_at"])
class Asset(models.Model):
    """Something to show a customer: an article, a picture, a document, a video, a link. Its words and files are in AssetText."""

    class Kind(models.TextChoices):
        ARTICLE = "article", _("Article")
        IMAGE = "image", _("Picture")
        DOCUMENT = "document", _("Document")
        VIDEO = "video", _("Video")
        LINK = "link", _("Link")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        RETIRED = "retired", _("Retired")

    key = models.SlugField(_("key"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    line = models.ForeignKey(
        "distributors.ProductLine", on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("product line")
    )
    expires_on = models.DateField(
        _("last day"), null=True, blank=True, help_text=_("After it the links say that this has ended.")
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = AssetQuerySet.as_manager()

    class Meta:
        verbose_name = _("library item")
        verbose_name_plural = _("library items")

    def __str__(self) -> str:
        """Its title, in English where it has one. A query, unless its texts were prefetched."""
        titles = {text.language: text.title for text in self.texts.all()} if self.pk else {}
        return titles.get("en") or next(iter(titles.values()), self.key)


@audited()
class AssetText(models.Model):
    """A library item in one language: what a customer sees behind the link, and the caption to send with it."""

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=12)
    title = models.CharField(_("title"), max_length=120)
    caption = models.CharField(_("approved caption"), max_length=300, blank=True)
    body = models.TextField(_("text"), blank=True, max_length=20_000, help_text=_("Markdown."))
    url = models.URLField(_("address"), max_length=500, blank=True, help_text=_("Of a link, or of a video elsewhere."))
    file = models.FileField(_("file"), upload_to="library/", max_length=200, blank=True)
    alt = models.CharField(_("described in words"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        constraints = [models.UniqueConstraint(fields=["asset", "language"], name="assettext_one_per_language")]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    def of(self, distributor_id: int) -> ShareLinkQuerySet:
        return self.filter(distributor_id=distributor_id)


class ShareLink(models.Model):
    """A distributor's own link to a library item, for one customer or for nobody in particular."""

    token = models.CharField(max_length=32, unique=True)
    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="share_links")
    customer = models.ForeignKey(
        "distributors.Customer", on_delete=models.SET_NULL, null=True, blank=True, related_name="share_links"
    )
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="links")
    language = models.CharField(max_length=12)
    made_at = models.DateTimeField()

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("personal link")
        verbose_name_plural = _("personal links")
        constraints = [
            # Asked again for the same item and person, she gets the same link.
            models.UniqueConstraint(
                fields=["distributor", "customer", "asset", "language"], nulls_distinct=False, name="sharelink_once"
            ),
            models.CheckConstraint(condition=~Q(token=""), name="sharelink_token_not_empty"),
        ]

    def __str__(self) -> str:
        return self.token


class LinkDay(models.Model):
    """How often a link was opened on one day. Nothing of who opened it is kept."""

    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="days", db_index=False)
    day = models.DateField()
    opens = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = _("day of a link")
        verbose_name_plural = _("days of links")
        constraints = [models.UniqueConstraint(fields=["link", "day"], name="linkday_once")]

    def __str__(self) -> str:
        return f"{self.day}: {self.opens}"
