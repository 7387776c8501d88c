"""CONNECT over all protocol versions: what is accepted, what is refused and how (device-api.md 2.1 to 2.4)."""
import json
import uuid

import pytest

import mqtt

VERSIONS = [3, 4, 5]
# Refusal codes by cause: (3.x, 5).
NOT_AUTHORIZED = (5, 0x86)
BAD_CLIENT_ID = (2, 0x85)


def expect_refusal(connection, codes, **options):
    old, new = codes
    session_present, code = None, None
    connection.send(mqtt.connect_packet(connection.version, **options))
    session_present, code = connection.connack()
    assert (session_present, code) == (0, new if connection.version == 5 else old)
    connection.expect_disconnect(new)


@pytest.mark.parametrize("version", VERSIONS)
def test_access_token_is_accepted(open_connection, device, version):
    connection = open_connection(version)
    connection.send(mqtt.connect_packet(version, client_id="0123456789", username=device.token))
    assert connection.connack() == (0, 0)
    connection.ping()


@pytest.mark.parametrize("version", VERSIONS)
def test_session_present_mirrors_the_clean_flag(open_connection, device, version):
    connection = open_connection(version)
    connection.send(mqtt.connect_packet(version, username=device.token, clean=False))
    assert connection.connack() == (1, 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_wrong_token_is_not_authorized(open_connection, rest, version):
    expect_refusal(open_connection(version), NOT_AUTHORIZED, username="wrong-" + uuid.uuid4().hex)


@pytest.mark.parametrize("version", VERSIONS)
def test_unknown_client_id_without_user_is_refused(open_connection, rest, version):
    expect_refusal(open_connection(version), BAD_CLIENT_ID, client_id="nobody-" + uuid.uuid4().hex[:8])


def test_nothing_at_all_is_refused(open_connection, rest):
    expect_refusal(open_connection(5), (5, 0x87), client_id="")


def test_empty_client_id_and_no_user_is_refused_on_3_1_1(open_connection, rest):
    expect_refusal(open_connection(4), (5, 0x87), client_id="")


@pytest.mark.parametrize("level,name", [(6, "MQTT"), (4, "MQIsdp"), (3, "MQTT"), (4, "mqtt"), (0, "MQTT"), (4, "")])
def test_unknown_protocol_is_closed_without_an_answer(open_connection, device, level, name):
    connection = open_connection()
    connection.send(mqtt.connect_packet(level, username=device.token, name=name or "X"))
    connection.expect_closed()


@pytest.mark.parametrize("length", [0, 24])
def test_3_1_client_id_has_1_to_23_characters(open_connection, device, length):
    connection = open_connection(3)
    connection.send(mqtt.connect_packet(3, client_id="x" * length, username=device.token))
    connection.expect_closed()


@pytest.mark.parametrize("version", [4, 5])
def test_empty_client_id_is_accepted_with_a_token(open_connection, device, version):
    assert open_connection(version).connect(client_id="", username=device.token) == 0


@pytest.fixture
def basic(rest):
    salt = uuid.uuid4().hex[:8]
    value = {"clientId": "cid-" + salt, "userName": "usr-" + salt, "password": "pw"}
    rest.create_device_with_basic_credentials(json.dumps(value))
    return value


@pytest.mark.parametrize("version", VERSIONS)
def test_basic_credentials_are_accepted(open_connection, basic, version):
    connection = open_connection(version)
    assert connection.connect(
        client_id=basic["clientId"], username=basic["userName"], password=basic["password"]) == 0


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("wrong", ["password", "userName", "clientId"])
def test_every_part_of_basic_credentials_must_match(open_connection, basic, version, wrong):
    given = {**basic, wrong: "other"}
    expect_refusal(
        open_connection(version), NOT_AUTHORIZED, client_id=given["clientId"], username=given["userName"],
        password=given["password"])


@pytest.mark.parametrize("version", VERSIONS)
def test_wrong_basic_password_is_final_even_if_the_user_name_is_a_token(open_connection, rest, basic, version):
    rest.create_device(token=basic["userName"])
    expect_refusal(
        open_connection(version), NOT_AUTHORIZED, client_id=basic["clientId"], username=basic["userName"],
        password="wrong")


def telemetry_goes_to(open_connection, device, **options):
    key = "k" + uuid.uuid4().hex[:8]
    connection = open_connection()
    assert connection.connect(**options) == 0
    connection.publish(mqtt.TELEMETRY, {key: 1})
    assert connection.puback() == 0
    device.await_latest({key: 1})
    connection.close()


def test_basic_device_wins_over_the_device_whose_token_is_the_user_name(open_connection, rest):
    salt = uuid.uuid4().hex[:8]
    basic = rest.create_device_with_basic_credentials(
        json.dumps({"clientId": "c-" + salt, "userName": "u-" + salt, "password": ""}))
    by_token = rest.create_device(token="u-" + salt)
    telemetry_goes_to(open_connection, basic, client_id="c-" + salt, username="u-" + salt)
    telemetry_goes_to(open_connection, by_token, client_id="other", username="u-" + salt)


@pytest.mark.parametrize("version", VERSIONS)
def test_token_is_accepted_whatever_password_and_client_id_are(open_connection, device, version):
    connection = open_connection(version)
    assert connection.connect(client_id=uuid.uuid4().hex[:20], username=device.token, password="whatever") == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_client_id_alone_can_be_the_credentials(open_connection, rest, version):
    salt = uuid.uuid4().hex[:8]
    rest.create_device_with_basic_credentials(json.dumps({"clientId": "only-" + salt}))
    assert open_connection(version).connect(client_id="only-" + salt) == 0


@pytest.mark.parametrize("version", [4, 5])
def test_device_of_a_coap_profile_may_not_use_mqtt(open_connection, rest, version):
    profile = rest.create_profile("COAP", coapDeviceTypeConfiguration={
        "coapDeviceType": "DEFAULT", "transportPayloadTypeConfiguration": {"transportPayloadType": "JSON"}})
    device = rest.create_device(deviceProfileId=profile["id"], type=profile["name"])
    connection = open_connection(version)
    assert connection.connect(username=device.token) == (0x88 if version == 5 else 3)
    connection.expect_disconnect(0x89)


@pytest.mark.parametrize("version", [4, 5])
def test_newer_session_of_a_device_evicts_the_older(connect, device, version):
    older = connect(device.token, version, client_id="a")
    newer = connect(device.token, version, client_id="b")
    older.expect_disconnect(0x8E)
    newer.ping()


def test_client_id_is_no_identity(connect, rest):
    one = connect(rest.create_device().token, client_id="same")
    other = connect(rest.create_device().token, client_id="same")
    one.ping()
    other.ping()


@pytest.mark.parametrize("version", VERSIONS)
def test_publishes_right_behind_connect_are_answered_in_order(open_connection, device, version):
    connection = open_connection(version)
    packets = [mqtt.connect_packet(version, username=device.token)]
    packets += [mqtt.publish_packet(version, mqtt.TELEMETRY, {"piped": n}, 1, n) for n in range(1, 51)]
    connection.send(b"".join(packets))
    assert connection.connack() == (0, 0)
    for n in range(1, 51):
        assert connection.puback(n) == 0
    device.await_latest({"piped": 50})


def test_connection_survives_silence_beyond_its_keep_alive(connect, device):
    connection = connect(device.token, keep_alive=1)
    connection.expect_nothing(2.5)
    connection.ping()


@pytest.mark.parametrize("version", VERSIONS)
def test_client_disconnect_closes(connect, device, version):
    connection = connect(device.token, version)
    connection.send(mqtt.packet(mqtt.DISCONNECT))
    connection.expect_disconnect(0)


def test_will_is_not_published(open_connection, device):
    connection = open_connection(4)
    body = mqtt.text("MQTT") + bytes([4, 0x86]) + b"\x00\x3c" + mqtt.text("c")
    body += mqtt.text(mqtt.TELEMETRY) + mqtt.text('{"will":1}') + mqtt.text(device.token)
    connection.send(mqtt.packet(mqtt.CONNECT, body))
    assert connection.connack() == (0, 0)
    connection.publish(mqtt.TELEMETRY, {"alive": 1})
    assert connection.puback() == 0
    connection.close()
    device.await_latest({"alive": 1})
    assert device.latest("will") == {"will": None}


@pytest.mark.parametrize("version", [4, 5])
def test_second_connect_closes_the_connection(connect, device, version):
    connection = connect(device.token, version)
    connection.send(mqtt.connect_packet(version, username=device.token))
    found = connection.receive()
    if version == 5 and found is not None:
        assert found.type == mqtt.DISCONNECT
        found = connection.receive()
    assert found is None


@pytest.mark.parametrize("version", [4, 5])
def test_changed_credentials_close_the_session(connect, device, version):
    connection = connect(device.token, version)
    credentials = device.rest.ok("GET", f"/api/device/{device.id}/credentials")
    device.rest.ok("POST", "/api/device/credentials", {**credentials, "credentialsId": "new-" + device.token})
    connection.expect_disconnect(0x98)
    connect("new-" + device.token, version).ping()


@pytest.mark.parametrize("version", [4, 5])
def test_deleted_device_is_disconnected(connect, open_connection, device, version):
    connection = connect(device.token, version)
    device.rest.ok("DELETE", "/api/device/" + device.id)
    connection.expect_disconnect(0x98)
    expect_refusal(open_connection(version), NOT_AUTHORIZED, username=device.token)
