"""What happens to a ticket between the printer and the door, and a decoder that shares no code with ours."""

from typing import Any

import cv2
import numpy as np
import pypdfium2

A4_FOLDED = ("halves", "thirds", "across the code")


def pages(content: bytes, dpi: int = 150) -> list[Any]:
    """Each page of a PDF as a greyscale picture, drawn by PDFium."""
    document = pypdfium2.PdfDocument(content)
    try:
        return [page.render(scale=dpi / 72, grayscale=True).to_numpy().squeeze().copy() for page in document]
    finally:
        document.close()


def coloured(content: bytes, dpi: int = 40) -> list[Any]:
    """Each page in colour, as red, green and blue numbers with a sign."""
    document = pypdfium2.PdfDocument(content)
    try:
        return [page.render(scale=dpi / 72, rev_byteorder=True).to_numpy()[:, :, :3].astype(int) for page in document]
    finally:
        document.close()


def words(content: bytes) -> list[str]:
    """The text of each page as PDFium finds it, on one line."""
    document = pypdfium2.PdfDocument(content)
    try:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]
    finally:
        document.close()


def decoded(picture: Any) -> str:
    """The text of the one QR code that OpenCV finds in a picture; empty if it finds none."""
    return str(cv2.QRCodeDetectorAruco().detectAndDecode(picture)[0])


def print_and_fold(picture: Any, how: str, chance: np.random.Generator, *, dpi: int = 150, crease: float = 0.8) -> Any:
    """A greyscale page as a phone sees it at the door: from a worn printer, folded, opened again, held by hand.

    Toner is grey and spreads, its drum leaves specks, and along a fold it has come off `crease` millimetres wide. Each
    side of a fold lies in another light. The sheet is photographed a little turned, from the side and out of focus.
    """
    sheet = 45 + picture.astype(np.float32) * (215 - 45) / 255  # pale toner on greyish paper
    height, width = sheet.shape
    sheet = cv2.GaussianBlur(sheet, (0, 0), dpi / 150 * 0.6)
    for axis, at in _folds(how, height, width):
        _crease(sheet, axis, at, dpi * crease / 25.4, chance)
    specks = chance.random(sheet.shape)
    sheet[specks < 0.0015] = 60
    sheet[specks > 0.9985] = 230
    turned = _photographed(sheet, chance)
    turned += chance.normal(0, 6, turned.shape)
    return np.clip(turned, 0, 255).astype(np.uint8)


def _folds(how: str, height: int, width: int) -> list[tuple[int, int]]:
    """Where the sheet is folded: (0, y) lies across it, (1, x) along it."""
    if how == "halves":
        return [(0, height // 2), (1, width // 2)]
    if how == "thirds":
        return [(0, height // 3), (0, height * 2 // 3)]
    # The worst that a pocket does: right through the middle of the code, both ways.
    return [(0, round(height * 65 / 297)), (1, round(width * 161 / 210))]


def _crease(sheet: Any, axis: int, at: int, wide: float, chance: np.random.Generator) -> None:
    """Take the toner off along a line, unevenly, and let the light change across it."""
    view = sheet if axis == 0 else sheet.T
    for column in range(view.shape[1]):
        half = max(0.5, wide / 2 * chance.uniform(0.5, 1.3))
        low, high = round(at - half), round(at + half)
        view[low:high, column] = 205 + chance.uniform(-12, 12)
    shade = np.linspace(0, 1, view.shape[0])[:, None]
    view *= np.where(np.arange(view.shape[0])[:, None] < at, 1 - 0.12 * shade, 0.86 + 0.1 * shade)


def _photographed(sheet: Any, chance: np.random.Generator) -> Any:
    height, width = sheet.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + chance.uniform(-0.02, 0.02, corners.shape).astype(np.float32) * width
    room = round(width * 0.05)
    warp = cv2.getPerspectiveTransform(corners, moved + room)
    size = (width + 2 * room, height + 2 * room)
    return cv2.warpPerspective(sheet, warp, size, borderValue=90).astype(np.float32)
