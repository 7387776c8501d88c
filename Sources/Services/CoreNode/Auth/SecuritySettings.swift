internal import JSON
internal import Storage

/// How users sign in, for the whole platform (`rest-api.md` 3.6).
struct SecuritySettings: Sendable {
    var policy = PasswordPolicy()
    /// Failures after which an account is disabled; `nil` for no limit.
    var maximumFailedLogins: Int64?
    /// Gets a mail when an account was disabled.
    var lockoutEmail: String?
    var mobileSecretKeyLength: Int64 = 64
    /// Hours.
    var activationTokenLifetime: Int64 = 24
    /// Hours.
    var resetTokenLifetime: Int64 = 24

    static let key = "securitySettings"

    init() {}

    init(_ document: JSONValue) {
        policy = PasswordPolicy(document["passwordPolicy"])
        maximumFailedLogins = document["maxFailedLoginAttempts"]?.integerValue.flatMap { $0 > 0 ? $0 : nil }
        lockoutEmail = document["userLockoutNotificationEmail"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        mobileSecretKeyLength = document["mobileSecretKeyLength"]?.integerValue ?? 64
        activationTokenLifetime = document["userActivationTokenTtl"]?.integerValue ?? 24
        resetTokenLifetime = document["passwordResetTokenTtl"]?.integerValue ?? 24
    }

    /// The settings of the platform, or the default.
    static func load(from database: any StatementRunner) async throws -> SecuritySettings {
        guard let document = try await AdminSettingsRepository(database).find(key) else { return SecuritySettings() }
        return SecuritySettings(document.value)
    }

    func check() throws(APIError) {
        try policy.checkSelf()
        for (name, hours) in [
            ("userActivationTokenTtl", activationTokenLifetime), ("passwordResetTokenTtl", resetTokenLifetime),
        ] where !(1...24).contains(hours) {
            throw .invalid("Validation error: \(name) must be between 1 and 24")
        }
        if let email = lockoutEmail, !Validation.isEmail(email) {
            throw .invalid("Invalid email address format '\(email)'!")
        }
    }

    var document: RawJSON {
        var writer = JSONWriter()
        write(to: &writer)
        return RawJSON(wellFormed: String(decoding: writer.bytes, as: UTF8.self))
    }
}

extension SecuritySettings: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("passwordPolicy")
            policy.write(to: &writer)
            writer.member("maxFailedLoginAttempts", maximumFailedLogins)
            writer.member("userLockoutNotificationEmail", lockoutEmail)
            writer.member("mobileSecretKeyLength", mobileSecretKeyLength)
            writer.member("userActivationTokenTtl", activationTokenLifetime)
            writer.member("passwordResetTokenTtl", resetTokenLifetime)
        }
    }
}
