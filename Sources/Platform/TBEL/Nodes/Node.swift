/// How a statement ended.
enum Flow {
    case next
    case brokeLoop
    case returned
}

/// A part of a compiled script: an expression or a statement. It keeps nothing of a run, so that many threads may run it
/// at a time.
class Node: @unchecked Sendable {
    /// Where it is in the script.
    let offset: Int
    /// Steps down to its deepest part.
    let height: Int

    init(at offset: Int, over parts: [Node?] = []) {
        self.offset = offset
        height = 1 + parts.reduce(0) { max($0, $1?.height ?? 0) }
    }

    func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        preconditionFailure("\(type(of: self)) has no value")
    }

    func execute(_ frame: Frame) throws(TBELError) -> Flow {
        frame.result = try evaluate(frame)
        return .next
    }

    /// Its value where true or false is wanted.
    func condition(_ frame: Frame) throws(TBELError) -> Bool {
        let value = try evaluate(frame)
        if case .bool(let flag) = value { return flag }
        throw error("expected Boolean; but found: \(value.typeName)")
    }

    final func error(_ text: String) -> TBELError { TBELError(.runtime, text, at: offset) }
}

/// What can stand on the left of `=`.
protocol Assignable: Node {
    /// Works out which variable, or which key of what, is meant.
    func target(_ frame: Frame) throws(TBELError) -> AssignmentTarget
}

/// A place for a value, found once for reading and writing.
struct AssignmentTarget {
    enum Place {
        case slot(Frame, Int, name: String)
        case key(MapObject, Value)
        case index(ListObject, Int)
    }

    var place: Place

    func get() throws(TBELError) -> Value {
        switch place {
        case .slot(let frame, let slot, let name):
            let value = frame[slot]
            if case .undefined = value { throw .runtime("unresolvable property or identifier: \(name)") }
            return value
        case .key(let map, let key): return map.get(key)
        case .index(let list, let index): return try list.get(index)
        }
    }

    func set(_ value: Value) throws(TBELError) {
        switch place {
        case .slot(let frame, let slot, _): frame[slot] = value
        case .key(let map, let key): try map.put(key, value)
        case .index(let list, let index):
            if let element = list.element {
                try list.set(element.converted(value), at: index)
            } else {
                try list.set(value, at: index)
            }
        }
    }
}
