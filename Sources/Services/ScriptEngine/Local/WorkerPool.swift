import CScriptWorker
import Glibc
import Logging
import Metrics
import Reactor

/// The workers of one event loop. Owned by it.
///
/// One worker takes everything while calls are short. A call that takes long keeps its worker to itself: what waits behind
/// it goes to another worker, which is started for that, and of one script only ``slowCallsPerScript`` do so at a time. So a
/// script that does not end holds up itself and nobody else.
final class WorkerPool {
    /// How often running calls are looked at; a call seen by ``slowLooks`` looks after the first takes long.
    static let lookInterval: Duration = .milliseconds(20)
    static let slowLooks = 3
    static let slowCallsPerScript = 2
    /// Calls that a worker is given before it has answered.
    static let window = 64
    static let maximumCalls = 50_000
    static let maximumBytes = 256 << 20
    /// A call whose worker was ended by others, or that its worker forgot, is given away again so often.
    static let maximumAttempts = 4

    private let loop: EventLoop
    private let setup: WorkerSetup
    private var workers: [Worker] = []
    private var scripts: [String: WorkerScript] = [:]
    private var queue: [WorkerCall] = []
    private var queueHead = 0
    private var calls = 0
    private var bytes = 0
    private var lastNumber: UInt64 = 0
    private var look: LoopTimer?
    /// Workers that did not start since one did, and when the next may be tried.
    private var failures = 0
    private var nextStart = MonotonicTime.now()
    private var unavailability = ""

    init(loop: EventLoop, setup: WorkerSetup) {
        self.loop = loop
        self.setup = setup
        loop.addTickHook { [unowned self] in flush() }
    }

    // MARK: - Calls

    func add(
        _ kind: WorkerCall.Kind, of program: JavaScriptProgram, completion: @escaping (WorkerCall.Outcome) -> Void
    ) {
        guard calls < Self.maximumCalls, bytes < Self.maximumBytes else {
            return completion(.failure(.unavailable("Too many calls of scripts wait for their turn")))
        }
        let deadline = setup.settings.requestTimeout > .zero ? loop.now + setup.settings.requestTimeout : nil
        let call = WorkerCall(kind, of: script(of: program), deadline: deadline, completion: completion)
        calls += 1
        bytes += call.size
        dispatch(call)
        if look == nil { schedule() }
    }

    func release(_ program: JavaScriptProgram) {
        guard let script = scripts.removeValue(forKey: program.hash) else { return }
        for worker in workers where !worker.isClosed && worker.release(script.number) { worker.isDirty = true }
    }

    /// Ends all workers.
    func close() {
        look?.cancel()
        for worker in workers { worker.close() }
    }

    private func script(of program: JavaScriptProgram) -> WorkerScript {
        if let known = scripts[program.hash] { return known }
        let script = WorkerScript(number: nextNumber(), program: program)
        scripts[program.hash] = script
        return script
    }

    private func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    private func finish(_ call: WorkerCall, _ outcome: WorkerCall.Outcome) {
        guard !call.isOver else { return }
        calls -= 1
        bytes -= call.size
        call.finish(outcome)
    }

    // MARK: - Giving away

    private func dispatch(_ call: WorkerCall) {
        guard !call.isOver else { return }
        guard call.attempts < Self.maximumAttempts else {
            return finish(call, .failure(.unavailable("The workers of JavaScript ended before they ran the script")))
        }
        guard call.script.slowCalls < Self.slowCallsPerScript else {
            call.script.waiting.append(call)
            return
        }
        guard let worker = worker() else {
            if failures > 0, !workers.contains(where: { !$0.isClosed }) {
                return finish(call, .failure(.unavailable(unavailability)))
            }
            queue.append(call)
            return
        }
        give(call, to: worker)
    }

    private func give(_ call: WorkerCall, to worker: Worker) {
        worker.send(call) { nextNumber() }
        worker.isDirty = true
    }

    /// A worker with room; a new one if none of those that are quick exists.
    private func worker() -> Worker? {
        var best: Worker?
        var quick = 0
        for worker in workers where !worker.isClosed && worker.slow == nil {
            quick += 1
            if worker.load < Self.window, worker.load < best?.load ?? Int.max { best = worker }
        }
        return best ?? (quick < setup.quickWorkers ? start() : nil)
    }

    private func drain() {
        while queueHead < queue.count, let worker = worker() {
            let call = queue[queueHead]
            queueHead += 1
            guard !call.isOver else { continue }
            if call.script.slowCalls < Self.slowCallsPerScript {
                give(call, to: worker)
            } else {
                call.script.waiting.append(call)
            }
        }
        if queueHead == queue.count || queueHead > 1_024 {
            queue.removeFirst(queueHead)
            queueHead = 0
        }
        setup.counts.waiting.set(Double(queue.count - queueHead))
    }

    private func flush() {
        for worker in workers where worker.isDirty && !worker.isClosed {
            // A stream that broke ends with its process, which tells.
            if !worker.flush() { worker.close() }
        }
    }

    // MARK: - Workers

    private func start() -> Worker? {
        guard failures == 0 || loop.now >= nextStart, setup.counts.reserve() else { return nil }
        guard let ends = WorkerEnds.make() else {
            setup.counts.release(.start)
            startFailed("no descriptors or memory for a worker: \(String(cString: strerror(errno)))")
            return nil
        }
        let worker = Worker(descriptor: ends.parent, page: ends.page)
        do throws(ReactorError) {
            try worker.watch(on: loop) { [unowned self, unowned worker] _ in receive(from: worker) }
        } catch {
            worker.close()
            Glibc.close(ends.child)
            Glibc.close(ends.pageDescriptor)
            setup.counts.release(.start)
            startFailed("a worker cannot be watched: \(error)")
            return nil
        }
        workers.append(worker)
        let bound = LoopBound((pool: self, worker: worker), on: loop)
        worker.process.start(
            setup.arguments, environment: setup.environment, socket: ends.child, page: ends.pageDescriptor
        ) { end in
            bound.loop.execute { bound.withValue { $0.pool.ended($0.worker, end) } }
        }
        return worker
    }

