internal import Synchronization

/// Creates and deletes the devices of a run, eight calls at a time.
struct Provisioning: Sendable {
    static let parallelCalls = 8

    let api: PlatformAPI

    struct Outcome: Sendable {
        /// Identifier of each device, in the order of the numbers; empty when it is not known.
        var identifiers: [String]
        var created = 0
    }

    /// Makes the profile and whatever device is missing.
    ///
    /// - Parameter progress: called now and then with the number of devices that are done.
    func provision(
        devices: Range<Int>, payload: PayloadType, progress: @escaping @Sendable (Int) -> Void
    ) async throws(RESTError) -> Outcome {
        let profile = try await api.deviceProfile(named: payload)
        let created = Atomic(0)
        let identifiers = try await forEach(devices, progress: progress) { number throws(RESTError) -> String in
            let name = LoadTestOptions.deviceName(number)
            if let id = try await api.device(named: name) { return id }
            created.add(1, ordering: .relaxed)
            return try await api.createDevice(named: name, profile: profile)
        }
        return Outcome(identifiers: identifiers, created: created.load(ordering: .relaxed))
    }

    /// Identifiers of devices that are there; empty for those that are not.
    func lookUp(devices: some Collection<Int> & Sendable) async throws(RESTError) -> [String] {
        try await forEach(devices, progress: { _ in }) { number throws(RESTError) -> String in
            try await api.device(named: LoadTestOptions.deviceName(number)) ?? ""
        }
    }

    func delete(identifiers: [String]) async throws(RESTError) {
        _ = try await forEach(identifiers.filter { !$0.isEmpty }, progress: { _ in }) { id throws(RESTError) -> Void in
            try await api.deleteDevice(id)
        }
    }

    /// Runs `body` for every element, a few at a time, and returns the results in order. The first failure ends it.
    func forEach<Element: Sendable, Result: Sendable>(
        _ elements: some Collection<Element> & Sendable, progress: @escaping @Sendable (Int) -> Void,
        _ body: @escaping @Sendable (Element) async throws(RESTError) -> Result
    ) async throws(RESTError) -> [Result] {
        let elements = Array(elements)
        let next = Atomic(0)
        let results = Mutex<[Result?]>(Array(repeating: nil, count: elements.count))
        let failure = Mutex<RESTError?>(nil)
        await withTaskGroup { group in
            for _ in 0..<min(Self.parallelCalls, elements.count) {
                group.addTask {
                    while failure.withLock({ $0 == nil }) {
                        let index = next.add(1, ordering: .relaxed).oldValue
                        guard index < elements.count else { return }
                        do throws(RESTError) {
                            let result = try await body(elements[index])
                            results.withLock { $0[index] = result }
                        } catch {
                            failure.withLock { $0 = $0 ?? error }
                        }
                        if index % 100 == 99 { progress(index + 1) }
                    }
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
        return results.withLock { $0.compactMap { $0 } }
    }
}
