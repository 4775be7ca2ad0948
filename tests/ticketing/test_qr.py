"""The QR code is a real one: Pillow reads the picture, and its quiet zone is white."""

import io

from PIL import Image

from tenant_apps.ticketing import qr

TEXT = "FOYER1." + "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 4 + "ABCDEFGH"


def test_a_ticket_makes_a_symbol_of_41_modules():
    assert len(qr.modules(TEXT)) == 41


def test_the_png_has_square_modules_and_a_quiet_zone_of_four():
    image = Image.open(io.BytesIO(qr.png(TEXT, scale=10)))
    assert image.size == (490, 490)
    assert image.convert("L").crop((0, 0, 490, 40)).getextrema() == (255, 255)
    pixel = image.convert("L").getpixel
    drawn = [[pixel(((x + 4) * 10 + 5, (y + 4) * 10 + 5)) == 0 for x in range(41)] for y in range(41)]
    assert drawn == qr.modules(TEXT)


def test_the_svg_draws_the_same_modules_as_one_path():
    svg = qr.svg(TEXT, title='Ticket "1"')
    assert "&quot;1&quot;" in svg
    dark = sum(sum(row) for row in qr.modules(TEXT))
    widths = [int(run.split("h")[1].split("v")[0]) for run in svg.split('d="')[2].split("z")[:-1]]
    assert sum(widths) == dark
