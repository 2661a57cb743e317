"""Jenna's regular customers: what each orders, how often, and how long before this week the last order was."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Regular:
    key: str
    name: str
    skus: tuple[str, ...]
    gap: int  # days between orders
    last: int  # days from the last order to the start of this week, at least 1


def regular(name: str, gap: int, last: int, *skus: str) -> Regular:
    return Regular(name.split()[0].lower(), name, skus, gap, last)


REGULARS = (
    regular("Carmen Lopez", 49, 45, "SKIN-DAY", "SKIN-CLEANSER"),
    regular("Nora Fields", 60, 57, "SKIN-NIGHT"),
    regular("Wren Castillo", 56, 52, "EYE-LINER", "WELLNESS-TEA"),
    regular("Abby Price", 42, 20, "SKIN-SUN", "LIP-BALM"),
    regular("Beth Nguyen", 30, 6, "WELLNESS-COLLAGEN"),
    regular("Carla Dunn", 45, 31, "SKIN-CLEANSER"),
    regular("Dawn Ricci", 60, 12, "HAIR-MASK", "HAIR-SHAMPOO"),
    regular("Elise Park", 35, 17, "BODY-HAND", "LIP-BALM"),
    regular("Faye Morgan", 50, 40, "SKIN-DAY"),
    regular("Gina Rossi", 63, 30, "BODY-OIL", "FRAGRANCE-MIST"),
    regular("Holly Stein", 46, 9, "HAIR-SHAMPOO"),
    regular("Ivy Chan", 70, 24, "SETS-GLOW"),
    regular("Jade Moore", 31, 3, "WELLNESS-TEA", "BODY-HAND"),
    regular("Kara Webb", 58, 49, "SKIN-NIGHT"),
    regular("Lena Fuchs", 44, 10, "SKIN-CLEANSER", "LIP-TINT"),
    regular("Mae Sutton", 84, 38, "SETS-TRAVEL"),
    regular("Nell Brooks", 39, 28, "SKIN-SUN"),
    regular("Olive Grant", 52, 4, "SKIN-DAY", "BODY-HAND"),
    regular("Pia Novak", 61, 18, "LIP-TINT"),
    regular("Quinn Avery", 48, 10, "SKIN-DAY"),
    regular("Rae Jensen", 33, 26, "WELLNESS-COLLAGEN"),
    regular("Sara Kim", 66, 44, "BODY-OIL"),
    regular("Thea Lund", 57, 2, "SKIN-NIGHT", "SKIN-CLEANSER"),
    regular("Uma Rao", 45, 36, "HAIR-SHAMPOO", "HAIR-MASK"),
    regular("Vera Popov", 90, 60, "FRAGRANCE-MIST"),
    regular("Willa Stone", 40, 6, "SKIN-SUN", "LIP-BALM"),
    regular("Xenia Petrov", 75, 9, "SETS-TRAVEL"),
    regular("Yara Haddad", 50, 27, "SKIN-CLEANSER", "LIP-BALM"),
    regular("Zoe Marsh", 36, 13, "WELLNESS-TEA"),
    regular("Amber Cole", 55, 47, "HAIR-MASK"),
    regular("Brooke Ellis", 62, 8, "BODY-OIL"),
    regular("Clara Voss", 47, 25, "SKIN-DAY"),
    regular("Dina Farah", 54, 41, "SKIN-NIGHT"),
)
