internal import CPostgres

/// One connection to the server. Belongs to one thread at a time; it may be handed on, never shared.
///
/// It has two faces. The blocking one (``query(_:_:)``, ``execute(_:)``, ``copyIn(_:_:)``) is for threads that own
/// their connection. The non-blocking one (`PostgresConnection+Pipeline.swift`) is for event loops: it offers a
/// descriptor, the interest in it, and functions to call when it is ready. ``enterPipeline()`` changes from the first
/// to the second, for good.
///
/// After an error with ``PostgresError/isConnectionFailure`` the connection is dead: ``close()`` it, open another.
public final class PostgresConnection {
    /// `nil` once closed.
    var raw: OpaquePointer?
    var parameters = ParameterBlock()
    var statements: StatementCache
    var pipeline = PipelineState()
    /// Kept from one COPY to the next.
    var copyBuffer: UnsafeMutableRawBufferPointer?

    /// Called for each notice of the server, on the thread that is using the connection, from inside a call to it.
    public var onNotice: ((PostgresNotice) -> Void)?

    /// Connects. Blocks until the server accepted or refused, at most `connect_timeout` of `conninfo`.
    ///
    /// - Parameters:
    ///   - conninfo: libpq's connection string, `host=... dbname=...` or a `postgresql://` URL.
    ///   - preparesStatements: Whether ``query(_:_:)`` keeps statements prepared; must be off behind a pooler that
    ///     moves sessions between transactions.
    public init(connecting conninfo: String, preparesStatements: Bool = true) throws(PostgresError) {
        statements = StatementCache(isEnabled: preparesStatements)
        guard let raw = PQconnectdb(conninfo) else { throw PostgresError(connection: nil) }
        guard PQstatus(raw) == CONNECTION_OK else {
            let error = PostgresError(connection: raw)
            PQfinish(raw)
            throw error
        }
        self.raw = raw
        // Unretained: `deinit` finishes the connection, so no notice can arrive after this object is gone.
        PQsetNoticeReceiver(raw, receiveNotice, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit { close() }

    /// Says good-bye to the server and frees everything; results taken before stay valid. Harmless when repeated.
    public func close() {
        if let raw { PQfinish(raw) }
        raw = nil
        copyBuffer?.deallocate()
        copyBuffer = nil
    }

    /// Whether the connection was last seen alive. A server that vanished silently is noticed only in use.
    public var isOpen: Bool { raw.map { PQstatus($0) == CONNECTION_OK } ?? false }

    /// The server's version as one number, 150020 for 15.20.
    public var serverVersion: Int { raw.map { Int(PQserverVersion($0)) } ?? 0 }

    /// The process id of the server's side, for its logs and `pg_terminate_backend`.
    public var backendProcessID: Int32 { raw.map { PQbackendPID($0) } ?? 0 }

    /// Whether a transaction block is open, failed or not.
    public var isInTransaction: Bool {
        guard let raw else { return false }
        switch PQtransactionStatus(raw) {
        case PQTRANS_INTRANS, PQTRANS_INERROR, PQTRANS_ACTIVE: return true
        default: return false
        }
    }

    /// The version of the client library as one number, 150020 for 15.20.
    public static var libraryVersion: Int { Int(PQlibVersion()) }

    /// The living handle, or the error of a connection that was closed.
    func handle() throws(PostgresError) -> OpaquePointer {
        guard let raw else { throw PostgresError(message: "connection is closed", isConnectionFailure: true) }
        return raw
    }
}

/// Runs inside a call to libpq on the thread that uses the connection: copy, hand over, return.
private func receiveNotice(context: UnsafeMutableRawPointer?, result: OpaquePointer?) {
    guard let context, let result else { return }
    let connection = Unmanaged<PostgresConnection>.fromOpaque(context).takeUnretainedValue()
    guard let handler = connection.onNotice else { return }
    let error = PostgresError(result: result, connection: nil)
    let severity = PQresultErrorField(result, Int32(UInt8(ascii: "S"))).map { String(cString: $0) } ?? "NOTICE"
    handler(PostgresNotice(severity: severity, sqlState: error.sqlState, message: error.message))
}
