"""Trainers' Markdown as HTML that is safe to show: an allow-list without htmx attributes, scripts, styles or images."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS = {"p", "br", "strong", "em", "ul", "ol", "li", "h2", "h3", "blockquote", "a", "code", "hr"}
# No hx-* or data-hx-*: a stored one would post with the reader's own CSRF token.
ATTRIBUTES = {"a": {"href"}}
SCHEMES = {"https", "http", "mailto", "tel"}

# Raw HTML stays text; the sanitiser below is the second lock, not the only one.
markdown = MarkdownIt("commonmark", {"html": False}).disable("image")


def render_markdown(text: str) -> SafeString:
    html = nh3.clean(
        markdown.render(text), tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener nofollow"
    )
    return mark_safe(html)  # noqa: S308 - cleaned by the allow-list above
