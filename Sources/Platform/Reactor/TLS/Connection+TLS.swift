import Bytes
import CLinux
import Glibc

/// A connection whose bytes go through OpenSSL, directly on the socket.
extension Connection {
    func startHandshake(_ session: TLSSession?) {
        guard let session else {
            loop.counters.tlsFailures += 1
            abort(.tlsFailure)
            return
        }
        tls = session
        phase = .handshaking
        continueHandshake()
    }

    func continueHandshake() {
        guard let tls else { return }
        switch tls.handshake() {
        case .done: becomeOpen()
        // Edge-triggered for both directions: whatever it waits for comes as an event.
        case .wantsInput, .wantsOutput: break
        case .ended: abort(.peerClosed)
        case .socketFailed(let code): abort(code == 0 ? .peerClosed : Self.reason(forError: code))
        case .failed: failHandshake()
        }
    }

    private func failHandshake() {
        loop.counters.tlsFailures += 1
        abort(.tlsFailure)
    }

    /// Gathers records until the socket is empty or the room is full, so that the handler is called once for many.
    func receive(into room: UnsafeMutableRawPointer, _ capacity: Int, by tls: TLSSession) -> ReadResult {
        var total = 0
        while total < capacity {
            switch tls.read(into: room + total, capacity - total) {
            case .done(let count):
                total += count
                continue
            case .wantsInput:
                return total > 0 ? .bytes(total) : .wouldBlock
            case .wantsOutput:
                flags.insert(.readWantsOutput)
                return total > 0 ? .bytes(total) : .wouldBlock
            case .ended:
                return total > 0 ? endsLater(total) : .end
            case .socketFailed(let code):
                if code == 0 { return total > 0 ? endsLater(total) : .end }
                return total > 0 ? endsLater(total) : .failed(Self.reason(forError: code))
            case .failed:
                return total > 0 ? endsLater(total) : .failed(.tlsFailure)
            }
        }
        return .bytes(total)
    }

    /// What was gathered comes first; the next read finds the same end again.
    private func endsLater(_ total: Int) -> ReadResult {
        flags.insert(.endSeen)
        return .bytes(total)
    }

    func sendPending(by tls: TLSSession) {
        while !output.isEmpty {
            switch output.withUnsafeBytes({ tls.write($0) }) {
            case .done(let count):
                output.removeFirst(count)
                loop.counters.bytesSent += count
                continue
            case .wantsOutput:
                flags.insert(.outputBlocked)
            case .wantsInput:
                flags.insert([.outputBlocked, .writeWantsInput])
            case .ended:
                outputFailed(.peerClosed)
            case .socketFailed(let code):
                outputFailed(Self.reason(forError: code))
            case .failed:
                outputFailed(.tlsFailure)
            }
            return
        }
        returnOutput()
    }
}
