"""What the web server imports."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pep.settings")

application = get_wsgi_application()

if os.environ.get("PEP_SUPERVISED"):
    # Otherwise a server process whose parent was killed would keep the port.
    from pep.supervision import die_with_parent

    die_with_parent()
