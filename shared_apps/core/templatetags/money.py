"""Amounts as people write them. Templates get whole minor units and a currency; the API has its own form."""

from django import template
from django.utils.formats import number_format
from django.utils.translation import get_language

from shared_apps.core.money import exponent, to_decimal, to_text

register = template.Library()

# CLDR's narrow signs. Currencies without one keep their code.
SIGNS = {
    "EUR": "€", "USD": "$", "GBP": "£", "RUB": "₽", "JPY": "¥", "CHF": "CHF", "PLN": "zł", "CZK": "Kč", "TRY": "₺",
    "UAH": "₴", "KZT": "₸", "GEL": "₾", "AMD": "֏", "ILS": "₪", "INR": "₹", "KRW": "₩", "VND": "₫", "NGN": "₦",
}  # fmt: skip
NARROW_SPACE = "\N{NO-BREAK SPACE}"


def written(minor: int, currency: str, *, exact: bool = False) -> str:
    """Return "€12.50", "€12", "1 200 ₽": zero cents are left out unless `exact`, the sign stands where the language
    has it.
    """
    digits = exponent(currency)
    whole = minor % 10**digits == 0
    amount = number_format(
        abs(to_decimal(minor, currency)),
        decimal_pos=0 if whole and not exact else digits,
        use_l10n=True,
        force_grouping=True,
    )
    sign = SIGNS.get(currency, currency)
    minus = "\N{MINUS SIGN}" if minor < 0 else ""
    if (get_language() or "en").startswith("en"):
        gap = NARROW_SPACE if sign.isalpha() and sign.isascii() else ""
        return f"{minus}{sign}{gap}{amount}"
    return f"{minus}{amount}{NARROW_SPACE}{sign}"


@register.simple_tag
def money(minor: int | None, currency: str) -> str:
    """{% money order.total_minor order.currency %}"""
    return "" if minor is None else written(minor, currency)


@register.simple_tag
def exact_money(minor: int | None, currency: str) -> str:
    """With all digits of the currency, for columns that are added up."""
    return "" if minor is None else written(minor, currency, exact=True)


@register.simple_tag
def digits(currency: str) -> int:
    """{% digits "JPY" %}: how many digits follow the point, for scripts that write amounts."""
    return exponent(currency)


@register.simple_tag
def plain(minor: int | None, currency: str) -> str:
    """{% plain price_minor "EUR" %}: "12.50", as a field for typing takes it."""
    return "" if minor is None else to_text(minor, currency)
