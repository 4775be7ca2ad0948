"""The page that an invitation's letter leads to."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache

from shared_apps.accounts.models import small_letters
from shared_apps.core.access import anyone
from shared_apps.core.errors import DomainError
from tenant_apps.events.joining import accept
from tenant_apps.events.models import Event
from tenant_apps.staff.actors import person_of
from tenant_apps.staff.invitations import by_token
from tenant_apps.staff.presets import EVENT_PERMISSIONS


@anyone
@method_decorator(never_cache, name="dispatch")
class InvitationView(View):
    """Shows the invitation, and asks for one click: mail programs open links themselves.

    Who has no account makes one and comes back here. Whoever holds the link may read what it says, and nothing else.
    """

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self.show(request, token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        person = person_of(request.user)
        if person is None:
            return self.show(request, token)
        try:
            joined = accept(token, person)
        except DomainError as refusal:
            return self.show(request, token, str(refusal), refusal.status)
        messages.success(request, _("Welcome to the team."))
        event = Event.objects.filter(pk=joined.event_id or 0).first()
        return redirect("dashboard-event", slug=event.slug) if event else redirect("dashboard-home")

    def show(self, request: HttpRequest, token: str, refusal: str = "", status: int = 200) -> HttpResponse:
        try:
            invitation = by_token(token)
        except DomainError as error:
            response = render(request, "storefront/invitations/void.html", {"refusal": str(error)}, status=404)
        else:
            event = Event.objects.select_related("venue").filter(pk=invitation.event_id or 0).first()
            user = request.user
            context = {
                "invitation": invitation,
                "event": event,
                "permissions": [EVENT_PERMISSIONS[name] for name in invitation.permissions],
                "is_for_me": user.is_authenticated and small_letters(user.email) == invitation.email,
                "refusal": refusal,
            }
            response = render(request, "storefront/invitations/invitation.html", context, status=status)
        # Not no-referrer: then browsers send "Origin: null" with the page's own form, and CSRF refuses it (I6).
        response["Referrer-Policy"] = "same-origin"
        return response
