/// Takes frames from the front of received bytes.
public struct ScriptWireReader {
    private let bytes: UnsafeRawBufferPointer
    /// Where the frames end that were taken.
    public private(set) var consumed = 0

    /// - Parameter bytes: Valid for as long as the reader and what it gives are used.
    public init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// What a worker is asked for. Texts lie in the received bytes, with a zero behind.
    public enum Request {
        case compile(call: UInt64, script: UInt64, functionName: String, program: String)
        case invoke(call: UInt64, script: UInt64, limit: UInt32, arguments: [UnsafeRawBufferPointer])
        case release(script: UInt64)
    }

    /// What a worker says.
    public enum Reply: Equatable {
        case ready
        case compiled(call: UInt64)
        case result(call: UInt64, String?)
        case failure(call: UInt64, ScriptWire.Failure, String)
    }

    /// The next request; `nil` when it is not complete.
    public mutating func nextRequest() throws(ScriptWire.Malformed) -> Request? {
        guard var frame = try nextFrame() else { return nil }
        switch ScriptWire.Request(rawValue: frame.kind) {
        case .compile:
            return .compile(
                call: frame.number, script: try frame.integer(), functionName: try frame.string(),
                program: try frame.string())
        case .invoke:
            let script: UInt64 = try frame.integer()
            let limit: UInt32 = try frame.integer()
            let count: UInt8 = try frame.integer()
            var arguments: [UnsafeRawBufferPointer] = []
            arguments.reserveCapacity(Int(count))
            for _ in 0..<count { arguments.append(try frame.text()) }
            return .invoke(call: frame.number, script: script, limit: limit, arguments: arguments)
        case .release: return .release(script: frame.number)
        case nil: throw ScriptWire.Malformed()
        }
    }

    /// The next reply; `nil` when it is not complete.
    public mutating func nextReply() throws(ScriptWire.Malformed) -> Reply? {
        guard var frame = try nextFrame() else { return nil }
        switch ScriptWire.Reply(rawValue: frame.kind) {
        case .ready: return .ready
        case .compiled: return .compiled(call: frame.number)
        case .result: return .result(call: frame.number, try frame.string())
        case .nothing: return .result(call: frame.number, nil)
        case .failure:
            let code: UInt8 = try frame.integer()
            guard let failure = ScriptWire.Failure(rawValue: code) else { throw ScriptWire.Malformed() }
            return .failure(call: frame.number, failure, try frame.string())
        case nil: throw ScriptWire.Malformed()
        }
    }

    private mutating func nextFrame() throws(ScriptWire.Malformed) -> Frame? {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[consumed...])
        guard rest.count >= 4 else { return nil }
        let length = Int(UInt32(littleEndian: rest.loadUnaligned(as: UInt32.self)))
        guard length >= ScriptWire.headerSize, length <= ScriptWire.maximumFrame else { throw ScriptWire.Malformed() }
        guard rest.count >= 4 + length else { return nil }
        consumed += 4 + length
        return Frame(
            kind: rest[4], number: UInt64(littleEndian: rest.loadUnaligned(fromByteOffset: 5, as: UInt64.self)),
            rest: UnsafeRawBufferPointer(rebasing: rest[(4 + ScriptWire.headerSize)..<(4 + length)]))
    }

    private struct Frame {
        let kind: UInt8
        let number: UInt64
        var rest: UnsafeRawBufferPointer

        mutating func integer<T: FixedWidthInteger>() throws(ScriptWire.Malformed) -> T {
            guard rest.count >= MemoryLayout<T>.size else { throw ScriptWire.Malformed() }
            defer { rest = UnsafeRawBufferPointer(rebasing: rest[MemoryLayout<T>.size...]) }
            return T(littleEndian: rest.loadUnaligned(as: T.self))
        }

        mutating func text() throws(ScriptWire.Malformed) -> UnsafeRawBufferPointer {
            let count = Int(try integer() as UInt32)
            guard rest.count > count, rest[count] == 0 else { throw ScriptWire.Malformed() }
            defer { rest = UnsafeRawBufferPointer(rebasing: rest[(count + 1)...]) }
            return UnsafeRawBufferPointer(rebasing: rest[..<count])
        }

        mutating func string() throws(ScriptWire.Malformed) -> String {
            String(decoding: try text(), as: UTF8.self)
        }
    }
}
