internal import HTTPServer
internal import JSON

/// A table of entities to be made or changed (`rest-api.md` 3.6, BulkImportRequest).
struct BulkImportRequest {
    /// What a column holds.
    struct Column {
        var type: BulkImportColumn
        /// Of attributes and time series.
        var key: String
    }

    struct Row {
        /// Of the file, from 1.
        var line: Int
        var cells: [(column: Column, text: String)]

        /// The cell of a column that is there once; `nil` when the table has no such column.
        subscript(type: BulkImportColumn) -> String? { cells.first { $0.column.type == type }?.text }

        /// The same, empty cells counting as none.
        func filled(_ type: BulkImportColumn) -> String? { self[type].flatMap { $0.isEmpty ? nil : $0 } }
    }

    /// Whether entities that exist are changed; if not, they are errors.
    var updates: Bool
    var rows: [Row]

    /// Rows that one request may have.
    static let mostRows = 100_000

    /// - Parameter allowed: The columns that this kind of entity has.
    init(_ body: RequestObject, allowed: Set<BulkImportColumn>) throws(APIError) {
        guard let file = try body.text("file") else { throw .invalid("Validation error: file must not be null") }
        guard let mapping = try body.object("mapping") else {
            throw .invalid("Validation error: mapping must not be null")
        }
        let columns = try Self.columns(mapping, allowed)
        updates = try mapping.boolean("update") ?? false
        let delimiter = try mapping.text("delimiter") ?? ","
        guard let separator = delimiter.first, delimiter.count == 1, separator != "\"", !separator.isNewline else {
            throw .invalid("One character is expected in 'delimiter'")
        }
        var lines: [CSVReader.Line]
        do throws(CSVReader.Failure) {
            lines = try CSVReader.lines(of: file, separator: separator)
        } catch {
            switch error {
            case .openQuotation(let line): throw .invalid("Line \(line): a quotation mark is not closed")
            }
        }
        if try mapping.boolean("header") ?? false, !lines.isEmpty { lines.removeFirst() }
        if lines.count > Self.mostRows { throw .invalid("The file has more than \(Self.mostRows) rows") }
        rows = lines.map { line in
            Row(
                line: line.number,
                cells: zip(
                    columns, line.fields + Array(repeating: "", count: max(0, columns.count - line.fields.count))
                )
                .map { (column: $0, text: $1) })
        }
    }

    private static func columns(
        _ mapping: RequestObject, _ allowed: Set<BulkImportColumn>
    ) throws(APIError) -> [Column] {
        var columns: [Column] = []
        for element in mapping.value("columns")?.arrayValue ?? [] {
            let object = RequestObject(element.objectValue ?? [:])
            let name = try object.text("type") ?? ""
            guard let type = BulkImportColumn(rawValue: name) else {
                throw .malformedBody("unknown column type '\(name)'")
            }
            guard allowed.contains(type) else { throw .invalid("Columns of type \(name) are not supported here") }
            let key = try object.storedText("key") ?? ""
            if type.hasKey, key.isEmpty { throw .invalid("A key is expected for columns of type \(name)") }
            columns.append(Column(type: type, key: key))
        }
        guard columns.contains(where: { $0.type == .name }) else { throw .invalid("A column of type NAME is expected") }
        return columns
    }
}

/// Kinds of columns. Those of LwM2M and SNMP belong to transports that are not here.
enum BulkImportColumn: String, CaseIterable {
    case name = "NAME"
    case type = "TYPE"
    case label = "LABEL"
    case description = "DESCRIPTION"
    case isGateway = "IS_GATEWAY"
    case sharedAttribute = "SHARED_ATTRIBUTE"
    case serverAttribute = "SERVER_ATTRIBUTE"
    case timeseries = "TIMESERIES"
    case accessToken = "ACCESS_TOKEN"
    case x509 = "X509"
    case mqttClientID = "MQTT_CLIENT_ID"
    case mqttUserName = "MQTT_USER_NAME"
    case mqttPassword = "MQTT_PASSWORD"

    var hasKey: Bool { self == .sharedAttribute || self == .serverAttribute || self == .timeseries }

    static let ofAssets: Set<BulkImportColumn> = [
        .name, .type, .label, .description, .sharedAttribute, .serverAttribute, .timeseries,
    ]
    static let ofDevices = Set(allCases)
}

/// How an import went (`rest-api.md` 3.6, BulkImportResult).
struct BulkImportResult: JSONRendered {
    var created = 0
    var updated = 0
    var errors: [String] = []

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("created", created)
            writer.member("updated", updated)
            writer.member("errors", errors.count)
            writer.key("errorsList")
            writer.array { writer in for error in errors { writer.value(error) } }
        }
    }
}
