"""How a product stands with people: likes and favourites, counted without anybody waiting. See `activity.tallies`."""

from tenant_apps.activity.tallies import Tally
from tenant_apps.catalog.models import ProductStanding, ProductStandingChange

STANDINGS = Tally(ProductStanding, ProductStandingChange, ("likes", "favourites"))


def change(product_id: int, *, likes: int = 0, favourites: int = 0) -> None:
    """Count in the present transaction: so many likes or favourites more. The counters follow after the commit."""
    STANDINGS.add(product_id, likes=likes, favourites=favourites)
