extension Parser {
    mutating func primary() throws(TBELError) -> Node {
        let start = offset
        switch peek {
        case .integer(let value):
            advance()
            return LiteralNode(.int(Int32(truncatingIfNeeded: value)), at: start)
        case .long(let value):
            advance()
            return LiteralNode(.long(value), at: start)
        case .float(let value):
            advance()
            return LiteralNode(.float(value), at: start)
        case .double(let value):
            advance()
            return LiteralNode(.double(value), at: start)
        case .text(let value):
            advance()
            return LiteralNode(.text(value), at: start)
        case .mark(.openParenthesis):
            advance()
            let node = try expression()
            guard take(.closeParenthesis) else { throw TBELError(.syntax, "unbalanced braces ( ... )", at: start) }
            return node
        case .mark(.openBracket):
            advance()
            return try bracketed(at: start)
        case .mark(.openBrace):
            advance()
            return try braced(at: start)
        case .name(let word):
            return try named(word, at: start)
        case .mark, .end:
            throw unexpected("expected a value")
        }
    }

    // MARK: Names

    private mutating func named(_ word: String, at start: Int) throws(TBELError) -> Node {
        switch word {
        case "true", "false":
            advance()
            return LiteralNode(.bool(word == "true"), at: start)
        case "null", "nil":
            advance()
            return LiteralNode(.null, at: start)
        case "new":
            advance()
            return try new(at: start)
        case "empty" where !scope.knows(word):
            advance()
            return LiteralNode(.empty, at: start)
        default: break
        }
        if let hint = Parser.foreign[word], case .name = peek(1) { throw TBELError(.syntax, hint, at: start) }
        let name = try name("a value")
        if take(.openParenthesis) {
            let arguments = try list(until: .closeParenthesis)
            let node = try checked(CallNode(name, arguments, at: start))
            calls.append((node, scope))
            return node
        }
        if !scope.knows(name) {
            if let type = TypeName(rawValue: name), type.hasMembers { return try member(of: type, at: start) }
            if name == "java", let node = try qualifiedClass(at: start) { return node }
        }
        let place = scope.place(of: name)
        return place.hops == 0
            ? LocalNode(place.slot, name: name, at: start)
            : OuterNode(hops: place.hops, place.slot, name: name, at: start)
    }

    /// A class with what is behind its dot, where that is a constant.
    private mutating func member(of type: TypeName, at start: Int) throws(TBELError) -> Node {
        if peek == .mark(.dot), case .name(let name) = peek(1), peek(2) != .mark(.openParenthesis) {
            if let value = type.constant(name) {
                advance()
                advance()
                return LiteralNode(value, at: start)
            }
        }
        return TypeNode(type, at: start)
    }

    /// `java.lang.Math` and the like.
    private mutating func qualifiedClass(at start: Int) throws(TBELError) -> Node? {
        guard peek == .mark(.dot), case .name(let package) = peek(1), peek(2) == .mark(.dot),
            case .name(let name) = peek(3),
            let type = TypeName(qualified: "java.\(package).\(name)"), type.hasMembers
        else { return nil }
        for _ in 0..<4 { advance() }
        return try member(of: type, at: start)
    }

    private mutating func new(at start: Int) throws(TBELError) -> Node {
        guard case .name(let word) = peek else { throw unexpected("expected a class after 'new'") }
        if let element = ElementType(rawValue: word), peek(1) == .mark(.openBracket) {
            advance()
            advance()
            if take(.closeBracket) { return try array(of: element) }
            let length = try expression()
            try expect(.closeBracket, "after the length of the array")
            return try checked(NewArrayNode(element, length, at: start))
        }
        let nameStart = offset
        var text = try name("a class")
        while peek == .mark(.dot), case .name = peek(1) {
            advance()
            text += "." + (try name("a class"))
        }
        let arguments = try take(.openParenthesis) ? list(until: .closeParenthesis) : []
        guard let type = TypeName(qualified: text), Constructors.exist(for: type, qualified: text.contains(".")) else {
            // Reached or not: the original finds out when it runs.
            return FailureNode("could not resolve class: \(text)", at: nameStart)
        }
        return try checked(NewNode(type, arguments, at: start))
    }

