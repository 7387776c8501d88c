/// Makes instructions of the text of a pattern.
struct PatternCompiler {
    private let text: [UInt32]
    private var index = 0
    private var groups = 0
    private var marks = 0
    private var depth = 0
    private var ignoresCase = false
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

    private func failure(_ what: String) -> TBELError { .runtime("\(what) near index \(index) of the pattern") }

    private var peek: UInt32? { index < text.count ? text[index] : nil }

    private func isNext(_ character: Unicode.Scalar, _ ahead: Int = 0) -> Bool {
        index + ahead < text.count && text[index + ahead] == character.value
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
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

    /// The class of `\d` and its like.
    private mutating func escapedSet() throws(TBELError) -> CharacterSet? {
        guard let scalar = peek.flatMap(Unicode.Scalar.init) else { return nil }
        let set: CharacterSet
        switch scalar {
        case "d": set = .digits
        case "D": set = CharacterSet.digits.negated
        case "s": set = .spaces
        case "S": set = CharacterSet.spaces.negated
        case "w": set = .word
        case "W": set = CharacterSet.word.negated
        case "p", "P":
            index += 1
            guard take("{") else { throw failure("Unknown character property") }
            var name = ""
            while let character = peek, character != 0x7D, let letter = Unicode.Scalar(character) {
                name.unicodeScalars.append(letter)
                index += 1
            }
            guard let found = PatternCompiler.properties[name], isNext("}") else {
                throw failure("Unknown character property name {\(name.prefix(20))}")
            }
            set = scalar == "P" ? found.negated : found
        default: return nil
        }
        index += 1
        return set
    }

    private static let properties: [String: CharacterSet] = [
        "Lower": CharacterSet(ranges: [0x61...0x7A]), "Upper": CharacterSet(ranges: [0x41...0x5A]),
        "Alpha": CharacterSet(ranges: [0x41...0x5A, 0x61...0x7A]), "Digit": .digits, "Space": .spaces,
        "Alnum": CharacterSet(ranges: [0x30...0x39, 0x41...0x5A, 0x61...0x7A]),
        "Punct": CharacterSet(ranges: [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]),
        "XDigit": CharacterSet(ranges: [0x30...0x39, 0x41...0x46, 0x61...0x66]),
        "ASCII": CharacterSet(ranges: [0...0x7F]),
    ]

    private mutating func escapedCharacter() throws(TBELError) -> UInt32 {
        guard let character = peek, let scalar = Unicode.Scalar(character) else { throw failure("Unexpected end") }
        index += 1
        switch scalar {
        case "n": return 0x0A
        case "t": return 0x09
        case "r": return 0x0D
        case "f": return 0x0C
        case "e": return 0x1B
        case "a": return 0x07
        case "u": return try hexadecimal(4)
        case "x": return try hexadecimal(2)
        default:
            if scalar.isASCII, scalar.properties.isAlphabetic || character >= 0x30 && character <= 0x39 {
                throw failure("Illegal/unsupported escape sequence")
            }
            return character
        }
    }

    private mutating func hexadecimal(_ digits: Int) throws(TBELError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = peek.flatMap(Unicode.Scalar.init).flatMap({ Character($0).hexDigitValue }) else {
                throw failure("Illegal hexadecimal escape sequence")
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    // MARK: Classes

    private mutating func characterSet() throws(TBELError) -> CharacterSet {
        depth += 1
        defer { depth -= 1 }
        guard depth < 50 else { throw failure("Too many classes inside each other") }
        var set = CharacterSet(isNegated: take("^"), ignoresCase: ignoresCase)
        var isFirst = true
        while true {
            guard let character = peek else { throw failure("Unclosed character class") }
            if character == 0x5D, !isFirst {
                index += 1
                return set
            }
            isFirst = false
            if isNext("[") {
                index += 1
                set.parts.append(try characterSet())
            } else if isNext("&"), isNext("&", 1) {
                index += 2
                guard isNext("[") else { throw failure("A class is missing after &&") }
                index += 1
                set.others.append(try characterSet())
            } else if isNext("\\") {
                index += 1
                if let part = try escapedSet() {
                    set.parts.append(part)
                } else {
                    try range(from: try escapedCharacter(), into: &set)
                }
            } else {
                index += 1
                try range(from: character, into: &set)
            }
        }
    }

    private mutating func range(from first: UInt32, into set: inout CharacterSet) throws(TBELError) {
        guard isNext("-"), !isNext("]", 1), !isNext("[", 1), index + 1 < text.count else {
            set.ranges.append(first...first)
            return
        }
        index += 1
        var last = text[index]
        index += 1
        if last == 0x5C { last = try escapedCharacter() }
        guard last >= first else { throw failure("Illegal character range") }
        set.ranges.append(first...last)
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
