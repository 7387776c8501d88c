internal import Crypto
internal import HTTPServer
internal import JSON
internal import Messages
internal import Model
internal import Postgres
internal import Storage

/// Firmware and software packages (`rest-api.md` 4.20, `device-api.md` 9).
struct OTAPackageEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/otaPackage", roles: .tenant, save)
                .docs("Creates a package without data", body: "OtaPackageInfo", answer: "OtaPackageInfo"),
            Endpoint(.post, "/api/otaPackage/{otaPackageId}", roles: .tenant, upload)
                .docs(
                    "Uploads the data of a package as a form with the part `file`",
                    query: [.text("checksum"), .text("checksumAlgorithm").required], body: .form,
                    answer: "OtaPackageInfo"),
            Endpoint(.get, "/api/otaPackages", roles: [.tenant, .customer], list)
                .docs("Packages of the tenant", query: .page, answer: .page("OtaPackageInfo")),
            Endpoint(.get, "/api/otaPackages/{deviceProfileId}/{type}", roles: [.tenant, .customer], listOfProfile)
                .docs("Packages that devices of a profile can have", query: .page, answer: .page("OtaPackageInfo")),
            Endpoint(.get, "/api/otaPackage/info/{otaPackageId}", roles: [.tenant, .customer], info)
                .docs("A package", answer: "OtaPackageInfo"),
            Endpoint(.get, "/api/otaPackage/{otaPackageId}", roles: .tenant, read)
                .docs("A package", answer: "OtaPackageInfo"),
            Endpoint(.get, "/api/otaPackage/{otaPackageId}/download", roles: .tenant, download)
                .docs("The data of a package"),
            Endpoint(.delete, "/api/otaPackage/{otaPackageId}", roles: .tenant, delete)
                .docs("Deletes a package that nobody has", answer: .nothing),
        ]
    }

    static let schemas = [
        "OtaPackageInfo": """
        id:id(OTA_PACKAGE) createdTime:integer tenantId:id(TENANT) deviceProfileId:id(DEVICE_PROFILE) type:string! \
        title:string! version:string! tag:string url:string hasData:boolean fileName:string contentType:string \
        checksumAlgorithm:string checksum:string dataSize:integer externalId:id(OTA_PACKAGE) name:string
        """
    ]

    private var packages: OTAPackageRepository { OTAPackageRepository(services.database) }

    private static let blockBytes = 1 << 20

    private func find(_ call: Call, _ principal: Principal) async throws -> OTAPackage {
        let id: OTAPackageID = try call.id("otaPackageId")
        return try await find(id, principal)
    }

    /// What belongs to another tenant is forbidden, not unknown (`rest-api.md` 1.13).
    private func find(_ id: OTAPackageID, _ principal: Principal) async throws -> OTAPackage {
        if let package = try await packages.find(id, tenant: principal.tenantID) { return package }
        if try await packages.belongsToOther(id, than: principal.tenantID) { throw APIError.permissionDenied }
        throw APIError.notFound(.otaPackage, id.uuid)
    }

    // MARK: - Reading

    @Sendable private func info(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: OTAPackageID = try call.id("otaPackageId")
        guard let package = try await packages.find(id, tenant: principal.tenantID) else {
            if try await packages.belongsToOther(id, than: principal.tenantID) { throw APIError.permissionDenied }
            throw APIError.itemNotFound
        }
        return .json(package)
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await find(call, principal))
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await packages.page(tenant: principal.tenantID, profile: nil, try call.pageLink()))
    }

    @Sendable private func listOfProfile(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let profile: DeviceProfileID = try call.id("deviceProfileId")
        let name = call.path["type"]
        guard let kind = OTAPackageKind(name: name) else {
            throw APIError.conversion("type", name, to: "OtaPackageType")
        }
        return .json(
            try await packages.page(tenant: principal.tenantID, profile: (profile, kind), try call.pageLink()))
    }

    @Sendable private func download(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let package = try await find(call, principal)
        if package.url != nil { throw APIError.invalid("Can't download external package!") }
        guard package.hasData, let size = package.dataSize else { throw APIError.itemNotFound }
        let repository = packages
        let name = package.fileName ?? ""
        let shown = String(
            String.UnicodeScalarView(name.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F && $0 != "\"" }))
        return .streaming(
            fields: [
                ("Content-Disposition", "attachment;filename=\(shown)"), ("x-filename", shown),
                ("Content-Type", "application/octet-stream"),
            ], length: Int(size)
        ) { writer in
            var offset: Int64 = 0
            while offset < size {
                let block = try await repository.data(package.id, offset: offset, length: Self.blockBytes)
                if block.isEmpty { return }
                try await writer.write(block)
                offset += Int64(block.count)
            }
        }
    }

    // MARK: - Changing

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        if let id: OTAPackageID = try body.id("id") {
            let stored = try await find(id, principal)
            try await checkChanges(of: stored, body, principal, now: call.now)
            guard
                let changed = try await packages.update(
                    id, tenant: principal.tenantID, additionalInfo: body.document("additionalInfo"))
            else { throw APIError.notFound(.otaPackage, id.uuid) }
            await services.actions.record(.updated(ActionSubject(changed)), by: principal)
            return .json(changed)
        }
        let package = try await described(body, principal, now: call.now)
        try await packages.insert(package)
        await services.actions.record(.added(ActionSubject(package)), by: principal)
        return .json(package)
    }

    private func checkChanges(
        of stored: OTAPackage, _ body: RequestObject, _ principal: Principal, now: Int64
    ) async throws {
        let changes = OTAPackageChanges(stored: stored)
        try changes.checkDescription(try await described(body, principal, now: now))
        try changes.checkContents(
            OTAPackageChanges.Contents(
                fileName: try body.text("fileName"), contentType: try body.text("contentType"),
                algorithm: try body.text("checksumAlgorithm"), checksum: try body.text("checksum"),
                size: try body.integer("dataSize")))
    }

    private func described(_ body: RequestObject, _ principal: Principal, now: Int64) async throws -> OTAPackage {
        guard let name = try body.text("type") else { throw APIError.invalid("Type should be specified!") }
        guard let kind = OTAPackageKind(name: name) else {
            throw APIError.malformedBody("unknown type '\(name)'")
        }
        let url = try body.storedText("url").flatMap { $0.isEmpty ? nil : $0 }
        if try body.boolean("usesUrl") ?? false, url == nil {
            throw APIError.invalid("Ota package URL should be specified!")
        }
        let package = OTAPackage(
            id: OTAPackageID(.ordered()), createdTime: now, tenantID: principal.tenantID,
            deviceProfileID: try body.id("deviceProfileId"), kind: kind, title: try body.text("title") ?? "",
            version: try body.storedText("version") ?? "", tag: try body.storedText("tag"), url: url,
            externalID: try body.uuid("externalId", .otaPackage), additionalInfo: body.document("additionalInfo"))
        var validation = Validation()
        validation.text("title", package.title)
        validation.text("version", package.version)
        validation.text("tag", package.tag)
        validation.text("url", package.url)
        try validation.check()
        _ = try Validation.name("OtaPackage title", package.title)
        if package.version.allSatisfy(\.isWhitespace) {
            throw APIError.invalid("OtaPackage version should be specified!")
        }
        if let profile = package.deviceProfileID,
            try await services.profiles.find(profile, tenant: principal.tenantID) == nil
        {
            throw APIError.invalid("OtaPackage is referencing to non-existent device profile!")
        }
        return package
    }

    @Sendable private func upload(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let package = try await find(call, principal)
        let name = try call.requiredText("checksumAlgorithm").uppercased()
        guard let algorithm = Checksum(rawValue: name) else {
            throw APIError.conversion("checksumAlgorithm", name, to: "ChecksumAlgorithm")
        }
        guard
            let parts = MultipartBody.parts(call.request.body, contentType: call.request.fields["Content-Type"] ?? ""),
            let file = parts.first(where: { $0.name == "file" })
        else { throw APIError.invalid("Required request part 'file' is not present.") }
        guard !file.bytes.isEmpty else { throw APIError.invalid("OtaPackage data should be specified!") }
        let data = Array(file.bytes)
        let fileName = String((file.fileName ?? "").prefix(255))
        let contentType = String((file.contentType ?? "application/octet-stream").prefix(255))
        if fileName.isEmpty { throw APIError.invalid("OtaPackage file name should be specified!") }
        let computed = algorithm.digits(of: data)
        if let given = call.text("checksum"), given.lowercased() != computed {
            throw APIError.invalid("Wrong otaPackage file!")
        }
        if package.url != nil { throw APIError.invalid("Updating otaPackage URL is prohibited!") }
        if package.hasData {
            try OTAPackageChanges(stored: package).checkContents(
                OTAPackageChanges.Contents(
                    fileName: fileName, contentType: contentType, algorithm: algorithm.rawValue, checksum: computed,
                    size: Int64(data.count)))
            return .json(package)
        }
        try await checkTotal(adding: data.count, principal)
        let stored = try await packages.store(
            data, in: package.id, tenant: principal.tenantID, fileName: fileName, contentType: contentType,
            algorithm: algorithm.rawValue, checksum: computed)
        guard let stored else { throw APIError.notFound(.otaPackage, package.id.uuid) }
        await services.actions.record(.updated(ActionSubject(stored)), by: principal)
        return .json(stored)
    }

    /// `maxOtaPackagesInBytes` of the tenant profile.
    private func checkTotal(adding bytes: Int, _ principal: Principal) async throws {
        let limits = try await TenantLimitsRepository(services.database).find(principal.tenantID)
        guard let maximum = limits?.configuration.value["maxOtaPackagesInBytes"]?.integerValue, maximum > 0 else {
            return
        }
        if try await packages.totalSize(tenant: principal.tenantID) + Int64(bytes) > maximum {
            throw APIError.invalid("OTA packages are limited to \(maximum) bytes of a tenant!")
        }
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let package = try await find(call, principal)
        do {
            guard try await packages.delete(package.id, tenant: principal.tenantID) else {
                throw APIError.notFound(.otaPackage, package.id.uuid)
            }
        } catch {
            guard let violation = EntityError.postgresError(error), violation.isForeignKeyViolation else { throw error }
            let thing = violation.constraint?.hasPrefix("fk_software") ?? false ? "software" : "otaPackage"
            let users = violation.constraint?.hasSuffix("_profile") ?? false ? "device profile" : "devices"
            throw APIError.invalid("The \(thing) referenced by the \(users) cannot be deleted!")
        }
        await services.actions.record(.deleted(ActionSubject(package)), by: principal)
        return .empty(200)
    }
}

extension ActionSubject {
    init(_ package: OTAPackage) {
        self.init(
            package, tenant: package.tenantID, package.id, name: package.title,
            profile: package.deviceProfileID?.entityID)
    }
}
