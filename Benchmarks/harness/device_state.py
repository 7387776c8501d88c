"""The state of many devices: what it costs to watch them for inactivity, and how exactly that is noticed."""

import subprocess
import time

from programs import Failure, database_of, processor_seconds, standalone
from results import Figure, Series

DEVICES = 100_000
TIMEOUT = 600_000
"""Milliseconds: the platform's default."""
WINDOW = 30_000
"""In which all of them fall silent, milliseconds."""


def device_state(settings) -> list[Figure]:
    with standalone() as platform:
        idle = load(platform, settings)
        # Written while nobody watches; read at the next start.
        prepare(platform)
        restart(platform)
        watched = load(platform, settings)
        silence(platform, int(time.time() * 1000) + 20_000)
        restart(platform)
        late = lateness(platform)
    cost, empty = Series([watched], "%"), Series([idle], "%")
    return [
        Figure(f"processor time, {DEVICES} active devices watched for inactivity", cost, "< 1 % more than none",
               watched < idle + 1, "no devices", empty, "nothing sends; the process without PostgreSQL"),
        Figure(f"inactivity of {DEVICES} devices within {WINDOW // 1000} s: noticed after its time, p50",
               Series([late[0]], "ms"), "-", None, note="from the end of the timeout to `inactivityAlarmTime`"),
        Figure("the same, p99", Series([late[1]], "ms"), "<= 1000 ms", late[1] <= 1000),
        Figure("the same, last", Series([late[2]], "ms"), "<= 1000 ms", late[2] <= 1000),
    ]


def load(platform, settings) -> float:
    """Processor time in percent of one core."""
    time.sleep(5)
    before, began = processor_seconds(platform.process.pid), time.monotonic()
    time.sleep(max(settings.seconds, 20))
    return (processor_seconds(platform.process.pid) - before) / (time.monotonic() - began) * 100


def restart(platform) -> None:
    platform.terminate(60)
    platform.start()


def sql(platform, statement: str) -> str:
    done = subprocess.run(["psql", "-v", "ON_ERROR_STOP=1", "-qAt", "-d", database_of(platform), "-c", statement],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    if done.returncode != 0:
        raise Failure(done.stdout)
    return done.stdout.strip()


OURS = "SELECT id FROM device WHERE name LIKE 'State %'"


def prepare(platform) -> None:
    """Devices that have just been active, straight into the tables."""
    now = int(time.time() * 1000)
    sql(platform, f"""
        INSERT INTO key_dictionary (key) VALUES ('active'), ('lastActivityTime'), ('inactivityAlarmTime')
            ON CONFLICT DO NOTHING;
        INSERT INTO device (id, created_time, tenant_id, customer_id, device_profile_id, device_data, type, name)
            SELECT gen_random_uuid(), {now} - 86400000, p.tenant_id, '13814000-1dd2-11b2-8080-808080808080', p.id,
                '{{"configuration": {{"type": "DEFAULT"}}, "transportConfiguration": {{"type": "DEFAULT"}}}}', p.name,
                'State ' || n
            FROM generate_series(1, {DEVICES}) n, (
                SELECT p.* FROM device_profile p JOIN tenant t ON t.id = p.tenant_id WHERE p.is_default LIMIT 1) p;
        INSERT INTO attribute_kv (entity_id, attribute_type, attribute_key, bool_v, long_v, last_update_ts)
            SELECT d.id, 2, k.key_id, CASE WHEN k.key = 'active' THEN true END,
                CASE WHEN k.key = 'lastActivityTime' THEN {now} END, {now}
            FROM ({OURS}) d, key_dictionary k WHERE k.key IN ('active', 'lastActivityTime');
        ANALYZE device, attribute_kv""")


def key(name: str) -> str:
    return f"(SELECT key_id FROM key_dictionary WHERE key = '{name}')"


def silence(platform, start: int) -> None:
    """Moves the last activities so that the timeouts end one after the other from `start` on."""
    sql(platform, f"""
        UPDATE attribute_kv a SET long_v = {start} - {TIMEOUT} + o.place * {WINDOW} / {DEVICES}
        FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM ({OURS}) d) o
        WHERE a.entity_id = o.id AND a.attribute_type = 2 AND a.attribute_key = {key("lastActivityTime")}""")


def lateness(platform) -> list[float]:
    """Waits until everybody is inactive; p50, p99 and largest delay in milliseconds."""
    inactive = f"""
        SELECT count(*) FROM attribute_kv a WHERE a.attribute_type = 2 AND a.attribute_key = {key("active")} AND NOT a.bool_v
            AND a.entity_id IN ({OURS})"""
    deadline = time.monotonic() + 180
    while (found := int(sql(platform, inactive))) < DEVICES:
        if time.monotonic() > deadline:
            raise Failure(f"only {found} of {DEVICES} devices are inactive")
        time.sleep(2)
    result = sql(platform, f"""
        SELECT percentile_disc(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY b.long_v - a.long_v - {TIMEOUT})
        FROM attribute_kv a JOIN attribute_kv b USING (entity_id)
        WHERE a.attribute_type = 2 AND b.attribute_type = 2 AND a.attribute_key = {key("lastActivityTime")}
            AND b.attribute_key = {key("inactivityAlarmTime")} AND a.entity_id IN ({OURS})""")
    return [float(number) for number in result.strip("{}").split(",")]
