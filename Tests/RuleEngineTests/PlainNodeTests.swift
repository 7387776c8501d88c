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

    static let places: [Case] = [
        fence(fixed(polygon: "[[0,0],[0,10],[10,10],[10,0]]"), 5, 5, "True"),
        fence(fixed(polygon: "[[0,0],[0,10],[10,10],[10,0]]"), 5, 11, "False"),
        // Two corners are a rectangle, a ring inside another one is a hole, rings may be closed.
        fence(fixed(polygon: "[[0,0],[10,10]]"), 1, 9, "True"),
        fence(fixed(polygon: "[[[0,0],[10,10]],[[4,4],[4,6],[6,6],[6,4],[4,4]]]"), 5, 5, "False"),
        fence(fixed(polygon: "[[[0,0],[10,10]],[[4,4],[4,6],[6,6],[6,4],[4,4]]]"), 5, 7, "True"),
        fence(fixed(polygon: "[[[0,0],[1,1]],[[4,4],[5,5]]]"), 4.5, 4.5, "True"),
        // A degree of latitude is 111.19 km.
        fence(circle(range: 111.2, unit: "KILOMETER"), 1, 0, "True"),
        fence(circle(range: 111.1, unit: "KILOMETER"), 1, 0, "False"),
        fence(circle(range: 69.1, unit: "MILE"), 1, 0, "True"),
        fence(circle(range: 69.0, unit: "MILE"), 1, 0, "False"),
        fence(fetched("POLYGON", "ss_perimeter"), 5, 5, "True", ["ss_perimeter": "[[0,0],[10,10]]"]),
        fence(fetched("POLYGON", "ss_perimeter"), 5, 5, "Failure", ["ss_perimeter": "round"]),
        fence(fetched("POLYGON", "ss_perimeter"), 5, 5, "Failure"),
        fence(
            fetched("CIRCLE", "c"), 1, 0, "True", ["c": #"{"latitude":0,"longitude":0,"radius":111200}"#]),
        fence(
            fetched("CIRCLE", "c"), 1, 0, "Failure",
            ["c": #"{"latitude":0,"longitude":0,"radius":1,"radiusUnit":"INCH"}"#]),
        fence(fetched("CIRCLE", ""), 5, 5, "True", ["perimeter": "[[0,0],[10,10]]"]),
        fence(
            fetched("POLYGON", ""), 1, 0, "False",
            ["centerLatitude": "0", "centerLongitude": "0", "range": "111", "rangeUnit": "KILOMETER"]),
        Case(
            node: "geo.TbGpsGeofencingFilterNode", configuration: fixed(polygon: "[[0,0],[10,10]]"),
            data: #"{"latitude":"5"}"#, metadata: ["longitude": "5"], label: "True"),
        Case(
            node: "geo.TbGpsGeofencingFilterNode", configuration: fixed(polygon: "[[0,0],[10,10]]"),
            data: #"{"latitude":5}"#, label: "Failure"),
        Case(
            node: "geo.TbGpsGeofencingFilterNode", configuration: fixed(polygon: "[[0,0],[10,10]]"), data: "[5,5]",
            label: "Failure"),
    ]

    private static let keys = #""latitudeKeyName":"latitude","longitudeKeyName":"longitude""#

    private static func fixed(polygon: String) -> String {
        #"{\#(keys),"perimeterType":"POLYGON","fetchPerimeterInfoFromMessageMetadata":false,"#
            + #""polygonsDefinition":"\#(polygon)"}"#
    }

    private static func circle(range: Double, unit: String) -> String {
        #"{\#(keys),"perimeterType":"CIRCLE","fetchPerimeterInfoFromMessageMetadata":false,"#
            + #""centerLatitude":0,"centerLongitude":0,"range":\#(range),"rangeUnit":"\#(unit)"}"#
    }

    private static func fetched(_ type: String, _ key: String) -> String {
        #"{\#(keys),"perimeterType":"\#(type)","fetchPerimeterInfoFromMessageMetadata":true,"#
            + #""perimeterKeyName":"\#(key)"}"#
    }

    private static func fence(
        _ configuration: String, _ latitude: Double, _ longitude: Double, _ label: String,
        _ metadata: [String: String] = [:]
    ) -> Case {
        Case(
            node: "geo.TbGpsGeofencingFilterNode", configuration: configuration,
            data: "{\"latitude\":\(latitude),\"longitude\":\(longitude)}", metadata: metadata, label: label)
    }

    static let mails: [Case] = [
        Case(
            node: "mail.TbMsgToEmailNode",
            configuration:
                #"{"fromTemplate":"a@b.c","toTemplate":"${to}","subjectTemplate":"T $[t]","bodyTemplate":"B"}"#,
            data: #"{"t":5}"#, metadata: ["to": "x@y.z"], label: "Success",
            newData: #"{"from":"a@b.c","to":"x@y.z","cc":null,"bcc":null,"subject":"T 5","body":"B","images":null,"#
                + #""html":false}"#),
        Case(
            node: "mail.TbMsgToEmailNode",
            configuration: #"{"toTemplate":"x","mailBodyType":"dynamic","isHtmlTemplate":"${html}"}"#,
            metadata: ["html": "true", "images": #"{"i":"data"}"#], label: "Success",
            newData: #"{"from":null,"to":"x","cc":null,"bcc":null,"subject":null,"body":null,"images":{"i":"data"},"#
                + #""html":true}"#),
        Case(
            node: "mail.TbMsgToEmailNode", configuration: #"{"toTemplate":"x"}"#, metadata: ["images": "none"],
            label: "Failure"),
    ]

    @Test(arguments: filters + transformations + places + mails)
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
        ("transform.TbJsonPathNode", "{}"),
        ("transform.TbJsonPathNode", #"{"jsonPath":"a.b"}"#),
        ("transform.TbJsonPathNode", #"{"jsonPath":"$.a[?(@.b ~ 1)]"}"#),
        ("metadata.CalculateDeltaNode", #"{"inputValueKey":"","outputValueKey":"d"}"#),
        ("metadata.TbGetTelemetryNode", #"{"latestTsKeyNames":[],"fetchMode":"FIRST"}"#),
        ("metadata.TbGetTelemetryNode", #"{"latestTsKeyNames":["a"],"fetchMode":"ALL","limit":1}"#),
        ("telemetry.TbMsgDeleteAttributesNode", #"{"scope":"ANY","keys":[]}"#),
        ("action.TbCreateAlarmNode", #"{"alarmType":"A","severity":"HIGH"}"#),
        ("action.TbCreateRelationNode", #"{"direction":"FROM","entityType":"ALARM","entityNamePattern":"x"}"#),
        ("action.TbCreateRelationNode", #"{"direction":"UP","entityType":"ASSET","entityNamePattern":"x"}"#),
        ("action.TbCreateRelationNode", #"{"direction":"FROM","entityType":"ASSET","entityNamePattern":""}"#),
        (
            "action.TbCreateRelationNode",
            #"{"direction":"FROM","entityType":"ASSET","entityNamePattern":"x","createEntityIfNotExists":true}"#
        ),
        ("action.TbDeleteRelationNode", #"{"deleteForSingleEntity":true,"direction":"FROM"}"#),
        ("geo.TbGpsGeofencingFilterNode", #"{"perimeterType":"SQUARE"}"#),
        ("geo.TbGpsGeofencingFilterNode", #"{"perimeterType":"POLYGON","polygonsDefinition":"[[0,0]]"}"#),
        ("geo.TbGpsGeofencingFilterNode", #"{"perimeterType":"CIRCLE","range":5,"rangeUnit":"METER"}"#),
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
