"""The HTTP device API beyond uploads: reads, polls, calls, claims, provisioning, downloads (device-api.md 4, 8, 9.4)."""
import concurrent.futures
import hashlib
import threading
import time
import uuid

import pytest
import requests

from rest import Rest
from server import eventually


class HTTPDevice:
    def __init__(self, server, token):
        self.base = f"{server.url}/api/v1/{token}"

    def get(self, path, **options):
        return requests.get(f"{self.base}/{path}", timeout=120, **options)

    def post(self, path, body=None, **options):
        return requests.post(f"{self.base}/{path}", data=body, timeout=120, **options)


@pytest.fixture
def http(server, device):
    return HTTPDevice(server, device.token)


@pytest.fixture(scope="module")
def background():
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        yield pool


def told(poll, tell):
    """The answer to a poll. The core learns of it behind the request's back, so what ends it is done until it does."""
    def is_told():
        tell()
        return concurrent.futures.wait([poll], 1).done
    eventually(is_told, what="the end of a poll")
    return poll.result()


# Attributes


def test_attributes_are_read_by_scope_and_key(http, device):
    assert http.post("attributes", '{"a":1,"b":"t"}').status_code == 200
    device.rest.ok("POST", device.path + "/SHARED_SCOPE", {"s": 5, "o": {"k": [1]}})
    assert http.get("attributes").json() == {"client": {"a": 1, "b": "t"}, "shared": {"s": 5, "o": {"k": [1]}}}
    assert http.get("attributes?clientKeys=a,none").json() == {"client": {"a": 1}}
    assert http.get("attributes?sharedKeys=s").json() == {"shared": {"s": 5}}
    assert http.get("attributes?clientKeys=b&sharedKeys=o").json() == {"client": {"b": "t"}, "shared": {"o": {"k": [1]}}}
    assert http.get("attributes?clientKeys=none").json() == {}


def test_server_attributes_are_not_for_devices(http, device):
    device.rest.ok("POST", device.path + "/SERVER_SCOPE", {"hidden": 1})
    assert http.get("attributes?clientKeys=hidden&sharedKeys=hidden").json() == {}


def test_whoever_takes_no_json_is_told(http):
    for path in ("attributes", "attributes/updates?timeout=100", "rpc?timeout=100"):
        assert http.get(path, headers={"Accept": "text/html"}).status_code == 406
        assert http.get(path, headers={"Accept": "text/html, */*;q=0.1"}).status_code in (200, 408)


def test_a_poll_gets_the_next_change_of_shared_attributes(http, device, background):
    poll = background.submit(http.get, "attributes/updates?timeout=50000")
    answer = told(poll, lambda: device.rest.ok("POST", device.path + "/SHARED_SCOPE", {"s": 1.5, "t": "x"}))
    assert (answer.status_code, answer.json()) == (200, {"s": 1.5, "t": "x"})
    poll = background.submit(http.get, "attributes/updates?timeout=50000")
    answer = told(poll, lambda: device.rest.ok("DELETE", device.path + "/SHARED_SCOPE?keys=s,never"))
    assert answer.json() == {"deleted": ["s", "never"]}


def test_changes_of_other_scopes_are_not_told(http, device, background):
    poll = background.submit(http.get, "attributes/updates?timeout=1500")
    time.sleep(0.3)
    device.rest.ok("POST", device.path + "/SERVER_SCOPE", {"s": 1})
    http.post("attributes", '{"c":1}')
    answer = poll.result()
    assert (answer.status_code, answer.content) == (408, b"")


