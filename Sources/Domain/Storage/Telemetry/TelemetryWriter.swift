public import Logging
public import Metrics
public import Model
public import Postgres
public import Reactor
import Synchronization
public import Telemetry

/// The write path of telemetry and attributes: several writers in parallel, each with its own connection, every entity
/// always through the same one, so the order of its rows is kept. Safe from any thread.
///
/// A save is complete when its rows are committed. While the database cannot take rows they wait here, and with them
/// whoever must not have more than a bounded number of saves without a completion.
public final class TelemetryWriter: Sendable {
    private let threads: [TelemetryWriterThread]
    private let batchRows: Int
    private let callers = AsyncSaves()

    /// - Parameters:
    ///   - committed: Told of what is written.
    ///   - connect: Opens a connection for a writer; called on its thread, again after each failure.
    public init(
        configuration: TelemetryWriterConfiguration, partitioning: PartitionManager, logger: Logger,
        metrics: MetricsRegistry,
        committed: CommittedValues = CommittedValues(),
        connect: @escaping @Sendable () throws(PostgresError) -> PostgresConnection
    ) {
        let counters = TelemetryWriterMetrics(registry: metrics)
        batchRows = configuration.batchRows
        let threads = (0..<configuration.threads).map { index in
            TelemetryWriterThread(
                index: index, configuration: configuration, partitions: partitioning, connect: connect, logger: logger,
                metrics: counters, committed: committed)
        }
        self.threads = threads
        metrics.gauge("telemetry_waiting_rows", help: "Rows that wait for a writer.") {
            Double(threads.reduce(0) { $0 + $1.inbox.depth })
        }
    }

    public func start() {
        for thread in threads { thread.start() }
    }

    /// Writes what waits and ends the threads. Blocks. Nothing may be saved after it.
    public func stop() {
        for thread in threads { thread.inbox.stop() }
        for thread in threads { thread.join() }
    }

    /// A sink for the event loop `loop`, with its own completions. Called on the loop.
    public func makeSink(on loop: EventLoop, completions: @escaping SaveCompletionHandler) -> any TelemetrySink {
        LoopSink(writer: self, loop: loop, completions: completions)
    }

    /// Saves points of one entity; returns when they are committed.
    public func save(
        entity: UUID128, records: [TimeseriesRecord], streams: TelemetryStreams = .all, origin: SaveOrigin = .system
    ) async throws(TelemetrySaveError) {
        let batch = WriteBatch(client: callers)
        try await callers.wait { token in
            for record in records {
                batch.addTelemetry(
                    entity: entity, timestamp: record.timestamp, arena: record.arena, points: record.points,
                    streams: streams, origin: origin, token: token)
            }
            self.submit(batch, writer: self.writer(of: entity))
            return records.count
        }
    }

    /// Saves attributes of one entity; returns when they are committed.
    public func saveAttributes(
        entity: UUID128, scope: AttributeScope, timestamp: Int64, arena: PointArena, origin: SaveOrigin
    ) async throws(TelemetrySaveError) {
        let batch = WriteBatch(client: callers)
        try await callers.wait { token in
            batch.addAttributes(
                entity: entity, scope: scope, timestamp: timestamp, arena: arena, points: 0..<arena.points.count,
                onlyChanged: false, origin: origin, token: token)
            self.submit(batch, writer: self.writer(of: entity))
            return 1
        }
    }

    fileprivate var writerCount: Int { threads.count }

    fileprivate func writer(of entity: UUID128) -> Int {
        // Both halves, because time-based ids differ mostly in the first and random ones in both.
        let mixed = (entity.high ^ entity.low) &* 0x9E37_79B9_7F4A_7C15
        return Int(mixed >> 33) % threads.count
    }

    fileprivate func submit(_ batch: WriteBatch, writer: Int) {
        threads[writer].inbox.put(batch, wakeAt: batchRows)
    }
}

/// Points of one entity at one time, for saves that come from no loop's hot path.
public struct TimeseriesRecord: Sendable {
    /// Milliseconds since 1970.
    public var timestamp: Int64
    public var arena: PointArena
    public var points: Range<Int>

    public init(timestamp: Int64, arena: PointArena, points: Range<Int>) {
        self.timestamp = timestamp
        self.arena = arena
        self.points = points
    }
}

public enum TelemetrySaveError: Error, Sendable {
    /// The database refuses the values.
    case refused
    /// Too many saves wait already.
    case overloaded
}

