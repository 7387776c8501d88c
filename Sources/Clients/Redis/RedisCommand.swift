/// One command with its arguments, binary-safe.
public struct RedisCommand: Sendable {
    public let arguments: [[UInt8]]
    /// What decides about the node of a cluster; `nil` for a command that any node answers.
    public let key: [UInt8]?

    public init(arguments: [[UInt8]], key: [UInt8]?) {
        precondition(!arguments.isEmpty, "a command has a name")
        self.arguments = arguments
        self.key = key
    }

    /// - Parameters:
    ///   - name: `GET`, `SET`, ...
    ///   - key: The first argument.
    public init(_ name: String, key: [UInt8], _ arguments: [UInt8]...) {
        self.init(arguments: [Array(name.utf8), key] + arguments, key: key)
    }

    /// A command without a key.
    public init(_ words: String...) {
        self.init(arguments: words.map { Array($0.utf8) }, key: nil)
    }

    /// Appends the wire form: an array of bulk strings.
    func encode(into output: inout [UInt8]) {
        Self.header("*", arguments.count, into: &output)
        for argument in arguments {
            Self.header("$", argument.count, into: &output)
            output += argument
            output += [13, 10]
        }
    }

    private static func header(_ mark: Character, _ count: Int, into output: inout [UInt8]) {
        output += Array("\(mark)\(count)\r\n".utf8)
    }
}
