/// A regular expression that a whole key must match (`rule-engine.md` 3.5). Takes time in proportion to the key and the
/// pattern, whatever they are: tenants write both.
///
/// It knows literals, `.`, classes, `\d \w \s` and their opposites, groups, `|`, `* + ? {m,n}`, `^`, `$`, and `(?i)` in front.
/// What looks back or ahead is refused.
struct KeyPattern {
    private indirect enum Node {
        case scalars(ScalarSet)
        case begin
        case end
        case sequence([Node])
        case choice([Node])
        case repeated(Node, least: Int, most: Int?)
    }

    private enum Instruction {
        case scalars(ScalarSet)
        case begin
        case end
        case fork(Int, Int)
        case jump(Int)
        case match
    }

    /// What a pattern may become at most.
    private static let maximumInstructions = 5_000

    private var program: [Instruction] = []

    /// - Throws: What cannot be understood.
    init(_ text: String) throws(RuleNodeConfigurationError) {
        var parser = Parser(text)
        let node = try parser.parse()
        try emit(node)
        program.append(.match)
    }

    // MARK: - Matching

    func matches(_ key: String) -> Bool {
        let scalars = Array(key.unicodeScalars)
        var current = Threads(capacity: program.count)
        var next = Threads(capacity: program.count)
        add(0, to: &current, isBegin: true, isEnd: scalars.isEmpty)
        for (index, scalar) in scalars.enumerated() {
            next.removeAll()
            for place in current.places {
                guard case .scalars(let set) = program[place], set.contains(scalar) else { continue }
                add(place + 1, to: &next, isBegin: false, isEnd: index + 1 == scalars.count)
            }
            swap(&current, &next)
            if current.places.isEmpty { return false }
        }
        return current.places.contains { if case .match = program[$0] { true } else { false } }
    }

    /// Follows everything that takes no character.
    private func add(_ first: Int, to threads: inout Threads, isBegin: Bool, isEnd: Bool) {
        var open = [first]
        while let place = open.popLast() {
            guard threads.insert(place) else { continue }
            switch program[place] {
            case .fork(let one, let other):
                open.append(other)
                open.append(one)
            case .jump(let target): open.append(target)
            case .begin: if isBegin { open.append(place + 1) }
            case .end: if isEnd { open.append(place + 1) }
            case .scalars, .match: break
            }
        }
    }

    private struct Threads {
        private(set) var places: [Int] = []
        private var isKnown: [Bool]

        init(capacity: Int) { isKnown = [Bool](repeating: false, count: capacity) }

        mutating func insert(_ place: Int) -> Bool {
            guard !isKnown[place] else { return false }
            isKnown[place] = true
            places.append(place)
            return true
        }

        mutating func removeAll() {
            for place in places { isKnown[place] = false }
            places.removeAll(keepingCapacity: true)
        }
    }

    // MARK: - Compiling

    private mutating func append(_ instruction: Instruction) throws(RuleNodeConfigurationError) {
        guard program.count < Self.maximumInstructions else {
            throw RuleNodeConfigurationError("a pattern of keys is too large")
        }
        program.append(instruction)
    }

    private mutating func emit(_ node: Node) throws(RuleNodeConfigurationError) {
        switch node {
        case .scalars(let set): try append(.scalars(set))
        case .begin: try append(.begin)
        case .end: try append(.end)
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .choice(let nodes):
            var exits: [Int] = []
            for (index, node) in nodes.enumerated() {
                let fork = program.count
                let isLast = index == nodes.count - 1
                if !isLast { try append(.fork(fork + 1, fork + 1)) }
                try emit(node)
                if isLast { break }
                exits.append(program.count)
                try append(.jump(0))
                program[fork] = .fork(fork + 1, program.count)
            }
            for exit in exits { program[exit] = .jump(program.count) }
        case .repeated(let node, let least, let most):
            for _ in 0..<least { try emit(node) }
            if let most {
                var forks: [Int] = []
                for _ in least..<most {
                    forks.append(program.count)
                    try append(.fork(0, 0))
                    try emit(node)
                }
                for fork in forks { program[fork] = .fork(fork + 1, program.count) }
            } else {
                let fork = program.count
                try append(.fork(0, 0))
                try emit(node)
                try append(.jump(fork))
                program[fork] = .fork(fork + 1, program.count)
            }
        }
    }

    // MARK: - Parsing

    private struct Parser {
        private let scalars: [Unicode.Scalar]
        private var index = 0
        private var ignoresCase = false
        private var depth = 0
        private static let maximumDepth = 100
        private static let maximumRepetitions = 1_000

        init(_ text: String) {
            scalars = Array(text.unicodeScalars)
            let flag = Array("(?i)".unicodeScalars)
            if scalars.starts(with: flag) {
                ignoresCase = true
                index = flag.count
            }
        }

        private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

        private func problem(_ text: String) -> RuleNodeConfigurationError {
            RuleNodeConfigurationError("pattern of keys '\(String(String.UnicodeScalarView(scalars)))': \(text)")
        }

        private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
            guard next == scalar else { return false }
            index += 1
            return true
        }

        mutating func parse() throws(RuleNodeConfigurationError) -> Node {
            let node = try choice()
            guard next == nil else { throw problem("unmatched )") }
            return node
        }

        private mutating func choice() throws(RuleNodeConfigurationError) -> Node {
            var nodes = [try sequence()]
            while take("|") { nodes.append(try sequence()) }
            return nodes.count == 1 ? nodes[0] : .choice(nodes)
        }

        private mutating func sequence() throws(RuleNodeConfigurationError) -> Node {
            var nodes: [Node] = []
            while let scalar = next, scalar != "|", scalar != ")" {
                nodes.append(try quantified(try atom()))
            }
            return .sequence(nodes)
        }

