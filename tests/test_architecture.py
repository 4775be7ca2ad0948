"""Imports point downwards (docs: the layer table of the architecture), and the floor stands on nothing of ours."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Low to high; packages on one line do not know each other.
LAYERS = (
    {"shared_apps.core"},
    {"shared_apps.accounts"},
    {"tenants"},
    {"shared_apps.people"},
    {"shared_apps.departures"},
    {"shared_apps.billing"},
    {"shared_apps.signup"},
    {"tenant_apps.activity"},
    {"tenant_apps.staff"},
    {"tenant_apps.consents"},
    {"tenant_apps.events"},
    {"tenant_apps.ticketing", "tenant_apps.catalog"},
    {"tenant_apps.customers", "tenant_apps.promotions"},
    {"tenant_apps.orders"},
    {"tenant_apps.payments", "tenant_apps.reviews"},
    # Below those that tell people something themselves (docs/decisions/0039).
    {"tenant_apps.notifications"},
    # Looks at everything that a new tenant has or lacks; the dashboard's first page, in reports, shows it.
    {"tenant_apps.onboarding"},
    {"tenant_apps.webhooks", "tenant_apps.imports", "tenant_apps.reports"},
    # Looks into all of them, for those who run the platform (docs/decisions/0052).
    {"shared_apps.operators"},
    {"api"},
)
HEIGHT = {package: height for height, packages in enumerate(LAYERS) for package in packages}
WIRING = "platform_config"
# What wires and what fills the demo may name anything.
ABOVE_ALL = (WIRING, "demo", "tests", "bench")


def sources() -> list[Path]:
    folders = ("api", "platform_config", "shared_apps", "tenant_apps", "tenants")
    return [
        path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts
    ]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def package_of(module: str) -> str | None:
    """The package of the table that a module belongs to; None for what is not ours."""
    for package in (*HEIGHT, *ABOVE_ALL):
        if module == package or module.startswith(f"{package}."):
            return package
    return None


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Every import in the file, those inside functions too: a door that is opened late is a door."""
    module = module_of(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield node.lineno, node.module or module
            # `from tenant_apps import orders` names a package by its second half.
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    importer = package_of(module_of(path))
    if importer is None or importer in ABOVE_ALL:
        return
    wrong = set()
    for line, name in imports_of(path):
        imported = package_of(name)
        if imported is None or imported == importer:
            continue
        if imported in ABOVE_ALL or HEIGHT[imported] >= HEIGHT[importer]:
            wrong.add(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert not wrong, "\n".join(sorted(wrong))


def test_settings_import_only_the_readers_of_the_environment() -> None:
    for path in sorted((ROOT / "platform_config" / "settings").glob("*.py")):
        ours = {name for _line, name in imports_of(path) if package_of(name)}
        allowed = ("platform_config.env", "platform_config.settings")
        assert all(name == WIRING or name.startswith(allowed) for name in ours), (path, ours)


def test_the_table_names_every_package_there_is() -> None:
    there = {
        f"{folder}.{path.name}"
        for folder in ("shared_apps", "tenant_apps")
        for path in (ROOT / folder).iterdir()
        if (path / "__init__.py").exists()
    }
    assert there <= HEIGHT.keys()


def test_an_import_inside_a_function_is_seen_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    file = tmp_path / "tenants" / "late.py"
    file.parent.mkdir()
    file.write_text("def f():\n    from tenant_apps import orders\n    import api.errors\n")
    seen = {package_of(name) for _line, name in imports_of(file)}
    assert {"tenant_apps.orders", "api"} <= seen


def test_no_file_is_too_long_to_read() -> None:
    long = {
        str(path.relative_to(ROOT)): lines for path in sources() if (lines := len(path.read_text().splitlines())) > 520
    }
    assert not long
