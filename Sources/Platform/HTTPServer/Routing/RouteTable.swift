/// What is found for a method and a path.
public enum RouteMatch<Value> {
    case found(Value, pattern: String, parameters: PathParameters)
    /// The path is known, the method is not; the methods that are, sorted by name, with HEAD where GET is.
    case methodNotAllowed([HTTPMethod])
    case notFound
}

/// Values by method and path pattern, as a trie of segments in flat arrays.
///
/// A pattern is `/api/device/{deviceId}/credentials`: literal segments, variables, and as the last segment possibly
/// `{name...}`, which takes the rest of the path. Literal segments win over variables, variables over the rest; where
/// the more literal way does not lead to the end, the other is tried. A variable does not match an empty segment.
public struct RouteTable<Value> {
    fileprivate struct Node {
        /// Sorted by label.
        var literals: [(label: String, node: Int)] = []
        var variable: Int?
        /// Routes that end here.
        var routes: [Route] = []
        /// Routes whose last segment takes what is left.
        var rest: [Route] = []
    }

    fileprivate struct Route {
        var method: HTTPMethod
        var pattern: String
        var names: [String]
        var value: Value
    }

    private var nodes = [Node()]

    public init() {}

    /// Adds a route. Two routes with the same method and shape are a mistake in the program.
    public mutating func add(_ method: HTTPMethod, _ pattern: String, _ value: Value) {
        precondition(pattern.first == "/", "a pattern starts with a slash, not as \(pattern)")
        var node = 0
        var names: [String] = []
        var takesRest = false
        for segment in pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            precondition(!takesRest, "only the last segment of \(pattern) can take the rest")
            if segment.first == "{", segment.last == "}" {
                takesRest = segment.hasSuffix("...}")
                names.append(String(segment.dropFirst().dropLast(takesRest ? 4 : 1)))
                if !takesRest { node = variableChild(of: node) }
            } else {
                node = literalChild(of: node, String(segment))
            }
        }
        let route = Route(method: method, pattern: pattern, names: names, value: value)
        let present = takesRest ? nodes[node].rest : nodes[node].routes
        precondition(!present.contains { $0.method == method }, "\(method) \(pattern) is there already")
        if takesRest { nodes[node].rest.append(route) } else { nodes[node].routes.append(route) }
    }

    /// Looks up decoded segments. GET routes also answer HEAD.
    public func match(_ method: HTTPMethod, _ segments: [String]) -> RouteMatch<Value> {
        var values: [String] = []
        var allowed: Set<HTTPMethod> = []
        if let route = find(method, segments[...], at: 0, &values, &allowed) {
            return .found(
                route.value, pattern: route.pattern, parameters: PathParameters(names: route.names, values: values))
        }
        if allowed.isEmpty { return .notFound }
        if allowed.contains(.get) { allowed.insert(.head) }
        return .methodNotAllowed(allowed.sorted { $0.name < $1.name })
    }

    /// All routes, for documentation and tests.
    public var patterns: [(method: HTTPMethod, pattern: String)] {
        nodes.flatMap { $0.routes + $0.rest }.map { ($0.method, $0.pattern) }
    }

    // MARK: - Building

    private mutating func variableChild(of node: Int) -> Int {
        if let child = nodes[node].variable { return child }
        nodes.append(Node())
        nodes[node].variable = nodes.count - 1
        return nodes.count - 1
    }

    private mutating func literalChild(of node: Int, _ label: String) -> Int {
        let position = nodes[node].position(of: label)
        if position < nodes[node].literals.count, nodes[node].literals[position].label == label {
            return nodes[node].literals[position].node
        }
        nodes.append(Node())
        nodes[node].literals.insert((label, nodes.count - 1), at: position)
        return nodes.count - 1
    }

    // MARK: - Matching

    /// The route for what is left of the path; `allowed` collects the methods of routes that would match otherwise.
    private func find(
        _ method: HTTPMethod, _ segments: ArraySlice<String>, at node: Int, _ values: inout [String],
        _ allowed: inout Set<HTTPMethod>
    ) -> Route? {
        guard let segment = segments.first else {
            return choose(nodes[node].routes, method, &allowed)
        }
        let position = nodes[node].position(of: segment)
        if position < nodes[node].literals.count, nodes[node].literals[position].label == segment,
            let route = find(
                method, segments.dropFirst(), at: nodes[node].literals[position].node, &values, &allowed)
        {
            return route
        }
        if let variable = nodes[node].variable, !segment.isEmpty {
            values.append(segment)
            if let route = find(method, segments.dropFirst(), at: variable, &values, &allowed) { return route }
            values.removeLast()
        }
        if let route = choose(nodes[node].rest, method, &allowed) {
            values.append(segments.joined(separator: "/"))
            return route
        }
        return nil
    }

    private func choose(_ routes: [Route], _ method: HTTPMethod, _ allowed: inout Set<HTTPMethod>) -> Route? {
        if let route = routes.first(where: { $0.method == method }) { return route }
        if method == .head, let route = routes.first(where: { $0.method == .get }) { return route }
        for route in routes { allowed.insert(route.method) }
        return nil
    }
}

extension RouteTable.Node {
    /// Where `label` stands among the literals, or would stand.
    fileprivate func position(of label: String) -> Int {
        var low = 0
        var high = literals.count
        while low < high {
            let middle = (low + high) / 2
            if literals[middle].label < label { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension RouteMatch: Sendable where Value: Sendable {}
extension RouteTable: Sendable where Value: Sendable {}
extension RouteTable.Node: Sendable where Value: Sendable {}
extension RouteTable.Route: Sendable where Value: Sendable {}
