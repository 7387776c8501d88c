/// A class, before a dot.
final class TypeNode: Node, @unchecked Sendable {
    let type: TypeName

    init(_ type: TypeName, at offset: Int) {
        self.type = type
        super.init(at: offset)
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value { .type(type) }
}

/// `a.b`: the value of a key, or what a method without arguments tells.
final class PropertyNode: Node, Assignable, @unchecked Sendable {
    private let owner: Node
    private let name: String
    private let key: Value
    private let method: MethodName?
    /// The text from the start of the chain, for messages.
    private let label: String
    /// Whether a missing owner gives null, after `.?` further left.
    private let isSafe: Bool

    init(_ owner: Node, _ name: String, label: String, isSafe: Bool, at offset: Int) {
        self.owner = owner
        self.name = name
        self.label = label
        self.isSafe = isSafe
        key = .text(name)
        let getter = "get\(name.prefix(1).uppercased())\(name.dropFirst())"
        method = name == "size" || name == "length" ? MethodName(rawValue: name) : MethodName(rawValue: getter)
        super.init(at: offset, over: [owner])
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        let owner = try self.owner.evaluate(frame)
        if case .map(let map) = owner {
            guard let series = map.series else { return map.get(name) }
            return try property(of: map, series, frame.machine)
        }
        if owner.isNull {
            if isSafe { return .null }
            throw error("null pointer: \(label)")
        }
        do {
            if let method, let value = try Methods.call(owner, method, [], frame.machine) { return value }
        } catch {
            throw error.located(at: offset)
        }
        throw error("could not access: \(name); in class: \(owner.typeName)")
    }

    private func property(
        of map: MapObject, _ series: MapObject.Series, _ machine: Machine
    ) throws(TBELError) -> Value {
        do {
            if series == .point, let part = try SeriesMethods.part(map, name) { return part }
            if series != .point, let method, let value = try SeriesMethods.call(map, series, method, [], machine) {
                return value
            }
        } catch {
            throw error.located(at: offset)
        }
        return map.get(name)
    }

    func target(_ frame: Frame) throws(TBELError) -> AssignmentTarget {
        let owner = try self.owner.evaluate(frame)
        if case .map(let map) = owner { return AssignmentTarget(place: .key(map, key)) }
        if owner.isNull {
            throw error("could not access property: \(name); parent is null: \(label.dropLast(name.count + 1))")
        }
        throw error("could not set property: \(name); in class: \(owner.typeName)")
    }
}

/// `a[b]`.
final class IndexNode: Node, Assignable, @unchecked Sendable {
    private let owner: Node
    private let index: Node
    private let label: String
    private let isSafe: Bool

    init(_ owner: Node, _ index: Node, label: String, isSafe: Bool, at offset: Int) {
        self.owner = owner
        self.index = index
        self.label = label
        self.isSafe = isSafe
        super.init(at: offset, over: [owner, index])
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        let owner = try self.owner.evaluate(frame)
        let index = try self.index.evaluate(frame)
        switch owner {
        case .map(let map): return map.get(index)
        case .list(let list):
            let index = try place(index)
            guard index >= 0, index < list.count else { throw error("\(label): array index out of bounds.") }
            return list[index]
        case .text(let text):
            let index = try place(index)
            guard index >= 0, index < JavaText.length(text) else { throw error("\(label): array index out of bounds.") }
            return .text(JavaText.substring(text, index, index + 1))
        case .null, .undefined:
            if isSafe { return .null }
            throw error("null pointer: \(label)")
        default: throw error("illegal use of []: unknown type: \(owner.typeName)")
        }
    }

    private func place(_ value: Value) throws(TBELError) -> Int {
        switch value {
        case .int(let number): return Int(number)
        case .long(let number): return Int(number)
        default: throw error("\(label): an index must be an integer; but found: \(value.typeName)")
        }
    }

    func target(_ frame: Frame) throws(TBELError) -> AssignmentTarget {
        let owner = try self.owner.evaluate(frame)
        let index = try self.index.evaluate(frame)
        switch owner {
        case .map(let map): return AssignmentTarget(place: .key(map, index))
        case .list(let list): return AssignmentTarget(place: .index(list, try place(index)))
        default: throw error("could not set \(label) in class: \(owner.typeName)")
        }
    }
}

/// `a.b(c)`.
final class MethodNode: Node, @unchecked Sendable {
    private let owner: Node
    private let name: String
    private let method: MethodName?
    private let arguments: [Node]
    private let label: String
    private let isSafe: Bool

    init(_ owner: Node, _ name: String, _ arguments: [Node], label: String, isSafe: Bool, at offset: Int) {
        self.owner = owner
        self.name = name
        self.arguments = arguments
        self.label = label
        self.isSafe = isSafe
        method = MethodName(rawValue: name)
        super.init(at: offset, over: [owner] + arguments)
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        let owner = try self.owner.evaluate(frame)
        if owner.isNull {
            if isSafe { return .null }
            throw error("null pointer: \(label)")
        }
        let arguments = try self.arguments.values(frame)
        try frame.machine.step()
        do {
            if let method, let value = try Methods.call(owner, method, arguments, frame.machine) { return value }
        } catch {
            throw error.located(at: offset)
        }
        let types = arguments.map(\.typeName).joined(separator: ", ")
        throw error("unable to resolve method: \(owner.typeName).\(name)(\(types)) [arglength=\(arguments.count)]")
    }
}

/// `new T(a)`.
final class NewNode: Node, @unchecked Sendable {
    private let type: TypeName
    private let arguments: [Node]

    init(_ type: TypeName, _ arguments: [Node], at offset: Int) {
        self.type = type
        self.arguments = arguments
        super.init(at: offset, over: arguments)
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        let arguments = try self.arguments.values(frame)
        do {
            return try Constructors.make(type, arguments, frame.machine)
        } catch {
            throw error.located(at: offset)
        }
    }
}

/// What could not be found when the script was compiled, and is an error only when it is reached.
final class FailureNode: Node, @unchecked Sendable {
    private let text: String

    init(_ text: String, at offset: Int) {
        self.text = text
        super.init(at: offset)
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value { throw error(text) }
}

extension [Node] {
    func values(_ frame: Frame) throws(TBELError) -> [Value] {
        if isEmpty { return [] }
        var values: [Value] = []
        values.reserveCapacity(count)
        for node in self { values.append(try node.evaluate(frame)) }
        return values
    }
}
