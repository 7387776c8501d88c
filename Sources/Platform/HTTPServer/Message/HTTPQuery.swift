/// The decoded parameters of a query (`application/x-www-form-urlencoded`), in order; a name may occur several times.
public struct HTTPQuery: Sendable {
    private let parameters: [(name: String, value: String)]

    /// - Parameter encoded: What stands behind the question mark. A parameter without `=` has an empty value.
    init(encoded: ArraySlice<UInt8>) {
        parameters = encoded.split(separator: UInt8(ascii: "&")).map { part in
            let separator = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            return (
                PercentCoding.decodeForm(part[..<separator]),
                separator == part.endIndex ? "" : PercentCoding.decodeForm(part[(separator + 1)...])
            )
        }
    }

    public init(_ parameters: [(name: String, value: String)] = []) {
        self.parameters = parameters
    }

    public var isEmpty: Bool { parameters.isEmpty }

    /// The value of the first parameter called `name`; nil when there is none.
    public func first(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }

    /// The values of all parameters called `name`.
    public func all(_ name: String) -> [String] {
        parameters.compactMap { $0.name == name ? $0.value : nil }
    }

    /// The names in order, repeated ones once for each time.
    public var names: [String] { parameters.map(\.name) }
}
