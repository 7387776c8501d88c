/// A value with placeholders: `${NAME}`, `${NAME:default}`, text around them, and placeholders inside of defaults.
struct PlaceholderText {
    private indirect enum Part {
        case text(String)
        case variable(String, default: [Part])
    }

    private let parts: [Part]

    /// `nil` where a placeholder is not closed or has no name.
    init?(_ text: String) {
        var rest = Substring(text)
        guard let parts = Self.parse(&rest, isInside: false) else { return nil }
        self.parts = parts
    }

    /// The variable, where the whole value is one placeholder.
    var name: String? {
        guard parts.count == 1, case .variable(let name, _) = parts[0] else { return nil }
        return name
    }

    /// A variable that is not set stands for its default.
    func resolved(_ environment: [String: String]) -> String {
        Self.resolve(parts, environment)
    }

    private static func resolve(_ parts: [Part], _ environment: [String: String]) -> String {
        parts.map { part in
            switch part {
            case .text(let text): text
            case .variable(let name, let fallback): environment[name] ?? resolve(fallback, environment)
            }
        }.joined()
    }

    private static func parse(_ rest: inout Substring, isInside: Bool) -> [Part]? {
        var parts: [Part] = []
        var text = ""
        func flush() { if !text.isEmpty { parts.append(.text(text)) } }
        while let character = rest.first {
            if isInside, character == "}" { break }
            guard rest.hasPrefix("${") else {
                text.append(character)
                rest.removeFirst()
                continue
            }
            flush()
            text = ""
            rest.removeFirst(2)
            let name = rest.prefix { $0 != ":" && $0 != "}" }
            rest.removeFirst(name.count)
            guard !name.isEmpty, let end = rest.popFirst() else { return nil }
            var fallback: [Part] = []
            if end == ":" {
                guard let inner = parse(&rest, isInside: true), rest.popFirst() == "}" else { return nil }
                fallback = inner
            }
            parts.append(.variable(String(name), default: fallback))
        }
        flush()
        return parts
    }
}
