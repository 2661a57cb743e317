"""Trainers' Markdown as HTML that is safe to show: an allow-list without htmx attributes, scripts, styles or images."""

from __future__ import annotations

from functools import lru_cache

import nh3
from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS = {"p", "br", "strong", "em", "ul", "ol", "li", "h2", "h3", "blockquote", "a", "code", "hr"}
# No hx-* or data-hx-*: a stored one would post with the reader's own CSRF token.
ATTRIBUTES = {"a": {"href"}}
SCHEMES = {"https", "http", "mailto", "tel"}
#: Letters read as Markdown, at worst a quarter of a second's work. Texts may have half of them (`max_length`): names and
#: products that are filled in make one longer.
LONGEST = 40_000
#: Texts of the library kept as HTML, a few megabytes at most.
KEPT = 64

# Raw HTML stays text; the sanitiser below is the second lock, not the only one.
markdown = MarkdownIt("commonmark", {"html": False}).disable("image")


def render_markdown(text: str) -> SafeString:
    """What is longer than a text may be is shown as it was typed, in paragraphs."""
    if len(text) > LONGEST:
        return mark_safe(linebreaks(text, autoescape=True))  # noqa: S308 - escaped
    html = nh3.clean(
        markdown.render(text), tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener nofollow"
    )
    return mark_safe(html)  # noqa: S308 - cleaned by the allow-list above


@lru_cache(maxsize=KEPT)
def rendered_once(text: str) -> SafeString:
    """Of a text that is the same for every reader: many open it, and it is rendered for the first of them."""
    return render_markdown(text)
