/// Why a request of a device cannot be served.
public enum DevicePayloadError: Error, Equatable, Sendable {
    /// The payload has the wrong form: the sender is told, the connection goes on where the protocol can tell.
    case invalid
    /// The request breaks a rule that existing platforms answer by closing the connection (`device-api.md` 2.9, last row).
    case unacceptable
}
