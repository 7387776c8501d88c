"""Settings of a tenant's Git repository, and whether it can be reached (rest-api.md 4.19). The repository is played by a server of
the test, which answers as Git's own do over HTTP."""
import base64
import http.server
import threading
import urllib.parse

import pytest

from people import make_tenant
from rest import Rest

BASE = {"SSRF_PROTECTION_ENABLED": "true"}
PATH = "/api/admin/repositorySettings"
SECRETS = ("password", "privateKey", "privateKeyPassword")


class Git(http.server.BaseHTTPRequestHandler):
    """Anybody reads /open.git; `ann` with `the-word` reads and writes /closed.git; /page is none; /away leads to /open.git."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        service = urllib.parse.parse_qs(query).get("service", [""])[0]
        self.server.asked.append((path, service, self.headers.get("Authorization")))
        known = self.headers.get("Authorization") == "Basic " + base64.b64encode(b"ann:the-word").decode()
        if path == "/away/info/refs":
            self.answer(301, b"", Location="/open.git/info/refs?" + query)
        elif path == "/page/info/refs":
            self.answer(200, b"<html>a page that is longer than the beginning of an answer of Git</html>")
        elif path == "/open.git/info/refs" and service == "git-upload-pack" or path == "/closed.git/info/refs" and known:
            head = f"# service={service}\n".encode()
            self.answer(200, b"%04x%s0000" % (len(head) + 4, head) + b"0032" + b"0" * 40 + b" refs/x\n" * 10_000)
        elif path in ("/open.git/info/refs", "/closed.git/info/refs"):
            self.answer(403 if known else 401, b"", **{"WWW-Authenticate": 'Basic realm="Git"'})
        else:
            self.answer(404, b"")

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            pass  # Who has read enough goes.

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def git():
    """The address of the server; `asked` has what was asked of it."""
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Git)
    serving.asked = []
    serving.url = f"http://127.0.0.1:{serving.server_address[1]}"
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield serving
    serving.shutdown()
    serving.server_close()


@pytest.fixture(scope="module")
def tenant(server):
    return make_tenant(Rest(server.url, "sysadmin@thingsboard.org", "sysadmin"))[1]


def settings(git, path="/closed.git", **changes):
    return {"repositoryUri": git.url + path, "authMethod": "USERNAME_PASSWORD", "username": "ann", "password": "the-word",
            "defaultBranch": "main", "readOnly": False, "showMergeCommits": True, **changes}


def refused(answer):
    assert (answer.status_code, answer.json()["errorCode"]) == (400, 31), answer.text
    return answer.json()["message"]


def test_settings_are_kept_once_the_repository_is_reached_and_show_no_secret(server, git, tenant):
    assert tenant.call("GET", PATH).status_code == 404 and tenant.ok("GET", PATH + "/exists") is False
    saved = tenant.ok("POST", PATH, settings(git))
    assert saved == {**settings(git), **dict.fromkeys(SECRETS), "privateKeyFileName": None, "localOnly": False}
    try:
        assert tenant.ok("GET", PATH) == saved and tenant.ok("GET", PATH + "/exists") is True
        assert tenant.ok("GET", PATH + "/info") == {"configured": True, "readOnly": False}
        # A secret that is left out stays; it goes to no other server.
        assert tenant.ok("POST", PATH, {**saved, "readOnly": True})["readOnly"] is True
        assert tenant.call("POST", PATH + "/checkAccess", saved).content == b""
        other = git.url.replace("127.0.0.1", "localhost")
        seen = len(git.asked)
        assert "not authorized" in refused(tenant.call("POST", PATH + "/checkAccess", {**saved, "repositoryUri": other + "/closed.git"}))
        assert not any("the-word" in base64.b64decode(sent.split()[1]).decode() for _, _, sent in git.asked[seen:] if sent)
        assert "the-word" not in server.log()
        # What cannot be reached replaces nothing.
        refused(tenant.call("POST", PATH, settings(git, "/absent.git")))
        assert tenant.ok("GET", PATH)["repositoryUri"] == git.url + "/closed.git"
        # Another tenant has none.
        assert make_tenant(Rest(server.url, "sysadmin@thingsboard.org", "sysadmin"))[1].call("GET", PATH).status_code == 404
    finally:
        assert tenant.call("DELETE", PATH).content == b""
    assert tenant.call("GET", PATH).status_code == 404
    assert tenant.ok("GET", PATH + "/info") == {"configured": False, "readOnly": None}


@pytest.mark.parametrize("path,changes,message", [
    ("/closed.git", {}, None), ("/closed.git/", {}, None),
    ("/closed.git", {"password": "another-word"}, "not authorized"), ("/closed.git", {"authMethod": None}, "not authorized"),
    ("/open.git", {"readOnly": True, "authMethod": None}, None), ("/open.git", {"readOnly": False}, "not authorized"),
    ("/away", {"readOnly": True}, None), ("/page", {}, "there is no Git repository"), ("/absent.git", {}, "not found")])
def test_access_is_checked_with_the_repository_itself(git, tenant, path, changes, message):
    seen = len(git.asked)
    answer = tenant.call("POST", PATH + "/checkAccess", settings(git, path, **changes))
    if message is None:
        assert (answer.status_code, answer.content) == (200, b""), answer.text
    else:
        assert refused(answer) == "Unable to access repository: " + message
    services = {service for _, service, _ in git.asked[seen:]}
    assert services == {"git-upload-pack" if changes.get("readOnly") else "git-receive-pack"}
    assert tenant.ok("GET", PATH + "/exists") is False


@pytest.mark.parametrize("changes", [
    {"repositoryUri": uri} for uri in (
        "file:///etc/passwd", "/srv/git/a.git", "ext::sh -c true", "ssh://git@example.com/a.git", "git@example.com:a/b.git",
        "git://example.com/a.git", "http://ann:secret@example.com/a.git", "http://example.com/a.git?x=1", "http:///a.git",
        "http://example.com", "http://exa mple.com/a", "http://example.com/a\nb", "-oProxyCommand=x", "http://e.com/" + "a" * 2000)
] + [{"authMethod": "PRIVATE_KEY", "privateKey": "k"}, {"defaultBranch": "a..b"}, {"defaultBranch": "-x"}, {"defaultBranch": "a b"},
     {"repositoryUri": None}, {"repositoryUri": ""}, {"password": "x" * 2000}])
def test_what_is_no_repository_behind_http_is_refused_unasked(git, tenant, changes):
    seen = len(git.asked)
    for path in (PATH, PATH + "/checkAccess"):
        assert not refused(tenant.call("POST", path, settings(git, **changes))).startswith("Unable to access")
    assert git.asked[seen:] == []


def test_a_server_that_is_not_there_is_named(git, tenant):
    answer = tenant.call("POST", PATH + "/checkAccess", settings(git, repositoryUri="http://127.0.0.1:9/a.git"))
    assert refused(answer).startswith("Unable to access repository: Failed to connect to 127.0.0.1 port 9")


def test_only_tenants_have_repositories(server, git, tenant):
    for who in ("sysadmin", "customer"):
        session = Rest(server.url, who + "@thingsboard.org", who)
        for method, path in (("GET", PATH), ("POST", PATH), ("POST", PATH + "/checkAccess"), ("DELETE", PATH)):
            assert session.call(method, path, settings(git) if method == "POST" else None).status_code == 403
    # Versions themselves there are not.
    assert tenant.call("GET", "/api/entities/vc/branches").status_code == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_addresses_of_private_networks_may_be_closed(own, git, host):
    seen = len(git.asked)
    port = git.server_address[1]
    answer = Rest(own.url).call("POST", PATH + "/checkAccess", settings(git, repositoryUri=f"http://{host}:{port}/closed.git"))
    assert refused(answer) == "Unable to access repository: its network address is not allowed"
    assert git.asked[seen:] == []
