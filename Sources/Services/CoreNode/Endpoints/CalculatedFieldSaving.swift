internal import CalculatedFields
internal import JSON
internal import Messages
internal import Model
internal import Postgres
internal import Storage

/// Saves calculated fields and alarm rules (`rest-api.md` 4.20, `rule-engine.md` 7.3).
struct CalculatedFieldSaving: Sendable {
    let services: Services
    let principal: Principal
    let now: Int64

    func save(_ body: RequestObject, _ type: FieldType) async throws -> CalculatedField {
        guard let entity = try body.entity("entityId") else {
            throw APIError.invalid("Validation error: entityId must not be null")
        }
        guard FieldType.entityTypes.contains(entity.type) else {
            throw APIError.invalid("Entity type '\(entity.type.name)' does not support calculated fields")
        }
        _ = try await EntityAccess.check(entity, principal, .write, in: services)
        let configuration = try configuration(body, type)
        for referenced in configuration.referencedEntities where referenced.type != .tenant {
            _ = try await EntityAccess.check(referenced, principal, .read, in: services)
        }
        for referenced in configuration.referencedEntities
        where referenced.type == .tenant && referenced.uuid != principal.tenantID.uuid {
            throw APIError.permissionDenied
        }
        var field = try described(body, entity, configuration)
        let minutes = try await services.debugMinutes(of: principal.tenantID)
        field.debugSettings = try RuleChainRequest.debugSettings(body, until: now + minutes * 60_000)
        let id: CalculatedFieldID? = try body.id("id")
        do {
            let stored = try await stored(id)
            if let stored, stored.entity != entity {
                throw APIError.invalid(
                    "Changing the calculated field target entity after initialization is prohibited.")
            }
            try CalculatedFieldAccess.check(entity, type)
            try await checkLimits(field, configuration, isNew: stored == nil)
            guard let stored else { return try await insert(&field) }
            field.id = stored.id
            field.createdTime = stored.createdTime
            return try await update(field, replacing: try body.integer("version"))
        } catch {
            var refused = field
            if id == nil { refused.id = .null }
            let subject = ActionSubject(refused)
            await services.actions.recordFailure(
                id == nil ? .added(subject) : .updated(subject), by: principal, error)
            throw error
        }
    }

    private func configuration(_ body: RequestObject, _ type: FieldType) throws -> FieldConfiguration {
        guard let given = body.value("configuration") else {
            throw APIError.invalid("Validation error: configuration must not be null")
        }
        var document = given.withoutNullCharacters
        // Alarm rules need not say that they are some.
        if type == .alarm, document["type"] == nil { document["type"] = .string(type.rawValue) }
        do throws(FieldError) {
            return try FieldConfiguration(document, type: type)
        } catch {
            throw APIError(error)
        }
    }

    private func described(
        _ body: RequestObject, _ entity: EntityID, _ configuration: FieldConfiguration
    ) throws -> CalculatedField {
        let name = try body.storedText("name")
        var validation = Validation()
        validation.text("name", name)
        try validation.check()
        let thing: StaticString = configuration.type == .alarm ? "Alarm type" : "Calculated field name"
        return CalculatedField(
            id: .null, createdTime: now, tenantID: principal.tenantID, entity: entity,
            type: configuration.type.rawValue, name: try Validation.name(thing, name),
            configurationVersion: Int32(clamping: try body.integer("configurationVersion") ?? 0),
            configuration: RawJSON(configuration.document), debugSettings: nil,
            additionalInfo: body.storedDocument("additionalInfo"))
    }

    private func stored(_ id: CalculatedFieldID?) async throws -> CalculatedField? {
        guard let id else { return nil }
        guard let stored = try await services.calculatedFields.find(id, tenant: principal.tenantID) else {
            throw APIError.notFound(.calculatedField, id.uuid)
        }
        return stored
    }

    /// What the tenant profile allows.
    private func checkLimits(
        _ field: CalculatedField, _ configuration: FieldConfiguration, isNew: Bool
    ) async throws {
        func limit(_ key: String, _ fallback: Int64) async throws -> Int64 {
            try await services.limits.number(key, default: fallback, tenant: field.tenantID, now: now)
        }
        let arguments = try await limit("maxArgumentsPerCF", 10)
        if arguments > 0, configuration.arguments.count > arguments {
            throw APIError.invalid("Calculated field arguments limit reached!")
        }
        guard isNew, configuration.type != .alarm else { return }
        let fields = try await limit("maxCalculatedFieldsPerEntity", 5)
        guard fields > 0 else { return }
        if try await services.calculatedFields.count(of: field.entity, tenant: field.tenantID) >= fields {
            throw APIError.invalid("Calculated fields per entity limit reached!")
        }
    }

    // MARK: - Writing

    private func insert(_ field: inout CalculatedField) async throws -> CalculatedField {
        field.id = CalculatedFieldID(.ordered())
        do {
            try await services.calculatedFields.insert(field)
        } catch {
            throw renamed(error, field)
        }
        await services.actions.record(
            .added(ActionSubject(field)), by: principal,
            event: .calculatedFieldChanged(tenant: field.tenantID, field: field.id, .created))
        await services.actions.beginField(field, now: now)
        return field
    }

    private func update(_ field: CalculatedField, replacing version: Int64?) async throws -> CalculatedField {
        let updated: CalculatedField
        do {
            updated = try await services.calculatedFields.update(field, replacing: version)
        } catch {
            throw renamed(error, field)
        }
        await services.actions.record(
            .updated(ActionSubject(updated)), by: principal,
            event: .calculatedFieldChanged(tenant: field.tenantID, field: field.id, .updated))
        await services.actions.beginField(updated, now: now)
        return updated
    }

    /// A taken name is a taken type where alarm rules are concerned.
    private func renamed(_ error: any Error, _ field: CalculatedField) -> any Error {
        guard field.type == FieldType.alarm.rawValue, let violation = EntityError.postgresError(error),
            violation.isUniqueViolation
        else { return error }
        return APIError.invalid("Alarm rule with such type already exists")
    }
}
