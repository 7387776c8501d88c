public import Bytes
import CLinux
import Glibc

/// Writing: into a buffer, which is sent once at the end of the tick.
extension Connection {
    /// Appends to the output. It is sent once at the end of the tick, and on when the socket takes more. On a connection
    /// that is closed or closing nothing happens. `body` must not write to the same connection.
    public func write(_ body: (inout ByteBuffer) -> Void) {
        guard isOpen else { return }
        if output.allocatedByteCount == 0 { output = loop.pool.take() }
        body(&output)
        didWrite()
    }

    public func write(_ bytes: Span<UInt8>) {
        write { $0.append(bytes) }
    }

    public func write(_ bytes: [UInt8]) {
        write { $0.append(bytes) }
    }

    /// Bytes that the socket has not taken.
    public var pendingOutputBytes: Int { output.count }

    /// Whether more than the high-water mark has been waiting; `false` again when ``ConnectionHandler/connectionDidDrain(_:)``
    /// is called.
    public var isAboveHighWater: Bool { flags.contains(.aboveHighWater) }

    @inline(__always)
    private func didWrite() {
        let count = output.count
        if count > limits.highWaterMark { outputIsHigh(count) }
        markDirty()
    }

    private func outputIsHigh(_ count: Int) {
        flags.insert(.aboveHighWater)
        guard count > limits.outputLimit else { return }
        // Perhaps it is only much at once.
        sendPending()
        guard isOpen, output.count > limits.outputLimit else { return }
        loop.counters.slowConsumers += 1
        // What is in the kernel's buffer would not be taken either.
        if descriptor >= 0 { needletail_reset_on_close(descriptor) }
        abort(.slowConsumer)
    }

    @inline(__always)
    func markDirty() {
        guard !flags.contains(.dirty), phase != .closed else { return }
        flags.insert(.dirty)
        loop.dirty.append(self)
    }

    /// The end of a tick in which something was written, or the connection was closed.
    @inline(__always)
    func flush() {
        flags.remove(.dirty)
        guard phase == .open || phase == .closing else { return }
        sendPending()
        settleOutput()
    }

    func outputIsReady() {
        flags.remove(.outputBlocked)
        if flags.contains(.readWantsOutput) {
            flags.remove(.readWantsOutput)
            if flags.contains(.paused) { flags.insert(.inputReady) } else { readAvailable() }
        }
        guard phase == .open || phase == .closing else { return }
        sendPending()
        settleOutput()
    }

    /// Tells of drained output and ends a connection that was only waiting for it.
    @inline(__always)
    private func settleOutput() {
        if phase == .closing {
            if output.isEmpty { outputIsFinished() }
        } else if phase == .open, flags.contains(.aboveHighWater), output.count <= limits.lowWaterMark {
            flags.remove(.aboveHighWater)
            handler?.connectionDidDrain(self)
        }
    }

    /// Sends until nothing is left or the socket takes no more.
    @inline(__always)
    func sendPending() {
        guard !flags.contains(.outputBlocked), phase == .open || phase == .closing else { return }
        if let tls {
            sendPending(by: tls)
        } else {
            while !output.isEmpty {
                let sent = output.withUnsafeBytes { needletail_send(descriptor, $0.baseAddress, $0.count) }
                if sent >= 0 {
                    output.removeFirst(sent)
                    loop.counters.bytesSent += sent
                } else if errno == EAGAIN {
                    flags.insert(.outputBlocked)
                    break
                } else if errno != EINTR {
                    outputFailed(Self.reason(forError: errno))
                    return
                }
            }
        }
        if output.isEmpty { returnOutput() }
    }

    /// A broken socket may still hold what the peer sent before it broke: that is read first, in a moment.
    func outputFailed(_ reason: CloseReason) {
        guard phase == .open, !flags.contains(.paused) else {
            abort(reason)
            return
        }
        closeReason = reason
        flags.insert([.outputBroken, .outputBlocked, .endSeen, .inputReady])
        scheduleReading()
    }

    func returnOutput() {
        guard output.allocatedByteCount > 0 else { return }
        var taken = ByteBuffer()
        swap(&taken, &output)
        loop.pool.give(taken)
    }
}
