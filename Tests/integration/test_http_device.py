"""The HTTP device API: uploads and their errors (device-api.md 4)."""
import subprocess

import pytest
import requests


@pytest.fixture
def post(server, device):
    def post(kind, body, token=None, **headers):
        return requests.post(
            f"{server.url}/api/v1/{token or device.token}/{kind}", data=body, headers=headers, timeout=60)
    return post


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_telemetry_is_stored_when_it_is_answered(post, device, content_type):
    answer = post("telemetry", '{"a":1,"b":"x"}', **{"Content-Type": content_type})
    assert (answer.status_code, answer.content) == (200, b"")
    assert device.latest("a", "b") == {"a": 1, "b": "x"}


def test_curl_as_a_device_does_it(server, device):
    output = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "-d", '{"ts":5,"values":{"curl":2.5}}',
         "-H", "Content-Type: application/json", f"{server.url}/api/v1/{device.token}/telemetry"],
        check=True, capture_output=True, text=True, timeout=120).stdout
    assert output == "200"
    assert device.latest_point("curl") == (5, 2.5)


def test_array_with_timestamps(post, device):
    assert post("telemetry", '[{"ts":1000,"values":{"a":1}},{"ts":2000,"values":{"a":2}}]').status_code == 200
    assert device.history("a", 0, 5000) == [(2000, 2), (1000, 1)]


@pytest.mark.parametrize("body", ["{}", "[]"])
def test_empty_documents_are_answered_at_once(post, body):
    assert post("telemetry", body).status_code == 200


@pytest.mark.parametrize("kind", ["telemetry", "attributes"])
def test_unknown_token(post, kind):
    answer = post(kind, '{"a":1}', token="wrong-token")
    assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize("body", ["{", '{"a":', "not json", "{]", '{"a":NaN}'])
@pytest.mark.parametrize("kind", ["telemetry", "attributes"])
def test_malformed_json(post, kind, body):
    assert post(kind, body).status_code == 500


def test_wrong_top_level_type_is_named(post):
    answer = post("telemetry", "5")
    assert (answer.status_code, answer.text.strip('"')) == (500, "Can't parse value: 5")
    assert post("attributes", "[]").status_code == 500


@pytest.mark.parametrize("kind", ["telemetry", "attributes"])
def test_empty_body(post, kind):
    assert post(kind, "").status_code == 400


def test_a_profile_for_protobuf_does_not_concern_http(post, rest):
    """HTTP is JSON for every profile (device-api.md 1.1, 4.1)."""
    profile = rest.create_profile("MQTT", transportPayloadTypeConfiguration={
        "transportPayloadType": "PROTOBUF",
        "deviceTelemetryProtoSchema": 'syntax = "proto3"; message T { int32 a = 1; }',
        "deviceAttributesProtoSchema": 'syntax = "proto3"; message A { string b = 1; }'})
    device = rest.create_device(deviceProfileId=profile["id"], type=profile["name"])
    assert post("telemetry", '{"other":1}', device.token).status_code == 200
    assert post("telemetry", b"\x08\x05", device.token).status_code == 500
    assert device.latest("other") == {"other": 1}


def test_attributes_go_to_the_client_scope(post, device):
    answer = post("attributes", '{"ca":1,"cb":"t"}')
    assert (answer.status_code, answer.content) == (200, b"")
    assert device.attributes("CLIENT_SCOPE") == {"ca": 1, "cb": "t"}


def test_wrong_method_and_unknown_resource(server, device, post):
    assert requests.get(f"{server.url}/api/v1/{device.token}/telemetry", timeout=60).status_code == 405
    assert post("nonsense", "{}").status_code == 404


def test_chunked_body(server, device):
    def chunks():
        yield b'{"chunk'
        yield b'ed":'
        yield b"3}"
    answer = requests.post(f"{server.url}/api/v1/{device.token}/telemetry", data=chunks(), timeout=60)
    assert answer.status_code == 200
    assert device.latest("chunked") == {"chunked": 3}


def test_large_body(post, device):
    text = "x" * 200_000
    assert post("telemetry", '{"large":"%s"}' % text).status_code == 200
    assert device.latest("large") == {"large": text}


def test_one_connection_serves_many_requests(server, device):
    with requests.Session() as session:
        for n in range(100):
            answer = session.post(f"{server.url}/api/v1/{device.token}/telemetry", json={"n": n}, timeout=60)
            assert answer.status_code == 200
    assert device.latest("n") == {"n": 99}
