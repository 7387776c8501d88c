import Glibc
import Reactor
import Synchronization
import TestSupport

/// A listener on a free port whose connections follow one script; the handlers are kept in the order of accepting.
final class ScriptedServer: Sendable {
    private let accepted = Mutex<[ScriptedHandler]>([])
    private let opened = Mutex<Listener?>(nil)

    var handlers: [ScriptedHandler] { accepted.withLock { $0 } }
    var listener: Listener { opened.withLock { $0! } }
    var port: Int { listener.localPort }

    init(
        on loop: EventLoop, address: SocketAddress = .tcp(host: "127.0.0.1", port: 0),
        options: ListenerOptions = ListenerOptions(), tls: TLSContext? = nil, endsWithPeer: Bool = true,
        prepare: @escaping (Connection) -> Void = { _ in }, _ script: @escaping ScriptedHandler.Script
    ) throws {
        let listener = try Listener.open(address, on: loop, options: options, tls: tls) { [unowned self] connection in
            let handler = ScriptedHandler(on: loop, endsWithPeer: endsWithPeer, script)
            handler.attach(connection)
            prepare(connection)
            accepted.withLock { $0.append(handler) }
            return handler
        }
        opened.withLock { $0 = listener }
    }

    /// The handler of the only connection.
    func onlyHandler() async throws -> ScriptedHandler {
        try await eventually("a connection") { handlers.first }
    }

    /// Connects from `loop`.
    func connect(
        from loop: EventLoop, tls: TLSClient? = nil, endsWithPeer: Bool = true,
        _ script: @escaping ScriptedHandler.Script = ScriptedHandler.collect
    ) async throws -> ScriptedHandler {
        let client = ScriptedHandler(on: loop, endsWithPeer: endsWithPeer, script)
        try await open(.tcp(host: "127.0.0.1", port: port), client, tls: tls)
        return client
    }
}

/// Opens the connection of `client`; the handler hears whether that works.
func open(_ address: SocketAddress, _ client: ScriptedHandler, tls: TLSClient? = nil) async throws {
    let failure: ReactorError? = await client.loop.perform {
        do throws(ReactorError) {
            client.attach(try Connection.connect(to: address, on: client.loop, tls: tls, handler: client))
            return nil
        } catch {
            return error
        }
    }
    if let failure { throw failure }
}

/// A plain blocking socket, for what a well-behaved client does not do.
struct RawSocket {
    let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw ReactorError.system(operation: "connect", errno: errno) }
    }

    func send(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func close() {
        _ = Glibc.close(descriptor)
    }

    /// Closes so that the peer gets a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}
