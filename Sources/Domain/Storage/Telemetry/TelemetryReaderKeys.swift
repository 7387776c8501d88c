internal import Model
internal import Postgres
internal import Synchronization

/// Numbers of keys for those who read: looked up, never made (`persistence.md` 17, 5), and remembered.
///
/// A key never changes its number, so what is remembered stays right. Unknown keys are asked for again.
final class TelemetryReaderKeys: Sendable {
    private static let capacity = 20_000
    private let known = Mutex<[String: Int32]>([:])

    /// The numbers of those of `names` that have one.
    ///
    /// - Parameter remembering: `false` inside a transaction that makes keys: they are gone when it fails.
    func numbers(
        of names: [String], on runner: any StatementRunner, remembering: Bool = true
    ) async throws -> [String: Int32] {
        var numbers: [String: Int32] = [:]
        var missing: [String] = []
        known.withLock { known in
            for name in names {
                if let number = known[name] { numbers[name] = number } else { missing.append(name) }
            }
        }
        guard !missing.isEmpty else { return numbers }
        let rows = try await runner.query(
            "SELECT key, key_id FROM key_dictionary WHERE key = ANY($1)", [.textArray(missing)])
        var found: [(String, Int32)] = []
        for row in rows {
            guard let name = row.text(0), let number = row.int4(1) else { continue }
            found.append((name, number))
            numbers[name] = number
        }
        guard remembering else { return numbers }
        known.withLock { known in
            if known.count + found.count > Self.capacity { known.removeAll() }
            for (name, number) in found { known[name] = number }
        }
        return numbers
    }

    /// The numbers of all of `names`; made where there is none.
    func numbersCreating(
        _ names: [String], on runner: any StatementRunner, remembering: Bool
    ) async throws -> [String: Int32] {
        let numbers = try await self.numbers(of: names, on: runner, remembering: remembering)
        let missing = names.filter { numbers[$0] == nil }
        guard !missing.isEmpty else { return numbers }
        _ = try await runner.query(
            "INSERT INTO key_dictionary (key) SELECT DISTINCT unnest($1::text[]) ON CONFLICT DO NOTHING",
            [.textArray(missing)])
        return try await self.numbers(of: names, on: runner, remembering: remembering)
    }
}
