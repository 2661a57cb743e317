from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils.translation import gettext_lazy as _

from .. import zones
from ..audit import audited


class Role(models.TextChoices):
    """What a sign-in may do. One role a person; access.py says what each reaches."""

    DISTRIBUTOR = "distributor", _("Distributor")
    LEADER = "leader", _("Upline leader")
    HQ_VIEWER = "hq_viewer", _("HQ viewer")
    HQ_EDITOR = "hq_editor", _("HQ editor")
    HQ_APPROVER = "hq_approver", _("HQ approver")
    TRAINER = "trainer", _("Trainer")
    INTEGRATOR = "integrator", _("Integrator")
    OPERATOR = "operator", _("Operator")


#: Roles that work in the admin.
STAFF_ROLES = frozenset(
    {Role.HQ_VIEWER, Role.HQ_EDITOR, Role.HQ_APPROVER, Role.TRAINER, Role.INTEGRATOR, Role.OPERATOR}
)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, role=Role.OPERATOR, is_superuser=True, **fields)


@audited(exclude=["password", "last_login"])
class User(AbstractBaseUser, PermissionsMixin):
    """A sign-in. The person behind a distributor, or somebody at HQ."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    role = models.CharField(_("role"), max_length=16, choices=Role, default=Role.DISTRIBUTOR)
    is_active = models.BooleanField(_("active"), default=True)
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        validators=[zones.validate],
        help_text=_("Of the times in this admin. The field reads the clock of its market."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_is_known"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_staff(self) -> bool:
        """May open the admin; what is inside is decided by role (access.py)."""
        return self.is_superuser or self.role in STAFF_ROLES
