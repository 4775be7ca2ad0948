"""Writing about discounts and vouchers."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core.codes import readable_code
from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import CURRENCIES, MAX_MINOR
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.catalog.models import Product, ProductCategory
from tenant_apps.catalog.rights import products_seen
from tenant_apps.events.models import Category, Event
from tenant_apps.promotions import rules
from tenant_apps.promotions.errors import LimitBelowUsed, NotEnoughPlaces, VoucherHasUses
from tenant_apps.promotions.models import SCOPE, Discount, Voucher, VoucherUse
from tenant_apps.promotions.querysets import spelled
from tenant_apps.ticketing.freed import places_freed
from tenant_apps.ticketing.models import Quota, TicketType
from tenants.context import current_tenant

COMMON = frozenset({*SCOPE, "applies_to", "percent", "amount_minor", "currency", "valid_from", "valid_until", "active"})
DISCOUNT_FIELDS = COMMON | frozenset(
    {"name", "kind", "min_quantity", "buy_quantity", "get_quantity", "days_before", "adds_up"}
)
VOUCHER_FIELDS = COMMON | frozenset(
    {
        "code", "kind", "most_items", "adds_up", "opens_hidden", "max_uses", "max_per_buyer", "quota", "reserved",
        "tag",
    }
)  # fmt: skip
MOST_IN_BULK = 10_000
MOST_IN_SCOPE = 1000
MOST_COUNT = 10_000_000
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{2,39}")
# What a generated code has behind its prefix: 36 random bits, and whoever guesses is stopped long before.
RANDOM_LENGTH = 8


@transaction.atomic
def create_discount(*, actor: Any, **fields: Any) -> Discount:
    """Make a discount. Needs `name` and `kind`; raises InvalidInput naming each field that is wrong."""
    discount = Discount(currency=current_tenant().currency)
    _fill(discount, fields, DISCOUNT_FIELDS, actor)
    discount.save(force_insert=True)
    details = {"name": discount.name, **made(**_told(discount, DISCOUNT_FIELDS))}
    record("discount.created", discount, actor=actor, details=details, deliver=False)
    return Discount.objects.get(pk=discount.pk)


@transaction.atomic
def change_discount(discount: Discount, *, actor: Any, **fields: Any) -> Discount:
    """Change what is given. Orders that were made stay as they are (M6)."""
    discount = Discount.objects.select_for_update(no_key=True).get(pk=discount.pk)
    before = _told(discount, fields)
    _fill(discount, fields, DISCOUNT_FIELDS, actor)
    discount.save()
    details = {"name": discount.name, **before_and_after(before, _told(discount, fields))}
    record("discount.updated", discount, actor=actor, details=details, deliver=False)
    return Discount.objects.get(pk=discount.pk)


@transaction.atomic
def delete_discount(discount: Discount, *, actor: Any) -> None:
    details = {"name": discount.name, **gone(**_told(discount, DISCOUNT_FIELDS))}
    record("discount.deleted", discount, actor=actor, details=details, deliver=False)
    discount.delete()


@transaction.atomic
def create_voucher(*, actor: Any, **fields: Any) -> Voucher:
    """Make a voucher; without a `code` it gets a random one. `reserved` places of `quota` are held for it at once.

    Raises InvalidInput naming each field that is wrong, NotEnoughPlaces.
    """
    voucher = Voucher(currency=current_tenant().currency)
    _fill(voucher, {"code": readable_code(RANDOM_LENGTH), **fields}, VOUCHER_FIELDS, actor)
    _keep(None, 0, voucher)
    try:
        with transaction.atomic():
            voucher.save(force_insert=True)
    except IntegrityError as error:
        if "code" not in str(error):
            raise
        raise _taken() from None
    details = {"code": voucher.code, **made(**_told(voucher, VOUCHER_FIELDS))}
    record("voucher.created", voucher, actor=actor, details=details, deliver=False)
    return Voucher.objects.get(pk=voucher.pk)


@transaction.atomic
def create_vouchers(count: int, *, actor: Any, prefix: str = "", **fields: Any) -> list[Voucher]:
    """Make so many vouchers alike, each with the prefix and a random code; return them.

    All or none. Raises InvalidInput; places cannot be kept this way, since each code would keep its own.
    """
    prefix = spelled(prefix)
    if not isinstance(count, int) or not 1 <= count <= MOST_IN_BULK:
        raise InvalidInput(
            errors=[FieldError("count", "out_of_range", _("Between 1 and %(most)s.") % {"most": MOST_IN_BULK})]
        )
    if (prefix and not _CODE.fullmatch(f"{prefix}XXX"[:40])) or len(prefix) > 40 - RANDOM_LENGTH:
        raise InvalidInput(errors=[FieldError("prefix", "invalid", _code_hint())])
    model = Voucher(currency=current_tenant().currency)
    _fill(
        model,
        {**fields, "code": f"{prefix}{readable_code(RANDOM_LENGTH)}"},
        VOUCHER_FIELDS - {"quota", "reserved"},
        actor,
    )
    same = {name: getattr(model, name) for name in (VOUCHER_FIELDS | {"currency"}) - {"code", "quota", "reserved"}}
    codes: set[str] = set()
    while len(codes) < count:
        wanted = {f"{prefix}{readable_code(RANDOM_LENGTH)}" for _ in range(count - len(codes))} - codes
        codes |= wanted - set(Voucher.objects.filter(code__in=wanted).values_list("code", flat=True))
    vouchers = Voucher.objects.bulk_create([Voucher(code=code, **same) for code in sorted(codes)], batch_size=1000)
    details = {"count": count, "prefix": prefix, "tag": model.tag, **made(**_told(model, VOUCHER_FIELDS - {"code"}))}
    record("voucher.bulk_created", vouchers[0], actor=actor, details=details, deliver=False)
    return vouchers


@transaction.atomic
def change_voucher(voucher: Voucher, *, actor: Any, **fields: Any) -> Voucher:
    """Change what is given. Uses stay counted; orders that were made stay as they are (M6).

    Raises InvalidInput, LimitBelowUsed, NotEnoughPlaces.
    """
    voucher = _locked(voucher, fields.get("quota"))
    before, kept_in, kept = _told(voucher, fields), voucher.quota_id, voucher.reserved
    _fill(voucher, fields, VOUCHER_FIELDS, actor)
    if voucher.max_uses is not None and voucher.max_uses < voucher.used:
        raise LimitBelowUsed(field="max_uses", used=voucher.used)
    if not voucher.active:
        voucher.reserved = 0  # nobody can have them with it any more
    _keep(kept_in, kept, voucher)
    try:
        with transaction.atomic():
            voucher.save()
    except IntegrityError as error:
        if "code" not in str(error):
            raise
        raise _taken() from None
    details = {"code": voucher.code, **before_and_after(before, _told(voucher, fields))}
    record("voucher.updated", voucher, actor=actor, details=details, deliver=False)
    return Voucher.objects.get(pk=voucher.pk)


@transaction.atomic
def delete_voucher(voucher: Voucher, *, actor: Any) -> None:
    """Delete a voucher that no order has. The places that it keeps are free. Raises VoucherHasUses."""
    voucher = _locked(voucher)
    if VoucherUse.objects.filter(voucher=voucher).exists():
        raise VoucherHasUses
    if voucher.reserved and voucher.quota_id:
        _free(voucher.quota_id, voucher.reserved)
    details = {"code": voucher.code, **gone(**_told(voucher, VOUCHER_FIELDS))}
    record("voucher.deleted", voucher, actor=actor, details=details, deliver=False)
    voucher.delete()


def release_kept(quotas: Collection[int] | None = None, *, now: datetime | None = None) -> int:
    """Free the places that vouchers keep whose time is over; return how many vouchers did (M3).

    Of these quotas, or of all. Each in a transaction of its own; twice changes nothing.
    """
    if quotas is not None and not quotas:
        return 0
    over = Voucher.objects.keeping_in_vain(now)
    if quotas is not None:
        over = over.filter(quota__in=list(quotas))
    return sum(_release(voucher, now or timezone.now()) for voucher in over.order_by("pk")[:100])


@transaction.atomic
def _release(voucher: Voucher, now: datetime) -> int:
    voucher = _locked(voucher)
    if not voucher.reserved or not voucher.quota_id or not voucher.valid_until or voucher.valid_until > now:
        return 0  # somebody else was faster, or gave it more time
    _free(voucher.quota_id, voucher.reserved)
    details = {"code": voucher.code, **before_and_after({"reserved": voucher.reserved}, {"reserved": 0})}
    Voucher.objects.filter(pk=voucher.pk).update(reserved=0)
    record("voucher.places_released", voucher, details=details, deliver=False)
    return 1


def _locked(voucher: Voucher, quota: Any = None) -> Voucher:
    """Lock the quotas that it keeps places in, or shall keep them in, by id, and then the voucher (M2)."""
    present = Voucher.objects.get(pk=voucher.pk)
    ids = {each for each in (present.quota_id, getattr(quota, "pk", quota)) if isinstance(each, int)}
    if ids:
        list(Quota.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    return Voucher.objects.select_for_update(no_key=True).get(pk=voucher.pk)


def _keep(was_in: int | None, kept: int, voucher: Voucher) -> None:
    """Hold in the voucher's quota what it shall keep, and free what it kept before and shall not."""
    shall = voucher.reserved if voucher.quota_id else 0
    voucher.reserved = shall
    if was_in == voucher.quota_id:
        more = shall - kept
        if more > 0 and not Quota.objects.hold(was_in, more):
            raise NotEnoughPlaces(field="reserved", what=voucher.quota.name if voucher.quota else "")
        if more < 0 and was_in:
            _free(was_in, -more)
        return
    if was_in and kept:
        _free(was_in, kept)
    if shall and not Quota.objects.hold(voucher.quota_id, shall):
        raise NotEnoughPlaces(field="reserved", what=voucher.quota.name if voucher.quota else "")


