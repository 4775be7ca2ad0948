"""The entry of the web servers. There is no ASGI entry: connections are per thread (N3, foundation.md 9)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "platform_config.settings.dev")

application = get_wsgi_application()
