/// What a connection does with its bytes. All calls come on the connection's loop, and none from inside a call to the
/// connection: closing in a handler is heard of later in the tick.
public protocol ConnectionHandler: AnyObject {
    /// The connection that was opened by ``Connection/connect(to:on:tls:handler:timeout:)`` is up, TLS included. Default:
    /// nothing.
    func connectionDidConnect(_ c: Connection)

    /// Takes what has arrived.
    ///
    /// Returns how many bytes were consumed; the rest is kept and presented again in front of what arrives next. Whoever
    /// needs more bytes than offered returns what it consumed so far. 64 bytes behind the span may be read (their values
    /// mean nothing). Not called while reading is paused, nor after a close.
    func connection(_ c: Connection, received bytes: Span<UInt8>) -> Int

    /// Output fell to the low-water mark after it was above the high-water mark. Default: nothing.
    func connectionDidDrain(_ c: Connection)

    /// The connection has ended. Called exactly once, and last; the connection object is dead.
    func connectionDidClose(_ c: Connection, reason: CloseReason)

    /// The peer will send no more, but may still read. Default: closes with ``CloseReason/peerClosed``.
    func connectionInputEnded(_ c: Connection)
}

extension ConnectionHandler {
    public func connectionDidConnect(_ c: Connection) {}
    public func connectionDidDrain(_ c: Connection) {}
    public func connectionInputEnded(_ c: Connection) { c.close(.peerClosed) }
}
