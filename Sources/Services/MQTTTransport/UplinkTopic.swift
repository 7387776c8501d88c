import Messages

/// What a PUBLISH topic of a device asks for, in the order in which topics are compared (`device-api.md` 2.6).
enum UplinkTopic: Equatable {
    case gateway
    case attributes(PayloadFormat)
    case telemetry(PayloadFormat)
    /// The request id begins at that byte of the topic.
    case attributesRequest(TopicFamily, id: Int)
    case rpcResponse(TopicFamily, id: Int)
    case rpcRequest(TopicFamily, id: Int)
    case claim
    case firmwareChunk
    case softwareChunk
    case unknown

    /// How the payload is encoded.
    enum PayloadFormat: Equatable {
        /// As the device profile says.
        case profile
        case json
        case protobuf
    }
}

/// Tells topics apart by their bytes. One for each kind of profile; the usual one has the default topics.
struct UplinkTopicClassifier {
    private let attributesFilter: TopicFilterMatcher?
    private let telemetryFilter: TopicFilterMatcher?

    /// The topics of profiles without filters of their own.
    static let standard = UplinkTopicClassifier(attributesFilter: nil, telemetryFilter: nil)

    private init(attributesFilter: TopicFilterMatcher?, telemetryFilter: TopicFilterMatcher?) {
        self.attributesFilter = attributesFilter
        self.telemetryFilter = telemetryFilter
    }

    init(_ profile: DeviceProfileInfo) {
        guard profile.transportType == .mqtt else {
            self = .standard
            return
        }
        func matcher(_ filter: String, _ standard: String) -> TopicFilterMatcher? {
            filter.isEmpty || filter == standard ? nil : TopicFilterMatcher(filter)
        }
        self.init(
            attributesFilter: matcher(
                profile.mqtt.attributesTopicFilter, MQTTProfileConfiguration.defaultAttributesTopic),
            telemetryFilter: matcher(profile.mqtt.telemetryTopicFilter, MQTTProfileConfiguration.defaultTelemetryTopic))
    }

    /// Classifies a topic name, given as its bytes.
    func classify(_ topic: UnsafeRawBufferPointer) -> UplinkTopic {
        if topic.starts(with: "v1/gateway") { return .gateway }
        if let attributesFilter {
            if attributesFilter.matches(topic) { return .attributes(.profile) }
        } else if topic.equals("v1/devices/me/attributes") {
            return .attributes(.profile)
        }
        if let telemetryFilter {
            if telemetryFilter.matches(topic) { return .telemetry(.profile) }
        } else if topic.equals("v1/devices/me/telemetry") {
            return .telemetry(.profile)
        }
        return topic.starts(with: "v1/") ? Self.long(topic) : Self.short(topic)
    }

    private static func long(_ topic: UnsafeRawBufferPointer) -> UplinkTopic {
        if let id = topic.count(behind: "v1/devices/me/attributes/request/") {
            return .attributesRequest(.long, id: id)
        }
        if let id = topic.count(behind: "v1/devices/me/rpc/response/") { return .rpcResponse(.long, id: id) }
        if let id = topic.count(behind: "v1/devices/me/rpc/request/") { return .rpcRequest(.long, id: id) }
        if topic.equals("v1/devices/me/claim") { return .claim }
        return .unknown
    }

    private static func short(_ topic: UnsafeRawBufferPointer) -> UplinkTopic {
        guard topic.starts(with: "v2/") else { return .unknown }
        if topic.equals("v2/t") { return .telemetry(.profile) }
        if topic.equals("v2/t/j") { return .telemetry(.json) }
        if topic.equals("v2/t/p") { return .telemetry(.protobuf) }
        if topic.equals("v2/a") { return .attributes(.profile) }
        if topic.equals("v2/a/j") { return .attributes(.json) }
        if topic.equals("v2/a/p") { return .attributes(.protobuf) }
        if isChunk(topic, behind: "v2/fw/request/") { return .firmwareChunk }
        if isChunk(topic, behind: "v2/sw/request/") { return .softwareChunk }
        if let (family, id) = family(of: topic, "v2/r/res/j/", "v2/r/res/p/", "v2/r/res/") {
            return .rpcResponse(family, id: id)
        }
        if let (family, id) = family(of: topic, "v2/r/req/j/", "v2/r/req/p/", "v2/r/req/") {
            return .rpcRequest(family, id: id)
        }
        if let (family, id) = family(of: topic, "v2/a/req/j/", "v2/a/req/p/", "v2/a/req/") {
            return .attributesRequest(family, id: id)
        }
        return .unknown
    }

    private static func family(
        of topic: UnsafeRawBufferPointer, _ json: StaticString, _ protobuf: StaticString, _ plain: StaticString
    ) -> (TopicFamily, Int)? {
        if let id = topic.count(behind: json) { return (.shortJSON, id) }
        if let id = topic.count(behind: protobuf) { return (.shortProtobuf, id) }
        return topic.count(behind: plain).map { (.short, $0) }
    }

    private static func isChunk(_ topic: UnsafeRawBufferPointer, behind prefix: StaticString) -> Bool {
        ChunkTopic(topic, behind: prefix) != nil
    }
}

/// The numbers in `v2/fw/request/{id}/chunk/{n}`.
struct ChunkTopic: Equatable {
    var requestID: String
    var chunk: Int64

    /// `nil` when the topic has another form.
    init?(_ topic: UnsafeRawBufferPointer, behind prefix: StaticString) {
        guard let start = topic.count(behind: prefix) else { return nil }
        let parts = topic[start...].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].elementsEqual("chunk".utf8), Self.isNumber(parts[0]), Self.isNumber(parts[2]),
            let chunk = Int64(String(decoding: parts[2], as: UTF8.self))
        else { return nil }
        requestID = String(decoding: parts[0], as: UTF8.self)
        self.chunk = chunk
    }

    private static func isNumber(_ text: Slice<UnsafeRawBufferPointer>) -> Bool {
        !text.isEmpty && text.count <= 18 && text.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}

/// A request id in a topic: a signed decimal number of 32 bits.
enum RequestID {
    static func parse(_ topic: Span<UInt8>, from start: Int) -> Int32? {
        guard topic.count - start <= 11 else { return nil }
        return topic.extracting(start..<topic.count).withUnsafeBytes { Int32(String(decoding: $0, as: UTF8.self)) }
    }
}

/// A topic filter of a device profile (`device-api.md` 2.11): `+` stands for one level that is not empty, `#` at the end
/// for the parent and everything below, `#` alone for everything.
struct TopicFilterMatcher {
    private let levels: [[UInt8]]

    init(_ filter: String) {
        levels = filter.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Array($0) }
    }

    func matches(_ topic: UnsafeRawBufferPointer) -> Bool {
        var given = topic.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)[...]
        for (index, level) in levels.enumerated() {
            if level == [UInt8(ascii: "#")], index == levels.count - 1 { return true }
            guard let next = given.popFirst() else { return false }
            if level == [UInt8(ascii: "+")] {
                if next.isEmpty { return false }
            } else if !next.elementsEqual(level) {
                return false
            }
        }
        return given.isEmpty
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func equals(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && starts(with: text)
    }

    /// How long `prefix` is, if the topic begins with it.
    fileprivate func count(behind prefix: StaticString) -> Int? {
        starts(with: prefix) ? prefix.utf8CodeUnitCount : nil
    }

    fileprivate func starts(with text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where self[index] != text.utf8Start[index] { return false }
        return true
    }
}
