import MQTTProtocol

/// The forms of one topic: the long one, and the short ones with the payload of the profile, JSON or protobuf
/// (`device-api.md` 2.6).
enum TopicFamily: UInt8, CaseIterable {
    case long
    case short
    case shortJSON
    case shortProtobuf
}

/// What the server sends to a device of its own accord, or as an answer.
enum DownlinkKind: UInt8, CaseIterable {
    case attributes
    case rpcRequest
    case attributesResponse
    case rpcResponse
    case firmwareChunk
    case softwareChunk
    case firmwareError
    case softwareError
    case gatewayAttributes
    case gatewayAttributesResponse
    case gatewayRPC
}

/// A topic filter that a device may subscribe to: literal ones only (`device-api.md` 2.7).
struct DownlinkFilter: Hashable {
    /// Position in ``all``; ``profileIndex`` for the profile's own filter.
    let index: UInt8
    let kind: DownlinkKind
    let family: TopicFamily

    /// Whether the core has to know: it sends attribute updates and calls to subscribers only.
    var concernsCore: Bool { kind == .attributes || kind == .rpcRequest }

    static let profileIndex: UInt8 = 31

    static let all: [(literal: String, kind: DownlinkKind, family: TopicFamily)] = [
        ("v1/devices/me/attributes", .attributes, .long), ("v2/a", .attributes, .short),
        ("v2/a/j", .attributes, .shortJSON), ("v2/a/p", .attributes, .shortProtobuf),
        ("v1/devices/me/rpc/request/+", .rpcRequest, .long), ("v2/r/req/+", .rpcRequest, .short),
        ("v2/r/req/j/+", .rpcRequest, .shortJSON), ("v2/r/req/p/+", .rpcRequest, .shortProtobuf),
        ("v1/devices/me/attributes/response/+", .attributesResponse, .long),
        ("v2/a/res/+", .attributesResponse, .short), ("v2/a/res/j/+", .attributesResponse, .shortJSON),
        ("v2/a/res/p/+", .attributesResponse, .shortProtobuf),
        ("v1/devices/me/rpc/response/+", .rpcResponse, .long), ("v2/r/res/+", .rpcResponse, .short),
        ("v2/r/res/j/+", .rpcResponse, .shortJSON), ("v2/r/res/p/+", .rpcResponse, .shortProtobuf),
        ("v2/fw/response/+/chunk/+", .firmwareChunk, .long), ("v2/sw/response/+/chunk/+", .softwareChunk, .long),
        ("v2/fw/error", .firmwareError, .long), ("v2/sw/error", .softwareError, .long),
        ("v1/gateway/attributes", .gatewayAttributes, .long),
        ("v1/gateway/attributes/response", .gatewayAttributesResponse, .long), ("v1/gateway/rpc", .gatewayRPC, .long),
    ]

    private static let byLiteral: [String: DownlinkFilter] = {
        precondition(all.count <= Int(profileIndex), "\(all.count) filters")
        return Dictionary(
            uniqueKeysWithValues: all.enumerated().map { index, row in
                (row.literal, DownlinkFilter(index: UInt8(index), kind: row.kind, family: row.family))
            })
    }()

    private static let byTopic: [Topic: DownlinkFilter] = Dictionary(
        uniqueKeysWithValues: byLiteral.values.map { (Topic(kind: $0.kind, family: $0.family), $0) })

    private struct Topic: Hashable {
        var kind: DownlinkKind
        var family: TopicFamily
    }

    /// The filter that a SUBSCRIBE names; `nil` when it is not granted.
    ///
    /// - Parameter profileFilter: The profile's own filter for attribute updates.
    static func named(_ literal: String, profileFilter: String) -> DownlinkFilter? {
        if let known = byLiteral[literal] { return known }
        guard literal == profileFilter else { return nil }
        return DownlinkFilter(index: profileIndex, kind: .attributes, family: .long)
    }

    /// The literal filter that matches the topics of a kind and family; `nil` where there is none.
    static func matching(_ kind: DownlinkKind, _ family: TopicFamily) -> DownlinkFilter? {
        byTopic[Topic(kind: kind, family: family)]
    }

    /// QoS 2 is granted as 1.
    static func granted(_ requested: MQTTQoS) -> MQTTQoS {
        switch requested {
        case .atMostOnce: .atMostOnce
        case .atLeastOnce, .exactlyOnce: .atLeastOnce
        }
    }
}

/// The subscriptions of one connection: 8 bytes of bits and the families that were chosen last.
struct DownlinkSubscriptions {
    private var granted: UInt32 = 0
    private var atLeastOnce: UInt32 = 0
    /// Where attribute updates go: the family subscribed last.
    private(set) var attributesFamily = TopicFamily.long
    /// Where calls go: the family subscribed last.
    private(set) var rpcFamily = TopicFamily.long
    private(set) var wantsAttributes = false
    private(set) var wantsRPC = false

    var isEmpty: Bool { granted == 0 }

    mutating func add(_ filter: DownlinkFilter, qos: MQTTQoS) {
        let bit = UInt32(1) << filter.index
        granted |= bit
        if qos == .atMostOnce { atLeastOnce &= ~bit } else { atLeastOnce |= bit }
        switch filter.kind {
        case .attributes:
            attributesFamily = filter.family
            wantsAttributes = true
        case .rpcRequest:
            rpcFamily = filter.family
            wantsRPC = true
        default: break
        }
    }

    /// Removes a subscription; `false` when there was none. Any filter of a feature ends the feature.
    mutating func remove(_ filter: DownlinkFilter) -> Bool {
        let bit = UInt32(1) << filter.index
        guard granted & bit != 0 else { return false }
        granted &= ~bit
        atLeastOnce &= ~bit
        switch filter.kind {
        case .attributes: wantsAttributes = false
        case .rpcRequest: wantsRPC = false
        default: break
        }
        return true
    }

    /// The QoS of the subscription that matches; QoS 1 without one (`device-api.md` 2.5).
    func qos(_ kind: DownlinkKind, _ family: TopicFamily) -> MQTTQoS {
        guard let filter = DownlinkFilter.matching(kind, family) else { return .atLeastOnce }
        let bit = UInt32(1) << filter.index
        return granted & bit != 0 && atLeastOnce & bit == 0 ? .atMostOnce : .atLeastOnce
    }
}
