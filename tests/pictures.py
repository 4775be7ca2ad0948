"""Files of pictures as people upload them."""

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image


def picture_file(
    kind: str = "JPEG",
    size: tuple[int, int] = (1600, 900),
    colour: str = "teal",
    name: str = "photo.jpg",
    **options: Any,
) -> SimpleUploadedFile:
    """A good picture of one colour."""
    sink = io.BytesIO()
    Image.new("RGB", size, colour).save(sink, kind, **options)
    return SimpleUploadedFile(name, sink.getvalue())
