/// The values of the variables in a route's pattern, decoded, in the order of the pattern.
public struct PathParameters: Sendable {
    let names: [String]
    let values: [String]

    init(names: [String], values: [String]) {
        self.names = names
        self.values = values
    }

    /// Parameters that did not come from a route, for tests of handlers.
    public init(_ parameters: KeyValuePairs<String, String>) {
        self.init(names: parameters.map(\.key), values: parameters.map(\.value))
    }

    /// The value of `{name}`. The name must stand in the route's pattern: whoever wrote the handler wrote the pattern.
    public subscript(name: String) -> String {
        guard let index = names.firstIndex(of: name) else {
            preconditionFailure("the pattern has no variable \(name), it has \(names)")
        }
        return values[index]
    }

    public func value(_ name: String) -> String? {
        names.firstIndex(of: name).map { values[$0] }
    }
}
