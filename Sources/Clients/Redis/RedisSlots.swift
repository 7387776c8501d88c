/// Which of a cluster's 16 384 slots a key belongs to, and who serves them.
struct RedisSlots {
    static let count = 16_384

    /// By slot: an index into ``addresses``, or -1.
    private var owners = [Int16](repeating: -1, count: Self.count)
    private(set) var addresses: [RedisAddress] = []

    func address(of slot: Int) -> RedisAddress? {
        owners[slot] < 0 ? nil : addresses[Int(owners[slot])]
    }

    mutating func assign(_ slots: ClosedRange<Int>, to address: RedisAddress) {
        let index = addresses.firstIndex(of: address) ?? addresses.count
        if index == addresses.count { addresses.append(address) }
        for slot in slots.clamped(to: 0...Self.count - 1) { owners[slot] = Int16(index) }
    }

    /// The answer to `CLUSTER SLOTS`; `nil` when it is none.
    ///
    /// - Parameter asked: Whom an entry without a host means.
    init?(_ reply: RedisValue, asked: RedisAddress) {
        guard let entries = reply.arrayValue else { return nil }
        for entry in entries {
            guard let parts = entry.arrayValue, parts.count >= 3, let first = parts[0].integerValue,
                let last = parts[1].integerValue, (0...last).contains(first), last < Self.count,
                let node = parts[2].arrayValue, node.count >= 2, let port = node[1].integerValue
            else { return nil }
            let host = node[0].text ?? ""
            assign(
                Int(first)...Int(last), to: RedisAddress(host: host.isEmpty ? asked.host : host, port: Int(port)))
        }
    }

    init() {}

    /// CRC16 of the key, or of what stands between its first braces.
    static func slot(of key: [UInt8]) -> Int {
        var part = key[...]
        if let open = key.firstIndex(of: UInt8(ascii: "{")),
            let close = key[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        {
            part = key[(open + 1)..<close]
        }
        return Int(checksum(part)) % count
    }

    /// CRC-16/XMODEM.
    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        var checksum: UInt16 = 0
        for byte in bytes {
            checksum ^= UInt16(byte) << 8
            for _ in 0..<8 { checksum = checksum & 0x8000 != 0 ? checksum << 1 ^ 0x1021 : checksum << 1 }
        }
        return checksum
    }

    /// `MOVED 3999 127.0.0.1:6381` and `ASK …`: who serves the slot.
    static func redirection(_ words: String, asked: RedisAddress) -> (isAsk: Bool, slot: Int, address: RedisAddress)? {
        let parts = words.split(separator: " ")
        guard parts.count >= 3, parts[0] == "MOVED" || parts[0] == "ASK", let slot = Int(parts[1]),
            (0..<count).contains(slot)
        else { return nil }
        // An empty host means the one that was asked.
        let text = parts[2].hasPrefix(":") ? asked.host + parts[2] : String(parts[2])
        guard let address = RedisAddress(text) else { return nil }
        return (parts[0] == "ASK", slot, address)
    }
}
