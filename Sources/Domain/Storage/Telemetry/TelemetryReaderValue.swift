internal import JSON
internal import Postgres
internal import Telemetry

extension PostgresRow {
    /// The value in the columns `bool_v, str_v, long_v, dbl_v, json_v` from `column` on; `nil` when none is set.
    func telemetryValue(_ column: Int) -> TelemetryValue? {
        if let long = int8(column + 2) { return .long(long) }
        if let double = double(column + 3) { return .double(double) }
        if let text = text(column + 1) { return .string(text) }
        if let boolean = bool(column) { return .boolean(boolean) }
        return text(column + 4).map { .json($0) }
    }
}

extension JSONWriter {
    /// Writes the value in the columns `bool_v, str_v, long_v, dbl_v, json_v` of `row` from `column` on, straight from
    /// the row.
    ///
    /// - Parameter strict: With its type; otherwise as text (`rest-api.md` 4.9).
    mutating func value(of row: PostgresRow, from column: Int, strict: Bool) {
        if let long = row.int8(column + 2) {
            if strict { value(long) } else { raw("\"\(long)\"") }
        } else if let double = row.double(column + 3) {
            if strict { value(double) } else { value(TelemetryValue.double(double).text) }
        } else if !row.isNull(column + 1) {
            row.withBytes(column + 1) { bytes in
                guard let bytes else { return }
                value(utf8: bytes.assumingMemoryBound(to: UInt8.self))
            }
        } else if let boolean = row.bool(column) {
            if strict { value(boolean) } else { value(boolean ? "true" : "false") }
        } else {
            row.withBytes(column + 4) { bytes in
                guard let bytes else { return null() }
                if strict { raw(bytes) } else { value(utf8: bytes.assumingMemoryBound(to: UInt8.self)) }
            }
        }
    }
}
