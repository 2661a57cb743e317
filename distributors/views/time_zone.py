"""Which clock the desk shows to who is signed in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from .. import zones
from ..access import access
from ..desk import page
from ..http import SeeOther
from ..models import STAFF_ROLES, User
from ..zone_forms import ZoneForm


@access(STAFF_ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def time_zone(request: HttpRequest) -> HttpResponse:
    user = User.objects.get(pk=request.user.pk or 0)  # not the request's own: a refused form leaves it as it is
    form = ZoneForm(request.POST if request.method == "POST" else None, instance=user)
    if form.is_valid():
        user.save(update_fields=["time_zone"])
        messages.success(request, _("Times here are in %(zone)s now.") % {"zone": zones.words(str(zones.of(user)))})
        return SeeOther(reverse("time_zone"))
    context = {"title": _("Time zone"), "form": form, "now": timezone.now()}
    return page(request, "distributors/desk/time_zone.html", context, status=422 if form.errors else 200)
