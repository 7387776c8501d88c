internal import Bytes

/// One acknowledged message: which device, and the time stamp that no other message of that device has.
public struct LedgerRecord: Hashable, Sendable, Comparable {
    /// Number of the device, as in its name: 17 for `DW00000017`.
    public var device: UInt32
    /// Milliseconds since 1970.
    public var timestamp: Int64

    public init(device: UInt32, timestamp: Int64) {
        self.device = device
        self.timestamp = timestamp
    }

    public static func < (a: LedgerRecord, b: LedgerRecord) -> Bool {
        (a.device, a.timestamp) < (b.device, b.timestamp)
    }
}

/// The file format of a ledger.
///
///     header, 16 bytes   "needletail" 0x01 | payload type, 1 byte | 0 0 0 0
///     record, 12 bytes   device, 4 bytes | time stamp, 8 bytes         big-endian, any number of them
///
/// Records are only ever appended. A record that is cut off at the end of the file was being written when the process
/// died; readers ignore it and writers remove it.
enum LedgerFormat {
    static let headerSize = 16
    static let recordSize = 12
    private static let magic = Array("needletail".utf8) + [1]

    static func header(payload: PayloadType) -> [UInt8] {
        let code = UInt8(PayloadType.allCases.firstIndex(of: payload)!)  // allCases has every case
        return magic + [code, 0, 0, 0, 0]
    }

    /// The payload type of the messages.
    static func decodeHeader(_ bytes: ArraySlice<UInt8>) throws(LedgerError) -> PayloadType {
        guard bytes.count >= headerSize, bytes.starts(with: magic) else { throw .notALedger }
        let code = Int(bytes[bytes.startIndex + magic.count])
        guard PayloadType.allCases.indices.contains(code) else { throw .notALedger }
        return PayloadType.allCases[code]
    }

    static func append(_ record: LedgerRecord, to buffer: inout ByteBuffer) {
        buffer.append(bigEndian: record.device)
        buffer.append(bigEndian: record.timestamp)
    }

    static func decodeRecords(_ bytes: ArraySlice<UInt8>) -> [LedgerRecord] {
        let count = bytes.count / recordSize
        var records: [LedgerRecord] = []
        records.reserveCapacity(count)
        bytes.withUnsafeBytes { raw in
            for offset in stride(from: 0, to: count * recordSize, by: recordSize) {
                records.append(
                    LedgerRecord(
                        device: UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)),
                        timestamp: Int64(bigEndian: raw.loadUnaligned(fromByteOffset: offset + 4, as: Int64.self))))
            }
        }
        return records
    }
}

/// Why a ledger cannot be read or written.
public enum LedgerError: Error, Equatable, CustomStringConvertible {
    /// The file does not begin like a ledger.
    case notALedger
    /// The ledger was written with other messages than those now asked for.
    case otherPayload(PayloadType)
    /// The system refused; `code` is the errno.
    case system(operation: String, code: Int32)

    public var description: String {
        switch self {
        case .notALedger: "the file is not a ledger of the load tester"
        case .otherPayload(let type): "the ledger holds \(type.rawValue) messages"
        case .system(let operation, let code): "\(operation): \(SystemError.text(code))"
        }
    }
}
