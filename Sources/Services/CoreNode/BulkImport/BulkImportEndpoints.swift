internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Devices and assets from a table (`rest-api.md` 4.4, 4.6). A row that cannot be saved is told with its line and stops no
/// other.
struct BulkImportEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/device/bulk_import", roles: .tenant, importDevices)
                .docs("Creates or changes devices from a table", body: "BulkImportRequest", answer: "BulkImportResult"),
            Endpoint(.post, "/api/asset/bulk_import", roles: .tenant, importAssets)
                .docs("Creates or changes assets from a table", body: "BulkImportRequest", answer: "BulkImportResult"),
        ]
    }

    static let schemas = ["BulkImportRequest": "file:string! mapping:any!"]

    // MARK: - Rows

    /// `additionalInfo` with what the row says; `nil` for none.
    private func additionalInfo(_ stored: RawJSON?, _ row: BulkImportRequest.Row) -> JSONValue? {
        var info = stored?.value.objectValue ?? [:]
        if let description = row.filled(.description) { info["description"] = .string(description) }
        if let gateway = row.filled(.isGateway) { info["gateway"] = .bool(gateway.lowercased() == "true") }
        return info.isEmpty ? nil : .object(info)
    }

    /// What a row says of a device or asset, over what is stored.
    private func body(
        _ row: BulkImportRequest.Row, stored: (any JSONRendered)?, additionalInfo info: RawJSON?, profile: String
    ) -> RequestObject {
        var members: JSONObject = [:]
        if let stored {
            var writer = JSONWriter()
            stored.write(to: &writer)
            members = (try? JSONValue.parse(writer.bytes))?.objectValue ?? [:]
            members["version"] = nil
        }
        members["name"] = .string(row[.name] ?? "")
        if let label = row.filled(.label) { members["label"] = .string(label) }
        if let type = row.filled(.type) {
            members["type"] = .string(type)
            members[profile] = nil
        }
        members["additionalInfo"] = additionalInfo(info, row)
        return RequestObject(members)
    }

    // MARK: - Assets

    @Sendable private func importAssets(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let request = try BulkImportRequest(try call.object(), allowed: BulkImportColumn.ofAssets)
        let importer = BulkImporter<Asset>(
            services: services, principal: principal, now: call.now,
            find: { services, names in
                try await services.assets.find(names: names, tenant: principal.tenantID).map { ($0.name, $0) }
            },
            save: { services, known, row, found in
                if found != nil, !request.updates { throw APIError.invalid("Asset with such name already exists!") }
                let saving = AssetSaving(services: services, known: known)
                let body = body(row, stored: found, additionalInfo: found?.additionalInfo, profile: "assetProfileId")
                let asset =
                    if let found {
                        try await saving.update(found, body, principal, now: call.now)
                    } else {
                        try await saving.create(body, principal, .fail, now: call.now)
                    }
                var subject = ActionSubject(asset)
                subject.route = known?.route(of: asset)
                return BulkImporter.Saved(subject: subject, isNew: found == nil)
            })
        return .json(try await importer.run(request.rows))
    }

    // MARK: - Devices

    @Sendable private func importDevices(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let request = try BulkImportRequest(try call.object(), allowed: BulkImportColumn.ofDevices)
        let importer = BulkImporter<Device>(
            services: services, principal: principal, now: call.now,
            find: { services, names in
                try await services.devices.find(names: names, tenant: principal.tenantID).map { ($0.name, $0) }
            },
            save: { services, known, row, found in
                if found != nil, !request.updates { throw APIError.invalid("Device with such name already exists!") }
                let saving = DeviceSaving(services: services, known: known)
                return try await save(row, over: found, saving, call, principal)
            })
        return .json(try await importer.run(request.rows))
    }

    private func save(
        _ row: BulkImportRequest.Row, over found: Device?, _ saving: DeviceSaving, _ call: Call,
        _ principal: Principal
    ) async throws -> BulkImporter<Device>.Saved {
        func saved(_ device: Device) -> BulkImporter<Device>.Saved {
            var subject = ActionSubject(device)
            subject.route = saving.known?.route(of: device)
            return BulkImporter.Saved(subject: subject, isNew: found == nil)
        }
        let body = body(row, stored: found, additionalInfo: found?.additionalInfo, profile: "deviceProfileId")
        let credentials = try credentials(of: row)
        guard let found else {
            return saved(
                try await saving.create(body, call, principal, .fail) { device in
                    try credentials.map { try saving.read($0, for: device.id, now: call.now).normalized() }
                        ?? DeviceCredentials.accessToken(nil, for: device.id, now: call.now)
                })
        }
        let device = try await saving.update(found, body, principal, now: call.now)
        if let credentials {
            _ = try await saving.store(
                try saving.read(credentials, for: device.id, now: call.now), of: device, credentials, principal,
                isPartOfDevice: true)
        }
        return saved(device)
    }

    /// The credentials in a row, in the form of a request; `nil` when it has none.
    private func credentials(of row: BulkImportRequest.Row) throws(APIError) -> RequestObject? {
        let basic: [(String, String)] = [
            ("clientId", BulkImportColumn.mqttClientID), ("userName", .mqttUserName), ("password", .mqttPassword),
        ].compactMap { member, column in row.filled(column).map { (member, $0) } }
        var kinds: [JSONObject] = []
        if let token = row.filled(.accessToken) {
            kinds.append(["credentialsType": "ACCESS_TOKEN", "credentialsId": .string(token)])
        }
        if let certificate = row.filled(.x509) {
            kinds.append(["credentialsType": "X509_CERTIFICATE", "credentialsValue": .string(certificate)])
        }
        if !basic.isEmpty {
            let value = JSONValue.object(JSONObject(basic.map { ($0.0, .string($0.1)) })).serializedString
            kinds.append(["credentialsType": "MQTT_BASIC", "credentialsValue": .string(value)])
        }
        if kinds.count > 1 { throw .invalid("Credentials of more than one type") }
        return kinds.first.map { RequestObject($0) }
    }
}
