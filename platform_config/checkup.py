"""What the self-check asks about the platform: for operators, with names of servers and settings in it.

In English, as all that a terminal says here.
"""

import shutil
import socket
import ssl
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.mail import get_connection
from django.db import DatabaseError, connection
from django.db.models import F
from django.utils import timezone
from django.utils.timesince import timesince

from platform_config import env
from platform_config.celery import app
from shared_apps.accounts.models import EmailCode
from shared_apps.core.checkup import CALL_SECONDS, Finding, check, ok, problem, unknown, warning
from tenants import heartbeats
from tenants.checkup import SOON, VERY_SOON, certificate_ends
from tenants.models import Domain, Tenant
from tenants.schema_state import current_graph, public_is_behind

LITTLE_SPACE, NO_SPACE = 10, 4  # per cent that are free
# Signatures of providers and one-time codes hold for minutes; a clock that is off by more refuses them.
CLOCK_SLOW, CLOCK_WRONG = timedelta(seconds=2), timedelta(seconds=30)
LAG_SLOW, LAG_STILL = timedelta(seconds=30), timedelta(minutes=5)


@check("database_server", "Database", scope="platform")
def database_server() -> Finding:
    """Whether it answers and accepts writes."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery(), current_setting('server_version')")
            standby, version = cursor.fetchone()
    except DatabaseError as error:
        return problem(
            f"The database does not answer: {' '.join(str(error).split())[:200]}.",
            "Start Postgres, or mend DATABASE_URL.",
        )
    if standby:
        return problem("DATABASE_URL leads to a standby, which takes no writes.", "Point it at the primary server.")
    return ok(f"Postgres {version} answers.")


@check("clock", "Clock", scope="platform")
def clock() -> Finding:
    """This machine's clock against the database's, less half of the time that the question took."""
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        theirs = float(cursor.fetchone()[0])
    after = time.time()
    off = timedelta(seconds=abs((before + after) / 2 - theirs))
    words = f"This machine's clock and the database's differ by {off.total_seconds():.1f} s."
    todo = "Have both machines follow a time server (chrony, systemd-timesyncd)."
    if off >= CLOCK_WRONG:
        return problem(words, todo)
    return warning(words, todo) if off >= CLOCK_SLOW else ok(words)


@check("migrations", "Migrations", scope="platform")
def migrations() -> Finding:
    """Public tables, and each tenant's count of migrations against the code's. Two statements."""
    todo = "Run `manage.py migrate_tenants` (or `manage.py prepare`)."
    if public_is_behind():
        return problem("The platform's own tables lack migrations.", "Run `manage.py prepare`.")
    behind = Tenant.objects.with_schema().filter(migrations_applied__lt=current_graph().migrations)
    count = behind.count()
    if not count:
        return ok("The platform and all tenants have all migrations.")
    names = ", ".join(behind.order_by("slug").values_list("slug", flat=True)[:10])
    words = f"{count} tenant(s) lack migrations and answer 503: {names}."
    return problem(words, todo)


@check("cache", "Cache", scope="platform")
def cache() -> Finding:
    """Whether the cache keeps what it is given."""
    mark = str(time.time())
    try:
        caches["global"].set("foyer-checkup", mark, 10)
        kept = caches["global"].get("foyer-checkup") == mark
    except Exception:  # whatever its client raises
        kept = False
    if kept:
        return ok("It answers.")
    return problem(
        "It does not answer. Limits are counted by each process for itself, and pages are slower.",
        "Start Valkey or Redis, or mend CACHE_URL.",
    )


@check("broker", "Broker", scope="platform")
def broker() -> Finding:
    """Whether tasks can be sent."""
    try:
        with app.connection_for_write(connect_timeout=CALL_SECONDS) as link:
            link.ensure_connection(max_retries=1, timeout=CALL_SECONDS)
    except Exception as error:  # each transport raises its own
        return problem(
            f"The broker does not answer ({type(error).__name__}): nothing leaves, no mail either.",
            "Start it, or mend CELERY_BROKER_URL. What waits is sent by itself afterwards.",
        )
    return ok("It answers.")


@check("workers", "Workers", scope="platform")
def workers() -> Finding:
    """Which workers answer within two seconds."""
    try:
        with app.connection_for_write(connect_timeout=CALL_SECONDS) as link:
            answers: list[Any] = app.control.ping(timeout=2.0, connection=link)
    except Exception as error:
        return unknown(f"The broker does not answer ({type(error).__name__}).", "See above.")
    names = sorted(name for answer in answers for name in answer)
    if not names:
        return problem(
            "No worker answers: mails, webhooks, expiries and imports wait.",
            "Start one: `celery -A platform_config worker -Q urgent,default,bulk`. A busy one may have missed this.",
        )
    return ok(f"{len(names)} answer: {', '.join(names[:5])}.")


@check("beat", "Beat", scope="platform")
def beat() -> Finding:
    """How long ago a worker ran the task that beat sends every 30 s."""
    age, _lag = heartbeats.ages().get(heartbeats.BEAT, (None, None))
    todo = "Start beat (`celery -A platform_config beat`) and a worker of the queue urgent; see both logs."
    if age is None:
        return problem("Beat has never run here.", todo)
    words = f"Its last task ran {age.total_seconds():.0f} s ago."
    if age >= heartbeats.STILL:
        return problem(words, todo)
    return warning(words, todo) if age >= heartbeats.SLOW else ok(words)


@check("queues", "Queues", scope="platform")
def queues() -> Finding:
    """For how long the last pulse waited in each queue, and whether any came through lately."""
    known = heartbeats.ages()
    beats, _none = known.get(heartbeats.BEAT, (None, None))
    if beats is None or beats >= heartbeats.STILL:
        return unknown("No pulse is sent while beat stands still.", "Mend beat first.")
    slow: list[str] = []
    still: list[str] = []
    lags: list[str] = []
    for name in heartbeats.QUEUES:
        age, lag = known.get(name, (None, None))
        if age is None or lag is None or age >= heartbeats.STILL:
            still.append(name)
            continue
        lags.append(f"{name} {lag.total_seconds():.1f} s")
        waited = max(lag, age - heartbeats.EVERY)
        (still if waited >= LAG_STILL else slow if waited >= LAG_SLOW else []).append(name)
    todo = "Start a worker that serves it (`-Q urgent,default,bulk`), or more of them."
    if still:
        return problem(f"Nobody takes tasks from: {', '.join(still)}.", todo)
    words = f"Last waits: {', '.join(lags)}."
    return warning(words, todo) if slow else ok(words)


@check("mail_server", "Mail server", scope="platform")
def mail_server() -> Finding:
    """Whether it lets us in. Nothing is sent."""
    backend = settings.EMAIL_BACKEND
    if "smtp" not in backend:
        folder = getattr(settings, "EMAIL_FILE_PATH", None)
        if settings.DEVELOPMENT:
            return ok("Mail is kept in files and leaves for nowhere: this is development.")
        return problem(f"Mail leaves for nowhere ({folder or backend}).", "Set EMAIL_URL to a mail server.")
    where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    todo = "Mend EMAIL_URL (host, port, user, password) or the way there; then what waits leaves by itself."
    try:
        link = get_connection(timeout=CALL_SECONDS)
        link.open()
        link.close()
    except Exception as error:  # SMTP, TLS and socket errors alike
        return problem(f"{where} refuses us: {type(error).__name__}.", todo)
    return ok(f"{where} lets us in.")


@check("account_mail", "Letters about accounts", scope="platform")
def account_mail() -> Finding:
    """Confirmation and reset letters that wait. One statement."""
    late = EmailCode.objects.unsent().filter(
        created_at__lt=timezone.now() - timedelta(minutes=5), expires_at__gt=F("created_at")
    )
    first = late.order_by("created_at").values_list("created_at", flat=True).first()
    if first is None:
        return ok("None waits.")
    return problem(
        f"{late.count()} letters wait, the oldest for {timesince(first)}.",
        "Look at the mail server and the workers above.",
    )


@check("disk", "Disk", scope="platform")
def disk() -> Finding:
    """Free space where we write files. The database's disk is its own machine's matter."""
    found: list[tuple[float, str]] = []
    for folder in {env.home(), Path(str(settings.MEDIA_ROOT)), Path("/tmp")}:  # noqa: S108  (asked for its space only)
        there = next((each for each in (folder, *folder.parents) if each.exists()), None)
        if there is not None:
            usage = shutil.disk_usage(there)
            found.append((usage.free * 100 / usage.total, str(folder)))
    share, where = min(found)
    words = f"{where} has {share:.0f} % free."
    todo = "Delete or move files, or give it more space."
    if share < NO_SPACE:
        return problem(words, todo)
    return warning(words, todo) if share < LITTLE_SPACE else ok(words)


@check("certificates", "Certificates", scope="platform")
def certificates() -> Finding:
    """The platform's own certificate, and how many addresses of tenants are not proved."""
    unproved = Domain.objects.filter(verified_at=None).exclude(domain__endswith=f".{settings.PLATFORM_DOMAIN}").count()
    if settings.PLATFORM_SCHEME != "https":
        return ok("There are none in development.")
    host = settings.PLATFORM_DOMAIN
    try:
        ends = certificate_ends(host)
    except ssl.SSLCertVerificationError as error:
        return problem(f"The certificate of {host} is not valid.", str(error.verify_message))
    except (OSError, ValueError, socket.gaierror):
        return unknown(f"{host} could not be reached from here over HTTPS.", "Try it from outside.")
    left = ends - timezone.now()
    words = f"{host}: good until {ends:%Y-%m-%d}; {unproved} addresses of tenants are not proved yet."
    todo = "Have it renewed; it should have been by now."
    if left <= SOON:
        return problem(words, todo) if left <= VERY_SOON else warning(words, todo)
    return ok(words)


@check("provider_settings", "Platform's payment account", scope="platform")
def provider_settings() -> Finding:
    """Whether the platform's own Stripe key is there, and of which mode."""
    key = settings.STRIPE_PLATFORM_KEY
    if not key:
        return ok("None is set: tenants connect accounts of their own.")
    if not settings.STRIPE_CONNECT_WEBHOOK_SECRET:
        return problem(
            "STRIPE_PLATFORM_KEY is set and STRIPE_CONNECT_WEBHOOK_SECRET is not: connected payments go unnoticed.",
            "Copy the signing secret from Stripe's dashboard.",
        )
    if not settings.STRIPE_BILLING_WEBHOOK_SECRET:
        return problem(
            "STRIPE_PLATFORM_KEY is set and STRIPE_BILLING_WEBHOOK_SECRET is not: payments for plans go unnoticed.",
            "Copy the signing secret from Stripe's dashboard.",
        )
    if "_test_" in key:
        return warning("STRIPE_PLATFORM_KEY is a test key.", "Set the live one before tenants sell.")
    return ok("A live key is set.")
