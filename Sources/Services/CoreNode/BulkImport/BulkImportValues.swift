internal import JSON
internal import Model
internal import Telemetry

/// The attributes and time series in a row of an import.
enum BulkImportValues {
    typealias Attributes = (scope: AttributeScope, attributes: [(key: String, value: TelemetryValue)])

    /// By scope.
    static func attributes(of row: BulkImportRequest.Row) throws(APIError) -> [Attributes] {
        var found: [Attributes] = []
        for (column, scope) in [(BulkImportColumn.sharedAttribute, AttributeScope.shared), (.serverAttribute, .server)]
        {
            guard let body = values(of: row, column) else { continue }
            let payload = try TelemetryPayload.attributes(body)
            try payload.check()
            found.append((scope, payload.arena.entries))
        }
        return found
    }

    /// `nil` when the row has none.
    static func timeseries(of row: BulkImportRequest.Row, now: Int64) throws(APIError) -> TelemetryPayload? {
        guard let body = values(of: row, .timeseries) else { return nil }
        let payload = try TelemetryPayload.timeseries(body, now: now)
        try payload.check()
        return payload
    }

    /// The filled cells of a kind as a JSON object; `nil` for none.
    private static func values(of row: BulkImportRequest.Row, _ type: BulkImportColumn) -> [UInt8]? {
        var object: JSONObject = [:]
        for (column, text) in row.cells where column.type == type && !text.isEmpty {
            object[column.key] = typed(text)
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
}
