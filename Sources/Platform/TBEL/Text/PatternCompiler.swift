/// Makes instructions of the text of a pattern.
struct PatternCompiler {
    let text: [UInt32]
    var index = 0
    private var groups = 0
    private var marks = 0
    var depth = 0
    var ignoresCase = false
    private var dotMatchesAll = false
    private var linewise = false

    private typealias Code = [Pattern.Instruction]
    private static let longest = 20_000

    private init(_ text: String) { self.text = text.unicodeScalars.map(\.value) }

    static func compile(_ text: String) throws(TBELError) -> Pattern {
        var compiler = PatternCompiler(text)
        var code = try compiler.alternatives()
        if compiler.index < compiler.text.count { throw compiler.failure("Unmatched closing ')'") }
        code.append(.success)
        return Pattern(instructions: code, groups: compiler.groups, marks: compiler.marks).completed(
            compiler.groups, compiler.marks)
    }

    func failure(_ what: String) -> TBELError { .runtime("\(what) near index \(index) of the pattern") }

    var peek: UInt32? { index < text.count ? text[index] : nil }

    func isNext(_ character: Unicode.Scalar, _ ahead: Int = 0) -> Bool {
        index + ahead < text.count && text[index + ahead] == character.value
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard isNext(character) else { return false }
        index += 1
        return true
    }

    // MARK: Structure

    private mutating func alternatives() throws(TBELError) -> Code {
        depth += 1
        defer { depth -= 1 }
        guard depth < 50 else { throw failure("Too many groups inside each other") }
        let flags = (ignoresCase, dotMatchesAll, linewise)
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        (ignoresCase, dotMatchesAll, linewise) = flags
        var code = branches.removeLast()
        while let branch = branches.popLast() {
            code =
                [.split(first: 1, second: branch.count + 2)] + shifted(branch, 1)
                + [.jump(branch.count + 2 + code.count)] + shifted(code, branch.count + 2)
            try check(code)
        }
        return code
    }

    private mutating func sequence() throws(TBELError) -> Code {
        var code: Code = []
        while let character = peek, character != 0x7C, character != 0x29 {
            let part = try repeated()
            code += shifted(part, code.count)
            try check(code)
        }
        return code
    }

    private func check(_ code: Code) throws(TBELError) {
        if code.count > PatternCompiler.longest { throw failure("The pattern is too large") }
    }

    /// Code that is moved `by` places: its jumps count from the start.
    private func shifted(_ code: Code, _ by: Int) -> Code {
        code.map { instruction in
            switch instruction {
            case .split(let first, let second): .split(first: first + by, second: second + by)
            case .jump(let to): .jump(to + by)
            case .leaveIfEmpty(let mark, let exit): .leaveIfEmpty(mark, exit: exit + by)
            default: instruction
            }
        }
    }

    // MARK: Repetition

    private mutating func repeated() throws(TBELError) -> Code {
        var code = try atom()
        while true {
            let least: Int
            let most: Int?
            if take("*") {
                (least, most) = (0, nil)
            } else if take("+") {
                (least, most) = (1, nil)
            } else if take("?") {
                (least, most) = (0, 1)
            } else if isNext("{") {
                index += 1
                (least, most) = try bounds()
            } else {
                return code
            }
            let isReluctant = take("?")
            let isPossessive = !isReluctant && take("+")
            code = try repetition(of: code, least, most, isReluctant)
            if isPossessive { code = [.atomic(Pattern(instructions: code + [.success], groups: 0, marks: 0))] }
        }
    }

    private mutating func bounds() throws(TBELError) -> (Int, Int?) {
        guard let least = number() else { throw failure("Illegal repetition") }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}"), most.map({ $0 >= least }) ?? true else { throw failure("Illegal repetition range") }
        return (least, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let digit = peek, digit >= 0x30, digit <= 0x39 {
            value = min((value ?? 0) * 10 + Int(digit - 0x30), 1_000_000)
            index += 1
        }
        return value
    }

    private mutating func repetition(
        of part: Code, _ least: Int, _ most: Int?, _ isReluctant: Bool
    ) throws(TBELError) -> Code {
        guard part.count * max(least, most ?? 0) <= PatternCompiler.longest else {
            throw failure("The pattern is too large")
        }
        var code: Code = []
        for _ in 0..<least { code += shifted(part, code.count) }
        func split(_ into: Int, _ out: Int) -> Pattern.Instruction {
            isReluctant ? .split(first: out, second: into) : .split(first: into, second: out)
        }
        if let most {
            // Each of the rest may be the last: all leave to the same end.
            let rest = most - least
            let end = code.count + rest * (part.count + 1)
            for _ in 0..<max(rest, 0) {
                code.append(split(code.count + 1, end))
                code += shifted(part, code.count)
            }
        } else {
            let start = code.count
            let exit = start + part.count + 4
            let mark = marks
            marks += 1
            code.append(split(start + 1, exit))
            code.append(.mark(mark))
            code += shifted(part, start + 2)
            code.append(.leaveIfEmpty(mark, exit: exit))
            code.append(.jump(start))
        }
        try check(code)
        return code
    }

