import Glibc

/// A blocking TCP client that sends exactly the bytes it is given.
final class RawClient {
    private let descriptor: Int32
    private var received: [UInt8] = []

    /// - Parameter receiveBuffer: Bytes of the socket's receive buffer, for readers that are slow on purpose.
    init(port: Int, receiveBuffer: Int32? = nil) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        precondition(result == 0, "connect: errno \(errno)")
    }

    deinit { close(descriptor) }

    /// Sends all of it; false when the server does not take it any more.
    @discardableResult
    func send(_ text: String) -> Bool {
        send([UInt8](text.utf8))
    }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    func shutdownOutput() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Reads more; false at the end of the connection, or after 10 s without anything.
    func receiveMore() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count <= 0 { return false }
        received.append(contentsOf: buffer[..<count])
        return true
    }

    /// Everything up to the end of the connection.
    func receiveToEnd() -> String {
        while receiveMore() {}
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    /// Bytes up to and with `mark`; nil when the connection ends before.
    func receive(upTo mark: String) -> String? {
        let mark = [UInt8](mark.utf8)
        var searched = 0
        while true {
            if received.count >= mark.count {
                for start in searched...(received.count - mark.count) where received[start...].starts(with: mark) {
                    return take(start + mark.count)
                }
                searched = received.count - mark.count + 1
            }
            if !receiveMore() { return nil }
        }
    }

    func receive(count: Int) -> String? {
        while received.count < count {
            if !receiveMore() { return nil }
        }
        return take(count)
    }

    /// One answer with a length; nil when the connection ends before.
    ///
    /// - Parameter isHead: Whether the answer has no body whatever its length says.
    func receiveAnswer(isHead: Bool = false) -> RawAnswer? {
        guard let head = receive(upTo: "\r\n\r\n") else { return nil }
        var answer = RawAnswer(head: head)
        guard let length = answer.field("content-length").flatMap({ Int($0) }), !isHead else { return answer }
        guard let body = receive(count: length) else { return nil }
        answer.body = body
        return answer
    }

    private func take(_ count: Int) -> String {
        defer { received.removeFirst(count) }
        return String(decoding: received[..<count], as: UTF8.self)
    }
}

struct RawAnswer {
    let head: String
    var body = ""

    var status: Int { Int(head.split(separator: " ")[1]) ?? 0 }

    func field(_ name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts[0].lowercased() == name.lowercased() {
                return String(parts[1].drop { $0 == " " })
            }
        }
        return nil
    }
}
