import CZooKeeper

/// Why a request to ZooKeeper was not fulfilled.
public struct ZooKeeperError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        /// The connection broke before the answer came: whether the request was carried out is unknown.
        case connectionLost
        /// The session is over, and with it every ephemeral node that it created.
        case sessionExpired
        /// The session was closed by this side.
        case closed
        case nodeExists
        case noNode
        case notEmpty
        case badVersion
        /// The access control list forbids it.
        case notAuthorized
        /// The server refused the credentials; the session is over.
        case authenticationFailed
        case timedOut
        /// Servers, a path or data that the library does not accept.
        case badArguments
        /// Any other code of the library.
        case other(Int32)
    }

    public let kind: Kind
    /// What was asked for: `create`, `connect`, ...
    public let operation: String
    /// The path, or the servers of a connect.
    public let subject: String

    public init(_ kind: Kind, operation: String, subject: String) {
        self.kind = kind
        self.operation = operation
        self.subject = subject
    }

    init(code: Int32, operation: String, subject: String) {
        self.init(Self.kind(of: code), operation: operation, subject: subject)
    }

    /// Whether the session that met this can do nothing any more.
    public var endsSession: Bool {
        switch kind {
        case .sessionExpired, .closed, .authenticationFailed: true
        default: false
        }
    }

    public var description: String {
        "ZooKeeper: \(operation) \(subject): \(reason)"
    }

    private var reason: String {
        switch kind {
        case .connectionLost: "the connection was lost"
        case .sessionExpired: "the session has expired"
        case .closed: "the session is closed"
        case .nodeExists: "the node exists"
        case .noNode: "there is no such node"
        case .notEmpty: "the node has children"
        case .badVersion: "the node has another version"
        case .notAuthorized: "not authorized by the node's access control list"
        case .authenticationFailed: "the server refused the credentials"
        case .timedOut: "timed out"
        case .badArguments: "not accepted by the client library"
        case .other(let code): "\(String(cString: zerror(code))) (\(code))"
        }
    }

    private static func kind(of code: Int32) -> Kind {
        switch code {
        case ZCONNECTIONLOSS.rawValue: .connectionLost
        // A handle in a state of no return answers every request with the second one.
        case ZSESSIONEXPIRED.rawValue, ZINVALIDSTATE.rawValue: .sessionExpired
        case ZCLOSING.rawValue: .closed
        case ZNODEEXISTS.rawValue: .nodeExists
        case ZNONODE.rawValue: .noNode
        case ZNOTEMPTY.rawValue: .notEmpty
        case ZBADVERSION.rawValue: .badVersion
        case ZNOAUTH.rawValue: .notAuthorized
        case ZAUTHFAILED.rawValue: .authenticationFailed
        case ZOPERATIONTIMEOUT.rawValue: .timedOut
        case ZBADARGUMENTS.rawValue: .badArguments
        default: .other(code)
        }
    }
}