    // MARK: Atoms

    private mutating func atom() throws(TBELError) -> Code {
        guard let character = peek else { throw failure("Unexpected end") }
        index += 1
        switch Unicode.Scalar(character) {
        case ".": return [.any(includingNewlines: dotMatchesAll)]
        case "^": return [.start(ofLines: linewise)]
        case "$": return [.end(ofLines: linewise, beforeLastNewline: true)]
        case "(": return try group()
        case "[": return [.set(try characterSet())]
        case "\\": return [try escape()]
        case "*", "+", "?":
            index -= 1
            throw failure("Dangling meta character '\(Unicode.Scalar(character)!)'")
        default: return [literal(character)]
        }
    }

    private func literal(_ character: UInt32) -> Pattern.Instruction {
        guard ignoresCase, !CharacterSet.otherCases(character).allSatisfy({ $0 == character }) else {
            return .character(character)
        }
        return .set(CharacterSet(ranges: [character...character], ignoresCase: true))
    }

    private mutating func group() throws(TBELError) -> Code {
        guard take("?") else { return try captured() }
        if take(":") { return try closed(try alternatives()) }
        if take("=") { return [.look(ahead: try inner(), wanted: true)] }
        if take("!") { return [.look(ahead: try inner(), wanted: false)] }
        if take(">") { return [.atomic(try inner())] }
        if isNext("<"), !isNext("=", 1), !isNext("!", 1) {
            while let character = peek, character != 0x3E { index += character == 0x29 ? text.count : 1 }
            guard take(">") else { throw failure("The name of a group has no end") }
            return try captured()
        }
        var sets = true
        let flags = (ignoresCase, dotMatchesAll, linewise)
        while let character = peek {
            index += 1
            switch Unicode.Scalar(character) {
            case "-": sets = false
            case "i": ignoresCase = sets
            case "s": dotMatchesAll = sets
            case "m": linewise = sets
            case "u": break
            case ")": return []
            case ":":
                let code = try closed(try alternatives())
                (ignoresCase, dotMatchesAll, linewise) = flags
                return code
            default: throw failure("Unknown group")
            }
        }
        throw failure("Unclosed group")
    }

    private mutating func captured() throws(TBELError) -> Code {
        groups += 1
        let group = groups
        guard group <= 100 else { throw failure("Too many groups") }
        let code = try closed(try alternatives())
        return [.save(group * 2)] + shifted(code, 1) + [.save(group * 2 + 1)]
    }

    private mutating func closed(_ code: Code) throws(TBELError) -> Code {
        guard take(")") else { throw failure("Unclosed group") }
        return code
    }

    private mutating func inner() throws(TBELError) -> Pattern {
        Pattern(instructions: try closed(try alternatives()) + [.success], groups: 0, marks: 0)
    }

    private mutating func escape() throws(TBELError) -> Pattern.Instruction {
        guard let character = peek, let scalar = Unicode.Scalar(character) else { throw failure("Unexpected end") }
        index += 1
        switch scalar {
        case "b": return .wordBoundary(true)
        case "B": return .wordBoundary(false)
        case "A": return .start(ofLines: false)
        case "z": return .end(ofLines: false, beforeLastNewline: false)
        case "Z": return .end(ofLines: false, beforeLastNewline: true)
        case "1"..."9":
            let group = Int(character - 0x30)
            guard group <= groups else { throw failure("No group \(group)") }
            return .reference(group, ignoresCase: ignoresCase)
        default:
            index -= 1
            if let set = try escapedSet() { return .set(set) }
            return literal(try escapedCharacter())
        }
    }
}

extension Pattern {
    /// The same with room for all groups and marks, also in the patterns inside, which share the numbers.
    fileprivate func completed(_ groups: Int, _ marks: Int) -> Pattern {
        let instructions: [Instruction] = self.instructions.map { instruction in
            switch instruction {
            case .look(let ahead, let wanted): .look(ahead: ahead.completed(groups, marks), wanted: wanted)
            case .atomic(let inner): .atomic(inner.completed(groups, marks))
            default: instruction
            }
        }
        return Pattern(instructions: instructions, groups: groups, marks: marks)
    }
}
