"""What to do next: the catalogue, what was shown, what she did about it, what she knows."""

from .action import Action
from .activity import Activity, ActivityText
from .asset import Asset, AssetText, LinkDay, ShareLink
from .effect import EffectVersion
from .memory import Arrival, Memory, MemoryMark
from .message import BlockedPhrase, Credit, MessageTemplate, MessageTemplateText, Outreach
from .recalculation import Chunk, DaySlate, Recalculation
from .skill import Mastery, Skill
from .slate import ScaleSet, Slate
from .sweep import Sweep

__all__ = [
    "Action",
    "Activity",
    "ActivityText",
    "Arrival",
    "Asset",
    "AssetText",
    "BlockedPhrase",
    "Chunk",
    "Credit",
    "DaySlate",
    "EffectVersion",
    "LinkDay",
    "Mastery",
    "Memory",
    "MemoryMark",
    "MessageTemplate",
    "MessageTemplateText",
    "Outreach",
    "Recalculation",
    "ScaleSet",
    "ShareLink",
    "Skill",
    "Slate",
    "Sweep",
]
