// ServiceInfoProto of Protos/cluster.proto. Fields that this release does not know are skipped.

/// The data of a node is no ServiceInfoProto.
public struct MalformedServiceInfo: Error, Sendable, Equatable, CustomStringConvertible {
    public let offset: Int
    public var description: String { "malformed service info at byte \(offset)" }
}

extension ServiceInfo {
    public func encoded() -> [UInt8] {
        var writer = FieldWriter()
        writer.text(1, id)
        for type in types { writer.text(2, type) }
        for transport in transports { writer.text(3, transport) }
        writer.bytes(4, system.encoded())
        for profile in assignedTenantProfiles { writer.text(5, profile) }
        if !label.isEmpty { writer.text(6, label) }
        writer.number(7, isReady ? 1 : 0)
        for type in taskTypes { writer.text(8, type) }
        writer.number(50, corePartitions)
        writer.number(51, doubtsKafka ? 1 : 0)
        return writer.output
    }

    public init(decoding bytes: [UInt8]) throws(MalformedServiceInfo) {
        self.init(id: "", roles: [])
        var reader = FieldReader(bytes[...])
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let value)): id = String(decoding: value, as: UTF8.self)
            case (2, .bytes(let value)): types.append(String(decoding: value, as: UTF8.self))
            case (3, .bytes(let value)): transports.append(String(decoding: value, as: UTF8.self))
            case (4, .bytes(let value)): system = try SystemInfo(decoding: value)
            case (5, .bytes(let value)): assignedTenantProfiles.append(String(decoding: value, as: UTF8.self))
            case (6, .bytes(let value)): label = String(decoding: value, as: UTF8.self)
            case (7, .number(let value)): isReady = value != 0
            case (8, .bytes(let value)): taskTypes.append(String(decoding: value, as: UTF8.self))
            case (50, .number(let value)): corePartitions = Int(truncatingIfNeeded: value)
            case (51, .number(let value)): doubtsKafka = value != 0
            default: break
            }
        }
        // A node without an id names nobody.
        if id.isEmpty { throw MalformedServiceInfo(offset: bytes.count) }
    }
}

extension SystemInfo {
    fileprivate func encoded() -> [UInt8] {
        var writer = FieldWriter()
        for (number, value) in [cpuUsage, cpuCount, memoryUsage, totalMemoryBytes, diskUsage, totalDiskBytes]
            .enumerated()
        {
            writer.number(number + 1, value)
        }
        return writer.output
    }

    fileprivate init(decoding bytes: ArraySlice<UInt8>) throws(MalformedServiceInfo) {
        var reader = FieldReader(bytes)
        while let field = try reader.next() {
            guard case .number(let bits) = field.value else { continue }
            let value = Int(truncatingIfNeeded: bits)
            switch field.number {
            case 1: cpuUsage = value
            case 2: cpuCount = value
            case 3: memoryUsage = value
            case 4: totalMemoryBytes = value
            case 5: diskUsage = value
            case 6: totalDiskBytes = value
            default: break
            }
        }
    }
}

/// Writes fields of a protobuf message; zero and empty values are left out, as proto3 does.
private struct FieldWriter {
    var output: [UInt8] = []

    mutating func number(_ field: Int, _ value: Int) {
        guard value != 0 else { return }
        variable(UInt64(field) << 3)
        variable(UInt64(bitPattern: Int64(value)))
    }

    mutating func text(_ field: Int, _ value: String) {
        bytes(field, Array(value.utf8))
    }

    mutating func bytes(_ field: Int, _ value: [UInt8]) {
        variable(UInt64(field) << 3 | 2)
        variable(UInt64(value.count))
        output += value
    }

    private mutating func variable(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.append(UInt8(rest))
    }
}

private struct FieldReader {
    enum Value {
        case number(UInt64)
        case bytes(ArraySlice<UInt8>)
        case other
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    mutating func next() throws(MalformedServiceInfo) -> (number: Int, value: Value)? {
        guard !rest.isEmpty else { return nil }
        let key = try variable()
        let number = Int(key >> 3 & 0x1FFF_FFFF)
        switch key & 7 {
        case 0: return (number, .number(try variable()))
        case 1: return (number, try skip(8))
        case 2:
            let count = try variable()
            guard count <= UInt64(rest.count) else { throw MalformedServiceInfo(offset: rest.startIndex) }
            let value = rest.prefix(Int(count))
            rest = rest.dropFirst(Int(count))
            return (number, .bytes(value))
        case 5: return (number, try skip(4))
        default: throw MalformedServiceInfo(offset: rest.startIndex)
        }
    }

    private mutating func skip(_ count: Int) throws(MalformedServiceInfo) -> Value {
        guard rest.count >= count else { throw MalformedServiceInfo(offset: rest.startIndex) }
        rest = rest.dropFirst(count)
        return .other
    }

    private mutating func variable() throws(MalformedServiceInfo) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw MalformedServiceInfo(offset: rest.startIndex)
    }
}
