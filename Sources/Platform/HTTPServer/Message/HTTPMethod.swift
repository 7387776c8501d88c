internal import CHTTPParser
internal import Glibc

/// A request method that http-parser knows (RFC 9110 §9, WebDAV and a few others).
public struct HTTPMethod: Hashable, Sendable, CustomStringConvertible {
    /// The library's number of the method.
    let code: UInt8

    init(code: UInt8) {
        self.code = code
    }

    public static let delete = HTTPMethod(code: UInt8(HTTP_DELETE.rawValue))
    public static let get = HTTPMethod(code: UInt8(HTTP_GET.rawValue))
    public static let head = HTTPMethod(code: UInt8(HTTP_HEAD.rawValue))
    public static let post = HTTPMethod(code: UInt8(HTTP_POST.rawValue))
    public static let put = HTTPMethod(code: UInt8(HTTP_PUT.rawValue))
    public static let connect = HTTPMethod(code: UInt8(HTTP_CONNECT.rawValue))
    public static let options = HTTPMethod(code: UInt8(HTTP_OPTIONS.rawValue))
    public static let trace = HTTPMethod(code: UInt8(HTTP_TRACE.rawValue))
    public static let patch = HTTPMethod(code: UInt8(HTTP_PATCH.rawValue))

    /// The method as it stands in a request line.
    public var name: String { String(cString: http_method_str(http_method(UInt32(code)))) }

    public var description: String { name }

    /// Bytes of ``name``, without building it.
    var nameByteCount: Int { strlen(http_method_str(http_method(UInt32(code)))) }
}
