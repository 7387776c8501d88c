import CHiredis

/// What Redis answers.
public enum RedisValue: Sendable, Equatable {
    case null
    case integer(Int64)
    /// A bulk string.
    case bytes([UInt8])
    /// A simple string: `OK`.
    case status(String)
    case array([RedisValue])
    /// An error inside an array; one that answers a command is thrown.
    case error(String)

    public var bytesValue: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
    public var integerValue: Int64? { if case .integer(let integer) = self { integer } else { nil } }
    public var arrayValue: [RedisValue]? { if case .array(let array) = self { array } else { nil } }

    /// The text of a simple or bulk string.
    public var text: String? {
        switch self {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .status(let text): text
        default: nil
        }
    }

    /// Copies a reply of the library.
    fileprivate init(copying reply: UnsafePointer<redisReply>) {
        let raw = reply.pointee
        switch raw.type {
        case REDIS_REPLY_STRING: self = .bytes(Self.bytes(raw))
        case REDIS_REPLY_STATUS: self = .status(String(decoding: Self.bytes(raw), as: UTF8.self))
        case REDIS_REPLY_ERROR: self = .error(String(decoding: Self.bytes(raw), as: UTF8.self))
        case REDIS_REPLY_INTEGER: self = .integer(raw.integer)
        case REDIS_REPLY_ARRAY:
            self = .array(
                (0..<Int(raw.elements)).map { index in
                    raw.element[index].map { RedisValue(copying: $0) } ?? .null
                })
        default: self = .null
        }
    }

    private static func bytes(_ raw: redisReply) -> [UInt8] {
        [UInt8](UnsafeRawBufferPointer(start: raw.str, count: Int(raw.len)))
    }
}

/// Takes bytes and gives the replies in them.
struct RedisReplyReader: ~Copyable {
    private let raw: UnsafeMutablePointer<redisReader>

    init() {
        guard let raw = redisReaderCreate() else { preconditionFailure("no memory for a reader") }
        self.raw = raw
    }

    deinit { redisReaderFree(raw) }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) {
        redisReaderFeed(raw, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
    }

    /// The next whole reply; `nil` when more bytes are needed.
    mutating func next() throws(RedisError) -> RedisValue? {
        var reply: UnsafeMutableRawPointer?
        guard redisReaderGetReply(raw, &reply) == REDIS_OK else {
            let text = withUnsafeBytes(of: &raw.pointee.errstr) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            throw .malformedReply(text)
        }
        guard let reply else { return nil }
        defer { freeReplyObject(reply) }
        return RedisValue(copying: reply.assumingMemoryBound(to: redisReply.self))
    }
}
