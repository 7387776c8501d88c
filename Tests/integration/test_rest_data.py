"""Rule chains, alarms, queries and long histories over REST, against the running platform."""
import json
import subprocess
import uuid

import requests

from server import EXECUTABLE, eventually

POINTS = 1_000_000


def sql(server, statement):
    subprocess.run(
        [EXECUTABLE, "psql", "--data", str(server.folder / "data"), "--", "-At", "-v", "ON_ERROR_STOP=1", "-c", statement],
        check=True, capture_output=True, timeout=120)


def resident_peak(server):
    """The most memory that the process has ever had, in bytes."""
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def test_a_million_points_in_one_call_take_little_memory(server, rest, device):
    device.save({"ts": 1, "values": {"million": 1}})
    sql(server, f"INSERT INTO ts_kv (entity_id, key, ts, dbl_v) SELECT '{device.id}', key_id, 1000 + n, n / 2.0 "
                f"FROM key_dictionary, generate_series(1, {POINTS}) n WHERE key = 'million'")
    before = resident_peak(server)
    url = f"{rest.url}{device.path}/values/timeseries?keys=million&startTs=1000&endTs=9000000&limit={POINTS * 2}"
    size = count = 0
    with requests.get(url, headers=rest.session.headers, stream=True, timeout=120) as answer:
        assert answer.status_code == 200
        tail = b""
        for piece in answer.iter_content(1 << 16):
            size += len(piece)
            count += (tail + piece).count(b'"ts":')
            tail = (tail + piece)[-4:]
    assert count == POINTS
    assert size > 30 * POINTS
    assert tail.endswith(b"}]}"), tail
    assert resident_peak(server) - before < 30e6, "the answer was held in memory"


