"""Pictures that people upload (B6): known by their content, bounded before they are decoded, made anew by us.

What is kept was written by Pillow from bare pixels: no metadata, no trailing data, nothing that the upload carried.
"""

import io
import secrets
import warnings
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from shared_apps.core.errors import InvalidInput

MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 25_000_000
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


class ImageRefused(InvalidInput):
    code = "image_invalid"
    message = _("Upload a JPEG, PNG or WebP picture.")


class ImageTooLarge(InvalidInput):
    code, status = "image_too_large", 413
    message = _("A picture has at most 5 MB and 25 megapixels.")


class Picture(NamedTuple):
    """A picture of our own making, with a name that says nothing and cannot be guessed."""

    name: str
    content: bytes
    content_type: str
    width: int
    height: int


def re_encoded(upload: Any, *, longest: int, square: bool = False, field: str = "image") -> Picture:
    """Return an uploaded file (anything with `read` and perhaps `size`) as a WebP of at most `longest` pixels a side.

    `square` cuts the middle out. Raises ImageRefused for what is no picture, ImageTooLarge before decoding one.
    """
    if getattr(upload, "size", 0) > MOST_BYTES:
        raise ImageTooLarge(field=field)
    raw = upload.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise ImageTooLarge(field=field)
    try:
        with warnings.catch_warnings():
            # Pillow's own warning comes far above our limit, which is asked right after the header.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(raw), formats=tuple(FORMATS))
        if opened.width * opened.height > MOST_PIXELS:
            raise ImageTooLarge(field=field)
        picture = _pixels(opened, longest, square)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError, MemoryError, KeyError, TypeError):
        # Pillow's decoders raise any of these for a file that is cut off or made to break them.
        raise ImageRefused(field=field) from None
    sink = io.BytesIO()
    picture.save(sink, "WEBP", quality=85, method=4)
    return Picture(f"{secrets.token_urlsafe(18)}.webp", sink.getvalue(), "image/webp", picture.width, picture.height)


def _pixels(opened: Image.Image, longest: int, square: bool) -> Image.Image:
    """Decode the first frame, turned as the camera was held, on a fresh canvas."""
    opened.draft("RGB", (longest * 2, longest * 2))  # lets JPEG decode at a fraction of its size
    turned = ImageOps.exif_transpose(opened)
    see_through = turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info
    turned = turned.convert("RGBA" if see_through else "RGB")
    if square:
        side = min(turned.width, turned.height, longest)
        turned = ImageOps.fit(turned, (side, side), Image.Resampling.LANCZOS)
    else:
        turned.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    fresh = Image.new(turned.mode, turned.size)
    fresh.paste(turned)
    return fresh
