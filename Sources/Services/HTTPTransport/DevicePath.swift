import HTTPServer

/// A path of the device API: `/api/v1/{token}/{resource}` (`device-api.md` 4.1).
struct DevicePath: Equatable {
    /// What a device can post to. The resources that answer are others'.
    enum Resource: Equatable {
        case telemetry
        case attributes
    }

    let token: String
    let resource: Resource

    /// nil for any other path.
    init?(_ request: HTTPRequest) {
        let path = request.pathBytes
        guard path.starts(with: HTTPTransport.prefix.utf8) else { return nil }
        let rest = path.dropFirst(HTTPTransport.prefix.utf8.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")), slash > rest.startIndex else { return nil }
        let name = rest[(slash + 1)...]
        if name.elementsEqual("telemetry".utf8) {
            resource = .telemetry
        } else if name.elementsEqual("attributes".utf8) {
            resource = .attributes
        } else {
            return nil
        }
        let encoded = rest[..<slash]
        // Of a path with escapes the token is the third of its decoded segments.
        token =
            encoded.contains(UInt8(ascii: "%")) ? request.segments[2] : String(decoding: encoded, as: UTF8.self)
    }
}