def test_calendar_intervals_follow_the_time_zone(rest, device):
    # Two days around the end of March 2024, when Berlin changes to summer time.
    hour = 3_600_000
    start = 1711753200000  # 2024-03-30 00:00 in Berlin
    device.save([{"ts": start + k * hour, "values": {"n": 1}} for k in range(0, 24 * 9, 6)])
    points = eventually(lambda: device.history(
        "n", start, start + 24 * 9 * hour, agg="COUNT", intervalType="WEEK_ISO", timeZone="Europe/Berlin"))
    # Until Sunday midnight: 47 hours, one of them left out by the clock.
    assert points[0] == (start + 47 * hour // 2, 8)
    assert sum(value for _, value in points) == 36


def test_a_changed_chain_rules_the_next_message(rest, device, connect):
    chain = rest.ok("POST", "/api/ruleChain", {"name": "Chain " + uuid.uuid4().hex})
    kind = "org.thingsboard.rule.engine."
    attributes = {"type": kind + "telemetry.TbMsgAttributesNode", "name": "save", "configurationVersion": 3,
                  "configuration": {"processingSettings": {"type": "ON_EVERY_MESSAGE"}, "scope": "SERVER_SCOPE",
                                    "notifyDevice": False, "sendAttributesUpdatedNotification": False,
                                    "updateAttributesOnlyOnValueChange": True}}
    switch = {"type": kind + "filter.TbMsgTypeSwitchNode", "name": "switch", "configuration": {"version": 0}}
    rest.ok("POST", "/api/ruleChain/metadata", {
        "ruleChainId": chain["id"], "firstNodeIndex": 0, "nodes": [switch, attributes],
        "connections": [{"fromIndex": 0, "toIndex": 1, "type": "Post attributes"}]})
    connection = connect(device.token)
    connection.publish("v1/devices/me/attributes", b'{"before":1}')
    device.await_attributes("CLIENT_SCOPE", {"before": 1})

    def arrives():
        connection.publish("v1/devices/me/attributes", json.dumps({"after": uuid.uuid4().hex}).encode())
        return "after" in device.attributes("SERVER_SCOPE")
    with rest.another_root_chain(chain):
        eventually(arrives, what="the new root chain")
    rest.ok("DELETE", "/api/ruleChain/" + chain["id"]["id"])


def test_alarms_are_raised_queried_and_deleted(rest, device):
    entity = device.entity["id"]
    alarm = rest.ok("POST", "/api/alarm", {"type": "Fire", "severity": "CRITICAL", "originator": entity})
    query = {"entityFilter": {"type": "singleEntity", "singleEntity": entity},
             "pageLink": {"page": 0, "pageSize": 10}, "entityFields": [{"type": "ENTITY_FIELD", "key": "name"}]}
    found = rest.ok("POST", "/api/alarmsQuery/find", query)
    assert [a["id"] for a in found["data"]] == [alarm["id"]]
    assert found["data"][0]["latest"]["ENTITY_FIELD"]["name"]["value"] == device.entity["name"]
    listed = rest.ok("GET", f"/api/v2/alarm/DEVICE/{device.id}?pageSize=10&page=0&statusList=ACTIVE")
    assert listed["totalElements"] == 1
    assert rest.ok("DELETE", "/api/alarm/" + alarm["id"]["id"]) is True
    assert rest.call("GET", "/api/alarm/" + alarm["id"]["id"]).status_code == 404


def test_alarms_of_a_deleted_device_go_with_it(rest, device):
    alarm = rest.ok("POST", "/api/alarm", {"type": "Fire", "severity": "MAJOR", "originator": device.entity["id"]})
    rest.ok("DELETE", "/api/device/" + device.id)
    eventually(lambda: rest.call("GET", "/api/alarm/" + alarm["id"]["id"]).status_code == 404, what="clean-up")


def test_entities_are_found_by_their_latest_values(rest, device):
    device.save({"level": 17})
    device.await_latest({"level": 17})
    key = {"type": "TIME_SERIES", "key": "level"}
    query = {"entityFilter": {"type": "entityType", "entityType": "DEVICE"},
             "keyFilters": [
                 {"key": key, "valueType": "NUMERIC", "predicate": {
                     "type": "NUMERIC", "operation": "EQUAL", "value": {"defaultValue": 17}}},
                 {"key": {"type": "ENTITY_FIELD", "key": "name"}, "valueType": "STRING", "predicate": {
                     "type": "STRING", "operation": "EQUAL", "value": {"defaultValue": device.entity["name"]}}}],
             "latestValues": [key], "pageLink": {"page": 0, "pageSize": 10}}
    found = rest.ok("POST", "/api/entitiesQuery/find", query)
    assert [e["entityId"]["id"] for e in found["data"]] == [device.id]
    assert found["data"][0]["latest"]["TIME_SERIES"]["level"]["value"] == "17"
    assert rest.ok("POST", "/api/entitiesQuery/count", query) == 1


def test_a_call_into_the_rule_engine_is_answered_by_its_chain(rest):
    kind = "org.thingsboard.rule.engine."
    chain = rest.ok("POST", "/api/ruleChain", {"name": "Chain " + uuid.uuid4().hex})
    nodes = [{"type": kind + "filter.TbMsgTypeSwitchNode", "name": "switch", "configuration": {"version": 0}},
             {"type": kind + "rest.TbSendRestApiCallReplyNode", "name": "reply", "configuration": {
                 "requestIdMetaDataAttribute": "requestUUID", "serviceIdMetaDataAttribute": "serviceId"}}]
    rest.save_graph(chain, nodes, [(0, 1, "REST API request")])
    profile = rest.create_profile("DEFAULT")
    rest.ok("POST", "/api/deviceProfile", {**profile, "defaultRuleChainId": chain["id"]})
    device = rest.create_device(deviceProfileId=profile["id"])
    path = "/api/rule-engine/DEVICE/" + device.id
    assert rest.ok("POST", path + "/30000", {"question": [1, 2]}) == {"question": [1, 2]}
    broken = rest.call("POST", path, data="{nope")
    assert (broken.status_code, broken.text) == (400, "Invalid request body")
    # The root chain has no reply node.
    unanswered = rest.call("POST", f"/api/rule-engine/DEVICE/{rest.create_device().id}/300", {"a": 1})
    assert (unanswered.status_code, unanswered.content) == (408, b"")
    stranger = rest.call("POST", "/api/rule-engine/DEVICE/" + str(uuid.uuid4()), {"a": 1})
    assert (stranger.status_code, stranger.text) == (404, "Device with requested id wasn't found!")


def test_widgets_are_kept_and_found_by_name(rest):
    name = "w" + uuid.uuid4().hex
    descriptor = {"type": "latest", "sizeX": 4, "templateHtml": "<b>{{x}}</b>"}
    made = rest.ok("POST", "/api/widgetType", {"fqn": name, "name": "Widget " + name, "descriptor": descriptor})
    assert made["version"] == 1 and made["descriptor"] == descriptor
    assert rest.ok("GET", "/api/widgetType?fqn=tenant." + name)["id"] == made["id"]
    assert rest.call("GET", "/api/widgetType?fqn=system." + name).status_code == 404
    bundle = rest.ok("POST", "/api/widgetsBundle", {"title": "Bundle " + name})
    rest.ok("POST", f"/api/widgetsBundle/{bundle['id']['id']}/widgetTypeFqns", ["tenant." + name, "tenant.absent"])
    drawn = rest.ok("GET", f"/api/widgetsBundle/{bundle['id']['id']}/widgetTypes")
    assert [w["fqn"] for w in drawn] == [name]
    listed = rest.ok("GET", "/api/widgetTypes?pageSize=10&page=0&tenantOnly=true&textSearch=" + name)
    assert listed["data"][0]["widgetType"] == "latest"
    assert listed["data"][0]["bundles"] == [{"id": bundle["id"], "name": bundle["title"]}]
    stale = rest.call("POST", "/api/widgetsBundle", {**bundle, "version": 0})
    assert stale.status_code == 409
    rest.ok("DELETE", "/api/widgetsBundle/" + bundle["id"]["id"])
    rest.ok("DELETE", "/api/widgetType/" + made["id"]["id"])
    assert rest.call("GET", "/api/widgetType?fqn=tenant." + name).status_code == 404


def test_resources_are_kept_downloaded_and_guarded_by_their_etag(rest):
    name = uuid.uuid4().hex + ".txt"
    body = {"title": "Text " + name, "resourceType": "GENERAL", "fileName": name, "data": "aGVsbG8=",
            "descriptor": {"mediaType": "text/plain"}}
    made = rest.ok("POST", "/api/resource", body)
    path = "/api/resource/" + made["id"]["id"]
    answer = rest.call("GET", path + "/download")
    assert (answer.content, answer.headers["Content-Type"]) == (b"hello", "text/plain")
    again = rest.call("GET", path + "/download", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    # What may not be stored is never asked for again.
    assert "no-store" not in answer.headers["Cache-Control"] and "no-store" not in again.headers["Cache-Control"]
    several = {"If-None-Match": '"other", W/' + answer.headers["ETag"]}
    assert rest.call("GET", path + "/download", headers=several).status_code == 304
    assert rest.call("GET", path + "/download", headers={"If-None-Match": '"other"'}).content == b"hello"
    assert rest.ok("GET", path)["data"] == "aGVsbG8="
    assert rest.call("GET", made["link"]).content == b"hello"
    listed = rest.ok("GET", "/api/resource/tenant?pageSize=10&page=0&textSearch=" + name)
    assert [r["id"] for r in listed["data"]] == [made["id"]] and "data" not in listed["data"][0]
    double = rest.call("POST", "/api/resource", body)
    assert (double.status_code, double.json()["message"]) == (400, "Resource with such key already exists!")
    assert rest.call("POST", "/api/resource", {**body, "resourceKey": "k" + name, "data": "%%"}).status_code == 400
    assert rest.ok("DELETE", path)["success"] is True
    assert rest.call("GET", path + "/download").status_code == 404


def test_images_are_read_by_key_and_in_public_only_when_they_are_public(rest):
    name = uuid.uuid4().hex + ".png"
    made = rest.ok("POST", "/api/resource", {
        "title": name, "resourceType": "IMAGE", "resourceSubType": "IMAGE", "fileName": name, "data": "iVBORw0KGgo=",
        "descriptor": {"mediaType": "image/png"}})
    assert made["link"] == "/api/images/tenant/" + name
    image = rest.call("GET", made["link"])
    assert (image.status_code, image.headers["Content-Type"]) == (200, "image/png")
    assert "sandbox" in image.headers["Content-Security-Policy"]
    assert [r["id"] for r in rest.ok("GET", "/api/images?pageSize=10&page=0&textSearch=" + name)["data"]] == [made["id"]]
    assert requests.get(rest.url + "/api/images/public/" + name, timeout=60).status_code == 404
    assert rest.call("GET", "/api/images/system/" + name).status_code == 404
    rest.ok("DELETE", "/api/resource/" + made["id"]["id"])
