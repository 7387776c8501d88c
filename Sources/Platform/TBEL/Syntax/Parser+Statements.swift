extension Parser {
    mutating func statement() throws(TBELError) -> Node {
        try enter()
        defer { leave() }
        let start = offset
        guard case .name(let word) = peek else {
            if take(.semicolon) { return EmptyNode(at: start) }
            return try expressionStatement()
        }
        switch word {
        case "var":
            advance()
            return try declarations(at: start)
        case "function", "def":
            advance()
            return try function(at: start)
        case "if":
            advance()
            return try conditional(at: start)
        case "for", "foreach":
            advance()
            return try forLoop(at: start, overEach: word == "foreach")
        case "while", "until":
            advance()
            try expect(.openParenthesis, "after '\(word)'")
            let test = try expression()
            try expect(.closeParenthesis, "after the condition")
            let body = try loopBody()
            return try checked(WhileNode(test, wanted: word == "while", body, testsFirst: true, at: start))
        case "do":
            advance()
            return try doLoop(at: start)
        case "switch":
            advance()
            return try switchStatement(at: start)
        case "break":
            guard loops > 0 else { throw TBELError(.syntax, "break outside of a loop or switch", at: start) }
            advance()
            try endStatement()
            return BreakNode(at: start)
        case "return":
            advance()
            return try returnStatement(at: start)
        case "else", "case", "default":
            throw TBELError(.syntax, "\(word) without \(word == "else" ? "if" : "switch")", at: start)
        default:
            if let hint = Parser.foreign[word], isForeign { throw TBELError(.syntax, hint, at: start) }
            if isTypedDeclaration { return try typedDeclarations(at: start) }
            return try expressionStatement()
        }
    }

    /// Whether the word that is next stands where only JavaScript's keyword could.
    private var isForeign: Bool {
        switch peek(1) {
        case .name, .end, .mark(.openBrace), .mark(.semicolon), .integer, .long, .double, .float, .text: true
        default: false
        }
    }

    private mutating func expressionStatement() throws(TBELError) -> Node {
        let node = try expression()
        try endStatement()
        return node
    }

    /// A statement ends with `;`, before `}`, or with the script.
    private mutating func endStatement() throws(TBELError) {
        if take(.semicolon) || peek == .end || peek == .mark(.closeBrace) { return }
        throw unexpected("expected ';'")
    }

    // MARK: Declarations

    private mutating func declarations(at start: Int) throws(TBELError) -> Node {
        var nodes: [Node] = []
        repeat {
            let at = offset
            let name = try name("the name of a variable")
            if take(.assign) {
                // The old variable of that name is still what the value means.
                let value = try expression()
                nodes.append(try checked(DeclarationNode(scope.declare(name), value, at: at)))
            } else {
                nodes.append(DeclarationNode(scope.declare(name), nil, at: at))
            }
        } while take(.comma)
        try endStatement()
        return nodes.count == 1 ? nodes[0] : SequenceNode(nodes, at: start)
    }

    /// `int n = 1`, `Map m = {}`, `int[] a = {1}`: a type does not convert.
    private var isTypedDeclaration: Bool {
        guard case .name(let type) = peek, CastType(name: type) != nil || TypeName(rawValue: type) != nil else {
            return false
        }
        if case .name(let word) = peek(1) { return !Parser.operators.contains(word) && !Parser.reserved.contains(word) }
        guard peek(1) == .mark(.openBracket), peek(2) == .mark(.closeBracket), case .name = peek(3) else {
            return false
        }
        return true
    }

    private mutating func typedDeclarations(at start: Int) throws(TBELError) -> Node {
        guard case .name(let type) = peek else { throw unexpected("expected a type") }
        advance()
        guard take(.openBracket) else { return try declarations(at: start) }
        advance()
        let name = try name("the name of an array")
        guard let element = ElementType(rawValue: type) else {
            throw TBELError(.syntax, "unsupported array type: \(type)", at: start)
        }
        try expect(.assign, "after the name of the array")
        let value: Node
        if peek == .mark(.openBrace) {
            value = try array(of: element)
        } else {
            value = try expression()
        }
        try endStatement()
        return try checked(DeclarationNode(scope.declare(name), value, at: start))
    }

    /// `{1, 2}` behind the type of an array.
    mutating func array(of element: ElementType) throws(TBELError) -> Node {
        let start = offset
        try expect(.openBrace, "before the elements")
        let elements = try list(until: .closeBrace)
        return try checked(ArrayNode(element, elements, at: start))
    }

    private mutating func function(at start: Int) throws(TBELError) -> Node {
        let name = try name("the name of a function")
        try expect(.openParenthesis, "after the name of the function")
        let inner = Scope(outer: scope)
        var parameters = 0
        while peek != .mark(.closeParenthesis) {
            // A type in front is allowed and means nothing.
            if case .name(let type) = peek, CastType(name: type) != nil || TypeName(rawValue: type) != nil,
                case .name = peek(1)
            {
                advance()
            }
            let parameter = try self.name("the name of a parameter")
            guard inner.declare(parameter) == parameters else {
                throw TBELError(.syntax, "parameter declared twice: \(parameter)", at: start)
            }
            parameters += 1
            if !take(.comma) { break }
        }
        try expect(.closeParenthesis, "after the parameters")
        let code = FunctionCode(name: name, parameters: parameters)
        scope.declare(code)
        let outer = scope
        let outerLoops = loops
        scope = inner
        loops = 0
        let body = try block()
        code.complete(body, slots: inner.slots)
        scope = outer
        loops = outerLoops
        return EmptyNode(at: start)
    }

    // MARK: Blocks

    /// Statements between braces, with variables of their own.
    private mutating func block() throws(TBELError) -> Node {
        let start = offset
        try expect(.openBrace, "before a block")
        scope.beginBlock()
        var statements: [Node] = []
        while peek != .mark(.closeBrace) {
            if peek == .end { throw TBELError(.syntax, "unbalanced braces { ... }", at: start) }
            statements.append(try statement())
        }
        advance()
        scope.endBlock()
        return try checked(BlockNode(statements, at: start))
    }

    /// A block, or one statement.
    private mutating func body() throws(TBELError) -> Node {
        if peek == .mark(.openBrace) { return try block() }
        scope.beginBlock()
        let node = try statement()
        scope.endBlock()
        return node
    }

    private mutating func loopBody() throws(TBELError) -> Node {
        loops += 1
        let node = try body()
        loops -= 1
        return node
    }

    // MARK: Control

    private mutating func conditional(at start: Int) throws(TBELError) -> Node {
        var branches: [(test: Node, body: Node)] = []
        while true {
            try expect(.openParenthesis, "after 'if'")
            let test = try expression()
            try expect(.closeParenthesis, "after the condition")
            branches.append((test, try body()))
            guard take(word: "else") else { return try checked(IfNode(branches, nil, at: start)) }
            if !take(word: "if") { break }
        }
        return try checked(IfNode(branches, try body(), at: start))
    }

    private mutating func forLoop(at start: Int, overEach: Bool) throws(TBELError) -> Node {
        try expect(.openParenthesis, "after 'for'")
        scope.beginBlock()
        defer { scope.endBlock() }
        if let name = eachName() {
            let source = try expression()
            try expect(.closeParenthesis, "after the list")
            let slot = scope.declare(name)
            return try checked(ForEachNode(slot, source, try loopBody(), at: start))
        }
        if overEach { throw unexpected("expected 'name : list' after 'foreach ('") }
        let first: Node? = try take(.semicolon) ? nil : statement()
        let test: Node? = try peek == .mark(.semicolon) ? nil : expression()
        try expect(.semicolon, "after the condition of the loop")
        let next: Node? = try peek == .mark(.closeParenthesis) ? nil : expressions()
        try expect(.closeParenthesis, "after the head of the loop")
        return try checked(ForNode(first, test, next, try loopBody(), at: start))
    }

    /// The variable of `x :`, `var x :` or `int x :`, which is taken together with the colon.
    private mutating func eachName() -> String? {
        var ahead = 0
        if case .name(let word) = peek, word == "var" || CastType(name: word) != nil || TypeName(rawValue: word) != nil,
            case .name = peek(1)
        {
            ahead = 1
        }
        guard case .name(let name) = peek(ahead), peek(ahead + 1) == .mark(.colon), !Parser.reserved.contains(name)
        else {
            return nil
        }
        for _ in 0..<ahead + 2 { advance() }
        return name
    }

    private mutating func expressions() throws(TBELError) -> Node {
        let start = offset
        var nodes = [try expression()]
        while take(.comma) { nodes.append(try expression()) }
        return nodes.count == 1 ? nodes[0] : SequenceNode(nodes, at: start)
    }

    private mutating func doLoop(at start: Int) throws(TBELError) -> Node {
        let body = try loopBody()
        let isWhile = take(word: "while")
        guard isWhile || take(word: "until") else { throw unexpected("expected 'while' or 'until' after 'do'") }
        try expect(.openParenthesis, "after 'while' or 'until'")
        let test = try expression()
        try expect(.closeParenthesis, "after the condition")
        _ = take(.semicolon)
        return try checked(WhileNode(test, wanted: isWhile, body, testsFirst: false, at: start))
    }

    private mutating func switchStatement(at start: Int) throws(TBELError) -> Node {
        try expect(.openParenthesis, "after 'switch'")
        let subject = try expression()
        try expect(.closeParenthesis, "after what is switched by")
        try expect(.openBrace, "before the cases")
        scope.beginBlock()
        defer { scope.endBlock() }
        loops += 1
        defer { loops -= 1 }
        var cases: [(value: Node, start: Int)] = []
        var defaultStart: Int?
        var statements: [Node] = []
        while !take(.closeBrace) {
            if peek == .end { throw TBELError(.syntax, "unbalanced braces { ... }", at: start) }
            if take(word: "case") {
                let value = try ternary()
                try expect(.colon, "after the case")
                cases.append((value, statements.count))
            } else if take(word: "default") {
                try expect(.colon, "after 'default'")
                defaultStart = statements.count
            } else if cases.isEmpty && defaultStart == nil {
                throw unexpected("expected 'case' or 'default'")
            } else if peek == .mark(.openBrace) {
                statements.append(try block())
            } else {
                statements.append(try statement())
            }
        }
        return try checked(SwitchNode(subject, cases, defaultStart, statements, at: start))
    }

    private mutating func returnStatement(at start: Int) throws(TBELError) -> Node {
        if peek == .end || peek == .mark(.closeBrace) || take(.semicolon) { return ReturnNode(nil, at: start) }
        let value = try expression()
        try endStatement()
        return try checked(ReturnNode(value, at: start))
    }
}

/// Expressions one after the other; the last one gives the value.
final class SequenceNode: Node, @unchecked Sendable {
    private let parts: [Node]

    init(_ parts: [Node], at offset: Int) {
        self.parts = parts
        super.init(at: offset, over: parts)
    }

    override func evaluate(_ frame: Frame) throws(TBELError) -> Value {
        var value = Value.null
        for part in parts { value = try part.evaluate(frame) }
        return value
    }
}
