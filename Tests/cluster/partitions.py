"""Which partition an entity falls into, and which service owns it: section 4.3 of cluster.md, and the cluster's rendezvous hashing."""
import json
import re
import struct
import subprocess
import uuid

MASK = (1 << 64) - 1


def rotate(value, bits):
    return (value << bits | value >> (64 - bits)) & MASK


def mix(value):
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        value = (value ^ value >> 33) * factor & MASK
    return value ^ value >> 33


def murmur3(data):
    """MurmurHash3 x64 128 with seed 0, as two words."""
    c1, c2, h1, h2 = 0x87C37B91114253D5, 0x4CF5AD432745937F, 0, 0
    whole = len(data) // 16 * 16
    for offset in range(0, whole, 16):
        k1, k2 = struct.unpack_from("<QQ", data, offset)
        h1 ^= rotate(k1 * c1 & MASK, 31) * c2 & MASK
        h1 = ((rotate(h1, 27) + h2) * 5 + 0x52DCE729) & MASK
        h2 ^= rotate(k2 * c2 & MASK, 33) * c1 & MASK
        h2 = ((rotate(h2, 31) + h1) * 5 + 0x38495AB5) & MASK
    tail = data[whole:].ljust(16, b"\0")
    k1, k2 = struct.unpack("<QQ", tail)
    h2 ^= rotate(k2 * c2 & MASK, 33) * c1 & MASK
    h1 ^= rotate(k1 * c1 & MASK, 31) * c2 & MASK
    h1 ^= len(data)
    h2 ^= len(data)
    h1 = (h1 + h2) & MASK
    h2 = (h2 + h1) & MASK
    h1, h2 = mix(h1), mix(h2)
    h1 = (h1 + h2) & MASK
    return h1, (h2 + h1) & MASK


def hash32(identifier):
    high, low = struct.unpack(">QQ", uuid.UUID(identifier).bytes)
    word, = struct.unpack("<i", struct.pack("<Q", murmur3(struct.pack("<QQ", high, low))[0])[:4])
    return word


def partition(identifier, count=10):
    return abs(hash32(identifier)) % count


def owner(number, members, queue="core"):
    """The member that owns a partition of a queue."""
    return max(sorted(members, reverse=True),
               key=lambda member: murmur3(f"{member}\0{queue}\0{number}".encode())[0])


def core_of(device, members=("core-node-1", "core-node-2")):
    return owner(partition(device), members)


def records(bootstrap, topic):
    """(partition, key, value) of every record of a topic."""
    raw = subprocess.run(["kcat", "-C", "-q", "-e", "-b", bootstrap, "-t", topic, "-o", "beginning", "-f", "@%p|%K|%k|%S|%s"],
                         capture_output=True, check=True, timeout=60).stdout
    found, at = [], 0
    head = re.compile(rb"@(\d+)\|(-?\d+)\|")
    while at < len(raw):
        match = head.match(raw, at)
        assert match, raw[at:at + 100]
        number, length = int(match[1]), max(0, int(match[2]))
        key = raw[match.end():match.end() + length]
        rest = re.compile(rb"\|(-?\d+)\|").match(raw, match.end() + length)
        size = max(0, int(rest[1]))
        found.append((number, key, raw[rest.end():rest.end() + size]))
        at = rest.end() + size
    return found


def topics(bootstrap):
    listing = json.loads(subprocess.run(["kcat", "-L", "-J", "-b", bootstrap], capture_output=True, check=True).stdout)
    return {topic["topic"]: len(topic["partitions"]) for topic in listing["topics"]}
