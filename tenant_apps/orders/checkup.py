"""What the self-check asks about the public copy behind people's own lists."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from shared_apps.core.checkup import Finding, check, ok, warning
from tenant_apps.orders.footprints import newest_differences

# Of so many orders; `manage.py check_projection` looks at all.
NEWEST = 200


@check("projection", gettext_lazy("Buyers' own lists"), scope="tenant")
def projection() -> Finding:
    """Whether what people see of this site on the platform's pages is what the newest orders say. Six statements, some
    more for those that differ."""
    found = newest_differences(NEWEST)
    if not found:
        return ok(_("What buyers see in their account is what their orders say."))
    words = ngettext(
        "%d order is shown wrongly in its buyer's account.", "%d orders are shown wrongly in their buyers' accounts.",
        len(found),
    )  # fmt: skip
    return warning(words % len(found), _("Tell the platform's support: they compare and repair it."))
