"""The pages of Jieli as a WSGI application, for any WSGI server; /live/ needs jieli.web.asgi."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jieli.web.settings")

application = get_wsgi_application()

# What was imported stays until the end: the collector need not look at it again and again, which
# stopped a page for a tenth of a second now and then.
gc.freeze()
gc.set_threshold(10_000, 20, 20)  # what a page makes goes by itself when it is sent
