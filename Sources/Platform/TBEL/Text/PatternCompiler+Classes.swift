// Classes of characters, and characters that are written with a backslash.
extension PatternCompiler {
    /// The class of `\d` and its like.
    mutating func escapedSet() throws(TBELError) -> CharacterSet? {
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

    mutating func escapedCharacter() throws(TBELError) -> UInt32 {
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

    mutating func characterSet() throws(TBELError) -> CharacterSet {
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
