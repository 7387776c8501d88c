internal import JSON
internal import Model
internal import Storage

extension StoredEvent {
    /// - Parameter type: Of the entity, which the table does not say.
    func write(of type: EntityType, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("id")
            writer.object { $0.member("id", id.text) }
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.member("type", kind.rawValue)
            writer.member("uid", id.text)
            writer.id("entityId", type, entity)
            writer.key("body")
            writeBody(to: &writer)
        }
    }

    func writeBody(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("server", service)
            for (member, value) in body {
                switch value {
                case .text(let text): writer.member(member, text)
                case .uuid(let uuid): writer.member(member, uuid.text)
                case .number(let number): writer.member(member, number)
                case .boolean(let flag): writer.member(member, flag)
                }
            }
        }
    }
}
