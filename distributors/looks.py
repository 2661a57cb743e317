"""Who at HQ looked at a person's own pages: written down before the page is made, and hers to read (You)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from .access import HQ
from .models import Distributor, Look, Role, User

#: Who comes back to a page within so long is still looking at it; a preview is looked at again with each weight moved.
SAME_LOOK = timedelta(minutes=1)
SAME_PREVIEW = timedelta(hours=12)
#: Looks that she can read, and people that a viewer finds again.
NEWEST, RECENT = 20, 8
#: Looks in which the people somebody looked at last are searched.
SEARCHED = 100


def looked(distributor: Distributor, *, by: User, page: Look.Page, as_of: datetime) -> None:
    """Write down that `by` looks at this page of hers; once when it is again within a minute. Call it before rendering."""
    same = SAME_PREVIEW if page in {Look.Page.PREVIEW, Look.Page.RULE} else SAME_LOOK
    with transaction.atomic():
        again = Look.objects.filter(distributor=distributor, viewer=by, page=page, at__gt=as_of - same)
        if not again.exists():
            Look.objects.create(distributor=distributor, viewer=by, page=page, at=as_of)


@dataclass(frozen=True)
class LookLine:
    who: str  # Renata Moss, HQ
    page: str
    at: datetime  # on her clock
    when: str


def lines(distributor: Distributor) -> list[LookLine]:
    """The newest looks at her pages, in the active language. One query."""
    newest = Look.objects.filter(distributor=distributor).select_related("viewer").order_by("-at", "-pk")[:NEWEST]
    return [line(look, look.at.astimezone(distributor.market.zone)) for look in newest]


def line(look: Look, at: datetime) -> LookLine:
    when = date_format(at, pgettext("date and time format", "j F Y, H:i"))
    return LookLine(who(look.viewer), str(look.get_page_display()), at, when)


def who(viewer: User | None) -> str:
    """A name, and where she works: what HQ is not is said by its role, such as Trainer."""
    if viewer is None:
        return _("Somebody at HQ who has left")
    return _("%(name)s, %(where)s") % {
        "name": viewer,
        "where": _("HQ") if viewer.role in HQ else Role(viewer.role).label,
    }


def recent(viewer: User) -> list[Distributor]:
    """Whose Today this viewer looked at last, who is still active. Two queries."""
    newest = Look.objects.filter(viewer=viewer, page=Look.Page.TODAY).order_by("-at", "-pk")
    ids = list(dict.fromkeys(newest.values_list("distributor_id", flat=True)[:SEARCHED]))
    found = Distributor.objects.active().with_market().in_bulk(ids)
    return [found[pk] for pk in ids if pk in found][:RECENT]
