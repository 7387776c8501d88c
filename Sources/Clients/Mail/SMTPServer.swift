internal import CCurl

/// How to reach a mail server.
public struct SMTPServer: Sendable {
    public enum Security: Sendable { case plain, startTLS, tls }

    public var host: String
    public var port: Int
    public var security = Security.plain
    public var username: String?
    /// Never logged.
    public var password: String?
    /// `host:port` of an HTTP proxy.
    public var proxy: String?
    /// `user:password`. Never logged.
    public var proxyCredentials: String?
    /// For the whole exchange.
    public var timeout: Duration = .seconds(10)

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Hands `message` to the server. Blocks up to ``timeout``; safe from any thread.
    public func send(_ message: MailMessage) throws(MailError) {
        guard let sender = MailMessage.address(of: message.sender),
            let recipient = MailMessage.address(of: message.recipient), message.isWellFormed,
            !host.isEmpty, (1...65_535).contains(port),
            host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "@") })
        else { throw MailError(reason: "a mail address or the server's name is malformed") }
        let bytes = message.rendered
        var reason = [CChar](repeating: 0, count: 512)
        let milliseconds = Int(
            timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000)
        let code = withOptionalCStrings([host, username, password, proxy, proxyCredentials, sender, recipient]) {
            texts in
            bytes.withUnsafeBytes { content in
                var mail = needletail_smtp()
                mail.host = texts[0]
                mail.port = Int32(port)
                mail.security =
                    switch security {
                    case .plain: Int32(NEEDLETAIL_SMTP_PLAIN.rawValue)
                    case .startTLS: Int32(NEEDLETAIL_SMTP_STARTTLS.rawValue)
                    case .tls: Int32(NEEDLETAIL_SMTPS.rawValue)
                    }
                mail.username = texts[1]
                mail.password = texts[2]
                mail.proxy = texts[3]
                mail.proxy_credentials = texts[4]
                mail.timeout_ms = milliseconds
                mail.sender = texts[5]
                mail.recipient = texts[6]
                mail.message = content.baseAddress?.assumingMemoryBound(to: CChar.self)
                mail.message_length = content.count
                return needletail_smtp_send(&mail, &reason, reason.count)
            }
        }
        guard code == 0 else {
            let text = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw MailError(reason: String(decoding: text, as: UTF8.self))
        }
    }
}

/// Why a mail was not sent, as libcurl says it.
public struct MailError: Error, Equatable, CustomStringConvertible {
    public var reason: String
    public var description: String { reason }
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
