"""Two devices that unlink at the same moment. Apart from test_social: its mark would empty the tenants' tables."""

from concurrent.futures import ThreadPoolExecutor

from allauth.socialaccount.models import SocialAccount
from django.db import connections

from shared_apps.accounts import links
from shared_apps.accounts.errors import LastSignIn
from tests.factories import make_user


def test_the_last_two_links_unlinked_at_the_same_moment_leave_one(transactional_db, settings):
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [{"provider_id": "mock", "name": "Mock ID"}]}}
    user = make_user("race@example.test")
    user.set_unusable_password()
    user.save()
    rows = [SocialAccount.objects.create(user=user, provider="mock", uid=str(n), extra_data={}) for n in range(2)]

    def end(row):
        try:
            links.unlink(user, row.pk, schema_name="public")
            return "unlinked"
        except LastSignIn:
            return "last"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(end, rows)) == ["last", "unlinked"]
