"""What staff fill in about discounts and vouchers. What fits what, services decide."""

import re
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import local
from shared_apps.core.money import to_minor, to_text
from tenant_apps.catalog.models import ProductCategory
from tenant_apps.catalog.rights import products_seen
from tenant_apps.events.forms import LocalTime
from tenant_apps.events.models import Category, Event
from tenant_apps.events.times import BadTime, moment
from tenant_apps.promotions import rules
from tenant_apps.promotions.models import SCOPE, Discount, PriceRule, Voucher
from tenant_apps.promotions.services import MOST_COUNT, MOST_IN_BULK
from tenant_apps.ticketing.models import Quota, TicketType

# So many of each kind can be ticked on the page; more are named through the API.
MOST_SHOWN = 200
# The service's paths by the form's names.
NAMES = {"percent": "value", "amount": "value"}
_AMOUNTS = (rules.EACH, rules.FIXED)


def _ticks(label: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, required=False, widget=forms.CheckboxSelectMultiple)


def _count(label: Any, *, least: int = 1, **kwargs: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=MOST_COUNT, required=False, **kwargs)


class RuleForm(forms.Form):
    """What discounts and vouchers have in common. Times are what the tenant's clocks show."""

    value = forms.CharField(
        label=_("How much"),
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("Per cent, or an amount such as 5.00."),
    )
    valid_from = LocalTime(label=_("From"), required=False)
    valid_until = LocalTime(label=_("Until"), required=False)
    active = forms.BooleanField(label=_("Switched on"), required=False, initial=True)
    applies_to = forms.ChoiceField(label=_("Applies to"), choices=PriceRule.Of.choices, required=False)
    events = _ticks(_("Events"))
    ticket_types = _ticks(_("Ticket types"))
    event_categories = _ticks(_("Categories of events"))
    products = _ticks(_("Products"))
    product_categories = _ticks(_("Categories of goods"))

    PLAIN: tuple[str, ...] = ("kind", "active", "applies_to", "adds_up")

    def __init__(self, *args: Any, rule: Any = None, user: Any, zone: str, currency: str, **kwargs: Any):
        self.rule, self.zone = rule, zone
        self.currency = rule.currency if rule else currency
        kwargs.setdefault("initial", self._initial() if rule else {})
        super().__init__(*args, **kwargs)
        seen = Event.objects.visible_to(user)
        for name, choices in self._choices(seen, user).items():
            field: Any = self.fields[name]
            known = {value for value, _label in choices}
            # What the rule names stays on it, though it is over, gone, or not among the first.
            others = [str(each) for each in getattr(rule, name, ()) if str(each) not in known]
            field.choices = [*choices, *((each, self._label(name, each)) for each in others)]

    def scope_fields(self) -> list[Any]:
        """The lists that there is something to tick in."""
        return [self[name] for name in SCOPE if self.fields[name].choices]  # type: ignore[attr-defined]  # choice fields

    @property
    def is_narrowed(self) -> bool:
        """Something is ticked: then the list is open."""
        return any(self[name].value() for name in SCOPE)

    def _choices(self, seen: Any, user: Any) -> dict[str, list[tuple[str, str]]]:
        ahead = seen.exclude(status__in=("archived", "cancelled")).filter(
            Q(ends_at__isnull=True) | Q(ends_at__gte=_now()), Q(ends_at__isnull=False) | Q(starts_at__gte=_now())
        )
        events = list(ahead.order_by("starts_at", "pk").values_list("pk", "title")[:MOST_SHOWN])
        types = TicketType.objects.filter(event__in=[pk for pk, _title in events]).order_by("event_id", "position")
        goods = products_seen(user).order_by("name", "pk").values_list("pk", "name")[:MOST_SHOWN]
        return {
            "events": [(str(pk), title) for pk, title in events],
            "ticket_types": [
                (str(pk), f"{title}: {name}")
                for pk, title, name in types.values_list("pk", "event__title", "name")[:MOST_SHOWN]
            ],
            "event_categories": [
                (str(pk), name) for pk, name in Category.objects.values_list("pk", "name")[:MOST_SHOWN]
            ],
            "products": [(str(pk), name) for pk, name in goods],
            "product_categories": list(
                ProductCategory.objects.order_by("lineage").values_list("slug", "name")[:MOST_SHOWN]
            ),
        }

    def _label(self, name: str, value: str) -> str:
        models: dict[str, Any] = {"events": Event, "ticket_types": TicketType}
        row = models[name].objects.filter(pk=value).first() if name in models else None
        return str(row) if row else str(_("no more there (%s)") % value)

    def _initial(self) -> dict[str, Any]:
        rule = self.rule
        start = {name: getattr(rule, name) for name in (*self.PLAIN, *SCOPE)}
        start |= {name: [str(each) for each in getattr(rule, name)] for name in SCOPE}
        for name in ("valid_from", "valid_until"):
            value: datetime | None = getattr(rule, name)
            start[name] = local(value, self.zone).replace(tzinfo=None) if value else None
        if rule.kind in _AMOUNTS:
            start["value"] = to_text(rule.amount_minor, rule.currency)
        elif rule.kind != rules.FREE:
            start["value"] = f"{rule.percent.normalize():f}"
        return start

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for name in ("valid_from", "valid_until"):
            try:
                data[name] = moment(data.get(name), self.zone, name)
            except BadTime as wrong:
                self.add_error(name, str(wrong))
        try:
            data |= self._value(data.get("kind", ""), re.sub(r"\s", "", data.get("value") or "").replace(",", "."))
        except (ValueError, ArithmeticError):
            self.add_error("value", _("Write a percentage such as 20, or an amount such as 5.00."))
        return data

    def _value(self, kind: str, text: str) -> dict[str, Any]:
        if kind in _AMOUNTS:
            return {"percent": 0, "amount_minor": to_minor(text or "0", self.currency)}
        if kind == rules.FREE:
            return {"percent": 0, "amount_minor": 0}
        if kind == rules.BUY_GET and not text:
            text = "100"
        # Two digits after the point, as an amount of a currency that has them.
        return {"percent": to_text(to_minor(text or "0", "EUR"), "EUR"), "amount_minor": 0}

    def fields_for_service(self) -> dict[str, Any]:
        """Return what the services take."""
        data = dict(self.cleaned_data)
        data.pop("value")
        return {name: ([] if name in SCOPE and value is None else value) for name, value in data.items()}


