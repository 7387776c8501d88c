"""The WebSocket API for administrators and their user interface (websocket-api.md 12)."""
import concurrent.futures
import random
import socket
import time
import uuid

import pytest
import websocket

import mqtt
from people import activate, customer_with_user
from rest import Rest
from server import eventually
from socket_client import PATIENCE, Closed, Socket, opened

BASE = {"TB_SERVER_WS_DYNAMIC_PAGE_LINK_REFRESH_INTERVAL_SEC": "1", "TB_SERVER_WS_AUTH_TIMEOUT_MS": "4000"}


@pytest.fixture(scope="module")
def person(own):
    return Rest(own.url)


@pytest.fixture
def thing(person):
    return person.create_device()


@pytest.fixture
def ws(person):
    session = opened(person)
    yield session
    session.close()


def of(device):
    return {"entityType": "DEVICE", "entityId": device.id}


def attributes(device, values, scope="SERVER_SCOPE"):
    device.rest.ok("POST", f"{device.path}/attributes/{scope}", values)


def points(device, values, ts=None):
    device.rest.ok("POST", device.path + "/timeseries/ANY", {"ts": ts, "values": values} if ts else values)


def single(device):
    return {"type": "singleEntity", "singleEntity": {"entityType": "DEVICE", "id": device.id}}


def query(filter, **more):
    return {"entityFilter": filter, "pageLink": {"page": 0, "pageSize": 100},
            "entityFields": [{"type": "ENTITY_FIELD", "key": "name"}], "latestValues": [], **more}


def found(page):
    return [e["entityId"]["id"] for e in page["data"]["data"]]


# Sessions (1 to 10 of section 12)

def test_a_token_in_the_address_opens_a_session_in_silence(ws):
    assert ws.echo() == []


@pytest.mark.parametrize("path", ["/api/ws", "/api/ws/plugins/telemetry", "/api/ws/plugins/notifications"])
def test_a_bad_token_closes_with_1011(person, path):
    assert Socket(person, path, token="bad").closed()[0] == 1011


def test_who_says_nothing_is_closed_with_1008(person):
    began = time.monotonic()
    assert Socket(person).closed() == (1008, "")
    assert time.monotonic() - began > 1


def test_a_first_message_without_authentication_closes(person):
    session = Socket(person)
    session.send({"cmds": []})
    assert session.closed() == (1008, "Auth cmd is missing")


@pytest.mark.parametrize("message", ["not json", '{"authCmd":{"cmdId":0,"token":"x.y.z"}}', '{"authCmd":{"cmdId":0}}', "[1]"])
def test_a_first_message_that_cannot_be_read_or_lets_nobody_in_closes_with_1007(person, message):
    session = Socket(person)
    session.send(message)
    assert session.closed()[0] == 1007


def test_authentication_by_message_is_silent_and_its_commands_run_at_once(person, thing):
    attributes(thing, {"a": 1})
    session = Socket(person)
    session.send({"authCmd": {"cmdId": 0, "token": person.token},
                  "cmds": [{"type": "ATTRIBUTES", "cmdId": 1, "keys": "a", **of(thing)}]})
    assert session.receive()["data"]["a"][0][1] == "1"
    # Later ones say nothing new.
    session.send({"authCmd": {"cmdId": 0, "token": "bad"}, "cmds": []})
    assert session.echo() == []
    session.close()


def test_an_api_key_opens_a_session(person):
    user = person.ok("GET", "/api/auth/user")
    key = person.ok("POST", "/api/apiKey", {"description": "ws", "userId": user["id"], "enabled": True})
    session = Socket(person)
    session.send({"authCmd": {"cmdId": 0, "apiKey": key["value"]}, "cmds": []})
    assert session.echo() == []
    session.close()


def test_a_session_whose_token_is_over_is_closed(person):
    leaving = Rest(person.url)
    session = opened(leaving)
    assert session.echo() == []
    leaving.ok("POST", "/api/auth/logout")
    assert session.closed() == (1011, "Token is outdated")
    assert Socket(person, token=leaving.token).closed() == (1011, "Token is outdated")


def test_an_unknown_kind_of_session_is_closed(person):
    assert Socket(person, "/api/ws/plugins/foo", token=person.token).closed() == (1007, "Unknown session type")


@pytest.mark.parametrize("message", [
    "{bad", '{"cmds":[{"type":"NOPE","cmdId":1}]}', '{"cmds":{}}', '{"cmds":[1]}', "null", '{"cmds":[{"cmdId":1}]}',
    '{"cmds":[{"type":"ATTRIBUTES","cmdId":99999999999}]}', '{"cmds":[{"type":"ATTRIBUTES","cmdId":1.5}]}',
    '{"cmds":[{"type":"ENTITY_DATA","cmdId":1,"query":5}]}', "[" * 10_000, '{"a":' * 3000, '"\ud83d"',
    '{"cmds":[{"type":"TIMESERIES","cmdId":1,"entityType":"TOASTER","entityId":"x"}]}'])
