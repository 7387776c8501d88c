import CalculatedFields
import Logging
import Messages
import Model
import Queue
import Reactor
import Storage

/// Has rules looked at that time may have changed: those whose moment has come, whatever process owns their entities. Any
/// number of processes may do this; each moment is taken by one. Owned by a loop.
final class FieldClock {
    static let interval: Duration = .seconds(1)
    /// A moment whose taker died comes again after so many milliseconds.
    private static let patience: Int64 = 60_000
    private static let most = 1_000

    private let loop: EventLoop
    private let database: any StatementRunner
    private let queue: any RuleEngineQueue
    private let logger: Logger
    private var isBusy = false

    init(loop: EventLoop, database: any StatementRunner, queue: any RuleEngineQueue, logger: Logger) {
        self.loop = loop
        self.database = database
        self.queue = queue
        self.logger = logger
    }

    private struct Reference: @unchecked Sendable {
        // @unchecked: touched on the clock's loop only.
        let clock: FieldClock
    }

    /// Takes what is due, unless the last round is not over.
    func tick() {
        guard !isBusy else { return }
        isBusy = true
        let bound = Reference(clock: self)
        Task(executorPreference: loop) {
            await bound.clock.round()
            bound.clock.isBusy = false
        }
    }

    private func round() async {
        let due: [FieldMoment]
        do {
            let now = loop.wallClockMilliseconds
            due = try await CalculatedFieldStateRepository(database).takeDue(
                now: now, again: now + Self.patience, limit: Self.most)
        } catch {
            // The next round is soon.
            return
        }
        let (queue, loop) = (queue, loop)
        await withTaskGroup(of: Void.self) { group in
            for moment in due {
                let event = FieldEvent(tenant: moment.tenant, entity: moment.entity, change: .ticked(moment.field))
                let message = event.message(now: loop.wallClockMilliseconds)
                group.addTask(executorPreference: loop) { _ = await queue.deliver(message, on: loop) }
            }
        }
    }
}
