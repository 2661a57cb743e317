"""What a fact came to for one person: the sentences for what goes up and down."""

from __future__ import annotations

from django.utils.translation import gettext_lazy, ngettext_lazy

from .phrases import Tellings

#: Of a figure against her own past.
CHANGE: Tellings = {
    "below": (
        ngettext_lazy(
            "Your %(what)s in the last %(days)s day are %(value)s below your own %(before_spelled)s before.",
            "Your %(what)s in the last %(days)s days are %(value)s below your own %(before_spelled)s before.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s’s %(what)s in the last %(days)s day are %(value)s below her own %(before_spelled)s before.",
            "%(name)s’s %(what)s in the last %(days)s days are %(value)s below her own %(before_spelled)s before.",
            "days",
        ),
    ),
    "above": (
        ngettext_lazy(
            "Your %(what)s in the last %(days)s day are %(value)s above your own %(before_spelled)s before.",
            "Your %(what)s in the last %(days)s days are %(value)s above your own %(before_spelled)s before.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s’s %(what)s in the last %(days)s day are %(value)s above her own %(before_spelled)s before.",
            "%(name)s’s %(what)s in the last %(days)s days are %(value)s above her own %(before_spelled)s before.",
            "days",
        ),
    ),
    "level": (
        ngettext_lazy(
            "Your %(what)s in the last %(days)s day are level with your own %(before_spelled)s before.",
            "Your %(what)s in the last %(days)s days are level with your own %(before_spelled)s before.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s’s %(what)s in the last %(days)s day are level with her own %(before_spelled)s before.",
            "%(name)s’s %(what)s in the last %(days)s days are level with her own %(before_spelled)s before.",
            "days",
        ),
    ),
}

#: Of a goal against its pace.
PACE: Tellings = {
    "below": (
        ngettext_lazy(
            "Your %(goal)s is %(value)s percentage point behind its pace.",
            "Your %(goal)s is %(value)s percentage points behind its pace.",
            "n",
        ),
        ngettext_lazy(
            "%(name)s’s %(goal)s is %(value)s percentage point behind its pace.",
            "%(name)s’s %(goal)s is %(value)s percentage points behind its pace.",
            "n",
        ),
    ),
    "above": (
        ngettext_lazy(
            "Your %(goal)s is %(value)s percentage point ahead of its pace.",
            "Your %(goal)s is %(value)s percentage points ahead of its pace.",
            "n",
        ),
        ngettext_lazy(
            "%(name)s’s %(goal)s is %(value)s percentage point ahead of its pace.",
            "%(name)s’s %(goal)s is %(value)s percentage points ahead of its pace.",
            "n",
        ),
    ),
    "level": (
        gettext_lazy("Your %(goal)s is on its pace."),
        gettext_lazy("%(name)s’s %(goal)s is on its pace."),
    ),
}
