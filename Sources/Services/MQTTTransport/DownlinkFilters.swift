import MQTTProtocol

/// The topic filters that a device may subscribe to: literal ones only (`device-api.md` 2.7).
enum DownlinkFilters {
    private static let known: Set<String> = [
        "v1/devices/me/attributes", "v2/a", "v2/a/j", "v2/a/p",
        "v1/devices/me/rpc/request/+", "v2/r/req/+", "v2/r/req/j/+", "v2/r/req/p/+",
        "v1/devices/me/attributes/response/+", "v2/a/res/+", "v2/a/res/j/+", "v2/a/res/p/+",
        "v1/devices/me/rpc/response/+", "v2/r/res/+", "v2/r/res/j/+", "v2/r/res/p/+",
        "v2/fw/response/+/chunk/+", "v2/sw/response/+/chunk/+", "v2/fw/error", "v2/sw/error",
        "v1/gateway/attributes", "v1/gateway/attributes/response", "v1/gateway/rpc",
    ]

    /// Whether a SUBSCRIBE to the filter is granted.
    ///
    /// - Parameter profileFilter: The profile's own filter for attribute updates.
    static func isKnown(_ filter: String, profileFilter: String) -> Bool {
        known.contains(filter) || filter == profileFilter
    }

    /// QoS 2 is granted as 1.
    static func granted(_ requested: MQTTQoS) -> MQTTQoS {
        switch requested {
        case .atMostOnce: .atMostOnce
        case .atLeastOnce, .exactlyOnce: .atLeastOnce
        }
    }
}