    // MARK: Lists and maps

    /// Expressions with commas between them, up to `close`, which is taken.
    mutating func list(until close: Mark) throws(TBELError) -> [Node] {
        var nodes: [Node] = []
        let start = lastEnd
        while !take(close) {
            nodes.append(try expression())
            if take(.comma) { continue }
            guard take(close) else {
                if peek == .end {
                    throw TBELError(.syntax, "unbalanced braces: missing '\(close.rawValue)'", at: start)
                }
                throw unexpected("expected ',' or '\(close.rawValue)'")
            }
            break
        }
        return nodes
    }

    /// `[a, b]`, and the maps `[:]` and `[a: b]`.
    private mutating func bracketed(at start: Int) throws(TBELError) -> Node {
        if take(.colon) {
            try expect(.closeBracket, "in an empty map")
            return MapNode([], at: start)
        }
        return try elements(until: .closeBracket, at: start)
    }

    /// `{a: b}`, and the list `{a, b}`.
    private mutating func braced(at start: Int) throws(TBELError) -> Node {
        if take(.closeBrace) { return MapNode([], at: start) }
        return try elements(until: .closeBrace, at: start)
    }

    private mutating func elements(until close: Mark, at start: Int) throws(TBELError) -> Node {
        var entries: [(key: Node, value: Node)] = []
        var values: [Node] = []
        let braces = close == .closeBrace ? "{ ... }" : "[ ... ]"
        while !take(close) {
            if peek == .end { throw TBELError(.syntax, "unbalanced braces \(braces)", at: start) }
            if let key = try key() {
                entries.append((key, try expression()))
            } else {
                values.append(try expression())
            }
            guard entries.isEmpty || values.isEmpty else { throw unexpected("expected 'key: value'") }
            if take(.comma) { continue }
            guard take(close) else {
                if peek == .end { throw TBELError(.syntax, "unbalanced braces \(braces)", at: start) }
                throw unexpected("expected ',' or '\(close.rawValue)'")
            }
            break
        }
        return try entries.isEmpty ? checked(ListNode(values, at: start)) : checked(MapNode(entries, at: start))
    }

    /// The key of an entry together with its colon; `nil` when a plain value is next.
    private mutating func key() throws(TBELError) -> Node? {
        let start = offset
        guard peek(1) == .mark(.colon) else {
            // A key that is worked out stands in parentheses.
            return nil
        }
        let value: Value
        switch peek {
        case .name(let name): value = .text(name)
        case .text(let text): value = .text(text)
        case .integer(let number): value = .int(Int32(truncatingIfNeeded: number))
        case .long(let number): value = .long(number)
        case .double(let number): value = .double(number)
        default: return nil
        }
        advance()
        advance()
        return LiteralNode(value, at: start)
    }

    // MARK: What stands behind a value

    mutating func postfix(of first: Node) throws(TBELError) -> Node {
        var node = first
        var isSafe = false
        while true {
            let start = offset
            if peek == .mark(.dot) || peek == .mark(.safeDot) {
                let marksSafe = peek == .mark(.safeDot)
                advance()
                guard case .name(let name) = peek else { throw unexpected("expected a name after '.'") }
                advance()
                if take(.openParenthesis) {
                    let arguments = try list(until: .closeParenthesis)
                    node = try checked(
                        MethodNode(node, name, arguments, label: label(from: first), isSafe: isSafe, at: start + 1))
                } else {
                    node = try checked(
                        PropertyNode(node, name, label: label(from: first), isSafe: isSafe, at: start + 1))
                }
                if marksSafe { isSafe = true }
            } else if take(.openBracket) {
                let index = try expression()
                guard take(.closeBracket) else { throw TBELError(.syntax, "unbalanced braces [ ... ]", at: start) }
                node = try checked(IndexNode(node, index, label: label(from: first), isSafe: isSafe, at: start))
            } else if peek == .mark(.openParenthesis), node !== first {
                throw TBELError(.syntax, "only functions can be called", at: start)
            } else {
                return node
            }
        }
    }

    private func label(from first: Node) -> String { String(text(first.offset, lastEnd).prefix(120)) }
}
