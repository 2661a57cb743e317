"""What a fact came to for one person: the sentences for what is not known of her."""

from __future__ import annotations

from django.utils.translation import gettext_lazy, ngettext_lazy

from .phrases import Tellings

#: Of what is not known.
UNKNOWN: Tellings = {
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
