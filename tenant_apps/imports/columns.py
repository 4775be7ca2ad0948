"""Which column is which, as a page asks it: every column of ours with the choices that a file gives for it."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.resources import Moment, RowResource, Words
from tenant_apps.imports import mapping, price_lists
from tenant_apps.imports.errors import UnreadableFile
from tenant_apps.imports.models import ImportJob
from tenant_apps.imports.reading import open_table
from tenant_apps.imports.running import knows, sources_for

SAMPLES = 200
KEPT_SAMPLES = 5
LONGEST_SAMPLE = 60
SAME = "same"
FORMATS = ("%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M:%S")
SPLITS = ("|", ",", ";", "/")
# Our columns in words. What is not here is shown by its own name (param.Colour).
NAMES = {
    "external_id": gettext_lazy("Your own id"),
    "title": gettext_lazy("Title"),
    "summary": gettext_lazy("Summary"),
    "description": gettext_lazy("Description"),
    "category": gettext_lazy("Category"),
    "category_id": gettext_lazy("Your id of the category"),
    "tags": gettext_lazy("Tags"),
    "level": gettext_lazy("Level"),
    "starts_at": gettext_lazy("Starts at"),
    "ends_at": gettext_lazy("Ends at"),
    "timezone": gettext_lazy("Time zone"),
    "venue_name": gettext_lazy("Venue"),
    "venue_address": gettext_lazy("Address of the venue"),
    "venue_city": gettext_lazy("City"),
    "venue_latitude": gettext_lazy("Latitude"),
    "venue_longitude": gettext_lazy("Longitude"),
    "status": gettext_lazy("State"),
    "ticket_type": gettext_lazy("Ticket type"),
    "price": gettext_lazy("Price"),
    "recommended_price": gettext_lazy("Recommended price"),
    "currency": gettext_lazy("Currency"),
    "capacity": gettext_lazy("Places or pieces"),
    "name": gettext_lazy("Name"),
    "address": gettext_lazy("Address"),
    "city": gettext_lazy("City"),
    "latitude": gettext_lazy("Latitude"),
    "longitude": gettext_lazy("Longitude"),
    "supplier": gettext_lazy("Supplier"),
    "model": gettext_lazy("Model"),
    "sku": gettext_lazy("SKU"),
    "variant": gettext_lazy("Variant"),
    "weight": gettext_lazy("Weight in grams"),
    "event": gettext_lazy("Event"),
    "email": gettext_lazy("Email of the buyer"),
    "attendee_name": gettext_lazy("Name of the attendee"),
    "attendee_email": gettext_lazy("Email of the attendee"),
    "ordered_at": gettext_lazy("Ordered at"),
    "order": gettext_lazy("Order"),
    "seat": gettext_lazy("Seat"),
}


class Choice(NamedTuple):
    """One of the file's columns as a choice: its place, its name and what stands in it."""

    value: str
    name: str
    sample: str
    chosen: bool


class Asked(NamedTuple):
    """One of our columns on the page."""

    name: str
    label: Any
    required: bool
    choices: Sequence[Choice]
    # Whether all rows take the same text, and which.
    same: bool
    constant: str
    # None where it has no such option.
    split: str | None
    format: str | None
    zone: str | None
    error: str
    is_mapped: bool


def look_into(content: bytes, file_name: str, resource: type[RowResource]) -> tuple[list[str], list[list[str]]] | None:
    """Return a file's columns and some of its rows; None where there is nothing to ask, as it says itself what it is
    or cannot be read, which the check tells."""
    if resource.price_lists and price_lists.is_price_list(file_name):
        return None
    try:
        table = open_table(io.BytesIO(content), knows(resource))
        rows = [row.cells for _number, row in zip(range(SAMPLES), table.rows(most=SAMPLES + 1), strict=False)]
    except UnreadableFile as refusal:
        if refusal.code != "too_many_rows":
            return None
    return table.header, [[cell[:LONGEST_SAMPLE] for cell in row[: len(table.header)]] for row in rows]


def proposed(job: ImportJob, rows: Sequence[Sequence[str]], resource: type[RowResource]) -> mapping.Sources:
    """Return the mapping that the page begins with."""
    return sources_for(job, job.header, rows, resource)


def asked(
    job: ImportJob, resource: type[RowResource], sources: mapping.Sources, errors: Mapping[str, str]
) -> list[Asked]:
    """Return what to ask for each of our columns, those of the file first."""
    samples = [next((row[place] for row in job.samples if place < len(row) and row[place].strip()), "")
               for place in range(len(job.header))]  # fmt: skip
    found = []
    for name, field in resource.fields.items():
        source = sources.get(name)
        at = mapping.place_of(source.column, job.header) if source and source.column else None
        choices = [
            Choice(str(place), column, samples[place], place == at) for place, column in enumerate(job.header) if column
        ]
        is_time = isinstance(field.widget, Moment)
        found.append(
            Asked(
                name=name,
                label=NAMES.get(name, name),
                required=name in resource.required,
                choices=choices,
                same=bool(source and source.constant is not None),
                constant=source.constant or "" if source else "",
                split=(source.split if source else "") if isinstance(field.widget, Words) else None,
                format=(source.format if source else "") if is_time else None,
                zone=(source.timezone if source else "") if is_time else None,
                error=errors.get(name, ""),
                is_mapped=source is not None,
            )
        )
    return sorted(found, key=lambda one: (not one.required, not one.is_mapped))


def given(
    post: Mapping[str, Any], job: ImportJob, resource: type[RowResource], kept: mapping.Sources
) -> dict[str, Any]:
    """Return the mapping that a form says, as the API takes it; columns with names of the file's own are kept."""
    said: dict[str, Any] = {name: source.as_json() for name, source in kept.items() if name not in resource.fields}
    for name, field in resource.fields.items():
        choice = str(post.get(f"column:{name}", ""))
        options: dict[str, Any] = {}
        if choice == SAME:
            constant = str(post.get(f"constant:{name}", "")).strip()
            if not constant:
                continue
            options["constant"] = constant
        elif choice.isascii() and choice.isdigit() and int(choice[:4]) < len(job.header):
            options["column"] = job.header[int(choice[:4])]
        else:
            continue
        if isinstance(field.widget, Words) and (split := str(post.get(f"split:{name}", ""))):
            options["split"] = split
        if isinstance(field.widget, Moment):
            options |= {
                option: text
                for option in ("format", "timezone")
                if (text := str(post.get(f"{option}:{name}", "")).strip())
            }
        said[name] = options
    return said


def names_of_formats() -> list[tuple[str, str]]:
    """Return the ways of writing a time that the page offers, each with an example."""
    from datetime import datetime

    example = datetime(2031, 5, 31, 19, 30)  # noqa: DTZ001  (only its digits are shown)
    return [("", _("by itself")), *((pattern, example.strftime(pattern)) for pattern in FORMATS)]
