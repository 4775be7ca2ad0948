"""What webhooks refuse."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, InvalidInput, TooManyRequests


class UnknownTopic(InvalidInput):
    code = "webhook_topic_unknown"
    message = _("There is no topic {topic}.")


class TooManyEndpoints(Conflict):
    code = "webhook_limit"
    message = _("There are {most} webhooks already, and there cannot be more.")


class EndpointOff(Conflict):
    code = "webhook_disabled"
    message = _("This webhook is switched off. Switch it on first.")


class TooFarBack(InvalidInput):
    code = "webhook_replay_range"
    message = _("Events are kept for {days} days. Give a later time that has passed.")


class TooManyToReplay(Conflict):
    code = "webhook_replay_too_many"
    message = _("These are more than {most} events. Give a later time.")


class TestsWaiting(TooManyRequests):
    code = "webhook_tests_waiting"
    message = _("Several tests are on their way already. Please wait until they have arrived.")
