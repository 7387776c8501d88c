internal import Glibc
public import Model
internal import Postgres

extension UUID128 {
    /// A new identifier (version 7) for something created now: identifiers sort as they were made, to the quarter of a
    /// microsecond, which lists without a sort order rely on (`rest-api.md` 2.2).
    public static func ordered() -> UUID128 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return ordered(
            milliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000,
            fraction: UInt64(now.tv_nsec) % 1_000_000 * 4096 / 1_000_000)
    }

    /// One that was made at `milliseconds` since 1970.
    ///
    /// - Parameter fraction: Of the millisecond, in 4096ths.
    static func ordered(milliseconds: Int64, fraction: UInt64 = 0) -> UUID128 {
        UUID128(
            high: UInt64(bitPattern: milliseconds) << 16 | 0x7000 | fraction,
            low: UInt64.random(in: 0...UInt64.max) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }
}

/// The wall clock.
public enum CurrentTime {
    /// Milliseconds since 1970.
    public static var milliseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}

// MARK: - In statements

extension PostgresParameter {
    static func id(_ uuid: UUID128) -> PostgresParameter { .uuid(high: uuid.high, low: uuid.low) }
    static func id(_ identifier: some EntityIdentifier) -> PostgresParameter { .id(identifier.uuid) }
    static func id(_ uuid: UUID128?) -> PostgresParameter { uuid.map { .id($0) } ?? .null }
    static func ids(_ uuids: [UUID128]) -> PostgresParameter { .uuidArray(uuids.map { ($0.high, $0.low) }) }
    static func text(_ text: String?) -> PostgresParameter { text.map { .text($0) } ?? .null }
    static func int8(_ number: Int64?) -> PostgresParameter { number.map { .int8($0) } ?? .null }
    static func json(text document: RawJSON?) -> PostgresParameter { document.map { .text($0.text) } ?? .null }
    static func jsonb(_ document: RawJSON?) -> PostgresParameter { document.map { .jsonb($0.text) } ?? .null }
}

extension PostgresRow {
    /// The identifier in a column that is never NULL.
    func entity<ID: EntityIdentifier>(_ column: Int) -> ID {
        guard let uuid = id(column) else { preconditionFailure("column \(column) is NULL") }
        return ID(uuid)
    }

    /// A JSON document in a textual or jsonb column; `nil` for NULL and for what earlier versions stored as empty text.
    func document(_ column: Int) -> RawJSON? {
        guard let text = text(column), !text.isEmpty else { return nil }
        return RawJSON(wellFormed: text)
    }
}
