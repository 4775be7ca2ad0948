"""The permissions that exist, and the ready-made roles that a tenant starts with."""

from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

# A role grants these everywhere in the tenant; guardian grants them on one event (declared on Event).
EVENT_PERMISSIONS: dict[str, Any] = {
    "change_event": _("Create and change events"),
    "view_orders": _("See orders"),
    "change_orders": _("Change orders"),
    "refund_orders": _("Refund orders"),
    "check_in": _("Scan tickets"),
    "view_reports": _("See reports"),
}
TENANT_PERMISSIONS: dict[str, Any] = {
    "change_catalog": _("Change the catalog"),
    "change_promotions": _("Change discounts and vouchers"),
    "manage_staff": _("Manage staff and roles"),
    "import": _("Import files"),
    "export": _("Export files"),
    "manage_integrations": _("Manage webhooks and API keys"),
    "view_audit": _("See the audit trail"),
    "manage_settings": _("Change the settings"),
    "moderate_reviews": _("Moderate reviews"),
    "send_notifications": _("Send notifications"),
}
PERMISSIONS: dict[str, Any] = {**EVENT_PERMISSIONS, **TENANT_PERMISSIONS}

# In the words and the order in which people tick them.
GROUPS: list[tuple[Any, dict[str, Any]]] = [
    (
        _("Events and the door"),
        {
            "change_event": _("Make, publish and cancel events, and set what tickets cost"),
            "check_in": _("Scan tickets at the entrance and see who has come"),
            "change_catalog": _("Goods such as T-shirts and drinks, and their stock"),
            "change_promotions": _("Discounts and codes that make tickets cheaper"),
        },
    ),
    (
        _("Orders and money"),
        {
            "view_orders": _("Names, addresses and tickets of buyers"),
            "change_orders": _("Mark as paid, cancel, correct names, send tickets again"),
            "refund_orders": _("Give money back"),
            "view_reports": _("Revenue, sales and attendance"),
        },
    ),
    (
        _("Talking to visitors"),
        {
            "send_notifications": _("Write to buyers in your name"),
            "moderate_reviews": _("Hide reviews that break the rules"),
        },
    ),
    (
        _("Files"),
        {
            "import": _("Create events and more from CSV files"),
            "export": _("Download lists, with the personal data in them"),
        },
    ),
    (
        _("Running the place"),
        {
            "manage_staff": _("Invite people, give and take roles"),
            "manage_settings": _("Name, colours, payment and rules of sale"),
            "manage_integrations": _("Let other programs read and change what you have here"),
            "view_audit": _("Who did what, and when"),
        },
    ),
]

OWNER = "owner"


class Preset(NamedTuple):
    """A ready-made role: its name and what it grants."""

    name: Any
    permissions: frozenset[str]


_EVENT_WORK = frozenset(EVENT_PERMISSIONS)
PRESETS: dict[str, Preset] = {
    OWNER: Preset(_("Owner"), frozenset(PERMISSIONS)),
    "manager": Preset(_("Manager"), frozenset(PERMISSIONS) - {"manage_integrations"}),
    "event_manager": Preset(_("Event manager"), _EVENT_WORK | {"change_promotions", "export", "import"}),
    "box_office": Preset(_("Box office"), frozenset({"view_orders", "change_orders", "check_in"})),
    "door": Preset(_("Door"), frozenset({"check_in"})),
    "catalog_manager": Preset(_("Catalog manager"), frozenset({"change_catalog", "import", "export"})),
    "accountant": Preset(_("Accountant"), frozenset({"view_orders", "refund_orders", "view_reports", "export"})),
    "read_only": Preset(_("Read only"), frozenset({"view_orders", "view_reports", "view_audit"})),
}
