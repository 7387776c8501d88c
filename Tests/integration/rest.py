"""The little of the REST API that tests need to prepare and to look."""
import contextlib
import time
import uuid

import requests

from server import eventually


class Rest:
    def __init__(self, url, username="tenant@thingsboard.org", password="tenant"):
        self.url = url
        self.session = requests.Session()
        answer = self.call("POST", "/api/auth/login", {"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["token"]
        self.session.headers["X-Authorization"] = "Bearer " + self.token

    @classmethod
    def without_login(cls, url, token):
        """The same person at another node, which need not be able to let anybody in."""
        made = cls.__new__(cls)
        made.url, made.token, made.session = url, token, requests.Session()
        made.session.headers["X-Authorization"] = "Bearer " + token
        return made

    def call(self, method, path, body=None, **options):
        return self.session.request(method, self.url + path, json=body, timeout=60, **options)

    def ok(self, method, path, body=None, **options):
        answer = self.call(method, path, body, **options)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def everything(self, path):
        """All of a list, however much other tests have put into it."""
        path += ("&" if "?" in path else "?") + "pageSize=100&sortProperty=createdTime&sortOrder=ASC&page="
        found, number = [], 0
        while True:
            page = self.ok("GET", path + str(number))
            found += page["data"]
            if not page["hasNext"]:
                return found
            number += 1

    def root_chain(self):
        """The tenant's root rule chain."""
        return next(chain for chain in self.everything("/api/ruleChains?type=CORE") if chain["root"])

    def save_graph(self, chain, nodes, connections, engines=1):
        """Saves what is in a chain, and waits until the rule engines have read it, which note what started and what could not."""
        saved = self.ok("POST", "/api/ruleChain/metadata", {
            "ruleChainId": chain["id"], "firstNodeIndex": 0 if nodes else None, "nodes": nodes,
            "connections": [{"fromIndex": a, "toIndex": b, "type": label} for a, b, label in connections]})
        tenant = chain["tenantId"]["id"]
        for node in saved["nodes"]:
            path = f"/api/events/RULE_NODE/{node['id']['id']}/LC_EVENT?tenantId={tenant}&pageSize=10&page=0"
            eventually(lambda: len(self.ok("GET", path)["data"]) >= engines, what=f"the start of node {node['name']}")
        return saved

    @contextlib.contextmanager
    def another_root_chain(self, chain):
        """Makes a chain, which must not save attributes of devices, the root; then the former one, until it has messages again."""
        former = self.root_chain()["id"]["id"]
        probe = self.create_device()
        assert self.ok("POST", f"/api/ruleChain/{chain['id']['id']}/root")["root"] is True
        try:
            yield
        finally:
            self.ok("POST", f"/api/ruleChain/{former}/root")

            def is_back():
                self.session.post(f"{self.url}/api/v1/{probe.token}/attributes", json={"root": 1}, timeout=60)
                return "root" in probe.attributes("CLIENT_SCOPE")
            eventually(is_back, what="the former root chain")
        assert self.ok("GET", f"/api/ruleChain/{former}")["root"] is True

    def create_device(self, token=None, **fields):
        salt = uuid.uuid4().hex[:12]
        token = token or "t-" + salt
        device = {"name": "Device " + salt, "type": "default", **fields}
        created = self.ok("POST", "/api/device?accessToken=" + token, device)
        return Device(self, created, token)

    def create_device_with_basic_credentials(self, value):
        salt = uuid.uuid4().hex[:12]
        created = self.ok("POST", "/api/device-with-credentials", {
            "device": {"name": "Device " + salt, "type": "default"},
            "credentials": {"credentialsType": "MQTT_BASIC", "credentialsValue": value}})
        return Device(self, created, None)

    def create_profile(self, transport_type, **transport):
        name = "Profile " + uuid.uuid4().hex[:12]
        return self.ok("POST", "/api/deviceProfile", {
            "name": name, "type": "DEFAULT", "transportType": transport_type, "provisionType": "DISABLED",
            "profileData": {
                "configuration": {"type": "DEFAULT"},
                "transportConfiguration": {"type": transport_type, **transport},
                "provisionConfiguration": {"type": "DISABLED"}, "alarms": []}})


class Device:
    def __init__(self, rest, entity, token):
        self.rest, self.entity, self.token = rest, entity, token
        self.id = entity["id"]["id"]
        self.path = "/api/plugins/telemetry/DEVICE/" + self.id

    def latest(self, *keys):
        """Values by key, typed; `None` for a key that has none."""
        query = "?useStrictDataTypes=true" + "".join("&keys=" + ",".join(keys) if keys else "")
        answer = self.rest.ok("GET", self.path + "/values/timeseries" + query)
        return {key: points[0]["value"] for key, points in answer.items()}

    def latest_point(self, key):
        point = self.rest.ok("GET", f"{self.path}/values/timeseries?useStrictDataTypes=true&keys={key}")[key][0]
        return point["ts"], point["value"]

    def history(self, key, start, end, **parameters):
        """(ts, value) of one key, typed."""
        query = {"keys": key, "startTs": start, "endTs": end, "useStrictDataTypes": "true", **parameters}
        answer = self.rest.call("GET", self.path + "/values/timeseries", params=query)
        assert answer.status_code == 200, answer.text
        return [(point["ts"], point["value"]) for point in answer.json().get(key, [])]

    def save(self, body):
        self.rest.ok("POST", self.path + "/timeseries/ANY", body)

    def attributes(self, scope):
        answer = self.rest.ok("GET", f"{self.path}/values/attributes/{scope}")
        return {entry["key"]: entry["value"] for entry in answer}

    def await_latest(self, expected, seconds=60):
        """Waits until the latest values of the keys of `expected` are these, types included."""
        def matches():
            found = self.latest(*expected)
            return all(found.get(key) == value and type(found.get(key)) is type(value)
                       for key, value in expected.items())
        eventually(matches, seconds, f"latest values {expected}")

    def await_attributes(self, scope, expected, seconds=60):
        eventually(lambda: expected.items() <= self.attributes(scope).items(), seconds, f"attributes {expected}")


def now_ms():
    return int(time.time() * 1000)
