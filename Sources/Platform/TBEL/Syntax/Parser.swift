/// Makes nodes of tokens.
struct Parser {
    let source: String
    let tokens: [Token]
    var index = 0
    var scope: Scope
    /// Expressions and blocks that are being read inside each other.
    var nesting = 0
    /// Loops and switches around, in the function that is being read.
    var loops = 0
    /// Calls whose functions are looked up when all are known.
    var calls: [(node: CallNode, scope: Scope)] = []

    init(_ source: String, arguments: [String]) throws(TBELError) {
        self.source = source
        tokens = try Lexer.tokens(of: source)
        scope = Scope(outer: nil)
        for name in arguments { scope.declareArgument(name) }
    }

    /// The whole script, and how many slots it has.
    mutating func script() throws(TBELError) -> (body: Node, slots: Int) {
        var statements: [Node] = []
        while peek != .end { statements.append(try statement()) }
        let body = try checked(BlockNode(statements, at: 0))
        for (node, scope) in calls {
            if let (function, hops) = scope.function(node.name) {
                node.resolve(function, hops: hops)
            } else if let function = FunctionName(rawValue: node.name) {
                node.resolve(function)
            }
        }
        return (body, scope.slots)
    }

    // MARK: Tokens

    var token: Token { tokens[index] }
    var peek: Token.Kind { tokens[index].kind }
    var offset: Int { tokens[index].start }
    /// Where the last token that was taken ended.
    var lastEnd: Int { index > 0 ? tokens[index - 1].end : 0 }

    func peek(_ ahead: Int) -> Token.Kind { tokens[min(index + ahead, tokens.count - 1)].kind }

    mutating func advance() { if index < tokens.count - 1 { index += 1 } }

    /// Takes `mark` if it is next.
    mutating func take(_ mark: Mark) -> Bool {
        guard peek == .mark(mark) else { return false }
        advance()
        return true
    }

    /// Takes the word `name` if it is next.
    mutating func take(word name: String) -> Bool {
        guard peek == .name(name) else { return false }
        advance()
        return true
    }

    mutating func expect(_ mark: Mark, _ what: String) throws(TBELError) {
        guard take(mark) else { throw unexpected("expected '\(mark.rawValue)' \(what)") }
    }

    mutating func name(_ what: String) throws(TBELError) -> String {
        guard case .name(let name) = peek else { throw unexpected("expected \(what)") }
        if Parser.reserved.contains(name) {
            throw TBELError(.syntax, "reserved word where \(what) is expected: \(name)", at: offset)
        }
        advance()
        return name
    }

    func unexpected(_ wanted: String) -> TBELError {
        let found = peek == .end ? "end of script" : "'\(text(token.start, token.end).prefix(40))'"
        return TBELError(.syntax, "\(wanted); but found: \(found)", at: offset)
    }

    /// The text of the script between two offsets.
    func text(_ start: Int, _ end: Int) -> String {
        let utf8 = source.utf8
        let from = utf8.index(utf8.startIndex, offsetBy: start)
        return String(source[from..<utf8.index(from, offsetBy: max(0, end - start))])
    }

    // MARK: Bounds

    mutating func enter() throws(TBELError) {
        nesting += 1
        if nesting > TBELLimits.nesting { throw TBELError(.syntax, "too many levels inside each other", at: offset) }
    }

    mutating func leave() { nesting -= 1 }

    func checked<N: Node>(_ node: N) throws(TBELError) -> N {
        if node.height > TBELLimits.height { throw TBELError(.syntax, "the expression is too long", at: node.offset) }
        return node
    }

    static let reserved: Set<String> = [
        "var", "function", "def", "if", "else", "for", "foreach", "while", "until", "do", "switch", "case", "default",
        "break", "return", "null", "nil", "true", "false", "new", "isdef", "instanceof",
    ]

    /// Words of JavaScript that users try, and what to say.
    static let foreign: [String: String] = [
        "let": "TBEL has no 'let': use 'var'", "const": "TBEL has no 'const': use 'var'",
        "continue": "TBEL has no 'continue'", "try": "TBEL has no 'try'",
        "throw": "TBEL has no 'throw': use raiseError(text)",
        "class": "TBEL has no classes", "typeof": "TBEL has no 'typeof': compare with null",
        "delete":
            "TBEL has no 'delete': use remove(key)",
        "import": "TBEL has no 'import'", "async": "TBEL has no 'async'", "await": "TBEL has no 'await'",
    ]
}
