import Bytes
import CLinux
import Glibc

/// Reading: one read into the loop's buffer, presented at once; only what is not consumed is kept.
extension Connection {
    /// Presents no more input until ``resumeReading()``; the kernel's buffer fills, and then the peer has to wait.
    public func pauseReading() {
        flags.insert(.paused)
    }

    /// Presents the kept input again, later in this tick or in the next, and then reads on.
    public func resumeReading() {
        guard flags.contains(.paused) else { return }
        flags.remove(.paused)
        flags.insert(.represent)
        scheduleReading()
    }

    public var isReadingPaused: Bool { flags.contains(.paused) }

    /// Bytes of input that the handler has not consumed.
    public var keptInputBytes: Int { kept.count }

    func scheduleReading() {
        guard !flags.contains(.resumeScheduled), phase == .open else { return }
        flags.insert(.resumeScheduled)
        loop.resumed.append(self)
    }

    /// Reads on without an event: after a pause, or because the budget of the last turn was used up.
    func continueReading() {
        flags.remove(.resumeScheduled)
        guard phase == .open else { return }
        readOn()
        if flags.contains(.outputBroken), !flags.contains(.resumeScheduled) { abort(closeReason) }
    }

    private func readOn() {
        guard !flags.contains(.paused) else { return }
        if flags.contains(.represent) {
            flags.remove(.represent)
            if !kept.isEmpty { presentKept() }
        }
        guard phase == .open, !flags.contains(.paused), flags.contains(.inputReady) else { return }
        readAvailable()
    }

    @inline(__always)
    func inputIsReady(failed: Bool) {
        if flags.contains(.writeWantsInput) {
            flags.remove([.writeWantsInput, .outputBlocked])
            markDirty()
        }
        if flags.contains(.paused) {
            flags.insert(.inputReady)
            // Input before the failure is lost with it, but an owner that waits for something else hears of it.
            if failed { abort(Self.reason(forError: needletail_take_error(descriptor))) }
            return
        }
        if flags.contains(.resumeScheduled) {
            // Kept input comes first, in its turn.
            flags.insert(.inputReady)
            return
        }
        readAvailable()
    }

    /// What one attempt to read gave.
    enum ReadResult {
        case bytes(Int)
        case wouldBlock
        case end
        case failed(CloseReason)
    }

    /// Reads and presents until the socket is empty, the owner wants no more, or the budget is used up.
    func readAvailable() {
        flags.remove(.inputReady)
        var budget = InputLimits.budgetBytes
        while true {
            let keptCount = kept.count
            let joins = keptCount <= InputLimits.joinedBytes
            let result = joins ? readIntoLoopBuffer(behind: keptCount) : readIntoKept()
            switch result {
            case .bytes(let count):
                loop.counters.bytesReceived += count
                if joins { presentLoopBuffer(new: count) } else { presentKept() }
                guard phase == .open else { return }
                // TLS hides how much is left; a short read of a plain socket has emptied it.
                let mayHaveMore = tls != nil || count == InputLimits.readBytes || flags.contains(.endSeen)
                if flags.contains(.paused) {
                    if mayHaveMore { flags.insert(.inputReady) }
                    return
                }
                guard mayHaveMore else { return }
                budget -= count
                if budget <= 0 {
                    flags.insert(.inputReady)
                    scheduleReading()
                    return
                }
            case .wouldBlock:
                return
            case .end:
                flags.insert(.inputEnded)
                handler?.connectionInputEnded(self)
                return
            case .failed(let reason):
                abort(reason)
                return
            }
        }
    }

    @inline(__always)
    private func readIntoLoopBuffer(behind keptCount: Int) -> ReadResult {
        let base = loop.receiveBuffer
        let result = receive(into: base + keptCount, InputLimits.readBytes)
        if keptCount > 0, case .bytes = result {
            kept.withUnsafeBytes { base.copyMemory(from: $0.baseAddress!, byteCount: keptCount) }
        }
        return result
    }

    private func readIntoKept() -> ReadResult {
        var result = ReadResult.wouldBlock
        var taken = ByteBuffer()
        swap(&taken, &kept)
        taken.append(upTo: InputLimits.readBytes + InputLimits.spareBytes) { room in
            result = receive(into: room.baseAddress!, InputLimits.readBytes)
            if case .bytes(let count) = result { return count }
            return 0
        }
        swap(&taken, &kept)
        return result
    }

    @inline(__always)
    private func receive(into room: UnsafeMutableRawPointer, _ capacity: Int) -> ReadResult {
        if let tls { return receive(into: room, capacity, by: tls) }
        while true {
            let count = recv(descriptor, room, capacity, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .end }
            if errno == EAGAIN { return .wouldBlock }
            if errno != EINTR { return .failed(Self.reason(forError: errno)) }
        }
    }

    /// Presents the kept bytes and `new` bytes behind them, all in the loop's buffer.
    @inline(__always)
    private func presentLoopBuffer(new: Int) {
        let keptCount = kept.count
        let total = keptCount + new
        let base = UnsafeRawPointer(loop.receiveBuffer)
        let consumed = present(base, total)
        guard phase == .open else { return }
        if consumed == total {
            if kept.allocatedByteCount > 0 { kept.releaseMemory() }
            return
        }
        if consumed < keptCount {
            kept.removeFirst(consumed)
            kept.append(UnsafeRawBufferPointer(start: base + keptCount, count: new))
        } else {
            kept.removeAll()
            kept.append(UnsafeRawBufferPointer(start: base + consumed, count: total - consumed))
        }
        checkKept()
    }

    private func presentKept() {
        var taken = ByteBuffer()
        swap(&taken, &kept)
        // Parsers may look at the bytes behind the last one.
        taken.reserve(InputLimits.spareBytes)
        let consumed = taken.withUnsafeBytes { present($0.baseAddress!, $0.count) }
        guard phase == .open else { return }
        taken.removeFirst(consumed)
        if taken.isEmpty { taken.releaseMemory() }
        swap(&taken, &kept)
        checkKept()
    }

    private func checkKept() {
        if kept.count > limits.inputLimit { abort(.protocolError) }
    }

    /// Hands bytes to the handler, and to the next one if it is replaced on the way; returns how many were consumed.
    @inline(__always)
    private func present(_ base: UnsafeRawPointer, _ count: Int) -> Int {
        var offset = 0
        repeat {
            guard let handler else { return count }
            let bytes = UnsafeBufferPointer(
                start: (base + offset).assumingMemoryBound(to: UInt8.self), count: count - offset)
            let consumed = handler.connection(self, received: bytes.span)
            precondition(consumed >= 0 && consumed <= bytes.count, "\(consumed) of \(bytes.count) bytes consumed")
            offset += consumed
            if offset == count || phase != .open || self.handler === handler { return offset }
        } while !flags.contains(.paused)
        return offset
    }

    static func reason(forError code: Int32) -> CloseReason {
        code == ETIMEDOUT ? .timeout : .reset
    }
}
