"""The pages of Jieli as a WSGI application, for any WSGI server; /live/ needs jieli.web.asgi."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jieli.web.settings")

application = get_wsgi_application()
