internal import Glibc

/// A system call that failed for a reason outside the program.
public struct ReactorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried, for example `bind 0.0.0.0:1883`.
    public var operation: String
    /// The value of `errno`; 0 when the failure has none.
    public var code: Int32
    /// What TLS or name resolution says beyond the code.
    public var detail: String

    public init(operation: String, code: Int32, detail: String = "") {
        self.operation = operation
        self.code = code
        self.detail = detail
    }

    public var description: String {
        let reason = code == 0 ? detail : String(cString: strerror(code))
        return "\(operation): \(reason)"
    }
}

/// Why a connection ended.
public enum CloseReason: Hashable, Sendable {
    /// The peer closed in order.
    case peerClosed
    /// The peer vanished or reset the connection.
    case reset
    case timeout
    /// The peer does not take what is sent to it.
    case slowConsumer
    case protocolError
    /// The loop stops.
    case shutdown
    /// The owner wanted it.
    case requested
    case tlsFailure
    /// With the value of `errno`.
    case connectFailed(Int32)
}
