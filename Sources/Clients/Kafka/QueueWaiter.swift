import CKafka
import CLinux
import Glibc

/// Waits for what comes into one of librdkafka's queues, by a clock that never jumps.
///
/// librdkafka's own waits end at a time of the wall clock: where that is set back by an hour, they last an hour longer.
final class QueueWaiter: @unchecked Sendable {
    // @unchecked: the queue is thread-safe, pointer and descriptor are constant.
    private let client: KafkaHandle
    private let queue: OpaquePointer
    private let descriptor: Int32

    /// - Parameters:
    ///   - queue: a reference that is taken over.
    ///   - client: whose queue it is; kept alive.
    init(adopting queue: OpaquePointer, of client: KafkaHandle) {
        self.queue = queue
        self.client = client
        descriptor = needletail_eventfd()
        var one: UInt64 = 1
        rd_kafka_queue_io_event_enable(queue, descriptor, &one, 8)
    }

    deinit {
        rd_kafka_queue_io_event_enable(queue, -1, nil, 0)
        rd_kafka_queue_destroy(queue)
        _ = close(descriptor)
    }

    /// The first of what `take` finds, which asks without waiting; waits for it at most that long, or until ``wake()``.
    func first<Element>(within milliseconds: Int32, _ take: () -> Element?) -> Element? {
        if let found = take() { return found }
        guard milliseconds > 0 else { return nil }
        var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&waited, 1, milliseconds)
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
        return take()
    }

    /// Ends a wait, or the next one. From any thread.
    func wake() { needletail_eventfd_signal(descriptor) }
}
