public import Model
internal import Postgres

/// Device credentials in the database. They have no tenant column: callers look the device up in its tenant first.
public struct DeviceCredentialsRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(device: DeviceID) async throws -> DeviceCredentials? {
        try await runner.query(
            "SELECT \(DeviceCredentials.columns) FROM device_credentials WHERE device_id = $1", [.id(device)]
        ).first.map(DeviceCredentials.init)
    }

    /// By what a connecting device shows.
    public func find(credentialsID: String) async throws -> DeviceCredentials? {
        try await runner.query(
            "SELECT \(DeviceCredentials.columns) FROM device_credentials WHERE credentials_id = $1",
            [.text(credentialsID)]
        ).first.map(DeviceCredentials.init)
    }

    /// Inserts new credentials as version 1.
    ///
    /// - Parameter credentials: In normal form.
    public func insert(_ credentials: DeviceCredentials) async throws {
        _ = try await runner.query(
            """
            INSERT INTO device_credentials (\(DeviceCredentials.columns)) VALUES ($1, $2, $3, $4, $5, $6, 1)
            """,
            [
                .id(credentials.id), .int8(credentials.createdTime), .id(credentials.deviceID),
                .text(credentials.type.rawValue), .text(credentials.credentialsID), .text(credentials.credentialsValue),
            ])
    }

    /// Saves credentials over the stored ones of the same device.
    ///
    /// - Parameter version: The version that they replace; any when `nil`.
    public func update(_ credentials: DeviceCredentials, replacing version: Int64?) async throws -> DeviceCredentials {
        let result = try await runner.query(
            """
            UPDATE device_credentials SET credentials_type = $3, credentials_id = $4, credentials_value = $5,
                version = coalesce(version, 0) + 1
            WHERE id = $1 AND device_id = $2 AND ($6::bigint IS NULL OR version = $6)
            RETURNING \(DeviceCredentials.columns)
            """,
            [
                .id(credentials.id), .id(credentials.deviceID), .text(credentials.type.rawValue),
                .text(credentials.credentialsID), .text(credentials.credentialsValue), .int8(version),
            ])
        if let row = result.first { return DeviceCredentials(row) }
        let present = try await runner.query(
            "SELECT 1 FROM device_credentials WHERE id = $1 AND device_id = $2",
            [.id(credentials.id), .id(credentials.deviceID)])
        if present.isEmpty { throw EntityError.invalid("Unable to update non-existent device credentials!") }
        throw EntityError.versionConflict(nil)
    }
}
