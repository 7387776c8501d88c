internal import Bytes
internal import Glibc

/// A ledger on disk, open for appending by several loops.
///
/// Each loop gathers records in a ``LedgerPage`` of its own and hands it over every few milliseconds; a page goes out in
/// one `write` on a descriptor opened for appending, so the records of loops do not mix.
public final class LedgerFile: Sendable {
    private let descriptor: Int32

    /// Opens `path` and goes on behind the last whole record, or begins a new ledger.
    public init(path: String, payload: PayloadType) throws(LedgerError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system(operation: "open \(path)", code: errno) }
        self.descriptor = descriptor
        do {
            try Self.prepare(descriptor, payload: payload)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    private static func prepare(_ descriptor: Int32, payload: PayloadType) throws(LedgerError) {
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard size >= LedgerFormat.headerSize else {
            guard ftruncate(descriptor, 0) == 0 else { throw .system(operation: "ftruncate", code: errno) }
            return try write(LedgerFormat.header(payload: payload).span.bytes, to: descriptor)
        }
        var header = [UInt8](repeating: 0, count: LedgerFormat.headerSize)
        guard pread(descriptor, &header, header.count, 0) == header.count else {
            throw .system(operation: "read", code: errno)
        }
        let found = try LedgerFormat.decodeHeader(header[...])
        guard found == payload else { throw .otherPayload(found) }
        let whole = size - (size - LedgerFormat.headerSize) % LedgerFormat.recordSize
        guard ftruncate(descriptor, whole) == 0 else { throw .system(operation: "ftruncate", code: errno) }
    }

    /// Writes the page out and empties it. Safe from any thread.
    func write(_ page: inout LedgerPage) throws(LedgerError) {
        guard !page.buffer.isEmpty else { return }
        let result = page.buffer.withUnsafeBytes { raw -> LedgerError? in
            do throws(LedgerError) {
                try Self.write(raw.bytes, to: descriptor)
                return nil
            } catch {
                return error
            }
        }
        page.buffer.removeAll()
        if let result { throw result }
    }

    private static func write(_ bytes: RawSpan, to descriptor: Int32) throws(LedgerError) {
        let failure = bytes.withUnsafeBytes { raw -> Int32 in
            var done = 0
            while done < raw.count {
                // Not empty, so there is an address.
                let count = Glibc.write(descriptor, raw.baseAddress! + done, raw.count - done)
                if count > 0 { done += count } else if errno != EINTR { return errno }
            }
            return 0
        }
        if failure != 0 { throw .system(operation: "write the ledger", code: failure) }
    }
}

/// Records of one loop that are not yet in the file.
struct LedgerPage: ~Copyable {
    fileprivate(set) var buffer = ByteBuffer()

    var byteCount: Int { buffer.count }

    mutating func append(_ record: LedgerRecord) {
        LedgerFormat.append(record, to: &buffer)
    }
}

/// What a ledger says, ordered by device and time, without repetitions.
public struct LedgerContents: Sendable, Equatable {
    public var payload: PayloadType
    /// Per device, in ascending order of the device: its time stamps, ascending.
    public var devices: [(device: UInt32, timestamps: [Int64])]

    public var recordCount: Int { devices.reduce(0) { $0 + $1.timestamps.count } }

    public static func == (a: LedgerContents, b: LedgerContents) -> Bool {
        a.payload == b.payload && a.devices.elementsEqual(b.devices) { $0 == $1 }
    }

    public init(payload: PayloadType, records: [LedgerRecord]) {
        self.payload = payload
        devices = []
        var last: LedgerRecord?
        for record in records.sorted() where record != last {
            if record.device == last?.device {
                devices[devices.count - 1].timestamps.append(record.timestamp)
            } else {
                devices.append((record.device, [record.timestamp]))
            }
            last = record
        }
    }

    /// Reads a ledger; a record that is cut off at the end is ignored.
    public init(readingFile path: String) throws(LedgerError) {
        let bytes = try SystemFile.read(path)
        let payload = try LedgerFormat.decodeHeader(bytes[...])
        self.init(payload: payload, records: LedgerFormat.decodeRecords(bytes[LedgerFormat.headerSize...]))
    }
}
