"""A page's HTML to be looked at only: the same words in the same places, without anything that leads or does something."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

from django.utils.safestring import SafeString, mark_safe

Attributes = list[tuple[str, str | None]]

CONTROLS = {"button", "input", "select", "textarea"}
#: What leads somewhere or does something, whatever it stands on; and what names a link that is none any more.
ACTS = {"href", "action", "method", "formaction", "ping", "target", "download"}
LINK_NAME = {"aria-label"}


def stilled(html: str) -> SafeString:
    """Forms and hidden fields are gone, controls are disabled, links are plain text; nothing for htmx or scripts is left."""
    stiller = Stiller()
    stiller.feed(html)
    stiller.close()
    return mark_safe("".join(stiller.out))  # noqa: S308 (made of what our own templates escaped)


class Stiller(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        given = dict(attrs)
        if tag == "form" or (tag == "input" and given.get("type") == "hidden"):
            return
        kept = {name: value for name, value in given.items() if not acts(tag, name)}
        if tag in CONTROLS:
            kept |= {"disabled": None} | ({"type": "button"} if tag == "button" else {})
        self.out.append((self.get_starttag_text() or "") if kept == given else opened(tag, kept))

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag: str) -> None:
        if tag != "form":
            self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")


def acts(tag: str, name: str) -> bool:
    if tag == "use" and name == "href":
        return False  # a symbol of the sprite
    return name in ACTS or name.startswith(("hx-", "data-", "on")) or (tag == "a" and name in LINK_NAME)


def opened(tag: str, attributes: dict[str, str | None]) -> str:
    said = "".join(f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{said}>"