def test_parallel_polls_all_get_the_change(http, device, background):
    def hear_of_one_change(value, seconds):
        """Whether the polls were there so many seconds after their beginning, and heard of the same change."""
        polls = [background.submit(http.get, "attributes/updates?timeout=50000") for _ in range(3)]
        time.sleep(seconds)
        device.rest.ok("POST", device.path + "/SHARED_SCOPE", {"s": value})
        in_time = not concurrent.futures.wait(polls, 2).not_done
        answers = [told(poll, lambda: device.rest.ok("POST", device.path + "/SHARED_SCOPE", {"s": -1})).json() for poll in polls]
        assert in_time is False or answers == [{"s": value}] * 3
        return in_time
    assert any(hear_of_one_change(attempt, 0.3 * 2 ** attempt) for attempt in range(6))


def test_a_poll_ends_at_its_time(http):
    start = time.monotonic()
    answer = http.get("rpc?timeout=1000")
    assert (answer.status_code, answer.content) == (408, b"")
    assert 0.9 < time.monotonic() - start < 30


def test_a_poll_of_a_device_that_is_deleted(server, rest, background):
    # A device that is deleted before it is known to poll is nobody.
    for attempt in range(6):
        device = rest.create_device()
        poll = background.submit(HTTPDevice(server, device.token).get, "rpc?timeout=20000")
        time.sleep(0.3 * 2 ** attempt)
        rest.ok("DELETE", "/api/device/" + device.id)
        answer = poll.result()
        if answer.status_code != 401:
            break
    assert (answer.status_code, answer.text) == (403, "Device was deleted!")


@pytest.mark.parametrize("path", ["rpc?timeout=x", "attributes/updates?timeout=1.5", "firmware?title=a&version=1&size=x",
                                  "firmware?title=a&version=1&chunk=-1", "firmware?version=1", "software?title=a"])
def test_wrong_parameters(http, path):
    answer = http.get(path)
    assert answer.status_code == 400
    assert answer.json()["errorCode"] == 31


@pytest.mark.parametrize("method,path", [("GET", "telemetry"), ("GET", "claim"), ("POST", "attributes/updates"),
                                         ("DELETE", "attributes"), ("POST", "firmware"), ("GET", "rpc/1"),
                                         ("PUT", "rpc")])
def test_wrong_methods(http, method, path):
    answer = requests.request(method, f"{http.base}/{path}", data="{}", timeout=60)
    assert answer.status_code == 405
    assert answer.headers["Allow"]


def test_polls_of_unknown_tokens(server):
    for path in ("attributes", "attributes/updates", "rpc", "firmware?title=a&version=1"):
        answer = HTTPDevice(server, "unknown").get(path)
        assert (answer.status_code, answer.content) == (401, b"")


# Calls


def call(device, kind="twoway", form="/api/rpc", **body):
    return device.rest.call("POST", f"{form}/{kind}/{device.id}", {"method": "m", "params": {"p": 1}, "timeout": 50000, **body})


def test_a_call_reaches_a_poll_and_its_answer_the_caller(http, device, background):
    poll = background.submit(http.get, "rpc?timeout=50000")
    time.sleep(0.3)
    caller = background.submit(call, device)
    request = poll.result()
    assert request.status_code == 200
    assert list(request.json()) == ["id", "method", "params"]
    assert request.json() == {"id": 0, "method": "m", "params": {"p": 1}}
    assert http.post("rpc/0", '{"done":[1,2]}').status_code == 200
    assert (caller.result().status_code, caller.result().json()) == (200, {"done": [1, 2]})


def test_a_call_waits_for_the_next_poll(http, device, background):
    caller = background.submit(call, device)
    time.sleep(0.5)
    assert http.get("rpc?timeout=50000").json()["id"] == 0
    http.post("rpc/0", "5")
    assert caller.result().json() == 5


def test_one_poll_takes_the_oldest_call_only(http, device, background):
    callers = []
    for number in range(3):
        callers.append(background.submit(call, device, params=number))
        time.sleep(0.3)
    for number in range(3):
        request = http.get("rpc?timeout=50000").json()
        assert request["id"] == number
        http.post(f"rpc/{number}", str(request["params"] * 10))
    assert [caller.result().json() for caller in callers] == [0, 10, 20]


