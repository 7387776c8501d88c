internal import Postgres

/// A text that is searched for. `%` and `_` stand for what they do in patterns, and a backslash takes that from the next
/// character (`rest-api.md` 2.6).
struct SearchPattern: Equatable {
    /// For LIKE.
    let text: String
    /// What has to be in a row letter by letter, in this order.
    private(set) var parts: [String] = []
    /// Whether the text has to be in a row as it is.
    private(set) var isPlain = true

    init(_ searched: String) {
        let searched = String(String.UnicodeScalarView(searched.unicodeScalars.filter { $0 != "\0" }))
        text = "%" + searched + "%"
        var part = String.UnicodeScalarView()
        var isEscaped = false
        func end(_ parts: inout [String]) {
            if !part.isEmpty { parts.append(String(part)) }
            part = String.UnicodeScalarView()
        }
        for character in searched.unicodeScalars {
            switch character {
            case _ where isEscaped:
                part.append(character)
                isEscaped = false
            case "\\":
                isEscaped = true
                isPlain = false
            case "%", "_":
                end(&parts)
                isPlain = false
            default:
                // A line feed stands between name and label.
                if character == "\n" { isPlain = false }
                part.append(character)
            }
        }
        // It takes the meaning from the sign behind the text.
        if isEscaped { part.append("%") }
        end(&parts)
    }
}
