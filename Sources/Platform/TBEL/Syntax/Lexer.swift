/// Cuts a script into tokens.
struct Lexer {
    private let bytes: [UInt8]
    private var index = 0

    init(_ source: String) { bytes = Array(source.utf8) }

    /// All tokens; the last one is the end.
    static func tokens(of source: String) throws(TBELError) -> [Token] {
        var lexer = Lexer(source)
        var tokens: [Token] = []
        repeat { tokens.append(try lexer.next()) } while tokens.last!.kind != .end
        return tokens
    }

    private func peek(_ ahead: Int = 0) -> UInt8 { index + ahead < bytes.count ? bytes[index + ahead] : 0 }

    private mutating func next() throws(TBELError) -> Token {
        try skipSpaceAndComments()
        let start = index
        guard index < bytes.count else { return Token(kind: .end, start: start, end: start) }
        let byte = bytes[index]
        let kind: Token.Kind
        if Lexer.isDigit(byte) || byte == UInt8(ascii: ".") && Lexer.isDigit(peek(1)) {
            kind = try number()
        } else if Lexer.startsName(byte) {
            while Lexer.startsName(peek()) || Lexer.isDigit(peek()) { index += 1 }
            kind = .name(String(decoding: bytes[start..<index], as: UTF8.self))
        } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
            kind = .text(try text(quote: byte))
        } else {
            kind = .mark(try mark())
        }
        return Token(kind: kind, start: start, end: index)
    }

    private mutating func skipSpaceAndComments() throws(TBELError) {
        while index < bytes.count {
            let byte = bytes[index]
            if byte <= 0x20 {
                index += 1
            } else if byte == 0xC2, peek(1) == 0xA0 {
                index += 2  // A space that does not break.
            } else if byte == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "/") {
                while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
            } else if byte == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
                let start = index
                index += 2
                while index < bytes.count, bytes[index] != UInt8(ascii: "*") || peek(1) != UInt8(ascii: "/") {
                    index += 1
                }
                guard index < bytes.count else { throw TBELError(.syntax, "unterminated comment", at: start) }
                index += 2
            } else {
                return
            }
        }
    }

    private mutating func mark() throws(TBELError) -> Mark {
        let first = bytes[index]
        if first == UInt8(ascii: "!"), peek(1) == UInt8(ascii: "="), peek(2) == UInt8(ascii: "=") {
            throw TBELError(.syntax, "Invalid operator: !== (TBEL has !=)", at: index)
        }
        if first == UInt8(ascii: "="), peek(1) == UInt8(ascii: ">") {
            throw TBELError(.syntax, "TBEL has no arrow functions", at: index)
        }
        if first == UInt8(ascii: "`") { throw TBELError(.syntax, "TBEL has no template strings", at: index) }
        for table in Mark.byLength {
            for (text, mark) in table[first] ?? [] where isNext(text) {
                index += text.count
                return mark
            }
        }
        throw TBELError(.syntax, "illegal character: \(Unicode.Scalar(first).escaped(asASCII: true))", at: index)
    }

    private func isNext(_ text: [UInt8]) -> Bool {
        for (ahead, byte) in text.enumerated() where peek(ahead) != byte { return false }
        return true
    }

    // MARK: Numbers

    private mutating func number() throws(TBELError) -> Token.Kind {
        let start = index
        if peek() == UInt8(ascii: "0"), peek(1) | 0x20 == UInt8(ascii: "x") { return try hexadecimal() }
        while Lexer.isDigit(peek()) { index += 1 }
        var isWhole = true
        if peek() == UInt8(ascii: "."), Lexer.isDigit(peek(1)) {
            isWhole = false
            index += 1
            while Lexer.isDigit(peek()) { index += 1 }
        }
        if peek() | 0x20 == UInt8(ascii: "e") {
            let sign = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-") ? 1 : 0
            if Lexer.isDigit(peek(1 + sign)) {
                isWhole = false
                index += 2 + sign
                while Lexer.isDigit(peek()) { index += 1 }
            }
        }
        let digits = String(decoding: bytes[start..<index], as: UTF8.self)
        let suffix = peek() | 0x20
        let isLong = isWhole && suffix == UInt8(ascii: "l")
        if isLong || suffix == UInt8(ascii: "f") || suffix == UInt8(ascii: "d") { index += 1 }
        guard !Lexer.startsName(peek()) else { throw invalidNumber(start) }
        if suffix == UInt8(ascii: "f") { return .float(Float(JavaNumber.double(digits) ?? 0)) }
        if !isWhole || suffix == UInt8(ascii: "d") { return .double(JavaNumber.double(digits) ?? 0) }
        let isOctal = digits.utf8.count > 1 && digits.utf8.first == UInt8(ascii: "0")
        guard let value = Int64(digits, radix: isOctal ? 8 : 10) else {
            if isOctal || isLong { throw invalidNumber(start) }
            return .double(Double(digits) ?? .infinity)
        }
        return isLong || Int32(exactly: value) == nil ? .long(value) : .integer(value)
    }

    private mutating func hexadecimal() throws(TBELError) -> Token.Kind {
        let start = index
        index += 2
        while Lexer.isHexDigit(peek()) { index += 1 }
        let digits = String(decoding: bytes[start + 2..<index], as: UTF8.self)
        let isLong = peek() | 0x20 == UInt8(ascii: "l")
        if isLong { index += 1 }
        guard !digits.isEmpty, !Lexer.startsName(peek()), let bits = UInt64(digits, radix: 16) else {
            throw invalidNumber(start)
        }
        let value = Int64(bitPattern: bits)
        return isLong || Int32(exactly: value) == nil ? .long(value) : .integer(value)
    }

    private mutating func invalidNumber(_ start: Int) -> TBELError {
        while Lexer.startsName(peek()) || Lexer.isDigit(peek()) { index += 1 }
        return TBELError(
            .syntax, "invalid number literal: \(String(decoding: bytes[start..<index], as: UTF8.self))", at: start)
    }

    // MARK: Texts

    private mutating func text(quote: UInt8) throws(TBELError) -> String {
        let start = index
        index += 1
        var result: [UInt8] = []
        while true {
            guard index < bytes.count else { throw TBELError(.syntax, "unterminated string literal", at: start) }
            let byte = bytes[index]
            index += 1
            if byte == quote { break }
            if byte == UInt8(ascii: "\\") { try escape(into: &result) } else { result.append(byte) }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private mutating func escape(into result: inout [UInt8]) throws(TBELError) {
        let letter = peek()
        index += 1
        switch letter {
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): result.append(letter)
        case UInt8(ascii: "u"):
            var unit = try unicode()
            if unit & 0xFC00 == 0xD800, peek() == UInt8(ascii: "\\"), peek(1) == UInt8(ascii: "u") {
                index += 2
                let low = try unicode()
                unit = low & 0xFC00 == 0xDC00 ? 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00) : 0xFFFD
            }
            result += Array(String(Character(Unicode.Scalar(unit) ?? "\u{FFFD}")).utf8)
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            var value = UInt32(letter - UInt8(ascii: "0"))
            while value < 0o40, peek() >= UInt8(ascii: "0"), peek() <= UInt8(ascii: "7") {
                value = value * 8 + UInt32(peek() - UInt8(ascii: "0"))
                index += 1
            }
            result += Array(String(Character(Unicode.Scalar(value) ?? "\u{FFFD}")).utf8)
        default:
            let shown = letter > 0x20 && letter < 0x7F ? String(Unicode.Scalar(letter)) : "?"
            throw TBELError(.syntax, "illegal escape sequence: \(shown)", at: index - 2)
        }
    }

    private mutating func unicode() throws(TBELError) -> UInt32 {
        let digits = bytes[min(index, bytes.count)..<min(index + 4, bytes.count)]
        guard digits.count == 4, digits.allSatisfy(Lexer.isHexDigit) else {
            throw TBELError(.syntax, "illegal unicode escape sequence", at: index)
        }
        index += 4
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0xFFFD
    }

    // MARK: Characters

    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f")
    }

    /// Letters, `_`, `$` and whatever is not ASCII.
    static func startsName(_ byte: UInt8) -> Bool {
        byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "$") || byte >= 0x80
    }
}
