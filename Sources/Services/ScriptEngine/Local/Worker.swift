import CLinux
import CScriptWorker
import Glibc
import Reactor
import ScriptWire

/// One worker as its pool sees it: what it was given, in order, and its stream. Owned by the pool's loop.
final class Worker {
    /// What was asked of it and is not answered yet.
    struct Entry {
        let number: UInt64
        let script: WorkerScript
        /// Who waits for the answer; `nil` when it was taken back, or is about the script itself.
        var call: WorkerCall?
        /// Whether the script is compiled for the entries behind.
        var isPreparation = false
    }

    let process = WorkerProcess()
    let page: OpaquePointer
    private let descriptor: Int32
    private(set) var registration: DescriptorRegistration?
    private var input: [UInt8] = []
    private var output: [UInt8] = []
    private var sent = 0
    private(set) var entries: [Entry] = []
    private var first = 0
    /// Scripts that it has compiled, unless it forgot them.
    private var compiled: Set<UInt64> = []
    /// Why it could not compile scripts that calls behind are for.
    private var refused: [UInt64: ScriptError] = [:]
    private(set) var isReady = false
    /// The call that takes long, with its script.
    private(set) var slow: (number: UInt64, script: WorkerScript)?
    private var seen: (number: UInt64, ticks: Int) = (0, 0)
    var isClosed = false
    var isDirty = false
    /// Ended because its call took longer than its caller waits.
    var isOverdue = false

    /// - Parameter descriptor: This end of the stream, without blocking; closed with the worker.
    init(descriptor: Int32, page: OpaquePointer) {
        self.descriptor = descriptor
        self.page = page
    }

    deinit {
        needletail_worker_page_unmap(page)
    }

    var unanswered: ArraySlice<Entry> { entries[first...] }
    var load: Int { entries.count - first }

    func watch(on loop: EventLoop, _ onReady: @escaping (Readiness) -> Void) throws(ReactorError) {
        registration = try loop.register(descriptor: descriptor, interest: .read, onReady)
    }

    // MARK: - Requests

    /// - Parameter next: Gives numbers of requests.
    func send(_ call: WorkerCall, _ next: () -> UInt64) {
        let script = call.script
        call.attempts += 1
        switch call.kind {
        case .compile:
            let number = next()
            entries.append(Entry(number: number, script: script, call: call))
            compiled.insert(script.number)
            ScriptWire.appendCompile(
                call: number, script: script.number, functionName: script.program.functionName,
                program: script.program.text, to: &output)
        case .invoke(let arguments, let limit):
            if compiled.insert(script.number).inserted {
                let number = next()
                entries.append(Entry(number: number, script: script, call: nil, isPreparation: true))
                ScriptWire.appendCompile(
                    call: number, script: script.number, functionName: script.program.functionName,
                    program: script.program.text, to: &output)
            }
            let number = next()
            entries.append(Entry(number: number, script: script, call: call))
            ScriptWire.appendInvoke(
                call: number, script: script.number, limit: limit, arguments: arguments, to: &output)
        }
    }

    func release(_ script: UInt64) -> Bool {
        guard compiled.remove(script) != nil else { return false }
        ScriptWire.appendRelease(script: script, to: &output)
        return true
    }

    /// Takes back what waits behind the call that runs.
    func takeWaiting() -> [WorkerCall] {
        let running = needletail_worker_page_current(page)
        var taken: [WorkerCall] = []
        for index in entries.indices[first...] where entries[index].number != running {
            if let call = entries[index].call.take(), !call.isOver {
                // Not its fault.
                call.attempts -= 1
                taken.append(call)
            }
        }
        return taken
    }

    /// What nobody else has answered, when the worker is gone: the call that it was in, and the others.
    func takeAll() -> (running: Entry?, others: [WorkerCall]) {
        let running = needletail_worker_page_current(page)
        var culprit: Entry?
        var others: [WorkerCall] = []
        for entry in unanswered {
            if entry.number == running {
                culprit = entry
            } else if let call = entry.call, !call.isOver {
                others.append(call)
            }
        }
        entries.removeAll()
        first = 0
        return (culprit, others)
    }

    // MARK: - The stream

