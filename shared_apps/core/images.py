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


class Renditions(NamedTuple):
    """One picture in several widths, each as WebP and as JPEG for what does not know WebP.

    `files` has the bytes by what follows the stem in a file's name: "640.webp". Width and height are the largest one's.
    """

    stem: str
    width: int
    height: int
    widths: list[int]
    files: dict[str, bytes]

    @property
    def size_bytes(self) -> int:
        """What all its files take together."""
        return sum(map(len, self.files.values()))


# As wide as cards on a phone, cards on a large screen, a phone's whole width at three pixels a dot, a page's head.
WIDTHS = (320, 640, 1280)
LONGEST = 2000


def re_encoded(upload: Any, *, longest: int, square: bool = False, field: str = "image") -> Picture:
    """Return an uploaded file (anything with `read` and perhaps `size`) as a WebP of at most `longest` pixels a side.

    `square` cuts the middle out. Raises ImageRefused for what is no picture, ImageTooLarge before decoding one.
    """
    picture = _decoded(upload, longest, square, field)
    return Picture(f"{_stem()}.webp", _webp(picture), "image/webp", picture.width, picture.height)


def renditions(upload: Any, *, field: str = "image") -> Renditions:
    """Return an uploaded file in the widths that pages ask for, none wider than it came; refused as `re_encoded` does.

    What is see-through stands on white in the JPEGs.
    """
    picture = _decoded(upload, LONGEST, False, field)
    widths = sorted({width for width in WIDTHS if width < picture.width} | {picture.width})
    files: dict[str, bytes] = {}
    for width in widths:
        height = max(1, round(picture.height * width / picture.width))
        sized = picture if width == picture.width else picture.resize((width, height), Image.Resampling.LANCZOS)
        files[f"{width}.webp"] = _webp(sized)
        files[f"{width}.jpg"] = _jpeg(sized)
    return Renditions(_stem(), picture.width, picture.height, widths, files)


def _stem() -> str:
    # Letters, digits and - only: the name is part of addresses and of names of files.
    return secrets.token_hex(16)


def _webp(picture: Image.Image) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, "WEBP", quality=85, method=4)
    return sink.getvalue()


def _jpeg(picture: Image.Image) -> bytes:
    if picture.mode == "RGBA":
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    sink = io.BytesIO()
    picture.save(sink, "JPEG", quality=82, progressive=True, optimize=True)
    return sink.getvalue()


def _decoded(upload: Any, longest: int, square: bool, field: str) -> Image.Image:
    """Read, judge and decode. Raises ImageRefused, and ImageTooLarge before anything is decoded."""
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
        return _pixels(opened, longest, square)
    except Image.DecompressionBombError:
        raise ImageTooLarge(field=field) from None  # Pillow's own limit, from which on it does not even hand out sizes
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, KeyError, TypeError):
        # Pillow's decoders raise any of these for a file that is cut off or made to break them.
        raise ImageRefused(field=field) from None


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
