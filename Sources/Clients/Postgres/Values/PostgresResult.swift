internal import CPostgres

/// The rows of one statement in binary form. Owns libpq's result and frees it with the last reference.
///
/// libpq never changes a result after it was returned, so it may be read from any thread.
public final class PostgresResult: @unchecked Sendable {
    // @unchecked: the pointer is set once, freed in `deinit`, and everything behind it is read-only.
    private let raw: OpaquePointer

    /// Takes ownership of `raw`, a result that is no error.
    init(adopting raw: OpaquePointer) { self.raw = raw }

    deinit { PQclear(raw) }

    public var rowCount: Int { Int(PQntuples(raw)) }
    public var columnCount: Int { Int(PQnfields(raw)) }
    public var isEmpty: Bool { rowCount == 0 }

    /// Rows that an INSERT, UPDATE, DELETE, COPY or SELECT touched; 0 for other statements.
    public var affectedRows: Int {
        var count = 0
        var cursor = PQcmdTuples(raw)
        while let digit = cursor?.pointee, digit >= 48, digit <= 57 {
            count = count * 10 + Int(digit - 48)
            cursor = cursor?.advanced(by: 1)
        }
        return count
    }

    /// What the server did, the first word of its command tag: `INSERT`, `COMMIT`, `ROLLBACK`, ...
    public var command: String {
        String(cString: PQcmdStatus(raw)).split(separator: " ").first.map(String.init) ?? ""
    }

    /// The names of the columns in order.
    public var columns: [String] { (0..<columnCount).map { String(cString: PQfname(raw, Int32($0))) } }

    /// The index of the first column of that name. Linear in the number of columns.
    public func column(named name: String) -> Int? {
        var name = name
        return name.withUTF8 { wanted in
            for index in 0..<columnCount {
                guard let text = PQfname(raw, Int32(index)) else { continue }
                if Self.equal(text, wanted) { return index }
            }
            return nil
        }
    }

    private static func equal(_ text: UnsafePointer<CChar>, _ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
        for (index, byte) in wanted.enumerated() where UInt8(bitPattern: text[index]) != byte {
            return false  // also at the terminating zero, which no column name contains
        }
        return text[wanted.count] == 0
    }

    func type(of column: Int) -> PostgresType { PostgresType(PQftype(raw, Int32(column))) }

    /// The bytes of a cell, `nil` for NULL. They live as long as the result.
    func cell(row: Int, column: Int) -> UnsafeRawBufferPointer? {
        precondition(row >= 0 && row < rowCount, "row \(row) of \(rowCount)")
        precondition(column >= 0 && column < columnCount, "column \(column) of \(columnCount)")
        if PQgetisnull(raw, Int32(row), Int32(column)) == 1 { return nil }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(raw, Int32(row), Int32(column)), count: Int(PQgetlength(raw, Int32(row), Int32(column))))
    }
}

extension PostgresResult: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { rowCount }
    public subscript(row: Int) -> PostgresRow {
        precondition(row >= 0 && row < rowCount, "row \(row) of \(rowCount)")
        return PostgresRow(result: self, index: row)
    }
}
