/// Why a body could not be written further.
public enum HTTPStreamError: Error {
    /// The client has gone, or the server closed the connection.
    case disconnected
    /// More bytes than the response announced.
    case lengthExceeded
}

/// Writes the body of a streaming response.
public final class HTTPBodyWriter: Sendable {
    private let target: any StreamTarget

    init(target: any StreamTarget) {
        self.target = target
    }

    /// Sends `bytes`; comes back when the connection can take more, so that a slow reader slows the producer and does
    /// not fill memory.
    public func write(_ bytes: [UInt8]) async throws(HTTPStreamError) {
        try await target.write(bytes)
    }
}

/// What stands behind a body writer.
protocol StreamTarget: AnyObject, Sendable {
    func write(_ bytes: [UInt8]) async throws(HTTPStreamError)
}
