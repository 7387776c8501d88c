internal import Messages
internal import Model
internal import Storage

/// The firmware and software that a device or a device profile names: there, the tenant's own, of the right kind, with
/// contents, and made for the profile (`rest-api.md` 2.14).
struct OTAPackageReferences: Sendable {
    var firmware: UUID128?
    var software: UUID128?
    /// That of the device, or the profile itself; the null id for one that is still to be made, which no package is for.
    var profile: DeviceProfileID

    func check(tenant: TenantID, in services: Services) async throws {
        try await check(firmware, .firmware, tenant, services)
        try await check(software, .software, tenant, services)
    }

    private func check(
        _ id: UUID128?, _ kind: OTAPackageKind, _ tenant: TenantID, _ services: Services
    ) async throws {
        guard let id = id.map({ OTAPackageID($0) }) else { return }
        let name = kind.name.lowercased()
        let packages = OTAPackageRepository(services.database)
        guard let package = try await packages.find(id, tenant: tenant) else {
            let isForeign = try await packages.belongsToOther(id, than: tenant)
            throw APIError.invalid(
                isForeign ? "Can't assign \(name) from different tenant!" : "Can't assign non-existent \(name)!")
        }
        if package.kind != kind { throw APIError.invalid("Can't assign \(name) with type: \(package.kind.name)") }
        if !package.hasData, package.url == nil {
            throw APIError.invalid("Can't assign \(name) with empty data!")
        }
        if package.deviceProfileID != profile {
            throw APIError.invalid("Can't assign \(name) with different deviceProfile!")
        }
    }
}
