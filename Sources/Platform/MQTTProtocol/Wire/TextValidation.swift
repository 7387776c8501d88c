/// Checks of text where it lies, in the received bytes: nothing is copied.
///
/// Eight bytes are looked at together as long as they are ASCII; the rest, and everything from the first other byte on,
/// goes one character at a time.
enum TextValidation {
    private static let low: UInt64 = 0x0101_0101_0101_0101
    private static let high: UInt64 = 0x8080_8080_8080_8080
    /// `+` and `#` differ in this bit only.
    private static let plusOrHash: UInt8 = 0x08

    /// Well-formed UTF-8 without U+0000 (MQTT 5.0 1.5.4).
    static func checkText(_ bytes: Span<UInt8>, in range: Range<Int>) throws(MQTTError) {
        try check(bytes, in: range, isTopicName: false)
    }

    /// Text without wildcards (MQTT 5.0 4.7). An empty name passes.
    static func checkTopicName(_ bytes: Span<UInt8>, in range: Range<Int>) throws(MQTTError) {
        try check(bytes, in: range, isTopicName: true)
    }

    @inline(__always)
    private static func check(_ bytes: Span<UInt8>, in range: Range<Int>, isTopicName: Bool) throws(MQTTError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "\(range) of \(bytes.count) bytes")
        let raw = bytes.bytes
        var position = range.lowerBound
        let end = range.upperBound
        while end - position >= 8 {
            // In bounds: eight bytes are left, and `end` is within the span.
            let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
            guard isPlain(word, isTopicName) else { break }
            position += 8
        }
        if end - position < 8, range.count >= 8 {
            // The last eight bytes cover what is left, and some that were seen before.
            let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: end - 8, as: UInt64.self)
            if isPlain(word, isTopicName) { return }
        }
        while position < end {
            position = try checkCharacter(bytes, at: position, end: end, isTopicName)
        }
    }

    /// Whether all eight bytes are ASCII, none is zero, and none is a wildcard where these are not allowed.
    @inline(__always)
    private static func isPlain(_ word: UInt64, _ isTopicName: Bool) -> Bool {
        // A byte below 0x80 borrows from its high bit only when it is zero (or its neighbour below is): a false alarm
        // is settled by the slow check, a zero is never missed.
        var suspicious = word | (word &- low)
        if isTopicName {
            let folded = (word | (low &* UInt64(plusOrHash))) ^ (low &* UInt64(UInt8(ascii: "+")))
            suspicious |= folded &- low
        }
        return suspicious & high == 0
    }

    /// Checks the character at `position` and returns the offset behind it.
    @inline(__always)
    private static func checkCharacter(
        _ bytes: Span<UInt8>, at position: Int, end: Int, _ isTopicName: Bool
    ) throws(MQTTError) -> Int {
        let byte = bytes[unchecked: position]
        guard byte < 0x80 else { return try checkSequence(bytes, at: position, end: end) }
        guard byte != 0 else { throw .nullCharacter }
        if isTopicName, byte | plusOrHash == UInt8(ascii: "+") { throw .wildcardInTopicName }
        return position + 1
    }

    /// Checks a character of two to four bytes (Unicode, table 3-7): no over-long forms, no surrogates.
    private static func checkSequence(_ bytes: Span<UInt8>, at position: Int, end: Int) throws(MQTTError) -> Int {
        let count: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch bytes[position] {
        case 0xC2...0xDF: count = 2
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: count = 3
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: count = 4
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: throw .invalidUTF8
        }
        guard end - position >= count, second.contains(bytes[position + 1]) else { throw .invalidUTF8 }
        for index in 2..<max(count, 2) where bytes[position + index] & 0xC0 != 0x80 { throw .invalidUTF8 }
        return position + count
    }
}
