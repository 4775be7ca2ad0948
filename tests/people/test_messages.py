"""What a person was told, and what they want no more of: taken along, and gone with the account (P3)."""

import json

from django.core.cache import caches

from shared_apps.people import requests
from tenant_apps.notifications.models import Notification, Suppression
from tenant_apps.notifications.sending import notify
from tenant_apps.notifications.topics import Recipient
from tenants.context import in_tenant
from tests.factories import make_user
from tests.people.test_data_requests import ADA, BOB, erase, naming, tables_of


def told(ada, bob):
    """Ada and Bob were told something; Bob's words name Ada. Both unsubscribed."""
    caches["global"].clear()
    for user in (ada, bob):
        to = Recipient(user_id=user.pk, email=user.email, name=user.name)
        notify("review.answered", to, {"event": "Gala", "text": f"Ask {ADA}."}, key=f"k{user.pk}")
        Suppression.objects.create(address=user.email, topic="event.changed")


def test_the_archive_has_ones_own_notices_and_nobody_elses(alpha):
    ada, bob = make_user(ADA, name="Ada Lovelace"), make_user(BOB, name="Bob Builder")
    with in_tenant(alpha):
        told(ada, bob)
    request = requests.ask_for_export(ada)
    requests.work(request.pk)
    tables = tables_of(requests.archive_of(ada, request.pk))
    [notice] = json.loads(tables["alpha/notifications.json"])
    assert notice["title"] == "Alpha answered your review of Gala"
    [refused] = json.loads(tables["alpha/unsubscribed.json"])
    assert refused["topic"] == "event.changed"


def test_an_erasure_takes_the_feed_and_the_address_out_of_everything(alpha, deliver):
    ada, bob = make_user(ADA, name="Ada Lovelace"), make_user(BOB, name="Bob Builder")
    with in_tenant(alpha):
        told(ada, bob)
    assert naming(ADA, alpha)
    requests.work(erase(ada).pk)
    assert naming(ADA, alpha) == []
    with in_tenant(alpha):
        [left] = Notification.objects.all()
        assert left.user_id == bob.pk and "erased.invalid" in left.body
        assert Suppression.objects.get().address == BOB
