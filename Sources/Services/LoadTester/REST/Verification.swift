/// Reads the messages of a ledger back.
struct Verification: Sendable {
    let api: PlatformAPI
    /// How long a message may take to become readable.
    let grace: Duration

    /// Points of one page of history.
    private static let pageSize = 10_000

    func verify(
        _ ledger: LedgerContents, reportingTo progress: @escaping @Sendable (Int) -> Void
    ) async throws(RESTError) -> VerificationResult {
        let clock = ContinuousClock()
        let began = clock.now
        let provisioning = Provisioning(api: api)
        let keys = Self.checkedKeys(of: ledger.payload)
        let results = try await provisioning.forEach(ledger.devices, reportingTo: progress) {
            device throws(RESTError) -> VerificationResult in
            try await verify(device: Int(device.device), device.timestamps, keys)
        }
        var total = VerificationResult()
        for result in results { total.add(result) }
        let took = clock.now - began
        total.seconds = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        return total
    }

    /// All keys of a small document; of a large one the first and the last.
    static func checkedKeys(of payload: PayloadType) -> [String] {
        let keys = payload.keys
        return keys.count <= 5 ? keys : [keys[0], keys[keys.count - 1]]
    }

    private func verify(
        device number: Int, _ timestamps: [Int64], _ keys: [String]
    ) async throws(RESTError) -> VerificationResult {
        var result = VerificationResult()
        result.acknowledged = timestamps.count
        guard let id = try await api.device(named: LoadTestOptions.deviceName(number)) else {
            result.unreadableDevices = 1
            return result
        }
        var missing = try await missing(timestamps, device: id, keys)
        let atFirst = missing.count
        let clock = ContinuousClock()
        let deadline = clock.now + grace
        while !missing.isEmpty, clock.now < deadline {
            // A failed sleep means that the task was cancelled: then this is the last look.
            guard (try? await clock.sleep(for: .milliseconds(500))) != nil else { break }
            missing = try await self.missing(missing, device: id, keys)
        }
        result.stored = timestamps.count - missing.count
        result.late = atFirst - missing.count
        result.examples = missing.prefix(10).map { LedgerRecord(device: UInt32(number), timestamp: $0) }
        return result
    }

    /// Those of `timestamps`, which ascend, at which not every one of `keys` has a value.
    private func missing(
        _ timestamps: [Int64], device id: String, _ keys: [String]
    ) async throws(RESTError) -> [Int64] {
        guard let first = timestamps.first, let last = timestamps.last else { return [] }
        var stored = [[Int64]](repeating: [], count: keys.count)
        var start = first
        while start <= last {
            let page = try await api.history(device: id, keys: keys, start: start, end: last + 1, limit: Self.pageSize)
            // Where a key's page is full, what lies behind it is not known yet, for no key.
            let end = page.filter { $0.count >= Self.pageSize }.compactMap(\.last).min() ?? last
            for (index, points) in page.enumerated() { stored[index] += points.prefix { $0 <= end } }
            start = end + 1
        }
        return stored.reduce([]) { Self.merge($0, Self.difference(timestamps, $1)) }
    }

    /// Elements of `wanted` that are not in `found`; both ascend.
    static func difference(_ wanted: [Int64], _ found: [Int64]) -> [Int64] {
        var rest: [Int64] = []
        var index = 0
        for value in wanted {
            while index < found.count, found[index] < value { index += 1 }
            if index == found.count || found[index] != value { rest.append(value) }
        }
        return rest
    }

    /// Elements of either; both ascend.
    static func merge(_ a: [Int64], _ b: [Int64]) -> [Int64] {
        guard !a.isEmpty else { return b }
        guard !b.isEmpty else { return a }
        return Set(a).union(b).sorted()
    }
}
