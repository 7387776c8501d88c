internal import Postgres
internal import Storage

/// What an error of the layers below means here.
enum StorageFailure {
    /// The violated rule, if it is one.
    static func violation(_ error: any Error) -> EntityError? {
        if let error = error as? EntityError { return error }
        return EntityError.postgresError(error).flatMap { EntityError(violation: $0) }
    }
}
