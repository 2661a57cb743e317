"""What the database would refuse of a form of the admin, said at the field that it is about."""

from __future__ import annotations

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import CheckConstraint, Model


class SaidForm(forms.ModelForm):
    """Base of every form of the admin: a check of the table that fails is told at the last field it names, not above all."""

    def _update_errors(self, errors: ValidationError) -> None:
        """Django's hook for what the row itself says is wrong; it would tell of a check as of the whole form."""
        found = getattr(errors, "error_dict", {})
        for wrong in found.pop(NON_FIELD_ERRORS, []):
            found.setdefault(self.place_of(wrong) or NON_FIELD_ERRORS, []).append(wrong)
        super()._update_errors(errors)  # type: ignore[misc]

    def place_of(self, wrong: ValidationError) -> str:
        """The field whose check says this, as the row stands; empty when it is no check's."""
        for check in self.instance._meta.constraints:
            if isinstance(check, CheckConstraint) and wrong.messages == [check.get_violation_error_message()]:
                named = [name for name in self.fields if name in check.condition.referenced_base_fields]  # type: ignore[union-attr]
                if named and fails(check, self.instance):
                    return named[-1]
        return ""


def fails(check: CheckConstraint, row: Model) -> bool:
    try:
        check.validate(type(row), row)
    except ValidationError:
        return True
    return False
