/// Checks of what users type (`rest-api.md` 2.14). Violations are gathered and told together.
struct Validation {
    private var violations: [String] = []

    /// At most so many characters.
    static let maximumLength = 255

    /// A name, title or label: not too long, and nothing that a browser would run.
    ///
    /// - Parameter label: What a text that is too long is called, where that is not the member's name.
    mutating func text(
        _ field: StaticString, _ text: String?, called label: StaticString? = nil, maximum: Int = maximumLength
    ) {
        guard let text else { return }
        if text.utf16.count > maximum {
            violations.append("\(label ?? field) length must be equal or less than \(maximum)")
        }
        if Self.isMalformed(text) { violations.append("\(field) is malformed") }
    }

    /// A member that has to be there.
    mutating func presence(_ field: StaticString, _ isThere: Bool) {
        if !isThere { violations.append("\(field) must not be null") }
    }

    /// Told in the order of the alphabet, whatever was looked at first.
    func check(_ beginning: String = "Validation error: ") throws(APIError) {
        if !violations.isEmpty { throw .invalid(beginning + violations.sorted().joined(separator: ", ")) }
    }

    /// The rules of every name: there, and without U+0000.
    static func name(_ thing: StaticString, _ name: String?) throws(APIError) -> String {
        guard let name, name.contains(where: { !$0.isWhitespace }) else {
            throw .invalid("\(thing) should be specified!")
        }
        if name.utf8.contains(0) { throw .invalid("\(thing) should not contain 0x00 symbol!") }
        return name
    }

    /// Whether `text` has a mark-up tag or a `{{ }}` template. Lone angle brackets are fine.
    static func isMalformed(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.contains(UInt8(ascii: "<")) || bytes.contains(UInt8(ascii: "{")) else { return false }
        return hasTag(bytes) || hasTemplate(bytes)
    }

    /// A `<` with a letter, `/`, `!` or `?` behind it, and a `>` somewhere later.
    private static func hasTag(_ bytes: [UInt8]) -> Bool {
        guard let lastClose = bytes.lastIndex(of: UInt8(ascii: ">")) else { return false }
        for index in 0..<lastClose where bytes[index] == UInt8(ascii: "<") {
            let next = bytes[index + 1]
            let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(next | 0x20)
            if isLetter || next == UInt8(ascii: "/") || next == UInt8(ascii: "!") || next == UInt8(ascii: "?") {
                return true
            }
        }
        return false
    }

    private static func hasTemplate(_ bytes: [UInt8]) -> Bool {
        var isOpen = false
        for index in bytes.indices.dropLast() {
            if bytes[index] == UInt8(ascii: "{"), bytes[index + 1] == UInt8(ascii: "{") { isOpen = true }
            if isOpen, bytes[index] == UInt8(ascii: "}"), bytes[index + 1] == UInt8(ascii: "}") { return true }
        }
        return false
    }

    /// An e-mail address as the platform accepts them, in ASCII: something, `@`, a domain that ends with a dot and at
    /// least two letters.
    static func isEmail(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, text.utf8.count <= 255 else { return false }
        let isLetter: (UInt8) -> Bool = { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) }
        let isPlain: (UInt8) -> Bool = { isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let marks = "_!#$%&'*+/=?`{|}~^.-".utf8
        let labels = parts[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.count >= 2, let end = labels.last, end.count >= 2, end.allSatisfy(isLetter) else { return false }
        return parts[0].allSatisfy { isPlain($0) || marks.contains($0) }
            && labels.allSatisfy { !$0.isEmpty && $0.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "-") } }
    }
}
