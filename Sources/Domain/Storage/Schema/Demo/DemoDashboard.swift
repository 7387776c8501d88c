/// A dashboard of the demonstration: one state, widgets below each other.
struct DemoDashboard {
    struct DataKey {
        var name: String
        /// `timeseries`, `attribute` or `entityField`.
        var type: String
        var label: String
        var units = ""
    }

    struct Widget {
        var id: String
        /// The widget's name in the system's library.
        var typeFQN: String
        /// `latest` or `timeseries`.
        var kind: String
        var title: String
        var keys: [DataKey]
        var height: Int
    }

    var title: String
    var description: String
    /// The only alias: which entities the widgets show. JSON of an entity filter.
    var filter: String
    var widgets: [Widget]

    private static let aliasID = "5c1a3b1e-6f0f-4f43-9d6d-0f8a6b6a1c01"
    private static let gridColumns = 24
    private static let colors = ["#2196f3", "#4caf50", "#f44336", "#ffc107", "#607d8b", "#9c27b0"]

    /// The document as the user interface stores it.
    var configuration: String {
        var row = 0
        var placed: [String] = []
        var layout: [String] = []
        for widget in widgets {
            let place = #""sizeX":\#(Self.gridColumns),"sizeY":\#(widget.height),"row":\#(row),"col":0"#
            placed.append(#""\#(widget.id)":\#(Self.document(of: widget, place: place))"#)
            layout.append(#""\#(widget.id)":{\#(place)}"#)
            row += widget.height
        }
        return """
            {"description":"\(description)","widgets":{\(placed.joined(separator: ","))},\
            "states":{"default":{"name":"\(title)","root":true,"layouts":{"main":{\
            "widgets":{\(layout.joined(separator: ","))},\
            "gridSettings":{"backgroundColor":"#eeeeee","columns":\(Self.gridColumns),"margin":10,\
            "backgroundSizeMode":"100%"}}}}},\
            "entityAliases":{"\(Self.aliasID)":{"id":"\(Self.aliasID)","alias":"Entities","filter":\(filter)}},\
            "filters":{},\
            "timewindow":{"selectedTab":0,"realtime":{"realtimeType":0,"interval":1000,"timewindowMs":3600000},\
            "aggregation":{"type":"NONE","limit":5000}},\
            "settings":{"stateControllerId":"entity","showTitle":true,"showDashboardsSelect":true,\
            "showEntitiesSelect":true,"showDashboardTimewindow":true,"showDashboardExport":true,\
            "toolbarAlwaysOpen":true}}
            """
    }

    private static func document(of widget: Widget, place: String) -> String {
        let keys = widget.keys.enumerated().map { index, key in
            """
            {"name":"\(key.name)","type":"\(key.type)","label":"\(key.label)","units":"\(key.units)",\
            "color":"\(colors[index % colors.count])","settings":{},"_hash":0.\(1000 + index * 37)}
            """
        }
        return """
            {"typeFullFqn":"\(widget.typeFQN)","type":"\(widget.kind)",\(place),"id":"\(widget.id)",\
            "config":{"title":"\(widget.title)","showTitle":true,"dropShadow":true,"enableFullscreen":true,\
            "useDashboardTimewindow":true,"backgroundColor":"#fff","color":"rgba(0, 0, 0, 0.87)","padding":"8px",\
            "datasources":[{"type":"entity","entityAliasId":"\(aliasID)","filterId":null,\
            "dataKeys":[\(keys.joined(separator: ","))]}],"settings":{},"actions":{}}}
            """
    }
}