    private func receive(from worker: Worker) {
        let isOpen = worker.receive { [unowned self] entry, outcome in answered(worker, entry, outcome) }
        if worker.isReady { failures = 0 }
        // Its process ends, too; what it was given is looked at then.
        if !isOpen {
            worker.close()
            worker.process.kill()
        }
        drain()
    }

    private func answered(_ worker: Worker, _ entry: Worker.Entry, _ outcome: WorkerCall.Outcome?) {
        if let script = worker.takeSlow(entry.number) { recovered(script, worker) }
        guard let call = entry.call, let outcome else { return }
        if outcome == .failure(.notFound), call.attempts < Self.maximumAttempts {
            dispatch(call)
        } else {
            finish(call, outcome)
        }
    }

    /// A call that took long is over.
    private func recovered(_ script: WorkerScript, _ worker: Worker) {
        script.slowCalls -= 1
        let quick = workers.count { !$0.isClosed && $0.slow == nil }
        if quick > setup.quickWorkers, worker.load == 0 || !worker.unanswered.contains(where: { $0.call != nil }) {
            worker.close()
        }
        // Those that waited come after their callers have heard of this one.
        let waiting = script.waiting
        script.waiting = []
        for call in waiting { dispatch(call) }
    }

    private func ended(_ worker: Worker, _ end: WorkerProcess.End) {
        // What it said last.
        if !worker.isClosed {
            _ = worker.receive { [unowned self] entry, outcome in answered(worker, entry, outcome) }
        }
        worker.close()
        workers.removeAll { $0 === worker }
        let (running, others) = worker.takeAll()
        let script = worker.takeSlow(nil)
        setup.counts.release(reason(end, worker))
        if !worker.isReady {
            startFailed(setup.explanation(of: end))
        } else if let running {
            setup.logger.limited(
                .warning, "a script ended its worker",
                ["end": .string("\(end)"), "script": .string(running.script.program.functionName)])
        } else if end != .exited(0), end != .exited(1) {
            setup.logger.limited(.warning, "a worker of JavaScript ended", ["end": .string("\(end)")])
        }
        if let call = running?.call {
            finish(call, .failure(worker.isOverdue ? .timeout : setup.error(of: end)))
        }
        if let script { recovered(script, worker) }
        for call in others {
            // Another call ended the worker, or it was no longer needed.
            if worker.isReady { call.attempts -= 1 }
            dispatch(call)
        }
        drain()
        failIfUnavailable()
    }

    private func reason(_ end: WorkerProcess.End, _ worker: Worker) -> WorkerCounts.WorkerEnd {
        switch end {
        case _ where !worker.isReady: .start
        case .exited(0), .exited(1): .idle
        case .exited(Int32(NEEDLETAIL_WORKER_MEMORY)): .memory
        case .exited(Int32(NEEDLETAIL_WORKER_TIME)): .time
        case .notStarted, .exited, .signalled: worker.isOverdue ? .time : .crash
        }
    }

    private func startFailed(_ text: String) {
        failures += 1
        nextStart = loop.now + min(.seconds(10), .milliseconds(100) * (1 << min(7, failures)))
        unavailability = text
        setup.logger.limited(.error, "a worker of JavaScript does not start", ["error": .string(text)])
        failIfUnavailable()
    }

    /// Nobody waits for workers that do not start.
    private func failIfUnavailable() {
        guard failures > 0, !workers.contains(where: { !$0.isClosed }) else { return }
        let waiting = queue[queueHead...]
        queue = []
        queueHead = 0
        for call in waiting { finish(call, .failure(.unavailable(unavailability))) }
    }

    // MARK: - Time

    private func schedule() {
        look = loop.schedule(after: Self.lookInterval, repeating: Self.lookInterval) { [unowned self] in lookAround() }
    }

    private func lookAround() {
        guard calls > 0 || workers.contains(where: { $0.load > 0 }) else {
            look?.cancel()
            look = nil
            return
        }
        for worker in workers where !worker.isClosed {
            let looks = worker.look()
            if looks >= Self.slowLooks, worker.becomeSlow() {
                worker.slow?.script.slowCalls += 1
                for call in worker.takeWaiting() { dispatch(call) }
            }
            if Self.lookInterval * looks > setup.settings.processorTime * 4 + .seconds(5) { worker.process.kill() }
        }
        if setup.settings.requestTimeout > .zero { giveUp() }
        drain()
    }

    /// Ends calls whose callers wait no longer.
    private func giveUp() {
        let now = loop.now
        func isOverdue(_ call: WorkerCall) -> Bool { call.deadline.map { $0 <= now } ?? false }
        for worker in workers where !worker.isClosed {
            if let running = worker.runningCall, isOverdue(running) {
                worker.isOverdue = true
                worker.process.kill()
            }
            for entry in worker.unanswered {
                if let call = entry.call, isOverdue(call), call !== worker.runningCall {
                    finish(call, .failure(.timeout))
                }
            }
        }
        for call in queue[queueHead...] where isOverdue(call) { finish(call, .failure(.timeout)) }
        for script in scripts.values where !script.waiting.isEmpty {
            for call in script.waiting where isOverdue(call) { finish(call, .failure(.timeout)) }
            script.waiting.removeAll { $0.isOver }
        }
    }
}
