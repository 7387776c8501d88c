import HTTPServer

/// A path of the device API: `/api/v1/{token}/{resource}`, or `/api/v1/provision` (`device-api.md` 4.1).
struct DevicePath: Equatable {
    enum Resource: Equatable {
        case telemetry
        case attributes
        case attributeUpdates
        case rpc
        /// The text behind `rpc/`.
        case rpcReply(String)
        case claim
        case firmware
        case software
        case provision

        /// What may be done with it.
        var methods: [HTTPMethod] {
            switch self {
            case .telemetry, .rpcReply, .claim, .provision: [.post]
            case .attributes, .rpc: [.get, .post]
            case .attributeUpdates, .firmware, .software: [.get]
            }
        }
    }

    /// Empty for `provision`.
    let token: String
    let resource: Resource

    /// nil for any other path.
    init?(_ request: HTTPRequest) {
        let path = request.pathBytes
        guard path.starts(with: HTTPTransport.prefix.utf8) else { return nil }
        let rest = path.dropFirst(HTTPTransport.prefix.utf8.count)
        if rest.elementsEqual("provision".utf8) {
            token = ""
            resource = .provision
            return
        }
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")), slash > rest.startIndex,
            let resource = Self.resource(rest[(slash + 1)...], request)
        else { return nil }
        self.resource = resource
        let encoded = rest[..<slash]
        // Of a path with escapes the token is the third of its decoded segments.
        token =
            encoded.contains(UInt8(ascii: "%")) ? request.segments[2] : String(decoding: encoded, as: UTF8.self)
    }

    private static func resource(_ name: ArraySlice<UInt8>, _ request: HTTPRequest) -> Resource? {
        if name.elementsEqual("telemetry".utf8) { return .telemetry }
        switch String(decoding: name, as: UTF8.self) {
        case "attributes": return .attributes
        case "attributes/updates": return .attributeUpdates
        case "rpc": return .rpc
        case "claim": return .claim
        case "firmware": return .firmware
        case "software": return .software
        case let text where text.hasPrefix("rpc/"):
            let segments = request.segments
            guard segments.count == 5, !segments[4].isEmpty else { return nil }
            return .rpcReply(segments[4])
        default: return nil
        }
    }
}
