public import HTTPServer
public import Logging
public import Messages
public import Metrics
import Reactor
public import TransportCore

/// The HTTP device API (`device-api.md` 4) for the connections of a set of event loops: answers what stands below
/// `/api/v1/`. Put it behind an ``HTTPServer``, alone or by an ``HTTPPrefixResponder``.
///
/// Each request is a short session of its own; the queue tells when an uplink is durable, and then it is answered.
public final class HTTPTransport: HTTPResponder {
    /// Where the device API begins.
    public static let prefix = "/api/v1/"

    private let members = LoopMembers()
    private let logger: Logger
    private let metrics: HTTPTransportMetrics
    private let configuration: HTTPTransportConfiguration

    public init(
        configuration: HTTPTransportConfiguration = HTTPTransportConfiguration(), logger: Logger,
        metrics: MetricsRegistry
    ) {
        self.configuration = configuration
        self.logger = logger
        self.metrics = HTTPTransportMetrics(metrics)
    }

    /// Adds the transport of one loop and returns where its notifications go. Called on the loop, before it takes requests.
    @discardableResult
    public func attach(_ transport: TransportLoop) -> (TransportNotification) -> Void {
        let member = HTTPTransportLoop(transport, configuration: configuration, logger: logger, metrics: metrics)
        members.set(member, at: transport.loop.index)
        return { member.receive($0) }
    }

    public func respond(to request: HTTPRequest, with reply: HTTPReply) {
        guard let loop = EventLoop.current, let member = members[loop.index] else {
            preconditionFailure("a request on a loop without transport")
        }
        member.respond(to: request, with: reply)
    }
}

/// The members of the loops by index: each is set and read on its own loop only, so that no lock is shared.
private final class LoopMembers: @unchecked Sendable {
    // @unchecked: see above. A session id leaves room for as many loops.
    private static let capacity = 64
    private let members: UnsafeMutablePointer<HTTPTransportLoop?>

    init() {
        members = .allocate(capacity: Self.capacity)
        members.initialize(repeating: nil, count: Self.capacity)
    }

    deinit {
        members.deinitialize(count: Self.capacity)
        members.deallocate()
    }

    subscript(index: Int) -> HTTPTransportLoop? {
        index < Self.capacity ? members[index] : nil
    }

    func set(_ member: HTTPTransportLoop, at index: Int) {
        precondition((0..<Self.capacity).contains(index), "loop \(index) of at most \(Self.capacity)")
        members[index] = member
    }
}
