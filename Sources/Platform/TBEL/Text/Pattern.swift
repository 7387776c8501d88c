import Synchronization

/// A regular expression in Java's notation: characters and classes, groups, alternatives, greedy, reluctant and
/// possessive repetition, anchors, back references, looking ahead, the flags `i`, `m` and `s`.
///
/// Matching goes back and tries again, with a stack of its own, and every step of it counts as one of the run.
struct Pattern: Sendable {
    indirect enum Instruction: Sendable {
        case character(UInt32)
        case any(includingNewlines: Bool)
        case set(CharacterSet)
        case start(ofLines: Bool)
        case end(ofLines: Bool, beforeLastNewline: Bool)
        case wordBoundary(Bool)
        case save(Int)
        case split(first: Int, second: Int)
        case jump(Int)
        case reference(Int, ignoresCase: Bool)
        case look(ahead: Pattern, wanted: Bool)
        /// Matches a pattern without ever trying it in another way.
        case atomic(Pattern)
        /// Notes where a repetition started, and leaves it when nothing was read since.
        case mark(Int)
        case leaveIfEmpty(Int, exit: Int)
        case success
    }

    var instructions: [Instruction]
    var groups: Int
    var marks: Int

    private static let cache = Mutex<[String: Pattern]>([:])
    private static let mostCached = 200
    private static let longest = 10_000

    static func cached(_ text: String) throws(TBELError) -> Pattern {
        if let pattern = cache.withLock({ $0[text] }) { return pattern }
        guard text.utf8.count <= longest else { throw .runtime("The pattern is too long") }
        let pattern = try PatternCompiler.compile(text)
        cache.withLock { cache in
            if cache.count >= mostCached { cache.removeAll() }
            cache[text] = pattern
        }
        return pattern
    }

    // MARK: Use

    /// Whether the whole text matches.
    func matches(_ text: String, _ machine: Machine) throws(TBELError) -> Bool {
        var matcher = PatternMatcher(text, machine)
        return try matcher.run(self, at: 0, wholly: true) != nil
    }

    /// With what matches replaced; `$1` in `new` stands for the first group, `\` makes the next character plain.
    func replace(_ text: String, with new: String, all: Bool, _ machine: Machine) throws(TBELError) -> String {
        var matcher = PatternMatcher(text, machine)
        let replacement = Array(new.unicodeScalars)
        var result = String.UnicodeScalarView()
        var copied = 0
        var at = 0
        var length = 0
        while at <= matcher.text.count, let match = try matcher.find(self, from: at) {
            result.append(contentsOf: matcher.scalars(copied..<match[0]))
            length += match[0] - copied + replacement.count
            try insert(replacement, match, matcher, &result)
            copied = match[1]
            at = match[1] > match[0] ? match[1] : match[1] + 1
            try machine.checkText(of: length)
            if !all { break }
        }
        result.append(contentsOf: matcher.scalars(copied..<matcher.text.count))
        let text = String(result)
        try machine.makeText(of: text.utf8.count)
        return text
    }

    private func insert(
        _ replacement: [Unicode.Scalar], _ match: [Int], _ matcher: PatternMatcher,
        _ result: inout String.UnicodeScalarView
    ) throws(TBELError) {
        var index = 0
        while index < replacement.count {
            let scalar = replacement[index]
            index += 1
            if scalar == "\\" {
                guard index < replacement.count else { throw .runtime("character to be escaped is missing") }
                result.append(replacement[index])
                index += 1
            } else if scalar == "$" {
                guard index < replacement.count, let digit = Int(String(replacement[index])) else {
                    throw .runtime("Illegal group reference")
                }
                index += 1
                guard digit <= groups else { throw .runtime("No group \(digit)") }
                let (start, end) = (match[digit * 2], match[digit * 2 + 1])
                if start >= 0 { result.append(contentsOf: matcher.scalars(start..<end)) }
            } else {
                result.append(scalar)
            }
        }
    }

    /// The texts between matches. A match of nothing at the start is none.
    func split(_ text: String, limit: Int, _ machine: Machine) throws(TBELError) -> [String] {
        var matcher = PatternMatcher(text, machine)
        var parts: [String] = []
        var copied = 0
        var at = 0
        while at <= matcher.text.count, limit <= 0 || parts.count < limit - 1,
            let match = try matcher.find(self, from: at)
        {
            let isEmpty = match[1] == match[0]
            at = isEmpty ? match[1] + 1 : match[1]
            if isEmpty && (match[0] == 0 || match[0] == matcher.text.count) || match[1] == 0 { continue }
            try machine.step()
            parts.append(matcher.string(copied..<match[0]))
            copied = match[1]
        }
        parts.append(matcher.string(copied..<matcher.text.count))
        return parts
    }
}

/// Characters by ranges.
struct CharacterSet: Sendable {
    var ranges: [ClosedRange<UInt32>] = []
    var isNegated = false
    /// Of `[a&&[b]]`: it must be in these too.
    var others: [CharacterSet] = []
    /// Sets inside of this one.
    var parts: [CharacterSet] = []
    var ignoresCase = false

    func contains(_ character: UInt32) -> Bool {
        var found = holds(character)
        if !found, ignoresCase {
            found = CharacterSet.otherCases(character).contains { holds($0) }
        }
        if found { found = others.allSatisfy { $0.contains(character) } }
        return found != isNegated
    }

    private func holds(_ character: UInt32) -> Bool {
        ranges.contains { $0.contains(character) } || parts.contains { $0.contains(character) }
    }

    static func otherCases(_ character: UInt32) -> [UInt32] {
        guard let scalar = Unicode.Scalar(character) else { return [] }
        let forms = [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping]
        return forms.compactMap { $0.unicodeScalars.count == 1 ? $0.unicodeScalars.first!.value : nil }
    }

    static let digits = CharacterSet(ranges: [0x30...0x39])
    static let spaces = CharacterSet(ranges: [0x09...0x0D, 0x20...0x20])
    static let word = CharacterSet(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])

    var negated: CharacterSet {
        var set = self
        set.isNegated.toggle()
        return set
    }
}
