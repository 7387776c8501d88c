"""What is limited is limited once, however many core nodes answer (rest-api.md 1.2, 2.11; section 6 of cluster.md)."""
import uuid

from people import activate
from rest import Rest
from server import eventually
from test_cluster import direct

CORES = ("core-node-1", "core-node-2")
PASSWORD = "secret-1"


def make_administrator(cluster, **profile):
    """The administrator of a new tenant with a profile of its own."""
    system = Rest(direct(cluster, CORES[0]), "sysadmin@thingsboard.org", "sysadmin")
    mark = uuid.uuid4().hex
    made = system.ok("POST", "/api/tenantProfile", {
        "name": mark, "profileData": {"configuration": {"type": "DEFAULT", **profile}}})
    tenant = system.ok("POST", "/api/tenant", {"title": mark, "tenantProfileId": made["id"]})
    user = system.ok("POST", "/api/user?sendActivationMail=false", {
        "email": f"{mark}@example.com", "authority": "TENANT_ADMIN", "tenantId": tenant["id"]})
    activate(system, user, PASSWORD)
    return user["email"]


def test_a_limit_of_requests_holds_over_all_cores(cluster):
    email = make_administrator(cluster, tenantServerRestLimitsConfiguration="20:100000")
    cores = [Rest(direct(cluster, core), email, PASSWORD) for core in CORES]
    answers = [core.call("GET", "/api/tenant/devices?pageSize=1&page=0").status_code for _ in range(20) for core in cores]
    assert 10 < answers.count(200) <= 20
    assert answers.count(429) == len(answers) - answers.count(200)


def test_a_logout_on_one_core_ends_the_session_on_the_other(cluster):
    email = make_administrator(cluster)
    here, there = (Rest(direct(cluster, core), email, PASSWORD) for core in CORES)
    session = {"X-Authorization": "Bearer " + here.token}
    assert there.call("GET", "/api/auth/user", headers=session).status_code == 200
    here.call("POST", "/api/auth/logout")
    eventually(lambda: there.call("GET", "/api/auth/user", headers=session).status_code == 401, 60, "the end of the session")
    assert there.call("GET", "/api/auth/user").status_code == 200
