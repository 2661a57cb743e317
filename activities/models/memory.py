from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from distributors.marks import marking
from distributors.models import Event

#: Whose open cards an event may close: her own, and her sponsor's about her. What a recruit taps in the app closes no card of
#: her sponsor's.
REACHED = """
    SELECT distributor_id FROM {rows}
    UNION SELECT d.sponsor_id FROM {rows} r JOIN distributors_distributor d ON d.id = r.distributor_id
    WHERE r.type NOT LIKE 'activity.%' AND r.type <> 'distributor.signed_in'
"""


class Arrival(Event):
    """An event as it reaches this app: carries the trigger that marks whom it reached."""

    class Meta:
        proxy = True
        triggers = marking("activities_memorymark", REACHED, inserts_only=True)


class MemoryMark(models.Model):
    """Whose Memory row is out of date, or whom an event reached that may close a card. Written by triggers (marks.py)."""

    distributor_id = models.BigIntegerField(db_index=True)

    class Meta:
        verbose_name = _("mark")
        verbose_name_plural = _("marks")

    def __str__(self) -> str:
        return str(self.distributor_id)


class Memory(models.Model):
    """The compact row of what she was shown, did and knows, as ranking reads it (distributors/records.py).

    A function of actions, slates and masteries and of the activities' spacing alone; memory.py writes it. `changed` is a new number
    whenever the bytes are; `spacing` is the version of what they take from the catalogue.
    """

    distributor = models.OneToOneField(
        "distributors.Distributor", on_delete=models.CASCADE, primary_key=True, related_name="memory"
    )
    hides = models.BinaryField()
    shown = models.BinaryField()
    skills = models.BinaryField()
    changed = models.BigIntegerField()
    spacing = models.BigIntegerField()

    class Meta:
        verbose_name = _("memory row")
        verbose_name_plural = _("memory rows")

    def __str__(self) -> str:
        return str(self.distributor_id)
