"""Guessing at one account from everywhere at once: 10 guesses in 15 minutes are looked at, however many come.

The whole storm is 10,000 logins; `LOGIN_STORM=10000` runs it, otherwise a short one of the same make.
"""

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from shared_apps.accounts import services
from tests.factories import PASSWORD, make_user

TRIES = int(os.environ.get("LOGIN_STORM", "600"))
HOSTS, ADDRESSES, THREADS = 20, 50, 8


def test_a_storm_of_logins_over_many_hosts_and_addresses_is_evaluated_ten_times(transactional_db, alpha, monkeypatch):
    from rest_framework.test import APIClient

    from tenants import lookup
    from tenants.models import Domain

    hosts = [f"storm{number}.localhost" for number in range(HOSTS)]
    for host in hosts:
        Domain.objects.create(domain=host, tenant=alpha, is_primary=False)
        assert lookup.by_host(host) == alpha
    user = make_user()
    evaluated, counting, check = [], threading.Lock(), services.check_credentials

    def watched(email, password):
        with counting:
            evaluated.append(email)
        return check(email, password)

    monkeypatch.setattr(services, "check_credentials", watched)

    def storm(part):
        try:
            told = Counter()
            for number in range(part, TRIES, THREADS):
                right = number % 100 == 99  # the right password too: beyond the limit it is not even looked at
                answer = APIClient(HTTP_HOST=hosts[number % HOSTS]).post(
                    "/api/v1/auth/login/",
                    {"email": user.email, "password": PASSWORD if right else f"wrong-password-{number}"},
                    REMOTE_ADDR=f"10.1.{number % ADDRESSES}.7",
                )
                told[answer.status_code] += 1
            return told
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        told = sum(pool.map(storm, range(THREADS)), Counter())
    assert len(evaluated) == 10
    assert told == {401: 10, 429: TRIES - 10}
