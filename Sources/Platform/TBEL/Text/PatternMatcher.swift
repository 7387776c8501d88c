/// Looks for matches of patterns in one text.
struct PatternMatcher {
    let text: [UInt32]
    private let machine: Machine
    private static let deepestStack = 500_000
    private static let deepestLook = 10
    private var looks = 0

    init(_ text: String, _ machine: Machine) {
        self.text = text.unicodeScalars.map(\.value)
        self.machine = machine
    }

    func scalars(_ range: Range<Int>) -> [Unicode.Scalar] { text[range].map { Unicode.Scalar($0) ?? "\u{FFFD}" } }
    func string(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(scalars(range))) }

    /// The first match at or behind `from`: start and end of the whole and of each group, -1 for none.
    mutating func find(_ pattern: Pattern, from: Int) throws(TBELError) -> [Int]? {
        var start = from
        while start <= text.count {
            if let match = try run(pattern, at: start, wholly: false) { return match }
            start += 1
        }
        return nil
    }

    /// What to go back to.
    private enum Choice {
        case go(to: Int, at: Int)
        case restore(slot: Int, Int)
        case unmark(Int, Int)
    }

    mutating func run(
        _ pattern: Pattern, at start: Int, wholly: Bool, slots given: [Int]? = nil
    ) throws(TBELError) -> [Int]? {
        var slots = given ?? Array(repeating: -1, count: pattern.groups * 2 + 2)
        var marks = Array(repeating: -1, count: pattern.marks)
        var stack: [Choice] = []
        var at = start
        var next = 0
        while true {
            try machine.step()
            if try step(pattern, &next, &at, &slots, &marks, &stack) {
                if case .success = pattern.instructions[next], !wholly || at == text.count {
                    slots[0] = start
                    slots[1] = at
                    return slots
                }
                if case .success = pattern.instructions[next] {} else { continue }
            }
            // Back to the last choice.
            var found = false
            while let choice = stack.popLast() {
                switch choice {
                case .restore(let slot, let old): slots[slot] = old
                case .unmark(let mark, let old): marks[mark] = old
                case .go(let to, let position):
                    next = to
                    at = position
                    found = true
                }
                if found { break }
            }
            if !found { return nil }
        }
    }

    /// Runs the instruction `next`; false when it does not match. Stays at ``Pattern/Instruction/success``.
    private mutating func step(
        _ pattern: Pattern, _ next: inout Int, _ at: inout Int, _ slots: inout [Int], _ marks: inout [Int],
        _ stack: inout [Choice]
    ) throws(TBELError) -> Bool {
        switch pattern.instructions[next] {
        case .success: return true
        case .character(let character):
            guard at < text.count, text[at] == character else { return false }
            at += 1
        case .any(let includingNewlines):
            guard at < text.count, includingNewlines || !PatternMatcher.isNewline(text[at]) else { return false }
            at += 1
        case .set(let set):
            guard at < text.count, set.contains(text[at]) else { return false }
            at += 1
        case .start(let ofLines):
            guard at == 0 || ofLines && PatternMatcher.isNewline(text[at - 1]) && at < text.count else { return false }
        case .end(let ofLines, let beforeLastNewline):
            let isEnd =
                at == text.count || beforeLastNewline && at == text.count - 1 && PatternMatcher.isNewline(text[at])
            guard isEnd || ofLines && PatternMatcher.isNewline(text[at]) else { return false }
        case .wordBoundary(let wanted):
            let before = at > 0 && CharacterSet.word.contains(text[at - 1])
            let after = at < text.count && CharacterSet.word.contains(text[at])
            guard (before != after) == wanted else { return false }
        case .save(let slot):
            stack.append(.restore(slot: slot, slots[slot]))
            slots[slot] = at
        case .jump(let to):
            next = to
            return true
        case .split(let first, let second):
            guard stack.count < PatternMatcher.deepestStack else { throw .runtime("The pattern needs too many steps") }
            stack.append(.go(to: second, at: at))
            next = first
            return true
        case .mark(let mark):
            stack.append(.unmark(mark, marks[mark]))
            marks[mark] = at
        case .leaveIfEmpty(let mark, let exit):
            if marks[mark] == at {
                next = exit
                return true
            }
        case .reference(let group, let ignoresCase):
            let (start, end) = (slots[group * 2], slots[group * 2 + 1])
            guard start >= 0, end >= start, at + end - start <= text.count else { return false }
            for offset in 0..<end - start {
                let (a, b) = (text[start + offset], text[at + offset])
                guard a == b || ignoresCase && CharacterSet.otherCases(a).contains(b) else { return false }
            }
            at += end - start
        case .look(let ahead, let wanted):
            let match = try inner(ahead, at: at, slots)
            guard (match != nil) == wanted else { return false }
            if let match, wanted { keep(match, &slots, &stack) }
        case .atomic(let inner):
            guard let match = try self.inner(inner, at: at, slots) else { return false }
            at = match[1]
            keep(match, &slots, &stack)
        }
        next += 1
        return true
    }

    private mutating func inner(_ pattern: Pattern, at: Int, _ slots: [Int]) throws(TBELError) -> [Int]? {
        looks += 1
        defer { looks -= 1 }
        guard looks <= PatternMatcher.deepestLook else { throw .runtime("The pattern looks ahead too often") }
        return try run(pattern, at: at, wholly: false, slots: slots)
    }

    /// Takes over the groups that an inner pattern has found.
    private func keep(_ match: [Int], _ slots: inout [Int], _ stack: inout [Choice]) {
        for slot in 2..<max(slots.count, 2) where slots[slot] != match[slot] {
            stack.append(.restore(slot: slot, slots[slot]))
            slots[slot] = match[slot]
        }
    }

    private static func isNewline(_ character: UInt32) -> Bool {
        character == 0x0A || character == 0x0D || character == 0x85 || character == 0x2028 || character == 0x2029
    }
}
