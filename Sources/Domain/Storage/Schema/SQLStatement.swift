public import Model
public import Postgres

/// A statement with its parameters, as a value: made in one place, run on a blocking connection or on the pool.
public struct SQLStatement: Sendable {
    public var text: String
    public var parameters: [PostgresParameter]

    public init(_ text: String, _ parameters: [PostgresParameter] = []) {
        self.text = text
        self.parameters = parameters
    }

    /// Whether running it twice is the same as running it once: it reads, and takes neither locks nor numbers of a sequence.
    var onlyReads: Bool {
        let text = text.drop { $0 == " " || $0 == "\n" }
        guard text.hasPrefix("SELECT") || text.hasPrefix("WITH") else { return false }
        let effects = ["INSERT ", "UPDATE", "DELETE ", "FOR SHARE", "nextval", "setval", "set_config", "pg_"]
        return !effects.contains { text.contains($0) }
    }
}

extension PostgresParameter {
    public static func uuid(_ value: UUID128) -> PostgresParameter { .uuid(high: value.high, low: value.low) }
    public static func uuid(_ value: some EntityIdentifier) -> PostgresParameter { .uuid(value.uuid) }

    public static func uuidArray(_ values: some Sequence<UUID128>) -> PostgresParameter {
        var array = PostgresArray(of: .uuid, capacity: values.underestimatedCount)
        for value in values { array.append(uuidHigh: value.high, low: value.low) }
        return .array(array)
    }

    /// Text, or NULL.
    public static func optionalText(_ value: String?) -> PostgresParameter { value.map(PostgresParameter.text).orNull }
    /// An identifier, or NULL.
    public static func optionalUUID(_ value: UUID128?) -> PostgresParameter {
        value.map { PostgresParameter.uuid($0) }.orNull
    }
}

extension PostgresRow {
    public func uuid128(_ column: Int) -> UUID128? { uuid(column).map { UUID128(high: $0.high, low: $0.low) } }
    public func uuid128(_ name: String) -> UUID128? { uuid128(column(name)) }
}

extension PostgresConnection {
    /// Runs statements one after another. Blocks. Wrap in a transaction where they belong together.
    public func run(_ statements: some Sequence<SQLStatement>) throws(PostgresError) {
        for statement in statements { try query(statement.text, statement.parameters) }
    }
}
