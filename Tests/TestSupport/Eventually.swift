import Reactor

/// A condition did not come true in time.
public struct DeadlinePassed: Error, CustomStringConvertible {
    public let expectation: String
    public var description: String { "waited in vain: \(expectation)" }
}

/// Waits until `condition` holds, looking again every few milliseconds.
///
/// - Throws: ``DeadlinePassed`` when it does not within `limit`.
public func eventually(
    _ expectation: String = "condition", within limit: Duration = .seconds(60),
    _ condition: () async throws -> Bool
) async throws {
    let end = MonotonicTime.now() + limit
    while try await !condition() {
        guard MonotonicTime.now() < end else { throw DeadlinePassed(expectation: expectation) }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// Waits until `value` gives something, and returns it.
public func eventually<Value>(
    _ expectation: String = "value", within limit: Duration = .seconds(60),
    value: () async throws -> Value?
) async throws -> Value {
    let end = MonotonicTime.now() + limit
    while true {
        if let found = try await value() { return found }
        guard MonotonicTime.now() < end else { throw DeadlinePassed(expectation: expectation) }
        try await Task.sleep(for: .milliseconds(2))
    }
}
