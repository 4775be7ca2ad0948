"""A tenant's colour made safe to read: contrast as in WCAG 2.2, 1.4.3."""

import colorsys
from typing import NamedTuple

WHITE, INK = "#ffffff", "#15161b"
# The lightest and darkest surfaces that text in the brand's colour stands on (static/css/tokens.css).
LIGHT_SURFACE, DARK_SURFACE = "#f4f4f6", "#1b1e25"
READABLE = 4.5


def _channels(colour: str) -> tuple[float, float, float]:
    return tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))  # type: ignore[return-value]  # three of them, always


def _text(red: float, green: float, blue: float) -> str:
    return "#" + "".join(f"{round(min(max(part, 0), 1) * 255):02x}" for part in (red, green, blue))


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", from 0 (black) to 1 (white)."""

    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = map(linear, _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """`share` of the other colour in the first, 0 to 1, in sRGB."""
    return _text(*(a + (b - a) * share for a, b in zip(_channels(one), _channels(other), strict=True)))


def text_on(colour: str) -> str:
    """White, else ink, else black: the first that reads on the colour. White or black always reaches 4.58:1."""
    return next((text for text in (WHITE, INK) if contrast(colour, text) >= READABLE), "#000000")


def readable_on(colour: str, surface: str) -> str:
    """The colour, moved towards black or white only as far as text in it needs on this surface."""
    hue, light, saturation = colorsys.rgb_to_hls(*_channels(colour))
    step = -0.01 if luminance(surface) > 0.18 else 0.01
    found = colour
    while contrast(found, surface) < READABLE and 0 <= light + step <= 1.01:
        light = min(max(light + step, 0), 1)
        found = _text(*colorsys.hls_to_rgb(hue, light, saturation))
    return found


class Brand(NamedTuple):
    """What the pages' custom properties are set to."""

    colour: str
    hover: str
    on: str
    ink_light: str
    soft_light: str
    ink_dark: str
    soft_dark: str


def brand(colour: str) -> Brand:
    """Derive every shade that a page needs from the tenant's one colour."""
    on = text_on(colour)
    soft_light, soft_dark = mix(colour, WHITE, 0.91), mix(colour, DARK_SURFACE, 0.84)
    return Brand(
        colour=colour,
        # Away from the text that stands on it, so that hovering never costs contrast.
        hover=mix(colour, "#000000" if on == WHITE else WHITE, 0.14),
        on=on,
        ink_light=readable_on(colour, min(soft_light, LIGHT_SURFACE, key=luminance)),
        soft_light=soft_light,
        ink_dark=readable_on(colour, max(soft_dark, DARK_SURFACE, key=luminance)),
        soft_dark=soft_dark,
    )
