/// A function of a script, compiled.
final class FunctionCode: @unchecked Sendable {
    let name: String
    let parameters: Int
    /// Set once, when its end has been read.
    private(set) var slots = 0
    private(set) var body: Node?

    init(name: String, parameters: Int) {
        self.name = name
        self.parameters = parameters
    }

    func complete(_ body: Node, slots: Int) {
        self.body = body
        self.slots = slots
    }
}

/// `f(a)`: a function of the script, or of the library.
final class CallNode: Node, @unchecked Sendable {
    private enum Callee {
        case unknown
        case function(FunctionCode, hops: Int)
        case library(FunctionName)
    }

    let name: String
    private let arguments: [Node]
    /// Set once, when the whole script has been read.
    private var callee = Callee.unknown

    init(_ name: String, _ arguments: [Node], at offset: Int) {
        self.name = name
        self.arguments = arguments
        super.init(at: offset, over: arguments)
    }

    /// - Parameter hops: How many functions further out than the caller it was declared.
    func resolve(_ function: FunctionCode, hops: Int) { callee = .function(function, hops: hops) }
    func resolve(_ function: FunctionName) { callee = .library(function) }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        switch callee {
        case .function(let function, let hops): return try call(function, hops, frame)
        case .library(let function):
            let arguments = try self.arguments.values(frame)
            try frame.machine.step()
            do {
                return try Library.call(function, arguments, frame.machine)
            } catch {
                throw error.located(at: offset)
            }
        case .unknown: throw error("null pointer or function not found: \(name)")
        }
    }

    private func call(_ function: FunctionCode, _ hops: Int, _ frame: Frame) throws(TBELError) -> Value {
        guard let body = function.body, arguments.count <= function.parameters else {
            throw error(
                "bad number of arguments in function call: \(arguments.count) for \(function.parameters) in \(name)")
        }
        let inner = Frame(count: function.slots, outer: frame.frame(hops), machine: frame.machine)
        for (slot, argument) in arguments.enumerated() { inner[slot] = try argument.evaluate(frame) }
        let height = body.height + self.height
        do {
            try frame.machine.enter(height)
        } catch {
            throw error.located(at: offset)
        }
        _ = try body.execute(inner)
        frame.machine.leave(height)
        return inner.result
    }
}
