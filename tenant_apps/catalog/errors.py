"""What the catalog refuses."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict


class CapacityBelowSold(Conflict):
    """A stock cannot be set below what is sold or held (M1)."""

    code = "capacity_below_sold"
    message = _("{taken} pieces are sold or held already; the stock cannot be lower.")


class ProductHasOrders(Conflict):
    code = "product_has_orders"
    message = _("This has been ordered, so it cannot be deleted. Stop accepting orders or hide it instead.")


class CategoryInUse(Conflict):
    code = "category_in_use"
    message = _("Goods or categories are still in this one.")


class LastVariant(Conflict):
    code = "last_variant"
    message = _("A product has at least one variant.")
