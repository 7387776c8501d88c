"""docs/conformance.md names tests that exist."""
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
