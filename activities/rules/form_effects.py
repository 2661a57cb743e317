"""Then: a rule's effects as rows of controls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from kpis.rule_effects import BLANKS, EFFECTS, LEADER, OWN_BLANKS, Effect

from ..models import Activity
from .form_drawing import Drawing
from .form_parts import Control, Row
from .form_rows import Json, mapped
from .form_words import WHOM, Options, effects, sorted_pairs


class Effects(Drawing):
    """Then: what happens, an effect a row."""

    def effect(self, place: int, effect: Json) -> Row:
        path, many = f"then.{place}", len(self.definition["then"])
        known = EFFECTS.get(effect.get("effect", ""))
        chosen = self.control(f"{path}.effect", _("What happens"), "select", options=effects(), redraws=True)
        found = [one for name, schema in known.schema().items() for one in self.effect_field(path, name, schema, effect)] \
            if known else []  # fmt: skip
        controls = [chosen, *(one for one in found if not one.wide)]
        below = [one for one in found if one.wide]
        return Row(
            path=path,
            number=place + 1,
            controls=controls,
            below=below,
            up=place > 0,
            down=place < many - 1,
            problems=self.unplaced(path, [*controls, *below]),
            hint=self.hint(known),
            wants_segment=known is not None and "segment" in known.schema(),
        )

    def effect_field(self, path: str, name: str, schema: Json, effect: Json) -> list[Control]:
        """By what it is called and what its JSON Schema says: an effect that is new needs nothing here."""
        at = f"{path}.{name}"
        if name == "target":
            return [self.control(at, _("Which activities"), "select", options=self.targets(schema))]
        if name == "activity":
            offered = self.words.for_leader() if effect.get("for") == LEADER else self.words.shelf.activities
            options: Options = [("", [("", _("choose an activity"))]), *self.words.activities(offered)]
            return [self.control(at, _("Activity"), "select", options=options)]
        if name == "segment":
            mine = {pk: label for pk, label in self.words.names.segments.items() if pk in self.words.by_rules}
            options = [("", [("", _("choose a segment")), *sorted_pairs(mine)])]
            return [self.control(at, _("Segment"), "select", options=options)]
        if name == "for":
            return [self.control(at, _("For whom"), "select", options=[("", list(WHOM.items()))], redraws=True)]
        if name == "by":
            return [self.control(at, _("Points"), "number", before=_("by"), after=_("points, −10 to +10"),
                                 least=-10, most=10, step="any")]  # fmt: skip
        return self.plain_field(at, name, schema)

    def plain_field(self, at: str, name: str, schema: Json) -> list[Control]:
        if schema.get("type") == "object":
            return [self.spoken(at, name, code, str(label), schema) for code, label in settings.LANGUAGES]
        if schema.get("format") == "date":
            return [self.control(at, _("Last day"), "date", before=_("until"))]
        if schema.get("type") in {"integer", "number"}:
            return [self.control(at, _("Days"), "number", before=_("for"), after=_("days"), step="1",
                                 least=schema.get("minimum"), most=schema.get("maximum"))]  # fmt: skip
        choices = [(str(one), str(one)) for one in schema.get("enum", [])]
        return [self.control(at, name, "select" if choices else "text", options=[("", choices)])]

    def spoken(self, at: str, name: str, code: str, language: str, schema: Json) -> Control:
        longest = mapped(mapped(schema.get("properties")).get(code)).get("maxLength", 0)
        label = _("Title, %(language)s") if name == "title" else _("Text, %(language)s")
        return self.control(
            f"{at}.{code}", label % {"language": _(language)}, "text" if name == "title" else "textarea",
            longest=longest, language=code, wide=True,
        )  # fmt: skip

    def targets(self, schema: Json) -> Options:
        """One activity, or all of a kind or line where the effect takes these."""
        found: list[Any] = [("", [("", _("choose activities"))])]
        if "properties" not in schema:
            kinds = [(f"kind:{kind}", label) for kind, label in Activity.Kind.choices]
            lines = [(f"line:{code}", label) for code, label in sorted_pairs(self.words.names.lines)]
            found += [(_("All of one kind"), kinds), (_("All of one product line"), lines)]
        single = self.words.activities(self.words.shelf.activities)
        return [*found, *((label, [(f"activity:{key}", title) for key, title in some]) for label, some in single)]

    def hint(self, effect: type[Effect] | None) -> str:
        if effect is None:
            return ""
        fields = effect.schema()
        if "segment" in fields:
            return _("Only segments that rules fill can be chosen. Without days she stays for good.")
        if "text" in fields:
            return " ".join(
                [
                    _("{name} is whom it is about, {reason} what was found, with her number."),
                    _("Her figures when it fires: %(fields)s.") % {"fields": braced(BLANKS[2:])},
                    _("To herself also: %(fields)s.") % {"fields": braced(OWN_BLANKS)},
                    _("A [part in brackets] is left out where its figure is not known."),
                ]
            )
        return ""


def braced(blanks: Iterable[str]) -> str:
    """{prize}, {prize_left}: as an author types them."""
    return ", ".join(f"{{{one}}}" for one in blanks)
