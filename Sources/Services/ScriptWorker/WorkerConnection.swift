internal import CScriptWorker
internal import Glibc
internal import ScriptWire

/// A worker's stream: requests in, answers out, as many at once as have come.
struct WorkerConnection {
    /// Answers wait for others until there is so much of them, or so long.
    private static let flushSize = 64 << 10
    private static let flushDelay: UInt64 = 500_000
    /// Calls between two looks at the memory.
    private static let memoryInterval = 512

    private let descriptor: Int32
    private var input = [UInt8](repeating: 0, count: 256 << 10)
    private var filled = 0
    private var output: [UInt8] = []
    private var oldestAnswer: UInt64 = 0
    private var callsUntilLook = WorkerConnection.memoryInterval

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Serves until the parent is gone.
    ///
    /// - Returns: Whether all went as it should.
    mutating func serve(_ scripts: CompiledScripts) -> Bool {
        ScriptWire.appendReady(to: &output)
        guard flush() else { return false }
        while receive() {
            var isIntact = true
            let consumed = input.withUnsafeBytes { bytes in
                var reader = ScriptWireReader(UnsafeRawBufferPointer(rebasing: bytes[..<filled]))
                do throws(ScriptWire.Malformed) {
                    while isIntact, let request = try reader.nextRequest() { isIntact = answer(request, scripts) }
                } catch {
                    isIntact = false
                }
                return reader.consumed
            }
            guard isIntact, flush() else { return false }
            keep(from: consumed)
        }
        return true
    }

    /// - Returns: Whether to go on.
    private mutating func answer(_ request: ScriptWireReader.Request, _ scripts: CompiledScripts) -> Bool {
        if output.isEmpty { oldestAnswer = Self.now() }
        switch request {
        case .compile(let call, let script, let name, let program):
            needletail_worker_begin(call)
            let failure = scripts.compile(script, name, program)
            needletail_worker_end()
            if let (failure, text) = failure {
                ScriptWire.appendFailure(call: call, failure, text, to: &output)
            } else {
                ScriptWire.appendCompiled(call: call, to: &output)
            }
        case .invoke(let call, let script, let limit, let arguments):
            needletail_worker_begin(call)
            ScriptWire.appendResult(call: call, to: &output) { output in
                scripts.invoke(script, limit: limit, arguments, into: &output)
            }
            needletail_worker_end()
        case .release(let script):
            scripts.release(script)
            return true
        }
        callsUntilLook -= 1
        if callsUntilLook == 0 {
            callsUntilLook = Self.memoryInterval
            guard scripts.limitMemory() else {
                _ = flush()
                return false
            }
        }
        let isDue = output.count >= Self.flushSize || Self.now() - oldestAnswer >= Self.flushDelay
        return isDue ? flush() : true
    }

    /// Reads what has come; waits when there is nothing.
    private mutating func receive() -> Bool {
        if filled == input.count { input.append(contentsOf: repeatElement(0, count: input.count)) }
        while true {
            let room = filled
            let count = input.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + room, $0.count - room) }
            if count > 0 {
                filled += count
                return true
            }
            guard count < 0, errno == EINTR else { return false }
        }
    }

    private mutating func keep(from consumed: Int) {
        let rest = filled - consumed
        if consumed > 0, rest > 0 {
            input.withUnsafeMutableBytes { bytes in
                bytes.baseAddress!.copyMemory(from: bytes.baseAddress! + consumed, byteCount: rest)
            }
        }
        filled = rest
    }

    private mutating func flush() -> Bool {
        var sent = 0
        while sent < output.count {
            let count = output.withUnsafeBytes { write(descriptor, $0.baseAddress! + sent, $0.count - sent) }
            if count > 0 { sent += count } else if errno != EINTR { return false }
        }
        output.removeAll(keepingCapacity: output.capacity <= 4 * Self.flushSize)
        return true
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
