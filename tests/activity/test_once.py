"""What is asked for twice is done once, and what a deadlock undid is done again."""

from django.db import connection

from tenant_apps.activity.once import once
from tenants.context import in_tenant


def test_what_a_deadlock_undid_is_done_again(alpha, transactional_db):
    tries = []

    def act() -> str:
        tries.append(1)
        if len(tries) == 1:
            with connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$")
        return "done"

    with in_tenant(alpha):
        assert once("here", "key", act) == "done"
        assert once("here", "key", act) == "done"
    assert len(tries) == 2
