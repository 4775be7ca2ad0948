"""Pictures are known by their content, bounded before they are decoded, and made anew (B6)."""

import io
import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from shared_apps.core.images import ImageRefused, ImageTooLarge, re_encoded


def upload(content, name="x.jpg"):
    return SimpleUploadedFile(name, content)


def picture(kind="JPEG", size=(800, 400), mode="RGB", **options):
    sink = io.BytesIO()
    Image.new(mode, size, "red").save(sink, kind, **options)
    return sink.getvalue()


def opened(made):
    return Image.open(io.BytesIO(made.content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("name", ["x.jpg", "../../x.svg", "x.exe", ""])
def test_three_kinds_are_taken_whatever_the_file_is_called(kind, name):
    made = re_encoded(SimpleUploadedFile(name or "x", picture(kind)), longest=256, square=True)
    assert (made.width, made.height) == (256, 256) and opened(made).format == "WEBP"
    assert len(made.name) > 30 and made.name.endswith(".webp") and "/" not in made.name


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"%PDF-1.7", b"\xff\xd8\xff\xe0broken",
     picture()[:300], picture("PNG")[:60], picture("GIF"), picture("BMP"), picture("TIFF"),
     b"RIFF\x00\x00\x00\x00WEBPVP8 "],
)  # fmt: skip
def test_nothing_else_is(content):
    with pytest.raises(ImageRefused):
        re_encoded(upload(content), longest=256)


def test_what_an_upload_carries_besides_pixels_is_dropped():
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "taken at home", 6
    exif.get_ifd(0x8825)[1] = "N"
    raw = picture(exif=exif.tobytes(), comment=b"secret comment") + b"<script>alert(1)</script>"
    made = re_encoded(upload(raw), longest=1000)
    assert not opened(made).getexif() and "exif" not in opened(made).info and "icc_profile" not in opened(made).info
    for trace in (b"taken at home", b"secret comment", b"<script>"):
        assert trace not in made.content
    assert (made.width, made.height) == (400, 800), "turned as the camera was held"


def test_size_is_judged_before_anything_is_read():
    class Huge(SimpleUploadedFile):
        def read(self, *args):
            raise AssertionError("it was read")

    huge = Huge("x.jpg", b"x")
    huge.size = 5 * 1024 * 1024 + 1
    with pytest.raises(ImageTooLarge):
        re_encoded(huge, longest=256)
    with pytest.raises(ImageTooLarge):
        re_encoded(io.BytesIO(b"x" * (5 * 1024 * 1024 + 1)), longest=256)


def bomb(width, height):
    """A PNG whose header promises more pixels than anybody should decode."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(5001, 5000), (50_000, 50_000), (25_000_001, 1)])
def test_pixels_are_counted_before_they_are_decoded(size, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises((ImageTooLarge, ImageRefused)) as refused:
        re_encoded(upload(bomb(*size)), longest=256)
    assert refused.value.status in (400, 413)


def test_what_is_see_through_stays_so():
    sink = io.BytesIO()
    Image.new("RGBA", (40, 40), (255, 0, 0, 64)).save(sink, "PNG")
    made = opened(re_encoded(upload(sink.getvalue()), longest=100))
    assert made.mode == "RGBA" and made.getpixel((5, 5))[3] < 128
