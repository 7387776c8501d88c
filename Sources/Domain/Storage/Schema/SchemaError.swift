public import Postgres

/// Why a database cannot be used, installed or upgraded. Each message says what to do about it.
public enum SchemaError: Error, Sendable, CustomStringConvertible {
    case notInstalled
    case upgradeNeeded(found: SchemaVersion, required: SchemaVersion)
    case databaseNewer(found: SchemaVersion, supported: SchemaVersion)
    /// The tables were made by another product of the same family.
    case foreignSchema(product: String, version: SchemaVersion)
    case database(PostgresError)

    public var description: String {
        switch self {
        case .notInstalled:
            "the database has no tables: run `needletail install`"
        case .upgradeNeeded(let found, let required):
            "the database has schema version \(found), this program needs \(required): stop all services and run "
                + "`needletail upgrade`"
        case .databaseNewer(let found, let supported):
            "the database has schema version \(found), newer than \(supported), which this program knows: "
                + "use the newer program"
        case .foreignSchema(let product, let version):
            "the database belongs to product \(product), version \(version): choose another database"
        case .database(let error): "database: \(error)"
        }
    }
}
