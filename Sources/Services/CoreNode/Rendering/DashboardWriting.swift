internal import JSON
internal import Model
internal import Storage

extension Dashboard: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writeHead(to: &writer)
            writer.member("name", title)
            writer.document("configuration", configuration)
            writer.id("externalId", .dashboard, externalID)
            writer.key("resources")
            writer.null()
        }
    }

    fileprivate func writeHead(to writer: inout JSONWriter) {
        writer.id("id", id)
        writer.member("createdTime", createdTime)
        writer.id("tenantId", tenantID)
        writer.member("title", title)
        writer.member("image", image)
        writer.document("assignedCustomers", assignedCustomers)
        writer.member("mobileHide", mobileHide)
        writer.member("mobileOrder", mobileOrder.map(Int64.init))
        writer.member("version", version)
    }
}

/// A dashboard as lists show it: without its configuration.
struct DashboardInfo: JSONRendered {
    let dashboard: Dashboard

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            dashboard.writeHead(to: &writer)
            writer.member("name", dashboard.title)
        }
    }
}

/// A dashboard as somebody's home page.
struct HomeDashboard: JSONRendered {
    let dashboard: Dashboard
    let hidesToolbar: Bool

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            dashboard.writeHead(to: &writer)
            writer.member("name", dashboard.title)
            writer.document("configuration", dashboard.configuration)
            writer.id("externalId", .dashboard, dashboard.externalID)
            writer.key("resources")
            writer.null()
            writer.member("hideDashboardToolbar", hidesToolbar)
        }
    }
}

/// Which dashboard is the home page (`rest-api.md` 3.5, HomeDashboardInfo).
struct HomeDashboardInfo: JSONRendered {
    var dashboardID: UUID128?
    var hidesToolbar: Bool

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("dashboardId", .dashboard, dashboardID)
            writer.member("hideDashboardToolbar", hidesToolbar)
        }
    }
}
