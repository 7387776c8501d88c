"""What of the platform's API is served: against the list of calls, and against every method of the published Python client."""
import inspect
import pathlib
import re

import pytest
import requests
from tb_rest_client.api_client import ApiClient
from tb_rest_client.rest import ApiException
from tb_rest_client.rest_client import RestClient

HERE = pathlib.Path(__file__).resolve().parent


def shape(path):
    """The path without the names of its variables."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def calls(name):
    """The calls of a list, with what stands before and behind them."""
    for line in (HERE / name).read_text().splitlines():
        if line and not line.startswith("#"):
            mark, method, path, *rest = line.split(maxsplit=3)
            yield mark, method, path, rest[0] if rest else ""


@pytest.fixture(scope="module")
def served(server):
    paths = requests.get(server.url + "/v3/api-docs", timeout=60).json()["paths"]
    return {(method.upper(), shape(path)) for path, methods in paths.items() for method in methods}


def test_every_call_is_served_or_said_not_to_be(served):
    missing = {(method, shape(path)) for _, method, path, _ in calls("rest_tiers.txt")} - served
    said = {(method, shape(path)) for _, method, path, reason in calls("rest_not_served.txt") if reason}
    assert not sorted(missing - said), "not served, and no reason given"
    assert not sorted(said & served), "served, but said not to be"


def argument(parameter):
    name, annotation = parameter.name, str(parameter.annotation)
    if name == "page_size" or "int" in annotation and "page" in name:
        return 10 if name == "page_size" else 0
    if "int" in annotation:
        return 1
    if "bool" in annotation:
        return True
    if "list" in annotation.lower():
        return ["784f394c-42b6-435a-983c-b7beff2784f9"]
    return "784f394c-42b6-435a-983c-b7beff2784f9"


def client_calls(monkeypatch):
    """What each public method of the client calls: (method name, HTTP method, path)."""
    recorded = []

    def record(self, resource_path, method, *arguments, **options):
        recorded.append((method, resource_path))
        return None

    monkeypatch.setattr(ApiClient, "call_api", record)
    client = RestClient("http://127.0.0.1:9")
    client._RestClient__load_configuration()
    client.get_id = lambda entity: entity
    client.get_type = lambda entity: "DEVICE"
    found, failed = {}, []
    for name, function in inspect.getmembers(client, inspect.ismethod):
        if name.startswith("_") or name in ("run", "stop", "start", "join", "login", "public_login", "api_key_login",
                                            "token_login", "refresh", "get_token", "get_id", "get_type"):
            continue
        if name not in RestClient.__dict__:
            continue
        arguments = [argument(parameter) for parameter in inspect.signature(function).parameters.values()
                     if parameter.default is inspect.Parameter.empty]
        before = len(recorded)
        try:
            function(*arguments)
        except Exception as error:  # a method that does not work at all says nothing about the server
            failed.append((name, repr(error)[:100]))
        for method, path in recorded[before:]:
            found[name] = (method, path)
    return found, failed


def test_the_python_clients_methods_are_served(served, monkeypatch, capsys):
    found, failed = client_calls(monkeypatch)
    assert len(found) > 500, (len(found), failed[:5])
    tiers = {(method, shape(path)) for _, method, path, _ in calls("rest_tiers.txt")}
    said = {(method, shape(path)) for _, method, path, _ in calls("rest_not_served.txt")}
    absent = sorted((method, path, name) for name, (method, path) in found.items()
                    if (method, shape(path.split("{?")[0])) not in served)
    with capsys.disabled():
        print(f"\n{len(found)} methods, {len(found) - len(absent)} served, {len(failed)} that the client itself cannot call")
    wanted = [row for row in absent if (row[0], shape(row[1])) in tiers and (row[0], shape(row[1])) not in said]
    assert not wanted


def test_the_python_client_understands_every_plain_list(server, served):
    """Every GET of the client that needs no more than a page: answered, and read by the client's own models."""
    broken = []
    with RestClient(server.url) as client:
        client.login("tenant@thingsboard.org", "tenant")
        paths = []
        plain = ApiClient.call_api

        def remember(self, resource_path, method, *arguments, **options):
            paths.append((method, resource_path))
            return plain(self, resource_path, method, *arguments, **options)

        client.api_client.call_api = remember.__get__(client.api_client)
        tried = 0
        for name, function in inspect.getmembers(client, inspect.ismethod):
            if not name.startswith("get_") or name not in RestClient.__dict__:
                continue
            needed = [p for p in inspect.signature(function).parameters.values() if p.default is inspect.Parameter.empty]
            if any(p.name not in ("page_size", "page") for p in needed):
                continue
            paths.clear()
            try:
                function(**{p.name: 10 if p.name == "page_size" else 0 for p in needed})
            except ApiException as error:
                if error.status >= 500 or error.status == 401 and (paths[-1][0], shape(paths[-1][1])) in served:
                    broken.append((name, error.status, str(error.body)[:100]))
            except Exception as error:
                if paths and (paths[-1][0], shape(paths[-1][1])) in served:
                    broken.append((name, repr(error)[:200]))
            tried += 1
        assert tried > 50
    assert not broken
