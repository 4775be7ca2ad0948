"""The festival through the API: sent as it is, mapped, checked, applied, found; sent again, nothing changes."""

import json
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tenant_apps.imports import services
from tenant_apps.imports.models import ImportJob
from tenants.context import in_tenant
from tests.factories import owner_of
from tests.imports.test_open_house import FILE, MAPPING

COUNTS = {"new": 0, "changed": 0, "unchanged": 0, "refused": 0}


def work(tenant):
    """What the worker does with what waits."""
    with in_tenant(tenant):
        for job in ImportJob.objects.filter(status__in=["pending", "validating", "applying"]):
            (services.apply if job.status == "applying" else services.validate)(job)


@pytest.fixture
def send(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))

    def post(mapping):
        answer = client.post(
            "/api/v1/imports/",
            {
                "file": SimpleUploadedFile("open-house-london-2021.csv", FILE, "text/csv"),
                "resource": "events",
                "mapping": json.dumps(mapping),
                "dry_run": "true",
            },
            format="multipart",
            HTTP_IDEMPOTENCY_KEY=uuid4().hex,
        )
        assert answer.status_code in (201, 202), answer.content
        work(alpha)
        return client, client.get(f"/api/v1/imports/{answer.json()['id']}/").json()

    return post


def test_the_festival_comes_in_is_found_and_changes_nothing_the_second_time(alpha, send, client_for):
    mapping = {**MAPPING, "status": {"constant": "published"}}
    client, job = send(mapping)
    assert (job["status"], job["counts"]) == ("ready", COUNTS | {"new": 2028}), job["errors"][:3]
    answer = client.post(f"/api/v1/imports/{job['id']}/apply/", HTTP_IDEMPOTENCY_KEY=uuid4().hex)
    assert answer.status_code < 300, answer.content
    work(alpha)
    assert client.get(f"/api/v1/imports/{job['id']}/").json()["status"] == "applied"
    anyone = client_for(alpha)
    for words in ("Sutton estate", "suton estat"):
        found = anyone.get("/api/v1/events/", {"search": words}).json()["results"]
        assert found, words
        assert {event["title"] for event in found[:2]} == {"Sutton Estate"}, words
    church = anyone.get("/api/v1/events/", {"search": "Holy Trinity Church in Bow", "ordering": "starts_at"}).json()
    first = church["results"][0]
    assert (first["starts_at"], first["timezone"]) == ("2021-09-04T09:30:00+00:00", "Europe/London")
    _client, again = send(mapping)
    assert (again["status"], again["counts"]) == ("ready", COUNTS | {"unchanged": 2028})
