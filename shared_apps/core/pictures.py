"""Pictures that belong to something: the columns, the files below the tenant's own folder, the addresses.

Each owner has a model of its own with a direct foreign key; its app writes the rows and records it. Files are written
before their row and removed after it, by the outbox (G1): a crash leaves a file too many at worst, never a row
without its files.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import models
from django.db.models import Sum
from django.db.models.functions import JSONObject
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import DomainError, FieldError, InvalidInput
from shared_apps.core.images import Renditions
from shared_apps.core.models import Stamped
from shared_apps.core.schemas import present_schema

MOST_PICTURES = 20
LONGEST_ALT = 300
TYPES = {"webp": "image/webp", "jpg": "image/jpeg"}
_FILE = re.compile(r"(?P<stem>[0-9a-f]{32})-(?P<width>[1-9][0-9]{0,3})\.(?P<kind>webp|jpg)")


class TooManyPictures(DomainError):
    code, status = "too_many_pictures", 409
    message = _("There are at most 20 pictures here. Delete one first.")


class StoredPicture(Stamped):
    """A picture of something, kept in several sizes. One of them leads: cards and shared links show it."""

    # Where its files are, below the tenant's folder, and what its addresses begin with.
    folder: ClassVar[str]

    stem = models.CharField(max_length=32, unique=True)
    alt = models.CharField(_("what it shows"), max_length=LONGEST_ALT)
    position = models.IntegerField(default=0, db_default=0)
    is_lead = models.BooleanField(_("shown first"), default=False, db_default=False)
    width = models.IntegerField()
    height = models.IntegerField()
    widths = ArrayField(models.IntegerField())
    # Of all its files together; what a tenant keeps is the sum.
    size_bytes = models.BigIntegerField()

    class Meta:
        abstract = True
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.alt

    @property
    def files(self) -> dict[str, Any]:
        """What the outbox needs to remove its files once the row is gone."""
        return {"stem": self.stem, "widths": list(self.widths)}

    @property
    def shown(self) -> dict[str, Any]:
        """The same mapping that `SHOWN` makes in the database."""
        return {
            "id": self.pk, "stem": self.stem, "alt": self.alt, "lead": self.is_lead, "position": self.position,
            "width": self.width, "height": self.height, "widths": list(self.widths), "size_bytes": self.size_bytes,
        }  # fmt: skip


# What pages and the API show of a picture, as JSON made by the database: a list of goods needs no further statement.
SHOWN = JSONObject(
    id="pk", stem="stem", alt="alt", lead="is_lead", position="position",
    width="width", height="height", widths="widths", size_bytes="size_bytes",
)  # fmt: skip


class Source(NamedTuple):
    """One file of a picture: where it is, and how wide."""

    address: str
    width: int
    height: int


def sources(folder: str, shown: Mapping[str, Any], kind: str) -> list[Source]:
    """Return the addresses of a picture's files of one kind, "webp" or "jpg", the smallest first."""
    return [
        Source(
            f"/media/{folder}/{shown['stem']}-{width}.{kind}",
            width,
            max(1, round(shown["height"] * width / shown["width"])),
        )
        for width in shown["widths"]
    ]


def lead_of(shown: Sequence[Mapping[str, Any]] | None) -> Mapping[str, Any] | None:
    """Return the picture that leads, None where there is none."""
    return next((each for each in shown or () if each["lead"]), None)


