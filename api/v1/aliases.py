"""The paths of older clients, all of them: thin, on the same views and services as today's.

Below `/api/v1/` and, as everything, below `/api/`. They are marked as deprecated in the OpenAPI document.
"""

from typing import Any, ClassVar

from django.db.models import Q
from django.urls import path
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.pagination import Cursor, Pages
from api.permissions import ANYONE, SIGNED_IN
from api.scoping import EventScoped
from api.v1.accounts import legacy
from api.v1.accounts import views as accounts
from api.v1.customers import views as customers
from api.v1.events import views as events
from api.v1.events.presentation import events_json
from api.v1.events.serializers import EventSerializer
from api.v1.orders import presentation
from api.v1.orders import views as orders
from api.v1.orders.serializers import OrderSerializer, PlacedOrderSerializer
from api.v1.orders.visibility import see
from api.v1.people import profiles
from api.v1.people import views as people
from api.v1.reviews import views as reviews
from api.v1.reviews.presentation import own_json
from api.v1.reviews.serializers import EventReviewInput, OwnReviewSerializer, RatingInput
from api.views import APIView
from shared_apps.core.addresses import client_address
from shared_apps.core.errors import InvalidInput, NotFound
from tenant_apps.events.models import Event
from tenant_apps.orders.checkout import Basket, BasketLine
from tenant_apps.orders.models import Order
from tenant_apps.payments.refunds import cancel_order
from tenant_apps.payments.services import place
from tenant_apps.reviews.services import rate
from tenant_apps.staff.actors import person_of
from tenant_apps.ticketing.models import TicketType
from tenant_apps.ticketing.querysets import with_ticket_types

WIDEST_ID = 2**63 - 1


class TicketTypeRequired(InvalidInput):
    code = "ticket_type_required"
    message = _("Several ticket types are on sale here: name one of them.")


class BookingInput(serializers.Serializer[Any]):
    """What older clients send for a booking. Signed-in people may leave out their address."""

    seats = serializers.IntegerField(min_value=1, max_value=500, default=1)
    ticket_type = serializers.IntegerField(min_value=1, max_value=WIDEST_ID, required=False, allow_null=True)
    email = serializers.EmailField(max_length=254, required=False)
    name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    agreed = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), required=False, max_length=50
    )
    provider = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class EventBookingInput(BookingInput):
    event_id = serializers.IntegerField(min_value=1, max_value=WIDEST_ID)


def book(request: Request, event: Event, wanted: dict[str, Any]) -> Response:
    """Order places at one event and answer the order, as `POST /orders/` does."""
    person = person_of(request.user)
    email = person.email if person else wanted.get("email")
    if not email:
        raise serializers.ValidationError({"email": [_("Give an email address, or sign in.")]}, code="required")
    basket = Basket(
        email=email,
        name=wanted["name"] or (person.name if person else ""),
        lines=[BasketLine(ticket_type=wanted.get("ticket_type") or only_type_of(event), quantity=wanted["seats"])],
        provider=wanted["provider"],
        language=get_language() or "",
        agreed=wanted.get("agreed", ()),
    )
    order, payment = place(basket, user=request.user, actor=request.user)
    return orders.started(request, order, payment, {})


def only_type_of(event: Event) -> int:
    """Return the id of the one ticket type that is on sale. Raises TicketTypeRequired if there are several."""
    now = timezone.now()
    on_sale = TicketType.objects.filter(
        Q(sale_starts_at__isnull=True) | Q(sale_starts_at__lte=now),
        Q(sale_ends_at__isnull=True) | Q(sale_ends_at__gt=now),
        event=event,
        hidden=False,
    )
    found = list(on_sale.values_list("pk", flat=True)[:2])
    if len(found) == 1:
        return int(found[0])
    if found:
        raise TicketTypeRequired(field="ticket_type")
    raise TicketTypeRequired(_("No ticket type is on sale here."), field="ticket_type")


def checked(kind: type[BookingInput], request: Request, event: Event | None = None) -> dict[str, Any]:
    wanted = kind(data=request.data)
    wanted.is_valid(raise_exception=True)
    data: dict[str, Any] = wanted.validated_data
    if event is not None and data.get("ticket_type"):
        _refuse_foreign_type(data["ticket_type"], event)
    return data