def _now() -> datetime:
    from django.utils import timezone

    return timezone.now()


class DiscountForm(RuleForm):
    """One discount."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("Buyers see it beside what it takes off."))
    kind = forms.ChoiceField(label=_("Kind"), choices=Discount.Kind.choices)
    days_before = forms.IntegerField(
        label=_("Until so many days before the event"),
        min_value=0,
        max_value=3650,
        required=False,
        help_text=_("An early bird: 30 means until 30 days before each event."),
    )
    min_quantity = _count(
        _("From so many in one order"), help_text=_("A group: 10 means ten or more of what it is for.")
    )
    buy_quantity = _count(_("Buy"), least=0)
    get_quantity = _count(_("Get"), least=0, help_text=_("Buy 2, get 1: of each three the cheapest is cheaper."))
    adds_up = forms.BooleanField(
        label=_("Adds to other discounts"),
        required=False,
        help_text=_("Otherwise each ticket gets only the best of its discounts."),
    )

    PLAIN = (*RuleForm.PLAIN, "name", "days_before", "min_quantity", "buy_quantity", "get_quantity")

    def fields_for_service(self) -> dict[str, Any]:
        fields = super().fields_for_service()
        return fields | {
            "min_quantity": fields["min_quantity"] or 1,
            "buy_quantity": fields["buy_quantity"] or 0,
            "get_quantity": fields["get_quantity"] or 0,
        }


class _TermsForm(RuleForm):
    """What vouchers have, made one by one or many at once."""

    kind = forms.ChoiceField(label=_("Kind"), choices=Voucher.Kind.choices)
    max_uses = _count(_("Uses in all"), least=0, help_text=_("Empty: no limit."))
    max_per_buyer = _count(_("Uses by one buyer"), help_text=_("Empty: no limit."))
    most_items = _count(
        _("Tickets and goods in one order"), help_text=_("At most so many get cheaper, the dearest first.")
    )
    adds_up = forms.BooleanField(
        label=_("Adds to discounts"),
        required=False,
        initial=True,
        help_text=_("Otherwise the order gets the better of both."),
    )
    opens_hidden = forms.BooleanField(
        label=_("Opens hidden ticket types"), required=False, help_text=_("Those that are ticked below.")
    )
    tag = forms.CharField(label=_("Tag"), max_length=60, required=False, help_text=_("To find codes again: press."))

    PLAIN = (*RuleForm.PLAIN, "max_uses", "max_per_buyer", "most_items", "opens_hidden", "tag")


class VoucherForm(_TermsForm):
    """One voucher."""

    code = forms.CharField(
        label=_("Code"), max_length=60, required=False, help_text=_("Left empty, a random one is made.")
    )
    quota = forms.ChoiceField(label=_("Keep places of"), required=False)
    reserved = _count(_("Places kept"), least=0, help_text=_("Only orders with this code get them."))
    # How many there were when the form was shown: orders take some of them meanwhile.
    kept = forms.IntegerField(required=False, widget=forms.HiddenInput)

    PLAIN = (*_TermsForm.PLAIN, "code", "reserved")

    def __init__(self, *args: Any, user: Any, **kwargs: Any):
        super().__init__(*args, user=user, **kwargs)
        quotas = Quota.objects.filter(event__in=Event.objects.visible_to(user), event__isnull=False)
        ahead = Q(event__starts_at__gte=_now())
        if self.rule and self.rule.quota_id:
            ahead |= Q(pk=self.rule.quota_id)
            self.initial["quota"] = str(self.rule.quota_id)
            self.initial["kept"] = self.rule.reserved
        rows = quotas.filter(ahead).order_by("event__starts_at", "pk").values_list("pk", "event__title", "name")
        field: Any = self.fields["quota"]
        field.choices = [("", "—"), *((str(pk), f"{title}: {name}") for pk, title, name in rows[:MOST_SHOWN])]
        if self.rule:
            self.fields["code"].required = True
            self.fields["code"].help_text = ""

    def fields_for_service(self) -> dict[str, Any]:
        fields = super().fields_for_service()
        if not fields["code"]:
            del fields["code"]
        kept = fields.pop("kept")
        quota = int(fields["quota"]) if fields["quota"] else None
        fields |= {"quota": quota, "reserved": fields["reserved"] or 0 if quota else 0}
        if self.rule and quota and (quota, fields["reserved"]) == (self.rule.quota_id, kept):
            # Left as it was: what orders took since then is not kept anew.
            del fields["reserved"]
        return fields


class BulkForm(_TermsForm):
    """Many codes alike."""

    count = forms.IntegerField(label=_("How many codes"), min_value=1, max_value=MOST_IN_BULK, initial=100)
    prefix = forms.CharField(  # type: ignore[assignment]  # Django moves fields out of the class, so the name is free
        label=_("They begin with"), max_length=32, required=False, help_text=_("PRESS- makes PRESS-7KQ4MXAD.")
    )
