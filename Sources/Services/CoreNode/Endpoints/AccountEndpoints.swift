internal import Crypto
internal import HTTPServer
internal import JSON
internal import Logging
internal import Model
internal import Storage

/// Activation of accounts and forgotten passwords, for those who cannot sign in (`rest-api.md` 1.7).
struct AccountEndpoints: EndpointGroup {
    let services: Services

    /// Links that one user may open or ask for: 5 in an hour.
    private static let linkRate = RateLimit("5:3600")!
    private let opened: RateLimiter
    private let requested: RateLimiter

    init(services: Services) {
        self.services = services
        opened = RateLimiter("reset-opened", shared: services.counts)
        requested = RateLimiter("reset-requested", shared: services.counts)
    }

    static let schemas = [
        "ActivateUserRequest": "activateToken:string! password:string!", "ResetPasswordEmailRequest": "email:string!",
        "ResetPasswordRequest": "resetToken:string! password:string!",
        "UserPasswordPolicy": """
        minimumLength:integer maximumLength:integer minimumUppercaseLetters:integer minimumLowercaseLetters:integer \
        minimumDigits:integer minimumSpecialCharacters:integer allowWhitespaces:boolean \
        forceUserToResetPasswordIfNotValid:boolean passwordExpirationPeriodDays:integer \
        passwordReuseFrequencyDays:integer
        """,
    ]

    var endpoints: [Endpoint] {
        [
            .open(.get, "/api/noauth/userPasswordPolicy", passwordPolicy)
                .docs("What passwords must look like", answer: "UserPasswordPolicy"),
            .open(.get, "/api/noauth/activate", openActivationLink)
                .docs("Leads to the page of the first password", query: [.text("activateToken").required]),
            .open(.post, "/api/noauth/activate", activate)
                .docs(
                    "Sets the first password", query: [.boolean("sendActivationMail")], body: "ActivateUserRequest",
                    answer: "JwtPair"),
            .open(.post, "/api/noauth/resetPasswordByEmail", requestReset)
                .docs("Sends a link to reset the password", body: "ResetPasswordEmailRequest", answer: .nothing),
            .open(.get, "/api/noauth/resetPassword", openResetLink)
                .docs("Leads to the page of a new password", query: [.text("resetToken").required]),
            .open(.post, "/api/noauth/resetPassword", resetPassword)
                .docs("Sets a new password", body: "ResetPasswordRequest", answer: .nothing),
        ]
    }

    @Sendable private func passwordPolicy(_ call: Call) async throws -> HTTPResponse {
        let policy = try await SecuritySettings.load(from: services.database).policy
        return .json { policy.write(to: &$0) }
    }

    // MARK: - Activation

    /// Leads a browser from the link in a mail to the page where the first password is set.
    @Sendable private func openActivationLink(_ call: Call) async throws -> HTTPResponse {
        let token = try call.requiredText("activateToken")
        guard !token.utf8.contains(0), let credentials = try await services.users.credentials(activateToken: token)
        else { return .empty(409) }
        let isExpired = credentials.activateTokenExpiry.map { $0 < call.now } ?? false
        let location = isExpired ? "/activationLinkExpired" : "/login/createPassword?activateToken=\(token)"
        return HTTPResponse(status: 303, fields: [("Location", location)])
    }

    @Sendable private func activate(_ call: Call) async throws -> HTTPResponse {
        let body = try call.object()
        let token = try body.storedText("activateToken") ?? ""
        let password = try body.text("password") ?? ""
        let sendsMail = try call.boolean("sendActivationMail") ?? true
        let unknown = APIError.invalid("Unable to find user credentials by activateToken [\(token)]")
        let policy = try await SecuritySettings.load(from: services.database).policy
        try policy.check(password)
        guard let credentials = try await services.users.credentials(activateToken: token),
            let user = try await services.users.find(credentials.userID)
        else { throw unknown }
        if let expiry = credentials.activateTokenExpiry, expiry < call.now {
            throw APIError.invalid("Activation token expired")
        }
        let hash = try await services.passwords.hash(password)
        guard try await services.users.activate(user.id, token: token, passwordHash: hash, now: call.now) else {
            throw unknown
        }
        if sendsMail {
            services.mail.sendLater(
                .activated(loginLink: try await services.baseURL(call) + "/login", email: user.email), to: user.email)
        }
        let session = UUID128.random()
        await services.actions.record(
            .onlyID(.credentialsUpdated, ActionSubject(user)), by: Principal(user, session: session))
        return .json(services.login.issue(for: user, session: session, now: call.now))
    }

