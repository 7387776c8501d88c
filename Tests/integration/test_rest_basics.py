"""Login, tokens, and how the REST API refuses (rest-api.md 1.1 to 1.5, 2.10, 2.11)."""
import time

import pytest
import requests

LOGIN = "/api/auth/login"


@pytest.fixture
def login(server):
    def login(username, password):
        return requests.post(server.url + LOGIN, json={"username": username, "password": password}, timeout=60)
    return login


@pytest.mark.parametrize("username,password", [
    ("sysadmin@thingsboard.org", "sysadmin"), ("tenant@thingsboard.org", "tenant"),
    ("customer@thingsboard.org", "customer")])
def test_demo_users_can_log_in(login, username, password):
    answer = login(username, password)
    assert answer.status_code == 200
    assert answer.json().keys() >= {"token", "refreshToken"}


@pytest.mark.parametrize("username,password", [("tenant@thingsboard.org", "wrong"), ("nobody@example.com", "x"), ("TENANT@thingsboard.org", "tenant")])
def test_wrong_login_does_not_tell_what_was_wrong(login, username, password):
    answer = login(username, password)
    assert answer.status_code == 401
    assert answer.json()["errorCode"] == 10
    assert answer.json()["message"] == "Invalid username or password"


def test_refresh_token_gives_new_tokens(server, login):
    tokens = login("tenant@thingsboard.org", "tenant").json()
    answer = requests.post(server.url + "/api/auth/token", json={"refreshToken": tokens["refreshToken"]}, timeout=60)
    assert answer.status_code == 200
    header = {"X-Authorization": "Bearer " + answer.json()["token"]}
    assert requests.get(server.url + "/api/tenant/devices?deviceName=Test Device A1", headers=header).status_code == 200


@pytest.mark.parametrize("header", ["X-Authorization", "Authorization"])
def test_both_header_names_carry_the_token(server, rest, header):
    answer = requests.get(server.url + "/api/tenant/devices?deviceName=Test Device A1",
                          headers={header: "Bearer " + rest.token}, timeout=60)
    assert answer.status_code == 200


@pytest.mark.parametrize("headers", [{}, {"X-Authorization": "Bearer nonsense"}, {"X-Authorization": "Bearer a.b.c"}])
def test_without_a_valid_token_nothing_is_told(server, headers):
    answer = requests.get(server.url + "/api/tenant/devices?deviceName=Test Device A1", headers=headers, timeout=60)
    assert answer.status_code == 401
    assert answer.json()["status"] == 401


def test_refresh_token_is_no_access_token(server, login):
    tokens = login("tenant@thingsboard.org", "tenant").json()
    header = {"X-Authorization": "Bearer " + tokens["refreshToken"]}
    assert requests.get(server.url + "/api/tenant/devices?deviceName=x", headers=header, timeout=60).status_code == 401


def test_tampered_token_is_refused(server, rest):
    head, body, signature = rest.token.split(".")
    header = {"X-Authorization": ".".join([head, body, signature[::-1]])}
    assert requests.get(server.url + "/api/tenant/devices?deviceName=x", headers=header, timeout=60).status_code == 401


def test_unknown_path_and_wrong_method(rest):
    assert rest.call("GET", "/api/nonsense").status_code == 404
    assert rest.call("PATCH", "/api/device").status_code == 405


def test_absent_device_is_404_with_an_error_object(rest):
    answer = rest.call("GET", "/api/tenant/devices?deviceName=absent")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, 32)
    assert abs(answer.json()["timestamp"] / 1000 - time.time()) < 60


def test_demo_devices_are_there(rest):
    for name, token in [("Test Device A1", "A1_TEST_TOKEN"), ("Thermostat T1", "T1_TEST_TOKEN")]:
        device = rest.ok("GET", "/api/tenant/devices?deviceName=" + name)
        credentials = rest.ok("GET", f"/api/device/{device['id']['id']}/credentials")
        assert credentials["credentialsId"] == token


def test_device_can_be_created_read_and_deleted(rest, device):
    assert rest.ok("GET", "/api/device/" + device.id)["name"] == device.entity["name"]
    rest.ok("DELETE", "/api/device/" + device.id)
    assert rest.call("GET", "/api/device/" + device.id).status_code == 404


def test_device_profiles_are_listed(rest):
    assert {"default", "thermostat"} <= {profile["name"] for profile in rest.everything("/api/deviceProfiles")}
