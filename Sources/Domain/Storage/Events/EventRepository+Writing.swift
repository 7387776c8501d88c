internal import JSON
internal import Model
internal import Postgres

extension EventRepository {
    /// Inserts events of one kind by one statement. Their partitions must be there.
    func insert(_ events: [NewEvent], of kind: EventKind, service: String, maximumSymbols: Int) async throws {
        let columns =
            [("id", "uuid"), ("tenant_id", "uuid"), ("ts", "bigint"), ("entity_id", "uuid"), ("service_id", "text")]
            + kind.members.map { ("\($0.column)", Self.sqlType($0.type)) }
        let names = columns.map(\.0).joined(separator: ", ")
        var rows = JSONWriter()
        rows.array { rows in
            for event in events {
                rows.object { $0.row(event, of: kind, service: service, maximumSymbols: maximumSymbols) }
            }
        }
        _ = try await runner.query(
            """
            INSERT INTO \(kind.table) (\(names)) SELECT \(names) FROM json_to_recordset($1::text::json)
            AS event(\(columns.map { "\($0.0) \($0.1)" }.joined(separator: ", ")))
            """, [.text(String(decoding: rows.bytes, as: UTF8.self))])
    }

    private static func sqlType(_ type: EventKind.ColumnType) -> String {
        switch type {
        case .text: "text"
        case .uuid: "uuid"
        case .number: "bigint"
        case .boolean: "boolean"
        }
    }

    /// Makes the partition that holds `time`, unless another covers it.
    func makePartition(of kind: EventKind, for time: Int64, hours: Int64) async throws {
        guard let range = PartitionScheme.fixed(milliseconds: hours * 3_600_000).range(containing: time) else { return }
        do {
            // Name and bounds are computed here from numbers.
            _ = try await runner.query(
                """
                CREATE TABLE IF NOT EXISTS \(kind.table)_\(range.suffix) PARTITION OF \(kind.table)
                FOR VALUES FROM (\(range.start)) TO (\(range.end))
                """, [])
        } catch {
            // Made by somebody else meanwhile, or the range is covered by partitions of another length.
            let states = ["42P17", "42P07", "23505"]
            guard let state = EntityError.postgresError(error)?.sqlState, states.contains(state) else { throw error }
        }
    }
}

extension JSONWriter {
    /// The members of one row, named by their columns. An absent one becomes NULL.
    fileprivate mutating func row(_ event: NewEvent, of kind: EventKind, service: String, maximumSymbols: Int) {
        member("id", UUID128.ordered().text)
        member("tenant_id", event.tenantID.uuid.text)
        member("ts", event.time)
        member("entity_id", event.entity.text)
        member("service_id", service)
        func kept(_ text: String?) -> String? { text.map { NewEvent.kept($0, maximumSymbols) } }
        switch event.body {
        case .error(let method, let error):
            member("e_method", method)
            member("e_error", kept(error))
        case .lifecycle(let name, let error):
            member("e_type", name)
            member("e_success", error == nil)
            if let error { member("e_error", kept(error)) }
        case .statistics(let processed, let errors):
            member("e_messages_processed", processed)
            member("e_errors_occurred", errors)
        case .ruleNodeDebug(let message):
            member("e_type", message.direction.rawValue)
            member("e_entity_id", message.originator.uuid.text)
            member("e_entity_type", message.originator.type.name)
            member("e_msg_id", message.messageID.text)
            member("e_msg_type", kept(message.messageType))
            member("e_data_type", "JSON")
            member("e_relation_type", kept(message.label))
            member("e_data", kept(message.data))
            member("e_metadata", kept(message.metadata))
            if let error = message.error { member("e_error", kept(error)) }
        case .ruleChainDebug(let text):
            member("e_message", kept(text))
        case .calculatedFieldDebug(let calculation):
            member("cf_id", calculation.field.text)
            member("e_entity_id", calculation.entity.uuid.text)
            member("e_entity_type", calculation.entity.type.name)
            if let id = calculation.messageID { member("e_msg_id", id.text) }
            if let type = calculation.messageType { member("e_msg_type", kept(type)) }
            if let arguments = calculation.arguments { member("e_args", kept(arguments)) }
            if let result = calculation.result { member("e_result", kept(result)) }
            if let error = calculation.error { member("e_error", kept(error)) }
        }
    }
}

extension NewEvent {
    /// The beginning of a text, without what the database cannot hold.
    static func kept(_ text: String, _ maximumSymbols: Int) -> String {
        let isShort = text.utf8.count <= maximumSymbols
        if isShort, !text.utf8.contains(0) { return text }
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.lazy.filter({ $0 != "\0" }).prefix(maximumSymbols) { scalars.append(scalar) }
        return String(scalars)
    }
}
