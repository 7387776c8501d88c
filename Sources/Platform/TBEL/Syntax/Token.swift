/// A word of a script.
struct Token {
    enum Kind: Equatable {
        case integer(Int64)
        /// Written with an L, or too large for 32 bits.
        case long(Int64)
        case float(Float)
        case double(Double)
        case text(String)
        case name(String)
        case mark(Mark)
        case end
    }

    var kind: Kind
    /// Where it starts in the UTF-8 of the script, and where it ends.
    var start: Int
    var end: Int
}

/// Signs that are not letters or digits.
enum Mark: String, CaseIterable {
    case openParenthesis = "("
    case closeParenthesis = ")"
    case openBrace = "{"
    case closeBrace = "}"
    case openBracket = "["
    case closeBracket = "]"
    case comma = ","
    case semicolon = ";"
    case colon = ":"
    case dot = "."
    case safeDot = ".?"
    case question = "?"
    case assign = "="
    case equal = "=="
    case same = "==="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case plus = "+"
    case minus = "-"
    case times = "*"
    case divide = "/"
    case remainder = "%"
    case power = "**"
    case increment = "++"
    case decrement = "--"
    case plusAssign = "+="
    case minusAssign = "-="
    case timesAssign = "*="
    case divideAssign = "/="
    case remainderAssign = "%="
    case andAssign = "&="
    case orAssign = "|="
    case xorAssign = "^="
    case leftAssign = "<<="
    case rightAssign = ">>="
    case unsignedRightAssign = ">>>="
    case and = "&&"
    case or = "||"
    case bitAnd = "&"
    case bitOr = "|"
    case bitXor = "^"
    case bitNot = "~"
    case matches = "~="
    case left = "<<"
    case right = ">>"
    case unsignedRight = ">>>"
    case join = "#"
    case not = "!"

    /// By length, the longest first.
    static let byLength: [[UInt8: [(bytes: [UInt8], mark: Mark)]]] = [4, 3, 2, 1].map { length in
        let marks = allCases.filter { $0.rawValue.utf8.count == length }
        return Dictionary(grouping: marks.map { (bytes: Array($0.rawValue.utf8), mark: $0) }) { $0.bytes[0] }
    }
}
