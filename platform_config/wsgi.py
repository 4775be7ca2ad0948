"""The entry of the web servers. There is no ASGI entry: connections are per thread (N3, foundation.md 9)."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "platform_config.settings.dev")

application = get_wsgi_application()

from api import checks  # noqa: E402  (needs the apps)

# Now, not at the first request: a route that declares no rule stops the start (I1).
checks.refuse_undeclared()

# What was loaded stays for good. Python need not look through it again and again for what is garbage: that stops all
# requests of a process for tens of milliseconds at a time. What requests leave is collected in larger portions.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 20)
