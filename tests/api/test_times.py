"""Times leave the API in UTC, whatever zone a person reads pages in."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.factories import make_user, owner_of


@pytest.mark.django_db
def test_a_person_in_another_zone_gets_utc_all_the_same(client_for, alpha):
    person = make_user(timezone="Asia/Tokyo")
    answer = client_for(alpha, person).get("/api/v1/auth/user/").json()
    assert answer["timezone"] == "Asia/Tokyo"
    assert answer["date_joined"] == person.date_joined.isoformat()


def test_an_import_is_dated_in_utc_for_a_house_in_another_zone(client_for, alpha):
    alpha.timezone = "Asia/Tokyo"
    alpha.save(update_fields=["timezone"])
    file = SimpleUploadedFile("events.csv", b"title,starts_at\nGala,2031-01-10T20:00\n", "text/csv")
    answer = client_for(alpha, owner_of(alpha)).post(
        "/api/v1/imports/", {"resource": "events", "file": file}, format="multipart", HTTP_IDEMPOTENCY_KEY="once"
    )
    assert answer.status_code == 201, answer.json()
    assert answer.json()["created_at"].endswith("+00:00")
