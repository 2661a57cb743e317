from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KpisConfig(AppConfig):
    name = "kpis"
    verbose_name = _("Steering")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from distributors import segments

        from .rules import naming

        segments.NAMED_BY.append(naming)
