"""What to do next: the catalogue, what was shown, what she did about it, what she knows."""

from .action import Action
from .activity import Activity, ActivityText
from .skill import Mastery, Skill
from .slate import ScaleSet, Slate
from .sweep import Sweep

__all__ = ["Action", "Activity", "ActivityText", "Mastery", "ScaleSet", "Skill", "Slate", "Sweep"]
