internal import JSON
internal import Model
internal import Storage

extension WidgetsBundle: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.member("alias", alias)
            writer.member("title", title)
            writer.member("image", image)
            writer.member("scada", isSCADA)
            writer.member("description", description)
            writer.member("order", order.map(Int64.init))
            writer.id("externalId", .widgetsBundle, externalID)
            writer.member("version", version)
            writer.member("name", title)
        }
    }
}

extension WidgetType: JSONRendered {
    /// How much is told of a widget type.
    enum Form {
        /// What a dashboard needs to draw it.
        case plain
        /// What an editor needs.
        case details
        /// What a list shows.
        case info
    }

    func write(to writer: inout JSONWriter) { write(as: .plain, to: &writer) }

    func write(as form: Form, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.member("fqn", fqn)
            writer.member("name", name)
            writer.member("deprecated", isDeprecated)
            writer.member("scada", isSCADA)
            writer.member("version", version)
            if form != .plain {
                writer.member("image", image)
                writer.member("description", description)
                writer.key("tags")
                writer.array { writer in for tag in tags { writer.value(tag) } }
            }
            if form != .info { writer.document("descriptor", descriptor) }
            if form == .details {
                writer.id("externalId", .widgetType, externalID)
                writer.key("resources")
                writer.null()
            }
            if form == .info { writeListed(to: &writer) }
        }
    }

    private func writeListed(to writer: inout JSONWriter) {
        writer.member("widgetType", kind)
        writer.key("bundles")
        writer.array { writer in
            for bundle in bundles?.value.arrayValue ?? [] {
                writer.object { writer in
                    writer.id("id", .widgetsBundle, bundle["id"]?.stringValue.flatMap { UUID128($0) })
                    writer.member("name", bundle["name"]?.stringValue)
                }
            }
        }
    }
}
