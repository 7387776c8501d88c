/// Operators between two values, in Java's manner (`rule-engine.md` 6.4).
enum BinaryOperation {
    case add, subtract, multiply, divide, remainder, power
    case bitAnd, bitOr, bitXor, shiftLeft, shiftRight, unsignedShiftRight
    case join
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
    case contains, matches, soundsLike, similarity

    @inline(__always)
    func apply(_ a: Value, _ b: Value, _ machine: Machine) throws(TBELError) -> Value {
        // What nearly all operators get.
        if case .int(let a) = a, case .int(let b) = b {
            switch self {
            case .add: return Value(integer: Int64(a) + Int64(b))
            case .subtract: return Value(integer: Int64(a) - Int64(b))
            case .multiply: return Value(integer: Int64(a) * Int64(b))
            case .less: return .bool(a < b)
            case .lessOrEqual: return .bool(a <= b)
            case .greater: return .bool(a > b)
            case .greaterOrEqual: return .bool(a >= b)
            case .equal: return .bool(a == b)
            case .notEqual: return .bool(a != b)
            default: break
            }
        }
        return try applySlowly(a, b, machine)
    }

    private func applySlowly(_ a: Value, _ b: Value, _ machine: Machine) throws(TBELError) -> Value {
        switch self {
        case .add: return try Arithmetic.add(a, b, machine)
        case .subtract, .multiply, .divide, .remainder, .power: return try Arithmetic.apply(self, a, b)
        case .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight, .unsignedShiftRight:
            return try Bits.apply(self, a, b)
        case .join: return .text(try Arithmetic.concatenate(a, b, machine))
        case .equal: return .bool(Comparison.isEqual(a, b))
        case .notEqual: return .bool(!Comparison.isEqual(a, b))
        case .less: return .bool(try Comparison.order(a, b).map { $0 < 0 } ?? false)
        case .lessOrEqual: return .bool(try Comparison.order(a, b).map { $0 <= 0 } ?? false)
        case .greater: return .bool(try Comparison.order(a, b).map { $0 > 0 } ?? false)
        case .greaterOrEqual: return .bool(try Comparison.order(a, b).map { $0 >= 0 } ?? false)
        case .contains: return .bool(try Comparison.contains(a, b, machine))
        case .matches:
            guard case .text(let pattern) = b else {
                throw .runtime("was expecting a pattern; but found: \(b.typeName)")
            }
            return .bool(try Pattern.cached(pattern).matches(try a.javaText(machine), machine))
        case .soundsLike: return .bool(Similarity.soundsLike(try a.javaText(machine), try b.javaText(machine)))
        case .similarity: return .float(Similarity.similarity(try a.javaText(machine), try b.javaText(machine)))
        }
    }
}

/// Numbers of one of Java's four kinds.
enum Number {
    case int(Int32), long(Int64), float(Float), double(Double)

    /// The number of a value that is one; nothing else is converted.
    @inline(__always)
    init?(_ value: Value) {
        switch value {
        case .int(let number): self = .int(number)
        case .long(let number): self = .long(number)
        case .float(let number): self = .float(number)
        case .double(let number): self = .double(number)
        default: return nil
        }
    }

    /// The number that a text is: an integer when it is written as one.
    init?(text: String) {
        if let integer = JavaNumber.integer(text) {
            self = Int32(exactly: integer).map { .int($0) } ?? .long(integer)
        } else if let double = JavaNumber.double(text) {
            self = .double(double)
        } else {
            return nil
        }
    }

    @inline(__always)
    var double: Double {
        switch self {
        case .int(let number): Double(number)
        case .long(let number): Double(number)
        case .float(let number): Double(number)
        case .double(let number): number
        }
    }

    /// The number as an integer, if it is of an integer kind.
    var integer: Int64? {
        switch self {
        case .int(let number): Int64(number)
        case .long(let number): number
        case .float, .double: nil
        }
    }

    var isInt: Bool { if case .int = self { true } else { false } }
    var isFloat: Bool { if case .float = self { true } else { false } }
    var isDouble: Bool { if case .double = self { true } else { false } }

    var value: Value {
        switch self {
        case .int(let number): .int(number)
        case .long(let number): .long(number)
        case .float(let number): .float(number)
        case .double(let number): .double(number)
        }
    }
}
