"""The library's first picture: six lip tint shades on three skin tones, drawn rather than photographed."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

SKIN = ("#f3d9c6", "#c68d66", "#6b4230")
SHADES = ("#e3a6a1", "#d27f7d", "#c4565f", "#b0313f", "#8c2740", "#5e1f3a")
WIDTH, HEIGHT, EDGE, GAP = 1200, 960, 48, 24
#: Drawn larger and made smaller, so that curves are smooth.
FINER = 2


def drawn() -> bytes:
    """A PNG of 1200 x 960 pixels."""
    picture = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), "#faf6f2")
    draw = ImageDraw.Draw(picture)
    tall = (HEIGHT - 2 * EDGE - (len(SKIN) - 1) * GAP) / len(SKIN)
    for row, skin in enumerate(SKIN):
        top = EDGE + row * (tall + GAP)
        rounded(draw, (EDGE, top, WIDTH - EDGE, top + tall), 36, skin)
        step = (WIDTH - 2 * EDGE) / len(SHADES)
        for column, shade in enumerate(SHADES):
            left = EDGE + (column + 0.5) * step
            rounded(draw, (left - 46, top + 36, left + 46, top + tall - 36), 46, shade)
            rounded(draw, (left - 24, top + 62, left - 12, top + tall - 96), 6, lighter(shade))
    out = io.BytesIO()
    picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def rounded(draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], radius: float, colour: str) -> None:
    draw.rounded_rectangle([side * FINER for side in box], radius * FINER, fill=colour)


def lighter(colour: str) -> str:
    """A fifth of the way to white: the gloss of a fresh layer."""
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(part + (255 - part) * 0.2):02x}" for part in parts)
