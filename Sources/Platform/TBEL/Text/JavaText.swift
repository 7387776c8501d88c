/// Texts as Java has them: made of UTF-16 code units, counted from 0.
enum JavaText {
    /// Whether every character is one byte, so that offsets in UTF-8 and UTF-16 are the same.
    @inline(__always)
    static func isPlain(_ text: String) -> Bool { text.utf8.count == text.utf16.count }

    @inline(__always)
    static func length(_ text: String) -> Int { text.utf16.count }

    /// The characters from `from` up to `to`, both inside the text.
    static func substring(_ text: String, _ from: Int, _ to: Int) -> String {
        if from == 0, to == length(text) { return text }
        if isPlain(text) {
            let utf8 = text.utf8
            let start = utf8.index(utf8.startIndex, offsetBy: from)
            return String(text[start..<utf8.index(start, offsetBy: to - from)])
        }
        let units = Array(text.utf16)
        return String(decoding: units[from..<to], as: UTF16.self)
    }

    /// As Java's `substring`.
    static func checkedSubstring(_ text: String, _ from: Int, _ to: Int) throws(TBELError) -> String {
        let length = length(text)
        guard from >= 0, to <= length, from <= to else {
            throw .runtime("begin \(from), end \(to), length \(length)")
        }
        return substring(text, from, to)
    }

    static func character(_ text: String, at index: Int) throws(TBELError) -> String {
        guard index >= 0, index < length(text) else { throw .runtime("String index out of range: \(index)") }
        return substring(text, index, index + 1)
    }

    /// The first place at or behind `from` where `part` is; -1 for none.
    static func indexOf(_ text: String, _ part: String, from: Int = 0) -> Int {
        if isPlain(text) && isPlain(part) {
            return search(Array(text.utf8), Array(part.utf8), from: from)
        }
        return search(Array(text.utf16), Array(part.utf16), from: from)
    }

    /// The last place at or before `from` where `part` is; -1 for none.
    static func lastIndexOf(_ text: String, _ part: String, from: Int = .max) -> Int {
        let units = Array(text.utf16)
        let part = Array(part.utf16)
        var index = min(from, units.count - part.count)
        while index >= 0 {
            if units[index..<index + part.count].elementsEqual(part) { return index }
            index -= 1
        }
        return -1
    }

    private static func search<Unit: Equatable>(_ text: [Unit], _ part: [Unit], from: Int) -> Int {
        var index = max(from, 0)
        guard let first = part.first else { return min(index, text.count) }
        while index + part.count <= text.count {
            if text[index] == first, text[index..<index + part.count].elementsEqual(part) { return index }
            index += 1
        }
        return -1
    }

    /// Every `part` replaced, from the left.
    static func replace(
        _ text: String, _ part: String, with new: String, _ machine: Machine
    ) throws(TBELError) -> String {
        let source = Array(text.utf8)
        let part = Array(part.utf8)
        let new = Array(new.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(source.count)
        if part.isEmpty {
            // Java puts it before every code unit and at the end.
            for unit in text.unicodeScalars {
                result += new
                result += Array(String(unit).utf8)
                try machine.checkText(of: result.count)
            }
            return String(decoding: result + new, as: UTF8.self)
        }
        var index = 0
        while index < source.count {
            if source[index] == part[0], index + part.count <= source.count,
                source[index..<index + part.count].elementsEqual(part)
            {
                result += new
                try machine.checkText(of: result.count)
                index += part.count
            } else {
                result.append(source[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    static func compare(_ a: String, _ b: String) -> Int {
        let left = a.utf16
        let right = b.utf16
        var other = right.makeIterator()
        for unit in left {
            guard let against = other.next() else { break }
            if unit != against { return Int(unit) - Int(against) }
        }
        return left.count - right.count
    }

    static func hash(_ text: String) -> Int32 {
        text.utf16.reduce(0) { $0 &* 31 &+ Int32($1) }
    }

    /// Without characters up to the space at either end.
    static func trim(_ text: String, start: Bool = true, end: Bool = true) -> String {
        var scalars = Substring(text).unicodeScalars
        while start, let first = scalars.first, first.value <= 0x20 { scalars.removeFirst() }
        while end, let last = scalars.last, last.value <= 0x20 { scalars.removeLast() }
        return String(scalars)
    }

    static func isBlank(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.properties.isWhitespace }
    }

    static func hasPrefix(_ text: String, _ prefix: String) -> Bool { text.utf8.starts(with: prefix.utf8) }

    static func hasSuffix(_ text: String, _ suffix: String) -> Bool {
        text.utf8.count >= suffix.utf8.count && text.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }
}
