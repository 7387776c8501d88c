import JSON

/// A path into JSON (`rule-engine.md` 3.5): `$`, then members `.name` or `['name']`, elements `[n]`, from the end `[-n]`,
/// several `[a,b]`, ranges `[a:b]`, all `.*` or `[*]`, the same at any depth `..`, and elements or members chosen by
/// `[?(@.a.b)]` or `[?(@.a.b > 1)]` with `== != < <= > >=` and a number, a text, `true`, `false` or `null`.
struct JSONPath {
    private enum Step {
        case member(String)
        case elements([Int])
        case range(Int?, Int?)
        case all
        case chosen(JSONPathCondition)

        var isDefinite: Bool {
            switch self {
            case .member: true
            case .elements(let indices): indices.count == 1
            case .range, .all, .chosen: false
            }
        }
    }

    private struct Part {
        var step: Step
        /// Whether it is looked for at any depth.
        var isDeep: Bool
    }

    /// Values that a path may lead to.
    private static let maximumValues = 10_000

    private let parts: [Part]

    /// - Throws: What is wrong with the text, or not understood.
    init(_ text: String) throws(RuleNodeConfigurationError) {
        var parser = JSONPathParser(text)
        var parts: [Part] = []
        try parser.expect("$")
        while !parser.isAtEnd {
            let isDeep = parser.skip("..")
            if !isDeep, parser.skip(".") {
                parts.append(Part(step: try Self.named(&parser), isDeep: false))
            } else if parser.skip("[") {
                parts.append(Part(step: try Self.bracket(&parser), isDeep: isDeep))
            } else if isDeep {
                parts.append(Part(step: try Self.named(&parser), isDeep: true))
            } else {
                throw parser.error("a member or an element is missing")
            }
        }
        self.parts = parts
    }

    private static func named(_ parser: inout JSONPathParser) throws(RuleNodeConfigurationError) -> Step {
        parser.skip("*") ? .all : .member(try parser.name())
    }

    /// What stands behind an opening bracket.
    private static func bracket(_ parser: inout JSONPathParser) throws(RuleNodeConfigurationError) -> Step {
        parser.skipBlanks()
        let step: Step
        if parser.skip("*") {
            step = .all
        } else if let name = try parser.quoted() {
            step = .member(name)
        } else if parser.skip("?") {
            parser.skipBlanks()
            try parser.expect("(")
            step = .chosen(try JSONPathCondition(&parser))
            try parser.expect(")")
        } else {
            let first = try parser.integer()
            if parser.skip(":") {
                step = .range(first, try parser.integer())
            } else if let first {
                var indices = [first]
                while parser.skip(",") {
                    guard let next = try parser.integer() else { throw parser.error("a number is missing") }
                    indices.append(next)
                }
                step = .elements(indices)
            } else {
                throw parser.error("a name in quotes or a number is missing")
            }
        }
        parser.skipBlanks()
        try parser.expect("]")
        return step
    }

    /// What it leads to: one value, or a list where it may lead to several.
    ///
    /// - Throws: When there is nothing at a place that it names.
    func value(in root: JSONValue) throws(RuleNodeError) -> JSONValue {
        var values = [root]
        var isDefinite = true
        for (index, part) in parts.enumerated() {
            var next: [JSONValue] = []
            isDefinite = isDefinite && !part.isDeep && part.step.isDefinite
            for value in values {
                let found = next.count
                if part.isDeep {
                    try Self.walk(value) { (value) throws(RuleNodeError) in try Self.step(part.step, value, &next) }
                } else {
                    try Self.step(part.step, value, &next)
                }
                let wasDefinite = parts[..<index].allSatisfy { !$0.isDeep && $0.step.isDefinite }
                guard next.count == found, wasDefinite, !part.isDeep else { continue }
                // Where one place is named, something must be there; also something to choose from.
                let isContainer = value.objectValue != nil || value.arrayValue != nil
                if part.step.isDefinite || !isContainer {
                    throw RuleNodeError("No results for path: \(described(index))")
                }
            }
            values = next
        }
        return isDefinite ? values[0] : .array(values)
    }

    private static func step(_ step: Step, _ value: JSONValue, _ found: inout [JSONValue]) throws(RuleNodeError) {
        switch step {
        case .member(let name):
            if let member = value.objectValue?[name] { found.append(member) }
        case .elements(let indices):
            guard let elements = value.arrayValue else { break }
            for index in indices {
                let place = index < 0 ? elements.count + index : index
                if elements.indices.contains(place) { found.append(elements[place]) }
            }
        case .range(let from, let to):
            guard let elements = value.arrayValue else { break }
            func place(_ index: Int) -> Int { min(max(index < 0 ? elements.count + index : index, 0), elements.count) }
            let (first, end) = (place(from ?? 0), place(to ?? elements.count))
            if first < end { found += elements[first..<end] }
        case .all:
            found += value.inside
        case .chosen(let condition):
            if value.objectValue != nil {
                if condition.holds(for: value) { found.append(value) }
            } else {
                found += value.inside.filter { condition.holds(for: $0) }
            }
        }
        guard found.count <= maximumValues else {
            throw RuleNodeError("The path leads to more than \(maximumValues) values")
        }
    }

    /// A value and everything in it.
    private static func walk(
        _ value: JSONValue, _ body: (JSONValue) throws(RuleNodeError) -> Void
    ) throws(RuleNodeError) {
        try body(value)
        for inner in value.inside where inner.objectValue != nil || inner.arrayValue != nil { try walk(inner, body) }
    }

    /// The path up to a part, as errors name it.
    private func described(_ last: Int) -> String {
        var text = "$"
        for part in parts[...last] {
            switch part.step {
            case .member(let name): text += "['\(name)']"
            case .elements(let indices): text += "[\(indices.map { String($0) }.joined(separator: ","))]"
            case .range(let from, let to): text += "[\(from.map { "\($0)" } ?? ""):\(to.map { "\($0)" } ?? "")]"
            case .all: text += "[*]"
            case .chosen: text += "[?]"
            }
        }
        return text
    }
}

extension JSONValue {
    /// The members or elements.
    fileprivate var inside: [JSONValue] {
        switch self {
        case .array(let elements): elements
        case .object(let object): object.map { $0.1 }
        default: []
        }
    }
}
