import JSON
import Messages
import Telemetry

/// JSON that becomes protobuf (`device-api.md` 10.1): by proto3's mapping of the platform's messages.
extension DeviceResponseJSON {
    static func attributesForProtobuf(_ response: AttributesResponse) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.object { writer in
                writer.member("requestId", Int(response.requestID))
                write(response.client, "clientAttributeList", to: &writer)
                write(response.shared, "sharedAttributeList", to: &writer)
                writer.member("isMultipleAttributesRequest", response.isMultiple)
                writer.member("error", response.error ?? "")
            }
        }
    }

    static func attributesUpdateForProtobuf(_ update: AttributesUpdate) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.object { writer in
                write(update.updated, "sharedUpdated", to: &writer)
                writer.key("sharedDeleted")
                writer.array { writer in
                    for key in update.deleted { writer.value(key) }
                }
            }
        }
    }

    static func rpcResponseForProtobuf(_ response: ToServerRPCResponse) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.object { writer in
                writer.member("requestId", Int(response.requestID))
                writer.member("payload", response.payload ?? "")
                writer.member("error", response.error ?? "")
            }
        }
    }

    /// What a schema of calls is filled from: `params` is any JSON, and text where the schema wants text.
    static func rpcRequestForSchema(_ request: ToDeviceRPCRequest) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.object { writer in
                writer.member("method", request.method)
                writer.member("requestId", Int(request.requestID))
                writer.key("params")
                writer.raw(request.params.isEmpty ? "null" : request.params)
            }
        }
    }

    private static func write(_ entries: [AttributeEntry], _ name: StaticString, to writer: inout JSONWriter) {
        writer.key(name)
        writer.array { writer in
            for entry in entries {
                writer.object { writer in
                    writer.member("ts", entry.timestamp)
                    writer.key("kv")
                    writer.object { writer in
                        writer.member("key", entry.key)
                        switch entry.value {
                        case .boolean(let value):
                            writer.member("type", "BOOLEAN_V")
                            writer.member("boolV", value)
                        case .long(let value):
                            writer.member("type", "LONG_V")
                            writer.member("longV", value)
                        case .double(let value):
                            writer.member("type", "DOUBLE_V")
                            writer.member("doubleV", value)
                        case .string(let value):
                            writer.member("type", "STRING_V")
                            writer.member("stringV", value)
                        case .json(let value):
                            writer.member("type", "JSON_V")
                            writer.member("jsonV", value)
                        }
                    }
                }
            }
        }
    }
}
