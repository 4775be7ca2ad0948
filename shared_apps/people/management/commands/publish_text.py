"""`manage.py publish_text CODE --title TITLE FILE`: what whoever opens a tenant has to agree to from now on."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug

from shared_apps.people.agreements import publish


class Command(BaseCommand):
    help = "Publish the platform's own terms, or a new version of them; sign-up asks for them from then on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", help="A short name, such as terms.")
        parser.add_argument("file", type=Path, help="The words, as plain text in UTF-8.")
        parser.add_argument("--title", required=True, help="What stands beside the box, such as 'Terms of use'.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            validate_slug(options["code"])
            body = options["file"].read_text(encoding="utf-8")
        except Exception as error:  # a wrong name, no such file, other letters: said in one line
            raise CommandError(str(error)) from None
        text = publish(options["code"], options["title"], body)
        self.stdout.write(f"{text.title}, version {text.version}: sign-up asks for it.")
