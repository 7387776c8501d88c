/// One row of a result, with typed access to its cells.
///
/// Every accessor answers `nil` for SQL NULL. Asking for a column that the statement does not return, or for a type
/// that the column does not have, is a mistake in the program and stops the process.
public struct PostgresRow: Sendable {
    public let result: PostgresResult
    public let index: Int

    /// The index of a column by name; see ``PostgresResult/column(named:)``.
    public func column(_ name: String) -> Int {
        guard let column = result.column(named: name) else {
            preconditionFailure("no column \(name) among \(result.columns)")
        }
        return column
    }

    public func isNull(_ column: Int) -> Bool { result.cell(row: index, column: column) == nil }

    public func bool(_ column: Int) -> Bool? {
        guard let cell = cell(column, .bool) else { return nil }
        return cell[0] != 0
    }

    public func int4(_ column: Int) -> Int32? { int8(column).map { Int32(truncatingIfNeeded: $0) } }

    /// An integer of any width, or a `numeric` without fraction that fits (what `SUM` over `bigint` returns).
    public func int8(_ column: Int) -> Int64? {
        guard let cell = result.cell(row: index, column: column) else { return nil }
        switch result.type(of: column) {
        case .int8: return Int64(bitPattern: bigEndian(cell, 8))
        case .int4: return Int64(Int32(truncatingIfNeeded: bigEndian(cell, 4)))
        case .int2: return Int64(Int16(truncatingIfNeeded: bigEndian(cell, 2)))
        case .oid: return Int64(bigEndian(cell, 4))
        case .numeric: return BinaryNumeric(cell).integer
        default: mismatch(column, "an integer")
        }
    }

    public func double(_ column: Int) -> Double? {
        guard let cell = result.cell(row: index, column: column) else { return nil }
        switch result.type(of: column) {
        case .float8: return Double(bitPattern: bigEndian(cell, 8))
        case .float4: return Double(Float(bitPattern: UInt32(bigEndian(cell, 4))))
        case .numeric: return BinaryNumeric(cell).double
        case .int8, .int4, .int2: return int8(column).map(Double.init)
        default: mismatch(column, "a number")
        }
    }

    /// Text of any textual type, JSON documents included.
    public func text(_ column: Int) -> String? {
        guard let cell = utf8(column) else { return nil }
        return String(decoding: cell, as: UTF8.self)
    }

    public func uuid(_ column: Int) -> (high: UInt64, low: UInt64)? {
        guard let cell = cell(column, .uuid) else { return nil }
        return (bigEndian(cell, 8), bigEndian(UnsafeRawBufferPointer(rebasing: cell[8...]), 8))
    }

    /// The bytes of a cell of any type as the server sent them; of a `jsonb`, the text.
    public func bytes(_ column: Int) -> [UInt8]? { utf8(column).map(Array.init) }

    /// Lends the bytes of ``bytes(_:)`` without a copy; they end with the call.
    public func withBytes<R, E: Error>(
        _ column: Int, _ body: (UnsafeRawBufferPointer?) throws(E) -> R
    ) throws(E) -> R {
        try body(utf8(column))
    }

    // MARK: - By name

    public func isNull(_ name: String) -> Bool { isNull(column(name)) }
    public func bool(_ name: String) -> Bool? { bool(column(name)) }
    public func int4(_ name: String) -> Int32? { int4(column(name)) }
    public func int8(_ name: String) -> Int64? { int8(column(name)) }
    public func double(_ name: String) -> Double? { double(column(name)) }
    public func text(_ name: String) -> String? { text(column(name)) }
    public func uuid(_ name: String) -> (high: UInt64, low: UInt64)? { uuid(column(name)) }
    public func bytes(_ name: String) -> [UInt8]? { bytes(column(name)) }

    // MARK: - Raw cells

    private func utf8(_ column: Int) -> UnsafeRawBufferPointer? {
        guard let cell = result.cell(row: index, column: column) else { return nil }
        guard result.type(of: column) == .jsonb else { return cell }
        return UnsafeRawBufferPointer(rebasing: cell.dropFirst())
    }

    private func cell(_ column: Int, _ type: PostgresType) -> UnsafeRawBufferPointer? {
        guard let cell = result.cell(row: index, column: column) else { return nil }
        guard result.type(of: column) == type else { mismatch(column, "type \(type.rawValue)") }
        return cell
    }

    private func bigEndian(_ cell: UnsafeRawBufferPointer, _ width: Int) -> UInt64 {
        precondition(cell.count >= width, "\(width) bytes expected, \(cell.count) received")
        var value: UInt64 = 0
        for index in 0..<width { value = value << 8 | UInt64(cell[index]) }
        return value
    }

    private func mismatch(_ column: Int, _ wanted: String) -> Never {
        preconditionFailure(
            "column \(result.columns[column]) has type \(result.type(of: column).rawValue), \(wanted) was asked for")
    }
}
