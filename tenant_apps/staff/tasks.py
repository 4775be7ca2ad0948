"""What happens by the clock to where sites are found."""

from celery import shared_task

from tenant_apps.staff import site_address
from tenants.tasks import PublicTask


@shared_task(base=PublicTask, name="staff.recheck_domains")
def recheck_domains() -> int:
    """Every five minutes: ask DNS about domains that are due, and drop those whose proof ended (N5). Twice is once."""
    return site_address.recheck()