    /// Sends what was appended, as far as the stream takes it.
    ///
    /// - Returns: Whether the stream is intact.
    func flush() -> Bool {
        isDirty = false
        guard !isClosed else { return false }
        while sent < output.count {
            let count = output.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                registration?.update([.read, .write])
                return true
            } else if errno != EINTR {
                return false
            }
        }
        output.removeAll(keepingCapacity: output.capacity <= 1 << 20)
        sent = 0
        if registration?.interest == [.read, .write] { registration?.update(.read) }
        return true
    }

    /// Reads answers.
    ///
    /// - Returns: Whether more may come.
    func receive(_ answered: (Entry, WorkerCall.Outcome?) -> Void) -> Bool {
        while true {
            let count = withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 8) { room in
                let count = read(descriptor, room.baseAddress, room.count)
                if count > 0 { input.append(contentsOf: room[..<count]) }
                return count
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return true }
            guard count > 0, take(answered) else { return false }
            if count < 64 << 10 { return true }
        }
    }

    private func take(_ answered: (Entry, WorkerCall.Outcome?) -> Void) -> Bool {
        var replies: [ScriptWireReader.Reply] = []
        var isIntact = true
        let consumed = input.withUnsafeBytes { bytes in
            var reader = ScriptWireReader(bytes)
            do throws(ScriptWire.Malformed) {
                while let reply = try reader.nextReply() { replies.append(reply) }
            } catch {
                isIntact = false
            }
            return reader.consumed
        }
        input.removeFirst(consumed)
        for reply in replies {
            guard isIntact else { return false }
            isIntact = accept(reply, answered)
        }
        return isIntact
    }

    private func accept(_ reply: ScriptWireReader.Reply, _ answered: (Entry, WorkerCall.Outcome?) -> Void) -> Bool {
        switch reply {
        case .ready:
            isReady = true
            return true
        case .compiled(let number): return answer(number, .success(nil), answered)
        case .result(let number, let text): return answer(number, .success(text), answered)
        case .failure(let number, let failure, let text):
            return answer(number, .failure(Self.error(failure, text)), answered)
        }
    }

    /// Answers come in the order of requests.
    private func answer(
        _ number: UInt64, _ outcome: WorkerCall.Outcome, _ answered: (Entry, WorkerCall.Outcome?) -> Void
    ) -> Bool {
        guard first < entries.count, entries[first].number == number else { return false }
        let entry = entries[first]
        entries[first].call = nil
        first += 1
        if first == entries.count {
            entries.removeAll(keepingCapacity: true)
            first = 0
        } else if first > 256 {
            entries.removeFirst(first)
            first = 0
        }
        if entry.isPreparation {
            if case .failure(let error) = outcome { refused[entry.script.number] = error }
            answered(entry, nil)
            return true
        }
        guard case .failure(let error) = outcome else {
            answered(entry, outcome)
            return true
        }
        if error == .notFound || entry.call.map({ if case .compile = $0.kind { true } else { false } }) == true {
            compiled.remove(entry.script.number)
        }
        let refusal = refused.removeValue(forKey: entry.script.number)
        answered(entry, .failure(error == .notFound ? refusal ?? error : error))
        return true
    }

    private static func error(_ failure: ScriptWire.Failure, _ text: String) -> ScriptError {
        switch failure {
        case .compilation: .compilation(text)
        case .runtime: .runtime(text)
        case .timeout: .timeout
        case .notFound: .notFound
        case .tooLarge: .tooLarge(text)
        }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        registration?.deregister()
        Glibc.close(descriptor)
    }

    // MARK: - Calls that take long

    /// Looks at what runs; called regularly.
    ///
    /// - Returns: How many looks in a row have seen the same call.
    func look() -> Int {
        let running = needletail_worker_page_current(page)
        if running == 0 || running != seen.number { seen = (running, 0) } else { seen.ticks += 1 }
        return seen.ticks
    }

    /// The call that runs takes long from now on.
    func becomeSlow() -> Bool {
        let running = needletail_worker_page_current(page)
        guard slow == nil, let entry = unanswered.first(where: { $0.number == running }) else { return false }
        slow = (running, entry.script)
        return true
    }

    /// Ends being slow when the call is `number`, or any when it is `nil`.
    func takeSlow(_ number: UInt64?) -> WorkerScript? {
        guard let slow, number == nil || number == slow.number else { return nil }
        self.slow = nil
        return slow.script
    }

    /// The caller of the call that runs.
    var runningCall: WorkerCall? {
        let running = needletail_worker_page_current(page)
        return unanswered.first { $0.number == running }?.call
    }
}
