internal import JSON
internal import Logging
internal import Mail
internal import Storage

/// Sends the platform's mails by the server of the administrator's settings (`rest-api.md` 4.19), on threads of its own.
struct MailService: Sendable {
    enum Failure: Error, Equatable {
        /// No server is configured.
        case off
        case refused(String)
    }

    let database: any StatementRunner
    let pool: BlockingPool
    let logger: Logger

    static let key = "mail"
    /// The sender of the settings that every installation begins with: nobody has configured anything.
    private static let unconfiguredSender = "ThingsBoard <sysadmin@localhost.localdomain>"

    var isOn: Bool {
        get async throws { try await settings() != nil }
    }

    /// Sends a mail and says how that went.
    func send(_ mail: PlatformMail, to recipient: String) async throws {
        guard let settings = try await settings() else {
            if let link = mail.link {
                // Only so that a developer without a mail server gets on.
                logger.debug("a mail was not sent: no mail server is configured", ["link": .string(link)])
            }
            throw Failure.off
        }
        try await send(mail, to: recipient, by: settings)
    }

    /// Sends a mail by settings that are not saved yet.
    func send(_ mail: PlatformMail, to recipient: String, by settings: JSONValue) async throws {
        guard let server = Self.server(settings) else { throw Failure.refused("the mail settings are incomplete") }
        let message = MailMessage(
            sender: settings["mailFrom"]?.stringValue ?? "", recipient: recipient, subject: mail.subject,
            body: mail.body)
        let failure: MailError? = try await pool.run {
            do throws(MailError) {
                try server.send(message)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw Failure.refused(failure.reason) }
    }

    /// Sends a mail that nobody waits for.
    func sendLater(_ mail: PlatformMail, to recipient: String) {
        // Ends with the mail; the pool bounds how many wait.
        Task {
            do {
                try await send(mail, to: recipient)
            } catch Failure.off {
                return
            } catch {
                logger.limited(.warning, "a mail was not sent", ["error": .string("\(error)")])
            }
        }
    }

    private func settings() async throws -> JSONValue? {
        guard let settings = try await AdminSettingsRepository(database).find(Self.key)?.value,
            settings["mailFrom"]?.stringValue != Self.unconfiguredSender,
            settings["smtpHost"]?.stringValue?.isEmpty == false
        else { return nil }
        return settings
    }

    private static func server(_ settings: JSONValue) -> SMTPServer? {
        func number(_ key: String) -> Int? {
            settings[key]?.integerValue.map { Int(clamping: $0) } ?? settings[key]?.stringValue.flatMap { Int($0) }
        }
        func text(_ key: String) -> String? { settings[key]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } }
        guard let host = text("smtpHost"), let port = number("smtpPort") else { return nil }
        var server = SMTPServer(host: host, port: port)
        if text("smtpProtocol") == "smtps" {
            server.security = .tls
        } else if settings["enableTls"]?.boolValue == true {
            server.security = .startTLS
        }
        server.username = text("username")
        server.password = text("password")
        if settings["enableProxy"]?.boolValue == true, let host = text("proxyHost"), let port = number("proxyPort") {
            server.proxy = "\(host):\(port)"
            if let user = text("proxyUser") { server.proxyCredentials = "\(user):\(text("proxyPassword") ?? "")" }
        }
        server.timeout = .milliseconds(min(max(number("timeout") ?? 10_000, 100), 60_000))
        return server
    }
}
