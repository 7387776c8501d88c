import Bytes
import CLinux
import Glibc

/// The end of a connection.
extension Connection {
    /// Sends what is waiting and the end of the stream, then tells the handler, and then waits for the peer to close, all
    /// within ``lingerTimeout``. No input is presented any more. On a connection that is not up yet, the same as
    /// ``abort(_:)``; on one that is closing or closed, nothing.
    public func close(_ reason: CloseReason) {
        switch phase {
        case .greeting, .resolving, .connecting, .handshaking:
            abort(reason)
        case .open:
            guard !flags.contains(.outputBroken) else {
                abort(reason)
                return
            }
            phase = .closing
            closeReason = reason
            kept.releaseMemory()
            markDirty()
        case .closing, .lingering, .closed:
            break
        }
    }

    /// Closes at once; what is waiting is lost. The handler hears of it later in this tick, or in the next one. The id is
    /// stale when this returns.
    public func abort(_ reason: CloseReason) {
        guard phase != .closed else { return }
        if phase != .lingering { tellEnd(phase == .closing ? closeReason : reason) }
        phase = .closed
        deadline?.cancel()
        deadline = nil
        attempt = nil
        greeted = nil
        if let tls {
            tlsFailureText = tls.failure
            self.tls = nil
        }
        if descriptor >= 0 {
            _ = Glibc.close(descriptor)
            descriptor = -1
        }
        kept.releaseMemory()
        returnOutput()
        loop.slots.release(id)
        loop.counters.connections -= 1
        loop.counters.connectionsClosed += 1
    }

    private func tellEnd(_ reason: CloseReason) {
        guard let handler else { return }
        self.handler = nil
        loop.ended.append(EventLoop.EndedConnection(connection: self, handler: handler, reason: reason))
    }

    /// The loop ends: one attempt to send what is waiting.
    func endAtShutdown() {
        sendPending()
        if phase == .open || phase == .closing, output.isEmpty { tls?.sendCloseNotify() }
        abort(.shutdown)
    }

    /// Everything is sent: half-closes and waits for the peer's end. Closing at once while the peer still sends would make
    /// the kernel send a reset, which may overtake the last answer.
    func outputIsFinished() {
        tls?.sendCloseNotify()
        guard !flags.contains(.inputEnded) else {
            abort(closeReason)
            return
        }
        needletail_shutdown_output(descriptor)
        tellEnd(closeReason)
        phase = .lingering
        startLinger()
        discardInput()
    }

    /// Ends the connection if closing takes too long.
    func startLinger() {
        guard deadline == nil else { return }
        deadline = loop.schedule(after: lingerTimeout) { self.abort(.timeout) }
    }

    func handleWhileClosing(_ events: UInt32) {
        let input = events & (NEEDLETAIL_EPOLLIN | NEEDLETAIL_EPOLLRDHUP | NEEDLETAIL_EPOLLHUP) != 0
        if phase == .lingering {
            discardInput()
        } else if events & NEEDLETAIL_EPOLLERR != 0 {
            abort(.reset)
        } else if events & NEEDLETAIL_EPOLLOUT != 0 || (input && flags.contains(.writeWantsInput)) {
            flags.remove(.writeWantsInput)
            outputIsReady()
        }
    }

    /// Reads and forgets until the peer closes; a peer that goes on sending is cut off.
    private func discardInput() {
        var budget = 4 * InputLimits.budgetBytes
        while budget > 0 {
            let count = recv(descriptor, loop.receiveBuffer, InputLimits.readBytes, 0)
            if count < 0, errno == EAGAIN { return }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            budget -= count
        }
        abort(.peerClosed)
    }
}
