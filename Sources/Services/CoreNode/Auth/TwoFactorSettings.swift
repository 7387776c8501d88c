internal import JSON
internal import Model
internal import Storage

/// What the platform says about two-factor authentication (`rest-api.md` 1.9). One-time passwords of an app are the one
/// kind of second factor.
struct TwoFactorSettings: Sendable {
    static let key = "twoFaSettings"
    /// As the administrator saved it.
    let document: JSONObject

    var isEnabled: Bool { !providers.isEmpty }
    var isEnforced: Bool { document["enforceTwoFa"]?.boolValue ?? false }
    /// Seconds.
    var verificationLifetime: Int64 { document["totalAllowedTimeForVerification"]?.integerValue ?? 1800 }
    /// Seconds.
    var sendPeriod: Int64 { document["minVerificationCodeSendPeriod"]?.integerValue ?? 5 }
    var maximumFailures: Int64? {
        document["maxVerificationFailuresBeforeUserLockout"]?.integerValue.flatMap { $0 > 0 ? $0 : nil }
    }
    var checkRate: RateLimit {
        let text = document["verificationCodeCheckRateLimit"]?.stringValue ?? ""
        return RateLimit(text.isEmpty ? "10:900" : text) ?? RateLimit("10:900")!
    }

    private var providers: [JSONValue] {
        (document["providers"]?.arrayValue ?? []).filter { $0["providerType"]?.stringValue == "TOTP" }
    }

    var issuer: String { providers.first?["issuerName"]?.stringValue ?? "ThingsBoard" }

    init(document: JSONObject) { self.document = document }

    /// - Returns: `nil` when nobody has configured it.
    static func load(from database: any StatementRunner) async throws -> TwoFactorSettings? {
        try await AdminSettingsRepository(database).find(key)?.value.objectValue.map(TwoFactorSettings.init)
    }

    /// Whether somebody of that tenant and role must have a second factor.
    func isEnforced(on user: User) -> Bool {
        guard isEnabled, isEnforced else { return false }
        switch document["enforcedUsersFilter"]?["type"]?.stringValue {
        case "SYSTEM_ADMINISTRATORS"?: return user.authority == .systemAdministrator
        case "TENANT_ADMINISTRATORS"?:
            guard user.authority == .tenantAdministrator else { return false }
            let tenants = document["enforcedUsersFilter"]?["tenantsIds"]?.arrayValue ?? []
            return tenants.isEmpty || tenants.contains { $0.stringValue == user.tenantID.description }
        default: return true
        }
    }

    /// Checks what an administrator saves.
    func check() throws(APIError) {
        guard let list = document["providers"]?.arrayValue else {
            throw .invalid("Validation error: providers must not be null")
        }
        for provider in list {
            guard provider["providerType"]?.stringValue == "TOTP" else {
                throw .invalid("Two-factor provider '\(provider["providerType"]?.stringValue ?? "")' is not supported")
            }
            guard let issuer = provider["issuerName"]?.stringValue, !issuer.isEmpty, issuer.utf8.count <= 100 else {
                throw .invalid("Validation error: issuerName must not be blank")
            }
        }
        if list.count > 1 { throw .invalid("Validation error: providers must not repeat a type") }
        if let text = document["verificationCodeCheckRateLimit"]?.stringValue, RateLimit(text) == nil {
            throw .invalid("Validation error: verificationCodeCheckRateLimit is malformed")
        }
        if sendPeriod < 5 {
            throw .invalid("Validation error: minVerificationCodeSendPeriod must be greater than or equal to 5")
        }
        if verificationLifetime < 60 {
            throw .invalid("Validation error: totalAllowedTimeForVerification must be greater than or equal to 60")
        }
        if verificationLifetime > 31_536_000 {
            throw .invalid("Validation error: totalAllowedTimeForVerification must be less than or equal to 31536000")
        }
    }
}