def test_what_cannot_be_read_is_answered_and_the_session_goes_on(ws, message):
    ws.send(message.encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    assert ws.receive() == {"subscriptionId": 1, "errorCode": 2, "errorMsg": "Failed to parse the payload", "data": None,
                            "latestValues": {}}
    assert ws.echo() == []


def test_random_commands_never_break_the_session(person, thing):
    """Whatever is sent is answered, ignored, or closes the session with a code of the page; the server goes on."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    kinds = ["ATTRIBUTES", "TIMESERIES", "TIMESERIES_HISTORY", "ENTITY_DATA", "ENTITY_COUNT", "ALARM_DATA", "ALARM_COUNT",
             "ALARM_STATUS", "NOTIFICATIONS", "NOTIFICATIONS_COUNT", "MARK_NOTIFICATIONS_AS_READ", "ENTITY_DATA_UNSUBSCRIBE",
             "ALARM_DATA_UNSUBSCRIBE"]
    values = [None, 0, -1, 1, 1 << 31, 1 << 62, 1.5, "", "x", thing.id, "DEVICE", "a,b", [], {}, [1], {"type": "x"}, True,
              single(thing), query(single(thing)), {"keys": ["t"], "startTs": 0, "timeWindow": 1 << 60, "interval": 1},
              {"keys": [{"type": "TIME_SERIES", "key": "t"}]}, "\0", {"pageLink": {"pageSize": 1 << 40}}]
    names = ["cmdId", "entityType", "entityId", "keys", "scope", "startTs", "endTs", "timeWindow", "interval", "limit", "agg",
             "query", "latestCmd", "tsCmd", "historyCmd", "aggTsCmd", "aggHistoryCmd", "originatorId", "unsubscribe"]
    session = opened(person)
    for _ in range(300):
        command = {"type": chance.choice(kinds), "cmdId": chance.randrange(5)}
        for name in chance.sample(names, chance.randrange(6)):
            command[name] = chance.choice(values)
        try:
            session.commands(command)
            session.echo()
        except (Closed, OSError) as end:
            assert isinstance(end, OSError) or end.code in (1012,), (seed, command, end)
            session = opened(person)
    session.close()


def test_a_frame_that_is_too_large_closes_with_1009(ws):
    ws.send("x" * 40_000)
    assert ws.closed()[0] == 1009


def test_a_client_without_pongs_is_closed_with_4500_and_one_with_pongs_is_not(own, person):
    own.configured(TB_SERVER_WS_PING_TIMEOUT="3000")
    try:
        silent, lively = opened(person), opened(person)
        silent.socket.pong = lambda payload: None
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            closing = pool.submit(silent.closed)
            # It reads all the while and longer, and so answers each ping.
            pinged = 0
            while not closing.done() or pinged < 5:
                try:
                    lively.socket.settimeout(1)
                    pinged += lively.socket.recv_data(control_frame=True)[0] == websocket.ABNF.OPCODE_PING
                except websocket.WebSocketTimeoutException:
                    pass
            assert closing.result()[0] == 4500
        assert lively.echo() == []
        lively.close()
    finally:
        own.configured()


def test_many_commands_of_one_message_are_answered_each(ws, thing):
    ws.commands(*[{"type": "ATTRIBUTES", "cmdId": n, "scope": "SERVER_SCOPE", **of(thing)} for n in range(1, 21)])
    assert sorted(ws.receive()["subscriptionId"] for _ in range(20)) == list(range(1, 21))


def test_a_negative_command_id_is_refused(ws):
    ws.commands({"type": "ENTITY_COUNT", "cmdId": -1})
    answer = ws.receive()
    assert (answer["subscriptionId"], answer["errorCode"], answer["errorMsg"]) == (-1, 2, "Cmd id is negative value!")


# Attributes and time series (11 to 21)

def test_attributes_come_at_once_and_with_every_change(ws, thing):
    attributes(thing, {"a": 1, "t": True, "j": {"x": [1]}})
    ws.commands({"type": "ATTRIBUTES", "cmdId": 1, "scope": "SERVER_SCOPE", **of(thing)})
    first = ws.answer(1)
    assert (first["errorCode"], first["errorMsg"]) == (0, None)
    assert {k: v[0][1] for k, v in first["data"].items() if k in "atj"} == {"a": "1", "t": "true", "j": '{"x":[1]}'}
    assert first["latestValues"]["a"] == first["data"]["a"][0][0]
    attributes(thing, {"a": 5})
    change = ws.until(1, lambda m: "a" in m["data"])[-1]
    assert list(change["data"]) == ["a"] and change["data"]["a"][0][1] == "5"
    thing.rest.ok("DELETE", thing.path + "/SERVER_SCOPE?keys=a")
    assert ws.until(1, lambda m: "a" in m["data"])[-1]["data"] == {"a": [[0, ""]]}


def test_attributes_of_another_scope_are_not_told(ws, thing):
    ws.commands({"type": "ATTRIBUTES", "cmdId": 1, "keys": "a", "scope": "SHARED_SCOPE", **of(thing)})
    assert ws.answer(1)["data"] == {}
    attributes(thing, {"a": 1})
    attributes(thing, {"a": 2}, "SHARED_SCOPE")
    assert ws.answer(1)["data"]["a"][0][1] == "2"


def test_client_attributes_over_mqtt_are_told(own, ws, thing):
    ws.commands({"type": "ATTRIBUTES", "cmdId": 1, "keys": "fw", "scope": "CLIENT_SCOPE", **of(thing)})
    assert ws.answer(1)["data"] == {}
    connection = mqtt.Connection(own.mqtt_port, 4)
    assert connection.connect(username=thing.token) == 0
    connection.publish("v1/devices/me/attributes", b'{"fw":"1.2"}', qos=1)
    assert ws.answer(1)["data"]["fw"][0][1] == "1.2"
    connection.close()


@pytest.mark.parametrize("kind, missing", [("ATTRIBUTES", "Device id is empty!"), ("TIMESERIES", "Device id is empty!"),
                                           ("TIMESERIES_HISTORY", "Device id is empty!")])
def test_a_command_without_entity_is_refused(ws, kind, missing):
    ws.commands({"type": kind, "cmdId": 4, "entityType": "DEVICE", "keys": "a"})
    assert ws.answer(4)["errorMsg"] == missing


def test_every_point_is_told_from_mqtt_and_rest(own, ws, thing):
    ws.commands({"type": "TIMESERIES", "cmdId": 2, "keys": "t", **of(thing)})
    assert ws.answer(2)["data"] == {}
    connection = mqtt.Connection(own.mqtt_port, 4)
    assert connection.connect(username=thing.token) == 0
    connection.publish("v1/devices/me/telemetry", b'{"t":1,"other":1}', qos=1)
    assert [v[1] for v in ws.answer(2)["data"]["t"]] == ["1"]
    points(thing, {"t": 2.5})
    assert [v[1] for v in ws.answer(2)["data"]["t"]] == ["2.5"]
    ws.commands({"type": "TIMESERIES", "cmdId": 2, "unsubscribe": True, **of(thing)})
    ws.echo()
    points(thing, {"t": 3})
    points(thing, {"t": 4})
    assert ws.echo() == []
    connection.close()


def test_late_points_are_not_told_to_who_wants_the_latest(ws, thing):
    points(thing, {"t": 1}, 2000)
    ws.commands({"type": "TIMESERIES", "cmdId": 1, "scope": "LATEST_TELEMETRY", **of(thing)},
                {"type": "TIMESERIES", "cmdId": 2, "keys": "t", **of(thing)})
    assert ws.answer(1)["data"] == {"t": [[2000, "1"]]} == ws.answer(2)["data"]
    points(thing, {"t": 2}, 1000)
    points(thing, {"t": 3}, 3000)
    assert ws.answer(1)["data"] == {"t": [[3000, "3"]]}
    assert [ws.answer(2)["data"] for _ in range(2)] == [{"t": [[1000, "2"]]}, {"t": [[3000, "3"]]}]
    thing.rest.ok("DELETE", thing.path + "/timeseries/delete?keys=t&deleteAllDataForKeys=true")
    assert ws.answer(1)["data"] == {"t": [[0, ""]]}


def test_history_comes_first_where_a_window_is_given(ws, thing):
    for n in range(1, 4):
        points(thing, {"t": n}, n * 1000)
    ws.commands({"type": "TIMESERIES", "cmdId": 1, "keys": "t", "startTs": 0, "timeWindow": 60_000, **of(thing)})
    assert ws.answer(1)["data"] == {"t": [[3000, "3"], [2000, "2"], [1000, "1"]]}
    ws.commands({"type": "TIMESERIES_HISTORY", "cmdId": 2, "keys": "t", "startTs": 0, "endTs": 4000, "interval": 2000,
                 "agg": "AVG", **of(thing)})
    assert ws.answer(2)["data"] == {"t": [[1000, "1.0"], [3000, "2.5"]]}
    ws.commands({"type": "TIMESERIES_HISTORY", "cmdId": 3, **of(thing)})
    assert ws.answer(3)["errorMsg"] == "Keys are empty!"


def test_unsubscribing_without_entity_ends_everything(ws, thing):
    ws.commands({"type": "TIMESERIES", "cmdId": 1, "keys": "t", **of(thing)},
                {"type": "ENTITY_DATA", "cmdId": 2, "query": query(single(thing)),
                 "latestCmd": {"keys": [{"type": "TIME_SERIES", "key": "t"}]}})
    ws.answer(1), ws.answer(2)
    ws.commands({"type": "TIMESERIES", "cmdId": 1, "unsubscribe": True})
    ws.echo()
    points(thing, {"t": 1})
    assert ws.echo() == []


def test_the_old_path_answers_as_the_new_one(person, thing):
    points(thing, {"n": 1}, 5000)
    attributes(thing, {"a": 1})
    session = Socket(person, "/api/ws/plugins/telemetry", token=person.token)
    session.send({"attrSubCmds": [{"cmdId": 1, "keys": "a", **of(thing)}],
                  "tsSubCmds": [{"cmdId": 2, "scope": "LATEST_TELEMETRY", "keys": "n", **of(thing)}], "historyCmds": []})
    assert session.receive()["data"]["a"][0][1] == "1"
    assert session.receive()["data"] == {"n": [[5000, "1"]]}
    points(thing, {"n": 2}, 6000)
    assert session.receive()["data"] == {"n": [[6000, "2"]]}
    session.close()


def test_two_sessions_hear_of_one_write(person, ws, thing):
    other = opened(person)
    for session in (ws, other):
        session.commands({"type": "TIMESERIES", "cmdId": 1, "keys": "t", **of(thing)})
        session.answer(1)
    points(thing, {"t": 1})
    assert [session.answer(1)["data"]["t"][0][1] for session in (ws, other)] == ["1", "1"]
    other.close()


# Entity data and counts (22 to 31)

def test_a_query_alone_is_answered_once_and_the_same_id_subscribes(ws, thing):
    points(thing, {"t": 1}, 1000)
    wanted = query(single(thing), latestValues=[{"type": "TIME_SERIES", "key": "t"}])
    ws.commands({"type": "ENTITY_DATA", "cmdId": 5, "query": wanted})
    first = ws.answer(5)
    assert (first["update"], first["allowedEntities"], first["cmdUpdateType"]) == (None, 10_000, "ENTITY_DATA")
    assert first["data"]["totalElements"] == 1 and found(first) == [thing.id]
    assert first["data"]["data"][0]["latest"]["TIME_SERIES"] == {"t": {"ts": 1000, "value": "1"}}
    points(thing, {"t": 2}, 2000)
    assert ws.echo() == []
    ws.commands({"type": "ENTITY_DATA", "cmdId": 5, "latestCmd": {"keys": [{"type": "TIME_SERIES", "key": "t"}]}})
    missed = ws.answer(5)
    assert missed["data"] is None and missed["update"] == [{
        "entityId": {"entityType": "DEVICE", "id": thing.id}, "latest": {"TIME_SERIES": {"t": {"ts": 2000, "value": "2"}}},
        "timeseries": None, "aggLatest": None}]
    points(thing, {"t": 3}, 3000)
    assert ws.answer(5)["update"][0]["latest"] == {"TIME_SERIES": {"t": {"ts": 3000, "value": "3"}}}
    points(thing, {"t": 3}, 3000)
    points(thing, {"t": 4}, 4000)
    assert ws.answer(5)["update"][0]["latest"] == {"TIME_SERIES": {"t": {"ts": 4000, "value": "4"}}}
    ws.commands({"type": "ENTITY_DATA_UNSUBSCRIBE", "cmdId": 5})
    ws.echo()
    points(thing, {"t": 5}, 5000)
    assert ws.echo() == []


def test_a_query_with_latest_values_fills_them_in(ws, thing):
    ws.commands({"type": "ENTITY_DATA", "cmdId": 5, "query": query(single(thing)), "latestCmd": {"keys": [
        {"type": "ATTRIBUTE", "key": "nowhere"}, {"type": "SERVER_ATTRIBUTE", "key": "a"}]}})
    first = ws.answer(5)["data"]["data"][0]["latest"]
    assert first["ATTRIBUTE"] == {"nowhere": {"ts": 0, "value": ""}}
    attributes(thing, {"a": 1, "nowhere": 2})
    update = ws.answer(5)["update"][0]["latest"]
    assert update["SERVER_ATTRIBUTE"]["a"]["value"] == "1" and update["ATTRIBUTE"]["nowhere"]["value"] == "2"
    thing.rest.ok("DELETE", thing.path + "/SERVER_SCOPE?keys=a")
    assert ws.answer(5)["update"][0]["latest"] == {"SERVER_ATTRIBUTE": {"a": {"ts": 0, "value": ""}}}


def test_history_and_live_points_of_entities(ws, thing):
    for n in range(1, 5):
        points(thing, {"t": n}, n * 1000)
    ws.commands({"type": "ENTITY_DATA", "cmdId": 5, "query": query(single(thing)), "historyCmd": {
        "keys": ["t", "none"], "startTs": 0, "endTs": 10_000, "limit": 2, "agg": "NONE"}})
    series = ws.answer(5)["data"]["data"][0]["timeseries"]
    assert series == {"t": [{"ts": 4000, "value": "4"}, {"ts": 3000, "value": "3"}], "none": []}
    ws.commands({"type": "ENTITY_DATA", "cmdId": 6, "query": query(single(thing)), "tsCmd": {
        "keys": ["t"], "startTs": 2000, "timeWindow": 4000, "interval": 2000, "agg": "SUM", "fetchLatestPreviousPoint": True}})
    series = ws.answer(6)["data"]["data"][0]["timeseries"]["t"]
    assert series == [{"ts": 5000, "value": "4", "count": 1}, {"ts": 3000, "value": "5", "count": 2},
                      {"ts": 1000, "value": "1"}]
    points(thing, {"t": 9}, 500)
    update = ws.answer(6)["update"][0]
    assert (update["latest"], update["timeseries"]) == (None, {"t": [{"ts": 500, "value": "9"}]})


def test_aggregates_of_a_window_and_of_the_one_before(ws, thing):
    for n in range(1, 5):
        points(thing, {"t": n}, n * 1000)
    ws.commands({"type": "ENTITY_DATA", "cmdId": 5, "query": query(single(thing)), "aggHistoryCmd": {
        "startTs": 3000, "endTs": 5000, "keys": [
            {"id": 1, "key": "t", "agg": "SUM", "previousStartTs": 1000, "previousEndTs": 3000},
            {"id": 2, "key": "none", "agg": "MAX"}]}})
    values = ws.answer(5)["data"]["data"][0]["aggLatest"]
    assert (values["1"]["current"]["value"], values["1"]["previous"]["value"]) == ("7", "3")
    assert values["2"] == {"current": {"ts": 0, "value": ""}, "previous": {"ts": 0, "value": ""}}
    ws.commands({"type": "ENTITY_DATA", "cmdId": 6, "query": query(single(thing)), "aggTsCmd": {
        "startTs": 0, "timeWindow": 10_000, "keys": [{"id": 1, "key": "t", "agg": "COUNT"}]}})
    assert ws.answer(6)["data"]["data"][0]["aggLatest"]["1"]["current"]["value"] == "4"
    points(thing, {"t": 5}, 500)
    assert ws.answer(6)["update"][0]["latest"] == {"TIME_SERIES": {"t": {"ts": 500, "value": "5"}}}


def test_queries_that_are_none_are_refused_and_the_session_goes_on(ws, thing):
    ws.commands({"type": "ENTITY_DATA", "cmdId": 5}, {"type": "ENTITY_COUNT", "cmdId": 6}, {"type": "ALARM_DATA", "cmdId": 7},
                {"type": "ALARM_COUNT", "cmdId": 8})
    for command in (5, 6, 7, 8):
        answer = ws.answer(command)
        assert (answer["subscriptionId"], answer["errorCode"], answer["errorMsg"]) == (command, 2, "Query is empty!")
    ws.commands({"type": "ENTITY_DATA", "cmdId": 5, "query": {"pageLink": {"page": 0, "pageSize": 1}}})
    answer = ws.answer(5)
    assert (answer["subscriptionId"], answer["errorCode"], answer["errorMsg"]) == (
        5, 1, "Query entity filter must be specified.")
    ws.commands({"type": "ENTITY_DATA", "cmdId": 5, "query": query(single(thing), pageLink={"page": 0, "pageSize": 0})})
    assert "Page size must be greater than zero" in ws.answer(5)["errorMsg"]
    ws.commands({"type": "ENTITY_DATA", "cmdId": 50, "latestCmd": {"keys": []}})
    assert ws.closed()[0] == 1012


def test_a_dynamic_query_follows_what_it_finds(ws, person, thing):
    mark = "k" + uuid.uuid4().hex[:10]
    attributes(thing, {mark: 1})
    other = person.create_device()
    wanted = query({"type": "entityType", "entityType": "DEVICE"}, pageLink={"page": 0, "pageSize": 10, "dynamic": True},
                   keyFilters=[{"key": {"type": "SERVER_ATTRIBUTE", "key": mark}, "valueType": "NUMERIC", "predicate": {
                       "type": "NUMERIC", "operation": "EQUAL", "value": {"defaultValue": 1}}}])
    ws.commands({"type": "ENTITY_DATA", "cmdId": 5, "query": wanted,
                 "latestCmd": {"keys": [{"type": "SERVER_ATTRIBUTE", "key": mark}]}})
    assert found(ws.answer(5)) == [thing.id]
    attributes(other, {mark: 1})
    page = ws.until(5, lambda m: m["data"])[-1]
    assert sorted(found(page)) == sorted([thing.id, other.id])
    attributes(thing, {mark: 2})
    page = ws.until(5, lambda m: m["data"])[-1]
    assert found(page) == [other.id]
    attributes(other, {mark: 3})
    assert ws.until(5, lambda m: m["update"])[-1]["update"][0]["latest"]["SERVER_ATTRIBUTE"][mark]["value"] == "3"


def test_a_count_is_told_again_when_it_is_another(ws, person, thing):
    mark = "C" + uuid.uuid4().hex[:10]
    wanted = {"entityFilter": {"type": "entityName", "entityType": "DEVICE", "entityNameFilter": mark}}
    ws.commands({"type": "ENTITY_COUNT", "cmdId": 6, "query": wanted})
    answer = ws.answer(6)
    assert (answer["count"], answer["cmdUpdateType"]) == (0, "COUNT_DATA")
    ws.commands({"type": "ENTITY_COUNT", "cmdId": 6, "query": wanted})
    person.create_device(name=mark + "1")
    assert ws.answer(6)["count"] == 1
    ws.commands({"type": "ENTITY_COUNT_UNSUBSCRIBE", "cmdId": 6})


# Alarms (32 to 37)

def raise_alarm(device, type="Hot", severity="CRITICAL"):
    return device.rest.ok("POST", "/api/alarm", {
        "type": type, "severity": severity, "originator": {"entityType": "DEVICE", "id": device.id}})


def alarm_query(device, **link):
    return {"entityFilter": single(device), "alarmFields": [], "latestValues": [{"type": "TIME_SERIES", "key": "t"}],
            "pageLink": {"page": 0, "pageSize": 10, "timeWindow": 86_400_000,
                         "sortOrder": {"key": {"type": "ALARM_FIELD", "key": "createdTime"}, "direction": "DESC"}, **link}}


def test_alarms_come_change_and_go(ws, thing):
    ws.commands({"type": "ALARM_DATA", "cmdId": 7, "query": alarm_query(thing)},
                {"type": "ALARM_DATA", "cmdId": 8, "query": alarm_query(thing, statusList=["ACTIVE"])})
    first = ws.answer(7)
    assert (first["data"]["data"], first["totalEntities"], first["allowedEntities"]) == ([], 1, 10_000)
    assert ws.answer(8)["data"]["data"] == []
    alarm = raise_alarm(thing)
    for command in (7, 8):
        page = ws.answer(command)
        assert [a["id"] for a in page["data"]["data"]] == [alarm["id"]]
        assert page["data"]["data"][0]["entityId"]["id"] == thing.id
    points(thing, {"t": 7}, 1000)
    assert ws.answer(7)["update"][0]["latest"]["TIME_SERIES"]["t"] == {"ts": 1000, "value": "7"}
    ws.answer(8)
    thing.rest.ok("POST", f"/api/alarm/{alarm['id']['id']}/ack")
    for command in (7, 8):
        assert ws.answer(command)["update"][0]["acknowledged"] is True
    thing.rest.ok("POST", f"/api/alarm/{alarm['id']['id']}/clear")
    assert ws.answer(7)["update"][0]["cleared"] is True
    assert ws.answer(8)["data"]["data"] == []
    thing.rest.ok("DELETE", f"/api/alarm/{alarm['id']['id']}")
    assert ws.answer(7)["data"]["data"] == []


def test_a_filter_that_finds_nothing_gives_an_empty_page(ws, thing):
    nothing = alarm_query(thing)
    nothing["entityFilter"] = {"type": "entityName", "entityType": "DEVICE", "entityNameFilter": uuid.uuid4().hex}
    ws.commands({"type": "ALARM_DATA", "cmdId": 7, "query": nothing},
                {"type": "ALARM_COUNT", "cmdId": 8, "query": {"entityFilter": nothing["entityFilter"]}})
    answer = ws.answer(7)
    assert answer["data"] == {"data": [], "totalPages": 0, "totalElements": 0, "hasNext": False}
    assert (answer["allowedEntities"], answer["totalEntities"]) == (0, 0)
    assert ws.answer(8)["count"] == 0


def test_alarms_are_counted_and_their_status_flips(ws, thing):
    ws.commands({"type": "ALARM_COUNT", "cmdId": 8, "query": {"statusList": ["ACTIVE"], "entityFilter": single(thing)}},
                {"type": "ALARM_STATUS", "cmdId": 9, "originatorId": {"entityType": "DEVICE", "id": thing.id},
                 "severityList": ["CRITICAL"], "typeList": []})
    count, status = ws.answer(8), ws.answer(9)
    assert (count["count"], count["cmdUpdateType"]) == (0, "ALARM_COUNT_DATA")
    assert (status["active"], status["cmdUpdateType"]) == (False, "ALARM_STATUS")
    raise_alarm(thing, "Minor", "MINOR")
    assert ws.answer(8)["count"] == 1
    alarm = raise_alarm(thing)
    assert (ws.answer(8)["count"], ws.answer(9)["active"]) == (2, True)
    thing.rest.ok("POST", f"/api/alarm/{alarm['id']['id']}/clear")
    assert (ws.answer(8)["count"], ws.answer(9)["active"]) == (1, False)
    assert ws.echo() == []


# Notifications (38, 39): there is no notification centre

def test_nobody_has_unread_notifications(person, ws):
    ws.commands({"type": "NOTIFICATIONS_COUNT", "cmdId": 11}, {"type": "NOTIFICATIONS", "cmdId": 10, "limit": 2},
                {"type": "MARK_ALL_NOTIFICATIONS_AS_READ", "cmdId": 12},
                {"type": "MARK_NOTIFICATIONS_AS_READ", "cmdId": 13, "notifications": []},
                {"type": "NOTIFICATIONS_UNSUBSCRIBE", "cmdId": 10})
    assert ws.answer(11) == {"cmdId": 11, "errorCode": 0, "errorMsg": None, "totalUnreadCount": 0, "sequenceNumber": 1,
                             "cmdUpdateType": "NOTIFICATIONS_COUNT"}
    assert ws.answer(10) == {"cmdId": 10, "errorCode": 0, "errorMsg": None, "notifications": [], "update": None,
                             "totalUnreadCount": 0, "sequenceNumber": 1, "cmdUpdateType": "NOTIFICATIONS"}
    assert ws.echo() == []
    session = Socket(person, "/api/ws/plugins/notifications", token=person.token)
    session.send({"unreadCountSubCmd": {"cmdId": 1}, "unreadSubCmd": {"cmdId": 2, "limit": 10}})
    assert {session.receive()["cmdId"] for _ in range(2)} == {1, 2}
    session.close()


# Whose data it is (21, 46)

def stranger(person):
    """The administrator of another tenant."""
    system = Rest(person.url, "sysadmin@thingsboard.org", "sysadmin")
    salt = uuid.uuid4().hex[:10]
    tenant = system.ok("POST", "/api/tenant", {"title": "T " + salt})
    user = system.ok("POST", "/api/user?sendActivationMail=false", {
        "email": f"admin-{salt}@example.com", "authority": "TENANT_ADMIN", "tenantId": tenant["id"]})
    activate(system, user, "secret-" + salt)
    return system, tenant, Rest(person.url, user["email"], "secret-" + salt)


def test_nobody_sees_what_belongs_to_others(person, thing):
    attributes(thing, {"a": 1})
    points(thing, {"t": 1})
    raise_alarm(thing)
    customer, user = customer_with_user(person)
    others = [opened(stranger(person)[2]), opened(user), opened(Rest(person.url, "sysadmin@thingsboard.org", "sysadmin"))]
    for session in others:
        session.commands(
            {"type": "ATTRIBUTES", "cmdId": 1, "keys": "a", **of(thing)}, {"type": "ATTRIBUTES", "cmdId": 2, **of(thing)},
            {"type": "TIMESERIES", "cmdId": 3, "keys": "t", **of(thing)}, {"type": "TIMESERIES", "cmdId": 4, **of(thing)},
            {"type": "TIMESERIES_HISTORY", "cmdId": 5, "keys": "t", "startTs": 0, "endTs": 1 << 50, **of(thing)},
            {"type": "ALARM_STATUS", "cmdId": 6, "originatorId": {"entityType": "DEVICE", "id": thing.id}})
        for command in range(1, 7):
            answer = session.answer(command)
            assert answer["errorCode"] in (1, 3) and answer["data"] is None, answer
        session.commands(
            {"type": "ENTITY_DATA", "cmdId": 11, "query": query(single(thing)), "tsCmd": {
                "keys": ["t"], "startTs": 0, "timeWindow": 1 << 50},
             "latestCmd": {"keys": [{"type": "TIME_SERIES", "key": "t"}]}},
            {"type": "ENTITY_COUNT", "cmdId": 12, "query": {"entityFilter": single(thing)}},
            {"type": "ALARM_DATA", "cmdId": 13, "query": alarm_query(thing)},
            {"type": "ALARM_COUNT", "cmdId": 14, "query": {"entityFilter": single(thing)}})
        assert found(session.answer(11)) == []
        assert session.answer(12)["count"] == 0
        assert session.answer(13)["data"]["data"] == []
        assert session.answer(14)["count"] == 0
    attributes(thing, {"a": 2})
    points(thing, {"t": 2})
    raise_alarm(thing, "Other")
    for session in others:
        assert session.echo() == []
        session.close()


def test_a_customers_user_sees_the_devices_of_the_customer(person, thing):
    customer, user = customer_with_user(person)
    own_device = person.create_device()
    person.ok("POST", f"/api/customer/{customer['id']['id']}/device/{own_device.id}")
    session = opened(user)
    session.commands({"type": "ENTITY_DATA", "cmdId": 1, "query": query({"type": "entityType", "entityType": "DEVICE"}),
                      "latestCmd": {"keys": [{"type": "TIME_SERIES", "key": "t"}]}})
    assert found(session.answer(1)) == [own_device.id]
    points(thing, {"t": 1})
    points(own_device, {"t": 2})
    assert [u["entityId"]["id"] for u in session.answer(1)["update"]] == [own_device.id]
    session.close()


# Limits (42 to 44)

@pytest.fixture
def limited(person):
    """Signs the administrator of a new tenant in whose profile says this."""
    def limited(**limits):
        system, tenant, _ = stranger(person)
        salt = uuid.uuid4().hex[:10]
        profile = system.ok("POST", "/api/tenantProfile", {
            "name": "P " + salt, "profileData": {"configuration": {"type": "DEFAULT", **limits}}})
        tenant["tenantProfileId"] = profile["id"]
        system.ok("POST", "/api/tenant", tenant)
        user = system.ok("POST", "/api/user?sendActivationMail=false", {
            "email": f"limited-{salt}@example.com", "authority": "TENANT_ADMIN", "tenantId": tenant["id"]})
        activate(system, user, "secret-" + salt)
        return Rest(person.url, user["email"], "secret-" + salt)
    return limited


def test_sessions_of_a_tenant_are_limited(limited):
    admin = limited(maxWsSessionsPerTenant=1)
    first = opened(admin)
    assert first.echo() == []
    assert opened(admin).closed() == (1008, "Max tenant sessions limit reached!")
    first.close()

    def is_free():
        session = opened(admin)
        try:
            return session.echo() == []
        except Closed:
            return False
        finally:
            session.close()
    eventually(is_free, PATIENCE)


def test_subscriptions_of_a_tenant_are_limited(limited):
    admin = limited(maxWsSubscriptionsPerTenant=1)
    device = admin.create_device()
    session = opened(admin)
    session.commands({"type": "ENTITY_DATA", "cmdId": 1, "query": query(single(device))},
                     {"type": "ENTITY_DATA", "cmdId": 2, "query": query(single(device))},
                     {"type": "TIMESERIES", "cmdId": 3, "keys": "t", **of(device)})
    for command in (1, 2, 3):
        assert session.answer(command)["errorCode"] == 0
    session.commands({"type": "TIMESERIES", "cmdId": 3, "unsubscribe": True, **of(device)},
                     {"type": "TIMESERIES", "cmdId": 4, "keys": "t", **of(device)})
    assert session.answer(4)["errorCode"] == 0
    session.commands({"type": "TIMESERIES", "cmdId": 5, "keys": "t", **of(device)})
    assert session.closed() == (1008, "Max tenant subscriptions limit reached!")


def test_too_many_updates_are_told_once_and_dropped(limited):
    admin = limited(wsUpdatesPerSessionRateLimit="2:600")
    device = admin.create_device()
    session = opened(admin)
    session.commands({"type": "TIMESERIES", "cmdId": 1, "keys": "t", **of(device)})
    assert session.answer(1)["errorCode"] == 0
    for n in range(1, 6):
        points(device, {"t": n}, n * 1000)
    assert session.answer(1)["data"] == {"t": [[1000, "1"]]}
    assert session.receive() == {"subscriptionId": 1, "errorCode": 34, "errorMsg": "Too many updates!"}
    with pytest.raises(Exception, match="timed out"):
        session.receive(1)
    session.close()


def test_a_client_that_takes_nothing_is_closed_and_the_others_are_served(own, person, limited):
    admin = limited(wsMsgQueueLimitPerSession=10)
    device = admin.create_device()
    text = "x" * 100_000
    points(device, {"t": text}, 1000)
    slow = opened(admin, sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    before = own.metrics()["ws_sessions"]
    try:
        for _ in range(60):
            slow.commands(*[{"type": "TIMESERIES_HISTORY", "cmdId": n, "keys": "t", "startTs": 0, "endTs": 2000, **of(device)}
                            for n in range(20)])
    except OSError:
        pass
    eventually(lambda: own.metrics()["ws_sessions"] < before, PATIENCE)
    fast = opened(admin)
    assert fast.echo() == []
    fast.close()
    slow.close()
