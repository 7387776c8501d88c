/// Why a connection ended.
public enum CloseReason: Hashable, Sendable, CustomStringConvertible {
    /// The peer closed its side in order.
    case peerClosed
    /// The peer, or the network, broke the connection.
    case reset
    /// A deadline passed: of the owner of the connection, of connecting, of a handshake, or of the network.
    case timeout
    /// The peer took its output too slowly: more than the output limit was waiting.
    case slowConsumer
    /// The peer broke the protocol.
    case protocolError
    /// The loop, or the service, is stopping.
    case shutdown
    /// The owner of the connection wanted it closed.
    case requested
    /// The TLS handshake or the TLS stream failed; ``Connection/tlsFailure`` says how.
    case tlsFailure
    /// The connection was never made; the error number of connect(2), or of name resolution as `EHOSTUNREACH`.
    case connectFailed(Int32)

    public var description: String {
        switch self {
        case .peerClosed: "peer closed"
        case .reset: "reset"
        case .timeout: "timeout"
        case .slowConsumer: "slow consumer"
        case .protocolError: "protocol error"
        case .shutdown: "shutdown"
        case .requested: "requested"
        case .tlsFailure: "TLS failure"
        case .connectFailed(let code): "connect failed: \(errorText(code))"
        }
    }
}
