/// What a script in JavaScript must not say (`rule-engine.md` 6.2): it has nothing to wait for.
enum JavaScriptValidator {
    /// What is wrong with a script; `nil` when nothing is seen.
    static func complaint(about body: String) -> String? {
        if body.allSatisfy(\.isWhitespace) { return "Script body is empty" }
        let words = forbiddenWords(of: body)
        if words.contains("async") { return "Script must not contain 'async' keyword." }
        if words.contains("await") { return "Script must not contain 'await' keyword." }
        if words.contains("Promise") { return "Script must not use 'Promise'." }
        if words.contains("setTimeout") { return "Script must not use 'setTimeout' method." }
        return nil
    }

    private static let forbidden: Set<String> = ["async", "await", "Promise", "setTimeout"]

    private enum State {
        case code, lineComment, comment
        case text(UInt8)
    }

    /// Those of the forbidden words that stand outside of texts and comments.
    private static func forbiddenWords(of body: String) -> Set<String> {
        var found: Set<String> = []
        var word: [UInt8] = []
        var state = State.code
        var before: UInt8 = 0
        var isEscaped = false
        func endWord() {
            if word.count >= 5, word.count <= 10 {
                let text = String(decoding: word, as: UTF8.self)
                if forbidden.contains(text) { found.insert(text) }
            }
            word.removeAll(keepingCapacity: true)
        }
        for byte in body.utf8 {
            switch state {
            case .code:
                if isWordByte(byte) {
                    word.append(byte)
                } else {
                    endWord()
                    switch byte {
                    case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"): state = .text(byte)
                    case UInt8(ascii: "/") where before == UInt8(ascii: "/"): state = .lineComment
                    case UInt8(ascii: "*") where before == UInt8(ascii: "/"): state = .comment
                    default: break
                    }
                }
            case .lineComment:
                if byte == UInt8(ascii: "\n") { state = .code }
            case .comment:
                if byte == UInt8(ascii: "/"), before == UInt8(ascii: "*") { state = .code }
            case .text(let quote):
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == quote || byte == UInt8(ascii: "\n") && quote != UInt8(ascii: "`") {
                    state = .code
                }
            }
            before = byte
        }
        endWord()
        return found
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
            true
        default: false
        }
    }
}