def _free(quota: int, places: int) -> None:
    Quota.objects.release(quota, places)
    places_freed([quota])


def _told(rule: Any, names: Collection[str]) -> dict[str, Any]:
    """The fields as the audit trail tells them."""
    return {name: getattr(rule, "quota_id" if name == "quota" else name) for name in sorted(names)}


def _taken() -> InvalidInput:
    return InvalidInput(errors=[FieldError("code", "unique", _("There is such a code already."))])


def _code_hint() -> Any:
    return _("3 to 40 letters A-Z, digits, hyphens and underscores.")


# --- Filling a row from what was given ---


def _fill(rule: Any, fields: Mapping[str, Any], known: Collection[str], actor: Any) -> None:
    unknown = set(fields) - set(known)
    if unknown:
        raise TypeError(f"{type(rule).__name__} has no field {sorted(unknown)}.")
    errors: list[FieldError] = []
    for name, value in fields.items():
        if name in SCOPE:
            value = _scope(name, value, getattr(rule, name), errors, actor)
        elif name == "quota" and isinstance(value, int):
            value = Quota.objects.filter(pk=value, event__in=_seen("events", actor)).first()
            if value is None:
                errors.append(FieldError(name, "does_not_exist", _("There is no such quota.")))
        elif isinstance(value, str):
            value = spelled(value) if name == "code" else " ".join(value.split())
        setattr(rule, name, value)
    rule.percent = Decimal(rule.percent)
    _check(rule, errors)
    if errors:
        raise InvalidInput(errors=errors)


