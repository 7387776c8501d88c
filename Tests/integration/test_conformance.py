"""The documents say what is so: tests that are named exist, settings that are read are explained."""
import os
import re
import subprocess

import pytest
import yaml

from server import EXECUTABLE, ROOT


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
        sources, form = list((ROOT / "Tests").glob(f"*/{where}.py")), r"^def {}\("
        assert len(sources) == 1
    else:
        sources, form = (ROOT / "Tests" / where).rglob("*.swift"), r"func {}\("
    text = "\n".join(path.read_text() for path in sources)
    missing = [name for place, name in named_tests()
               if place == where and not re.search(form.format(re.escape(name)), text, re.M)]
    assert not missing


READING = re.compile(r"\.(?:string|optionalString|integer|boolean|secret|milliseconds|seconds|choice|double)"
                     r"\(\s*\"([A-Z][A-Z0-9_]+)\"")


def settings_that_are_read():
    names = {name for path in (ROOT / "Sources").rglob("*.swift") for name in READING.findall(path.read_text())}
    assert len(names) > 20
    return names


def test_every_setting_that_is_read_is_explained():
    page = (ROOT / "docs/operations.md").read_text()
    assert not sorted(name for name in settings_that_are_read() if f"`{name}`" not in page)


def placeholders(path):
    """The variable and the default of each key path."""
    def walk(node, prefix):
        if isinstance(node, dict):
            for key, value in node.items():
                yield from walk(value, f"{prefix}.{key}" if prefix else str(key))
        elif isinstance(node, list):
            for index, value in enumerate(node):
                yield from walk(value, f"{prefix}[{index}]")
        else:
            yield prefix, re.fullmatch(r"\$\{([A-Z0-9_]+):(.*)\}", node).groups()

    return dict(walk(yaml.safe_load(path.read_text()), ""))


def test_every_setting_that_is_read_stands_in_the_configuration_file():
    names = {name for name, _ in placeholders(ROOT / "config/needletail.yml").values()}
    assert not sorted(settings_that_are_read() - names)


def test_configuration_files_agree_about_key_paths():
    whole = placeholders(ROOT / "config/needletail.yml")
    for path in sorted((ROOT / "config").glob("*.yml")):
        for key, (name, default) in placeholders(path).items():
            assert key in whole, f"{path.name}: {key}"
            assert key not in whole or whole[key][0] == name, f"{path.name}: {key}"


def test_defaults_of_the_configuration_file_are_those_of_the_program():
    """Machine-dependent ones are empty in the file, and the file shows the published signing key, which stands for none."""
    def printed(*arguments):
        text = subprocess.run([EXECUTABLE, "standalone", "--print-config", *arguments], capture_output=True, text=True,
                              check=True, env={"PATH": os.environ["PATH"]}).stdout
        return dict(line.split("  # ")[0].split("=", 1) for line in text.splitlines() if not line.startswith("# "))

    plain, filed = printed(), printed("--config", str(ROOT / "config/needletail.yml"))
    differing = {name for name in plain if plain[name] != filed.get(name)}
    assert differing <= {"JWT_TOKEN_SIGNING_KEY", "SPRING_DATASOURCE_PASSWORD", "SPRING_DATASOURCE_USERNAME"}, differing


def test_a_literal_in_the_configuration_file_holds_and_a_wrong_one_is_refused(tmp_path):
    text = (ROOT / "config/needletail.yml").read_text()
    path = tmp_path / "literal.yml"
    path.write_text(text.replace('"${MQTT_BIND_PORT:1883}"', "1999"))
    run = [EXECUTABLE, "standalone", "--print-config", "--config", str(path)]
    shown = subprocess.run(run, capture_output=True, text=True, env={**os.environ, "MQTT_BIND_PORT": "7"})
    assert shown.returncode == 0 and "MQTT_BIND_PORT=1999  # " in shown.stdout
    path.write_text(text.replace('"${MQTT_BIND_PORT:1883}"', "many"))
    line = next(n for n, one in enumerate(path.read_text().splitlines(), 1) if one.endswith("bind_port: many"))
    refused = subprocess.run(run, capture_output=True, text=True)
    assert refused.returncode == 2
    assert f'{path}:{line}: MQTT_BIND_PORT is "many"; expected 0 to 65535' in refused.stderr
