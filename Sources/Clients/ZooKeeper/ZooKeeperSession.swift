import CZooKeeper
import Glibc
import Synchronization

/// One session with a ZooKeeper ensemble. The library reconnects by itself for as long as the session lives; when it has
/// expired, its owner closes it and opens another. Safe from any thread.
///
/// Requests of one session are carried out in the order in which they were made.
public final class ZooKeeperSession: Sendable {
    /// The servers as they were given: `host:port,host:port`.
    public let servers: String
    let state: Mutex<State>

    struct State {
        /// `nil` once closed.
        nonisolated(unsafe) var handle: OpaquePointer?  // The library's handle is safe from any thread.
        /// Keeps what the library's callbacks point at; given back after the library has ended its threads.
        var observer: Observer?
    }

    /// What the watcher callback finds the session's owner by.
    final class Observer: Sendable {
        let handler: @Sendable (ZooKeeperEvent) -> Void

        init(_ handler: @escaping @Sendable (ZooKeeperEvent) -> Void) {
            self.handler = handler
        }
    }

    /// Names a session, so that another connection can take it over.
    public struct Identity: Sendable {
        public let session: Int64
        let password: [CChar]
    }

    /// Starts to connect and returns; `handler` hears of the connection. Blocks while host names are resolved.
    ///
    /// - Parameters:
    ///   - servers: `host:port`, separated by commas.
    ///   - timeout: What is asked for; the server grants 2 to 20 of its ticks.
    ///   - resuming: A session to take over instead of starting one.
    ///   - handler: Called on the library's completion thread, event by event; must not block and must not close the
    ///     session.
    /// - Throws: `badArguments` when the list is malformed or no host has an address.
    public init(
        servers: String, timeout: Duration, resuming identity: Identity? = nil,
        handler: @escaping @Sendable (ZooKeeperEvent) -> Void
    ) throws(ZooKeeperError) {
        _ = ZooKeeperLibrary.configured
        self.servers = servers
        let observer = Observer(handler)
        let milliseconds = Int32(
            clamping: timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000)
        var client = clientid_t()
        if let identity {
            client.client_id = identity.session
            withUnsafeMutableBytes(of: &client.passwd) {
                $0.copyBytes(from: identity.password.map { UInt8(bitPattern: $0) })
            }
        }
        let handle = withUnsafePointer(to: client) {
            zookeeper_init2(
                servers, watchEvent, milliseconds, identity == nil ? nil : $0,
                Unmanaged.passUnretained(observer).toOpaque(), ZOO_NO_LOG_CLIENTENV, logLine)
        }
        guard let handle else {
            throw ZooKeeperError(
                .badArguments, operation: "connect", subject: "\(servers) (\(String(cString: strerror(errno))))")
        }
        zoo_set_servers_resolution_delay(handle, -1)
        state = Mutex(State(handle: handle, observer: observer))
    }

    deinit {
        close()
    }

    /// Ends the session: its ephemeral nodes vanish at once where a server is connected. Requests that wait are answered
    /// with `closed`. Blocks for up to some seconds; not to be called by the handler.
    public func close() {
        let (handle, observer) = state.withLock { state in
            let taken = (state.handle, state.observer)
            state.handle = nil
            return taken
        }
        guard let handle else { return }
        // Joins the library's threads, so that no callback can use the observer afterwards.
        zookeeper_close(handle)
        withExtendedLifetime(observer) {}
    }

    /// The session's name and password; `nil` when closed. Zero before the first connection.
    public var identity: Identity? {
        state.withLock { state in
            guard let handle = state.handle, let id = zoo_client_id(handle) else { return nil }
            let password = withUnsafeBytes(of: id.pointee.passwd) { $0.map { CChar(bitPattern: $0) } }
            return Identity(session: id.pointee.client_id, password: password)
        }
    }

    /// Names the credentials of this session for nodes with access control lists, again after every reconnect.
    ///
    /// - Parameter scheme: `digest` with `user:password`.
    public func authenticate(scheme: String, credentials: String) {
        let bytes = Array(credentials.utf8CString.dropLast())
        state.withLock { state in
            guard let handle = state.handle else { return }
            _ = zoo_add_auth(handle, scheme, bytes, Int32(bytes.count), nil, nil)
        }
    }
}

// MARK: - Callbacks, on the library's threads

private func logLine(_ message: UnsafePointer<CChar>?) {
    guard let message else { return }
    ZooKeeperLibrary.log(String(cString: message))
}

/// The session's only watcher: session events, and every watch set with a read.
private func watchEvent(
    handle: OpaquePointer?, type: Int32, state: Int32, path: UnsafePointer<CChar>?, context: UnsafeMutableRawPointer?
) {
    guard let context else { return }
    let observer = Unmanaged<ZooKeeperSession.Observer>.fromOpaque(context).takeUnretainedValue()
    if type == ZOO_SESSION_EVENT {
        guard let event = sessionEvent(handle: handle, state: state) else { return }
        observer.handler(event)
        return
    }
    let change: ZooKeeperChange
    switch type {
    case ZOO_CREATED_EVENT: change = .created
    case ZOO_DELETED_EVENT: change = .deleted
    case ZOO_CHANGED_EVENT: change = .data
    case ZOO_CHILD_EVENT: change = .children
    default: return
    }
    observer.handler(.changed(path: path.map { String(cString: $0) } ?? "", change))
}

private func sessionEvent(handle: OpaquePointer?, state: Int32) -> ZooKeeperEvent? {
    switch state {
    case ZOO_CONNECTED_STATE:
        let session = handle.flatMap { zoo_client_id($0)?.pointee.client_id } ?? 0
        let timeout = handle.map { zoo_recv_timeout($0) } ?? 0
        return .connected(session: session, timeout: .milliseconds(Int64(timeout)))
    case ZOO_CONNECTING_STATE, ZOO_ASSOCIATING_STATE, ZOO_NOTCONNECTED_STATE: return .disconnected
    case ZOO_EXPIRED_SESSION_STATE: return .expired
    case ZOO_AUTH_FAILED_STATE: return .authenticationFailed
    default: return nil
    }
}
