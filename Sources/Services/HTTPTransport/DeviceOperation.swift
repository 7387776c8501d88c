import HTTPServer
import JSON
import Messages
import TransportCore

/// What a device asks for with one request, read and checked before its token is (`device-api.md` 4.1).
enum DeviceOperation {
    case telemetry([UInt8])
    case attributes([UInt8])
    case readAttributes(AttributesRequest)
    /// The wait in milliseconds; `nil` stands for the default.
    case pollAttributes(Int64?)
    case pollRPC(Int64?)
    case answerRPC(ToDeviceRPCResponse)
    case callServer(ToServerRPCRequest)
    case claim(ClaimRequest)
    case download(OTADownload)

    /// Whether it carries values, which have limits of their own.
    var isUplink: Bool {
        switch self {
        case .telemetry, .attributes: true
        default: false
        }
    }
}

/// A download of an OTA package or a part of it (`device-api.md` 9.4).
struct OTADownload: Equatable {
    var kind: OTAPackageKind
    var title: String
    var version: String
    /// 0 stands for the whole package.
    var size: Int
    var chunk: Int
}

extension DeviceOperation {
    /// Reads a request for a resource with a token.
    ///
    /// - Throws: The answer to a wrong one.
    init(_ resource: DevicePath.Resource, _ request: HTTPRequest) throws(Refusal) {
        switch (resource, request.method) {
        case (.telemetry, _): self = .telemetry(try Self.body(request))
        case (.attributes, .post): self = .attributes(try Self.body(request))
        case (.attributes, _):
            try Self.requireJSON(request)
            self = .readAttributes(try Self.attributesRequest(request))
        case (.attributeUpdates, _):
            try Self.requireJSON(request)
            self = .pollAttributes(try Self.integer("timeout", request, as: "long"))
        case (.rpc, .post): self = .callServer(try Self.serverCall(request))
        case (.rpc, _):
            try Self.requireJSON(request)
            self = .pollRPC(try Self.integer("timeout", request, as: "long"))
        case (.rpcReply(let id), _):
            guard let number = Int32(id) else {
                throw Refusal(DeviceAPIErrors.conversion("requestId", id, "int"))
            }
            let text = String(decoding: try Self.body(request), as: UTF8.self)
            self = .answerRPC(ToDeviceRPCResponse(requestID: number, payload: text))
        case (.claim, _):
            do throws(DevicePayloadError) {
                self = .claim(try DeviceRequestJSON.claim(request.body.span))
            } catch {
                throw Refusal(DeviceAPIErrors.invalid(request.body))
            }
        case (.firmware, _): self = .download(try Self.download(.firmware, request))
        case (.software, _): self = .download(try Self.download(.software, request))
        case (.provision, _): preconditionFailure("provisioning has no token")
        }
    }

    /// The answer to a request that is wrong.
    struct Refusal: Error {
        let response: HTTPResponse

        init(_ response: HTTPResponse) { self.response = response }
    }

    private static func body(_ request: HTTPRequest) throws(Refusal) -> [UInt8] {
        guard !request.body.isEmpty else { throw Refusal(DeviceAPIErrors.missingBody) }
        return request.body
    }

    private static func attributesRequest(_ request: HTTPRequest) throws(Refusal) -> AttributesRequest {
        func keys(_ name: String) throws(Refusal) -> [String]? {
            guard let text = request.query.first(name), !text.isEmpty else { return nil }
            do throws(DevicePayloadError) {
                return try DeviceRequestJSON.keys(commaSeparated: text)
            } catch {
                throw Refusal(DeviceAPIErrors.badRequest("Too many keys in '\(name)'"))
            }
        }
        return AttributesRequest(
            requestID: 0, clientKeys: try keys("clientKeys"), sharedKeys: try keys("sharedKeys"))
    }

    private static func serverCall(_ request: HTTPRequest) throws(Refusal) -> ToServerRPCRequest {
        let body = try body(request)
        do throws(DevicePayloadError) {
            let object = try DeviceRequestJSON.object(body.span)
            guard object.contains(key: "params") else { throw .unacceptable }
            return try DeviceRequestJSON.rpcRequest(body.span, requestID: 0)
        } catch .unacceptable {
            throw Refusal(.empty(500))
        } catch {
            throw Refusal(DeviceAPIErrors.invalid(body))
        }
    }

    private static func download(_ kind: OTAPackageKind, _ request: HTTPRequest) throws(Refusal) -> OTADownload {
        func required(_ name: String) throws(Refusal) -> String {
            guard let text = request.query.first(name) else {
                throw Refusal(DeviceAPIErrors.badRequest("Required request parameter '\(name)' is not present"))
            }
            return text
        }
        let (title, version) = (try required("title"), try required("version"))
        let size = try integer("size", request, as: "int") ?? 0
        let chunk = try integer("chunk", request, as: "int") ?? 0
        guard (0...Int64(Int32.max)).contains(size), (0...Int64(Int32.max)).contains(chunk) else {
            throw Refusal(DeviceAPIErrors.badRequest("'size' and 'chunk' must not be negative"))
        }
        return OTADownload(kind: kind, title: title, version: version, size: Int(size), chunk: Int(chunk))
    }

    private static func integer(_ name: String, _ request: HTTPRequest, as type: String) throws(Refusal) -> Int64? {
        guard let text = request.query.first(name), !text.isEmpty else { return nil }
        guard let number = Int64(text) else { throw Refusal(DeviceAPIErrors.conversion(name, text, type)) }
        return number
    }

    /// What answers in JSON refuses whoever takes none.
    private static func requireJSON(_ request: HTTPRequest) throws(Refusal) {
        guard let accepted = request.fields["Accept"]?.lowercased(), !accepted.isEmpty else { return }
        let takesJSON = accepted.split(separator: ",").contains { range in
            let type = range.prefix { $0 != ";" }.filter { $0 != " " }
            return type == "*/*" || type == "application/*" || type == "application/json"
        }
        guard takesJSON else { throw Refusal(DeviceAPIErrors.notAcceptable) }
    }
}
