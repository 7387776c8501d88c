import CLinux
import Glibc

/// Where to listen or to connect to.
public enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// `host` is a name or a numeric IPv4 or IPv6 address (without brackets); port 0 lets the system choose.
    case tcp(host: String, port: Int)
    case unix(path: String)

    public var description: String {
        switch self {
        case .tcp(let host, let port): host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// The address in the system's form; `nil` when `host` is a name that must be resolved.
    func resolvedWithoutBlocking() throws(ReactorError) -> needletail_address? {
        var address = needletail_address()
        switch self {
        case .unix(let path):
            guard needletail_unix_address(path, &address) == 1 else { throw .invalidAddress(description) }
            return address
        case .tcp(let host, let port):
            guard let port = UInt16(exactly: port), !host.isEmpty else { throw .invalidAddress(description) }
            let numeric = host == "localhost" ? "127.0.0.1" : host
            return needletail_parse_ip(numeric, port, &address) == 1 ? address : nil
        }
    }

    /// All addresses behind this one, at most eight. Blocks when `host` is a name.
    func resolved(passive: Bool) throws(ReactorError) -> [needletail_address] {
        if let address = try resolvedWithoutBlocking() { return [address] }
        guard case .tcp(let host, let port) = self else { throw .invalidAddress(description) }
        var code: Int32 = 0
        let found = [needletail_address](unsafeUninitializedCapacity: 8) { room, count in
            code = needletail_resolve(host, UInt16(port), passive ? 1 : 0, room.baseAddress, Int32(room.count))
            count = max(0, Int(code))
        }
        guard code > 0 else { throw .unresolvedName(host: host, reason: String(cString: gai_strerror(code))) }
        return found
    }
}
