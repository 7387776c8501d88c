import Synchronization

extension JSONValue {
    /// Reads one document; of a key that occurs several times in an object the last value counts.
    ///
    /// - Parameter removingNullCharacters: leaves U+0000 out of keys and strings, which PostgreSQL cannot store.
    public static func parse(
        _ bytes: Span<UInt8>, maximumDepth: Int = 128, removingNullCharacters: Bool = false
    ) throws(JSONError) -> JSONValue {
        let pool = removingNullCharacters ? ParserPool.removingNull : ParserPool.plain
        let borrowed = pool.take()
        defer { pool.give(borrowed) }
        try borrowed.parser.parse(bytes, maximumDepth: maximumDepth)
        return borrowed.parser.withTape { tape in JSONValue(tape, at: 0) }
    }

    public static func parse(
        _ bytes: [UInt8], maximumDepth: Int = 128, removingNullCharacters: Bool = false
    ) throws(JSONError) -> JSONValue {
        try parse(bytes.span, maximumDepth: maximumDepth, removingNullCharacters: removingNullCharacters)
    }

    public static func parse(
        _ text: String, maximumDepth: Int = 128, removingNullCharacters: Bool = false
    ) throws(JSONError) -> JSONValue {
        try parse(Array(text.utf8), maximumDepth: maximumDepth, removingNullCharacters: removingNullCharacters)
    }

    /// The value that starts at `index` of `tape`.
    public init(_ tape: borrowing JSONTape, at index: Int) {
        var index = index
        self.init(tape, advancing: &index)
    }

    private init(_ tape: borrowing JSONTape, advancing index: inout Int) {
        let token = tape[index]
        index += 1
        switch token.kind {
        case .null: self = .null
        case .true: self = .bool(true)
        case .false: self = .bool(false)
        case .integer: self = .integer(token.integer)
        case .number: self = JSONValue.number(tape, token)
        case .string: self = .string(tape.string(of: token))
        case .arrayStart:
            var elements: [JSONValue] = []
            elements.reserveCapacity(token.memberCount)
            while tape[index].kind != .arrayEnd { elements.append(JSONValue(tape, advancing: &index)) }
            index += 1
            self = .array(elements)
        case .objectStart:
            var object = JSONObject(minimumCapacity: token.memberCount)
            while tape[index].kind == .key {
                let key = tape[index]
                index += 1
                if key.isShadowed {
                    index = tape.behindValue(at: index)
                } else {
                    object.append(uniqueKey: tape.string(of: key), JSONValue(tape, advancing: &index))
                }
            }
            object.finishAppending()
            index += 1
            self = .object(object)
        case .key, .objectEnd, .arrayEnd:
            preconditionFailure("no value starts at a \(token.kind)")
        }
    }

    /// A double when it keeps what was written: 17 significant digits are what a double can tell apart.
    private static func number(_ tape: borrowing JSONTape, _ token: JSONToken) -> JSONValue {
        let double = token.double
        let isWhole = token.flags.isDisjoint(with: [.hasFraction, .hasExponent])
        guard double.isFinite, !isWhole, token.length <= 17 || significantDigits(tape.text(of: token)) <= 17 else {
            return .number(tape.string(of: token))
        }
        return .double(double)
    }

    private static func significantDigits(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        var count = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "0"): if count > 0 { count += 1 }
            case UInt8(ascii: "1")...UInt8(ascii: "9"): count += 1
            case UInt8(ascii: "e"), UInt8(ascii: "E"): return count
            default: continue
            }
        }
        return count
    }
}

/// Parsers that wait for the next document; the control plane has no loop to keep one at.
private final class ParserPool: Sendable {
    static let plain = ParserPool(removingNull: false)
    static let removingNull = ParserPool(removingNull: true)
    private static let kept = 8

    // @unchecked: whoever has taken one is its only user until it is given back.
    struct Borrowed: @unchecked Sendable {
        let parser: JSONParser
    }

    private let removingNull: Bool
    private let idle = Mutex<[Borrowed]>([])

    private init(removingNull: Bool) { self.removingNull = removingNull }

    func take() -> Borrowed {
        idle.withLock { $0.popLast() } ?? Borrowed(parser: JSONParser(removingNullCharacters: removingNull))
    }

    func give(_ borrowed: Borrowed) {
        idle.withLock { idle in
            if idle.count < ParserPool.kept { idle.append(borrowed) }
        }
    }
}
