/// An arithmetic expression over named numbers (`rule-engine.md` 7.3, `SIMPLE`).
///
/// Operators by strength: `^` (from the right), signs, `*` `/` `%`, `+` `-`; two factors side by side are multiplied. Names
/// of variables win over those of functions and constants; of several that fit, the longest.
public struct ArithmeticExpression: Sendable {
    /// What is computed, operands first.
    private let steps: [Step]

    enum Step: Sendable {
        case number(Double)
        case variable(Int)
        case negate
        case operation(UInt8)
        case function(ArithmeticFunction)
    }

    /// - Parameter variables: Their values are given in this order.
    /// - Throws: What is wrong, for the user.
    public init(_ text: String, variables: [String]) throws(ArithmeticError) {
        var parser = ArithmeticParser(text, variables: variables)
        steps = try parser.parse()
    }

    public func evaluate(_ values: [Double]) throws(ArithmeticError) -> Double {
        var stack: [Double] = []
        stack.reserveCapacity(8)
        for step in steps {
            switch step {
            case .number(let number): stack.append(number)
            case .variable(let index): stack.append(values[index])
            case .negate: stack.append(-stack.removeLast())
            case .operation(let operation):
                let right = stack.removeLast()
                stack.append(try Self.apply(operation, stack.removeLast(), right))
            case .function(let function):
                let second = function.argumentCount == 2 ? stack.removeLast() : 0
                stack.append(function.apply(stack.removeLast(), second))
            }
        }
        return stack[0]
    }

    private static func apply(_ operation: UInt8, _ a: Double, _ b: Double) throws(ArithmeticError) -> Double {
        switch operation {
        case UInt8(ascii: "+"): return a + b
        case UInt8(ascii: "-"): return a - b
        case UInt8(ascii: "*"): return a * b
        case UInt8(ascii: "/"), UInt8(ascii: "%"):
            if b == 0 { throw ArithmeticError("Division by zero!") }
            return operation == UInt8(ascii: "/") ? a / b : a.truncatingRemainder(dividingBy: b)
        default: return ArithmeticFunction.power(a, b)
        }
    }
}

/// Why an expression is none, or has no value.
public struct ArithmeticError: Error, Sendable, Equatable {
    public var message: String

    init(_ message: String) { self.message = message }
}
