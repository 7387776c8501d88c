/// Makes steps of an expression's text.
struct ArithmeticParser {
    private let text: [Unicode.Scalar]
    private let variables: [String: Int]
    private var place = 0
    private var depth = 0
    private var steps: [ArithmeticExpression.Step] = []

    /// Parentheses and signs inside each other, at most.
    private static let maximumDepth = 200
    private static let constants = ["pi": Double.pi, "π": .pi, "e": 2.718281828459045, "φ": 1.61803398874]

    init(_ text: String, variables: [String]) {
        self.text = Array(text.unicodeScalars)
        self.variables = Dictionary(uniqueKeysWithValues: variables.enumerated().map { ($1, $0) })
    }

    mutating func parse() throws(ArithmeticError) -> [ArithmeticExpression.Step] {
        try sum()
        guard current == nil else { throw unexpected }
        return steps
    }

    /// The next character that is no space.
    private var current: Unicode.Scalar? {
        mutating get {
            while place < text.count, text[place].properties.isWhitespace { place += 1 }
            return place < text.count ? text[place] : nil
        }
    }

    private var unexpected: ArithmeticError {
        guard place < text.count else { return ArithmeticError("The expression ends too early") }
        return ArithmeticError("Unable to parse char '\(text[place])' at [\(place)]")
    }

    // MARK: - Levels

    private mutating func sum() throws(ArithmeticError) {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw ArithmeticError("Too many levels in the expression") }
        try product()
        while let operation = current, operation == "+" || operation == "-" {
            place += 1
            try product()
            steps.append(.operation(UInt8(ascii: operation)))
        }
    }

    private mutating func product() throws(ArithmeticError) {
        try signed()
        while let operation = current {
            switch operation {
            case "*", "/", "%":
                place += 1
                try signed()
                steps.append(.operation(UInt8(ascii: operation)))
            case "+", "-", ")", "]", "}", ",", "^": return
            default:
                // Side by side.
                try powered()
                steps.append(.operation(UInt8(ascii: "*")))
            }
        }
    }

    private mutating func signed() throws(ArithmeticError) {
        var isNegative = false
        while let sign = current, sign == "-" || sign == "+" {
            if sign == "-" { isNegative.toggle() }
            place += 1
        }
        try powered()
        if isNegative { steps.append(.negate) }
    }

    private mutating func powered() throws(ArithmeticError) {
        try primary()
        guard current == "^" else { return }
        place += 1
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw ArithmeticError("Too many levels in the expression") }
        try signed()
        steps.append(.operation(UInt8(ascii: "^")))
    }

    // MARK: - Operands

    private mutating func primary() throws(ArithmeticError) {
        guard let first = current else { throw unexpected }
        switch first {
        case "(", "[", "{":
            place += 1
            try sum()
            try close(first)
        case "0"..."9", ".": try number()
        default:
            guard Self.isNamePart(first) else { throw unexpected }
            try named()
        }
    }

    private mutating func close(_ opening: Unicode.Scalar) throws(ArithmeticError) {
        let closing: Unicode.Scalar = opening == "(" ? ")" : opening == "[" ? "]" : "}"
        guard current == closing else {
            throw ArithmeticError("Mismatched parentheses detected. Please check the expression")
        }
        place += 1
    }

    private mutating func number() throws(ArithmeticError) {
        let start = place
        func isDigit(_ place: Int) -> Bool { place < text.count && ("0"..."9").contains(text[place]) }
        while isDigit(place) || (place < text.count && text[place] == ".") { place += 1 }
        if place < text.count, text[place] == "e" || text[place] == "E" {
            let signs = place + 1 < text.count && (text[place + 1] == "+" || text[place + 1] == "-") ? 1 : 0
            if isDigit(place + 1 + signs) {
                place += 1 + signs
                while isDigit(place) { place += 1 }
            }
        }
        let written = String(String.UnicodeScalarView(text[start..<place]))
        guard let number = Double(written) else { throw ArithmeticError("'\(written)' is not a number") }
        steps.append(.number(number))
    }

    private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar == "_" || ("0"..."9").contains(scalar)
    }

    /// A variable, a function or a constant: the longest name that is one.
    private mutating func named() throws(ArithmeticError) {
        let start = place
        var end = start
        while end < text.count, Self.isNamePart(text[end]) { end += 1 }
        let whole = end
        while end > start {
            let name = String(String.UnicodeScalarView(text[start..<end]))
            if let index = variables[name] {
                place = end
                return steps.append(.variable(index))
            }
            if let function = ArithmeticFunction(rawValue: name) {
                place = end
                return try call(function)
            }
            if let constant = Self.constants[name] {
                place = end
                return steps.append(.number(constant))
            }
            end -= 1
        }
        let name = String(String.UnicodeScalarView(text[start..<whole]))
        throw ArithmeticError("Unknown function or variable '\(name)' at pos \(start)")
    }

    private mutating func call(_ function: ArithmeticFunction) throws(ArithmeticError) {
        guard current == "(" else { throw ArithmeticError("'(' is expected behind \(function.rawValue)") }
        place += 1
        for index in 0..<function.argumentCount {
            if index > 0 {
                guard current == "," else {
                    throw ArithmeticError("Not enough arguments for '\(function.rawValue)'")
                }
                place += 1
            }
            try sum()
        }
        try close("(")
        steps.append(.function(function))
    }
}