def _refuse_foreign_type(pk: int, event: Event) -> None:
    if not TicketType.objects.filter(pk=pk, event=event).exists():
        raise serializers.ValidationError(
            {"ticket_type": [_("This event has no such ticket type.")]}, code="does_not_exist"
        )


def bought_by(user: Any) -> Any:
    """The person's orders that hold places or have tickets."""
    return Order.objects.for_list().of_person(user.pk)


class BookView(EventScoped, APIView):
    """Book places at an event; answers the order."""

    permissions = {"post": ANYONE}

    @extend_schema(
        operation_id="older_events_book", deprecated=True, request=BookingInput, responses={201: PlacedOrderSerializer}
    )
    @idempotent(required=False)
    def post(self, request: Request, event: str) -> Response:
        return book(request, self.event, checked(BookingInput, request, self.event))


class CancelBookingView(EventScoped, APIView):
    """Cancel the caller's newest order of places at this event."""

    permissions = {"post": SIGNED_IN}

    @extend_schema(operation_id="older_events_cancel_booking", deprecated=True, request=None, responses=OrderSerializer)
    def post(self, request: Request, event: str) -> Response:
        mine = bought_by(request.user).filter(status__in=("pending", "paid"), lines__event=self.event)
        # An order may span events: what is cancelled here must be a booking of this event alone.
        order = mine.exclude(
            pk__in=mine.filter(lines__event__isnull=False).exclude(lines__event=self.event).values("pk")
        )
        found = order.distinct().first()
        if found is None:
            raise NotFound
        cancel_order(found, actor=request.user)
        return Response(orders.whole(see(request, found.code)))


class MyUpcomingEventsView(APIView):
    """Events ahead that the caller has places at."""

    permissions = {"get": SIGNED_IN}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="older_events_my_upcoming", deprecated=True, responses=EventSerializer(many=True))
    def get(self, request: Request) -> Response:
        mine = bought_by(request.user).filter(status__in=("pending", "paid"))
        ahead = Event.objects.upcoming().filter(order_lines__order__in=mine, order_lines__status="active")
        pages = Pages()
        listed = (
            with_ticket_types(Event.objects.for_show()).filter(pk__in=ahead.values("pk")).order_by("starts_at", "pk")
        )
        page: Any = pages.paginate_queryset(listed, request, view=self)
        return pages.get_paginated_response(events_json(page or []))


class BookingsView(APIView):
    """The caller's orders, and booking by the id of an event."""

    permissions = {"get": SIGNED_IN, "post": ANYONE}
    parameters: ClassVar[frozenset[str]] = frozenset()

    @extend_schema(operation_id="older_bookings_list", deprecated=True, responses=OrderSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = Cursor()
        page: Any = pages.paginate_queryset(bought_by(request.user), request, view=self)
        return pages.get_paginated_response(presentation.orders_json(page or [], as_buyer=True))

    @extend_schema(
        operation_id="older_bookings_create",
        deprecated=True,
        request=EventBookingInput,
        responses={201: PlacedOrderSerializer},
    )
    @idempotent(required=False)
    def post(self, request: Request) -> Response:
        wanted = checked(EventBookingInput, request)
        event = Event.objects.public().filter(pk=wanted["event_id"]).first()
        if event is None:
            raise serializers.ValidationError({"event_id": [_("There is no such event.")]}, code="does_not_exist")
        if wanted.get("ticket_type"):
            _refuse_foreign_type(wanted["ticket_type"], event)
        return book(request, event, wanted)


@extend_schema_view(
    get=extend_schema(operation_id="older_bookings_retrieve", deprecated=True, responses=OrderSerializer),
    patch=extend_schema(exclude=True),
)
class BookingView(orders.OrderView):
    """One booking: the order of this code. DELETE cancels it."""

    permissions = {**orders.OrderView.permissions, "delete": orders.CancelView.permissions["post"]}
    staff_too = {**orders.OrderView.staff_too, "delete": orders.CancelView.staff_too["post"]}

    @extend_schema(operation_id="older_bookings_cancel", deprecated=True, request=None, responses=OrderSerializer)
    def delete(self, request: Request, code: str) -> Response:
        return orders.CancelView.post(self, request, code)  # type: ignore[arg-type]  # of OrderView's kind, with what post needs


class EventReviewView(APIView):
    """Review the event that the body names by its id."""

    permissions = {"post": SIGNED_IN}

    @extend_schema(
        operation_id="older_reviews_create",
        deprecated=True,
        request=EventReviewInput,
        responses={201: OwnReviewSerializer},
    )
    def post(self, request: Request) -> Response:
        wanted = EventReviewInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        event = Event.objects.public().filter(pk=wanted.validated_data["event_id"]).first()
        if event is None:
            raise serializers.ValidationError({"event_id": [_("There is no such event.")]}, code="does_not_exist")
        return reviews.written(request, event, wanted.validated_data)


class RateView(EventScoped, APIView):
    """Give an event stars, or other stars than before."""

    permissions = {"post": SIGNED_IN}

    @extend_schema(
        operation_id="older_events_rate", deprecated=True, request=RatingInput, responses=OwnReviewSerializer
    )
    def post(self, request: Request, event: str) -> Response:
        wanted = RatingInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        stars = wanted.validated_data["rating"]
        review = rate(self.event, user=request.user, rating=stars, address=client_address(request._request))
        return Response(own_json(review))


def older(view: type[APIView], name: str, *methods: str) -> type[APIView]:
    """Return the same view under another name, so that the document tells old from new."""
    alias: type[APIView] = type(f"Older{name}", (view,), {"__doc__": view.__doc__, "__module__": __name__})
    names = {
        method: extend_schema(operation_id=f"older_{name.lower()}_{method}", deprecated=True) for method in methods
    }
    return extend_schema_view(**names)(alias)


class OlderSubscribeView(profiles.FollowView):
    """Follow a person."""

    permissions = {"post": SIGNED_IN}
    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="older_subscribe", deprecated=True, request=None, responses=profiles.FollowingSerializer
    )
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)