def test_a_one_way_call_is_done_when_it_was_sent(http, device, background):
    poll = background.submit(http.get, "rpc?timeout=50000")
    time.sleep(0.3)
    answer = call(device, "oneway")
    assert (answer.status_code, answer.content) == (200, b"")
    assert poll.result().json()["method"] == "m"


def test_an_answer_that_is_no_json(http, device, background):
    caller = background.submit(call, device)
    time.sleep(0.3)
    http.get("rpc?timeout=50000")
    http.post("rpc/0", "text")
    assert caller.result().status_code == 406


def test_an_answer_that_nobody_waits_for(http):
    assert http.post("rpc/4711", "{}").status_code == 200
    assert http.post("rpc/-1", "{}").status_code == 200


@pytest.mark.parametrize("number", ["abc", "1.5", "99999999999", "%20", "1e3"])
def test_an_answer_to_no_number(http, number):
    assert http.post("rpc/" + number, "{}").status_code == 400


@pytest.mark.parametrize("body", ["{", "5", "[]", '{"params":{}}', '{"method":"m"}', '{"method":null,"params":1}'])
def test_wrong_calls_of_devices(http, body):
    assert http.post("rpc", body).status_code == 500


def test_limits_of_bodies(http):
    answer = http.post("rpc", b"x" * 65537)
    assert answer.status_code == 413
    assert answer.json() == "Payload size exceeds the limit of 65536 bytes"
    assert http.post("telemetry", '{"a":"' + "x" * 70000 + '"}').status_code == 200


# Claiming


