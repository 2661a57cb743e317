"""What a fact came to for one person, in a sentence: to herself, to her leader, to HQ.

Facts first, and nothing but facts. What is told to a leader or at HQ names her.
"""

from __future__ import annotations

import math
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext_lazy
from django.utils.translation import gettext as _

from ..metrics import METRICS, Unit
from ..models import Market
from ..money import format_money
from .phrases import Names, choice, fields, key, number, percent, plural, times
from .tree import Fact, Leaf
from .vocabulary import METRIC, VOCABULARY
from .vocabulary import Unit as FactUnit

Reader = Literal["her", "leader", "hq"]

#: To herself, and of her to others. Plurals go by `days`, which a fact takes, or by `n`, the number told.
TOLD: dict[str, tuple[str | Promise, str | Promise]] = {
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

#: Of 0, and of a no.
NONE: dict[str, tuple[str | Promise, str | Promise]] = {
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

#: Of what is not known.
UNKNOWN: dict[str, tuple[str | Promise, str | Promise]] = {
    "change": (
        ngettext_lazy(
            "Your %(what)s in the last %(days)s day cannot be compared with your own %(before_spelled)s before.",
            "Your %(what)s in the last %(days)s days cannot be compared with your own %(before_spelled)s before.",
            "days",
        ),
        ngettext_lazy(
            "%(name)s’s %(what)s in the last %(days)s day cannot be compared with her own %(before_spelled)s before.",
            "%(name)s’s %(what)s in the last %(days)s days cannot be compared with her own %(before_spelled)s before.",
            "days",
        ),
    ),
    "days_since": (
        gettext_lazy("You have not had %(one)s yet."),
        gettext_lazy("%(name)s has not had %(one)s yet."),
    ),
    "days_since_first": (
        gettext_lazy("You have not had %(one)s yet."),
        gettext_lazy("%(name)s has not had %(one)s yet."),
    ),
    "decline": (
        gettext_lazy("It is too early to say how your sales will develop."),
        gettext_lazy("It is too early to say how %(name)s’s sales will develop."),
    ),
    "goal_percent": (
        gettext_lazy("Your %(goal)s is not set."),
        gettext_lazy("%(name)s’s %(goal)s is not set."),
    ),
    "goal_left": (
        gettext_lazy("Your %(goal)s is not set."),
        gettext_lazy("%(name)s’s %(goal)s is not set."),
    ),
    "goal_pace": (
        gettext_lazy("Your %(goal)s is not set."),
        gettext_lazy("%(name)s’s %(goal)s is not set."),
    ),
    "goal_days_left": (
        gettext_lazy("Your %(goal)s is not set."),
        gettext_lazy("%(name)s’s %(goal)s is not set."),
    ),
    "goal_chance": (
        gettext_lazy("Your %(goal)s has no chance worked out yet."),
        gettext_lazy("%(name)s’s %(goal)s has no chance worked out yet."),
    ),
    "last_goal_percent": (
        gettext_lazy("Your %(goal)s has no result from last time."),
        gettext_lazy("%(name)s’s %(goal)s has no result from last time."),
    ),
    "market": (
        gettext_lazy("Your market is not known."),
        gettext_lazy("%(name)s’s market is not known."),
    ),
    "language": (
        gettext_lazy("Your language is not known."),
        gettext_lazy("%(name)s’s language is not known."),
    ),
    "rank": (
        gettext_lazy("You have no rank yet."),
        gettext_lazy("%(name)s has no rank yet."),
    ),
    "campaign_days_run": (
        gettext_lazy("“%(campaign)s” does not count for you now."),
        gettext_lazy("“%(campaign)s” does not count for %(name)s now."),
    ),
    "campaign_days_run_any": (
        gettext_lazy("No campaign counts for you now."),
        gettext_lazy("No campaign counts for %(name)s now."),
    ),
    "campaign_days_left": (
        gettext_lazy("“%(campaign)s” does not count for you now."),
        gettext_lazy("“%(campaign)s” does not count for %(name)s now."),
    ),
    "campaign_days_left_any": (
        gettext_lazy("No campaign counts for you now."),
        gettext_lazy("No campaign counts for %(name)s now."),
    ),
    "prize_percent": (
        gettext_lazy("“%(incentive)s” is not open to you now."),
        gettext_lazy("“%(incentive)s” is not open to %(name)s now."),
    ),
    "prize_percent_any": (
        gettext_lazy("No prize is open to you now."),
        gettext_lazy("No prize is open to %(name)s now."),
    ),
    "prize_days_left": (
        gettext_lazy("“%(incentive)s” is not open to you now."),
        gettext_lazy("“%(incentive)s” is not open to %(name)s now."),
    ),
    "prize_days_left_any": (
        gettext_lazy("No prize is open to you now."),
        gettext_lazy("No prize is open to %(name)s now."),
    ),
}

#: Of a figure against her own past.
CHANGE: dict[str, tuple[str | Promise, str | Promise]] = {
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
PACE: dict[str, tuple[str | Promise, str | Promise]] = {
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


def told(leaf: Leaf, value: float | str | None, *, to: Reader, name: str, market: Market, names: Names) -> str:
    """Your sales in the last 7 days are 62% below your own four weeks before.

    `value` as conditions see it: money in base currency, of a choice its name; None or NaN when it is not known. Money is told
    in the money of `market`, hers.
    """
    fact, others = leaf.fact, to != "her"
    about, said = key(fact), {**fields(fact, names), "name": name}
    if value is None or value != value:
        if about in UNKNOWN:
            return str(UNKNOWN[about][others] % said)
        return _("Nothing is known of this: %(fact)s.") % {"fact": VOCABULARY[fact.name].label}
    if isinstance(value, str):
        return str(TOLD[about][others] % {**said, "value": choice(fact, value, names)})
    if fact.name in ("change", "goal_pace"):
        return moved(fact, value, said, others=others)
    sentence = (NONE if value == 0 and about in NONE else TOLD)[about][others]
    return str(sentence % {**said, "value": shown(fact, value, market), "n": plural(value)})


def moved(fact: Fact, value: float, said: dict[str, str | int], *, others: bool) -> str:
    """Of what goes up and down: how far, floored, so that neither is told as more than it is."""
    whole = math.floor(abs(value))
    way = "level" if whole == 0 else "below" if value < 0 else "above"
    sentence = (CHANGE if fact.name == "change" else PACE)[way][others]
    return str(sentence % {**said, "value": percent(whole) if fact.name == "change" else number(whole), "n": whole})


def shown(fact: Fact, value: float, market: Market) -> str:
    """A number with its unit, in her market's money."""
    kind = VOCABULARY[fact.name]
    if kind.unit is FactUnit.PERCENT:
        return percent(math.floor(value))
    if fact.name in ("done", "dismissed"):
        return times(value)
    if kind.unit is FactUnit.OF_METRIC and fact[METRIC] and METRICS[fact[METRIC]].unit is Unit.MONEY:
        return format_money(value * float(market.price_level), market.currency, get_language() or "en")
    return number(value)
