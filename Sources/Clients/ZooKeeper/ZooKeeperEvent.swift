/// What ZooKeeper tells a session unasked, in order, on the library's completion thread.
public enum ZooKeeperEvent: Sendable, Equatable {
    /// Connected, for the first time or again. The timeout is what the server granted: it ends the session when it has
    /// not heard of it for that long.
    case connected(session: Int64, timeout: Duration)
    /// No server is connected; the library tries all of them, again and again. The session may live on.
    case disconnected
    /// The session is over. Its owner closes it and opens a new one.
    case expired
    /// The server refused the credentials. The session is over.
    case authenticationFailed
    /// A watch that was set has fired, once: the node at `path` or its list of children is not what was read.
    case changed(path: String, ZooKeeperChange)
}

public enum ZooKeeperChange: Sendable, Equatable {
    case created, deleted, data, children
}

/// How a node is made.
public enum ZooKeeperNodeMode: Sendable {
    case persistent
    /// Gone with the session that made it.
    case ephemeral
    /// The server appends a ten-digit number that grows with every sibling.
    case ephemeralSequential
}

/// What the server knows of a node beside its data.
public struct ZooKeeperNodeStatus: Sendable, Equatable {
    /// Counts the changes of the data.
    public var version: Int32
    /// The transaction that made the node; grows over the whole installation.
    public var creation: Int64
    /// The session that owns an ephemeral node; 0 for others.
    public var ephemeralOwner: Int64
    public var childCount: Int
}
