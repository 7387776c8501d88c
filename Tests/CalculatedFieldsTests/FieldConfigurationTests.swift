import CalculatedFields
import JSON
import Model
import Testing

@Suite struct FieldConfigurationTests {
    private static let simple = """
        {"type": "SIMPLE", "arguments": {"t": {"refEntityKey": {"key": "temperature", "type": "TS_LATEST"}}},
         "expression": "t * 2", "output": {"type": "TIME_SERIES", "name": "double", "decimalsByDefault": 1}}
        """

    private func parsed(_ text: String, _ type: FieldType = .simple) throws -> FieldConfiguration {
        try FieldConfiguration(try JSONValue.parse(text), type: type)
    }

    @Test func aSimpleFieldIsReadAndCompleted() throws {
        let configuration = try parsed(Self.simple)
        #expect(configuration.arguments == [FieldArgument(name: "t", key: "temperature")])
        #expect(configuration.output == FieldOutput(name: "double", decimals: 1))
        #expect(configuration.document["output"]?["strategy"]?["type"]?.stringValue == "RULE_CHAIN")
        #expect(configuration.document["useLatestTs"]?.boolValue == false)
    }

    @Test func sourcesAndStrategiesAreRead() throws {
        let configuration = try parsed(
            """
            {"type": "SCRIPT", "expression": "return {};", "arguments": {
              "r": {"refEntityKey": {"key": "k", "type": "TS_ROLLING"}, "limit": 5, "timeWindow": 60000},
              "a": {"refEntityKey": {"key": "k", "type": "ATTRIBUTE", "scope": "SHARED_SCOPE"}, "defaultValue": "7",
                    "refEntityId": {"entityType": "ASSET", "id": "784f394c-42b6-435a-983c-b7beff2784f9"}}},
             "output": {"type": "ATTRIBUTES", "scope": "SERVER_SCOPE",
                        "strategy": {"type": "IMMEDIATE", "saveAttribute": true, "processCfs": true}}}
            """, .script)
        #expect(configuration.arguments.map(\.name) == ["a", "r"])
        #expect(configuration.arguments[0].source == .attribute(.shared))
        #expect(configuration.arguments[0].defaultValue == "7")
        #expect(configuration.arguments[1].source == .rolling(limit: 5, window: 60_000))
        #expect(configuration.referencedEntities.count == 1)
        #expect(
            configuration.output?.strategy
                == .saveAttributes(
                    .init(isSaved: true, onlyChanged: false, notifies: false, tellsSockets: false, feedsFields: true)))
        #expect(configuration.output?.target == .attributes(.server))
    }

    @Test(arguments: [
        (#"{"type":"GEOFENCING"}"#, FieldType.geofencing, "Calculated fields of type 'GEOFENCING' are not supported!"),
        (#"{"type":"PROPAGATION"}"#, .propagation, "Calculated fields of type 'PROPAGATION' are not supported!"),
        (#"{"type":"SCRIPT"}"#, .simple, "Configuration type 'SCRIPT' is not that of the field: 'SIMPLE'!"),
        (
            #"{"type":"SIMPLE","arguments":{"ctx":{}},"expression":"1"}"#, .simple,
            "Argument name 'ctx' is reserved and cannot be used."
        ),
        (
            #"{"type":"SIMPLE","arguments":{"a b":{}},"expression":"1"}"#, .simple, "Argument name 'a b' is not a name!"
        ),
        (
            #"{"type":"SIMPLE","arguments":{"a":{"refDynamicSourceConfiguration":{"type":"RELATION_PATH_QUERY"}}}}"#,
            .simple, "Calculated field with type: 'SIMPLE' doesn't support relation query configuration!"
        ),
        (
            #"{"type":"SIMPLE","arguments":{"a":{"refDynamicSourceConfiguration":{"type":"CURRENT_OWNER"}}}}"#, .simple,
            "Arguments of the current owner are not supported!"
        ),
        (
            #"""
            {"type":"SIMPLE","arguments":{"a":{"refEntityId":{"entityType":"USER","id":"784f394c-42b6-435a-983c-b7beff2784f9"},
            "refEntityKey":{"key":"k","type":"TS_LATEST"}}}}
            """#, .simple, "Unsupported referenced entity type: 'USER'."
        ),
    ])
    func invalid(_ text: String, _ type: FieldType, _ message: String) {
        #expect(throws: FieldError.invalid(message)) { try parsed(text, type) }
    }

    @Test func whatIsMissingIsToldTogether() {
        #expect(throws: FieldError.violations(["arguments must not be empty", "output must not be null"])) {
            try parsed(#"{"type":"SIMPLE","expression":"1"}"#)
        }
    }

    @Test(arguments: [
        #"[]"#, #"{}"#, #"{"type":"OTHER"}"#, #"{"type":"SIMPLE","arguments":[]}"#,
        #"{"type":"SIMPLE","arguments":{"a":{"refEntityKey":{"key":"k","type":"NEVER"}}}}"#,
        #"{"type":"SIMPLE","arguments":{"a":{"refEntityKey":{"key":"k","type":"ATTRIBUTE","scope":"NO"}}}}"#,
    ])
    func malformed(_ text: String) {
        #expect {
            try parsed(text)
        } throws: { error in
            if case FieldError.malformed = error { true } else { false }
        }
    }
}
