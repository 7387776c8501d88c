"""What is stored, and what queries give back (persistence.md 6 to 9, 12)."""
import concurrent.futures
import datetime
import uuid
import zoneinfo

import pytest
import requests

from mqtt import TELEMETRY

T0 = 1_700_000_000_000


def aggregate(device, key, start, end, interval, function, **parameters):
    return device.history(key, start, end, interval=interval, agg=function, **parameters)


# Entities

def test_device_name_is_unique_in_a_tenant(rest, device):
    again = rest.call("POST", "/api/device", {"name": device.entity["name"], "type": "default"})
    assert again.status_code == 400
    assert again.json()["errorCode"] == 31


def test_access_token_is_unique(rest, device):
    other = rest.call("POST", "/api/device?accessToken=" + device.token, {"name": uuid.uuid4().hex, "type": "default"})
    assert other.status_code == 400


def test_stale_version_is_refused(rest, device):
    first = rest.ok("GET", "/api/device/" + device.id)
    second = rest.ok("POST", "/api/device", {**first, "label": "second"})
    assert second["version"] > first["version"]
    stale = rest.call("POST", "/api/device", {**first, "label": "stale"})
    assert (stale.status_code, stale.json()["errorCode"]) == (409, 35)
    third = rest.ok("POST", "/api/device", {**first, "version": None, "label": "third"})
    assert third["label"] == "third"


# Points

def test_older_point_does_not_become_the_latest(device):
    device.save({"ts": 1000, "values": {"v": "new"}})
    device.save({"ts": 500, "values": {"v": "old"}})
    assert device.latest_point("v") == (1000, "new")
    assert device.history("v", 0, 2000) == [(1000, "new"), (500, "old")]


def test_same_timestamp_takes_the_second_value_and_its_type(device):
    device.save({"ts": 1000, "values": {"v": 2.5}})
    device.save({"ts": 1000, "values": {"v": "text"}})
    assert device.history("v", 0, 2000) == [(1000, "text")]
    assert device.latest_point("v") == (1000, "text")


@pytest.mark.parametrize("values", [[1, "a", True, 2.5, {"k": 1}], [{"k": 1}, 2.5, True, "a", 1]])
def test_every_type_replaces_every_other(device, values):
    for value in values:
        device.save({"ts": 1000, "values": {"v": value}})
        assert device.history("v", 0, 2000) == [(1000, value)]


def test_twenty_thousand_points_in_one_request(server, device):
    points = [{"ts": T0 + n, "values": {"v": n}} for n in range(20_000)]
    answer = requests.post(f"{server.url}/api/v1/{device.token}/telemetry", json=points, timeout=60)
    assert answer.status_code == 200
    assert device.latest_point("v") == (T0 + 19_999, 19_999)
    assert aggregate(device, "v", T0, T0 + 20_000, 20_000, "COUNT") == [(T0 + 10_000, 20_000)]


def test_last_of_duplicate_points_in_a_batch_wins(server, device):
    points = [{"ts": T0 + n % 7, "values": {"v": n}} for n in range(1000)]
    answer = requests.post(f"{server.url}/api/v1/{device.token}/telemetry", json=points, timeout=60)
    assert answer.status_code == 200
    expected = {T0 + n % 7: n for n in range(1000)}
    assert device.history("v", T0, T0 + 100, orderBy="ASC") == sorted(expected.items())
    assert device.latest_point("v") == (T0 + 6, expected[T0 + 6])


@pytest.mark.parametrize("ts", [-1, -62_135_596_800_000, 0, 4_102_444_800_000, 32_503_680_000_000])
def test_timestamps_of_other_ages(connect, device, ts):
    connection = connect(device.token)
    connection.publish(TELEMETRY, {"ts": ts, "values": {"v": 1}})
    assert connection.puback() == 0
    assert device.history("v", ts, ts + 1) == [(ts, 1)]


def test_u_0000_is_stored_without_it(connect, device):
    connection = connect(device.token)
    connection.publish(TELEMETRY, '{"v":"a\\u0000b","j":{"x":"c\\u0000d"}}')
    assert connection.puback() == 0
    assert device.latest("v", "j") == {"v": "ab", "j": {"x": "cd"}}


def test_long_and_strange_keys(connect, device):
    connection = connect(device.token)
    keys = {"k" * 255: 1, "with space": 2, "ключ": 3, "quote\"'": 4, "%s;--": 5, "a.b[0]": 6}
    connection.publish(TELEMETRY, keys)
    assert connection.puback() == 0
    assert device.latest() == keys


# History

def test_range_is_half_open(device):
    device.save([{"ts": T0 + n * 1000, "values": {"v": n}} for n in range(3)])
    assert device.history("v", T0 + 1000, T0 + 2000) == [(T0 + 1000, 1)]
    assert device.history("v", T0, T0) == []


