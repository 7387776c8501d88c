internal import JSON
internal import Model
internal import Storage

extension CalculatedField: JSONRendered {
    func write(to writer: inout JSONWriter) { write(to: &writer, entityName: nil) }

    /// - Parameters:
    ///   - isAlarmRule: In the form of the paths of alarm rules, which leave the type out.
    ///   - entityName: Of lists.
    func write(to writer: inout JSONWriter, isAlarmRule: Bool = false, entityName: String?) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.id("entityId", entity.type, entity.uuid)
            if !isAlarmRule { writer.member("type", type) }
            writer.member("name", name)
            writer.document("debugSettings", debugSettings)
            writer.member("configurationVersion", Int64(configurationVersion))
            writer.document("configuration", configuration)
            writer.member("version", version)
            writer.document("additionalInfo", additionalInfo)
            if let entityName { writer.member("entityName", entityName) }
        }
    }
}

extension ActionSubject {
    init(_ field: CalculatedField) {
        self.init(field, tenant: field.tenantID, field.id, name: field.name)
    }
}
