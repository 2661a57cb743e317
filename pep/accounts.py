"""Sign-in and sign-out, by allauth: accounts are made by the company, and each role lands where it works."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import get_next_redirect_url
from django.http import HttpRequest, HttpResponse
from django.urls import reverse


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The admin for staff, her day for everybody else."""
        return reverse("admin:index") if request.user.is_staff else "/"

    def post_login(self, request: HttpRequest, user: Any, *, redirect_url: str | None, **more: Any) -> HttpResponse:
        """Who typed the bare address was on the way to her first page: that of staff is not the field's."""
        if user.is_staff and (redirect_url or get_next_redirect_url(request)) == "/":
            redirect_url = self.get_login_redirect_url(request)
        return super().post_login(request, user, redirect_url=redirect_url, **more)

    def logout(self, request: HttpRequest) -> None:
        super().logout(request)
        # pep.middleware.harden then tells the browser to forget what it kept: phones are shared.
        request.signed_out = True  # type: ignore[attr-defined]
