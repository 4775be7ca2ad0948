"""`manage.py webhook_topics`: what webhooks can be told."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenant_apps.webhooks.documents import markdown
from tenant_apps.webhooks.topics import TOPICS


class Command(BaseCommand):
    help = "Lists the topics of webhooks; with --markdown writes the page docs/webhooks.md."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--markdown", action="store_true", help="the page with samples")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["markdown"]:
            self.stdout.write(markdown(), ending="")
            return
        for topic, when in TOPICS.items():
            self.stdout.write(f"{topic:28} {when}")
