import JSON

/// Reads the text of a ``JSONPath``.
struct JSONPathParser {
    private let text: String
    private var rest: Substring

    init(_ text: String) {
        self.text = text
        rest = text[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    func error(_ what: String) -> RuleNodeConfigurationError {
        RuleNodeConfigurationError("JSON path \(text): \(what) at \(text.count - rest.count)")
    }

    mutating func skip(_ wanted: String) -> Bool {
        guard rest.hasPrefix(wanted) else { return false }
        rest = rest.dropFirst(wanted.count)
        return true
    }

    mutating func skipBlanks() { rest = rest.drop { $0 == " " } }

    mutating func expect(_ wanted: String) throws(RuleNodeConfigurationError) {
        guard skip(wanted) else { throw error("\(wanted) is missing") }
    }

    /// A name without quotes.
    mutating func name() throws(RuleNodeConfigurationError) -> String {
        let name = rest.prefix { !" .[]()=!<>&|?@*,'\"".contains($0) }
        guard !name.isEmpty else { throw error("a name is missing") }
        rest = rest.dropFirst(name.count)
        return String(name)
    }

    /// A text in quotes of either kind, if one begins here.
    mutating func quoted() throws(RuleNodeConfigurationError) -> String? {
        guard let quote = rest.first, quote == "'" || quote == "\"" else { return nil }
        rest = rest.dropFirst()
        var result = ""
        while let next = rest.popFirst() {
            if next == quote { return result }
            if next == "\\" {
                guard let escaped = rest.popFirst() else { break }
                result.append(escaped)
            } else {
                result.append(next)
            }
        }
        throw error("a closing quote is missing")
    }

    mutating func integer() throws(RuleNodeConfigurationError) -> Int? {
        skipBlanks()
        let digits = rest.prefix { $0 == "-" || $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else { return nil }
        guard let number = Int(digits), number.magnitude < 1_000_000_000 else { throw error("a number is wrong") }
        rest = rest.dropFirst(digits.count)
        skipBlanks()
        return number
    }

    /// A number, text, boolean or null.
    mutating func literal() throws(RuleNodeConfigurationError) -> JSONValue {
        if let text = try quoted() { return .string(text) }
        let word = String(rest.prefix { !" )".contains($0) })
        guard let value = try? JSONValue.parse(word), value.objectValue == nil, value.arrayValue == nil else {
            throw error("a number, text, true, false or null is missing")
        }
        rest = rest.dropFirst(word.count)
        return value
    }
}

/// What a ``JSONPath`` asks of the values that it chooses.
struct JSONPathCondition {
    /// Longer ones first.
    private static let operators = ["==", "!=", "<=", ">=", "<", ">"]

    private var names: [String] = []
    /// `nil`: it must be there.
    private var comparison: (operator: String, value: JSONValue)?

    /// Reads up to the closing parenthesis.
    init(_ parser: inout JSONPathParser) throws(RuleNodeConfigurationError) {
        parser.skipBlanks()
        try parser.expect("@")
        while true {
            if parser.skip(".") {
                names.append(try parser.name())
            } else if parser.skip("["), let name = try parser.quoted() {
                try parser.expect("]")
                names.append(name)
            } else {
                break
            }
        }
        parser.skipBlanks()
        for name in Self.operators where parser.skip(name) {
            parser.skipBlanks()
            comparison = (name, try parser.literal())
            break
        }
        parser.skipBlanks()
    }

    func holds(for value: JSONValue) -> Bool {
        var value = value
        for name in names {
            guard let member = value.objectValue?[name] else { return false }
            value = member
        }
        guard let comparison else { return true }
        switch comparison.operator {
        case "==": return Self.equal(value, comparison.value)
        case "!=": return !Self.equal(value, comparison.value)
        case let name:
            if let (a, b) = Self.both(value, comparison.value, { $0.number }) { return Self.compare(name, a, b) }
            if let (a, b) = Self.both(value, comparison.value, { $0.stringValue }) { return Self.compare(name, a, b) }
            return false
        }
    }

    private static func both<T>(_ a: JSONValue, _ b: JSONValue, _ part: (JSONValue) -> T?) -> (T, T)? {
        guard let a = part(a), let b = part(b) else { return nil }
        return (a, b)
    }

    private static func equal(_ a: JSONValue, _ b: JSONValue) -> Bool {
        if let (a, b) = both(a, b, { $0.number }) { return a == b }
        return a == b
    }

    private static func compare<T: Comparable>(_ name: String, _ a: T, _ b: T) -> Bool {
        switch name {
        case "<": a < b
        case "<=": a <= b
        case ">": a > b
        default: a >= b
        }
    }
}

extension JSONValue {
    /// What it is worth as a number, if it is one.
    fileprivate var number: Double? { stringValue == nil ? doubleValue : nil }
}
