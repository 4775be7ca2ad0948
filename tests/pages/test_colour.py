"""A tenant's colour stays readable, whatever it is."""

import colorsys

import pytest

from shared_apps.core.colour import DARK_SURFACE, LIGHT_SURFACE, brand, contrast, text_on
from shared_apps.core.covers import cover

COLOURS = ["#000000", "#ffffff", "#ffff00", "#7a7a7a", "#767676", "#ff0000", "#00ff00", "#0000ff", "#4f46e5"] + [
    "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue / 24, light / 10, saturation / 4))
    for hue in range(24)
    for light in range(1, 10)
    for saturation in (1, 4)
]


def test_contrast_is_as_the_standard_says():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_text_reads_on_every_colour_and_every_colour_reads_as_text_in_both_themes():
    for colour in COLOURS:
        shades = brand(colour)
        assert contrast(shades.on, shades.colour) >= 4.5, colour
        assert contrast(shades.on, shades.hover) >= 4.5, colour
        for surface in ("#ffffff", LIGHT_SURFACE, shades.soft_light):
            assert contrast(shades.ink_light, surface) >= 4.5, (colour, surface)
        for surface in ("#0c0d11", DARK_SURFACE, shades.soft_dark):
            assert contrast(shades.ink_dark, surface) >= 4.5, (colour, surface)


def test_text_on_a_middle_grey_is_white_as_long_as_it_reads():
    assert text_on("#767676") == "#ffffff"
    assert text_on("#777777") == "#000000"
    assert text_on("#a0a0a0") == "#15161b"


def test_a_cover_is_the_same_each_time_and_another_for_another_title():
    assert cover("Gala", "concert") == cover("Gala", "concert")
    assert cover("Gala", "concert") != cover("Ball", "concert")
    assert "<text" not in cover("<script>", "x") and "script" not in cover("<script>", "x")
    assert len(cover("Gala", "concert")) < 4000
