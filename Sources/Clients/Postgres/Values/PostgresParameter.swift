/// One value of a statement's `$n`, sent in binary.
public enum PostgresParameter: Sendable {
    /// SQL NULL of the type that the server infers; cast in the statement (`$1::uuid`) where it cannot.
    case null
    case boolean(Bool)
    case int4(Int32)
    case int8(Int64)
    case double(Double)
    case text(String)
    case json(String)
    case jsonb(String)
    case uuid(high: UInt64, low: UInt64)
    case bytes([UInt8])
    /// Any one-dimensional array, NULL elements included; for batches built element by element.
    case array(PostgresArray)

    public static func uuidArray(_ values: [(high: UInt64, low: UInt64)]) -> PostgresParameter {
        var array = PostgresArray(of: .uuid, capacity: values.count)
        for value in values { array.append(uuidHigh: value.high, low: value.low) }
        return .array(array)
    }

    public static func textArray(_ values: [String]) -> PostgresParameter {
        var array = PostgresArray(of: .text, capacity: values.count)
        for value in values { array.append(text: value) }
        return .array(array)
    }

    public static func int4Array(_ values: [Int32]) -> PostgresParameter {
        var array = PostgresArray(of: .int4, capacity: values.count)
        for value in values { array.append(value) }
        return .array(array)
    }

    public static func int8Array(_ values: [Int64]) -> PostgresParameter {
        var array = PostgresArray(of: .int8, capacity: values.count)
        for value in values { array.append(value) }
        return .array(array)
    }

    public static func doubleArray(_ values: [Double]) -> PostgresParameter {
        var array = PostgresArray(of: .float8, capacity: values.count)
        for value in values { array.append(value) }
        return .array(array)
    }

    /// The type announced to the server.
    public var type: PostgresType {
        switch self {
        case .null: .unspecified
        case .boolean: .bool
        case .int4: .int4
        case .int8: .int8
        case .double: .float8
        case .text: .text
        case .json: .json
        case .jsonb: .jsonb
        case .uuid: .uuid
        case .bytes: .bytea
        case .array(let array): array.type
        }
    }
}

extension PostgresParameter: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral {
    public init(stringLiteral value: String) { self = .text(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    public init(nilLiteral: ()) { self = .null }
}

extension Optional where Wrapped == PostgresParameter {
    /// The parameter, or NULL: `name.map(PostgresParameter.text).orNull`.
    public var orNull: PostgresParameter { self ?? .null }
}
