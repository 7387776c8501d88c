internal import Crypto
internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Settings of the platform (`rest-api.md` 4.19).
struct AdminEndpoints: EndpointGroup {
    let services: Services

    /// Settings that have endpoints and rules of their own.
    private static let closedKeys: Set<String> = [TokenSettings.key, SecuritySettings.key, TwoFactorSettings.key]
    /// Members that are kept when the client does not send them, and never shown.
    private static let secrets: [String: [String]] = [MailService.key: ["password", "proxyPassword", "clientSecret"]]

    static let schemas = [
        "AdminSettings": "id:object createdTime:integer tenantId:id(TENANT) key:string! jsonValue:object!",
        "JwtSettings": """
        tokenExpirationTime:integer! refreshTokenExpTime:integer! tokenIssuer:string! tokenSigningKey:string!
        """,
        "SecuritySettings": """
        passwordPolicy:object! maxFailedLoginAttempts:integer userLockoutNotificationEmail:string \
        mobileSecretKeyLength:integer userActivationTokenTtl:integer passwordResetTokenTtl:integer
        """,
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/admin/settings/{key}", roles: .system, read)
                .docs("Settings of a key", answer: "AdminSettings"),
            Endpoint(.post, "/api/admin/settings", roles: .system, save)
                .docs("Saves settings", body: "AdminSettings", answer: "AdminSettings"),
            Endpoint(.post, "/api/admin/settings/testMail", roles: .system, testMail)
                .docs("Sends a mail to the caller by settings", body: "AdminSettings", answer: .nothing),
            Endpoint(.get, "/api/admin/securitySettings", roles: .system, readSecurity)
                .docs("How users sign in", answer: "SecuritySettings"),
            Endpoint(.post, "/api/admin/securitySettings", roles: .system, saveSecurity)
                .docs("Saves how users sign in", body: "SecuritySettings", answer: "SecuritySettings"),
            Endpoint(.get, "/api/admin/jwtSettings", roles: .system, readTokens)
                .docs("How tokens are signed", answer: "JwtSettings"),
            // Older clients write it so (`rest-api.md` 4.21).
            Endpoint(.get, "/api/admin/JwtSettings", roles: .system, readTokens)
                .docs("How tokens are signed, older form", answer: "JwtSettings"),
            Endpoint(.post, "/api/admin/JwtSettings", roles: .system, saveTokens)
                .docs("Saves how tokens are signed, older form", body: "JwtSettings", answer: "JwtPair"),
            Endpoint(.post, "/api/admin/jwtSettings", roles: .system, saveTokens)
                .docs("Saves how tokens are signed; a new pair for the caller", body: "JwtSettings", answer: "JwtPair"),
            Endpoint(.get, "/api/admin/autoCommitSettings/exists", roles: .tenant, no).docs("Whether there are any"),
            Endpoint(.get, "/api/admin/autoCommitSettings", roles: .tenant, noCommitSettings)
                .docs("There are none"),
            Endpoint(.delete, "/api/admin/autoCommitSettings", roles: .tenant, gone)
                .docs("There are none", answer: .nothing),
        ]
    }

    // MARK: - By key

    private func answer(_ key: String, _ record: AdminSettingsRepository.Record) -> HTTPResponse {
        var value = record.document.value
        if var object = value.objectValue {
            for secret in Self.secrets[key] ?? [] { object.removeValue(forKey: secret) }
            value = .object(object)
        }
        return .json { writer in
            writer.object { writer in
                writer.key("id")
                writer.object { $0.member("id", record.id.text) }
                writer.member("createdTime", record.createdTime)
                writer.id("tenantId", TenantID.system)
                writer.member("key", key)
                writer.member("jsonValue", value)
            }
        }
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let key = call.path["key"]
        let missing = APIError(404, .notFound, "No Administration settings found for key: \(key)")
        guard !key.utf8.contains(0), !Self.closedKeys.contains(key),
            let record = try await services.settings.record(key)
        else { throw missing }
        return answer(key, record)
    }

    private func settings(_ body: RequestObject) async throws -> (key: String, value: JSONObject) {
        var validation = Validation()
        let key = try body.storedText("key")
        validation.text("key", key)
        try validation.check()
        guard let key, key.contains(where: { !$0.isWhitespace }) else {
            throw APIError.invalid("Key should be specified!")
        }
        if Self.closedKeys.contains(key) { throw APIError.permissionDenied }
        guard var value = try body.object("jsonValue")?.members else {
            throw APIError.invalid("Json value should be specified!")
        }
        let stored = try await services.settings.find(key)?.value
        for secret in Self.secrets[key] ?? [] where value[secret] == nil || value[secret] == .null {
            value[secret] = stored?[secret]
        }
        return (key, JSONValue.object(value).withoutNullCharacters.objectValue ?? value)
    }

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let (key, value) = try await settings(body)
        let stored = try await services.settings.record(key)
        if let given = try body.uuid("id", nil) {
            if let stored, stored.id != given {
                throw APIError.invalid("Changing key of admin settings entry is prohibited!")
            }
        } else if stored != nil {
            throw APIError.invalid("Admin settings with such name already exists!")
        }
        if key == "general", let url = value["baseUrl"]?.stringValue, !url.hasPrefix("http://"),
            !url.hasPrefix("https://")
        {
            throw APIError.invalid("Base URL should begin with http:// or https://")
        }
        try await services.settings.save(key, RawJSON(.object(value)), now: call.now)
        guard let record = try await services.settings.record(key) else { throw APIError.itemNotFound }
        return answer(key, record)
    }

    @Sendable private func testMail(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let (key, value) = try await settings(try call.object())
        guard key == MailService.key else { throw APIError.invalid("Mail settings are expected") }
        do {
            try await services.mail.send(.test, to: principal.subject, by: .object(value))
        } catch MailService.Failure.refused(let reason) {
            throw APIError(500, .general, "Unable to send mail: \(reason)")
        }
        return .empty(200)
    }

    // MARK: - Security

    @Sendable private func readSecurity(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await SecuritySettings.load(from: services.database))
    }

    @Sendable private func saveSecurity(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        for lifetime in ["userActivationTokenTtl", "passwordResetTokenTtl"] where !body.contains(lifetime) {
            throw APIError.invalid("Validation error: \(lifetime) must not be null")
        }
        let settings = SecuritySettings(.object(body.members))
        try settings.check()
        try await services.settings.save(SecuritySettings.key, settings.document, now: call.now)
        return .json(settings)
    }

    @Sendable private func readTokens(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json { $0.raw(services.login.codec.settings.document.text) }
    }

    private static func signingKey(_ text: String) throws(APIError) -> [UInt8] {
        if text.isEmpty { throw .invalid("JWT token signing key should be specified!") }
        guard let key = Base64.decode(text) else {
            throw .invalid("JWT token signing key should be a valid Base64 encoded string!")
        }
        if key.count < 64 {
            throw .invalid(
                "JWT token signing key should be a Base64 encoded string representing at least 512 bits of data!")
        }
        return key
    }

    /// All tokens die when the key changes, so the caller gets new ones.
    @Sendable private func saveTokens(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        guard let issuer = try body.storedText("tokenIssuer"), !issuer.isEmpty else {
            throw APIError.invalid("JWT token issuer should be specified!")
        }
        let access = try body.integer("tokenExpirationTime") ?? 0
        let refresh = try body.integer("refreshTokenExpTime") ?? 0
        if refresh < 900 { throw APIError.invalid("JWT refresh token expiration time should be at least 15 minutes!") }
        if access < 60 { throw APIError.invalid("JWT token expiration time should be at least 1 minute!") }
        if access >= refresh {
            throw APIError.invalid("JWT token expiration time should greater than JWT refresh token expiration time!")
        }
        let key = try Self.signingKey(body.text("tokenSigningKey") ?? "")
        if refresh > 315_360_000 { throw APIError.invalid("JWT token expiration times should be at most 10 years!") }
        var settings = TokenSettings(signingKey: key)
        settings.issuer = issuer
        settings.accessLifetime = access
        settings.refreshLifetime = refresh
        guard let user = try await services.users.find(principal.userID) else { throw APIError.itemNotFound }
        try await services.settings.save(TokenSettings.key, settings.document, now: call.now)
        services.login.codec.settings = settings
        await services.actions.events.post(.securityChanged)
        return .json(services.login.issue(for: user, session: .random(), now: call.now))
    }

    // MARK: - What there is not

    @Sendable private func no(_ call: Call, _ principal: Principal) async throws -> HTTPResponse { .json("false") }

    /// Deleted or never there is the same.
    @Sendable private func gone(_ call: Call, _ principal: Principal) async throws -> HTTPResponse { .empty(200) }

    @Sendable private func noCommitSettings(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        throw APIError.itemNotFound
    }
}
