/// Names of one function while it is compiled: variables in slots, functions, and the function around.
final class Scope {
    let outer: Scope?
    private(set) var slots = 0
    private var blocks: [[String: Int]] = [[:]]
    private var functions: [String: FunctionCode] = [:]

    init(outer: Scope?) { self.outer = outer }

    /// The scope of the script itself.
    var script: Scope { outer?.script ?? self }

    var depth: Int { outer.map { $0.depth + 1 } ?? 0 }

    func beginBlock() { blocks.append([:]) }
    func endBlock() { blocks.removeLast() }

    /// A slot for a variable of the current block; the one that it has when it is declared again.
    func declare(_ name: String) -> Int {
        if let slot = blocks[blocks.count - 1][name] { return slot }
        let slot = slots
        slots += 1
        blocks[blocks.count - 1][name] = slot
        return slot
    }

    /// A slot of its own for an argument; of two of the same name the last one is meant.
    func declareArgument(_ name: String) {
        blocks[0][name] = slots
        slots += 1
    }

    private func slot(of name: String) -> Int? {
        for block in blocks.reversed() {
            if let slot = block[name] { return slot }
        }
        return nil
    }

    /// Where a variable is. One that nobody has declared is taken for one of the script, which may set it later.
    func place(of name: String) -> (hops: Int, slot: Int) {
        var hops = 0
        var scope = self
        while true {
            if let slot = scope.slot(of: name) { return (hops, slot) }
            guard let outer = scope.outer else { break }
            scope = outer
            hops += 1
        }
        return (hops, scope.declareInScript(name))
    }

    func knows(_ name: String) -> Bool { slot(of: name) != nil || outer?.knows(name) ?? false }

    private func declareInScript(_ name: String) -> Int {
        let slot = slots
        slots += 1
        blocks[0][name] = slot
        return slot
    }

    func declare(_ function: FunctionCode) { functions[function.name] = function }

    func function(_ name: String) -> (FunctionCode, hops: Int)? {
        if let function = functions[name] { return (function, 0) }
        guard let (function, hops) = outer?.function(name) else { return nil }
        return (function, hops + 1)
    }
}
