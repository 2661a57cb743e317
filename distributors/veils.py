"""Customers as somebody sees them who may see that they are there, but not who they are: HQ, looking at a Today."""

from __future__ import annotations

import copy

from .models import Customer

NO_BREAK = "\u00a0"


def veiled(customer: Customer) -> Customer:
    """A copy with initials for a name and nothing that reaches her, for sentences and lists. Never save it."""
    known = copy.copy(customer)
    # In one piece, so that it stands wherever a given name does: "M. K."
    known.name = NO_BREAK.join(f"{letter}." for letter in customer.initials)
    known.external_id = known.phone = known.email = ""
    return known
