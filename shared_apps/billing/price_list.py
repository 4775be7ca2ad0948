"""Plans as pages tell of them: what each costs and allows, in words."""

from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shared_apps.billing import limits, plans
from shared_apps.billing.models import Plan
from shared_apps.core.templatetags.money import written


@dataclass(frozen=True)
class Shown:
    """A plan in words: "€29", "a month", "1 % of each paid ticket", and a line for each thing that it limits."""

    slug: str
    name: str
    price: str
    per: str
    fee: str
    trial: str
    points: tuple[str, ...]
    is_present: bool = False


def shown(plan: Plan, present: str = "") -> Shown:
    """Return the plan in the reader's language; `present` is the slug of the one that they have."""
    return Shown(
        slug=plan.slug,
        name=plans.shown_name(plan),
        price=written(plan.price_minor, plan.currency) if plan.price_minor else _("No fixed price"),
        per=plan.get_interval_display() if plan.interval else "",
        fee=fee_words(plan),
        trial=_trial(plan.trial_days) if plan.trial_days and plan.price_minor else "",
        points=tuple(_points(plan)),
        is_present=plan.slug == present,
    )


def _trial(days: int) -> str:
    return ngettext("%d day to try it for nothing", "%d days to try it for nothing", days) % days


def price_list(present: str = "") -> list[Shown]:
    """Return all offered plans in words."""
    return [shown(plan, present) for plan in plans.offered()]


def fee_words(plan: Plan) -> str:
    """Return what the platform takes of each paid ticket."""
    percent, fixed = plan.ticket_fee_percent.normalize(), plan.ticket_fee_minor
    share = f"{number_format(f'{percent:f}')}\N{NO-BREAK SPACE}%"
    if percent and fixed:
        sums = {"percent": share, "fixed": written(fixed, plan.currency)}
        return _("%(percent)s and %(fixed)s of each paid ticket") % sums
    if percent:
        return _("%(percent)s of each paid ticket") % {"percent": share}
    if fixed:
        return _("%(fixed)s of each paid ticket") % {"fixed": written(fixed, plan.currency)}
    return _("No fee on tickets")


def _points(plan: Plan) -> list[str]:
    found = limits.of_plan(plan)
    told = []
    if found["events"] is None and found["staff"] is None and found["tickets_month"] is None:
        told.append(_("As many events, tickets and people on the staff as you like"))
    else:
        told += [
            f"{limits.NAMES[name]}: {_('no limit') if found[name] is None else found[name]}"
            for name in ("events", "staff", "tickets_month")
        ]
    if found["domains"]:
        told.append(f"{limits.NAMES['domains']}: {found['domains']}")
    elif found["domains"] == 0:
        told.append(_("A subdomain of ours"))
    else:
        told.append(f"{limits.NAMES['domains']}: {_('no limit')}")
    for name in ("storage_bytes", "api_rate"):
        most = found[name]
        told.append(f"{limits.NAMES[name]}: {_('no limit') if most is None else limits.shown(name, most)}")
    return told
