"""When the first steps are told of."""

from celery import shared_task

from tenant_apps.onboarding import letters
from tenants import due
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="onboarding.write_letters")
def write_letters() -> None:
    """Every ten minutes: write the letter that is due to a new tenant's owner. Each once, however often (G2)."""
    letters.write()


due.soonest("onboarding.write_letters", lambda: [(letters.planned(), "at")])