/// The sink of one loop. Gathers a tick's saves in one batch a writer. Owned by its loop, but for the completions.
private final class LoopSink: TelemetrySink {
    private let writer: TelemetryWriter
    private let client: MailboxClient
    private var batches: [WriteBatch?]
    private var dirty: [Int] = []

    init(writer: TelemetryWriter, loop: EventLoop, completions: @escaping SaveCompletionHandler) {
        precondition(loop.isCurrent, "a sink is made on its loop")
        self.writer = writer
        client = MailboxClient(mailbox: Mailbox(on: loop, completions))
        batches = Array(repeating: nil, count: writer.writerCount)
        loop.addTickHook { [unowned self] in submit() }
    }

    func saveTelemetry(
        entity: UUID128, timestamp: Int64, arena: PointArena, points: Range<Int>, streams: TelemetryStreams,
        origin: SaveOrigin, token: UInt32
    ) {
        batch(for: entity).addTelemetry(
            entity: entity, timestamp: timestamp, arena: arena, points: points, streams: streams, origin: origin,
            token: token)
    }

    func saveAttributes(
        entity: UUID128, scope: AttributeScope, timestamp: Int64, arena: PointArena, points: Range<Int>,
        onlyChanged: Bool, origin: SaveOrigin, token: UInt32
    ) {
        batch(for: entity).addAttributes(
            entity: entity, scope: scope, timestamp: timestamp, arena: arena, points: points, onlyChanged: onlyChanged,
            origin: origin, token: token)
    }

    private func batch(for entity: UUID128) -> WriteBatch {
        let index = writer.writer(of: entity)
        if let batch = batches[index] { return batch }
        let batch = WriteBatch(client: client)
        batches[index] = batch
        dirty.append(index)
        return batch
    }

    private func submit() {
        guard !dirty.isEmpty else { return }
        for index in dirty {
            guard let batch = batches[index].take() else { continue }
            writer.submit(batch, writer: index)
        }
        dirty.removeAll(keepingCapacity: true)
    }
}

private final class MailboxClient: WriteClient {
    private let mailbox: Mailbox<SaveCompletion>

    init(mailbox: Mailbox<SaveCompletion>) {
        self.mailbox = mailbox
    }

    func finish(_ completions: [SaveCompletion]) {
        mailbox.post(contentsOf: completions)
    }
}

/// Async callers that wait for their saves, bounded. Safe from any thread.
private final class AsyncSaves: WriteClient {
    private struct Waiting {
        var continuation: CheckedContinuation<Result<Void, TelemetrySaveError>, Never>
        var remaining: Int
        var isStored = true
    }

    private struct State {
        var waiting: [UInt32: Waiting] = [:]
        var nextToken: UInt32 = 0
    }

    private static let capacity = 10_000
    private static let unknownCount = 1 << 40
    private let state = Mutex(State())

    /// Waits until as many saves as `submit` returns are complete; `submit` is given their token.
    func wait(_ submit: (UInt32) -> Int) async throws(TelemetrySaveError) {
        let outcome = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Void, TelemetrySaveError>, Never>) in
            let token: UInt32? = state.withLock { state in
                guard state.waiting.count < Self.capacity else { return nil }
                while state.waiting[state.nextToken] != nil { state.nextToken &+= 1 }
                let token = state.nextToken
                state.nextToken &+= 1
                // Far more than any save has, so that it cannot end before `submit` has told how many there are.
                state.waiting[token] = Waiting(continuation: continuation, remaining: Self.unknownCount)
                return token
            }
            guard let token else {
                continuation.resume(returning: .failure(.overloaded))
                return
            }
            let saves = submit(token)
            settle(token, adding: saves - Self.unknownCount)
        }
        try outcome.get()
    }

    func finish(_ completions: [SaveCompletion]) {
        for completion in completions { settle(completion.token, adding: -1, isStored: completion.isStored) }
    }

    private func settle(_ token: UInt32, adding change: Int, isStored: Bool = true) {
        let finished: Waiting? = state.withLock { state in
            guard var waiting = state.waiting[token] else { return nil }
            waiting.remaining += change
            waiting.isStored = waiting.isStored && isStored
            if waiting.remaining == 0 {
                state.waiting[token] = nil
                return waiting
            }
            state.waiting[token] = waiting
            return nil
        }
        guard let finished else { return }
        finished.continuation.resume(returning: finished.isStored ? .success(()) : .failure(.refused))
    }
}
