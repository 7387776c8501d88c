/// Strings as JSON text.
public enum JSONText {
    /// Appends `text`, which is UTF-8, between quotes and with the escapes that RFC 8259 demands and no others.
    public static func appendQuoted(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        append(text, comma: false, colon: false, to: &bytes)
    }

    /// The same with a comma in front and a colon behind, if asked for.
    static func append(
        _ text: UnsafeBufferPointer<UInt8>, comma: Bool, colon: Bool, to bytes: inout [UInt8]
    ) {
        var stop = firstToEscape(text, from: 0)
        if stop == text.count {
            appendUnescaped(text, comma: comma, colon: colon, to: &bytes)
            return
        }
        if comma { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        var start = 0
        while true {
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<stop]))
            guard stop < text.count else { break }
            appendEscape(of: text[stop], to: &bytes)
            start = stop + 1
            stop = firstToEscape(text, from: start)
        }
        bytes.append(UInt8(ascii: "\""))
        if colon { bytes.append(UInt8(ascii: ":")) }
    }

    /// For text that is known to need no escapes.
    static func appendUnescaped(
        _ text: UnsafeBufferPointer<UInt8>, comma: Bool, colon: Bool, to bytes: inout [UInt8]
    ) {
        bytes.append(upTo: text.count + 4) { room in
            var next = room
            if comma {
                next[0] = UInt8(ascii: ",")
                next += 1
            }
            next[0] = UInt8(ascii: "\"")
            next += 1
            if let source = text.baseAddress { next.update(from: source, count: text.count) }
            next += text.count
            next[0] = UInt8(ascii: "\"")
            next += 1
            if colon {
                next[0] = UInt8(ascii: ":")
                next += 1
            }
            return next - room
        }
    }

    public static func appendQuoted(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 { appendQuoted($0, to: &bytes) }
    }

    /// Index of the first byte at or behind `from` that cannot stand in a string as it is; `count` when there is none.
    private static func firstToEscape(_ text: UnsafeBufferPointer<UInt8>, from: Int) -> Int {
        let raw = UnsafeRawBufferPointer(text)
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var index = from
        // Eight at a time: a byte below 0x20, a quote or a backslash sets the high bit of its place (and perhaps of
        // places above), so a word without one has nothing to escape.
        while index + 8 <= raw.count {
            let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            let found = (word &- ones &* 0x20) & ~word | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash
            if found & highs != 0 { break }
            index += 8
        }
        while index < raw.count, !needsEscape(raw[index]) { index += 1 }
        return index
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private static func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
        let letter: UInt8
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): letter = byte
        case 0x08: letter = UInt8(ascii: "b")
        case 0x09: letter = UInt8(ascii: "t")
        case 0x0A: letter = UInt8(ascii: "n")
        case 0x0C: letter = UInt8(ascii: "f")
        case 0x0D: letter = UInt8(ascii: "r")
        default:
            let low = byte & 15
            bytes.append(utf8: "\\u00")
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
            return
        }
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(letter)
    }
}

extension [UInt8] {
    /// Appends the bytes of `text`.
    @inline(__always)
    mutating func append(utf8 text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Lends `count` bytes behind the last one; `body` returns how many of them it filled.
    @inline(__always)
    mutating func append(upTo count: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
        append(addingCapacity: count) { output in
            output.withUnsafeMutableBufferPointer { buffer, initializedCount in
                initializedCount = body(buffer.baseAddress!)
            }
        }
    }
}
