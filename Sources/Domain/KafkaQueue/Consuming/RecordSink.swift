import Kafka
import Wire

/// Where the records of a ``KafkaPartitionConsumer`` go. Owned by its thread.
protocol RecordSink: AnyObject {
    /// Reads one record and gathers it for ``flush(_:)``. When it throws, the record becomes a dead letter.
    func take(_ record: borrowing KafkaRecord, ticket: UInt32, slot: PartitionSlot) throws(WireError)
    /// Hands over what was gathered, all of it of `slot`.
    func flush(_ slot: PartitionSlot)
    /// The partition goes to another owner: what has not begun is wanted back.
    func release(_ slot: PartitionSlot)
}

extension RecordSink {
    func release(_ slot: PartitionSlot) {}
}
