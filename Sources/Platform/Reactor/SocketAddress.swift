internal import CLinux
internal import Glibc

/// Where a socket listens or connects to.
public enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// Port 0 takes a free one when listening. A name is resolved when the address is used, which may block.
    case tcp(host: String, port: Int)
    case unix(path: String)

    public var description: String {
        switch self {
        case .tcp(let host, let port): "\(host):\(port)"
        case .unix(let path): path
        }
    }

    /// Lends the address in the form of system calls, with its family.
    func withSystemAddress<R>(
        passive: Bool, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) throws(ReactorError) -> R
    ) throws(ReactorError) -> R {
        switch self {
        case .tcp(let host, let port):
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            hints.ai_flags = passive ? AI_PASSIVE : 0
            var found: UnsafeMutablePointer<addrinfo>?
            let code = getaddrinfo(host, String(port), &hints, &found)
            guard code == 0, let first = found else {
                throw ReactorError(operation: "resolve \(self)", code: 0, detail: String(cString: gai_strerror(code)))
            }
            defer { freeaddrinfo(found) }
            guard let address = first.pointee.ai_addr else {
                throw ReactorError(operation: "resolve \(self)", code: 0, detail: "no address")
            }
            return try body(first.pointee.ai_family, address, first.pointee.ai_addrlen)
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8)
            guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
                throw ReactorError(operation: "socket \(path)", code: ENAMETOOLONG)
            }
            Swift.withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            let outcome = Swift.withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Result<R, ReactorError> in
                    do throws(ReactorError) {
                        return .success(try body(AF_UNIX, address, socklen_t(MemoryLayout<sockaddr_un>.size)))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return try outcome.get()
        }
    }
}

/// The text of a peer's address: `192.0.2.1:1883`, `[2001:db8::1]:1883`, or `unix`.
func describePeer(of descriptor: Int32) -> String {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let code = Swift.withUnsafeMutablePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
    }
    guard code == 0 else { return "unknown" }
    guard storage.ss_family != sa_family_t(AF_UNIX) else { return "unix" }
    var host = [CChar](repeating: 0, count: 64)
    var port = [CChar](repeating: 0, count: 8)
    let named = Swift.withUnsafePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            getnameinfo($0, length, &host, 64, &port, 8, NI_NUMERICHOST | NI_NUMERICSERV)
        }
    }
    guard named == 0 else { return "unknown" }
    func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    let name = text(host)
    return name.contains(":") ? "[\(name)]:\(text(port))" : "\(name):\(text(port))"
}