def _seen(name: str, actor: Any) -> Any:
    """The rows that a scope may name: what the actor sees (I2); all of them for a job."""
    everything: dict[str, Any] = {
        "events": Event, "ticket_types": TicketType, "products": Product, "event_categories": Category,
        "product_categories": ProductCategory,
    }  # fmt: skip
    rows = everything[name].objects.all()
    if actor is None:
        return rows
    if name == "events":
        return Event.objects.visible_to(actor)
    if name == "ticket_types":
        return rows.filter(event__in=Event.objects.visible_to(actor))
    return products_seen(actor) if name == "products" else rows


def _scope(name: str, given: Any, present: Any, errors: list[FieldError], actor: Any) -> list[Any]:
    """Return ids (of product categories slugs) of rows that are there; each is given by id or by slug.

    What the rule names already may stay, also if it is gone: a rule for nothing but deleted things applies to nothing,
    and an emptied one would apply to everything.
    """
    wanted = list(dict.fromkeys(given or ()))
    if len(wanted) > MOST_IN_SCOPE:
        errors.append(FieldError(name, "too_many", _("At most %(most)s.") % {"most": MOST_IN_SCOPE}))
        return []
    rows = _seen(name, actor)
    ids = {int(each) for each in wanted if str(each).isascii() and str(each).isdigit() and len(str(each)) <= 18}
    slugs = {str(each) for each in wanted} - {str(each) for each in ids} if name != "ticket_types" else set()
    by_slug = rows.filter(slug__in=slugs).values_list("pk", "slug") if slugs else ()
    columns = ("pk", "slug") if name != "ticket_types" else ("pk", "pk")
    found = dict([*rows.filter(pk__in=ids).values_list(*columns), *by_slug])
    kept = {str(each): each for each in present}
    known = {str(pk) for pk in found} | {str(slug) for slug in found.values()} | set(kept)
    for index, each in enumerate(wanted):
        if str(each) not in known:
            errors.append(FieldError(f"{name}.{index}", "does_not_exist", _("There is nothing of this name.")))
    stay = {kept[str(each)] for each in wanted if str(each) in kept}
    return sorted({*(found.values() if name == "product_categories" else found), *stay})


