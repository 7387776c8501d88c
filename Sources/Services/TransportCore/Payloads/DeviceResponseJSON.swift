import JSON
public import Messages
import Telemetry

/// What devices are told in JSON (`device-api.md` 2.8): compact, every value with its type.
public enum DeviceResponseJSON {
    /// `{"client":{...},"shared":{...}}`; a scope in which nothing was found is left out.
    public static func attributes(_ response: AttributesResponse) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.beginObject()
            if !response.client.isEmpty {
                writer.key("client")
                write(response.client, to: &writer)
            }
            if !response.shared.isEmpty {
                writer.key("shared")
                write(response.shared, to: &writer)
            }
            writer.endObject()
        }
    }

    /// The changed attributes as a flat object, or `{"deleted":[...]}`.
    public static func attributesUpdate(_ update: AttributesUpdate) -> [UInt8] {
        JSONWriter.bytes { write(update, to: &$0) }
    }

    /// `{"method":...,"params":...}`, with `id` in front where the topic does not tell it.
    public static func rpcRequest(_ request: ToDeviceRPCRequest, withID: Bool = false) -> [UInt8] {
        JSONWriter.bytes { write(request, withID: withID, to: &$0) }
    }

    /// The text that the rule chain answered, or `{"error":"..."}`.
    public static func rpcResponse(_ response: ToServerRPCResponse) -> [UInt8] {
        if let error = response.error, !error.isEmpty {
            return JSONWriter.bytes { writer in
                writer.object { $0.member("error", error) }
            }
        }
        return Array((response.payload ?? "").utf8)
    }

    // MARK: - Gateways (`device-api.md` 3.2, 3.5)

    /// An attribute update for a device behind a gateway.
    public static func gatewayAttributesUpdate(_ update: AttributesUpdate, device: String) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.object { writer in
                writer.member("device", device)
                writer.key("data")
                write(update, to: &writer)
            }
        }
    }

    /// An RPC for a device behind a gateway; `id` is a member of its data.
    public static func gatewayRPCRequest(_ request: ToDeviceRPCRequest, device: String) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.object { writer in
                writer.member("device", device)
                writer.key("data")
                write(request, withID: true, to: &writer)
            }
        }
    }

    /// The answer to an attribute request of a gateway: `value` for one key, `values` for several, neither when nothing
    /// was found.
    public static func gatewayAttributes(_ response: AttributesResponse, device: String) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.object { writer in
                writer.member("id", Int(response.requestID))
                writer.member("device", device)
                let found = response.client + response.shared
                if response.isMultiple {
                    guard !found.isEmpty else { return }
                    writer.key("values")
                    write(found, to: &writer)
                } else if let entry = found.first {
                    writer.key("value")
                    writer.value(entry.value)
                }
            }
        }
    }

    /// The server dropped a device behind a gateway.
    public static func gatewayDisconnect(device: String, reason: Int) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.object { writer in
                writer.member("device", device)
                writer.member("reason", reason)
            }
        }
    }

    // MARK: - Parts

    private static func write(_ entries: [AttributeEntry], to writer: inout JSONWriter) {
        writer.beginObject()
        for entry in entries {
            writer.key(entry.key)
            writer.value(entry.value)
        }
        writer.endObject()
    }

    private static func write(_ update: AttributesUpdate, to writer: inout JSONWriter) {
        guard update.updated.isEmpty else { return write(update.updated, to: &writer) }
        writer.object { writer in
            writer.key("deleted")
            writer.array { writer in
                for key in update.deleted { writer.value(key) }
            }
        }
    }

    private static func write(_ request: ToDeviceRPCRequest, withID: Bool, to writer: inout JSONWriter) {
        writer.beginObject()
        if withID { writer.member("id", Int(request.requestID)) }
        writer.member("method", request.method)
        writer.key("params")
        writer.raw(request.params.isEmpty ? "null" : request.params)
        writer.endObject()
    }
}

extension JSONWriter {
    /// The text that `body` writes.
    static func bytes(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        body(&writer)
        return writer.bytes
    }
}
