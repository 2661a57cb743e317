"""Desks for what the machine does by itself: read, never written by hand."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from distributors.admin import HQ_READS, LogAdmin
from distributors.desk import VIEW, May, RoleInline
from distributors.models import Role
from distributors.wording import percent

from .models import Chunk, Recalculation

WATCHERS: May = HQ_READS | {Role.OPERATOR: VIEW}


class ChunkInline(RoleInline):
    model = Chunk
    may: May = WATCHERS
    fields = ["first", "last", "state", "attempts", "people", "changed", "seconds", "memory_mb", "problem"]
    readonly_fields = fields


@admin.register(Recalculation)
class RecalculationAdmin(LogAdmin):
    """How far each run is, and what of it has to be looked at."""

    may: May = WATCHERS
    fields = [
        "scope", "market", "morning", "as_of", "by", "started_at", "finished_at", "progress", "people", "changed",
        "seconds", "parked",
    ]  # fmt: skip
    readonly_fields = fields
    inlines = [ChunkInline]
    list_display = [
        "started_at", "scope", "market", "morning", "progress", "people", "changed", "seconds", "parked",
        "finished_at",
    ]  # fmt: skip
    list_filter = ["scope", "market"]
    list_select_related = ["market"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Recalculation]:
        """With the sums of its chunks; looked up for the rows of a page only."""
        of_it = Chunk.objects.filter(recalculation=OuterRef("pk")).order_by().values("recalculation")

        def summed(name: str) -> Coalesce:
            return Coalesce(Subquery(of_it.annotate(all=Sum(name)).values("all")), 0)

        def counted(chunks: QuerySet) -> Coalesce:
            return Coalesce(Subquery(chunks.annotate(n=Count("pk")).values("n")), 0)

        return super().get_queryset(request).annotate(
            all_chunks=counted(of_it),
            done_chunks=counted(of_it.filter(state=Chunk.State.DONE)),
            parked_chunks=counted(of_it.filter(state=Chunk.State.PARKED)),
            all_people=summed("people"), all_changed=summed("changed"),
            worked=Coalesce(Subquery(of_it.annotate(all=Sum("seconds")).values("all")), 0.0),
        )  # fmt: skip

    @admin.display(description=_("progress"))
    def progress(self, run: Recalculation) -> str:
        """Rounded down, so that it says 100% when all of it is done and not before."""
        done, chunks = run.done_chunks, run.all_chunks  # type: ignore[attr-defined]
        said = percent(100 * done // chunks if chunks else 100)
        return gettext("%(done)s of %(chunks)s (%(percent)s)") % {"done": done, "chunks": chunks, "percent": said}

    @admin.display(description=_("people"))
    def people(self, run: Recalculation) -> int:
        return run.all_people  # type: ignore[attr-defined]

    @admin.display(description=_("changed"))
    def changed(self, run: Recalculation) -> int:
        return run.all_changed  # type: ignore[attr-defined]

    @admin.display(description=_("seconds of work"))
    def seconds(self, run: Recalculation) -> float:
        return round(run.worked, 1)  # type: ignore[attr-defined]

    @admin.display(description=_("parked"))
    def parked(self, run: Recalculation) -> int:
        return run.parked_chunks  # type: ignore[attr-defined]
