import CKafka
import Synchronization

/// One librdkafka client with its threads. Safe from any thread, as librdkafka's handles are.
final class KafkaHandle: @unchecked Sendable {
    // @unchecked: rd_kafka_t is thread-safe (librdkafka INTRODUCTION.md, "Threads and callbacks"), the pointer
    // constant.
    let raw: OpaquePointer
    private let isKept = Atomic(false)

    /// - Parameter hasEvents: Whether what happens beside records is read as events from the main queue. A consumer that is
    ///   polled must not have them: librdkafka's poll ends the process when it meets one. Its logs are dropped.
    /// - Throws: with the name of the setting that librdkafka does not take.
    init(_ type: rd_kafka_type_t, _ properties: KafkaProperties, hasEvents: Bool = true) throws(KafkaError) {
        let configuration: OpaquePointer = rd_kafka_conf_new()
        var text = [CChar](repeating: 0, count: 512)
        for (name, value) in properties.entries {
            guard rd_kafka_conf_set(configuration, name, value, &text, text.count) == RD_KAFKA_CONF_OK else {
                rd_kafka_conf_destroy(configuration)
                throw KafkaError(
                    "Kafka setting \(name)", code: RD_KAFKA_RESP_ERR__INVALID_ARG.rawValue, text: Self.string(text))
            }
        }
        needletail_kafka_watch_sockets(configuration)
        if hasEvents {
            rd_kafka_conf_set(configuration, "log.queue", "true", nil, 0)
            rd_kafka_conf_set_events(configuration, NEEDLETAIL_KAFKA_EVENT_ALL)
        } else {
            rd_kafka_conf_set_log_cb(configuration) { _, _, _, _ in }
        }
        guard let raw = rd_kafka_new(type, configuration, &text, text.count) else {
            rd_kafka_conf_destroy(configuration)
            throw KafkaError("Kafka client", code: rd_kafka_last_error().rawValue, text: Self.string(text))
        }
        self.raw = raw
        // Logs are events like others.
        if hasEvents { rd_kafka_set_log_queue(raw, nil) }
    }

    /// Blocks until librdkafka's threads have ended. A consumer that shall leave its group was closed before.
    deinit {
        if isKept.load(ordering: .acquiring) { return }
        rd_kafka_destroy_flags(raw, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
    }

    /// The client stays until the process ends: for one whose end librdkafka does not survive.
    func keep() { isKept.store(true, ordering: .releasing) }

    private static func string(_ text: [CChar]) -> String {
        String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// What a client tells about itself, beside records and reports.
public enum KafkaEvent: Sendable {
    /// librdkafka goes on trying by itself.
    case error(KafkaError)
    /// The client is of no use any more.
    case fatal(KafkaError)
    /// `level` as syslog(3) counts: 3 is an error, 4 a warning.
    case log(level: Int, facility: String, text: String)
    case committed([KafkaPosition], KafkaError?)
}

extension KafkaEvent {
    /// What `event` says; `nil` for reports of delivery. Does not take ownership.
    init?(_ event: OpaquePointer, client: OpaquePointer) {
        switch rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_ERROR:
            let code = rd_kafka_event_error(event)
            let text = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
            if rd_kafka_event_error_is_fatal(event) != 0 || code == RD_KAFKA_RESP_ERR__FATAL {
                self = .fatal(KafkaError("Kafka client", code: code.rawValue, text: text))
            } else {
                self = .error(KafkaError("Kafka client", code: code.rawValue, text: text))
            }
        case RD_KAFKA_EVENT_LOG:
            var facility: UnsafePointer<CChar>?
            var text: UnsafePointer<CChar>?
            var level: Int32 = 0
            guard rd_kafka_event_log(event, &facility, &text, &level) == 0 else { return nil }
            self = .log(
                level: Int(level), facility: facility.map { String(cString: $0) } ?? "",
                text: text.map { String(cString: $0) } ?? "")
        case RD_KAFKA_EVENT_OFFSET_COMMIT:
            let code = rd_kafka_event_error(event)
            let list = rd_kafka_event_topic_partition_list(event)
            self = .committed(
                list.map { KafkaPosition.positions(in: $0) } ?? [],
                code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError("commit", code))
        default:
            return nil
        }
    }
}
