public import Reactor

/// Makes the answer to a request that is refused before its responder sees it.
///
/// - Parameters:
///   - status: 400 ... 599.
///   - message: For people who write clients; it names no value that the client sent.
///   - request: Without a body; nil when there is no request that could be understood.
public typealias HTTPErrorRenderer =
    @Sendable (_ status: Int, _ message: String, _ request: HTTPRequest?) -> HTTPResponse

/// Takes a connection over whose client asked for another protocol.
///
/// Called on the connection's loop when no earlier request waits for its answer. The handler that it returns gets the
/// connection and the bytes behind the request; nil means that the request is answered like any other.
public typealias HTTPUpgrade = @Sendable (HTTPRequest, Connection) -> (any ConnectionHandler)?

/// Settings of one server.
public struct HTTPServerConfiguration: Sendable {
    /// The label `server` of the metrics.
    public var name = "http"
    /// Where to listen. Port 0 lets the system choose.
    public var address: SocketAddress
    /// nil for plain text.
    public var tls: TLSContext?

    /// Request line and fields together, in bytes, 256 ... 65 536; more is answered 431. Default: 16 KiB.
    public var maximumHeadBytes = 16_384
    /// More fields are answered 431. Default: 100.
    public var maximumFields = 100
    /// Bytes of the request target; more are answered 414. Default: 8 KiB.
    public var maximumTargetBytes = 8192
    /// Larger bodies are answered 413: before they are read where their length is declared.
    public var bodyLimits = BodyLimits.administration
    /// Bytes of bodies that one loop holds for requests without an answer; beyond, requests are answered 503.
    /// Default: 256 MiB.
    public var maximumHeldBodyBytes = 268_435_456
    /// Requests of one connection without an answer; then its input is not read. Default: 16.
    public var maximumPipelinedRequests = 16
    /// Bytes of answers that a client has not taken; then its input is not read. Default: 256 KiB.
    public var maximumPendingOutputBytes = 262_144
    /// Open connections of the whole server; further ones are closed at once. Default: 20 000.
    public var maximumConnections = 20_000

    /// From the first byte of a head (or the accept) to its end. Default: 10 s, then 408.
    public var headTimeout: Duration = .seconds(10)
    /// Without a request. Default: 60 s, then the connection is closed.
    public var idleTimeout: Duration = .seconds(60)
    /// In each such period at least ``minimumBodyBytesPerPeriod`` of a body must arrive, or all of it. Default: 10 s,
    /// then 408.
    public var bodyPeriod: Duration = .seconds(10)
    /// Default: 2400, that is 240 bytes a second.
    public var minimumBodyBytesPerPeriod = 2400
    /// From a request to its answer; then 503. nil, the default, leaves it to the responder.
    public var answerTimeout: Duration?
    /// Time in which a client takes not one byte of its answer. Default: 60 s, then the connection is aborted.
    public var writeTimeout: Duration = .seconds(60)
    /// How long input is still taken and dropped behind a refused request, so that the client can read the answer.
    /// Default: 1 s.
    public var lingerTime: Duration = .seconds(1)

    public var errorRenderer: HTTPErrorRenderer = { status, message, _ in .text(message, status: status) }
    /// nil, the default: requests to upgrade are answered like any other.
    public var upgrade: HTTPUpgrade?
    /// Asked for every connection when it is accepted, on its loop; `false` closes it without a word. nil, the default: all
    /// are let in.
    public var admits: (@Sendable (Connection) -> Bool)?
    /// Whether every connection begins with the header of a proxy (PROXY protocol, version 1 or 2). Default: no.
    public var expectsProxyHeader = false

    public init(address: SocketAddress) {
        self.address = address
    }

    /// The shortest of the times that the sweep watches over.
    var shortestTimeout: Duration {
        [headTimeout, idleTimeout, bodyPeriod, writeTimeout, lingerTime, answerTimeout ?? idleTimeout].min()!
    }
}
