"""The owners are told when an operator comes in, before anything can be looked at: by mail and on the site."""

from django.utils.translation import gettext_lazy as _

from shared_apps.accounts.models import User
from shared_apps.people.phones import number_of
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.sending import Notice, notify_many
from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, Recipient, Topic, register
from tenant_apps.staff.models import Membership
from tenant_apps.staff.presets import OWNER

PAGE = "/dashboard/operators/"
ENTERED = register(
    Topic(
        "staff.operator_entered", _("Staff: an operator of the platform came in"), (EMAIL, PUSH, FEED), staff=True,
        urgent=True, fixed=True, editable=False,
        placeholders=("by", "as", "reason", "minutes"),
        samples={"by": "operator@example.org", "as": "owner@example.org", "reason": "…", "minutes": "30"},
        title=_("{by} of the platform is on your site"),
        body=_(
            "{by}, who runs the platform, looks at your site as {as}, for at most {minutes} minutes.\n\n"
            "Reason: {reason}\n\n"
            "What they do is written down, and you can end it at any time."
        ),
    )
)  # fmt: skip
ENTERED_TO_CHANGE = register(
    Topic(
        "staff.operator_changes", _("Staff: an operator of the platform came in to change something"),
        (EMAIL, PUSH, FEED), staff=True, urgent=True, fixed=True, editable=False,
        placeholders=("by", "as", "reason", "minutes"),
        samples={"by": "operator@example.org", "as": "owner@example.org", "reason": "…", "minutes": "30"},
        title=_("{by} of the platform works on your site"),
        body=_(
            "{by}, who runs the platform, works on your site as {as}, for at most {minutes} minutes, and can change "
            "things there.\n\n"
            "Reason: {reason}\n\n"
            "What they do is written down, and you can end it at any time."
        ),
    )
)  # fmt: skip


@subscribe("operator.entered")
def tell_owners(message: OutboxMessage) -> None:
    """Tell every owner with an open account, once each."""
    told = message.payload
    topic = ENTERED_TO_CHANGE if told.get("writes") else ENTERED
    values = {name: str(told.get(name, ""))[:500] for name in ("by", "as", "reason", "minutes")}
    ids = Membership.objects.filter(role__preset=OWNER).values_list("user_id", flat=True)
    owners = User.objects.filter(pk__in=list(ids), is_active=True).order_by("pk")
    notify_many(
        topic,
        [
            Notice(
                Recipient(person.pk, person.email, number_of(person.pk), person.name, person.language),
                values, f"{message.id}:{topic.name}:{person.pk}", PAGE,
            )
            for person in owners
        ],
    )  # fmt: skip
