internal import CPostgres

#if canImport(Glibc)
internal import Glibc
#endif

extension PostgresConnection {
    /// Sends rows by binary COPY; returns how many were stored. Blocks.
    ///
    ///     try connection.copyIn("COPY t (id, ts) FROM STDIN (FORMAT binary)") { writer in
    ///         writer.beginRow(columns: 2)
    ///         writer.append(uuidHigh: id.high, low: id.low)
    ///         writer.append(ts)
    ///     }
    ///
    /// The values' widths must be those of the columns: binary COPY converts nothing. When `body` or the server
    /// fails, no row of this COPY is stored; outside a transaction block the connection is ready for the next call.
    @discardableResult
    public func copyIn(
        _ sql: String, _ body: (inout CopyWriter) throws(PostgresError) -> Void
    ) throws(PostgresError) -> Int {
        let raw = try handle()
        precondition(!pipeline.isActive, "a blocking call on a connection in pipeline mode")
        try startCopy(sql, on: raw)
        let buffer = copyBuffer ?? .allocate(byteCount: CopyWriter.bufferSize, alignment: 16)
        copyBuffer = buffer
        var writer = CopyWriter(connection: raw, buffer: buffer)
        do throws(PostgresError) {
            try body(&writer)
            try writer.finish()
        } catch {
            // Ends the COPY on the server's side with an error of its own, which is the same failure.
            PQputCopyEnd(raw, "abandoned by the client")
            drain(raw)
            throw error
        }
        return try endCopy(on: raw)
    }

    private func startCopy(_ sql: String, on raw: OpaquePointer) throws(PostgresError) {
        guard let result = PQexec(raw, sql) else { throw PostgresError(connection: raw) }
        guard PQresultStatus(result) == PGRES_COPY_IN else {
            _ = try take(result)
            preconditionFailure("the statement given to copyIn is not COPY ... FROM STDIN")
        }
        PQclear(result)
    }

    private func endCopy(on raw: OpaquePointer) throws(PostgresError) -> Int {
        guard PQputCopyEnd(raw, nil) == 1 else { throw PostgresError(connection: raw) }
        var outcome: Result<Int, PostgresError>?
        while let result = PQgetResult(raw) {
            do throws(PostgresError) {
                let taken = try take(result)
                if outcome == nil { outcome = .success(taken.affectedRows) }
            } catch {
                outcome = .failure(error)
            }
        }
        guard let outcome else { throw PostgresError(connection: raw) }
        return try outcome.get()
    }

    private func drain(_ raw: OpaquePointer) {
        while let result = PQgetResult(raw) { PQclear(result) }
    }
}

/// Writes rows in the form of binary COPY into a buffer that is sent whenever it is full.
///
/// A row is `beginRow(columns:)` and then exactly as many appended values. A failure of the connection is kept and
/// thrown at the end, so that appending stays cheap.
public struct CopyWriter: ~Copyable {
    /// Large enough that a system call carries some ten thousand rows; libpq keeps as much again.
    static let bufferSize = 1 << 20

    private let connection: OpaquePointer
    private let buffer: UnsafeMutableRawBufferPointer
    private let base: UnsafeMutableRawPointer
    private var position = 0
    private var failure: PostgresError?

    init(connection: OpaquePointer, buffer: UnsafeMutableRawBufferPointer) {
        self.connection = connection
        self.buffer = buffer
        guard let base = buffer.baseAddress else { preconditionFailure("an empty copy buffer") }
        self.base = base
        // Signature, flags, length of the header's extension.
        let header: [UInt8] = [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        buffer.copyBytes(from: header)
        position = header.count
    }

    public mutating func beginRow(columns: Int) {
        reserve(2)
        store(Int16(columns))
    }

    public mutating func appendNull() {
        reserve(4)
        store(Int32(-1))
    }

    public mutating func append(_ value: Bool) {
        reserve(5)
        store(Int32(1))
        base.storeBytes(of: value ? 1 : 0, toByteOffset: position, as: UInt8.self)
        position += 1
    }

    /// A column of type `integer`.
    public mutating func append(_ value: Int32) {
        reserve(8)
        store(Int32(4))
        store(value)
    }

    /// A column of type `bigint`.
    public mutating func append(_ value: Int64) {
        reserve(12)
        store(Int32(8))
        store(value)
    }

    /// A column of type `double precision`.
    public mutating func append(_ value: Double) {
        reserve(12)
        store(Int32(8))
        store(value.bitPattern)
    }

    public mutating func append(uuidHigh high: UInt64, low: UInt64) {
        reserve(20)
        store(Int32(16))
        store(high)
        store(low)
    }

    /// A textual column, or one of type `json`.
    public mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// A column of type `bytea`, or of a textual type when the bytes are valid UTF-8.
    public mutating func append(bytes: UnsafeRawBufferPointer) {
        reserve(4)
        store(Int32(bytes.count))
        var rest = bytes[...]
        while !rest.isEmpty {
            reserve(1)
            let part = rest.prefix(buffer.count - position)
            UnsafeMutableRawBufferPointer(rebasing: buffer[position...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: part))
            position += part.count
            rest = rest.dropFirst(part.count)
        }
    }

    // MARK: - Buffer

    /// Makes room for `count` bytes, far fewer than the buffer holds.
    @inline(__always)
    private mutating func reserve(_ count: Int) {
        if buffer.count - position < count { flush() }
    }

    @inline(__always)
    private mutating func store(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes in
            base.advanced(by: position).copyMemory(from: bytes.baseAddress.unsafelyUnwrapped, byteCount: bytes.count)
        }
        position += MemoryLayout.size(ofValue: value)
    }

    private mutating func flush() {
        if failure == nil, position > 0 {
            let sent = PQputCopyData(connection, base.assumingMemoryBound(to: CChar.self), Int32(position))
            if sent != 1 { failure = PostgresError(connection: connection) }
        }
        position = 0
    }

    /// Writes the trailer and sends what is left.
    mutating func finish() throws(PostgresError) {
        reserve(2)
        store(Int16(-1))
        flush()
        if let failure { throw failure }
    }
}
