internal import JSON
internal import Model
internal import Storage
internal import Telemetry

/// Why a command failed (`websocket-api.md` 9).
struct WebSocketFailure: Error, Equatable {
    var code: Int
    var message: String

    static func bad(_ message: String) -> WebSocketFailure { WebSocketFailure(code: 2, message: message) }
    static func failed(_ message: String) -> WebSocketFailure { WebSocketFailure(code: 1, message: message) }
    static let unauthorized = WebSocketFailure(code: 3, message: "Unauthorized")
    static let unreadable = bad("Failed to parse the payload")
    static let noQuery = bad("Query is empty!")
    static let notFetched = failed("Failed to fetch data!")
}

/// What sessions send, as JSON text.
enum WebSocketReply {
    typealias Points = [(timestamp: Int64, text: String)]

    /// An answer or update of the first generation (4); of each key the points in order.
    static func values(_ id: Int32, _ data: [String: Points]) -> [UInt8] {
        var writer = JSONWriter()
        let keys = data.keys.sorted()
        writer.object { writer in
            writer.member("subscriptionId", Int64(id))
            writer.member("errorCode", Int64(0))
            writer.key("errorMsg")
            writer.null()
            writer.key("data")
            writer.object { writer in
                for key in keys {
                    writer.key(key)
                    writer.array { writer in
                        for point in data[key] ?? [] {
                            writer.array { writer in
                                writer.value(point.timestamp)
                                writer.value(point.text)
                            }
                        }
                    }
                }
            }
            writer.key("latestValues")
            writer.object { writer in
                for key in keys {
                    guard let last = data[key]?.last else { continue }
                    writer.key(key)
                    writer.value(last.timestamp)
                }
            }
        }
        return writer.takeBytes()
    }

    static func failure(_ id: Int32, _ failure: WebSocketFailure) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("subscriptionId", Int64(id))
            writer.member("errorCode", Int64(failure.code))
            writer.member("errorMsg", failure.message)
            writer.key("data")
            writer.null()
            writer.key("latestValues")
            writer.object { _ in }
        }
        return writer.takeBytes()
    }

    static func tooManyUpdates(_ id: Int32) -> [UInt8] {
        Array("{\"subscriptionId\":\(id), \"errorCode\":34, \"errorMsg\":\"Too many updates!\"}".utf8)
    }

    /// An answer of the second generation.
    static func data(
        _ id: Int32, _ type: StaticString, failure: WebSocketFailure? = nil,
        _ members: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("cmdId", Int64(id))
            members(&writer)
            writer.member("errorCode", Int64(failure?.code ?? 0))
            writer.member("errorMsg", failure?.message)
            writer.key("cmdUpdateType")
            writer.value("\(type)")
        }
        return writer.takeBytes()
    }
}

extension JSONWriter {
    /// `{"ts":1,"value":"x"}`
    mutating func known(_ value: KnownValue) {
        object { writer in
            writer.member("ts", value.timestamp)
            writer.member("value", value.text)
        }
    }

    /// `{"ENTITY_FIELD":{"name":{"ts":1,"value":"x"}}}`
    mutating func known(_ values: [EntityKey: KnownValue], _ order: [EntityKey]) {
        object { writer in
            for kind in EntityKey.Kind.allCases where order.contains(where: { $0.kind == kind }) {
                writer.key(kind.rawValue)
                writer.object { writer in
                    for key in order where key.kind == kind {
                        writer.key(key.name)
                        writer.known(values[key] ?? KnownValue(timestamp: 0, text: ""))
                    }
                }
            }
        }
    }
}
