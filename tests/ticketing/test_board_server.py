"""Streams of boards under the server that the product runs on: gunicorn with one process of four threads."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tenant_apps.ticketing import entrances
from tenants.context import in_tenant
from tests.factories import make_ticket_type, owner_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(transactional_db, tmp_path):
    """A gunicorn on the tests' database; returns its port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base, _slash, _name = os.environ["DATABASE_URL"].rpartition("/")
    variables = {
        **os.environ,
        "DATABASE_URL": f"{base}/{connection.settings_dict['NAME']}",
        "DJANGO_SETTINGS_MODULE": "tests.ticketing.streaming_settings",
    }
    with (tmp_path / "web.log").open("w") as log:
        web = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn", "platform_config.wsgi:application", "--worker-class", "gthread",
                "--threads", "4", "--workers", "1", "--bind", f"127.0.0.1:{port}", "--graceful-timeout", "8",
                "--no-control-socket",
            ],
            cwd=ROOT, env=variables, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert web.poll() is None and time.monotonic() < deadline, (tmp_path / "web.log").read_text()[-2000:]
                time.sleep(0.2)
        yield port, web
    finally:
        if web.poll() is None:
            web.kill()
        web.wait(timeout=30)


def test_streams_leave_the_server_its_threads_and_end_whole_when_it_stops(server, alpha):
    from shared_apps.accounts.tokens import open_session

    port, web = server
    pair = open_session(owner_of(alpha))
    with in_tenant(alpha):
        event = make_ticket_type(price_minor=0).event
        entrances.ensure_door(event)
        path = f"/dashboard/events/{event.slug}/check-in/{event.check_in_lists.get().pk}/board/stream/"
    cookies = f"{settings.ACCESS_COOKIE_NAME}={pair.access}; {settings.REFRESH_COOKIE_NAME}={pair.refresh}"
    headers = {"Host": f"alpha.localhost:{port}", "Cookie": cookies}

    def ask(address):
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        asked.request("GET", address, headers=headers)
        return asked.getresponse()

    stream = ask(path)
    assert (stream.status, stream.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
    assert stream.readline() == b"retry: 300\n"  # it comes while the stream lasts
    assert [ask(path).status for _each in range(3)] == [204, 204, 204]
    begun = time.monotonic()
    assert ask("/healthz").status == 200
    told = ask(path.replace("stream/", "now/"))
    assert (told.status, b'data-number="arrived"' in told.read()) == (200, True)
    waited = time.monotonic() - begun
    assert b"event: board" in stream.read()  # to its end, of its own
    assert waited < 20, "the threads were taken"
    second = ask(path)
    assert (second.status, second.readline()) == (200, b"retry: 300\n")
    web.send_signal(signal.SIGTERM)
    assert second.read().endswith(b"\n\n")  # raises IncompleteRead for one that was cut off
    assert web.wait(timeout=30) == 0
