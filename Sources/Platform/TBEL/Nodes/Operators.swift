/// Two operands and an operator that always looks at both.
final class BinaryNode: Node, @unchecked Sendable {
    private let operation: BinaryOperation
    private let left: Node
    private let right: Node

    init(_ operation: BinaryOperation, _ left: Node, _ right: Node, at offset: Int) {
        self.operation = operation
        self.left = left
        self.right = right
        super.init(at: offset, over: [left, right])
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        let left = try self.left.evaluate(frame)
        let right = try self.right.evaluate(frame)
        do {
            return try operation.apply(left, right, frame.machine)
        } catch {
            throw error.located(at: offset)
        }
    }
}

/// `&&` and `||`: the right operand is looked at only when the left one does not decide.
final class LogicNode: Node, @unchecked Sendable {
    private let decides: Bool
    private let left: Node
    private let right: Node

    /// - Parameter decides: The value of the left operand that is the result: false for `&&`, true for `||`.
    init(decides: Bool, _ left: Node, _ right: Node, at offset: Int) {
        self.decides = decides
        self.left = left
        self.right = right
        super.init(at: offset, over: [left, right])
    }

    override func condition(_ frame: Frame) throws(TBELError) -> Bool {
        try left.condition(frame) == decides ? decides : right.condition(frame)
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value { .bool(try condition(frame)) }
}

/// `or`: the left operand, or the right one when the left one is empty.
final class FirstNode: Node, @unchecked Sendable {
    private let left: Node
    private let right: Node

    init(_ left: Node, _ right: Node, at offset: Int) {
        self.left = left
        self.right = right
        super.init(at: offset, over: [left, right])
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        let value = try left.evaluate(frame)
        return try Comparison.isEmpty(value) ? right.evaluate(frame) : value
    }
}

/// `a ? b : c`.
final class TernaryNode: Node, @unchecked Sendable {
    private let test: Node
    private let yes: Node
    private let no: Node

    init(_ test: Node, _ yes: Node, _ no: Node, at offset: Int) {
        self.test = test
        self.yes = yes
        self.no = no
        super.init(at: offset, over: [test, yes, no])
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        try test.condition(frame) ? yes.evaluate(frame) : no.evaluate(frame)
    }
}

/// `!a`, `-a`, `~a`.
final class UnaryNode: Node, @unchecked Sendable {
    enum Operation { case not, negate, invert }

    private let operation: Operation
    private let operand: Node

    init(_ operation: Operation, _ operand: Node, at offset: Int) {
        self.operation = operation
        self.operand = operand
        super.init(at: offset, over: [operand])
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        do {
            switch operation {
            case .not: return .bool(try !operand.condition(frame))
            case .negate: return try Arithmetic.negate(operand.evaluate(frame))
            case .invert: return try Bits.invert(operand.evaluate(frame))
            }
        } catch {
            throw error.located(at: offset)
        }
    }
}

/// `a instanceof T`.
final class InstanceNode: Node, @unchecked Sendable {
    private let operand: Node
    private let type: TypeName

    init(_ operand: Node, _ type: TypeName, at offset: Int) {
        self.operand = operand
        self.type = type
        super.init(at: offset, over: [operand])
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        .bool(type.includes(try operand.evaluate(frame)))
    }
}

/// `(int) a`.
final class CastNode: Node, @unchecked Sendable {
    private let operand: Node
    private let type: CastType

    init(_ type: CastType, _ operand: Node, at offset: Int) {
        self.operand = operand
        self.type = type
        super.init(at: offset, over: [operand])
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        let value = try operand.evaluate(frame)
        do {
            return try type.convert(value, frame.machine)
        } catch {
            throw error.located(at: offset)
        }
    }
}

/// `[a, b]` and `{a, b}`.
final class ListNode: Node, @unchecked Sendable {
    private let elements: [Node]

    init(_ elements: [Node], at offset: Int) {
        self.elements = elements
        super.init(at: offset, over: elements)
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        var values: [Value] = []
        values.reserveCapacity(elements.count)
        for element in elements { values.append(try element.evaluate(frame)) }
        return .list(try ListObject(values, frame.machine))
    }
}

/// `{a: b}`.
final class MapNode: Node, @unchecked Sendable {
    private let entries: [(key: Node, value: Node)]

    init(_ entries: [(key: Node, value: Node)], at offset: Int) {
        self.entries = entries
        super.init(at: offset, over: entries.flatMap { [$0.key, $0.value] })
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        let map = try MapObject(frame.machine)
        for entry in entries { try map.put(entry.key.evaluate(frame), entry.value.evaluate(frame)) }
        return .map(map)
    }
}

/// `new int[n]`.
final class NewArrayNode: Node, @unchecked Sendable {
    private let element: ElementType
    private let length: Node

    init(_ element: ElementType, _ length: Node, at offset: Int) {
        self.element = element
        self.length = length
        super.init(at: offset, over: [length])
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        do throws(TBELError) {
            let count = try length.evaluate(frame).intArgument()
            guard count >= 0 else { throw TBELError.runtime("Negative array size: \(count)") }
            try frame.machine.reserve(count, of: 16)
            return .list(
                try ListObject(Array(repeating: element.zero, count: count), of: element, frame.machine))
        } catch {
            throw error.located(at: offset)
        }
    }
}

/// `new int[] {a, b}`.
final class ArrayNode: Node, @unchecked Sendable {
    private let element: ElementType
    private let elements: [Node]

    init(_ element: ElementType, _ elements: [Node], at offset: Int) {
        self.element = element
        self.elements = elements
        super.init(at: offset, over: elements)
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        var values: [Value] = []
        for node in elements {
            do {
                values.append(try element.converted(node.evaluate(frame)))
            } catch {
                throw error.located(at: offset)
            }
        }
        return .list(try ListObject(values, of: element, frame.machine))
    }
}
