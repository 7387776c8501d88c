/// A literal.
final class LiteralNode: Node, @unchecked Sendable {
    let value: Value

    init(_ value: Value, at offset: Int) {
        self.value = value
        super.init(at: offset)
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value { value }
}

/// A variable of the function that runs.
final class LocalNode: Node, Assignable, @unchecked Sendable {
    let slot: Int
    let name: String

    init(_ slot: Int, name: String, at offset: Int) {
        self.slot = slot
        self.name = name
        super.init(at: offset)
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        let value = frame[slot]
        if case .undefined = value { throw error("unresolvable property or identifier: \(name)") }
        return value
    }

    func target(_ frame: Frame) throws(TBELError) -> AssignmentTarget {
        AssignmentTarget(place: .slot(frame, slot, name: name))
    }
}

/// A variable of a function around, or of the script.
final class OuterNode: Node, Assignable, @unchecked Sendable {
    let hops: Int
    let slot: Int
    let name: String

    init(hops: Int, _ slot: Int, name: String, at offset: Int) {
        self.hops = hops
        self.slot = slot
        self.name = name
        super.init(at: offset)
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        let value = frame.frame(hops)[slot]
        if case .undefined = value { throw error("unresolvable property or identifier: \(name)") }
        return value
    }

    func target(_ frame: Frame) throws(TBELError) -> AssignmentTarget {
        AssignmentTarget(place: .slot(frame.frame(hops), slot, name: name))
    }
}

/// `isdef x`.
final class IsDefinedNode: Node, @unchecked Sendable {
    private let hops: Int
    private let slot: Int

    init(hops: Int, slot: Int, at offset: Int) {
        self.hops = hops
        self.slot = slot
        super.init(at: offset)
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        if case .undefined = frame.frame(hops)[slot] { return .bool(false) }
        return .bool(true)
    }
}

/// `var x = 1`, and `var x`, which is null.
final class DeclarationNode: Node, @unchecked Sendable {
    private let slot: Int
    private let value: Node?

    init(_ slot: Int, _ value: Node?, at offset: Int) {
        self.slot = slot
        self.value = value
        super.init(at: offset, over: [value])
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        let value = try self.value?.evaluate(frame) ?? .null
        frame[slot] = value
        return value
    }
}

/// `a = b`, and `a += b` with an operation.
final class AssignmentNode: Node, @unchecked Sendable {
    private let left: any Assignable
    private let operation: BinaryOperation?
    private let right: Node
    /// The slot of a variable of the function that runs, which is by far the most frequent.
    private let slot: Int?

    init(_ left: any Assignable, _ operation: BinaryOperation?, _ right: Node, at offset: Int) {
        self.left = left
        self.operation = operation
        self.right = right
        slot = (left as? LocalNode)?.slot
        super.init(at: offset, over: [left, right])
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        do {
            if operation == nil, let slot {
                let value = try right.evaluate(frame)
                frame[slot] = value
                return value
            }
            let target = try left.target(frame)
            if let operation {
                let value = try operation.apply(target.get(), right.evaluate(frame), frame.machine)
                try target.set(value)
                return value
            }
            let value = try right.evaluate(frame)
            try target.set(value)
            return value
        } catch {
            throw error.located(at: offset)
        }
    }
}

/// `a++`, `--a`.
final class StepNode: Node, @unchecked Sendable {
    private let operand: any Assignable
    private let operation: BinaryOperation
    private let givesOld: Bool

    init(_ operand: any Assignable, _ operation: BinaryOperation, givesOld: Bool, at offset: Int) {
        self.operand = operand
        self.operation = operation
        self.givesOld = givesOld
        super.init(at: offset, over: [operand])
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        do {
            let target = try operand.target(frame)
            let old = try target.get()
            let new = try operation.apply(old, .int(1), frame.machine)
            try target.set(new)
            return givesOld ? old : new
        } catch {
            throw error.located(at: offset)
        }
    }
}
