internal import HTTPServer
internal import JSON
internal import Model
internal import Postgres
internal import Storage

/// The one error of the REST API: a status, a code that clients act on, and a text for the user (`rest-api.md` 2.10).
struct APIError: Error, Equatable {
    enum Code: Int {
        case general = 2
        case authentication = 10
        case tokenExpired = 11
        case credentialsExpired = 15
        case permissionDenied = 20
        case invalidArguments = 30
        case badRequest = 31
        case notFound = 32
        case tooManyRequests = 33
        case versionConflict = 35
        case entitiesLimitExceeded = 41
        case passwordViolation = 45
        case database = 46
    }

    var status: Int
    var code: Code
    var message: String
    /// Raised while parameters are read: an error object also where the endpoint itself answers with plain text
    /// (`rest-api.md` 2.12).
    var isEarly = false
    /// Further members of the error object.
    var details: JSONObject = [:]

    init(_ status: Int, _ code: Code, _ message: String, isEarly: Bool = false, details: JSONObject = [:]) {
        self.status = status
        self.code = code
        self.message = message
        self.isEarly = isEarly
        self.details = details
    }
}

// MARK: - The usual ones

extension APIError {
    static func invalid(_ message: String) -> APIError { APIError(400, .badRequest, message) }

    static func notFound(_ type: EntityType, _ id: UUID128) -> APIError {
        APIError(404, .notFound, "\(type.normalName) with id [\(id)] is not found")
    }

    static let itemNotFound = APIError(404, .notFound, "Requested item wasn't found!")
    static let permissionDenied = APIError(
        403, .permissionDenied, "You don't have permission to perform this operation!")
    static let busy = APIError(503, .general, "The server is busy, please try again later")
    /// A reader was asked twice; what a writer asked for may have been done.
    static let databaseLost = APIError(
        503, .general, "The connection to the database was lost; whether the request took effect is not known")
    static let internalError = APIError(500, .general, "Internal server error")
    static let authenticationFailed = APIError(401, .authentication, "Authentication failed")
    static let invalidCredentials = APIError(401, .authentication, "Invalid username or password")
    static let accountNotActive = APIError(401, .authentication, "User account is not active")
    static let tokenExpired = APIError(401, .tokenExpired, "Token has expired")

    /// A query or path value that is not of its type.
    static func conversion(_ name: String, _ value: String, to type: StaticString) -> APIError {
        APIError(
            400, .badRequest,
            "Failed to convert value of parameter '\(name)' to required type '\(type)'; value: \"\(value)\"",
            isEarly: true)
    }

    /// A word of the path that names none of the things that there are.
    static func unsupported(_ name: StaticString, _ value: String) -> APIError {
        APIError(400, .badRequest, "\(name) \"\(value)\" is not supported!", isEarly: true)
    }

    static func missingParameter(_ name: String, _ type: StaticString) -> APIError {
        APIError(
            500, .general, "Required request parameter '\(name)' for method parameter type \(type) is not present",
            isEarly: true)
    }

    static func malformedBody(_ reason: String) -> APIError {
        APIError(500, .general, "JSON parse error: \(reason)", isEarly: true)
    }
}

// MARK: - From below

extension APIError {
    /// What the client is told of an error; `nil` for one that no client should see the text of.
    init?(_ error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let error as EntityError: self.init(error)
        case is PoolOverloaded, is RuleEngineBusy, DatabaseError.overloaded, DatabaseError.timeout,
            DatabaseError.unavailable, DatabaseError.closed, TelemetrySaveError.overloaded:
            // Nothing was done: the same request may succeed.
            self = .busy
        case DatabaseError.connectionLost: self = .databaseLost
        case TelemetrySaveError.refused: self = .invalid("The database refuses the values")
        default:
            guard let error = EntityError.postgresError(error) else { return nil }
            if let violation = EntityError(violation: error) {
                self.init(violation)
            } else if error.isDataError {
                self = .invalid("A value cannot be stored: \(error.message)")
            } else if error.isConnectionFailure {
                self = .databaseLost
            } else if error.isTransient || error.isQueryCanceled {
                self = .busy
            } else {
                self = APIError(500, .database, "Database error")
            }
        }
    }

    private init(_ error: EntityError) {
        switch error {
        case .invalid(let message): self = .invalid(message)
        case .notFound(let type, let id): self = .notFound(type, id)
        case .versionConflict(let type):
            let name = type?.normalName ?? "Entity"
            self = APIError(409, .versionConflict, "\(name) was already changed by someone else")
        case .limitExceeded(let type, let limit):
            self = APIError(
                403, .entitiesLimitExceeded, "\(type.normalName)s limit reached",
                details: ["entityType": .string(type.name), "limit": .integer(limit)])
        }
    }
}

// MARK: - Answers

extension APIError {
    /// The error object.
    func response(now: Int64) -> HTTPResponse {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("status", status)
            writer.member("message", message)
            writer.member("errorCode", code.rawValue)
            writer.member("timestamp", now)
            for (key, value) in details {
                writer.key(key)
                writer.value(value)
            }
        }
        return .json(writer.bytes, status: status)
    }

    /// The plain text of deferred endpoints. Clients that ask for JSON get the same text under that name, as the
    /// reference platform does.
    func textResponse(acceptsJSON: Bool) -> HTTPResponse {
        if status >= 500 { return .empty(status) }
        let type = acceptsJSON ? "application/json" : "text/plain;charset=UTF-8"
        return HTTPResponse(status: status, fields: [("Content-Type", type)], body: Array(message.utf8))
    }
}
