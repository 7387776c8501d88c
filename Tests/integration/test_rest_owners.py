"""What belongs to a customer follows it: its title, its end, and what happens at the same time (rest-api.md 4.3, 4.12)."""
import concurrent.futures
import subprocess
import uuid

from people import customer_with_user, make_tenant
from rest import Rest
from server import EXECUTABLE, eventually
from test_rest_entities import eid, salt

PAGE = "pageSize=100&page=0"


def sql(server, statement):
    done = subprocess.run([EXECUTABLE, "psql", "--data", str(server.folder / "data"), "--", "-At", "-c", statement],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def assigned(rest, dashboard):
    return {one["customerId"]["id"]: one["title"]
            for one in rest.ok("GET", f"/api/dashboard/info/{eid(dashboard)}")["assignedCustomers"] or []}


def test_dashboards_show_the_title_that_a_customer_has_now(rest):
    customer = rest.ok("POST", "/api/customer", {"title": "Before " + salt()})
    dashboard = rest.ok("POST", "/api/dashboard", {"title": "D " + salt()})
    rest.ok("POST", f"/api/customer/{eid(customer)}/dashboard/{eid(dashboard)}")
    title = "After " + salt()
    rest.ok("POST", "/api/customer", {**customer, "title": title})
    assert assigned(rest, dashboard) == {eid(customer): title}


def test_the_users_of_a_customer_leave_nothing_behind(server, rest):
    customer, session = customer_with_user(rest)
    user = session.ok("GET", "/api/auth/user")
    device = rest.create_device(customerId=customer["id"])
    alarm = rest.ok("POST", "/api/alarm", {"type": "T", "originator": device.entity["id"], "severity": "MAJOR"})
    rest.ok("POST", f"/api/alarm/{eid(alarm)}/assign/{eid(user)}")
    rest.ok("POST", "/api/relation", {"from": device.entity["id"], "to": user["id"], "type": "Manages"})
    rest.ok("DELETE", f"/api/customer/{eid(customer)}")
    assert rest.call("GET", f"/api/user/{eid(user)}").status_code == 404
    assert rest.ok("GET", f"/api/alarm/info/{eid(alarm)}")["assigneeId"] is None
    assert sql(server, f"SELECT count(*) FROM relation WHERE to_id = '{eid(user)}'") == "0"


def test_nothing_is_assigned_to_a_customer_that_is_deleted_at_the_same_time(rest):
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for _ in range(3):
            mark = salt()
            customer = rest.ok("POST", "/api/customer", {"title": "Customer " + mark})
            dashboard = rest.ok("POST", "/api/dashboard", {"title": "B " + mark})
            devices = [rest.ok("POST", "/api/device", {"name": f"D {mark} {number}"}) for number in range(6)]
            calls = [("POST", f"/api/customer/{eid(customer)}/device/{eid(device)}", None) for device in devices]
            calls.insert(3, ("DELETE", f"/api/customer/{eid(customer)}", None))
            calls += [("POST", f"/api/customer/{eid(customer)}/dashboard/{eid(dashboard)}", None)]
            for number in range(3):
                calls += [
                    ("POST", "/api/device", {"name": f"E {mark} {number}", "customerId": customer["id"]}),
                    ("POST", "/api/asset", {"name": f"A {mark} {number}", "customerId": customer["id"]}),
                    ("POST", "/api/user?sendActivationMail=false", {
                        "email": f"{uuid.uuid4().hex}@example.com", "firstName": mark, "authority": "CUSTOMER_USER",
                        "customerId": customer["id"]})]
            for answer in pool.map(lambda call: rest.call(*call), calls):
                assert answer.status_code in (200, 400, 404), answer.text
            owners = [one["customerId"]["id"] for kind in ("devices", "assets")
                      for one in rest.ok("GET", f"/api/tenant/{kind}?{PAGE}&textSearch={mark}")["data"]]
            assert eid(customer) not in owners
            assert rest.ok("GET", f"/api/users/info?{PAGE}&textSearch={mark}")["data"] == []
            assert assigned(rest, dashboard) == {}


def test_no_view_outlives_what_it_shows(rest):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for kind in ("device", "asset") * 3:
            mark = salt()
            thing = rest.ok("POST", f"/api/{kind}", {"name": "T " + mark})
            calls = [("POST", "/api/entityView", {"name": f"V {mark} {number}", "type": "t", "entityId": thing["id"]})
                     for number in range(4)]
            calls.insert(1, ("DELETE", f"/api/{kind}/{eid(thing)}", None))
            list(pool.map(lambda call: rest.call(*call), calls))
            views = rest.ok("GET", f"/api/tenant/entityViews?{PAGE}&textSearch={mark}")["data"]
            is_there = rest.call("GET", f"/api/{kind}/{eid(thing)}").status_code == 200
            assert is_there or not views


def test_settings_of_a_user_that_are_changed_at_the_same_time_are_all_kept(rest):
    _, session = customer_with_user(rest)
    wanted = {f"member{number}": number for number in range(24)}
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for answer in pool.map(lambda one: session.call("PUT", "/api/user/settings", dict([one])), wanted.items()):
            assert answer.status_code == 200, answer.text
    session.ok("PUT", "/api/user/settings", {"member0": None, "more": {"a": [1]}})
    assert session.ok("GET", "/api/user/settings") == {**wanted, "member0": None, "more": {"a": [1]}}


def test_many_may_choose_the_root_and_the_default_at_the_same_time(server):
    own = make_tenant(Rest(server.url, "sysadmin@thingsboard.org", "sysadmin"))[1]
    things = {
        "ruleChain": ("root", {}), "assetProfile": ("default", {}),
        "deviceProfile": ("default", {"type": "DEFAULT", "transportType": "DEFAULT"})}
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for kind, (what, fields) in things.items():
            made = [own.ok("POST", f"/api/{kind}", {"name": f"{number} {salt()}", **fields}) for number in range(4)]
            paths = [f"/api/{kind}/{eid(thing)}/{what}" for thing in made * 3]
            for answer in pool.map(lambda path: own.call("POST", path), paths):
                assert answer.status_code == 200, answer.text
            assert sum(thing[what] for thing in own.everything(f"/api/{kind}s")) == 1


def test_the_history_of_what_is_deleted_goes(server, rest):
    made = {
        "dashboard": {"title": "D " + salt()}, "assetProfile": {"name": "A " + salt()},
        "deviceProfile": {"name": "P " + salt(), "type": "DEFAULT", "transportType": "DEFAULT"},
        "user?sendActivationMail=false": {"email": f"{uuid.uuid4().hex}@example.com", "authority": "TENANT_ADMIN"}}
    for kind, body in made.items():
        thing = rest.ok("POST", "/api/" + kind, body)
        rest.ok("POST", f"/api/plugins/telemetry/{thing['id']['entityType']}/{eid(thing)}/timeseries/ANY", {"value": 1})
        count = f"SELECT count(*) FROM ts_kv WHERE entity_id = '{eid(thing)}'"
        eventually(lambda: sql(server, count) == "1", 30, "the point")
        rest.ok("DELETE", f"/api/{kind.split('?')[0]}/{eid(thing)}")
        eventually(lambda: sql(server, count) == "0", 30, "no history of " + kind)
