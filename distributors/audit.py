"""Who changed what: a database trigger writes each change of an audited table beside it, in the same transaction.

Triggers also see `.update()`, bulk writes and plain SQL. The rows of `<Model>Change` cannot be changed or deleted;
the person and page behind a change come from the context that pep.middleware sets (JSON in the row itself, so that
no second table can be edited to blame somebody else).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pghistory
import pgtrigger
from django.db import models

M = TypeVar("M", bound=type[models.Model])


def audited(*, exclude: Iterable[str] = (), inserts: bool = True) -> Callable[[M], M]:
    """Record inserts, updates and deletes of a model, without the fields named in `exclude`.

    An update that changes only excluded fields records nothing. `inserts=False` is for tables that the field fills
    (the row itself is then the record of its making).
    """
    trackers: list[Any] = [pghistory.UpdateEvent(), pghistory.DeleteEvent()]
    if inserts:
        trackers.insert(0, pghistory.InsertEvent())

    def declare(model: M) -> M:
        return pghistory.track(  # type: ignore[no-any-return]
            *trackers,
            exclude=list(exclude),
            model_name=f"{model.__name__}Change",
            obj_field=pghistory.ObjForeignKey(related_name="+"),
            context_field=pghistory.ContextJSONField(),
            context_id_field=None,
            append_only=True,
        )(model)

    return declare


def audited_links(through: type[models.Model], name: str) -> type[models.Model]:
    """Record what is added to and removed from a many-to-many field: `name` is the name of the proxy model that is returned."""
    meta = type("Meta", (), {"proxy": True, "app_label": through._meta.app_label})
    proxy = type(name, (through,), {"Meta": meta, "__module__": through.__module__})
    pghistory.track(
        pghistory.InsertEvent(),
        pghistory.DeleteEvent(),
        model_name=f"{name}Change",
        obj_field=None,
        context_field=pghistory.ContextJSONField(),
        context_id_field=None,
        append_only=True,
    )(proxy)
    return proxy


def immutable(*may_forget: str) -> list[Any]:
    """Triggers that refuse to change or delete a row. `may_forget` names the foreign keys that may become null."""
    triggers = [
        pgtrigger.Protect(
            name="no_update",
            operation=pgtrigger.Update,
            condition=pgtrigger.AnyChange(exclude=list(may_forget)) if may_forget else pgtrigger.AnyChange(),
        ),
        pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete),
    ]
    for at, name in enumerate(may_forget):
        moved = {f"old__{name}__df": pgtrigger.F(f"new__{name}"), f"new__{name}__isnull": False}
        triggers.append(
            pgtrigger.Protect(
                name="only_forget" if at == 0 else f"only_forget_{name}",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(**moved),
            )
        )
    return triggers
