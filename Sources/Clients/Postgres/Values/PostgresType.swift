/// A type of the server's catalogue by its object identifier (`pg_type.oid`), fixed for built-in types.
public struct PostgresType: Hashable, Sendable, RawRepresentable {
    public let rawValue: UInt32
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
    @inlinable init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// Left to the server to infer.
    public static let unspecified = PostgresType(0)
    public static let bool = PostgresType(16)
    public static let bytea = PostgresType(17)
    public static let int8 = PostgresType(20)
    public static let int2 = PostgresType(21)
    public static let int4 = PostgresType(23)
    public static let text = PostgresType(25)
    public static let oid = PostgresType(26)
    public static let json = PostgresType(114)
    public static let float4 = PostgresType(700)
    public static let float8 = PostgresType(701)
    public static let varchar = PostgresType(1043)
    public static let numeric = PostgresType(1700)
    public static let uuid = PostgresType(2950)
    public static let jsonb = PostgresType(3802)

    /// The array type over an element type, where this client can send it.
    public var array: PostgresType? {
        switch self {
        case .bool: PostgresType(1000)
        case .bytea: PostgresType(1001)
        case .int2: PostgresType(1005)
        case .int4: PostgresType(1007)
        case .text: PostgresType(1009)
        case .int8: PostgresType(1016)
        case .float8: PostgresType(1022)
        case .json: PostgresType(199)
        case .uuid: PostgresType(2951)
        case .jsonb: PostgresType(3807)
        default: nil
        }
    }
}
