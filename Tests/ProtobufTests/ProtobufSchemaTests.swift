import Testing

@testable import Protobuf

@Suite struct ProtobufSchemaTests {
    private static let telemetry = """
        syntax = "proto3";
        package meter;
        message Inner { string my_name = 1; }
        message Telemetry {
          int32 my_key = 1; optional double level = 2; int64 count = 3; Inner inner = 4; repeated bool flags = 5;
          bool on = 6;
        }
        """

    private func json(_ bytes: [UInt8], _ schema: ProtobufSchema, as message: String? = nil) -> String? {
        schema.json(bytes.span, as: message).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func theLastMessageBecomesJSON() throws {
        let schema = try ProtobufSchema(Self.telemetry)
        // my_key 7, level 1.5, count 5, inner { my_name "x" }
        let bytes: [UInt8] =
            [0x08, 7, 0x11, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0x18, 5, 0x22, 3, 0x0A, 1, 0x78]
        #expect(
            json(bytes, schema)
                == #"{"myKey":7,"count":"5","inner":{"myName":"x"},"flags":[],"on":false,"level":1.5}"#)
    }

    @Test func fieldsWithPresenceAreLeftOutWhenUnset() throws {
        let schema = try ProtobufSchema(Self.telemetry)
        #expect(json([], schema) == #"{"myKey":0,"count":"0","flags":[],"on":false}"#)
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let schema = try ProtobufSchema(Self.telemetry)
        for bytes: [UInt8] in [[0x08], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], Array("{\"a\":1}".utf8)] {
            #expect(json(bytes, schema) == nil)
        }
        #expect(json([], schema, as: "Nobody") == nil)
        #expect(schema.encode(json: Array("nonsense".utf8)) == nil)
        #expect(schema.encode(json: Array(#"{"myKey":"text"}"#.utf8)) == nil)
    }

    @Test func jsonBecomesAMessageAndUnknownMembersAreLeftOut() throws {
        let schema = try ProtobufSchema(Self.telemetry)
        #expect(schema.encode(json: Array(#"{"my_key":7,"nobody":1}"#.utf8)) == [0x08, 7])
    }

    @Test func deepNestingIsRefused() throws {
        let schema = try ProtobufSchema(#"syntax = "proto3"; message M { M m = 1; }"#)
        var bytes: [UInt8] = []
        for _ in 0..<200 {
            var length: [UInt8] = []
            var count = bytes.count
            repeat {
                length.append(UInt8(count & 0x7F) | (count > 0x7F ? 0x80 : 0))
                count >>= 7
            } while count > 0
            bytes = [0x0A] + length + bytes
        }
        #expect(json(bytes, schema) == nil)
    }

    @Test(arguments: [
        "", "nonsense", #"syntax = "proto2"; message M { required string a = 1; }"#, #"syntax = "proto3";"#,
        #"syntax = "proto3"; import "other.proto"; message M { string a = 1; }"#,
        #"syntax = "proto3"; message M { Other a = 1; }"#,
        #"syntax = "proto3"; message M { string a = 1; int32 b = 1; }"#,
    ])
    func otherTextsAreNoSchema(_ text: String) {
        #expect(throws: ProtobufSchemaError.self) { try ProtobufSchema(text) }
    }

    @Test func aLongTextIsRefused() {
        let text = #"syntax = "proto3"; message M { string a = 1; } //"# + String(repeating: "x", count: 65_536)
        #expect(throws: ProtobufSchemaError.self) { try ProtobufSchema(text) }
    }
}