def test_a_customer_claims_a_device(server, http, device):
    customer = Rest(server.url, "customer@thingsboard.org", "customer")
    path = f"/api/customer/device/{device.entity['name']}/claim"
    assert customer.call("POST", path, {"secretKey": "s"}).json() == "FAILURE"
    assert http.post("claim", '{"secretKey":"s","durationMs":60000}').status_code == 200
    assert http.post("claim", '{"secretKey":"other"}').status_code == 200
    answer = customer.call("POST", path, {"secretKey": "s"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["response"] == "SUCCESS"
    again = customer.call("POST", path, {"secretKey": "s"})
    assert (again.status_code, again.json()) == (400, "CLAIMED")


def test_an_offer_that_was_answered_can_be_taken_at_once(server, rest):
    customer = Rest(server.url, "customer@thingsboard.org", "customer")
    devices = [rest.create_device() for _ in range(20)]
    for device in devices:
        assert HTTPDevice(server, device.token).post("claim", '{"secretKey":"s"}').status_code == 200
        answer = customer.call("POST", f"/api/customer/device/{device.entity['name']}/claim", {"secretKey": "s"})
        assert answer.status_code == 200, answer.text


def test_a_wrong_secret_uses_the_offer_up(server, http, device):
    customer = Rest(server.url, "customer@thingsboard.org", "customer")
    path = f"/api/customer/device/{device.entity['name']}/claim"
    assert http.post("claim", "").status_code == 200
    assert customer.call("POST", path, {"secretKey": "guess"}).json() == "FAILURE"
    assert customer.call("POST", path, {"secretKey": ""}).json() == "FAILURE"


@pytest.mark.parametrize("body", ["[]", "{", '"s"', '{"secretKey":{}}', '{"durationMs":"x"}'])
def test_wrong_claims(http, body):
    assert http.post("claim", body).status_code == 500


# Provisioning


def provisioning_profile(rest, kind="ALLOW_CREATE_NEW_DEVICES"):
    salt = uuid.uuid4().hex[:12]
    profile = rest.ok("POST", "/api/deviceProfile", {
        "name": "Provisioning " + salt, "type": "DEFAULT", "transportType": "DEFAULT", "provisionType": kind,
        "provisionDeviceKey": "key-" + salt,
        "profileData": {
            "configuration": {"type": "DEFAULT"}, "transportConfiguration": {"type": "DEFAULT"}, "alarms": [],
            "provisionConfiguration": {"type": kind, "provisionDeviceSecret": "secret-" + salt}}})
    return profile, {"provisionDeviceKey": "key-" + salt, "provisionDeviceSecret": "secret-" + salt}


def provision(server, body):
    answer = requests.post(server.url + "/api/v1/provision", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


FAILURE = {"errorMsg": "Failed to provision device!", "status": "FAILURE"}
NOT_FOUND = {"errorMsg": "Provision data was not found!", "status": "NOT_FOUND"}


def test_new_devices_are_made(server, rest):
    profile, keys = provisioning_profile(rest)
    name = "Provisioned " + uuid.uuid4().hex[:8]
    answer = provision(server, {**keys, "deviceName": f"  {name} "})
    assert (answer["status"], answer["credentialsType"]) == ("SUCCESS", "ACCESS_TOKEN")
    assert HTTPDevice(server, answer["credentialsValue"]).post("telemetry", '{"a":1}').status_code == 200
    device = rest.ok("GET", f"/api/tenant/device?deviceName={name}")
    assert (device["type"], device["deviceProfileId"]) == (profile["name"], profile["id"])
    state = rest.ok("GET", f"/api/plugins/telemetry/DEVICE/{device['id']['id']}/values/attributes/SERVER_SCOPE")
    assert {"provisioned"} == {entry["value"] for entry in state if entry["key"] == "provisionState"}
    assert provision(server, {**keys, "deviceName": name}) == FAILURE
    assert provision(server, {**keys, "deviceName": "   "}) == FAILURE
    assert len(provision(server, keys)["credentialsValue"]) == 20


def test_devices_bring_their_credentials(server, rest):
    _, keys = provisioning_profile(rest)
    salt = uuid.uuid4().hex[:8]
    own = provision(server, {**keys, "deviceName": "Own " + salt, "token": "own-" + salt})
    assert own["credentialsValue"] == "own-" + salt
    taken = provision(server, {**keys, "deviceName": "Taken " + salt, "token": "own-" + salt})
    assert taken == FAILURE
    assert rest.call("GET", f"/api/tenant/device?deviceName=Taken {salt}").status_code == 404
    basic = provision(server, {
        **keys, "deviceName": "Basic " + salt, "credentialsType": "MQTT_BASIC", "username": "u-" + salt, "password": "p"})
    assert basic["credentialsValue"] == {"clientId": "", "userName": "u-" + salt, "password": "p"}
    gateway = provision(server, {**keys, "deviceName": "Gateway " + salt, "gateway": True})
    assert gateway["status"] == "SUCCESS"
    assert rest.ok("GET", f"/api/tenant/device?deviceName=Gateway {salt}")["additionalInfo"]["gateway"] is True


def test_devices_that_were_made_before(server, rest):
    profile, keys = provisioning_profile(rest, "CHECK_PRE_PROVISIONED_DEVICES")
    device = rest.create_device(deviceProfileId=profile["id"], type=profile["name"])
    other = rest.create_device()
    name = device.entity["name"]
    assert provision(server, {**keys, "deviceName": "nobody"}) == FAILURE
    assert provision(server, {**keys, "deviceName": other.entity["name"]}) == FAILURE
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: provision(server, {**keys, "deviceName": name}), range(8)))
    assert sorted(answer["status"] for answer in answers) == ["FAILURE"] * 7 + ["SUCCESS"]
    assert [answer["credentialsValue"] for answer in answers if answer["status"] == "SUCCESS"] == [device.token]
    assert device.attributes("SERVER_SCOPE")["provisionState"] == "provisioned"


def test_wrong_keys_and_secrets(server, rest):
    _, keys = provisioning_profile(rest)
    assert provision(server, {**keys, "provisionDeviceSecret": "guess"}) == NOT_FOUND
    assert provision(server, {**keys, "provisionDeviceKey": "guess"}) == NOT_FOUND
    assert provision(server, {**keys, "provisionDeviceSecret": ""}) == NOT_FOUND
    _, disabled = provisioning_profile(rest, "DISABLED")
    assert provision(server, disabled) == NOT_FOUND


def test_guessing_secrets_is_limited(server, rest):
    _, keys = provisioning_profile(rest)
    # A minute may end in between.
    for _ in range(2):
        for number in range(101):
            assert provision(server, {**keys, "provisionDeviceSecret": f"guess-{number}"}) == NOT_FOUND
        if provision(server, keys) == NOT_FOUND:
            return
    pytest.fail("the right secret is still taken after 202 wrong ones")


@pytest.mark.parametrize("body", ["{", "[]", "5", '{"provisionDeviceKey":"k"}', '{"provisionDeviceSecret":"s"}',
                                  '{"provisionDeviceKey":"k","provisionDeviceSecret":"s","credentialsType":"X"}'])
def test_wrong_requests_to_be_provisioned(server, body):
    assert requests.post(server.url + "/api/v1/provision", data=body, timeout=60).status_code == 500


# Downloads


@pytest.fixture
def package(rest):
    def package(data, kind="FIRMWARE", **fields):
        salt = uuid.uuid4().hex[:8]
        profile = rest.ok("GET", "/api/deviceProfileInfo/default")
        made = rest.ok("POST", "/api/otaPackage", {
            "type": kind, "title": "T " + salt, "version": "1.0", "deviceProfileId": profile["id"], **fields})
        if data is None:
            return made
        answer = requests.post(
            f"{rest.url}/api/otaPackage/{made['id']['id']}?checksumAlgorithm=SHA256"
            f"&checksum={hashlib.sha256(data).hexdigest()}",
            files={"file": ("image.bin", data, "application/x-image")},
            headers={"X-Authorization": "Bearer " + rest.token}, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()
    return package


def assign(device, package, member="firmwareId"):
    entity = device.rest.ok("GET", "/api/device/" + device.id)
    device.rest.ok("POST", "/api/device", {**entity, member: package and package["id"]})


def test_a_device_downloads_its_firmware(http, device, package):
    data = bytes(range(256)) * 10000
    made = package(data)
    assert (made["dataSize"], made["hasData"]) == (len(data), True)
    path = f"firmware?title={made['title']}&version=1.0"
    assert http.get(path).status_code == 404
    assign(device, made)
    answer = http.get(path)
    assert answer.status_code == 200
    assert answer.content == data
    assert answer.headers["Content-Type"] == "application/x-image"
    assert answer.headers["Content-Disposition"] == "attachment;filename=image.bin"
    assert answer.headers["x-filename"] == "image.bin"
    assert http.get(path + "&size=10&chunk=1").content == data[10:20]
    last = len(data) // 1000
    assert http.get(path + f"&size=1000&chunk={last}").content == data[last * 1000:]
    assert (http.get(path + "&size=1000&chunk=9999").status_code, http.get(path + "&size=1000&chunk=9999").content) == (200, b"")
    assert http.get(f"firmware?title={made['title']}&version=2.0").status_code == 400
    assert http.get(f"software?title={made['title']}&version=1.0").status_code == 404


def test_firmware_of_the_profile_and_progress(server, rest, package):
    profile = rest.create_profile("DEFAULT")
    device = rest.create_device(deviceProfileId=profile["id"], type=profile["name"])
    http = HTTPDevice(server, device.token)
    made = package(b"0123456789", deviceProfileId=profile["id"], tag="tagged")
    rest.ok("POST", "/api/deviceProfile", {**rest.ok("GET", f"/api/deviceProfile/{profile['id']['id']}"), "firmwareId": made["id"]})
    expected = {"fw_title": made["title"], "fw_version": "1.0", "fw_tag": "tagged", "fw_size": 10,
                "fw_checksum_algorithm": "SHA256", "fw_checksum": hashlib.sha256(b"0123456789").hexdigest()}
    device.await_attributes("SHARED_SCOPE", expected)
    device.await_latest({"fw_state": "INITIATED", "target_fw_title": made["title"], "target_fw_version": "1.0"})
    assert [value for _, value in device.history("fw_state", 0, 2 ** 50)] == ["INITIATED", "QUEUED"]
    assert http.get(f"firmware?title={made['title']}&version=1.0").content == b"0123456789"
    late = rest.create_device(deviceProfileId=profile["id"], type=profile["name"])
    late.await_attributes("SHARED_SCOPE", expected)


def test_a_subscribed_device_hears_of_packages(http, device, package, background):
    made = package(b"x" * 100, "SOFTWARE")
    heard = []

    ended = threading.Event()

    def listen():
        while not ended.is_set():
            answer = http.get("attributes/updates?timeout=2000")
            if answer.status_code == 200 and "sw_title" in answer.json():
                heard.append(answer.json())

    listener = threading.Thread(target=listen)
    listener.start()

    def hears():
        # Between two polls nothing is heard.
        assign(device, None, "softwareId")
        assign(device, made, "softwareId")
        return ended.wait(1) or heard
    try:
        eventually(hears, what="the device hears of the package")
    finally:
        ended.set()
        listener.join()
    assert heard[0]["sw_title"] == made["title"]
    assert heard[0]["sw_size"] == 100


def test_packages_at_a_url_are_not_served(http, device, package):
    made = package(None, url="https://example.com/image.bin")
    assign(device, made)
    device.await_attributes("SHARED_SCOPE", {"fw_title": made["title"], "fw_url": "https://example.com/image.bin"})
    assert http.get(f"firmware?title={made['title']}&version=1.0").status_code == 404
    assign(device, None)
    eventually(lambda: "fw_title" not in device.attributes("SHARED_SCOPE"), 60, "the attributes are removed")


def test_packages_over_rest(rest, package):
    made = package(b"abc")
    assert rest.ok("GET", f"/api/otaPackage/info/{made['id']['id']}")["checksum"] == hashlib.sha256(b"abc").hexdigest()
    assert rest.call("GET", f"/api/otaPackage/{made['id']['id']}/download").content == b"abc"
    page = rest.ok("GET", "/api/otaPackages?pageSize=10&page=0&textSearch=" + made["title"])
    assert [entry["id"] for entry in page["data"]] == [made["id"]]
    profile = made["deviceProfileId"]["id"]
    page = rest.ok("GET", f"/api/otaPackages/{profile}/FIRMWARE?pageSize=10&page=0&textSearch=" + made["title"])
    assert [entry["id"] for entry in page["data"]] == [made["id"]]
    assert rest.call("POST", "/api/otaPackage", {"type": "FIRMWARE", "title": made["title"], "version": "1.0"}).status_code == 400
    rest.ok("DELETE", f"/api/otaPackage/{made['id']['id']}")
    assert rest.call("GET", f"/api/otaPackage/info/{made['id']['id']}").status_code == 404


@pytest.mark.parametrize("algorithm,checksum", [
    ("MD5", "900150983cd24fb0d6963f7d28e17f72"), ("SHA384", hashlib.sha384(b"abc").hexdigest()),
    ("SHA512", hashlib.sha512(b"abc").hexdigest()), ("CRC32", "c2412435"), ("MURMUR3_32", "fa93ddb3"),
    ("MURMUR3_128", "6778ad3f3f3f96b4522dca264174a23b")])
def test_checksums(rest, package, algorithm, checksum):
    made = package(None)

    def upload(given):
        return requests.post(
            f"{rest.url}/api/otaPackage/{made['id']['id']}?checksumAlgorithm={algorithm}&checksum={given}",
            files={"file": ("a", b"abc")}, headers={"X-Authorization": "Bearer " + rest.token}, timeout=60)

    assert upload("00").status_code == 400
    answer = upload(checksum)
    assert answer.status_code == 200, answer.text
    assert answer.json()["checksum"] == checksum
