/// Statements one after the other.
final class BlockNode: Node, @unchecked Sendable {
    private let statements: [Node]

    init(_ statements: [Node], at offset: Int) {
        self.statements = statements
        super.init(at: offset, over: statements)
    }

    override func execute(_ frame: Frame) throws(TBELError) -> Flow {
        frame.result = .null
        for statement in statements {
            let flow = try statement.execute(frame)
            if flow != .next { return flow }
        }
        return .next
    }
}

/// `if`, with all its `else if`.
final class IfNode: Node, @unchecked Sendable {
    private let branches: [(test: Node, body: Node)]
    private let otherwise: Node?

    init(_ branches: [(test: Node, body: Node)], _ otherwise: Node?, at offset: Int) {
        self.branches = branches
        self.otherwise = otherwise
        super.init(at: offset, over: branches.flatMap { [$0.test, $0.body] } + [otherwise])
    }

    override func execute(_ frame: Frame) throws(TBELError) -> Flow {
        for branch in branches where try branch.test.condition(frame) { return try branch.body.execute(frame) }
        frame.result = .null
        return try otherwise?.execute(frame) ?? .next
    }
}

/// `while`, `until`, `do`: a loop as long as its test has the wanted value.
final class WhileNode: Node, @unchecked Sendable {
    private let test: Node
    private let wanted: Bool
    private let body: Node
    private let testsFirst: Bool

    init(_ test: Node, wanted: Bool, _ body: Node, testsFirst: Bool, at offset: Int) {
        self.test = test
        self.wanted = wanted
        self.body = body
        self.testsFirst = testsFirst
        super.init(at: offset, over: [test, body])
    }

    override func execute(_ frame: Frame) throws(TBELError) -> Flow {
        if testsFirst, try test.condition(frame) != wanted { return .next }
        repeat {
            try frame.machine.step()
            switch try body.execute(frame) {
            case .next: break
            case .brokeLoop: return .next
            case .returned: return .returned
            }
        } while try test.condition(frame) == wanted
        frame.result = .null
        return .next
    }
}

/// `for (a; b; c)`.
final class ForNode: Node, @unchecked Sendable {
    private let start: Node?
    private let test: Node?
    private let next: Node?
    private let body: Node

    init(_ start: Node?, _ test: Node?, _ next: Node?, _ body: Node, at offset: Int) {
        self.start = start
        self.test = test
        self.next = next
        self.body = body
        super.init(at: offset, over: [start, test, next, body])
    }

    override func execute(_ frame: Frame) throws(TBELError) -> Flow {
        if let start { _ = try start.execute(frame) }
        while try test?.condition(frame) ?? true {
            try frame.machine.step()
            switch try body.execute(frame) {
            case .next: break
            case .brokeLoop: return .next
            case .returned: return .returned
            }
            if let next { _ = try next.execute(frame) }
        }
        frame.result = .null
        return .next
    }
}

/// `foreach (x : a)`: the values of a list or a set, the entries of a map, the characters of a text.
final class ForEachNode: Node, @unchecked Sendable {
    private let slot: Int
    private let source: Node
    private let body: Node

    init(_ slot: Int, _ source: Node, _ body: Node, at offset: Int) {
        self.slot = slot
        self.source = source
        self.body = body
        super.init(at: offset, over: [source, body])
    }

    override func execute(_ frame: Frame) throws(TBELError) -> Flow {
        let source = try self.source.evaluate(frame)
        // What the body does to the list does not change what it is run for.
        let values: [Value]
        switch source {
        case .list(let list): values = list.values
        case .set(let set): values = set.values
        case .map(let map):
            if map.series == .values || map.series == .merged {
                values = SeriesMethods.items(of: map)
            } else {
                values = try map.entries()
            }
        case .text(let text):
            try frame.machine.reserve(text.utf8.count, of: 16)
            values =
                JavaText.isPlain(text)
                ? text.utf8.map { .text(String(Unicode.Scalar($0))) }
                : text.utf16.map { .text(String(decoding: CollectionOfOne($0), as: UTF16.self)) }
        default: throw error("non-iterable type: \(source.typeName)")
        }
        for value in values {
            try frame.machine.step()
            frame[slot] = value
            switch try body.execute(frame) {
            case .next: break
            case .brokeLoop: return .next
            case .returned: return .returned
            }
        }
        frame.result = .null
        return .next
    }
}

/// `switch`: from the first case that equals on, until a `break`.
final class SwitchNode: Node, @unchecked Sendable {
    private let subject: Node
    /// What is compared, and the statement from which it goes on.
    private let cases: [(value: Node, start: Int)]
    private let defaultStart: Int?
    private let statements: [Node]

    init(
        _ subject: Node, _ cases: [(value: Node, start: Int)], _ defaultStart: Int?, _ statements: [Node],
        at offset: Int
    ) {
        self.subject = subject
        self.cases = cases
        self.defaultStart = defaultStart
        self.statements = statements
        super.init(at: offset, over: [subject] + cases.map(\.value) + statements)
    }

    override func execute(_ frame: Frame) throws(TBELError) -> Flow {
        frame.result = .null
        let subject = try self.subject.evaluate(frame)
        guard let start = try start(subject, frame) else { return .next }
        for statement in statements[start...] {
            switch try statement.execute(frame) {
            case .next: break
            case .brokeLoop: return .next
            case .returned: return .returned
            }
        }
        return .next
    }

    private func start(_ subject: Value, _ frame: Frame) throws(TBELError) -> Int? {
        for (value, start) in cases where try Comparison.isEqual(subject, value.evaluate(frame)) { return start }
        return defaultStart
    }
}

/// `break`.
final class BreakNode: Node, @unchecked Sendable {
    override func execute(_ frame: Frame) throws(TBELError) -> Flow { .brokeLoop }
}

/// `return`.
final class ReturnNode: Node, @unchecked Sendable {
    private let value: Node?

    init(_ value: Node?, at offset: Int) {
        self.value = value
        super.init(at: offset, over: [value])
    }

    override func execute(_ frame: Frame) throws(TBELError) -> Flow {
        frame.result = try value?.evaluate(frame) ?? .null
        return .returned
    }
}

/// A declaration of a function, and `;`.
final class EmptyNode: Node, @unchecked Sendable {
    override func execute(_ frame: Frame) throws(TBELError) -> Flow { .next }
}
