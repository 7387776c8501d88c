import CKafka

/// What Kafka, or librdkafka on the way to it, did not do.
public struct KafkaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was tried: `produce`, `create topic tb_core`.
    public let operation: String
    /// librdkafka's number: positive ones are the broker's, negative ones its own.
    public let code: Int32
    /// For people; without secrets.
    public let text: String

    public init(_ operation: String, code: Int32, text: String) {
        self.operation = operation
        self.code = code
        self.text = text
    }

    init(_ operation: String, _ code: rd_kafka_resp_err_t) {
        self.init(operation, code: code.rawValue, text: String(cString: rd_kafka_err2str(code)))
    }

    /// Takes ownership of `error`.
    init(_ operation: String, adopting error: OpaquePointer) {
        defer { rd_kafka_error_destroy(error) }
        self.init(
            operation, code: rd_kafka_error_code(error).rawValue, text: String(cString: rd_kafka_error_string(error)))
    }

    /// librdkafka's name of the code, for example `_MSG_TIMED_OUT`.
    public var name: String { String(cString: rd_kafka_err2name(rd_kafka_resp_err_t(code))) }

    public var description: String { "\(operation): \(text) (\(name))" }

    /// The local buffer is full: the same call succeeds once reports have come back.
    public var isQueueFull: Bool { code == RD_KAFKA_RESP_ERR__QUEUE_FULL.rawValue }
    /// The record is larger than the producer's or the broker's limit.
    public var isTooLarge: Bool { code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue }
    public var isTopicExisting: Bool { code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS.rawValue }
    /// There is no such topic or partition, as far as is known yet.
    public var isUnknownTopic: Bool {
        [
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
        ].contains { $0.rawValue == code }
    }
    /// The committed offset does not exist any more, or not yet.
    public var isOffsetOutOfRange: Bool {
        code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE.rawValue || code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET.rawValue
    }
    /// The same record may be taken later: nothing is wrong with it or with its topic.
    public var mayPass: Bool {
        !isTooLarge && !isUnknownTopic
            && ![
                RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_INVALID_RECORD,
                RD_KAFKA_RESP_ERR_POLICY_VIOLATION, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
            ].contains { $0.rawValue == code }
    }
    /// The client was closed, by this process.
    public var isClientClosed: Bool { code == RD_KAFKA_RESP_ERR__STATE.rawValue }
    /// No broker can be reached at all.
    public var isAllBrokersDown: Bool { code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue }
}
