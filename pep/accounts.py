"""Sign-in and sign-out, by allauth: accounts are made by the company, and each role lands where it works."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The admin for staff, her day for everybody else."""
        return reverse("admin:index") if request.user.is_staff else "/"

    def logout(self, request: HttpRequest) -> None:
        super().logout(request)
        # pep.middleware.harden then tells the browser to forget what it kept: phones are shared.
        request.signed_out = True  # type: ignore[attr-defined]
