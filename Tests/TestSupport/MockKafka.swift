import CKafka

/// librdkafka's own imitation of a cluster, for tests without a broker. It keeps records and committed offsets in
/// memory.
public final class MockKafka: @unchecked Sendable {
    // @unchecked: the mock cluster's functions are thread-safe, the pointers are constant.
    private let client: OpaquePointer
    private let cluster: OpaquePointer

    public init(brokers: Int = 1) {
        var text = [CChar](repeating: 0, count: 256)
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), &text, text.count),
            let cluster = rd_kafka_mock_cluster_new(client, Int32(brokers))
        else { preconditionFailure("no mock cluster of \(brokers) brokers") }
        self.client = client
        self.cluster = cluster
    }

    deinit {
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(client)
    }

    public var bootstrapServers: String { String(cString: rd_kafka_mock_cluster_bootstraps(cluster)) }

    public func createTopic(_ name: String, partitions: Int) {
        let code = rd_kafka_mock_topic_create(cluster, name, Int32(partitions), 1)
        precondition(code == RD_KAFKA_RESP_ERR_NO_ERROR, "topic \(name) cannot be made: \(code)")
    }

    /// Lets a topic have no leaders, or have them again.
    public func setTopic(_ name: String, isServed: Bool) {
        rd_kafka_mock_topic_set_error(
            cluster, name, isServed ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
    }

    /// Refuses the next question for committed offsets, as one who may not ask is refused.
    public func refuseNextOffsets() {
        let offsetFetch: Int16 = 9
        let errors = [RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED]
        rd_kafka_mock_push_request_errors_array(cluster, offsetFetch, 1, errors)
    }

    /// Takes a broker, counted from 1, off the network or puts it back.
    public func setBroker(_ id: Int, isUp: Bool) {
        _ = isUp ? rd_kafka_mock_broker_set_up(cluster, Int32(id)) : rd_kafka_mock_broker_set_down(cluster, Int32(id))
    }
}
