internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Two-factor authentication by one-time passwords (`rest-api.md` 1.9).
struct TwoFactorEndpoints: EndpointGroup {
    let services: Services

    private static let account: Set<Principal.Scope> = [.full, .factorConfiguration]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/2fa/settings", roles: .system, readSettings).docs("Settings of the platform"),
            Endpoint(.post, "/api/2fa/settings", roles: .system, saveSettings)
                .docs("Saves the settings of the platform", body: "PlatformTwoFaSettings"),
            .limited(.get, "/api/2fa/providers", to: Self.account, providers).docs("Kinds of second factors"),
            .limited(.get, "/api/2fa/account/settings", to: Self.account, readAccount)
                .docs("The second factors of the user"),
            .limited(.post, "/api/2fa/account/config/generate", to: Self.account, draft)
                .docs("A new secret, to be confirmed", query: [.choice("providerType", ["TOTP"]).required]),
            .limited(.post, "/api/2fa/account/config/submit", to: Self.account, submit)
                .docs("Nothing has to be sent for an app", body: "TwoFaAccountConfig", answer: .nothing),
            .limited(.post, "/api/2fa/account/config", to: Self.account, saveAccount)
                .docs(
                    "Saves a second factor that made the code", query: [.text("verificationCode").required],
                    body: "TwoFaAccountConfig"),
            Endpoint(.put, "/api/2fa/account/config", roles: .everyone, changeAccount)
                .docs(
                    "Changes which factor is asked for first", query: [.choice("providerType", ["TOTP"]).required],
                    body: .anything),
            Endpoint(.delete, "/api/2fa/account/config", roles: .everyone, deleteAccount)
                .docs("Removes a second factor", query: [.choice("providerType", ["TOTP"]).required]),
            .limited(.get, "/api/auth/2fa/providers", to: [.preVerification], loginProviders)
                .docs("The second factors of whoever signs in"),
            .limited(.post, "/api/auth/2fa/verification/send", to: [.preVerification], send)
                .docs(
                    "Nothing has to be sent for an app", query: [.choice("providerType", ["TOTP"]).required],
                    answer: .nothing),
            .limited(.post, "/api/auth/2fa/verification/check", to: [.preVerification], check)
                .docs(
                    "Completes a login",
                    query: [.choice("providerType", ["TOTP"]).required, .text("verificationCode").required],
                    answer: "JwtPair"),
            .limited(.post, "/api/auth/2fa/login", to: [.factorConfiguration], loginAfterConfiguration)
                .docs("Completes a login that demanded a second factor", answer: "JwtPair"),
        ]
    }

    static let schemas = [
        "TwoFaAccountConfig": "providerType:string! useByDefault:boolean authUrl:string",
        "PlatformTwoFaSettings": """
        providers:array! minVerificationCodeSendPeriod:integer verificationCodeCheckRateLimit:string \
        maxVerificationFailuresBeforeUserLockout:integer totalAllowedTimeForVerification:integer enforceTwoFa:boolean \
        enforcedUsersFilter:object
        """,
    ]

    // MARK: - The platform

    @Sendable private func readSettings(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let settings = try await services.twoFactor.settings() else { return .empty(200) }
        return .json { $0.value(settings.document) }
    }

    @Sendable private func saveSettings(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let settings = TwoFactorSettings(document: try call.object().members)
        try settings.check()
        try await AdminSettingsRepository(services.database).save(
            TwoFactorSettings.key, RawJSON(JSONValue.object(settings.document).withoutNullCharacters), now: call.now)
        return .json { $0.value(settings.document) }
    }

    @Sendable private func providers(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let isEnabled = try await services.twoFactor.settings()?.isEnabled ?? false
        return .json(isEnabled ? #"["TOTP"]"# : "[]")
    }

    // MARK: - The account

    private func requireProvider(_ call: Call) throws(APIError) {
        let name = try call.requiredText("providerType")
        guard name == "TOTP" else { throw .conversion("providerType", name, to: "TwoFaProviderType") }
    }

    private func answer(_ settings: JSONValue?) -> HTTPResponse {
        guard let settings else { return .empty(200) }
        return .json { $0.value(settings) }
    }

    @Sendable private func readAccount(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        answer(try await services.twoFactor.accountSettings(of: principal.userID))
    }

    @Sendable private func draft(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try requireProvider(call)
        return answer(try await services.twoFactor.draft(for: principal))
    }

    @Sendable private func submit(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        _ = try call.object()
        return .empty(200)
    }

    @Sendable private func saveAccount(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let configuration = JSONValue.object(try call.object().members).withoutNullCharacters
        let code = try call.requiredText("verificationCode")
        if principal.isPublic { throw APIError.permissionDenied }
        return answer(
            try await services.twoFactor.save(configuration, code: code, of: principal.userID, now: call.now))
    }

    @Sendable private func changeAccount(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try requireProvider(call)
        _ = try call.object()
        // The one factor that there is stays the first.
        return answer(try await services.twoFactor.accountSettings(of: principal.userID))
    }

    @Sendable private func deleteAccount(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try requireProvider(call)
        try await services.twoFactor.delete(of: principal.userID)
        return answer(try await services.twoFactor.accountSettings(of: principal.userID))
    }

    // MARK: - Signing in

    @Sendable private func loginProviders(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let period = try await services.twoFactor.settings()?.sendPeriod ?? 5
        let isConfigured = try await services.twoFactor.accountSettings(of: principal.userID) != nil
        return .json { writer in
            writer.array { writer in
                guard isConfigured else { return }
                writer.object { writer in
                    writer.member("type", "TOTP")
                    writer.member("default", true)
                    writer.member("contact", String?.none)
                    writer.member("minVerificationCodeSendPeriod", period)
                }
            }
        }
    }

    @Sendable private func send(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try requireProvider(call)
        return .empty(200)
    }

    @Sendable private func check(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try requireProvider(call)
        let code = try call.requiredText("verificationCode")
        do {
            try await services.twoFactor.verify(code, of: principal.userID, now: call.now)
        } catch {
            await recordFailure(error, call, principal)
            throw error
        }
        return try await complete(call, principal)
    }

    /// A second factor that was wrong is a login that failed, and may be the last one (`rest-api.md` 1.2).
    private func recordFailure(_ error: any Error, _ call: Call, _ principal: Principal) async {
        guard let known = APIError(error), known.status == 400 || known.status == 401,
            let user = try? await services.users.find(principal.userID)
        else { return }
        let client = call.client
        await services.actions.recordFailure(.signing(.login, user, client), by: principal, error, now: call.now)
        if known.status == 401 {
            await services.actions.recordFailure(.signing(.lockout, user, client), by: principal, error, now: call.now)
        }
    }

    @Sendable private func loginAfterConfiguration(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard try await services.twoFactor.accountSettings(of: principal.userID) != nil else {
            throw APIError.permissionDenied
        }
        return try await complete(call, principal)
    }

    /// The limited token has done its work.
    private func complete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let user = try await services.users.find(principal.userID),
            try await services.users.credentials(user.id)?.isEnabled == true
        else { throw APIError.accountNotActive }
        try await services.revocations.revoke(session: principal.sessionID, now: call.now)
        return .json(try await services.login.complete(user, from: call.client, now: call.now))
    }
}
