/// The version of the tables, as stored in `tb_schema_settings`:
/// major·10⁹ + minor·10⁶ + maintenance·10³ + patch.
public struct SchemaVersion: RawRepresentable, Comparable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }

    public init(_ major: Int, _ minor: Int, _ maintenance: Int = 0, _ patch: Int = 0) {
        rawValue =
            Int64(major) * 1_000_000_000 + Int64(minor) * 1_000_000 + Int64(maintenance) * 1000 + Int64(patch)
    }

    public static func < (a: SchemaVersion, b: SchemaVersion) -> Bool { a.rawValue < b.rawValue }

    public var description: String {
        "\(rawValue / 1_000_000_000).\(rawValue / 1_000_000 % 1000).\(rawValue / 1000 % 1000).\(rawValue % 1000)"
    }
}
