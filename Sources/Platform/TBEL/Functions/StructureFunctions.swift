/// What values are, and other forms of maps.
enum StructureFunctions {
    static func call(_ function: FunctionName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value {
        switch function {
        case .isMap:
            if case .map = arguments[0] { return .bool(true) }
            return .bool(false)
        case .isSet:
            if case .set = arguments[0] { return .bool(true) }
            return .bool(false)
        case .isList:
            if case .list(let list) = arguments[0] { return .bool(list.element == nil) }
            return .bool(false)
        case .isArray:
            if case .list(let list) = arguments[0] { return .bool(list.element != nil) }
            return .bool(false)
        case .newSet: return .set(try SetObject(machine))
        case .toSet: return .set(try MapMethods.set(try arguments[0].collectionArgument(), machine))
        default: return try toFlatMap(arguments, machine)
        }
    }

    /// One map of all that is in maps and lists inside each other, with paths as keys.
    private static func toFlatMap(_ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value {
        guard case .map(let source) = arguments[0] else {
            throw .runtime("cannot convert \(arguments[0].typeName) to Map")
        }
        var excluded: [String] = []
        var pathInKey = true
        for argument in arguments.dropFirst() {
            if case .list(let list) = argument {
                for value in list.values { excluded.append(try value.javaText(machine)) }
            } else {
                pathInKey = try argument.boolArgument()
            }
        }
        var flattening = Flattening(
            excluded: excluded, pathInKey: pathInKey, result: try MapObject(machine), machine: machine)
        try flattening.flatten(.map(source), path: "", depth: 0)
        return .map(flattening.result)
    }

    private struct Flattening {
        let excluded: [String]
        let pathInKey: Bool
        let result: MapObject
        let machine: Machine

        mutating func flatten(_ value: Value, path: String, depth: Int) throws(TBELError) {
            guard depth < TBELLimits.depth else { throw .runtime("Too many lists and maps inside each other") }
            try machine.step()
            switch value {
            case .map(let map):
                for place in 0..<map.count {
                    let key = try map.key(at: place).javaText(machine)
                    if excluded.contains(where: { sameText($0, key) }) { continue }
                    let prefix = JavaText.isBlank(path) ? path : path + "."
                    try flatten(map.value(at: place), path: prefix + key, depth: depth + 1)
                }
            case .list(let list) where list.element == nil: try flatten(list.values, path, depth)
            case .set(let set): try flatten(set.values, path, depth)
            default:
                try machine.makeText(of: path.utf8.count)
                try result.put(.text(pathInKey ? path : lastParts(of: path)), value)
            }
        }

        private mutating func flatten(_ values: [Value], _ path: String, _ depth: Int) throws(TBELError) {
            for (index, value) in values.enumerated() {
                try flatten(value, path: "\(path).\(index)", depth: depth + 1)
            }
        }

        /// The last name of a path, together with the index behind it.
        private func lastParts(of path: String) -> String {
            let parts = path.split(separator: ".", omittingEmptySubsequences: false)
            guard let last = parts.last, parts.count > 1, !last.isEmpty, last.utf8.allSatisfy(Lexer.isDigit) else {
                return String(parts.last ?? "")
            }
            return "\(parts[parts.count - 2]).\(last)"
        }
    }
}
