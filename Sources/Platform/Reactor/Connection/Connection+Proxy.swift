import CLinux
import Glibc

/// A connection through a proxy: it begins with a header that says who the client is.
extension Connection {
    /// Reads the header; `proceed` is called once the client is known, to go on as if it had connected itself.
    func awaitProxyHeader(_ proceed: @escaping () -> Void) {
        phase = .greeting
        greeted = proceed
        continueGreeting()
    }

    func continueGreeting() {
        var bytes = [UInt8](repeating: 0, count: ProxyHeader.maximumLength)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_PEEK))
        guard count > 0 else {
            if count == 0 { return abort(.peerClosed) }
            if errno != EAGAIN, errno != EINTR { abort(Self.reason(forError: errno)) }
            return
        }
        switch ProxyHeader.parse(Array(bytes[..<count])) {
        case .incomplete: return
        case .refused: abort(.protocolError)
        case .client(let address, let port, let length):
            // It lies in the kernel's buffer, as was just seen.
            guard recv(descriptor, &bytes, length, 0) == length else { return abort(.reset) }
            peer = needletail_peer()
            withUnsafeMutableBytes(of: &peer.words) { $0.copyBytes(from: address) }
            peer.length = UInt8(address.count)
            peer.port = port
            let proceed = greeted
            greeted = nil
            proceed?()
        }
    }
}

/// Addresses as text.
enum NumericAddress {
    /// 4 or 16 bytes; `nil` for what is no address.
    static func bytes(_ text: String) -> [UInt8]? {
        var address = needletail_address()
        guard needletail_parse_ip(text, 0, &address) == 1 else { return nil }
        var peer = needletail_peer()
        needletail_address_peer(&address, &peer)
        return withUnsafeBytes(of: peer.words) { [UInt8]($0.prefix(Int(peer.length))) }
    }
}
