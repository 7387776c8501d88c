internal import HTTPServer
internal import JSON
internal import Model
internal import Storage
internal import Telemetry

/// Devices and assets from a table (`rest-api.md` 4.4, 4.6). Every row is saved by itself; a row that cannot be is told
/// with its line and stops no other.
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

    /// One row that was saved.
    private struct Saved {
        var subject: ActionSubject
        var isNew: Bool
    }

    // MARK: - Rows

    private func importRows(
        _ request: BulkImportRequest, _ principal: Principal, now: Int64,
        _ save: (BulkImportRequest.Row) async throws -> Saved
    ) async throws -> HTTPResponse {
        var result = BulkImportResult()
        for row in request.rows {
            do {
                try await services.actions.messages.requireRoom()
                let saved = try await save(row)
                try await saveValues(of: row, saved.subject, principal, now: now)
                if saved.isNew { result.created += 1 } else { result.updated += 1 }
            } catch {
                guard let known = APIError(error), known.code != .database else { throw error }
                result.errors.append("Line \(row.line): \(known.message)")
            }
        }
        return .json(result)
    }

    /// The attributes and time series of a row.
    private func saveValues(
        of row: BulkImportRequest.Row, _ subject: ActionSubject, _ principal: Principal, now: Int64
    ) async throws {
        for (column, scope) in [(BulkImportColumn.sharedAttribute, AttributeScope.shared), (.serverAttribute, .server)]
        {
            guard let body = values(of: row, column) else { continue }
            let attributes = try TelemetryPayload.attributes(body).arena.entries
            try await services.attributes.save(
                entity: subject.entity.uuid, scope: scope, attributes, at: now)
            await services.actions.record(
                .attributesUpdated(subject, scope, attributes), by: principal,
                event: .attributesUpdated(
                    tenant: subject.tenant, entity: subject.entity, scope: scope, attributes, time: now))
        }
        guard let body = values(of: row, .timeseries) else { return }
        let payload = try TelemetryPayload.timeseries(body, now: now)
        try await services.telemetry.save(entity: subject.entity.uuid, payload.records, of: payload.arena)
        await services.actions.record(
            .timeseriesUpdated(subject, payload.records, of: payload.arena), by: principal,
            event: .timeseriesUpdated(
                tenant: subject.tenant, entity: subject.entity, payload.arena, payload.records))
    }

    /// The filled cells of a kind as a JSON object; `nil` for none.
    private func values(of row: BulkImportRequest.Row, _ type: BulkImportColumn) -> [UInt8]? {
        var object: JSONObject = [:]
        for (column, text) in row.cells where column.type == type && !text.isEmpty {
            object[column.key] = Self.typed(text)
        }
        return object.isEmpty ? nil : JSONValue.object(object).serialized()
    }

    /// A cell as the value that it looks like: a number, a truth value, or text.
    static func typed(_ text: String) -> JSONValue {
        if let integer = Int64(text) { return .integer(integer) }
        let isNumeric = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
        }
        if isNumeric, let number = Double(text), number.isFinite { return .double(number) }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: return .string(text)
        }
    }

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
        let saving = AssetSaving(services: services)
        return try await importRows(request, principal, now: call.now) { row in
            let found = try await services.assets.find(name: row[.name] ?? "", tenant: principal.tenantID)
            if found != nil, !request.updates { throw APIError.invalid("Asset with such name already exists!") }
            let body = body(row, stored: found, additionalInfo: found?.additionalInfo, profile: "assetProfileId")
            let asset =
                if let found {
                    try await saving.update(found.id, body, principal, now: call.now)
                } else {
                    try await saving.create(body, principal, .fail, now: call.now)
                }
            return Saved(subject: ActionSubject(asset), isNew: found == nil)
        }
    }

    // MARK: - Devices

    @Sendable private func importDevices(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let request = try BulkImportRequest(try call.object(), allowed: BulkImportColumn.ofDevices)
        let saving = DeviceSaving(services: services)
        return try await importRows(request, principal, now: call.now) { row in
            let found = try await services.devices.find(name: row[.name] ?? "", tenant: principal.tenantID)
            if found != nil, !request.updates { throw APIError.invalid("Device with such name already exists!") }
            let body = body(row, stored: found, additionalInfo: found?.additionalInfo, profile: "deviceProfileId")
            let credentials = try credentials(of: row)
            guard let found else {
                let device = try await saving.create(body, call, principal, .fail) { device in
                    try credentials.map { try saving.read($0, for: device.id, now: call.now).normalized() }
                        ?? DeviceCredentials.accessToken(nil, for: device.id, now: call.now)
                }
                return Saved(subject: ActionSubject(device), isNew: true)
            }
            let device = try await saving.update(found.id, body, call, principal)
            if let credentials {
                _ = try await saving.store(
                    try saving.read(credentials, for: device.id, now: call.now), of: device, credentials, principal,
                    isPartOfDevice: true)
            }
            return Saved(subject: ActionSubject(device), isNew: false)
        }
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
