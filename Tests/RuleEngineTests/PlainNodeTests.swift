import JSON
import Messages
import Model
import Queue
import Storage
import Telemetry
import Testing

@testable import RuleEngine

/// Nodes that look at their messages alone (`rule-engine.md` 3.2, 3.5, 10.4).
@Suite struct PlainNodeTests {
    /// A node, a message, and what it makes of it.
    struct Case: Sendable, CustomStringConvertible {
        var node: String
        var configuration: String
        var type = "POST_TELEMETRY_REQUEST"
        var originator = EntityType.device
        var data = "{}"
        var metadata: [String: String] = [:]
        /// Empty: it ended there.
        var label: String
        /// `nil`: as it was.
        var newData: String?
        var newMetadata: String?

        var description: String { "\(node) \(configuration) \(type) \(data) \(metadata)" }
    }

    static let filters: [Case] = [
        Case(
            node: "filter.TbMsgTypeFilterNode", configuration: #"{"messageTypes":["A","B"]}"#, type: "B", label: "True"),
        Case(
            node: "filter.TbMsgTypeFilterNode", configuration: #"{"messageTypes":["A","B"]}"#, type: "C", label: "False"
        ),
        Case(
            node: "filter.TbMsgTypeFilterNode", configuration: #"{"messageTypes":["POST_TELEMETRY_REQUEST"]}"#,
            label: "True"),
        Case(
            node: "filter.TbOriginatorTypeFilterNode", configuration: #"{"originatorTypes":["DEVICE","ASSET"]}"#,
            originator: .asset, label: "True"),
        Case(
            node: "filter.TbOriginatorTypeFilterNode", configuration: #"{"originatorTypes":["DEVICE"]}"#,
            originator: .tenant, label: "False"),
        Case(
            node: "filter.TbOriginatorTypeSwitchNode", configuration: #"{"version":0}"#, originator: .entityView,
            label: "Entity View"),
        Case(
            node: "filter.TbOriginatorTypeSwitchNode", configuration: #"{"version":0}"#, originator: .ruleChain,
            label: "Rule chain"),
        presence(#""messageNames":[],"metadataNames":[],"checkAllKeys":true"#, "True"),
        presence(#""messageNames":[],"metadataNames":[],"checkAllKeys":false"#, "False"),
        presence(#""messageNames":["a","n"],"metadataNames":["k"],"checkAllKeys":true"#, "True"),
        presence(#""messageNames":["a","x"],"metadataNames":["k"],"checkAllKeys":true"#, "False"),
        presence(#""messageNames":["x"],"metadataNames":["k"],"checkAllKeys":false"#, "True"),
        presence(#""messageNames":["x"],"metadataNames":["y"],"checkAllKeys":false"#, "False"),
        presence(#""messageNames":["b"],"metadataNames":[],"checkAllKeys":true"#, "False"),
        Case(
            node: "filter.TbCheckMessageNode",
            configuration: #"{"messageNames":["a"],"metadataNames":[],"checkAllKeys":true}"#, data: "[1]",
            label: "Failure"),
    ]

    private static func presence(_ configuration: String, _ label: String) -> Case {
        Case(
            node: "filter.TbCheckMessageNode", configuration: "{\(configuration)}", data: #"{"a":{"b":1},"n":null}"#,
            metadata: ["k": "v"], label: label)
    }

    static let transformations: [Case] = [
        Case(
            node: "transform.TbCopyKeysNode", configuration: #"{"copyFrom":"DATA","keys":["temp.*"]}"#,
            data: #"{"temperature":1,"hum":2,"temps":{"a":1},"temp":"x","a temp":1}"#, label: "Success",
            newMetadata: #"{"temp":"x","temperature":"1","temps":"{\"a\":1}"}"#),
        Case(
            node: "transform.TbCopyKeysNode", configuration: #"{"copyFrom":"METADATA","keys":["k","n\\d"]}"#,
            data: #"{"a":1}"#, metadata: ["k": "v", "n1": "2", "other": "3"], label: "Success",
            newData: #"{"a":1,"k":"v","n1":"2"}"#),
        Case(
            node: "transform.TbCopyKeysNode", configuration: #"{"copyFrom":"DATA","keys":[".*"]}"#, data: "[1]",
            label: "Success"),
        Case(
            node: "transform.TbDeleteKeysNode", configuration: #"{"deleteFrom":"DATA","keys":["a","b[0-9]+"]}"#,
            data: #"{"a":1,"ab":2,"b12":3,"b":4}"#, label: "Success", newData: #"{"ab":2,"b":4}"#),
        Case(
            node: "transform.TbDeleteKeysNode", configuration: #"{"deleteFrom":"METADATA","keys":["a|b"]}"#,
            metadata: ["a": "1", "b": "2", "c": "3"], label: "Success", newMetadata: #"{"c":"3"}"#),
        Case(
            node: "transform.TbRenameKeysNode", configuration: #"{"renameIn":"DATA","renameKeysMapping":{"a":"b"}}"#,
            data: #"{"a":1,"c":2}"#, label: "Success", newData: #"{"c":2,"b":1}"#),
        Case(
            node: "transform.TbRenameKeysNode", configuration: #"{"renameIn":"DATA","renameKeysMapping":{"a":"a"}}"#,
            data: #"{"a":1,"c":2}"#, label: "Success", newData: #"{"c":2}"#),
        Case(
            node: "transform.TbRenameKeysNode",
            configuration: #"{"renameIn":"METADATA","renameKeysMapping":{"a":"b","x":"y"}}"#, metadata: ["a": "1"],
            label: "Success", newMetadata: #"{"b":"1"}"#),
        Case(
            node: "transform.TbSplitArrayMsgNode", configuration: #"{"version":0}"#, data: "[7]", label: "Success",
            newData: "7"),
        Case(node: "transform.TbSplitArrayMsgNode", configuration: #"{"version":0}"#, data: "{}", label: "Failure"),
        Case(node: "transform.TbSplitArrayMsgNode", configuration: #"{"version":0}"#, data: "[]", label: "ACK"),
    ]

    private static let package = "org.thingsboard.rule.engine."

    @Test(arguments: filters + transformations)
    func aNodeMakesOfAMessageWhatItsConfigurationSays(_ one: Case) async throws {
        var chain = ChainBuilder()
        chain.first = "node"
        chain.nodes = [("node", Self.package + one.node, one.configuration)]
        chain.debug = ["node": RuleNodeDebugSettings(allUntil: .max)]
        let harness = try await ShardHarness([try chain.definition()])
        defer { harness.stop() }
        let outcome = try await harness.send(
            one.type, data: one.data, metadata: one.metadata, type: one.originator)
        #expect(outcome == (one.label == "Failure" ? .failed : .acknowledged))
        let out = try #require(
            harness.events.all.compactMap { event in
                if case .ruleNodeDebug(let message) = event.body, message.direction == .out { message } else { nil }
            }.first)
        #expect(out.label == one.label)
        #expect(out.data == one.newData ?? one.data)
        let metadata = try JSONValue.parse(Array(out.metadata.utf8)).objectValue
        if let expected = one.newMetadata {
            #expect(metadata == (try JSONValue.parse(Array(expected.utf8)).objectValue))
        } else {
            #expect(metadata == JSONObject(one.metadata.map { ($0.key, .string($0.value)) }))
        }
    }

    @Test(arguments: [
        ("transform.TbCopyKeysNode", #"{"keys":[]}"#),
        ("transform.TbCopyKeysNode", #"{"copyFrom":"DATA","keys":["("]}"#),
        ("transform.TbDeleteKeysNode", #"{"deleteFrom":"BOTH","keys":[]}"#),
        ("transform.TbRenameKeysNode", #"{"renameIn":"DATA","renameKeysMapping":{}}"#),
        ("transform.TbRenameKeysNode", #"{"renameKeysMapping":{"a":"b"}}"#),
        ("filter.TbOriginatorTypeFilterNode", #"{"originatorTypes":["NOTHING"]}"#),
        ("filter.TbMsgTypeFilterNode", #"{"messageTypes":["A"],"unknown":1}"#),
        ("flow.TbCheckpointNode", #"{"queueName":"Main"}"#),
        ("metadata.TbGetAttributesNode", #"{"serverAttributeNames":["a"]}"#),
        ("metadata.TbGetCustomerAttributeNode", #"{"dataMapping":{},"dataToFetch":"ATTRIBUTES","fetchTo":"DATA"}"#),
        (
            "metadata.TbGetTenantAttributeNode",
            #"{"dataMapping":{"a":"b"},"dataToFetch":"FIELDS","fetchTo":"METADATA"}"#
        ),
        (
            "metadata.TbGetRelatedAttributeNode",
            #"{"dataMapping":{"a":"b"},"dataToFetch":"FIELDS","fetchTo":"METADATA"}"#
        ),
        ("metadata.TbGetCustomerDetailsNode", #"{"detailsList":[],"fetchTo":"DATA"}"#),
        ("metadata.TbGetTenantDetailsNode", #"{"detailsList":["SHOE_SIZE"],"fetchTo":"DATA"}"#),
        ("transform.TbChangeOriginatorNode", "{}"),
        ("transform.TbChangeOriginatorNode", #"{"originatorSource":"RELATED"}"#),
        ("transform.TbChangeOriginatorNode", #"{"originatorSource":"ENTITY","entityType":"DEVICE"}"#),
        (
            "transform.TbChangeOriginatorNode",
            #"{"originatorSource":"ENTITY","entityType":"DASHBOARD","entityNamePattern":"x"}"#
        ),
        ("filter.TbCheckRelationNode", #"{"checkForSingleEntity":true,"direction":"FROM","relationType":"Contains"}"#),
        ("filter.TbCheckAlarmStatusNode", #"{"alarmStatusList":["SOMEHOW"]}"#),
        ("telemetry.TbMsgDeleteAttributesNode", #"{"scope":"ANY","keys":[]}"#),
        ("action.TbCreateAlarmNode", #"{"alarmType":"A","severity":"HIGH"}"#),
    ])
    func aNodeWithAWrongConfigurationDoesNotStart(_ type: String, _ configuration: String) async throws {
        var chain = ChainBuilder()
        chain.first = "node"
        chain.nodes = [("node", Self.package + type, configuration), ("other", ChainBuilder.output, "{}")]
        chain.connections = [("node", "Failure", "other")]
        let harness = try await ShardHarness([try chain.definition()])
        defer { harness.stop() }
        try await harness.expect(.failed, "POST_TELEMETRY_REQUEST")
    }

    @Test func everyElementOfAnArrayGoesOnByItself() async throws {
        var chain = ChainBuilder()
        chain.first = "split"
        chain.nodes = [
            ("split", SplitArrayNode.type, #"{"version":0}"#),
            ("save", ChainBuilder.timeseries, ChainBuilder.saveConfiguration),
        ]
        chain.connections = [("split", "Success", "save")]
        let harness = try await ShardHarness([try chain.definition()])
        defer { harness.stop() }
        try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: #"[{"a":1},{"a":2},{"a":3}]"#)
        #expect(harness.sink.saved.map(\.values) == [["a": .long(1)], ["a": .long(2)], ["a": .long(3)]])
    }
}

/// Templates (`rule-engine.md` 3.1, case 52).
@Suite struct MessageTemplateTests {
    @Test(arguments: [
        ("${x}-$[y.z]-$[q]", "1-true-$[q]"), ("$[y]", "$[y]"), ("${missing}$", "${missing}$"), ("$${x}", "$1"),
        ("${nested}", "true"), ("$[n]", "null"), ("$[t]", "text"), ("${x", "${x"), ("plain", "plain"),
        ("$[*]", #"{"y":{"z":true},"n":null,"t":"text"}"#), ("${*}", #"{"nested":"true","x":"1"}"#),
    ])
    func placesAreFilledAndWhatIsMissingStays(_ template: String, _ expected: String) throws {
        let data = try JSONValue.parse(Array(#"{"y":{"z":true},"n":null,"t":"text"}"#.utf8))
        let filled = MessageTemplate(template).filled(
            metadata: .init(["x": "1", "nested": "$[y.z]"]), data: data)
        // A value of the metadata may hold a place of the data itself.
        #expect(filled == (template == "${*}" ? #"{"nested":"true","x":"1"}"# : expected))
    }
}

/// Patterns of keys.
@Suite struct KeyPatternTests {
    @Test(arguments: [
        ("temp.*", ["temp", "temperature"], ["atemp", "tem"]), ("a|bc", ["a", "bc"], ["ab", "abc", ""]),
        ("[a-c]+\\d{2,3}", ["a12", "cab123"], ["a1", "a1234", "d12"]), ("(ab)?c{2}", ["abcc", "cc"], ["abc", "c"]),
        ("(?i)Temp", ["TEMP", "temp"], ["tempo"]), ("^x$", ["x"], ["xx"]), ("[^_]*", ["", "ab"], ["a_b"]),
        ("a\\.b", ["a.b"], ["axb"]), ("\\w+\\s\\S", ["ab c"], ["ab  "]), ("", [""], ["a"]),
        ("(a|b)*?", ["", "abba"], ["c"]),
        ("ü.", ["üx", "üü"], ["ü"]), ("[\\d.]+", ["1.2"], ["1a"]),
    ])
    func theWholeKeyMustMatch(_ pattern: String, _ matching: [String], _ others: [String]) throws {
        let compiled = try KeyPattern(pattern)
        for key in matching { #expect(compiled.matches(key), "\(pattern) \(key)") }
        for key in others { #expect(!compiled.matches(key), "\(pattern) \(key)") }
    }

    @Test(arguments: ["(", ")", "a{", "a{2,1}", "*", "a**", "[a", "(?=a)", "\\1", "a{1000}{1000}", "[b-a]", "\\"])
    func whatIsNotUnderstoodIsRefused(_ pattern: String) {
        #expect(throws: RuleNodeConfigurationError.self) { try KeyPattern(pattern) }
    }

    @Test(.timeLimit(.minutes(1))) func noPatternTakesLong() throws {
        let pattern = try KeyPattern("(a*)*(a*)*(a|a)*b")
        #expect(!pattern.matches(String(repeating: "a", count: 5_000)))
    }
}
