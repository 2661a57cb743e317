"""She was here today: one `distributor.signed_in` event per local day, however often she comes back."""

from __future__ import annotations

from datetime import datetime

from . import ingest
from .models import Distributor


def seen(distributor: Distributor, *, as_of: datetime) -> None:
    """Record that she used the app on her local day of `as_of`. Repeats change nothing."""
    day = distributor.local_day(as_of)
    ingest.record(
        type="distributor.signed_in",
        distributor=distributor,
        time=as_of,
        data={},
        external_id=f"signed-in-{distributor.pk}-{day.isoformat()}",
    )