    // MARK: - Forgotten passwords

    /// Says the same whether the address is known or not, after the same time: the mail is sent later.
    @Sendable private func requestReset(_ call: Call) async throws -> HTTPResponse {
        let email = services.login.normalized(email: try call.object().storedText("email") ?? "")
        let link = try await services.baseURL(call) + "/api/noauth/resetPassword?resetToken="
        let (services, now, requested) = (services, call.now, requested)
        // Ends with the mail. Known and unknown addresses must not differ in what the client waits for.
        Task {
            do {
                guard let user = try await services.users.find(email: email),
                    await requested.allows(user.id.uuid, Self.linkRate, now: now),
                    try await services.users.credentials(user.id)?.isEnabled == true
                else { return }
                let settings = try await SecuritySettings.load(from: services.database)
                let token = try await services.passwords.makeResetToken(for: user.id, settings, now: now)
                try await services.mail.send(
                    .resetPassword(link: link + token, hours: settings.resetTokenLifetime), to: user.email)
            } catch MailService.Failure.off {
                return
            } catch {
                services.logger.limited(
                    .warning, "a mail to reset a password was not sent", ["error": .string("\(error)")])
            }
        }
        return .empty(200)
    }

    @Sendable private func openResetLink(_ call: Call) async throws -> HTTPResponse {
        let token = try call.requiredText("resetToken")
        guard !token.utf8.contains(0), let found = try await services.users.find(resetToken: token) else {
            return .empty(409)
        }
        guard await opened.allows(found.user.uuid, Self.linkRate, now: call.now) else {
            throw APIError(429, .tooManyRequests, "Too many attempts to open the link")
        }
        let location =
            found.expiry < call.now ? "/passwordResetLinkExpired" : "/login/resetPassword?resetToken=\(token)"
        return HTTPResponse(status: 303, fields: [("Location", location)])
    }

    @Sendable private func resetPassword(_ call: Call) async throws -> HTTPResponse {
        let body = try call.object()
        let token = try body.storedText("resetToken") ?? ""
        let password = try body.text("password") ?? ""
        guard !token.isEmpty, let found = try await services.users.find(resetToken: token),
            let user = try await services.users.find(found.user)
        else { throw APIError.invalid("Invalid reset token!") }
        if found.expiry < call.now { throw APIError.invalid("Password reset token expired") }
        let policy = try await SecuritySettings.load(from: services.database).policy
        try policy.check(password)
        let credentials = try await services.users.credentials(user.id)
        if try await services.passwords.isPassword(password, of: credentials) {
            throw APIError.invalid("New password should be different from existing!")
        }
        // A password that is refused does not use the link up.
        try await services.passwords.check(password, of: user.id, policy, now: call.now)
        // Once, however many ask at the same time.
        guard try await services.users.useResetToken(token) else { throw APIError.invalid("Invalid reset token!") }
        try await services.passwords.change(user.id, to: password, policy, now: call.now)
        try await services.revocations.revokeAll(of: user.id, now: CurrentTime.milliseconds)
        await services.actions.record(
            .onlyID(.credentialsUpdated, ActionSubject(user)), by: Principal(user, session: .null))
        services.mail.sendLater(
            .passwordChanged(loginLink: try await services.baseURL(call) + "/login", email: user.email), to: user.email)
        return .empty(200)
    }
}

extension Services {
    /// What links in mails begin with: the address of the settings where it is the only one allowed, else the one that
    /// the client used.
    func baseURL(_ call: Call) async throws -> String {
        let general = try await AdminSettingsRepository(database).find("general")?.value
        if general?["prohibitDifferentUrl"]?.boolValue == true, let url = general?["baseUrl"]?.stringValue {
            return url
        }
        return call.baseURL
    }
}
