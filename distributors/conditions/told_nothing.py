"""What a fact came to for one person: the sentences for 0 and for a no."""

from __future__ import annotations

from django.utils.translation import gettext_lazy, ngettext_lazy

from .phrases import Tellings

#: Of 0, and of a no.
NONE: Tellings = {
    "measured": (
        ngettext_lazy(
            "You had no %(things)s in the last %(days)s day.",
            "You had no %(things)s in the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s had no %(things)s in the last %(days)s day.",
            "%(name)s had no %(things)s in the last %(days)s days.",
            "days",
        ),
    ),
    "days_since": (
        gettext_lazy("Your %(last)s was today."),
        gettext_lazy("%(name)s’s %(last)s was today."),
    ),
    "days_since_first": (
        gettext_lazy("Your %(first)s was today."),
        gettext_lazy("%(name)s’s %(first)s was today."),
    ),
    "goal_left": (
        gettext_lazy("Your %(goal)s is reached."),
        gettext_lazy("%(name)s’s %(goal)s is reached."),
    ),
    "joined_days": (
        gettext_lazy("You joined today."),
        gettext_lazy("%(name)s joined today."),
    ),
    "years": (
        gettext_lazy("You joined less than a year ago."),
        gettext_lazy("%(name)s joined less than a year ago."),
    ),
    "anniversary_days": (
        gettext_lazy("Today is your anniversary with the company."),
        gettext_lazy("Today is %(name)s’s anniversary with the company."),
    ),
    "team_size": (
        gettext_lazy("You have no direct recruits yet."),
        gettext_lazy("%(name)s has no direct recruits yet."),
    ),
    "done": (
        ngettext_lazy(
            "You did not do “%(activity)s” in the last %(days)s day.",
            "You did not do “%(activity)s” in the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s did not do “%(activity)s” in the last %(days)s day.",
            "%(name)s did not do “%(activity)s” in the last %(days)s days.",
            "days",
        ),
    ),
    "done_any": (
        ngettext_lazy(
            "You finished no activity in the last %(days)s day.",
            "You finished no activity in the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s finished no activity in the last %(days)s day.",
            "%(name)s finished no activity in the last %(days)s days.",
            "days",
        ),
    ),
    "dismissed": (
        ngettext_lazy(
            "You did not dismiss “%(activity)s” in the last %(days)s day.",
            "You did not dismiss “%(activity)s” in the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s did not dismiss “%(activity)s” in the last %(days)s day.",
            "%(name)s did not dismiss “%(activity)s” in the last %(days)s days.",
            "days",
        ),
    ),
    "dismissed_any": (
        ngettext_lazy(
            "You dismissed no activity in the last %(days)s day.",
            "You dismissed no activity in the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s dismissed no activity in the last %(days)s day.",
            "%(name)s dismissed no activity in the last %(days)s days.",
            "days",
        ),
    ),
    "seen": (
        ngettext_lazy(
            "You did not see “%(activity)s” in the last %(days)s day.",
            "You did not see “%(activity)s” in the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s did not see “%(activity)s” in the last %(days)s day.",
            "%(name)s did not see “%(activity)s” in the last %(days)s days.",
            "days",
        ),
    ),
    "seen_any": (
        ngettext_lazy(
            "You did not open your list in the last %(days)s day.",
            "You did not open your list in the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s did not open her list in the last %(days)s day.",
            "%(name)s did not open her list in the last %(days)s days.",
            "days",
        ),
    ),
    "customers_open_basket": (
        gettext_lazy("None of your customers left a basket open."),
        gettext_lazy("None of %(name)s’s customers left a basket open."),
    ),
    "customers_one_time": (
        gettext_lazy("None of your customers bought a line just once."),
        gettext_lazy("None of %(name)s’s customers bought a line just once."),
    ),
    "customers_reorder_due": (
        gettext_lazy("None of your customers is due to reorder."),
        gettext_lazy("None of %(name)s’s customers is due to reorder."),
    ),
    "customers_check_in": (
        gettext_lazy("None of your customers is due to be asked about a new order."),
        gettext_lazy("None of %(name)s’s customers is due to be asked about a new order."),
    ),
    "customers_connect": (
        gettext_lazy("None of your customers ordered three weeks ago."),
        gettext_lazy("None of %(name)s’s customers ordered three weeks ago."),
    ),
    "customers_lapsed": (
        gettext_lazy("None of your customers has gone without an order for a long time."),
        gettext_lazy("None of %(name)s’s customers has gone without an order for a long time."),
    ),
    "customers_birthday": (
        gettext_lazy("None of your customers has a birthday this week."),
        gettext_lazy("None of %(name)s’s customers has a birthday this week."),
    ),
    "customers_prospect": (
        gettext_lazy("None of your prospects is due for a contact."),
        gettext_lazy("None of %(name)s’s prospects is due for a contact."),
    ),
    "customers_all": (
        gettext_lazy("You have no customers on your list yet."),
        gettext_lazy("%(name)s has no customers on her list yet."),
    ),
    "campaign_days_run": (
        gettext_lazy("“%(campaign)s” began today."),
        gettext_lazy("“%(campaign)s” began today."),
    ),
    "campaign_days_run_any": (
        gettext_lazy("The campaign that counts for you began today."),
        gettext_lazy("The campaign that counts for %(name)s began today."),
    ),
    "campaign_days_left": (
        gettext_lazy("“%(campaign)s” ends today."),
        gettext_lazy("“%(campaign)s” ends today."),
    ),
    "campaign_days_left_any": (
        gettext_lazy("The campaign that counts for you ends today."),
        gettext_lazy("The campaign that counts for %(name)s ends today."),
    ),
    "prize_days_left": (
        gettext_lazy("“%(incentive)s” ends today."),
        gettext_lazy("“%(incentive)s” ends today."),
    ),
    "prize_days_left_any": (
        gettext_lazy("Your nearest prize ends today."),
        gettext_lazy("%(name)s’s nearest prize ends today."),
    ),
    "in_segment": (
        gettext_lazy("You are not in the group “%(segment)s”."),
        gettext_lazy("%(name)s is not in the segment “%(segment)s”."),
    ),
}
