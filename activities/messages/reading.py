"""How a template reads: to somebody about whom all is known, and to somebody of whom nothing but her name is."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from distributors.models import Product, ProductLine

from . import phrases, words

#: A sample, as long as a link of hers is.
LINK = "https://{company}.example/s/Qm7tXc2b"


@dataclass(frozen=True)
class Reading:
    heading: str
    subject: str
    body: str


def readings(subject: str, body: str, language: str, line: ProductLine | None = None) -> list[Reading]:
    """Both renderings. At most one query; none of nothing."""
    if not (subject or body):
        return [Reading(_("All is known"), "", ""), Reading(_("Only a name is known"), "", "")]
    return [
        Reading(heading, words.render(subject, fields), words.render(body, fields))
        for heading, fields in (
            (_("All is known"), everything(language, line)),
            (_("Only a name is known"), only_a_name(language)),
        )
    ]


def shown(
    subject: str, body: str, language: str, line: ProductLine | None = None, *, tell_problems: bool = True
) -> str:
    """Both as HTML, for the desk, with what to put right."""
    problems = wrong_with(subject, language) + wrong_with(body, language, says=True) if tell_problems else []
    return render_to_string(
        "activities/desk/_message_reads.html",
        {
            "readings": readings(subject, body, language, line), "language": language, "problems": problems,
        },
    )  # fmt: skip


def only_a_name(language: str) -> dict[str, str]:
    with translation.override(language):
        return {
            "name": pgettext("sample given name", "Maya"), "me": pgettext("sample name of a distributor", "Jenna"),
            "company": str(settings.COMPANY_NAME),
        }  # fmt: skip


def everything(language: str, line: ProductLine | None) -> dict[str, str]:
    products = Product.objects.select_related("line").order_by("sku")
    product = (products.filter(line=line) if line is not None else products).first()
    with translation.override(language):
        return only_a_name(language) | {
            "full_name": pgettext("sample full name", "Maya Brooks"),
            "product": product.name if product else _("favourite"),
            "line": product.line.name if product else line.name if line else _("product line"),
            "days": "34", "usual": words.span(35),
            "link": LINK.format(company="".join(filter(str.isalnum, str(settings.COMPANY_NAME).lower()))),
        }  # fmt: skip


def wrong_with(text: str, language: str, *, says: bool = False) -> list[str]:
    """What to put right before it may be sent, a sentence each: fields, claims and, of a whole message, that too little is left."""
    if not text.strip():
        return []
    found = words.problems(text)
    for claim in phrases.found(text, ""):
        said = {"claim": claim.text, "instead": claim.instead}
        if claim.instead:
            found.append(_("“%(claim)s” is a blocked phrase. %(instead)s") % said)
        else:
            found.append(_("“%(claim)s” is a blocked phrase.") % said)
    if says and not found and text.strip() and not words.says_something(text, only_a_name(language)):
        found.append(
            _("With only a name known nothing but a greeting is left: put in [brackets] what is not always known.")
        )
    return found
