public import JSON

/// A compiled script. It keeps nothing of its runs; any number of threads may run it at a time.
public final class TBELScript: Sendable {
    public let source: String
    private let argumentCount: Int
    private let slots: Int
    private let body: Node

    /// Compiles a script whose arguments have the given names.
    ///
    /// - Throws: ``TBELError/Kind/syntax``.
    public init(_ source: String, arguments: [String]) throws(TBELError) {
        self.source = source
        argumentCount = arguments.count
        do {
            var parser = try Parser(source, arguments: arguments)
            (body, slots) = try parser.script()
        } catch {
            throw error.described(in: source)
        }
    }

    /// Runs it with the given arguments, and gives what it returned as JSON: null when it returned nothing.
    ///
    /// The run is over when this returns, also when it was too long: nothing of it goes on, and nothing is kept.
    public func run(
        _ arguments: [JSONValue], limits: TBELLimits = TBELLimits(), clock: any TBELClock = TBELSystemClock()
    ) throws(TBELError) -> JSONValue {
        try run(given: arguments.map { .value($0) }, limits: limits, clock: clock)
    }

    /// The same with arguments that JSON has no words for.
    public func run(
        given arguments: [TBELArgument], limits: TBELLimits = TBELLimits(), clock: any TBELClock = TBELSystemClock()
    ) throws(TBELError) -> JSONValue {
        try withResult(arguments, limits, clock) { (value, machine) throws(TBELError) in try value.json(machine) }
    }

    private func withResult<R>(
        _ arguments: [TBELArgument], _ limits: TBELLimits, _ clock: any TBELClock,
        _ use: (Value, Machine) throws(TBELError) -> R
    ) throws(TBELError) -> R {
        precondition(
            arguments.count == argumentCount, "a script of \(argumentCount) arguments was given \(arguments.count)")
        let machine = Machine(limits: limits, clock: clock)
        // Everything that the run has made is gone before the machine is.
        defer { withExtendedLifetime(machine) { machine.finish() } }
        do {
            let frame = Frame(count: slots, outer: nil, machine: machine)
            machine.globals = frame
            for (slot, argument) in arguments.enumerated() { frame[slot] = try Value(argument, machine) }
            _ = try body.execute(frame)
            return try use(frame.result, machine)
        } catch {
            throw error.described(in: source)
        }
    }
}
