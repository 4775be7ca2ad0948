"""Money: whole minor units and an ISO 4217 code. Never a float (M5)."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# ISO 4217 (amendment 176): currencies whose minor unit is not a hundredth.
_NO_MINOR = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())
_THOUSANDTHS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
_HUNDREDTHS = frozenset(
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY"
    " COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF"
    " IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR"
    " MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG"
    " SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD"
    " XCG YER ZAR ZMW ZWG".split()
)
CURRENCIES = _NO_MINOR | _THOUSANDTHS | _HUNDREDTHS

# The widest amount that a bigint column and every provider take, with room to add lines up.
MAX_MINOR = 10**14


def exponent(currency: str) -> int:
    """Return how many digits follow the decimal point in this currency: 0, 2 or 3 (ISO 4217)."""
    if currency in _NO_MINOR:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def to_minor(amount: str | int | Decimal, currency: str) -> int:
    """Return the amount, given in major units, in whole minor units of the currency.

    Raises ValueError for what is no plain decimal number, has more digits than the currency, or is out of range.
    """
    if isinstance(amount, bool | float):
        raise ValueError("Money is given as text, not as a floating-point number.")
    try:
        value = Decimal(amount)
        if not value.is_finite() or abs(value) > MAX_MINOR:
            raise ValueError(f"{amount} is no amount of money.")
        minor = value.scaleb(exponent(currency))
        whole = minor.to_integral_value()
    except (InvalidOperation, TypeError):
        raise ValueError(f"{amount!r} is no amount of money.") from None
    if minor != whole:
        raise ValueError(f"{currency} has {exponent(currency)} digits after the point.")
    if abs(whole) > MAX_MINOR:
        raise ValueError(f"{amount} is too large.")
    return int(whole)


def to_decimal(minor: int, currency: str) -> Decimal:
    """Return minor units as a Decimal in major units, with the currency's digits."""
    return Decimal(minor).scaleb(-exponent(currency))


def to_text(minor: int, currency: str) -> str:
    """Return minor units as the API's decimal string in major units: "12.50", "1200" for JPY."""
    return f"{to_decimal(minor, currency):f}"


def share(amount_minor: int, percent: Decimal) -> int:
    """Return `percent` of an amount, both in the currency's minor unit (ISO 4217: cents, whole yen).

    Rounds half up to one minor unit, so it is at most half a unit off the exact value (M5).
    """
    return int((Decimal(amount_minor) * percent / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def fraction(amount_minor: int, numerator: int, denominator: int) -> int:
    """Return so many parts of an amount of 0 or more, in minor units, rounded half up once (M5)."""
    return (2 * amount_minor * numerator + denominator) // (2 * denominator)


def tax_included(gross_minor: int, percent: Decimal) -> int:
    """Return the tax that a gross amount contains, in minor units, rounded half up once (M5)."""
    exact = Decimal(gross_minor) * percent / (100 + percent)
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def allocate(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Part an amount by weight so that the parts sum to the whole (largest remainder, M5).

    Ties go to the earlier part. Equal parts where all weights are 0.
    """
    if not weights:
        return []
    total = sum(weights)
    if total == 0:
        weights, total = [1] * len(weights), len(weights)
    parts = [amount_minor * weight // total for weight in weights]
    remainders = [amount_minor * weight % total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    for index in by_remainder[: amount_minor - sum(parts)]:
        parts[index] += 1
    return parts


def validate_currency(value: str) -> None:
    """Refuse what is not an ISO 4217 code of a currency in use."""
    if value not in CURRENCIES:
        raise ValidationError(_("%(value)s is no ISO 4217 currency code."), code="currency", params={"value": value})