class OlderUnsubscribeView(profiles.FollowView):
    """Follow a person no more."""

    permissions = {"delete": SIGNED_IN}
    http_method_names = ["delete", "options"]

    @extend_schema(operation_id="older_unsubscribe", deprecated=True, request=None, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        return super().delete(request, pk)


_people = [
    path("register/", older(legacy.RegisterView, "Register", "post").as_view()),
    path("users/register/", older(legacy.RegisterView, "UsersRegister", "post").as_view()),
    path("activate/", older(legacy.ActivateView, "Activate", "post").as_view()),
    path("login/", older(accounts.LoginView, "Login", "post").as_view()),
    path("users/login/", older(accounts.LoginView, "UsersLogin", "post").as_view()),
    path("users/token/refresh/", older(accounts.TokenRefreshView, "UsersTokenRefresh", "post").as_view()),
    path("users/<int:id>/", older(accounts.PersonView, "User", "get").as_view()),
    path("change_password/", older(legacy.ChangePasswordView, "ChangePassword", "post").as_view()),
    path("profile/<int:pk>/subscribe/", OlderSubscribeView.as_view()),
    path("profile/<int:pk>/unsubscribe/", OlderUnsubscribeView.as_view()),
    path("forgot_password/", older(accounts.PasswordResetView, "ForgotPassword", "post").as_view()),
]
public_aliases = [
    *_people,
    # Without a tenant: at every one.
    path("events/my_upcoming_events/", older(people.MyUpcomingEventsView, "MyUpcomingEvents", "get").as_view()),
]
tenant_aliases = [
    *_people,
    path("events/my_upcoming_events/", MyUpcomingEventsView.as_view()),
    path("events/<str:event>/book/", BookView.as_view()),
    path("events/<str:event>/cancel_booking/", CancelBookingView.as_view()),
    path("events/<str:event>/rate/", RateView.as_view()),
    path("reviews/", EventReviewView.as_view()),
    path("review/", older(EventReviewView, "Review", "post").as_view()),
    path("bookings/", BookingsView.as_view()),
    path("bookings/<str:code>/", BookingView.as_view()),
    path("recipe/", older(events.EventsView, "Recipes", "get", "post").as_view()),
    path("recipe/<str:event>/", older(events.EventView, "Recipe", "get", "put", "patch", "delete").as_view()),
    path("like/", customers.OlderLikeView.as_view()),
]
# Behind today's addresses: whatever stands after `reviews/` and is none of them names an event.
last_tenant_aliases = [
    path("reviews/<str:event>/", older(reviews.EventReviewsView, "EventReviews", "get", "post").as_view()),
]
