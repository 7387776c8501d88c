import Model
import Postgres
import Telemetry

/// The five value columns of the key-value tables as arrays for `unnest`, one element a row; exactly one is not NULL.
struct ValueColumns {
    private var booleans = PostgresArray(of: .bool)
    private var strings = PostgresArray(of: .text)
    private var longs = PostgresArray(of: .int8)
    private var doubles = PostgresArray(of: .float8)
    private var documents = PostgresArray(of: .json)

    /// The SQL names of the columns, in the order of ``parameters``.
    static let names = "bool_v, str_v, long_v, dbl_v, json_v"

    mutating func removeAll() {
        booleans.removeAll()
        strings.removeAll()
        longs.removeAll()
        doubles.removeAll()
        documents.removeAll()
    }

    /// Appends one value. `text` is that of a string or JSON value.
    mutating func append(kind: ValueKind, bits: UInt64, text: UnsafeRawBufferPointer?) {
        if kind == .boolean { booleans.append(bits != 0) } else { booleans.appendNull() }
        if kind == .string, let text { strings.append(utf8: text) } else { strings.appendNull() }
        if kind == .long { longs.append(Int64(bitPattern: bits)) } else { longs.appendNull() }
        if kind == .double { doubles.append(Double(bitPattern: bits)) } else { doubles.appendNull() }
        if kind == .json, let text { documents.append(utf8: text) } else { documents.appendNull() }
    }

    var parameters: [PostgresParameter] {
        [.array(booleans), .array(strings), .array(longs), .array(doubles), .array(documents)]
    }
}

extension CopyWriter {
    /// Appends the five value columns of one row.
    mutating func append(kind: ValueKind, bits: UInt64, text: UnsafeRawBufferPointer?) {
        if kind == .boolean { append(bits != 0) } else { appendNull() }
        if kind == .string, let text { append(bytes: text) } else { appendNull() }
        if kind == .long { append(Int64(bitPattern: bits)) } else { appendNull() }
        if kind == .double { append(Double(bitPattern: bits)) } else { appendNull() }
        if kind == .json, let text { append(bytes: text) } else { appendNull() }
    }
}
