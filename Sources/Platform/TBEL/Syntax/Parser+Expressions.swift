extension Parser {
    /// Words that are operators between two values.
    static let operators: Set<String> = [
        "or", "and", "contains", "instanceof", "is", "soundslike", "strsim",
    ]

    mutating func expression() throws(TBELError) -> Node {
        try enter()
        defer { leave() }
        let start = offset
        let left = try ternary()
        guard case .mark(let mark) = peek, let operation = Parser.assignments[mark] else { return left }
        guard let left = left as? any Assignable else { throw TBELError(.syntax, "cannot be assigned to", at: start) }
        advance()
        let right = try expression()
        return try checked(AssignmentNode(left, operation, right, at: start))
    }

    /// Signs of assignment, and what they do before it.
    private static let assignments: [Mark: BinaryOperation?] = [
        .assign: nil as BinaryOperation?, .plusAssign: .add, .minusAssign: .subtract, .timesAssign: .multiply,
        .divideAssign: .divide, .remainderAssign: .remainder, .andAssign: .bitAnd, .orAssign: .bitOr,
        .xorAssign: .bitXor,
        .leftAssign: .shiftLeft, .rightAssign: .shiftRight, .unsignedRightAssign: .unsignedShiftRight,
    ]

    mutating func ternary() throws(TBELError) -> Node {
        let start = offset
        let test = try binary(above: 0)
        guard take(.question) else { return test }
        let yes = try expression()
        try expect(.colon, "in '? :'")
        let no = try expression()
        return try checked(TernaryNode(test, yes, no, at: start))
    }

    // MARK: Operators between two values

    private enum Infix {
        case operation(BinaryOperation)
        case logic(decides: Bool)
        case first
        case instance
    }

    /// The operator that is next, and how tightly it binds.
    private var infix: (Infix, Int)? {
        switch peek {
        case .mark(let mark):
            switch mark {
            case .or: (.logic(decides: true), 1)
            case .and: (.logic(decides: false), 2)
            case .bitOr: (.operation(.bitOr), 3)
            case .bitXor: (.operation(.bitXor), 4)
            case .bitAnd: (.operation(.bitAnd), 5)
            case .equal, .same: (.operation(.equal), 6)
            case .notEqual: (.operation(.notEqual), 6)
            case .less: (.operation(.less), 7)
            case .lessOrEqual: (.operation(.lessOrEqual), 7)
            case .greater: (.operation(.greater), 7)
            case .greaterOrEqual: (.operation(.greaterOrEqual), 7)
            case .left: (.operation(.shiftLeft), 8)
            case .right: (.operation(.shiftRight), 8)
            case .unsignedRight: (.operation(.unsignedShiftRight), 8)
            case .plus: (.operation(.add), 9)
            case .minus: (.operation(.subtract), 9)
            case .times: (.operation(.multiply), 10)
            case .divide: (.operation(.divide), 10)
            case .remainder: (.operation(.remainder), 10)
            case .power: (.operation(.power), 11)
            case .join: (.operation(.join), 12)
            case .matches: (.operation(.matches), 12)
            default: nil
            }
        case .name(let word):
            switch word {
            case "or": (.first, 1)
            case "and": (.logic(decides: false), 2)
            case "instanceof", "is": (.instance, 7)
            case "contains": (.operation(.contains), 12)
            case "soundslike": (.operation(.soundsLike), 12)
            case "strsim": (.operation(.similarity), 12)
            default: nil
            }
        default: nil
        }
    }

    /// Operands with operators that bind tighter than `level`; equals bind to the left.
    private mutating func binary(above level: Int) throws(TBELError) -> Node {
        var left = try unary()
        while let (infix, strength) = infix, strength > level {
            let at = offset
            advance()
            switch infix {
            case .instance:
                left = try checked(InstanceNode(left, try typeName(), at: at))
            case .operation(let operation):
                left = try checked(BinaryNode(operation, left, try binary(above: strength), at: at))
            case .logic(let decides):
                left = try checked(LogicNode(decides: decides, left, try binary(above: strength), at: at))
            case .first:
                left = try checked(FirstNode(left, try binary(above: strength), at: at))
            }
        }
        return left
    }

    /// A class behind `instanceof` or `new`.
    mutating func typeName() throws(TBELError) -> TypeName {
        let start = offset
        var text = try name("the name of a class")
        while peek == .mark(.dot) {
            advance()
            text += "." + (try name("the name of a class"))
        }
        guard let type = TypeName(qualified: text) else {
            throw TBELError(.syntax, "could not resolve class: \(text)", at: start)
        }
        return type
    }

    // MARK: Operators before and behind one value

    private mutating func unary() throws(TBELError) -> Node {
        try enter()
        defer { leave() }
        let start = offset
        switch peek {
        case .mark(.not):
            advance()
            return try checked(UnaryNode(.not, try unary(), at: start))
        case .mark(.bitNot):
            advance()
            return try checked(UnaryNode(.invert, try unary(), at: start))
        case .mark(.minus):
            advance()
            if case .integer(let value) = peek { return try postfix(of: negative(value, at: start)) }
            if case .long(let value) = peek { return try postfix(of: negative(value, at: start)) }
            return try checked(UnaryNode(.negate, try unary(), at: start))
        case .mark(.increment), .mark(.decrement):
            let operation: BinaryOperation = peek == .mark(.increment) ? .add : .subtract
            advance()
            guard let operand = try unary() as? any Assignable else {
                throw TBELError(.syntax, "only a variable can be counted up or down", at: start)
            }
            return try checked(StepNode(operand, operation, givesOld: false, at: start))
        case .mark(.plus): throw TBELError(.syntax, "illegal use of operator: +", at: start)
        default: break
        }
        if case .name("isdef") = peek {
            advance()
            let place = scope.place(of: try name("the name of a variable"))
            return IsDefinedNode(hops: place.hops, slot: place.slot, at: start)
        }
        if let cast = castType() { return try checked(CastNode(cast, try unary(), at: start)) }
        let node = try postfix(of: try primary())
        guard peek == .mark(.increment) || peek == .mark(.decrement), let operand = node as? any Assignable else {
            return node
        }
        let operation: BinaryOperation = peek == .mark(.increment) ? .add : .subtract
        advance()
        return try checked(StepNode(operand, operation, givesOld: true, at: start))
    }

    /// A number with its sign, so that the smallest integer is one.
    private mutating func negative(_ value: Int64, at start: Int) -> Node {
        let isLong = text(token.start, token.end).hasSuffix("L")
        advance()
        let negative = value == .min ? value : -value
        return LiteralNode(isLong ? .long(negative) : Value(integer: negative), at: start)
    }

    /// Takes `(T)` where a value follows.
    private mutating func castType() -> CastType? {
        guard peek == .mark(.openParenthesis), case .name(let name) = peek(1), let type = CastType(name: name),
            peek(2) == .mark(.closeParenthesis)
        else { return nil }
        switch peek(3) {
        case .name(let word) where !Parser.operators.contains(word): break
        case .integer, .long, .float, .double, .text, .mark(.openParenthesis), .mark(.minus): break
        default: return nil
        }
        for _ in 0..<3 { advance() }
        return type
    }
}