def test_order_and_limit(device):
    device.save([{"ts": T0 + n, "values": {"v": n}} for n in range(150)])
    assert [v for _, v in device.history("v", T0, T0 + 1000)] == list(range(149, 49, -1))
    assert [v for _, v in device.history("v", T0, T0 + 1000, limit=3, orderBy="ASC")] == [0, 1, 2]


@pytest.fixture
def mixed(device):
    """Buckets of a second: longs, doubles, both, texts, booleans with numbers, nothing, a long."""
    rows = {0: [1, 2, 6], 1: [1.5, 2.0], 2: [1, 2.5], 3: ["b", "a", "c"], 4: [True, 5, False, 7.5], 6: [9]}
    device.save([{"ts": T0 + second * 1000 + n, "values": {"v": value}}
                 for second, values in rows.items() for n, value in enumerate(values)])
    return device


def buckets(device, function):
    return {(ts - T0) // 1000: value for ts, value in aggregate(device, "v", T0, T0 + 7000, 1000, function)}


def test_average_is_always_a_double(mixed):
    found = buckets(mixed, "AVG")
    assert found == {0: 3.0, 1: 1.75, 2: 1.75, 3: 0.0, 4: 6.25, 6: 9.0}
    assert all(isinstance(value, float) for value in found.values())


def test_sum_is_whole_unless_a_double_is_in_it(mixed):
    found = buckets(mixed, "SUM")
    assert found == {0: 9, 1: 3.5, 2: 3.5, 3: 0, 4: 12.5, 6: 9}
    assert isinstance(found[0], int) and isinstance(found[6], int)


def test_minimum_and_maximum_prefer_numbers_and_fall_back_to_texts(mixed):
    low, high = buckets(mixed, "MIN"), buckets(mixed, "MAX")
    assert (low[0], high[0]) == (1, 6)
    assert (low[2], high[2]) == (1, 2.5)
    assert (low[3], high[3]) == ("a", "c")
    assert (low[4], high[4]) == (5, 7.5)


def test_count_prefers_booleans_then_texts(mixed):
    assert buckets(mixed, "COUNT") == {0: 3, 1: 2, 2: 2, 3: 3, 4: 2, 6: 1}


def test_empty_buckets_are_absent(mixed):
    assert 5 not in buckets(mixed, "COUNT")
    assert aggregate(mixed, "v", 0, 1000, 1000, "COUNT") == []


def test_interval_0_gives_the_points_themselves(mixed):
    assert len(aggregate(mixed, "v", T0, T0 + 1000, 0, "AVG")) == 3


def test_bucket_timestamp_is_its_middle_and_the_last_one_is_shortened(device):
    device.save([{"ts": T0 + n * 60_000, "values": {"n": n}} for n in range(1, 11)])
    found = aggregate(device, "n", T0, T0 + 660_000, 300_000, "SUM")
    assert found == [(T0 + 150_000, 10), (T0 + 450_000, 35), (T0 + 630_000, 10)]


def test_700_buckets_are_the_limit(device):
    device.save({"ts": T0, "values": {"v": 1}})
    query = {"keys": "v", "startTs": T0, "interval": 1000, "agg": "AVG"}
    path = device.path + "/values/timeseries"
    assert device.rest.call("GET", path, params={**query, "endTs": T0 + 700_000}).status_code == 200
    over = device.rest.call("GET", path, params={**query, "endTs": T0 + 701_000})
    assert over.status_code == 400
    assert over.text.strip('"').startswith("Incorrect TsKvQuery. Number of intervals is to high - 701")


def milliseconds(zone, *date):
    return int(datetime.datetime(*date, tzinfo=zoneinfo.ZoneInfo(zone)).timestamp() * 1000)


def calendar(device, kind, zone, start, end):
    """Counts by calendar bucket, with the middles that the boundaries make."""
    return aggregate(device, "v", start, end, 0, "COUNT", intervalType=kind, timeZone=zone)


@pytest.mark.parametrize("kind,boundary", [("WEEK", (2024, 3, 10)), ("WEEK_ISO", (2024, 3, 11))])
def test_weeks_end_on_sunday_or_monday_of_the_zone(device, kind, boundary):
    zone = "America/New_York"
    start, end = milliseconds(zone, 2024, 3, 7), milliseconds(zone, 2024, 3, 14)
    edge = milliseconds(zone, *boundary)
    device.save([{"ts": ts, "values": {"v": 1}} for ts in (start, edge - 1, edge, end - 1)])
    assert calendar(device, kind, zone, start, end) == [
        (start + (edge - start) // 2, 2), (edge + (end - edge) // 2, 2)]


def test_months_end_at_local_midnight_across_a_clock_change(device):
    zone = "Europe/Berlin"
    edges = [milliseconds(zone, 2024, month, 1) for month in (3, 4, 5)]
    assert edges[1] - edges[0] == (31 * 24 - 1) * 3_600_000
    device.save([{"ts": ts, "values": {"v": 1}} for ts in (edges[0], edges[1] - 1, edges[1], edges[2] - 1)])
    assert calendar(device, "MONTH", zone, edges[0], edges[2]) == [
        (edges[0] + (edges[1] - edges[0]) // 2, 2), (edges[1] + (edges[2] - edges[1]) // 2, 2)]


def test_quarters(device):
    zone = "UTC"
    edges = [milliseconds(zone, 2024, 1, 1), milliseconds(zone, 2024, 4, 1), milliseconds(zone, 2024, 5, 1)]
    device.save([{"ts": ts, "values": {"v": 1}} for ts in (edges[0], edges[1] - 1, edges[1])])
    assert calendar(device, "QUARTER", zone, edges[0], edges[2]) == [
        (edges[0] + (edges[1] - edges[0]) // 2, 2), (edges[1] + (edges[2] - edges[1]) // 2, 1)]


# Deletion

def test_deleted_range_gives_the_latest_back_to_the_newest_point_before_it(device):
    device.save([{"ts": T0 + n * 1000, "values": {"v": n}} for n in range(10)])
    device.rest.ok("DELETE", f"{device.path}/timeseries/delete?keys=v&deleteAllDataForKeys=false&startTs={T0 + 7000}"
                             f"&endTs={T0 + 20_000}&rewriteLatestIfDeleted=true")
    assert device.latest_point("v") == (T0 + 6000, 6)
    assert [v for _, v in device.history("v", T0, T0 + 20_000)] == [6, 5, 4, 3, 2, 1, 0]


def test_all_data_of_a_key_can_be_deleted(device):
    device.save({"ts": T0, "values": {"gone": 1, "kept": 2}})
    device.rest.ok("DELETE", f"{device.path}/timeseries/delete?keys=gone&deleteAllDataForKeys=true")
    assert device.rest.ok("GET", device.path + "/keys/timeseries") == ["kept"]
    assert device.history("gone", 0, T0 + 1) == []


# Attributes

def test_attributes_are_replaced_and_deleted_by_key(device):
    path = device.path + "/attributes/SERVER_SCOPE"
    device.rest.ok("POST", path, {"a": 1, "b": "x", "c": True, "d": 1.5, "j": {"k": [1]}})
    device.rest.ok("POST", path, {"a": "now text"})
    found = device.attributes("SERVER_SCOPE")
    assert {key: found[key] for key in "abcdj"} == {"a": "now text", "b": "x", "c": True, "d": 1.5, "j": {"k": [1]}}
    device.rest.ok("DELETE", device.path + "/SERVER_SCOPE?keys=a,b")
    assert {"c", "d", "j"} <= device.attributes("SERVER_SCOPE").keys()
    assert not {"a", "b"} & device.attributes("SERVER_SCOPE").keys()


def test_an_attribute_that_is_saved_and_deleted_at_once_is_one_or_the_other(rest, device):
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/SERVER_SCOPE"

    def change(number):
        if number % 2:
            return rest.call("DELETE", path + "?keys=contested").status_code
        return rest.call("POST", path, {"contested": number, f"kept{number}": number}).status_code
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(change, range(100))) == {200}
    # Nobody changes it any more: every look gives the same, and a change is seen by the next one.
    seen = [device.attributes("SERVER_SCOPE") for _ in range(5)]
    assert all(one == seen[0] for one in seen) and len([key for key in seen[0] if key.startswith("kept")]) == 50
    assert rest.call("DELETE", path + "?keys=contested").status_code == 200
    assert "contested" not in device.attributes("SERVER_SCOPE")
    assert rest.call("POST", path, {"contested": "last"}).status_code == 200
    assert device.attributes("SERVER_SCOPE")["contested"] == "last"


def test_values_of_a_deleted_device_are_out_of_reach(rest, device):
    device.save({"v": 1})
    rest.ok("DELETE", "/api/device/" + device.id)
    assert rest.call("GET", device.path + "/values/timeseries").status_code == 404


def test_qos_0_and_qos_1_of_one_connection_share_the_order(connect, device):
    connection = connect(device.token)
    for n in range(100):
        connection.publish(TELEMETRY, {"ts": T0, "values": {"v": n}}, qos=n % 2)
    for n in range(1, 100, 2):
        assert connection.puback(n + 1) == 0
    assert device.history("v", T0, T0 + 1) == [(T0, 99)]
