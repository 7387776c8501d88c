internal import CPostgres

/// What the server or the way to it reported.
///
/// `description` carries no values of rows or parameters, so it may be logged; ``detail`` may quote row values and
/// must not be.
public struct PostgresError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The five-character SQLSTATE; `nil` when the failure arose in the client (no server reached, connection lost).
    public var sqlState: String?
    /// The primary message, one line.
    public var message: String
    /// The violated constraint, where the server names one.
    public var constraint: String?
    /// The table the server names.
    public var table: String?
    /// The secondary message; may quote values of the row.
    public var detail: String?
    /// The connection is unusable: not reached, lost, or ended by the server. Another one may work.
    public var isConnectionFailure: Bool

    public init(
        sqlState: String? = nil, message: String, constraint: String? = nil, table: String? = nil,
        detail: String? = nil, isConnectionFailure: Bool = false
    ) {
        self.sqlState = sqlState
        self.message = message
        self.constraint = constraint
        self.table = table
        self.detail = detail
        self.isConnectionFailure = isConnectionFailure
    }

    public var description: String {
        var text = message
        if let sqlState { text += " (SQLSTATE \(sqlState))" }
        if let constraint { text += " [constraint \(constraint)]" }
        return text
    }

    public var isUniqueViolation: Bool { sqlState == "23505" }
    public var isForeignKeyViolation: Bool { sqlState == "23503" }
    /// A check constraint, or a row for which a partitioned table has no partition.
    public var isCheckViolation: Bool { sqlState == "23514" }
    /// No space, memory or connections on the server's side (class 53).
    public var isInsufficientResources: Bool { sqlState?.hasPrefix("53") ?? false }
    /// The statement ran into `statement_timeout` or was cancelled.
    public var isQueryCanceled: Bool { sqlState == "57014" }
    /// The value itself is refused (classes 22 and 23): sending it again fails again.
    public var isDataError: Bool {
        guard let sqlState else { return false }
        return sqlState.hasPrefix("22") || sqlState.hasPrefix("23")
    }
    /// The same transaction may succeed when it is run again: serialization failure, deadlock, lock not available.
    public var isTransient: Bool {
        switch sqlState {
        case "40001", "40P01", "55P03": true
        default: isConnectionFailure || isInsufficientResources
        }
    }
}

extension PostgresError {
    /// The server ended the connection or refuses new ones (classes 08 and 57P).
    private static func endsConnection(_ sqlState: String?) -> Bool {
        guard let sqlState else { return false }
        switch sqlState {
        case "57P01", "57P02", "57P03", "57P04", "57P05": return true
        default: return sqlState.hasPrefix("08")
        }
    }

    /// Reads the fields of an error or notice result.
    init(result: OpaquePointer, connection: OpaquePointer?) {
        func field(_ code: UInt8) -> String? {
            PQresultErrorField(result, Int32(code)).map { String(cString: $0) }
        }
        let sqlState = field(UInt8(ascii: "C"))
        let broken = connection.map { PQstatus($0) == CONNECTION_BAD } ?? false
        self.init(
            sqlState: sqlState,
            message: field(UInt8(ascii: "M")) ?? Self.firstLine(PQresultErrorMessage(result)),
            constraint: field(UInt8(ascii: "n")), table: field(UInt8(ascii: "t")), detail: field(UInt8(ascii: "D")),
            isConnectionFailure: broken || Self.endsConnection(sqlState))
    }

    /// What the client library says about the connection itself.
    ///
    /// While connecting there is no result to read a SQLSTATE from; every failure then counts as one of the
    /// connection.
    init(connection: OpaquePointer?) {
        guard let connection else {
            self.init(message: "out of memory", isConnectionFailure: true)
            return
        }
        self.init(
            message: Self.firstLine(PQerrorMessage(connection)),
            isConnectionFailure: PQstatus(connection) != CONNECTION_OK)
    }

    /// libpq ends messages with a line feed and may append hints as further lines.
    private static func firstLine(_ text: UnsafePointer<CChar>?) -> String {
        guard let text else { return "unknown error" }
        let whole = String(cString: text)
        let lines = whole.split(separator: "\n", omittingEmptySubsequences: true)
        return lines.isEmpty ? "unknown error" : lines.joined(separator: "; ")
    }
}

/// A notice or warning that the server sent beside results.
public struct PostgresNotice: Sendable {
    /// `NOTICE`, `WARNING`, ... in the server's language.
    public var severity: String
    public var sqlState: String?
    public var message: String
}
