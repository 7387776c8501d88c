import JSON
import Messages
public import Telemetry

/// Values of one time with the types that their sender gave them (`device-api.md` 10.1): nothing is cast.
public struct TypedRecord: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public var key: String
        public var value: TelemetryValue

        public init(key: String, value: TelemetryValue) {
            self.key = key
            self.value = value
        }
    }

    /// Milliseconds since 1970; 0 stands for the time of receipt.
    public let timestamp: Int64
    /// Every key once.
    public let entries: [Entry]

    /// Of several values of a key the last one counts.
    public init(timestamp: Int64, _ given: [Entry]) {
        var entries: [Entry] = []
        var indices: [String: Int] = [:]
        for entry in given {
            if let index = indices[entry.key] {
                entries[index].value = entry.value
            } else {
                indices[entry.key] = entries.count
                entries.append(entry)
            }
        }
        self.timestamp = timestamp
        self.entries = entries
    }

    /// About as much as it holds in memory.
    public var byteCount: Int {
        entries.reduce(32) { sum, entry in
            switch entry.value {
            case .string(let text), .json(let text): sum + entry.key.utf8.count + text.utf8.count + 16
            case .boolean, .long, .double: sum + entry.key.utf8.count + 16
            }
        }
    }

    func append(to arena: inout PointArena) {
        for entry in entries { arena.append(key: entry.key, value: entry.value) }
    }

    /// As a JSON object.
    var json: String {
        let bytes = JSONWriter.bytes { writer in
            writer.beginObject()
            for entry in entries {
                writer.key(entry.key)
                writer.value(entry.value)
            }
            writer.endObject()
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
