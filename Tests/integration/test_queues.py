"""Queues of the rule engine as records that change at run time (rest-api.md 4.18, rule-engine.md 5.3 to 5.5)."""
import uuid

import pytest

import mqtt
from people import make_tenant
from rest import Rest
from server import eventually

QUEUES = "/api/queues?serviceType=TB-RULE-ENGINE"
SAVE = {"type": "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode", "name": "save", "configurationVersion": 1,
        "configuration": {"defaultTTL": 0, "useServerTs": False, "processingSettings": {"type": "ON_EVERY_MESSAGE"}}}
SWITCH = {"type": "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode", "name": "switch", "configuration": {"version": 0}}
BROKEN = {**SAVE, "configuration": {**SAVE["configuration"], "nobodyKnowsThis": 1}}


@pytest.fixture(scope="module")
def sysadmin(server):
    return Rest(server.url, "sysadmin@thingsboard.org", "sysadmin")


def described(name=None, **changes):
    name = "Queue-" + uuid.uuid4().hex[:8] if name is None else name
    queue = {"name": name, "topic": "tb_rule_engine." + name.lower(), "pollInterval": 25, "partitions": 3,
             "consumerPerPartition": True, "packProcessingTimeout": 2000,
             "submitStrategy": {"type": "BURST", "batchSize": 1000},
             "processingStrategy": {"type": "RETRY_FAILED", "retries": 0, "failurePercentage": 0, "pauseBetweenRetries": 1,
                                    "maxPauseBetweenRetries": 1}}
    return {**queue, **changes}


def names(rest):
    return {queue["name"] for queue in rest.everything(QUEUES)}


def test_a_queue_is_made_changed_and_deleted(sysadmin, rest):
    wanted = described(additionalInfo={"description": "mine"})
    made = sysadmin.ok("POST", QUEUES, wanted)
    assert {key: made[key] for key in wanted} == wanted
    assert made["id"]["entityType"] == "QUEUE" and made["tenantId"]["id"].startswith("13814000")
    path = "/api/queues/" + made["id"]["id"]
    assert rest.ok("GET", path) == made == sysadmin.ok("GET", "/api/queues/name/" + made["name"])
    assert made["name"] in names(rest)
    changed = sysadmin.ok("POST", QUEUES, {**made, "partitions": 2, "packProcessingTimeout": 500})
    assert (changed["partitions"], changed["packProcessingTimeout"], changed["id"]) == (2, 500, made["id"])
    for field, message in (("name", "Queue name can't be changed!"), ("topic", "Queue topic can't be changed!")):
        answer = sysadmin.call("POST", QUEUES, {**made, field: "other"})
        assert (answer.status_code, answer.json()["message"]) == (400, message)
    assert rest.call("POST", QUEUES, described()).status_code == 403
    assert rest.call("DELETE", path).status_code == 403
    sysadmin.ok("DELETE", path)
    assert made["name"] not in names(rest)
    assert sysadmin.call("GET", path).status_code == 404
    assert sysadmin.call("DELETE", path).status_code == 404
    # The name is free again.
    again = sysadmin.ok("POST", QUEUES, wanted)
    sysadmin.ok("DELETE", "/api/queues/" + again["id"]["id"])


@pytest.mark.parametrize("changes, message", [
    ({"name": ""}, "Queue name should be specified!"),
    ({"topic": None}, "Queue topic should be specified!"),
    ({"name": "a b"}, "Queue name contains a character other than ASCII alphanumerics, '.', '_' and '-'!"),
    ({"topic": "ü"}, "Queue topic contains a character other than ASCII alphanumerics, '.', '_' and '-'!"),
    ({"name": "Main"}, "Queue with name: Main already exists!"),
    ({"topic": "tb_rule_engine.main"}, "Queue with topic: tb_rule_engine.main already exists!"),
    ({"pollInterval": 0}, "Queue poll interval should be more then 0!"),
    ({"partitions": 0}, "Queue partitions should be more then 0!"),
    ({"packProcessingTimeout": -1}, "Queue pack processing timeout should be more then 0!"),
    ({"submitStrategy": None}, "Queue submit strategy can't be null!"),
    ({"submitStrategy": {}}, "Queue submit strategy type can't be null!"),
    ({"submitStrategy": {"type": "BATCH", "batchSize": 0}}, "Queue submit strategy batch size should be more then 0!"),
    ({"processingStrategy": None}, "Queue processing strategy can't be null!"),
    ({"processingStrategy": {}}, "Queue processing strategy type can't be null!"),
    ({"processingStrategy": {"type": "RETRY_ALL", "retries": -1}},
     "Queue processing strategy retries can't be less then 0!"),
    ({"processingStrategy": {"type": "RETRY_ALL", "failurePercentage": 101}},
     "Queue processing strategy failure percentage should be in a range from 0 to 100!"),
    ({"processingStrategy": {"type": "RETRY_ALL", "pauseBetweenRetries": -1}},
     "Queue processing strategy pause between retries can't be less then 0!"),
    ({"processingStrategy": {"type": "RETRY_ALL", "pauseBetweenRetries": 5, "maxPauseBetweenRetries": 4}},
     "Queue processing strategy MAX pause between retries can't be less then pause between retries!"),
])
def test_a_queue_that_is_wrong_is_refused_by_name(sysadmin, changes, message):
    answer = sysadmin.call("POST", QUEUES, described(**changes))
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_main_and_what_profiles_refer_to_cannot_be_deleted(sysadmin, rest):
    main = sysadmin.ok("GET", "/api/queues/name/Main")
    answer = sysadmin.call("DELETE", "/api/queues/" + main["id"]["id"])
    assert answer.status_code == 400 and "Main" in names(rest)
    queue = sysadmin.ok("POST", QUEUES, described())
    profile = rest.create_profile("DEFAULT")
    profile = rest.ok("POST", "/api/deviceProfile", {**profile, "defaultQueueName": queue["name"]})
    answer = sysadmin.call("DELETE", "/api/queues/" + queue["id"]["id"])
    assert (answer.status_code, answer.json()["message"]) == (
        400, "The queue referenced by the device profiles cannot be deleted!")
    rest.ok("DELETE", "/api/deviceProfile/" + profile["id"]["id"])
    sysadmin.ok("DELETE", "/api/queues/" + queue["id"]["id"])


