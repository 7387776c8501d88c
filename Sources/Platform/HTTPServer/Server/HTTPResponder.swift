/// Whatever answers requests.
public protocol HTTPResponder: Sendable {
    /// Called on the connection's loop, in the order of the requests of one connection. Must lead to one answer through
    /// `reply`, now or later; the connection waits without a thread.
    func respond(to request: HTTPRequest, with reply: HTTPReply)
}