def _check(rule: Any, errors: list[FieldError]) -> None:
    said = {error.field for error in errors}

    def wrong(field: str, code: str, message: Any) -> None:
        if field not in said:
            errors.append(FieldError(field, code, message))

    if rule.kind not in type(rule).Kind.values:
        wrong("kind", "invalid_choice", _("One of %(kinds)s.") % {"kinds": ", ".join(type(rule).Kind.values)})
    if rule.applies_to not in type(rule).Of.values:
        wrong("applies_to", "invalid_choice", _("Empty, ticket or product."))
    if not 0 <= rule.percent <= 100:
        wrong("percent", "out_of_range", _("A percentage from 0 to 100."))
    if not 0 <= rule.amount_minor <= MAX_MINOR:
        wrong("amount", "out_of_range", _("An amount is not negative."))
    if rule.currency not in CURRENCIES:
        wrong("currency", "currency", _("This is no ISO 4217 currency code."))
    if rule.valid_from and rule.valid_until and rule.valid_until <= rule.valid_from:
        wrong("valid_until", "before_start", _("It ends after it begins."))
    if rule.kind in (rules.EACH, rules.FIXED) and not rule.amount_minor:
        wrong("amount", "required", _("Say how much comes off."))
    if rule.kind == rules.BUY_GET and not rule.percent:
        wrong("percent", "required", _("Say how much cheaper they are: 100 makes them free."))
    if isinstance(rule, Discount):
        _check_discount(rule, wrong)
    else:
        _check_voucher(rule, wrong)


def _check_discount(rule: Discount, wrong: Any) -> None:
    if not 0 < len(rule.name or "") <= 100:
        wrong("name", "required", _("Give it a name of at most 100 characters."))
    if rule.kind == rules.PERCENT and not rule.percent:
        wrong("percent", "required", _("Say how much comes off."))
    if not 1 <= rule.min_quantity <= MOST_COUNT:
        wrong("min_quantity", "out_of_range", _("1 or more."))
    if rule.kind == rules.BUY_GET and not (1 <= rule.buy_quantity <= 1000 and 1 <= rule.get_quantity <= 1000):
        wrong("buy_quantity", "out_of_range", _("Say how many to buy and how many of them are cheaper."))
    if rule.days_before is not None and not 0 <= rule.days_before <= 3650:
        wrong("days_before", "out_of_range", _("A whole number of days."))


def _check_voucher(rule: Voucher, wrong: Any) -> None:
    if not _CODE.fullmatch(rule.code or ""):
        wrong("code", "invalid", _code_hint())
    for name in ("max_uses", "max_per_buyer", "most_items"):
        value = getattr(rule, name)
        if value is not None and not (0 if name == "max_uses" else 1) <= value <= MOST_COUNT:
            wrong(name, "out_of_range", _("1 or more; empty for no limit."))
    if not 0 <= rule.reserved <= MOST_COUNT:
        wrong("reserved", "out_of_range", _("0 or more."))
    if rule.reserved and not rule.quota_id:
        wrong("quota", "required", _("Say where the places are kept."))
    if len(rule.tag) > 60:
        wrong("tag", "too_long", _("At most %d characters.") % 60)
    if rule.opens_hidden and not (rule.ticket_types or rule.events or rule.event_categories):
        wrong("ticket_types", "required", _("Say which ticket types, events or categories it opens."))
    nothing = rule.kind == rules.PERCENT and not rule.percent
    if nothing and not rule.opens_hidden and not rule.reserved:
        wrong("percent", "required", _("Say how much comes off."))