def chain_with(rest, node, chain=None):
    """A chain that sends telemetry to the node, and nothing else: a queue that retries would never be done with the rest."""
    chain = chain or rest.ok("POST", "/api/ruleChain", {"name": "Chain " + uuid.uuid4().hex})
    rest.save_graph(chain, [SWITCH, node], [(0, 1, "Post telemetry")])
    return chain


def device_of(rest, chain, queue):
    profile = rest.create_profile("DEFAULT")
    rest.ok("POST", "/api/deviceProfile", {**profile, "defaultRuleChainId": chain["id"], "defaultQueueName": queue})
    return rest.create_device(deviceProfileId=profile["id"])


def test_a_message_is_stored_once_its_failing_node_was_repaired(sysadmin, rest, connect):
    queue = sysadmin.ok("POST", QUEUES, described())
    chain = chain_with(rest, BROKEN)
    device = device_of(rest, chain, queue["name"])
    connection = connect(device.token)
    connection.publish(mqtt.TELEMETRY, {"kept": 1})
    connection.expect_nothing(1.5)
    # In the queue Main the same message is lost.
    plain = device_of(rest, chain, "Main")
    other = connect(plain.token)
    other.publish(mqtt.TELEMETRY, {"kept": 1})
    other.puback()
    chain_with(rest, SAVE, chain)
    connection.puback()
    device.await_latest({"kept": 1})
    assert "kept" not in plain.latest()


def test_a_queue_without_retries_gives_up(sysadmin, rest, connect):
    strategy = {"type": "RETRY_FAILED", "retries": 1, "failurePercentage": 0, "pauseBetweenRetries": 0,
                "maxPauseBetweenRetries": 0}
    queue = sysadmin.ok("POST", QUEUES, described(processingStrategy=strategy))
    device = device_of(rest, chain_with(rest, BROKEN), queue["name"])
    connection = connect(device.token)
    connection.publish(mqtt.TELEMETRY, {"gone": 1})
    connection.puback()
    assert "gone" not in device.latest()


@pytest.mark.parametrize("submit", ["BATCH", "SEQUENTIAL_BY_ORIGINATOR", "SEQUENTIAL_BY_TENANT", "SEQUENTIAL"])
def test_every_submit_strategy_stores_everything_in_order(sysadmin, rest, connect, submit):
    queue = sysadmin.ok("POST", QUEUES, described(submitStrategy={"type": submit, "batchSize": 2}))
    device = device_of(rest, chain_with(rest, SAVE), queue["name"])
    connection = connect(device.token)

    def is_stored():
        connection.publish(mqtt.TELEMETRY, {"warm": 1})
        connection.puback()
        return "warm" in device.latest()
    eventually(is_stored, what="the chain in force")
    numbers = [connection.publish(mqtt.TELEMETRY, {"ts": 1_700_000_000_000 + n % 2, "values": {"n": n}}) for n in range(40)]
    for number in numbers:
        connection.puback(number)
    assert device.history("n", 1_700_000_000_000, 1_700_000_000_002, limit=10) == [
        (1_700_000_000_001, 39), (1_700_000_000_000, 38)]


def test_an_isolated_tenant_has_the_queues_of_its_profile(sysadmin, server):
    salt = uuid.uuid4().hex[:8]
    own = [described("Main", topic="tb_rule_engine.main"), described("Own-" + salt)]
    profile = sysadmin.ok("POST", "/api/tenantProfile", {
        "name": "Isolated " + salt, "isolatedTbRuleEngine": True,
        "profileData": {"configuration": {"type": "DEFAULT"}, "queueConfiguration": own}})
    tenant, theirs = make_tenant(sysadmin, tenantProfileId=profile["id"])

    def seen():
        return {queue["name"]: queue["partitions"] for queue in theirs.everything(QUEUES)}

    assert seen() == {"Main": 3, "Own-" + salt: 3}
    profile["profileData"]["queueConfiguration"] = [{**own[0], "partitions": 5}]
    sysadmin.ok("POST", "/api/tenantProfile", profile)
    assert seen() == {"Main": 5}
    # No longer isolated: the platform's queues.
    default = sysadmin.ok("GET", "/api/tenantProfileInfo/default")
    sysadmin.ok("POST", "/api/tenant", {**tenant, "tenantProfileId": default["id"], "version": None})
    assert {"Main", "HighPriority", "SequentialByOriginator"} <= set(seen())
    sysadmin.ok("DELETE", "/api/tenant/" + tenant["id"]["id"])
    sysadmin.ok("DELETE", "/api/tenantProfile/" + profile["id"]["id"])
