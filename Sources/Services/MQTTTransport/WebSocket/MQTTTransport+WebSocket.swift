import HTTPServer
public import Reactor
import Synchronization
import WebSocket

/// The listeners of MQTT over WebSocket: HTTP servers that hand their connections over.
extension MQTTTransport {
    /// The sub-protocol, in all versions of MQTT (MQTT 5.0 6, [MQTT-6.0.0-3]).
    static let subprotocol = "mqtt"

    /// Opens the listener of the loop it is called on; returns the port. With TLS, certificates have been loaded.
    public func listenWebSocket(isSecure: Bool) throws(ReactorError) -> Int {
        let server = webSocketServers.withLock { servers in
            if let server = servers[isSecure] { return server }
            let made = makeWebSocketServer(isSecure: isSecure)
            servers[isSecure] = made
            return made
        }
        let loop = current.loop
        try server.open(on: [loop])
        if isSecure { certificates.withLock { $0 }?.watch(on: loop) }
        return server.port
    }

    private func makeWebSocketServer(isSecure: Bool) -> HTTPServer {
        guard let listener = isSecure ? configuration.webSocket.secure : configuration.webSocket.plain else {
            preconditionFailure("a listener of WebSockets without settings")
        }
        let path = configuration.webSocket.path
        var http = HTTPServerConfiguration(address: .tcp(host: listener.bindAddress, port: listener.port))
        http.name = isSecure ? "mqtt-wss" : "mqtt-ws"
        http.bodyLimits = BodyLimits([], otherwise: 0)
        http.headTimeout = configuration.connectTimeout
        http.expectsProxyHeader = configuration.expectsProxyHeader
        if isSecure {
            guard let certificates = certificates.withLock({ $0 }) else {
                preconditionFailure("WebSockets over TLS without certificates")
            }
            http.tls = certificates.context
        }
        http.admits = { [weak self] connection in self?.current.admits(connection) ?? false }
        http.upgrade = { [weak self] request, connection in
            guard let self, request.path == path,
                let handshake = try? WebSocketHandshake(request, subprotocols: [Self.subprotocol])
            else { return nil }
            return current.accept(connection, handshake)
        }
        return HTTPServer(
            configuration: http, responder: WebSocketRefusals(path: path), logger: logger, metrics: registry)
    }

    /// Closes the listeners, and connections that have not become WebSockets.
    func stopWebSockets() async {
        for server in webSocketServers.withLock({ Array($0.values) }) { await server.stop(within: .seconds(1)) }
    }
}

/// Answers requests that open no WebSocket.
private struct WebSocketRefusals: HTTPResponder {
    let path: String

    func respond(to request: HTTPRequest, with reply: HTTPReply) {
        guard request.path == path else { return reply.respond(.text("MQTT is served at \(path)", status: 404)) }
        do throws(WebSocketHandshake.Refusal) {
            _ = try WebSocketHandshake(request, subprotocols: [MQTTTransport.subprotocol])
            reply.respond(.text("There are too many connections", status: 503))
        } catch {
            reply.respond(error.response)
        }
    }
}

extension MQTTTransportLoop {
    /// Opens a WebSocket; `nil` when there are too many connections.
    func accept(_ connection: Connection, _ handshake: WebSocketHandshake) -> (any ConnectionHandler)? {
        guard admits(connection) else { return nil }
        connection.outputLimit = configuration.maximumOutput
        connection.write { handshake.encode(into: &$0) }
        return handler(of: connection, webSocket: MQTTWebSocket())
    }
}
