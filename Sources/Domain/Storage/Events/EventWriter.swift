public import Logging
public import Metrics
internal import Model
internal import Postgres
internal import Synchronization

/// Writes events behind the back of what notes them, many by one statement (`persistence.md` 5).
///
/// What waits is bounded in number and bytes: an event that finds no room is dropped and counted, because it must not
/// hold up the messages that it tells of. Events that the database refuses are dropped, those of a lost connection are
/// tried again. Safe from any thread.
public final class EventWriter: EventRecorder {
    private struct State {
        var waiting: [NewEvent] = []
        var bytes = 0
        var isRunning = false
        var isClosed = false
    }

    private let repository: EventRepository
    private let configuration: EventWriterConfiguration
    private let service: String
    private let logger: Logger
    private let written: Counter
    private let dropped: Counter
    private let state = Mutex(State())
    /// Starts of partitions that are there.
    private let partitions = Mutex<Set<PartitionStart>>([])

    private struct PartitionStart: Hashable {
        var kind: EventKind
        var start: Int64
    }

    /// Pauses between attempts while the database is away.
    private static let firstPause: Duration = .milliseconds(200)
    private static let longestPause: Duration = .seconds(5)

    /// - Parameter service: Name of this process in the events.
    public init(
        database: any StatementRunner, configuration: EventWriterConfiguration, service: String, logger: Logger,
        metrics: MetricsRegistry
    ) {
        repository = EventRepository(database)
        self.configuration = configuration
        self.service = service
        self.logger = logger
        written = metrics.counter("events_written_total", help: "Events of entities that were stored.")
        dropped = metrics.counter(
            "events_dropped_total", help: "Events of entities that found no room or were refused.")
    }

    public func record(_ event: NewEvent) {
        let size = event.size
        let (isTaken, starts) = state.withLock { state in
            guard !state.isClosed, state.waiting.count < configuration.capacity,
                state.bytes + size <= configuration.capacityBytes
            else { return (false, false) }
            state.waiting.append(event)
            state.bytes += size
            defer { state.isRunning = true }
            return (true, !state.isRunning)
        }
        if !isTaken {
            dropped.increment()
            logger.limited(.warning, "events are dropped: the database does not take them as fast as they come")
        }
        // Owned by `state.isRunning`: it ends when nothing is left.
        if starts { Task { await run() } }
    }

    /// Takes no more events, and waits until those that wait are written; at most so long.
    public func close(patience: Duration = .seconds(2)) async {
        state.withLock { $0.isClosed = true }
        let deadline = ContinuousClock.now + patience
        while state.withLock({ $0.isRunning }), ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    // MARK: - Writing

    private func run() async {
        repeat {
            if !state.withLock({ $0.isClosed }) { try? await Task.sleep(for: configuration.delay) }
            let events = state.withLock { state in
                let events = Array(state.waiting.prefix(configuration.batch))
                state.waiting.removeFirst(events.count)
                state.bytes = events.count < configuration.batch ? 0 : state.bytes - events.reduce(0) { $0 + $1.size }
                return events
            }
            for kind in EventKind.allCases { await write(events.filter { $0.kind == kind }, of: kind) }
        } while isMore()
    }

    private func isMore() -> Bool {
        state.withLock { state in
            if state.waiting.isEmpty { state.isRunning = false }
            return state.isRunning
        }
    }

    private func write(_ events: [NewEvent], of kind: EventKind) async {
        guard !events.isEmpty else { return }
        var pause = Self.firstPause
        while true {
            do {
                try await prepare(events, of: kind)
                try await repository.insert(
                    events, of: kind, service: service, maximumSymbols: configuration.maximumSymbols)
                written.increment(by: events.count)
                return
            } catch {
                partitions.withLock { $0 = [] }
                if let refusal = EntityError.postgresError(error), refusal.isDataError, !refusal.isCheckViolation {
                    await split(events, of: kind, error)
                    return
                }
                if state.withLock({ $0.isClosed }) {
                    dropped.increment(by: events.count)
                    return
                }
                logger.limited(
                    .warning, "events cannot be written at the moment; they wait", ["error": .string("\(error)")])
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }

    /// Finds what the database refuses by halving.
    private func split(_ events: [NewEvent], of kind: EventKind, _ error: any Error) async {
        if events.count == 1 {
            dropped.increment()
            logger.limited(
                .error, "an event could not be written",
                ["kind": .string(kind.rawValue), "error": .string("\(error)")])
            return
        }
        let middle = events.count / 2
        await write(Array(events[..<middle]), of: kind)
        await write(Array(events[middle...]), of: kind)
    }

    private func prepare(_ events: [NewEvent], of kind: EventKind) async throws {
        let hours = configuration.partitionHours(of: kind)
        let length = hours * 3_600_000
        for start in Set(events.map { $0.time / length * length }) {
            let partition = PartitionStart(kind: kind, start: start)
            if partitions.withLock({ $0.contains(partition) }) { continue }
            try await repository.makePartition(of: kind, for: start, hours: hours)
            partitions.withLock { known in
                // Old ones are of no use any more.
                if known.count > 1_000 { known.removeAll() }
                known.insert(partition)
            }
        }
    }
}
