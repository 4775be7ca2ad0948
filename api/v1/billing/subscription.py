"""A tenant's plan and invoices, for its owner, on the platform's host."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import MoneyField, PlainTextField, UtcField
from api.pagination import Pages
from api.permissions import ANYONE, SIGNED_IN
from api.views import APIView
from shared_apps.billing import callbacks, subscriptions
from shared_apps.billing.errors import PlanUnknown
from shared_apps.billing.models import PlatformInvoice, Subscription
from shared_apps.core.errors import NotFound
from shared_apps.core.money import to_text
from shared_apps.signup.services import tenants_of
from tenant_apps.staff import subscription as service
from tenants.models import Tenant


class SubscriptionSerializer(serializers.Serializer[Any]):
    plan = serializers.CharField(help_text="The slug of the plan; `free` where nothing is subscribed.")
    status = serializers.ChoiceField(choices=Subscription.Status.choices)
    current_period_end = UtcField(allow_null=True)
    cancel_at_period_end = serializers.BooleanField()
    trial_ends_at = UtcField(allow_null=True)
    grace_until = UtcField(allow_null=True, help_text="While a payment is missing: when nothing can be added.")
    suspended_from = UtcField(allow_null=True, help_text="While a payment is missing: when the site is suspended.")
    pay_url = serializers.CharField(allow_blank=True, help_text="Where the oldest unpaid invoice is paid.")
    checkout_url = serializers.CharField(
        allow_blank=True, help_text="Where a card is asked for, once one begins to buy."
    )


class ChooseInput(serializers.Serializer[Any]):
    """Which plan; a code that makes it cheaper is taken when it is bought."""

    plan = PlainTextField(max_length=40)
    coupon = PlainTextField(max_length=120, required=False, allow_blank=True)


class PreviewSerializer(serializers.Serializer[Any]):
    plan = serializers.CharField(source="plan.slug")
    currency = serializers.CharField()
    total = MoneyField(source="total_minor", negative=True, help_text="Below 0: so much is left over.")
    due = serializers.SerializerMethodField(help_text="What the card is charged now.")

    def get_due(self, preview: subscriptions.Preview) -> str:
        return to_text(preview.due_minor if preview.is_larger else 0, preview.currency)


class InvoiceLineSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    amount = serializers.CharField()


class PlatformInvoiceSerializer(serializers.ModelSerializer[PlatformInvoice]):
    total = MoneyField(source="total_minor", negative=True)
    paid = MoneyField(source="paid_minor")
    left = MoneyField(source="left_minor")
    lines = serializers.SerializerMethodField()

    class Meta:
        model = PlatformInvoice
        fields = read_only_fields = [
            "number",
            "status",
            "reason",
            "currency",
            "total",
            "paid",
            "left",
            "issued_at",
            "due_at",
            "paid_at",
            "period_start",
            "period_end",
            "lines",
            "page_url",
            "pdf_url",
        ]

    @extend_schema(responses=InvoiceLineSerializer(many=True))
    def get_lines(self, invoice: PlatformInvoice) -> list[dict[str, str]]:
        return [
            {"text": line["text"], "amount": to_text(line["amount_minor"], invoice.currency)} for line in invoice.lines
        ]


class AddressSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()


def _mine(request: Request, slug: str) -> Tenant:
    """The caller's own tenant; others' are not there (I2)."""
    tenant: Tenant | None = tenants_of(request.user).filter(slug=slug).first()
    if tenant is None:
        raise NotFound
    return tenant


def _told(tenant: Tenant, row: Subscription | None, checkout_url: str = "") -> dict[str, Any]:
    owed = [each for each in subscriptions.invoices_of(tenant) if each.status == "open" and each.left_minor]
    return SubscriptionSerializer(
        {
            "plan": row.plan.slug if row and row.plan else "free",
            "status": row.status if row else Subscription.Status.FREE,
            "current_period_end": row.current_period_end if row and row.plan else None,
            "cancel_at_period_end": bool(row and row.cancel_at_period_end),
            "trial_ends_at": row.trial_ends_at if row else None,
            "grace_until": row.grace_until if row else None,
            "suspended_from": row.suspended_from if row else None,
            "pay_url": owed[-1].page_url if owed else "",
            "checkout_url": checkout_url,
        }
    ).data


class SubscriptionView(APIView):
    """What the tenant has. A POST buys a plan, or changes to another; a DELETE lets it end with what is paid for."""

    permissions = {"get": SIGNED_IN, "post": SIGNED_IN, "delete": SIGNED_IN}
    parameters = frozenset()

    @extend_schema(operation_id="subscription_retrieve", responses=SubscriptionSerializer)
    def get(self, request: Request, slug: str) -> Response:
        tenant = _mine(request, slug)
        return Response(_told(tenant, subscriptions.of(tenant)))

    @extend_schema(
        operation_id="subscription_choose",
        request=ChooseInput,
        responses={200: SubscriptionSerializer, 201: SubscriptionSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """201 with `checkout_url` when a card has to be asked for, 200 when the running plan was changed."""
        tenant = _mine(request, slug)
        given = ChooseInput(data=request.data)
        given.is_valid(raise_exception=True)
        plan = given.validated_data["plan"]
        row = subscriptions.of(tenant)
        if row is not None and row.plan is not None:
            return Response(_told(tenant, service.change(tenant, plan, actor=request.user)))
        address = service.buy(tenant, plan, coupon=given.validated_data.get("coupon", ""), actor=request.user)
        return Response(_told(tenant, subscriptions.of(tenant), address), status=201)

    @extend_schema(operation_id="subscription_cancel", responses=SubscriptionSerializer)
    def delete(self, request: Request, slug: str) -> Response:
        tenant = _mine(request, slug)
        return Response(_told(tenant, service.cancel(tenant, actor=request.user)))


class ResumeView(APIView):
    """Takes a cancellation back while the plan still runs."""

    permissions = {"post": SIGNED_IN}

    @extend_schema(operation_id="subscription_resume", request=None, responses=SubscriptionSerializer)
    def post(self, request: Request, slug: str) -> Response:
        tenant = _mine(request, slug)
        return Response(_told(tenant, service.resume(tenant, actor=request.user)))


class PreviewView(APIView):
    """What a change to `plan` would cost now; changes nothing."""

    permissions = {"get": SIGNED_IN}
    parameters = frozenset({"plan"})

    @extend_schema(
        operation_id="subscription_preview",
        parameters=[OpenApiParameter("plan", str, required=True)],
        responses=PreviewSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        tenant = _mine(request, slug)
        plan = request.query_params.get("plan", "")
        if not plan or len(plan) > 40:
            raise PlanUnknown(field="plan")
        return Response(PreviewSerializer(subscriptions.preview(tenant, plan)).data)


class InvoicesView(APIView):
    """The platform's invoices to the tenant, newest first."""

    permissions = {"get": SIGNED_IN}
    parameters = frozenset()

    @extend_schema(operation_id="platform_invoices_list", responses=PlatformInvoiceSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        tenant = _mine(request, slug)
        pages = Pages()
        rows = PlatformInvoice.objects.filter(tenant=tenant).order_by("-issued_at", "-pk")
        page: Any = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response(PlatformInvoiceSerializer(page, many=True).data)


class PortalView(APIView):
    """The address of Stripe's own page for cards, addresses and invoices; good for a few minutes."""

    permissions = {"post": SIGNED_IN}

    @extend_schema(operation_id="billing_portal", request=None, responses=AddressSerializer)
    def post(self, request: Request, slug: str) -> Response:
        return Response({"url": service.portal(_mine(request, slug), actor=request.user)})


class BillingWebhookView(APIView):
    """What Stripe says about the platform's own customers. The signature over the raw body is what lets it in; the
    answer does not tell whose customer it was."""

    permissions = {"post": ANYONE}
    authentication_classes = ()
    parser_classes = ()

    @extend_schema(operation_id="billing_webhook", request=None, responses={200: None, 400: None})
    def post(self, request: Request) -> Response:
        # Read before anything parses it: the signature is over these very bytes.
        callbacks.receive(request._request.body, request.headers)
        return Response({"received": True})
