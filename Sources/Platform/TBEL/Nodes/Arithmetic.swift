import Glibc

/// `+ - * / % **` and text that grows.
enum Arithmetic {
    /// Numbers are added, lists get longer, and everything else becomes text.
    static func add(_ a: Value, _ b: Value, _ machine: Machine) throws(TBELError) -> Value {
        if let left = Number(a), let right = Number(b) { return try calculate(.add, left, right) }
        if case .list(let list) = a, list.element == nil {
            let sum = try list.copy()
            if case .list(let other) = b {
                for value in other.values { try sum.append(value) }
            } else {
                try sum.append(b)
            }
            return .list(sum)
        }
        return .text(try concatenate(a, b, machine))
    }

    static func concatenate(_ a: Value, _ b: Value, _ machine: Machine) throws(TBELError) -> String {
        let left = try a.javaText(machine)
        let right = try b.javaText(machine)
        try machine.makeText(of: left.utf8.count + right.utf8.count)
        return left + right
    }

    /// `null` when one of the two is no number, nor a text that is one.
    static func apply(_ operation: BinaryOperation, _ a: Value, _ b: Value) throws(TBELError) -> Value {
        if let left = Number(a), let right = Number(b) { return try calculate(operation, left, right) }
        switch (a, b) {
        case (.text(let left), .text(let right)):
            guard let left = JavaNumber.double(left), let right = JavaNumber.double(right) else { return .null }
            return try calculate(operation, .double(left), .double(right))
        case (.text(let left), _):
            guard let left = Number(text: left), let right = Number(b) else { return .null }
            return try calculate(operation, left, right)
        case (_, .text(let right)):
            guard let left = Number(a), let right = Number(text: right) else { return .null }
            return try calculate(operation, left, right)
        default: return .null
        }
    }

    private static func calculate(_ operation: BinaryOperation, _ a: Number, _ b: Number) throws(TBELError) -> Value {
        if operation == .power { return power(a, b) }
        if let left = a.integer, let right = b.integer {
            if operation == .divide { return .double(Double(left) / Double(right)) }
            let result = try whole(operation, left, right)
            return a.isInt && b.isInt ? Value(integer: result) : .long(result)
        }
        if a.isDouble || b.isDouble { return .double(real(operation, a.double, b.double)) }
        return .float(real(operation, Float(a.double), Float(b.double)))
    }

    /// A result too large for 64 bits is the largest there is.
    private static func whole(_ operation: BinaryOperation, _ a: Int64, _ b: Int64) throws(TBELError) -> Int64 {
        switch operation {
        case .add:
            let (sum, overflow) = a.addingReportingOverflow(b)
            return overflow ? (a < 0 ? .min : .max) : sum
        case .subtract:
            let (difference, overflow) = a.subtractingReportingOverflow(b)
            return overflow ? (a < 0 ? .min : .max) : difference
        case .multiply:
            let (product, overflow) = a.multipliedReportingOverflow(by: b)
            return overflow ? ((a < 0) != (b < 0) ? .min : .max) : product
        default:
            if b == 0 { throw .runtime("arithmetic error: / by zero") }
            return b == -1 ? 0 : a % b
        }
    }

    private static func real<T: BinaryFloatingPoint>(_ operation: BinaryOperation, _ a: T, _ b: T) -> T {
        switch operation {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: a / b
        default: a.truncatingRemainder(dividingBy: b)
        }
    }

    /// Integers give an integer unless it is too large.
    private static func power(_ a: Number, _ b: Number) -> Value {
        let result = pow(a.double, b.double)
        if a.isInt, b.isInt, result < 2_147_483_648 { return .int(JavaNumber.int(result)) }
        return .double(result)
    }

    static func negate(_ value: Value) throws(TBELError) -> Value {
        switch value {
        case .int(let number): return Value(integer: -Int64(number))
        case .long(let number): return .long(number == .min ? .max : -number)
        case .float(let number): return .float(-number)
        case .double(let number): return .double(-number)
        default: throw .runtime("illegal use of '-': cannot be applied to: \(value.typeName)")
        }
    }
}

/// Operators on the bits of integers.
enum Bits {
    static func apply(_ operation: BinaryOperation, _ a: Value, _ b: Value) throws(TBELError) -> Value {
        if case .int(let left) = a, case .int(let right) = b { return .int(apply(operation, left, right)) }
        let left = try integer(a)
        let right = try integer(b)
        // A shift is as wide as what is shifted.
        if case .int(let small) = a, operation.isShift {
            return .int(apply(operation, small, Int32(truncatingIfNeeded: right)))
        }
        return .long(apply(operation, left, right))
    }

    private static func integer(_ value: Value) throws(TBELError) -> Int64 {
        guard let integer = Number(value)?.integer else {
            throw .runtime("could not perform numeric operation on non-numeric type: \(value.typeName)")
        }
        return integer
    }

    private static func apply<T: FixedWidthInteger & SignedInteger>(_ operation: BinaryOperation, _ a: T, _ b: T) -> T {
        let width = Int(truncatingIfNeeded: b) & (T.bitWidth - 1)
        switch operation {
        case .bitAnd: return a & b
        case .bitOr: return a | b
        case .bitXor: return a ^ b
        case .shiftLeft: return a << T(width)
        case .shiftRight: return a >> T(width)
        default: return T(truncatingIfNeeded: T.Magnitude(truncatingIfNeeded: a) >> T.Magnitude(width))
        }
    }

    static func invert(_ value: Value) throws(TBELError) -> Value {
        switch value {
        case .int(let number): return .int(~number)
        case .long(let number): return .long(~number)
        default: throw .runtime("illegal use of '~': cannot be applied to: \(value.typeName)")
        }
    }
}

extension BinaryOperation {
    fileprivate var isShift: Bool {
        switch self {
        case .shiftLeft, .shiftRight, .unsignedShiftRight: true
        default: false
        }
    }
}
