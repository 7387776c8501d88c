"""The documents say what is so: tests that are named exist, settings that are read are explained."""
import re

import pytest

from server import ROOT


def named_tests():
    for line in (ROOT / "docs/conformance.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|") or len(cells) < 2 or cells[-1] in ("test", "---"):
            continue
        where = None
        for name in cells[-1].strip("| ").split(", "):
            if name.startswith("Tests/"):
                assert (ROOT / name.split()[0]).exists(), name
                continue
            where, name = name.split(": ") if ": " in name else (where, name)
            yield where, name


@pytest.mark.parametrize("where", sorted({where for where, _ in named_tests() if where}))
def test_every_test_that_is_named_exists(where):
    if where.startswith("test_"):
        sources, form = [ROOT / f"Tests/integration/{where}.py"], r"^def {}\("
    else:
        sources, form = (ROOT / "Tests" / where).rglob("*.swift"), r"func {}\("
    text = "\n".join(path.read_text() for path in sources)
    missing = [name for place, name in named_tests()
               if place == where and not re.search(form.format(re.escape(name)), text, re.M)]
    assert not missing


def test_every_setting_that_is_read_is_explained():
    reading = re.compile(r"\.(?:string|optionalString|integer|boolean|secret|milliseconds|seconds|choice|double)"
                         r"\(\s*\"([A-Z][A-Z0-9_]+)\"")
    names = {name for path in (ROOT / "Sources").rglob("*.swift") for name in reading.findall(path.read_text())}
    assert len(names) > 20
    page = (ROOT / "docs/operations.md").read_text()
    assert not sorted(name for name in names if f"`{name}`" not in page)
