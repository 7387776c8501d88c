"""What tenants use, their limits, and what became of their messages (rule-engine.md 5.11, 8.5, cluster.md 12: 43)."""
import requests

import mqtt
from people import limited_tenant
from rest import Rest
from server import eventually
from test_queues import BROKEN, SAVE, chain_with

BASE = {"USAGE_STATS_REPORT_INTERVAL": "1", "TB_QUEUE_RULE_ENGINE_STATS_PRINT_INTERVAL_MS": "300", "TB_SERVICE_ID": "one"}
MONTHLY = "transportMsgCount,transportDataPointsCount,ruleEngineExecutionCount,storageDataPointsCount"


def publishes(port, token):
    """Whether a message is taken."""
    with mqtt.Connection(port) as connection:
        connection.send(mqtt.connect_packet(4, username=token))
        accepted = connection.receive()
        if accepted is None or accepted.body[1] != 0:
            return False
        connection.publish(mqtt.TELEMETRY, {"a": 1, "b": 2, "c": 3})
        answer = connection.receive()
        return answer is not None and answer.type == mqtt.PUBACK


def posts(server, token):
    """The status that a message over HTTP gets."""
    return requests.post(f"{server.url}/api/v1/{token}/telemetry", json={"a": 1}, timeout=60).status_code


def latest(rest, kind, entity, keys):
    answer = rest.ok("GET", f"/api/plugins/telemetry/{kind}/{entity}/values/timeseries?useStrictDataTypes=true&keys={keys}")
    return [answer[key][0]["value"] if key in answer else None for key in keys.split(",")]


def usage_state(rest):
    found = rest.ok("POST", "/api/entitiesQuery/find", {
        "entityFilter": {"type": "apiUsageState"}, "entityFields": [], "latestValues": [],
        "pageLink": {"page": 0, "pageSize": 1}})
    return found["data"][0]["entityId"]["id"]


def test_usage_is_counted_and_its_limit_refuses_the_tenant(own):
    tenant, limit = limited_tenant(own.url)
    device = tenant.create_device()
    port = own.mqtt_port
    for _ in range(5):
        assert publishes(port, device.token)
    eventually(lambda: tenant.ok("GET", "/api/usage")["transportMessages"] == 5, 60, "five counted messages")
    state = usage_state(tenant)
    messages, points, executions, stored = latest(tenant, "API_USAGE_STATE", state, MONTHLY)
    assert (messages, points, stored) == (5, 15, 15) and executions >= 10
    assert latest(tenant, "API_USAGE_STATE", state, "transportMsgCountHourly")[0] <= 5

    # A limit that is reached: transports refuse the tenant.
    limit(maxTransportMessages=8, warnThreshold=0.5)
    for _ in range(3):
        publishes(port, device.token)
    eventually(lambda: not publishes(port, device.token), 60, "a refusal")
    eventually(lambda: posts(own, device.token) == 500, 60, "a refusal over HTTP")
    assert tenant.ok("GET", "/api/usage")["maxTransportMessages"] == 8
    eventually(lambda: latest(tenant, "API_USAGE_STATE", state, "transportApiState,dbApiState,ruleEngineApiState") == [
        "DISABLED", None, None], 60, "the state of transports")
    # What was refused is not counted.
    counted = tenant.ok("GET", "/api/usage")["transportMessages"]
    assert counted >= 8
    assert posts(own, device.token) == 500 and not publishes(port, device.token)
    limit(maxTransportMessages=1_000_000)
    eventually(lambda: publishes(port, device.token), 60, "a message that is taken again")
    assert posts(own, device.token) == 200
    eventually(lambda: latest(tenant, "API_USAGE_STATE", state, "transportApiState") == ["ENABLED"], 60, "the state")
    eventually(lambda: tenant.ok("GET", "/api/usage")["transportMessages"] >= counted + 2, 60, "counted messages")
    assert tenant.ok("GET", "/api/usage")["transportMessages"] <= counted + 4


def test_what_became_of_messages_is_told_for_each_queue(own):
    tenant, _ = limited_tenant(own.url)
    chain = chain_with(tenant, BROKEN)
    profile = tenant.ok("POST", "/api/deviceProfile", {
        **tenant.create_profile("DEFAULT"), "defaultRuleChainId": chain["id"], "defaultQueueName": "HighPriority"})
    failing, working = tenant.create_device(deviceProfileId=profile["id"]), tenant.create_device()
    assert publishes(own.mqtt_port, working.token)
    with mqtt.connected(own.mqtt_port, failing.token) as connection:
        connection.publish(mqtt.TELEMETRY, {"a": 1})

        def of(queue):
            page = tenant.ok("GET", "/api/queueStats?pageSize=100&page=0")
            return [found for found in page["data"] if (found["queueName"], found["serviceId"]) == (queue, "one")]

        eventually(lambda: of("Main") and of("HighPriority"), 60, "statistics of both queues")
        main, high = of("Main")[0], of("HighPriority")[0]
        path = "/api/queueStats/" + high["id"]["id"]
        assert tenant.ok("GET", path) == high == tenant.ok("GET", "/api/queueStats/list?queueStatsIds=" + high["id"]["id"])[0]
        assert Rest(own.url, "sysadmin@thingsboard.org", "sysadmin").call("GET", path).status_code == 404

        def sums(entity):
            keys = "totalMsgs,successfulMsgs,tmpTimeout,tmpFailed,timeoutMsgs,failedMsgs"
            answer = tenant.ok("GET", f"/api/plugins/telemetry/QUEUE_STATS/{entity['id']['id']}/values/timeseries"
                                      f"?useStrictDataTypes=true&startTs=0&endTs=4000000000000&limit=1000&keys={keys}")
            return [sum(value["value"] for value in answer.get(key, [])) for key in keys.split(",")]

        def grown():
            total, successful, *others = sums(main)
            return total == successful > 0 and others == [0, 0, 0, 0]

        eventually(grown, 60, "messages of Main")
        # A message that is tried again is not counted as one that failed, but the queue tells what is wrong.
        eventually(lambda: latest(tenant, "QUEUE_STATS", high["id"]["id"], "ruleEngineException")[0], 60, "an exception")
        problem = latest(tenant, "QUEUE_STATS", high["id"]["id"], "ruleEngineException")[0]
        assert problem["ruleNodeName"] == "save" and problem["ruleChainId"] == chain["id"]["id"]
        assert "Failed to initialize rule node!" in problem["message"]
        assert sums(high)[5] == 0
        chain_with(tenant, SAVE, chain)
        connection.puback()
        eventually(lambda: sums(high)[3] > 0, 60, "another attempt of the message of HighPriority")
        total, successful, *_, failed = sums(high)
        assert total == successful > 0 and failed == 0
