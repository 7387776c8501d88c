"""Accounts over a real server: mails by SMTP, the time of a login, tokens that are not ours (rest-api.md 1)."""
import base64
import email
import hashlib
import hmac
import json
import re
import socket
import threading
import time
import uuid

import pytest
import requests

from people import activate
from rest import Rest
from server import eventually


class MailServer(threading.Thread):
    """Takes mails over SMTP and keeps them."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.mails = []

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                self.serve(stream)

    def serve(self, stream):
        def say(text):
            stream.write(text.encode() + b"\r\n")
            stream.flush()

        say("220 test")
        while line := stream.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                say("354 go on")
                lines = []
                while (line := stream.readline()) != b".\r\n":
                    lines.append(line)
                self.mails.append(email.message_from_bytes(b"".join(lines)))
                say("250 taken")
            elif verb == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")


@pytest.fixture
def mails(server):
    """A mail server that the platform sends by, while the test runs."""
    mail_server = MailServer()
    mail_server.start()
    system = Rest(server.url, "sysadmin@thingsboard.org", "sysadmin")
    record = system.ok("GET", "/api/admin/settings/mail")
    before = record["jsonValue"]
    settings = {**before, "mailFrom": "Plattform Grüße <noreply@x.org>", "smtpHost": "127.0.0.1", "smtpPort": str(mail_server.port)}
    system.ok("POST", "/api/admin/settings", {**record, "jsonValue": settings})
    yield mail_server.mails
    system.ok("POST", "/api/admin/settings", {**record, "jsonValue": before})
    mail_server.socket.close()


def body(mail):
    return mail.get_payload(decode=True).decode()


def mails_to(mails, address):
    return lambda: [mail for mail in mails if mail["To"] == f"<{address}>"]


def test_activation_and_reset_by_mail(server, rest, mails):
    address = f"u{uuid.uuid4().hex[:12]}@x.org"
    rest.ok("POST", "/api/user?sendActivationMail=true", {"email": address, "authority": "TENANT_ADMIN"})
    # Others' mails may come in between.
    own = mails_to(mails, address)
    token = re.search(r"activateToken=(\S+)", body(own()[-1])).group(1)
    page = requests.get(f"{server.url}/api/noauth/activate?activateToken={token}", allow_redirects=False, timeout=60)
    assert (page.status_code, page.headers["Location"]) == (303, "/login/createPassword?activateToken=" + token)
    answer = requests.post(f"{server.url}/api/noauth/activate", json={"activateToken": token, "password": "secret1"}, timeout=60)
    assert answer.status_code == 200
    old = answer.json()["token"]
    eventually(lambda: any("is active" in body(mail) for mail in own()))
    assert requests.post(f"{server.url}/api/noauth/resetPasswordByEmail", json={"email": address}, timeout=60).status_code == 200
    mail = eventually(lambda: next((mail for mail in own() if "resetToken=" in body(mail)), None))
    reset = re.search(r"resetToken=(\S+)", body(mail)).group(1)
    answer = requests.post(f"{server.url}/api/noauth/resetPassword", json={"resetToken": reset, "password": "secret2"}, timeout=60)
    assert (answer.status_code, answer.text) == (200, "")
    assert requests.get(server.url + "/api/auth/user", headers={"X-Authorization": "Bearer " + old}, timeout=60).status_code == 401
    assert Rest(server.url, address, "secret2").token


def test_a_password_that_was_used_does_not_use_up_the_link(server, rest, mails):
    system = Rest(server.url, "sysadmin@thingsboard.org", "sysadmin")
    before = system.ok("GET", "/api/admin/securitySettings")
    system.ok("POST", "/api/admin/securitySettings", {
        **before, "passwordPolicy": {**before["passwordPolicy"], "passwordReuseFrequencyDays": 30}})
    try:
        address = f"u{uuid.uuid4().hex[:12]}@x.org"
        user = rest.ok("POST", "/api/user?sendActivationMail=false", {"email": address, "authority": "TENANT_ADMIN"})
        activate(rest, user, "secret1")
        Rest(server.url, address, "secret1").ok(
            "POST", "/api/auth/changePassword", {"currentPassword": "secret1", "newPassword": "secret2"})
        assert requests.post(f"{server.url}/api/noauth/resetPasswordByEmail", json={"email": address}, timeout=10).ok
        eventually(lambda: any("resetToken=" in body(mail) for mail in mails), 30)
        token = next(re.search(r"resetToken=(\S+)", body(mail)).group(1) for mail in mails if "resetToken=" in body(mail))

        def reset(password):
            answer = requests.post(
                f"{server.url}/api/noauth/resetPassword", json={"resetToken": token, "password": password}, timeout=30)
            return answer.json()["message"] if answer.content else answer.status_code

        assert reset("secret1") == "Password was already used for the last 30 days"
        assert reset("secret3") == 200
        assert reset("secret4") == "Invalid reset token!"
    finally:
        system.ok("POST", "/api/admin/securitySettings", before)


def test_without_a_mail_server_the_user_is_not_made(server, rest):
    address = f"u{uuid.uuid4().hex[:12]}@x.org"
    answer = rest.call("POST", "/api/user?sendActivationMail=true", {"email": address, "authority": "TENANT_ADMIN"})
    assert (answer.status_code, answer.json()["message"]) == (500, "Couldn't send user activation email")
    assert rest.ok("GET", f"/api/users?pageSize=10&page=0&textSearch={address}")["totalElements"] == 0


def test_mail_settings_keep_their_password_and_do_not_show_it(server):
    system = Rest(server.url, "sysadmin@thingsboard.org", "sysadmin")
    record = system.ok("GET", "/api/admin/settings/mail")
    before = record["jsonValue"]
    try:
        system.ok("POST", "/api/admin/settings", {**record, "jsonValue": {**before, "password": "hidden-word"}})
        assert "hidden-word" not in system.call("GET", "/api/admin/settings/mail").text
        assert "hidden-word" not in server.log()
    finally:
        system.ok("POST", "/api/admin/settings", {**record, "jsonValue": {**before, "password": ""}})


def test_a_login_takes_as_long_for_unknown_users(server):
    def seconds(name):
        begin = time.perf_counter()
        answer = requests.post(server.url + "/api/auth/login", json={"username": name, "password": "wrong"}, timeout=60)
        assert answer.status_code == 401
        return time.perf_counter() - begin

    known, unknown = [], []

    def alike():
        for _ in range(5):
            known.append(seconds("tenant@thingsboard.org"))
            unknown.append(seconds("nobody@thingsboard.org"))
        return 0.6 < min(unknown) / min(known) < 1.6
    # What is compared is a bcrypt hash of tens of milliseconds: who left it out would be ten times as fast, in the quickest of the
    # attempts too, which says the least about what else the machine does.
    eventually(alike, what="logins that take as long")


def test_a_system_administrator_does_not_delete_itself(server):
    system = Rest(server.url, "sysadmin@thingsboard.org", "sysadmin")
    answer = system.call("DELETE", "/api/user/" + system.ok("GET", "/api/auth/user")["id"]["id"])
    assert (answer.status_code, answer.json()["errorCode"]) == (400, 31), answer.text
    assert answer.json()["message"] == "Sysadmin is not allowed to delete himself"


def encode(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


@pytest.mark.parametrize("forge", ["none", "empty key", "other key", "HS256", "expired", "promoted"])
def test_tokens_that_the_platform_did_not_sign_are_refused(server, rest, forge):
    _, claims, signature = rest.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    head = {"alg": {"none": "none", "HS256": "HS256"}.get(forge, "HS512")}
    if forge == "expired":
        claims["exp"] = 1
    if forge == "promoted":
        claims["scopes"] = ["SYS_ADMIN"]
    text = encode(head) + b"." + encode(claims)
    key = b"" if forge == "empty key" else b"x" * 64
    digest = hashlib.sha256 if forge == "HS256" else hashlib.sha512
    made = base64.urlsafe_b64encode(hmac.new(key, text, digest).digest()).rstrip(b"=").decode()
    end = {"none": "", "promoted": signature}.get(forge, made)
    answer = requests.get(server.url + "/api/auth/user", headers={"X-Authorization": f"Bearer {text.decode()}.{end}"}, timeout=60)
    assert answer.status_code == 401
    assert answer.json()["errorCode"] in (10, 11)


def test_pages_of_other_origins_may_use_the_api(server):
    answer = requests.options(server.url + "/api/auth/login", timeout=60, headers={
        "Origin": "https://ui.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type"})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://ui.example"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_answers_are_compressed_for_who_takes_it(server, rest):
    answer = rest.call("GET", "/api/tenant/devices?pageSize=100&page=0", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.json()["data"]
    plain = rest.call("GET", "/api/tenant/devices?pageSize=100&page=0", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers


def test_bodies_have_a_limit(server, rest):
    answer = rest.session.post(server.url + "/api/device", data=b"x" * (17 << 20), timeout=60)
    assert answer.status_code == 413
    assert answer.json()["errorCode"] == 31


def test_logins_do_not_survive_a_logout_anywhere_but_others_do(server):
    one, other = Rest(server.url), Rest(server.url)
    one.ok("POST", "/api/auth/logout")
    assert one.call("GET", "/api/auth/user").status_code == 401
    other.ok("GET", "/api/auth/user")
