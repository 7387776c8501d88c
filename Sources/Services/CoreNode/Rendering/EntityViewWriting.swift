internal import JSON
internal import Model
internal import Storage

extension EntityView: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writeHead(to: &writer)
            writer.document("additionalInfo", additionalInfo)
        }
    }

    fileprivate func writeHead(to writer: inout JSONWriter) {
        writer.id("id", id)
        writer.member("createdTime", createdTime)
        writer.id("entityId", entity.type, entity.uuid)
        writer.id("tenantId", tenantID)
        writer.id("customerId", customerID)
        writer.member("name", name)
        writer.member("type", type)
        writer.document("keys", keys)
        writer.member("startTimeMs", startTime)
        writer.member("endTimeMs", endTime)
        writer.id("externalId", .entityView, externalID)
        writer.member("version", version)
    }
}

extension EntityViewSummary: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            view.writeHead(to: &writer)
            writer.member("customerTitle", customerTitle)
            writer.member("customerIsPublic", customerIsPublic)
            writer.document("additionalInfo", view.additionalInfo)
        }
    }
}

extension EntityRelation: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writeHead(to: &writer)
            writer.document("additionalInfo", additionalInfo)
        }
    }

    fileprivate func writeHead(to writer: inout JSONWriter) {
        writer.id("from", from.type, from.uuid)
        writer.id("to", to.type, to.uuid)
        writer.member("type", type)
        writer.member("typeGroup", group.rawValue)
        writer.member("version", version)
    }
}

/// A relation with the names of its ends, as far as they were asked for.
struct EntityRelationInfo: JSONRendered {
    let relation: EntityRelation
    var fromName: String?
    var toName: String?

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            relation.writeHead(to: &writer)
            writer.member("fromName", fromName)
            writer.member("toName", toName)
            writer.document("additionalInfo", relation.additionalInfo)
        }
    }
}
