"""What a fact came to for one person: the sentences for a value that is known."""

from __future__ import annotations

from django.utils.translation import gettext_lazy, ngettext_lazy

from .phrases import Tellings

#: To herself, and of her to others. Plurals go by `days`, which a fact takes, or by `n`, the number told.
TOLD: Tellings = {
    "measured": (
        ngettext_lazy(
            "Your %(what)s in the last %(days)s day came to %(value)s.",
            "Your %(what)s in the last %(days)s days came to %(value)s.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s’s %(what)s in the last %(days)s day came to %(value)s.",
            "%(name)s’s %(what)s in the last %(days)s days came to %(value)s.",
            "days",
        ),
    ),
    "days_since": (
        ngettext_lazy("Your %(last)s was %(value)s day ago.", "Your %(last)s was %(value)s days ago.", "n"),
        ngettext_lazy("%(name)s’s %(last)s was %(value)s day ago.", "%(name)s’s %(last)s was %(value)s days ago.", "n"),
    ),
    "days_since_first": (
        ngettext_lazy("Your %(first)s was %(value)s day ago.", "Your %(first)s was %(value)s days ago.", "n"),
        ngettext_lazy(
            "%(name)s’s %(first)s was %(value)s day ago.", "%(name)s’s %(first)s was %(value)s days ago.", "n"
        ),
    ),
    "decline": (
        gettext_lazy("The chance that your sales halve over the next 28 days is %(value)s."),
        gettext_lazy("The chance that %(name)s’s sales halve over the next 28 days is %(value)s."),
    ),
    "goal_percent": (
        gettext_lazy("Your %(goal)s is at %(value)s."),
        gettext_lazy("%(name)s’s %(goal)s is at %(value)s."),
    ),
    "goal_left": (
        gettext_lazy("Your %(goal)s still needs %(value)s."),
        gettext_lazy("%(name)s’s %(goal)s still needs %(value)s."),
    ),
    "goal_chance": (
        gettext_lazy("Your %(goal)s has a chance of %(value)s."),
        gettext_lazy("%(name)s’s %(goal)s has a chance of %(value)s."),
    ),
    "goal_days_left": (
        ngettext_lazy("Your %(goal)s has %(value)s day left.", "Your %(goal)s has %(value)s days left.", "n"),
        ngettext_lazy(
            "%(name)s’s %(goal)s has %(value)s day left.", "%(name)s’s %(goal)s has %(value)s days left.", "n"
        ),
    ),
    "last_goal_percent": (
        gettext_lazy("Your %(goal)s came to %(value)s last time."),
        gettext_lazy("%(name)s’s %(goal)s came to %(value)s last time."),
    ),
    "joined_days": (
        ngettext_lazy("You joined %(value)s day ago.", "You joined %(value)s days ago.", "n"),
        ngettext_lazy("%(name)s joined %(value)s day ago.", "%(name)s joined %(value)s days ago.", "n"),
    ),
    "years": (
        ngettext_lazy(
            "You have been with the company for %(value)s full year.",
            "You have been with the company for %(value)s full years.",
            "n",
        ),
        ngettext_lazy(
            "%(name)s has been with the company for %(value)s full year.",
            "%(name)s has been with the company for %(value)s full years.",
            "n",
        ),
    ),
    "anniversary_days": (
        ngettext_lazy(
            "Your anniversary with the company is in %(value)s day.",
            "Your anniversary with the company is in %(value)s days.",
            "n",
        ),
        ngettext_lazy(
            "%(name)s’s anniversary with the company is in %(value)s day.",
            "%(name)s’s anniversary with the company is in %(value)s days.",
            "n",
        ),
    ),
    "team_size": (
        ngettext_lazy("You have %(value)s direct recruit.", "You have %(value)s direct recruits.", "n"),
        ngettext_lazy("%(name)s has %(value)s direct recruit.", "%(name)s has %(value)s direct recruits.", "n"),
    ),
    "done": (
        ngettext_lazy(
            "You did “%(activity)s” %(value)s in the last %(days)s day.",
            "You did “%(activity)s” %(value)s in the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s did “%(activity)s” %(value)s in the last %(days)s day.",
            "%(name)s did “%(activity)s” %(value)s in the last %(days)s days.",
            "days",
        ),
    ),
    "done_any": (
        ngettext_lazy(
            "You finished activities %(value)s in the last %(days)s day.",
            "You finished activities %(value)s in the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s finished activities %(value)s in the last %(days)s day.",
            "%(name)s finished activities %(value)s in the last %(days)s days.",
            "days",
        ),
    ),
    "dismissed": (
        ngettext_lazy(
            "You dismissed “%(activity)s” %(value)s in the last %(days)s day.",
            "You dismissed “%(activity)s” %(value)s in the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s dismissed “%(activity)s” %(value)s in the last %(days)s day.",
            "%(name)s dismissed “%(activity)s” %(value)s in the last %(days)s days.",
            "days",
        ),
    ),
    "dismissed_any": (
        ngettext_lazy(
            "You dismissed activities %(value)s in the last %(days)s day.",
            "You dismissed activities %(value)s in the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s dismissed activities %(value)s in the last %(days)s day.",
            "%(name)s dismissed activities %(value)s in the last %(days)s days.",
            "days",
        ),
    ),
    "seen": (
        ngettext_lazy(
            "You saw “%(activity)s” on %(value)s of the last %(days)s day.",
            "You saw “%(activity)s” on %(value)s of the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s saw “%(activity)s” on %(value)s of the last %(days)s day.",
            "%(name)s saw “%(activity)s” on %(value)s of the last %(days)s days.",
            "days",
        ),
    ),
    "seen_any": (
        ngettext_lazy(
            "You opened your list on %(value)s of the last %(days)s day.",
            "You opened your list on %(value)s of the last %(days)s days.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s opened her list on %(value)s of the last %(days)s day.",
            "%(name)s opened her list on %(value)s of the last %(days)s days.",
            "days",
        ),
    ),
    "customers_open_basket": (
        ngettext_lazy(
            "%(value)s of your customers left a basket open.", "%(value)s of your customers left a basket open.", "n"
        ),
        ngettext_lazy(
            "%(value)s of %(name)s’s customers left a basket open.",
            "%(value)s of %(name)s’s customers left a basket open.",
            "n",
        ),
    ),
    "customers_one_time": (
        ngettext_lazy(
            "%(value)s of your customers bought a line just once.",
            "%(value)s of your customers bought a line just once.",
            "n",
        ),
        ngettext_lazy(
            "%(value)s of %(name)s’s customers bought a line just once.",
            "%(value)s of %(name)s’s customers bought a line just once.",
            "n",
        ),
    ),
    "customers_reorder_due": (
        ngettext_lazy(
            "%(value)s of your customers is due to reorder.", "%(value)s of your customers are due to reorder.", "n"
        ),
        ngettext_lazy(
            "%(value)s of %(name)s’s customers is due to reorder.",
            "%(value)s of %(name)s’s customers are due to reorder.",
            "n",
        ),
    ),
    "customers_check_in": (
        ngettext_lazy(
            "%(value)s of your customers is due to be asked about a new order.",
            "%(value)s of your customers are due to be asked about a new order.",
            "n",
        ),
        ngettext_lazy(
            "%(value)s of %(name)s’s customers is due to be asked about a new order.",
            "%(value)s of %(name)s’s customers are due to be asked about a new order.",
            "n",
        ),
    ),
    "customers_connect": (
        ngettext_lazy(
            "%(value)s of your customers ordered three weeks ago.",
            "%(value)s of your customers ordered three weeks ago.",
            "n",
        ),
        ngettext_lazy(
            "%(value)s of %(name)s’s customers ordered three weeks ago.",
            "%(value)s of %(name)s’s customers ordered three weeks ago.",
            "n",
        ),
    ),
    "customers_lapsed": (
        ngettext_lazy(
            "%(value)s of your customers has not ordered for a long time.",
            "%(value)s of your customers have not ordered for a long time.",
            "n",
        ),
        ngettext_lazy(
            "%(value)s of %(name)s’s customers has not ordered for a long time.",
            "%(value)s of %(name)s’s customers have not ordered for a long time.",
            "n",
        ),
    ),
    "customers_birthday": (
        ngettext_lazy(
            "%(value)s of your customers has a birthday this week.",
            "%(value)s of your customers have a birthday this week.",
            "n",
        ),
        ngettext_lazy(
            "%(value)s of %(name)s’s customers has a birthday this week.",
            "%(value)s of %(name)s’s customers have a birthday this week.",
            "n",
        ),
    ),
    "customers_prospect": (
        ngettext_lazy(
            "%(value)s of your prospects is due for a contact.",
            "%(value)s of your prospects are due for a contact.",
            "n",
        ),
        ngettext_lazy(
            "%(value)s of %(name)s’s prospects is due for a contact.",
            "%(value)s of %(name)s’s prospects are due for a contact.",
            "n",
        ),
    ),
    "customers_all": (
        ngettext_lazy("You have %(value)s customer on your list.", "You have %(value)s customers on your list.", "n"),
        ngettext_lazy(
            "%(name)s has %(value)s customer on her list.", "%(name)s has %(value)s customers on her list.", "n"
        ),
    ),
    "campaign_days_run": (
        ngettext_lazy("“%(campaign)s” began %(value)s day ago.", "“%(campaign)s” began %(value)s days ago.", "n"),
        ngettext_lazy("“%(campaign)s” began %(value)s day ago.", "“%(campaign)s” began %(value)s days ago.", "n"),
    ),
    "campaign_days_run_any": (
        ngettext_lazy(
            "The campaign that counts for you began %(value)s day ago.",
            "The campaign that counts for you began %(value)s days ago.",
            "n",
        ),
        ngettext_lazy(
            "The campaign that counts for %(name)s began %(value)s day ago.",
            "The campaign that counts for %(name)s began %(value)s days ago.",
            "n",
        ),
    ),
    "campaign_days_left": (
        ngettext_lazy("“%(campaign)s” ends in %(value)s day.", "“%(campaign)s” ends in %(value)s days.", "n"),
        ngettext_lazy("“%(campaign)s” ends in %(value)s day.", "“%(campaign)s” ends in %(value)s days.", "n"),
    ),
    "campaign_days_left_any": (
        ngettext_lazy(
            "The campaign that counts for you ends in %(value)s day.",
            "The campaign that counts for you ends in %(value)s days.",
            "n",
        ),
        ngettext_lazy(
            "The campaign that counts for %(name)s ends in %(value)s day.",
            "The campaign that counts for %(name)s ends in %(value)s days.",
            "n",
        ),
    ),
    "prize_percent": (
        gettext_lazy("You are at %(value)s of “%(incentive)s”."),
        gettext_lazy("%(name)s is at %(value)s of “%(incentive)s”."),
    ),
    "prize_percent_any": (
        gettext_lazy("You are at %(value)s of your nearest prize."),
        gettext_lazy("%(name)s is at %(value)s of her nearest prize."),
    ),
    "prize_days_left": (
        ngettext_lazy("“%(incentive)s” ends in %(value)s day.", "“%(incentive)s” ends in %(value)s days.", "n"),
        ngettext_lazy("“%(incentive)s” ends in %(value)s day.", "“%(incentive)s” ends in %(value)s days.", "n"),
    ),
    "prize_days_left_any": (
        ngettext_lazy("Your nearest prize ends in %(value)s day.", "Your nearest prize ends in %(value)s days.", "n"),
        ngettext_lazy(
            "%(name)s’s nearest prize ends in %(value)s day.", "%(name)s’s nearest prize ends in %(value)s days.", "n"
        ),
    ),
    "day_of_month": (
        gettext_lazy("Today is day %(value)s of the month."),
        gettext_lazy("Today is day %(value)s of the month."),
    ),
    "market": (
        gettext_lazy("Your market is %(value)s."),
        gettext_lazy("%(name)s’s market is %(value)s."),
    ),
    "language": (
        gettext_lazy("Your language is %(value)s."),
        gettext_lazy("%(name)s’s language is %(value)s."),
    ),
    "rank": (
        gettext_lazy("Your rank is %(value)s."),
        gettext_lazy("%(name)s’s rank is %(value)s."),
    ),
    "weekday": (
        gettext_lazy("Today is %(value)s."),
        gettext_lazy("Today is %(value)s."),
    ),
    "in_segment": (
        gettext_lazy("You are in the group “%(segment)s”."),
        gettext_lazy("%(name)s is in the segment “%(segment)s”."),
    ),
}
