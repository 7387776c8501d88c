import Glibc

/// What can fail when loops and sockets are set up.
public enum ReactorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A system call failed with an error number.
    case system(operation: String, errno: Int32)
    /// The address cannot be used: no host, a port outside 0...65535, a Unix path that is too long.
    case invalidAddress(String)
    /// The name has no address.
    case unresolvedName(host: String, reason: String)

    /// The error number; 0 when the failure has none.
    public var code: Int32 {
        if case .system(_, let code) = self { code } else { 0 }
    }

    public var description: String {
        switch self {
        case .system(let operation, let code): "\(operation): \(errorText(code))"
        case .invalidAddress(let address): "\(address) is not a usable address"
        case .unresolvedName(let host, let reason): "\(host) cannot be resolved: \(reason)"
        }
    }

    /// The error of the system call that just failed.
    static func last(_ operation: String) -> ReactorError {
        .system(operation: operation, errno: errno)
    }
}

/// The system's text for an error number.
func errorText(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { room in
        guard strerror_r(code, room.baseAddress!, room.count) == 0 else { return "error \(code)" }
        return String(cString: room.baseAddress!)
    }
}
