"""What to do next: the catalogue, what was shown, what she did about it, what she knows."""

from .action import Action
from .activity import Activity, ActivityText
from .effect import EffectVersion
from .memory import Arrival, Memory, MemoryMark
from .recalculation import Chunk, DaySlate, Recalculation
from .skill import Mastery, Skill
from .slate import ScaleSet, Slate
from .sweep import Sweep

__all__ = [
    "Action",
    "Activity",
    "ActivityText",
    "Arrival",
    "Chunk",
    "DaySlate",
    "EffectVersion",
    "Mastery",
    "Memory",
    "MemoryMark",
    "Recalculation",
    "ScaleSet",
    "Skill",
    "Slate",
    "Sweep",
]
