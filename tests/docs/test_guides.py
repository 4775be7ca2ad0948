"""What the documents name is there: links, pictures, commands, make targets and API paths."""

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
GUIDES = sorted((ROOT / "docs/guides").glob("*.md"))
PICTURES = sorted((ROOT / "docs/guides/images").iterdir())
LARGEST_PICTURE = 120_000  # bytes

_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_MANAGE = re.compile(r"manage\.py +([a-z_]+)([^\n`|;]*)")
_MAKE_MANAGE = re.compile(r"""make manage ARGS=(?:"([^"]+)"|([a-z_]+))""")
_MAKE = re.compile(r"(?:^|[`\s=]|[A-Z]=\S+ )make +([a-z][a-z-]*)")
_API = re.compile(r"(?:\$A|/api/v1)(/[^\s'\"`?)\]]*)")
# What stands for a value in the documents, and a value of the kind that some route takes there.
_PLACE = re.compile(r"\{[a-z_]+\}|\$[A-Z]+|[0-9a-f]{8}-…")
VALUES = ("1", "01a1fdb4-c3d8-7ba5-8769-f10b0b0c1737")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ +(.+)$", _FENCE.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code_in(text: str) -> Iterator[str]:
    """What is set as code: the fenced blocks, each as a whole, and the pieces within lines."""
    for block in _FENCE.findall(text):
        yield block.split("\n", 1)[1].rsplit("\n", 1)[0]
    yield from _CODE.findall(_FENCE.sub("", text))


def broken_links(document: Path) -> list[str]:
    text = _CODE.sub("", _FENCE.sub("", document.read_text(encoding="utf-8")))
    broken = []
    for target in _LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        file = (document.parent / name).resolve() if name else document
        if (
            not file.exists()
            or not file.is_relative_to(ROOT)
            or (anchor and anchor not in anchors(file.read_text(encoding="utf-8")))
        ):
            broken.append(target)
    return broken


def commands_in(text: str) -> set[tuple[str, tuple[str, ...]]]:
    """Each `manage.py` command that is named, with the options it is given."""
    found = set()
    for code in code_in(text):
        calls = [f"manage.py {one or other}" for one, other in _MAKE_MANAGE.findall(code)]
        for call in (code, *calls):
            for name, rest in _MANAGE.findall(call):
                found.add((name, tuple(re.findall(r"(?<=\s)--[a-z-]+", rest))))
    return found


def targets_in(text: str) -> set[str]:
    return {target for code in code_in(text) for target in _MAKE.findall(code)}


def paths_in(text: str) -> set[str]:
    """Each path below /api/v1/, `$A` standing for that; the base itself is none."""
    found = {path.rstrip(".,:;") for code in code_in(text) for path in _API.findall(code)}
    return {f"/api/v1{path}" for path in found - {"/"}}


def leads_somewhere(path: str) -> bool:
    for value in VALUES:
        for host in (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF):
            try:
                resolve(_PLACE.sub(value, path), import_module(host))
            except Resolver404:
                continue
            return True
    return False


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_and_picture_of_a_document_is_there(document):
    assert broken_links(document) == []


def test_every_picture_is_shown_somewhere_and_quick_to_load():
    shown = {
        (guide.parent / target).resolve()
        for guide in GUIDES
        for target in _LINK.findall(guide.read_text(encoding="utf-8"))
    }
    assert [named(picture) for picture in PICTURES if picture not in shown] == []
    assert [named(picture) for picture in PICTURES if picture.stat().st_size > LARGEST_PICTURE] == []


def test_every_document_is_reached_from_the_index():
    index = ROOT / "docs/README.md"
    linked = {(index.parent / target).resolve() for target in _LINK.findall(index.read_text(encoding="utf-8"))}
    ours = {each for each in DOCUMENTS if each.is_relative_to(index.parent)} - {index}
    assert sorted(map(named, ours - linked)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_command_that_a_document_names_exists_with_its_options(document):
    known = get_commands()
    wrong = []
    for name, options in sorted(commands_in(document.read_text(encoding="utf-8"))):
        if name not in known:
            wrong.append(name)
            continue
        command = known[name] if not isinstance(known[name], str) else load_command_class(known[name], name)
        taken = command.create_parser("manage.py", name)._option_string_actions
        wrong += [f"{name} {option}" for option in options if option not in taken]
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_make_target_that_a_document_names_exists(document):
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert targets_in(document.read_text(encoding="utf-8")) - there == set()


@pytest.mark.parametrize("document", [ROOT / "README.md", ROOT / "docs/README.md", *GUIDES], ids=named)
def test_every_api_path_that_a_guide_names_leads_somewhere(document):
    paths = paths_in(document.read_text(encoding="utf-8"))
    assert sorted(path for path in paths if not leads_somewhere(path)) == []


@pytest.mark.parametrize("document", GUIDES, ids=named)
def test_shell_blocks_of_the_guides_can_be_pasted(document):
    """Quotes are closed: a newcomer's shell does not wait for more."""
    for block in _FENCE.findall(document.read_text(encoding="utf-8")):
        language, body = block.split("\n", 1)
        if language == "```" and "curl" in body:
            shlex.split(body.rsplit("\n", 1)[0], comments=True)


def test_the_readers_of_documents_see_what_they_look_for(tmp_path, monkeypatch):
    """A pattern that matches nothing would let every document pass."""
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n[a](gone.md) ![b](gone.png) [c](#two) [d](#one) [e](https://example.org)\n"
        "`manage.py nonsense --loud` and `PORT=1 make nothing`\n"
        '```\nmake manage ARGS="other --quiet"\ncurl $A/nowhere/{id}/ http://x/api/v1/orders/{code}/\n```\n'
    )
    text = page.read_text()
    assert broken_links(page) == ["gone.md", "gone.png", "#two"]
    assert commands_in(text) == {("nonsense", ("--loud",)), ("other", ("--quiet",))}
    assert targets_in(text) == {"nothing", "manage"}
    assert paths_in(text) == {"/api/v1/nowhere/{id}/", "/api/v1/orders/{code}/"}
    assert not leads_somewhere("/api/v1/nowhere/{id}/") and leads_somewhere("/api/v1/orders/{code}/")
