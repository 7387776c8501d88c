/// One step from one version of the schema to the next. Runs in one transaction, together with the change of version.
struct Migration: Sendable {
    /// The version that holds after it.
    var version: SchemaVersion
    /// Scripts without parameters, in order.
    var scripts: [String]
}

/// Every step from the empty database to the newest version, oldest first.
///
/// A released step is never changed: what is wrong in it is mended by a later one.
enum Migrations {
    static let all: [Migration] = [
        Migration(
            version: SchemaVersion(1, 0),
            scripts: [
                TenantTables.sql, UserTables.sql, DeviceTables.sql, RuleChainTables.sql, PlatformTables.sql,
                LaterTables.sql, AlarmTables.sql, EventTables.sql, TelemetryTables.sql, TenantTables.references,
                DeviceTables.references, Views.sql,
            ]),
        Migration(version: SchemaVersion(1, 1), scripts: [RevocationTables.sql]),
        Migration(version: SchemaVersion(1, 2), scripts: [SearchIndexes.sql]),
        // A part of a package is read without the rest of it.
        Migration(
            version: SchemaVersion(1, 3), scripts: ["ALTER TABLE ota_package ALTER COLUMN data SET STORAGE EXTERNAL;"]),
        Migration(version: SchemaVersion(1, 4), scripts: [CountTables.sql]),
        Migration(version: SchemaVersion(1, 5), scripts: [DeletedQueueTable.sql]),
        Migration(version: SchemaVersion(1, 6), scripts: [SearchKeys.sql]),
        Migration(version: SchemaVersion(1, 7), scripts: [IsolatedQueues.sql]),
        Migration(version: SchemaVersion(1, 8), scripts: [CalculatedFieldStates.sql]),
    ]

    static let newest = all.map(\.version).max() ?? SchemaVersion(rawValue: 0)
}
