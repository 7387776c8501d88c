public import Configuration
internal import Crypto
internal import Logging
public import Postgres

/// What an installation did.
public struct InstallReport: Sendable {
    public enum Outcome: Sendable {
        case installed
        case upgraded(from: SchemaVersion)
        case alreadyCurrent
    }

    public var outcome: Outcome
    public var version: SchemaVersion
    /// Set when the system administrator was made with a random password: to be shown once, and kept nowhere.
    public var generatedPassword: Secret?
    /// Whether demo data was written by this call.
    public var hasLoadedDemo = false
}

/// Makes and upgrades the tables, and fills in what every platform has.
///
/// Everything that belongs together is one transaction, under a lock that keeps a second installer waiting: an
/// interrupted installation leaves nothing, and a repeated one does nothing. Every call blocks.
public enum SchemaInstaller {
    /// The version that this program makes and needs.
    public static let version = Migrations.newest

    /// Written to `tb_schema_settings.product`; tells our tables from those of relatives.
    static let product = "NT"

    /// Arbitrary, the same in every version of the program.
    private static let lockKey: Int64 = 0x6E65_6564_6C65

    // MARK: - Install and upgrade

    /// Makes the tables and the system data, or brings existing tables up to date; adds demo data when asked to and
    /// when it is not there yet.
    public static func install(
        on connection: PostgresConnection, demo: Bool, options: SchemaOptions = SchemaOptions()
    ) throws(SchemaError) -> InstallReport {
        try locked(connection) {
            var report = InstallReport(outcome: .alreadyCurrent, version: version)
            if let found = try currentVersion(on: connection) {
                guard found <= version else {
                    throw SchemaError.databaseNewer(found: found, supported: version)
                }
                if found < version {
                    try migrate(connection, from: found, options: options)
                    report.outcome = .upgraded(from: found)
                }
            } else {
                report.outcome = .installed
            }
            try connection.transaction {
                if case .installed = report.outcome {
                    options.logger.info("installing SQL schema")
                    for migration in Migrations.all { try apply(migration, on: connection) }
                    options.logger.info("loading system data")
                    let password = sysadminPassword(demo: demo, options: options)
                    report.generatedPassword = password.isGenerated ? password.secret : nil
                    try SystemData.install(on: connection, password: password.secret, options: options)
                }
                try connection.execute(Views.bindDeviceInfo(toTelemetry: options.persistsStateToTelemetry))
                try ComponentDescriptorRepository.install(on: connection)
                if demo, try !DemoData.isPresent(on: connection) {
                    options.logger.info("loading demo data")
                    try DemoData.install(on: connection, options: options)
                    report.hasLoadedDemo = true
                }
            }
            options.logger.info("installation finished successfully", ["schema.version": .string("\(version)")])
            return report
        }
    }

    /// Brings existing tables up to date. Does nothing when they are.
    public static func upgrade(
        on connection: PostgresConnection, options: SchemaOptions = SchemaOptions()
    ) throws(SchemaError) -> InstallReport {
        guard try currentVersion(on: connection) != nil else { throw .notInstalled }
        return try install(on: connection, demo: false, options: options)
    }

    // MARK: - Checks

    /// The version of the tables; `nil` in a database without them.
    public static func currentVersion(on connection: PostgresConnection) throws(SchemaError) -> SchemaVersion? {
        guard let (version, product) = try readSettings(connection) else { return nil }
        guard product == Self.product else { throw .foreignSchema(product: product, version: version) }
        return version
    }

    private static func readSettings(
        _ connection: PostgresConnection
    ) throws(SchemaError) -> (version: SchemaVersion, product: String)? {
        do throws(PostgresError) {
            let found = try connection.query("SELECT to_regclass('tb_schema_settings') IS NOT NULL")[0].bool(0)
            guard found == true else { return nil }
            let rows = try connection.query(
                "SELECT schema_version, product FROM tb_schema_settings ORDER BY schema_version DESC LIMIT 1")
            guard let number = rows.first?.int8(0), let product = rows.first?.text(1) else { return nil }
            return (SchemaVersion(rawValue: number), product)
        } catch {
            throw .database(error)
        }
    }

    /// Throws unless the tables are exactly those that this program needs. Services call it at their start.
    public static func check(on connection: PostgresConnection) throws(SchemaError) {
        guard let found = try currentVersion(on: connection) else { throw .notInstalled }
        if found < version { throw .upgradeNeeded(found: found, required: version) }
        if found > version { throw .databaseNewer(found: found, supported: version) }
    }

    // MARK: - Steps

    /// Runs `body` while no other installer runs on this database.
    private static func locked<R>(_ connection: PostgresConnection, _ body: () throws -> R) throws(SchemaError) -> R {
        do {
            try connection.query("SELECT pg_advisory_lock($1)", [.int8(lockKey)])
            // The lock ends with the session too, so a failure here has nothing to release it from.
            defer { _ = try? connection.query("SELECT pg_advisory_unlock($1)", [.int8(lockKey)]) }
            return try body()
        } catch let error as SchemaError {
            throw error
        } catch let error as PostgresError {
            throw .database(error)
        } catch {
            preconditionFailure("installation threw \(error)")
        }
    }

    private static func migrate(
        _ connection: PostgresConnection, from found: SchemaVersion, options: SchemaOptions
    ) throws {
        for migration in Migrations.all where migration.version > found {
            options.logger.info("upgrading SQL schema", ["schema.version": .string("\(migration.version)")])
            try connection.transaction { try apply(migration, on: connection) }
        }
    }

    /// Runs in the caller's transaction.
    private static func apply(_ migration: Migration, on connection: PostgresConnection) throws(PostgresError) {
        for script in migration.scripts { try connection.execute(script) }
        try connection.execute("DELETE FROM tb_schema_settings")
        try connection.query(
            "INSERT INTO tb_schema_settings (schema_version, product) VALUES ($1, $2)",
            [.int8(migration.version.rawValue), .text(product)])
    }

    private static func sysadminPassword(
        demo: Bool, options: SchemaOptions
    ) -> (secret: Secret, isGenerated: Bool) {
        if let chosen = options.sysadminPassword { return (chosen, false) }
        if demo { return (Secret(DemoData.sysadminPassword), false) }
        return (Secret(SecureRandom.alphanumeric(20)), true)
    }
}
