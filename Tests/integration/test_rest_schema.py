"""Requests made from the OpenAPI description: no failure of the server, no status that the description does not have."""
import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode

from rest import Rest
from server import Server

# What ends the session, or changes how everybody signs in.
SKIPPED = {
    ("POST", "/api/auth/logout"), ("POST", "/api/auth/changePassword"), ("POST", "/api/admin/jwtSettings"), ("POST", "/api/admin/JwtSettings"),
    ("POST", "/api/admin/securitySettings"), ("POST", "/api/2fa/settings"), ("POST", "/api/admin/settings/testMail"),
}

# The platform answers 500 to these faults of the request itself (rest-api.md 2.11), and where no mail can be sent.
FAULTS_OF_THE_REQUEST = ("JSON parse error", "Required request", "Content-Type", "Couldn't send user activation email")


@pytest.fixture(scope="module")
def server():
    """A server of the file's own: what is sent here at random may change everything."""
    running = Server()
    try:
        yield running.start()
    finally:
        running.remove()


def operations(server):
    schema = schemathesis.openapi.from_url(server.url + "/v3/api-docs")
    for result in schema.get_all_operations():
        operation = result.ok()
        if (operation.method.upper(), operation.path) not in SKIPPED:
            yield operation


def is_planned(answer):
    if answer.status_code < 500 or answer.status_code in (503, 504):
        return True
    return answer.status_code == 500 and answer.json().get("message", "").startswith(FAULTS_OF_THE_REQUEST)


@pytest.mark.parametrize("user", ["tenant@thingsboard.org", "sysadmin@thingsboard.org", "customer@thingsboard.org"])
def test_requests_of_the_description_are_answered_as_described(server, user):
    rest = Rest(server.url, user, user.split("@")[0])
    count, faults, untried = 0, [], set()
    for operation in operations(server):
        untried.add((operation.method.upper(), operation.path))
        described = set(operation.definition.raw["responses"])

        @hypothesis.settings(
            max_examples=2, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate])
        @hypothesis.given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        def call(case):
            nonlocal count
            answer = case.call(headers={"X-Authorization": "Bearer " + rest.token}, allow_redirects=False, timeout=40)
            count += 1
            untried.discard((operation.method.upper(), operation.path))
            if not is_planned(answer) or str(answer.status_code) not in described:
                faults.append(f"{operation.method.upper()} {case.formatted_path}: {answer.status_code} {answer.text[:200]}")

        call()
    print(count, "requests")
    assert count > 400 and not untried
    assert not faults
