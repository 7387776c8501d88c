public import Model
public import Postgres

/// Why an entity could not be read or written, in the caller's terms.
public enum EntityError: Error, Equatable, Sendable {
    /// A rule of the entity is violated; the text is for the user (`rest-api.md` 2.14).
    case invalid(String)
    /// Nothing with this id belongs to the tenant.
    case notFound(EntityType, UUID128)
    /// Somebody else has saved the entity since it was read (`rest-api.md` 2.5); `nil` for what has no type of its own,
    /// such as credentials.
    case versionConflict(EntityType?)
    /// The tenant has as many entities of that kind as its profile allows.
    case limitExceeded(EntityType, limit: Int64)
}

extension EntityError {
    /// The error behind `error` that the database itself reported, however it came here.
    public static func postgresError(_ error: any Error) -> PostgresError? {
        (error as? PostgresError) ?? (error as? DatabaseError)?.postgresError
    }

    /// The error that a violated unique or foreign-key constraint stands for; `nil` when `error` is of another kind.
    ///
    /// A constraint without a message of its own is named, so that nothing looks like a defect of the server.
    public init?(violation error: PostgresError) {
        guard error.isUniqueViolation || error.isForeignKeyViolation, let constraint = error.constraint else {
            return nil
        }
        self = .invalid(Self.messages[constraint] ?? "Constraint violation: \(constraint)")
    }

    /// By name of the constraint.
    private static let messages: [String: String] = [
        "device_name_unq_key": "Device with such name already exists!",
        "device_external_id_unq_key": "Device with such external id already exists!",
        "device_credentials_id_unq_key": "Device credentials are already assigned to another device!",
        "device_credentials_device_id_unq_key": "Credentials for this device are already specified!",
        "device_profile_name_unq_key": "Device profile with such name already exists!",
        "device_provision_key_unq_key": "Device profile with such provision device key already exists!",
        "asset_name_unq_key": "Asset with such name already exists!",
        "asset_external_id_unq_key": "Asset with such external id already exists!",
        "asset_profile_name_unq_key": "Asset profile with such name already exists!",
        "asset_profile_external_id_unq_key": "Asset profile with such external id already exists!",
        "device_profile_external_id_unq_key": "Device profile with such external id already exists!",
        "entity_view_name_unq_key": "Entity view with such name already exists!",
        "entity_view_external_id_unq_key": "Entity view with such external id already exists!",
        "fk_asset_profile": "The asset profile referenced by the assets cannot be deleted!",
        "calculated_field_unq_key": "Calculated field with such name and type already exists",
        "calculated_field_external_id_unq_key": "Calculated field with such external id already exists",
        "fk_default_dashboard_device_profile": "The dashboard referenced by the device profiles cannot be deleted!",
        "fk_default_dashboard_asset_profile": "The dashboard referenced by the asset profiles cannot be deleted!",
        "customer_title_unq_key": "Customer with such title already exists!",
        "tenant_profile_name_unq_key": "Tenant profile with such name already exists!",
        "fk_device_profile": "The device profile referenced by the devices cannot be deleted!",
        "ota_package_tenant_title_version_unq_key": "OtaPackage with such title and version already exists!",
        "ota_package_external_id_unq_key": "OtaPackage with such external id already exists!",
        "fk_firmware_device": "Can't assign non-existent firmware!",
        "fk_software_device": "Can't assign non-existent software!",
        "fk_firmware_device_profile": "Can't assign non-existent firmware!",
        "fk_software_device_profile": "Can't assign non-existent software!",
    ]
}
