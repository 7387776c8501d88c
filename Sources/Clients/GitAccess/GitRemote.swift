internal import CCurl

/// A Git repository behind HTTP or HTTPS, and who asks for it.
///
/// Nothing else is reached: no path of this machine, no other protocol, no program.
public struct GitRemote: Sendable {
    public enum Purpose: Sendable { case reading, writing }

    /// `http(s)://host[:port]/path`, checked.
    public let url: String
    public var username: String?
    /// Never logged.
    public var password: String?
    /// Whether addresses of this machine and of private networks are refused, whatever their names.
    public var isPublicOnly = false
    /// For the whole exchange.
    public var timeout: Duration = .seconds(15)

    private static let longestURL = 1024

    /// - Throws: ``GitError/malformedURL`` for what is no address of HTTP, or has a user, a query or a fragment in it.
    public init(url: String) throws(GitError) {
        guard Self.origin(of: url) != nil else { throw .malformedURL }
        self.url = url
    }

    /// Scheme, host and port as they were written; `nil` where the address is not one that can be reached.
    public static func origin(of url: String) -> String? {
        let bytes = Array(url.utf8)
        guard bytes.count <= longestURL, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let forbidden: [UInt8] = [UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\\"), UInt8(ascii: "@")]
        for scheme in ["https://", "http://"] where url.lowercased().hasPrefix(scheme) {
            let rest = bytes.dropFirst(scheme.utf8.count)
            let host = rest.prefix { $0 != UInt8(ascii: "/") }
            let path = rest.dropFirst(host.count)
            guard !host.isEmpty, path.count > 1, !host.contains(where: forbidden.contains),
                !path.contains(where: forbidden.prefix(3).contains)
            else { return nil }
            return scheme + String(decoding: host, as: UTF8.self).lowercased()
        }
        return nil
    }

    /// Asks the server for the repository's references, and does not wait for all of them. Blocks up to ``timeout``; safe from
    /// any thread.
    public func reach(for purpose: Purpose) throws(GitError) {
        let service = purpose == .reading ? "git-upload-pack" : "git-receive-pack"
        var path = url[...]
        while path.last == "/" { path = path.dropLast() }
        var reason = [CChar](repeating: 0, count: 512)
        var status = 0
        let outcome = withOptionalCStrings(["\(path)/info/refs?service=\(service)", service, username, password]) {
            texts in
            var git = needletail_git()
            git.url = texts[0]
            git.service = texts[1]
            git.username = texts[2]
            git.password = texts[3]
            git.only_public = isPublicOnly
            git.timeout_ms = Int(
                timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000)
            return needletail_git_reach(&git, &status, &reason, reason.count)
        }
        switch needletail_git_outcome(UInt32(bitPattern: outcome)) {
        case NEEDLETAIL_GIT_REACHED: return
        case NEEDLETAIL_GIT_FORBIDDEN: throw .addressNotAllowed
        case NEEDLETAIL_GIT_STATUS: throw .refused(status: status)
        case NEEDLETAIL_GIT_NO_REPOSITORY: throw .noRepository
        default:
            let text = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw .unreachable(String(decoding: text, as: UTF8.self))
        }
    }
}

/// Why a repository cannot be used.
public enum GitError: Error, Equatable, Sendable, CustomStringConvertible {
    case malformedURL
    case addressNotAllowed
    case refused(status: Int)
    /// What answers is no Git server, or has no repository there.
    case noRepository
    /// As libcurl says it.
    case unreachable(String)

    public var description: String {
        switch self {
        case .malformedURL: "the address is not one of HTTP or HTTPS"
        case .addressNotAllowed: "its network address is not allowed"
        case .refused(401), .refused(403): "not authorized"
        case .refused(404): "not found"
        case .refused(let status): "the server answers with status \(status)"
        case .noRepository: "there is no Git repository"
        case .unreachable(let reason): reason
        }
    }
}

/// Lends C strings for `texts`, `nil` for what is absent.
private func withOptionalCStrings<R>(_ texts: [String?], _ body: ([UnsafePointer<CChar>?]) -> R) -> R {
    func lend(_ rest: ArraySlice<String?>, _ lent: [UnsafePointer<CChar>?]) -> R {
        guard let first = rest.first else { return body(lent) }
        guard let text = first else { return lend(rest.dropFirst(), lent + [nil]) }
        return text.withCString { lend(rest.dropFirst(), lent + [$0]) }
    }
    return lend(texts[...], [])
}