        private mutating func quantified(_ atom: Node) throws(RuleNodeConfigurationError) -> Node {
            let node: Node
            if take("*") {
                node = .repeated(atom, least: 0, most: nil)
            } else if take("+") {
                node = .repeated(atom, least: 1, most: nil)
            } else if take("?") {
                node = .repeated(atom, least: 0, most: 1)
            } else if take("{") {
                node = try counted(atom)
            } else {
                return atom
            }
            // Which match is found first makes no difference where all of the key must match.
            _ = take("?")
            if let scalar = next, "*+?{".unicodeScalars.contains(scalar) { throw problem("nothing to repeat") }
            return node
        }

        private mutating func counted(_ atom: Node) throws(RuleNodeConfigurationError) -> Node {
            guard let least = number() else { throw problem("a number is missing after {") }
            var most: Int? = least
            if take(",") { most = number() }
            guard take("}") else { throw problem("} is missing") }
            guard most ?? least >= least, max(most ?? 0, least) <= Self.maximumRepetitions else {
                throw problem("wrong number of repetitions")
            }
            return .repeated(atom, least: least, most: most)
        }

        private mutating func number() -> Int? {
            var value: Int?
            while let scalar = next, let digit = Int(String(scalar)), value ?? 0 < 1_000_000 {
                value = (value ?? 0) * 10 + digit
                index += 1
            }
            return value
        }

        private mutating func atom() throws(RuleNodeConfigurationError) -> Node {
            let scalar = scalars[index]
            index += 1
            switch scalar {
            case ".": return .scalars(.anyButNewlines)
            case "^": return .begin
            case "$": return .end
            case "[": return .scalars(try scalarClass())
            case "\\": return .scalars(try escape())
            case "(":
                if take("?") { guard take(":") else { throw problem("groups with ? are not supported") } }
                depth += 1
                guard depth <= Self.maximumDepth else { throw problem("too many groups inside each other") }
                let node = try choice()
                depth -= 1
                guard take(")") else { throw problem(") is missing") }
                return node
            case "*", "+", "?": throw problem("nothing to repeat")
            default: return .scalars(single(scalar))
            }
        }

        private func single(_ scalar: Unicode.Scalar) -> ScalarSet {
            ScalarSet(scalar, ignoringCase: ignoresCase)
        }

        private mutating func escape() throws(RuleNodeConfigurationError) -> ScalarSet {
            guard let scalar = next else { throw problem("nothing after \\") }
            index += 1
            switch scalar {
            case "d": return .digits
            case "D": return .digits.inverted
            case "w": return .wordCharacters
            case "W": return .wordCharacters.inverted
            case "s": return .spaces
            case "S": return .spaces.inverted
            case "t": return single("\t")
            case "n": return single("\n")
            case "r": return single("\r")
            default:
                guard !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                    throw problem("\\\(scalar) is not supported")
                }
                return single(scalar)
            }
        }

        private mutating func scalarClass() throws(RuleNodeConfigurationError) -> ScalarSet {
            let isInverted = take("^")
            var set = ScalarSet()
            var isFirst = true
            while true {
                guard let scalar = next else { throw problem("] is missing") }
                index += 1
                if scalar == "]", !isFirst { return isInverted ? set.inverted : set }
                isFirst = false
                if scalar == "[" || scalar == "&" && next == "&" { throw problem("nested classes are not supported") }
                if scalar == "\\" {
                    let escaped = try escape()
                    set.formUnion(escaped)
                    continue
                }
                guard next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else {
                    set.formUnion(single(scalar))
                    continue
                }
                let last = scalars[index + 1]
                index += 2
                guard last != "\\", last != "[", scalar <= last else { throw problem("wrong range in a class") }
                set.insert(scalar...last, ignoringCase: ignoresCase)
            }
        }
    }
}

/// A set of characters.
struct ScalarSet {
    private var ranges: [ClosedRange<Unicode.Scalar>] = []
    private var excluded: [ScalarSet] = []
    private var isInverted = false

    init() {}

    init(_ scalar: Unicode.Scalar, ignoringCase: Bool) {
        insert(scalar...scalar, ignoringCase: ignoringCase)
    }

    private init(_ ranges: ClosedRange<Unicode.Scalar>...) { self.ranges = ranges }

    static let digits = ScalarSet("0"..."9")
    static let wordCharacters = ScalarSet("0"..."9", "A"..."Z", "a"..."z", "_"..."_")
    static let spaces = ScalarSet("\t"..."\r", " "..." ")
    static let anyButNewlines = ScalarSet(
        "\n"..."\n", "\r"..."\r", "\u{85}"..."\u{85}", "\u{2028}"..."\u{2029}"
    ).inverted

    var inverted: ScalarSet {
        var set = self
        set.isInverted.toggle()
        return set
    }

    mutating func insert(_ range: ClosedRange<Unicode.Scalar>, ignoringCase: Bool) {
        ranges.append(range)
        guard ignoringCase else { return }
        // As in ASCII.
        for (letters, distance) in [("A"..."Z" as ClosedRange<Unicode.Scalar>, 32), ("a"..."z", -32)] {
            guard letters.overlaps(range) else { continue }
            let common = range.clamped(to: letters)
            if let low = Unicode.Scalar(UInt32(Int(common.lowerBound.value) + distance)),
                let high = Unicode.Scalar(UInt32(Int(common.upperBound.value) + distance))
            {
                ranges.append(low...high)
            }
        }
    }

    mutating func formUnion(_ other: ScalarSet) {
        if other.isInverted { excluded.append(other) } else { ranges += other.ranges }
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let isIn = ranges.contains { $0.contains(scalar) } || excluded.contains { $0.contains(scalar) }
        return isIn != isInverted
    }
}
