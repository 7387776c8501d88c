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
        devices: Range<Int>, payload: PayloadType, reportingTo progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws(RESTError) -> Outcome {
        let profile = try await api.deviceProfile(named: payload)
        let created = Counter()
        let identifiers = try await forEach(devices, reportingTo: progress) { number throws(RESTError) -> String in
            let name = LoadTestOptions.deviceName(number)
            if let id = try await api.device(named: name) { return id }
            created.increment()
            return try await api.createDevice(named: name, profile: profile)
        }
        return Outcome(identifiers: identifiers, created: created.value)
    }

    /// Makes the gateways that are missing.
    func provision(gateways: Range<Int>, payload: PayloadType) async throws(RESTError) -> Outcome {
        let profile = try await api.deviceProfile(named: payload)
        let created = Counter()
        let identifiers = try await forEach(gateways) { number throws(RESTError) -> String in
            let name = LoadTestOptions.gatewayName(number)
            if let id = try await api.device(named: name) { return id }
            created.increment()
            return try await api.createDevice(named: name, profile: profile, isGateway: true)
        }
        return Outcome(identifiers: identifiers, created: created.value)
    }

    /// Identifiers of gateways that are there; empty for those that are not.
    func lookUp(gateways: Range<Int>) async throws(RESTError) -> [String] {
        try await forEach(gateways) { number throws(RESTError) -> String in
            try await api.device(named: LoadTestOptions.gatewayName(number)) ?? ""
        }
    }

    /// Identifiers of devices that are there; empty for those that are not.
    func lookUp(devices: some Collection<Int> & Sendable) async throws(RESTError) -> [String] {
        try await forEach(devices) { number throws(RESTError) -> String in
            try await api.device(named: LoadTestOptions.deviceName(number)) ?? ""
        }
    }

    func delete(identifiers: [String]) async throws(RESTError) {
        _ = try await forEach(identifiers.filter { !$0.isEmpty }) { id throws(RESTError) -> Void in
            try await api.deleteDevice(id)
        }
    }

    /// Runs `body` for every element, a few at a time, and returns the results in order. The first failure ends it.
    func forEach<Element: Sendable, Result: Sendable>(
        _ elements: some Collection<Element> & Sendable,
        reportingTo progress: @escaping @Sendable (Int) -> Void = { _ in },
        _ body: @escaping @Sendable (Element) async throws(RESTError) -> Result
    ) async throws(RESTError) -> [Result] {
        let elements = Array(elements)
        let work = WorkList<Result>(count: elements.count)
        await withTaskGroup { group in
            for _ in 0..<min(Self.parallelCalls, elements.count) {
                group.addTask {
                    while let index = work.next() {
                        do throws(RESTError) {
                            work.finish(index, try await body(elements[index]))
                        } catch {
                            work.fail(error)
                        }
                        if index % 100 == 99 { progress(index + 1) }
                    }
                }
            }
        }
        return try work.results()
    }
}

/// Numbered pieces of work that several tasks take from, and what came out.
private final class WorkList<Result: Sendable>: Sendable {
    private struct State {
        var taken = 0
        var results: [Result?]
        var failure: RESTError?
    }

    private let state: Mutex<State>

    init(count: Int) { state = Mutex(State(results: Array(repeating: nil, count: count))) }

    /// A piece that nobody has taken; `nil` when none is left or one has failed.
    func next() -> Int? {
        state.withLock { state in
            guard state.failure == nil, state.taken < state.results.count else { return nil }
            defer { state.taken += 1 }
            return state.taken
        }
    }

    func finish(_ index: Int, _ result: Result) { state.withLock { $0.results[index] = result } }

    /// The first failure is kept.
    func fail(_ error: RESTError) { state.withLock { $0.failure = $0.failure ?? error } }

    /// All results in order, or the failure.
    func results() throws(RESTError) -> [Result] {
        let (results, failure) = state.withLock { ($0.results, $0.failure) }
        if let failure { throw failure }
        return results.compactMap { $0 }
    }
}

private final class Counter: Sendable {
    private let count = Atomic(0)
    func increment() { count.add(1, ordering: .relaxed) }
    var value: Int { count.load(ordering: .relaxed) }
}
