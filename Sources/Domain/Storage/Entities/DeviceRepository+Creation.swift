internal import Model
internal import Postgres

extension DeviceRepository {
    /// Inserts a new device as version 1, with its credentials and the server attribute `active`, in one statement: all of it
    /// or nothing.
    ///
    /// - Parameters:
    ///   - credentials: In normal form.
    ///   - active: The number of the key `active`.
    /// - Returns: Whether it was done: a tenant whose number of devices is limited needs ``EntityLimits/check(_:tenant:)`` in
    ///   a transaction.
    public func insertUnlessLimited(
        _ device: Device, _ credentials: DeviceCredentials, active: Int32
    ) async throws -> Bool {
        let inserted = try await runner.query(
            """
            WITH made AS (
                INSERT INTO device (id, created_time, tenant_id, customer_id, name, type, label, device_profile_id,
                    device_data, firmware_id, software_id, external_id, additional_info, version)
                SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::uuid, $11::uuid, $12::uuid, $13, 1
                WHERE NOT EXISTS (
                    SELECT 1 FROM tenant t JOIN tenant_profile p ON p.id = t.tenant_profile_id
                    WHERE t.id = $3 AND coalesce(p.profile_data -> 'configuration' -> 'maxDevices', '0') <> '0')
                    AND \(CustomerRepository.isThere("$4"))
                RETURNING id),
            guarded AS (
                INSERT INTO device_credentials (id, created_time, device_id, credentials_type, credentials_id,
                    credentials_value, version)
                SELECT $14, $15, id, $16, $17, $18, 1 FROM made),
            described AS (
                INSERT INTO attribute_kv (entity_id, attribute_type, attribute_key, last_update_ts, bool_v, version)
                SELECT id, 2, $19, $2, false, nextval('attribute_kv_version_seq') FROM made)
            SELECT 1 FROM made
            """,
            parameters(device) + [
                .id(credentials.id), .int8(credentials.createdTime), .text(credentials.type.rawValue),
                .text(credentials.credentialsID), .text(credentials.credentialsValue), .int4(active),
            ])
        if inserted.isEmpty { return false }
        // Lists merge what has gathered; whoever makes many devices may never look at one.
        if device.id.uuid.low % Self.creationsBetweenMerges == 0 {
            try? await narrowed(Self.shape, tenant: device.tenantID, Filter()).mergeChanges(on: runner)
        }
        return true
    }

    private static let creationsBetweenMerges: UInt64 = 256
}

extension AttributeRepository {
    /// The number of a key, made where there is none. Not for use inside a transaction.
    public func number(of key: String) async throws -> Int32 {
        guard let number = try await keys.numbersCreating([key], on: runner, remembering: true)[key] else {
            preconditionFailure("the key \(key) has no number after it was made")
        }
        return number
    }
}
