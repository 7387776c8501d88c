import CKafka

/// A record as it was fetched. Owns librdkafka's memory, which goes with it.
public struct KafkaRecord: ~Copyable {
    private let raw: UnsafeMutablePointer<rd_kafka_message_t>

    /// Takes ownership of a message without an error.
    init(adopting raw: UnsafeMutablePointer<rd_kafka_message_t>) {
        self.raw = raw
    }

    deinit { rd_kafka_message_destroy(raw) }

    public var partition: Int32 { raw.pointee.partition }
    public var offset: Int64 { raw.pointee.offset }
    /// Builds a string.
    public var topic: String { raw.pointee.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? "" }

    /// Lives as long as the record.
    public var value: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: raw.pointee.payload, count: raw.pointee.len)
    }
    /// Lives as long as the record.
    public var key: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: raw.pointee.key, count: raw.pointee.key_len)
    }

    /// A copy of the last header of that name.
    public func header(_ name: String) -> [UInt8]? {
        var headers: OpaquePointer?
        guard rd_kafka_message_headers(raw, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR, let headers else { return nil }
        var value: UnsafeRawPointer?
        var size = 0
        guard rd_kafka_header_get_last(headers, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        return [UInt8](UnsafeRawBufferPointer(start: value, count: size))
    }
}