def picture_json(folder: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """One picture as the API shows it. `url` is the largest JPEG, which everything can show."""
    kinds = {kind: sources(folder, shown, kind) for kind in TYPES}
    return {
        "id": shown["id"],
        "alt": shown["alt"],
        "lead": shown["lead"],
        "position": shown["position"],
        "width": shown["width"],
        "height": shown["height"],
        "url": kinds["jpg"][-1].address,
        "sources": [
            {"type": TYPES[kind], "url": one.address, "width": one.width, "height": one.height}
            for kind, found in kinds.items()
            for one in found
        ],
    }


# --- Files ---------------------------------------------------------------------------------------------------------


def path_of(folder: str, stem: str, ending: str) -> str:
    """Return where a file is in the storage: below the folder of the present tenant (N2)."""
    return f"{present_schema()}/{folder}/{stem}-{ending}"


@contextmanager
def kept(folder: str, made: Renditions) -> Iterator[None]:
    """Write the files, and take them away again if the block that makes their row fails."""
    written = []
    try:
        for ending, content in made.files.items():
            path = path_of(folder, made.stem, ending)
            written.append(path)
            default_storage.save(path, ContentFile(content))
        yield
    except BaseException:
        for path in written:
            default_storage.delete(path)
        raise


def remove_files(folder: str, files: Mapping[str, Any]) -> None:
    """Remove what `StoredPicture.files` named. A file that is gone already is no error: it may come twice (G2)."""
    for width in files["widths"]:
        for kind in TYPES:
            default_storage.delete(path_of(folder, files["stem"], f"{width}.{kind}"))


def stored_bytes() -> int:
    """Return how much the present tenant's pictures take, all sizes together."""
    total = 0
    for model in apps.get_models():
        if issubclass(model, StoredPicture):
            total += model._default_manager.aggregate(total=Sum("size_bytes"))["total"] or 0
    return total


def parsed(file: str) -> tuple[str, int, str]:
    """Return stem, width and kind of a file's name. Raises Http404 for a name that we never gave."""
    found = _FILE.fullmatch(file)
    if found is None:
        raise Http404
    return found["stem"], int(found["width"]), found["kind"]


def response(picture: StoredPicture, width: int, kind: str, *, public: bool) -> HttpResponse:
    """Return one file of a picture: never as a page of ours, whatever a browser makes of it (B6).

    A name stands for the same bytes for ever, so whoever may see it at all keeps it; what is not public, in their own
    browser only. Raises Http404 for a size that there is not.
    """
    if width not in picture.widths:
        raise Http404
    try:
        with default_storage.open(path_of(picture.folder, picture.stem, f"{width}.{kind}")) as opened:
            content: bytes = opened.read()
    except OSError:
        raise Http404 from None
    return HttpResponse(
        content,
        content_type=TYPES[kind],
        headers={
            "Content-Disposition": f'attachment; filename="picture.{kind}"',
            "Cache-Control": "public, max-age=31536000, immutable" if public else "private, no-store",
            "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "cross-origin" if public else "same-origin",
        },
    )


# --- Rows ----------------------------------------------------------------------------------------------------------


def checked_alt(text: Any) -> str:
    """Return what a picture shows, in words. Raises InvalidInput for none: who cannot see it hears this instead."""
    words = " ".join(str(text or "").split())
    if not words:
        raise InvalidInput(errors=[FieldError("alt", "required", _("Say in a few words what the picture shows."))])
    if len(words) > LONGEST_ALT:
        message = _("At most %d characters.") % LONGEST_ALT
        raise InvalidInput(errors=[FieldError("alt", "too_long", message)])
    return words


def added(rows: "models.QuerySet[Any]", made: Renditions, alt: str, **owner: Any) -> Any:
    """Insert the row of a picture behind its owner's others; the first one leads. The owner's row is locked."""
    last = list(rows.order_by("position", "pk").values_list("position", flat=True))
    if len(last) >= MOST_PICTURES:
        raise TooManyPictures
    return rows.model._default_manager.create(
        **owner, stem=made.stem, alt=alt, position=last[-1] + 1 if last else 0, is_lead=not last, width=made.width,
        height=made.height, widths=made.widths, size_bytes=made.size_bytes,
    )  # fmt: skip


def moved(rows: "models.QuerySet[Any]", row: StoredPicture, position: int) -> None:
    """Put a picture at a place among its owner's, the first is 0, and number all anew. The owner's row is locked."""
    others = [each for each in rows.order_by("position", "pk") if each.pk != row.pk]
    others.insert(max(0, min(position, len(others))), row)
    for place, each in enumerate(others):
        each.position = place
    rows.model._default_manager.bulk_update(others, ["position"])


def leading(rows: "models.QuerySet[Any]", row: StoredPicture) -> None:
    """Let this one lead, and no other: two statements, for only one may at any moment."""
    rows.exclude(pk=row.pk).filter(is_lead=True).update(is_lead=False)
    rows.filter(pk=row.pk).update(is_lead=True)
    row.is_lead = True


def removed(rows: "models.QuerySet[Any]", row: StoredPicture) -> None:
    """Delete the row; where it led, the next one does."""
    led = row.is_lead
    rows.filter(pk=row.pk).delete()
    following = rows.order_by("position", "pk").first() if led else None
    if following is not None:
        leading(rows, following)
