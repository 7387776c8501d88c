internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Login, tokens, and the signed-in user (`rest-api.md` 1.2 to 1.8).
struct AuthEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            .open(.post, "/api/auth/login", login),
            .open(.get, "/api/auth/login", wrongMethod), .open(.put, "/api/auth/login", wrongMethod),
            .open(.delete, "/api/auth/login", wrongMethod), .open(.patch, "/api/auth/login", wrongMethod),
            .open(.post, "/api/auth/token", refresh),
            .open(.get, "/api/noauth/userPasswordPolicy", passwordPolicy),
            .open(.post, "/api/noauth/activate", activate),
            .open(.get, "/api/noauth/activate", openActivationLink),
            .open(.post, "/api/noauth/oauth2Clients", noClients),
            Endpoint(.get, "/api/auth/user", roles: .everyone, currentUser),
            Endpoint(.post, "/api/auth/logout", roles: .everyone, logout),
            Endpoint(.post, "/api/auth/changePassword", roles: .everyone, changePassword),
        ]
    }

    // MARK: - Tokens

    @Sendable private func login(_ call: Call) async throws -> HTTPResponse {
        guard let body = (try? JSONValue.parse(call.request.body))?.objectValue,
            let name = body["username"]?.stringValue, name.contains(where: { !$0.isWhitespace }),
            let password = body["password"]?.stringValue, !password.isEmpty
        else { throw APIError.authenticationFailed }
        return .json(try await services.login.login(email: name, password: password, now: call.now))
    }

    @Sendable private func wrongMethod(_ call: Call) async throws -> HTTPResponse {
        throw APIError(401, .authentication, "Authentication method not supported")
    }

    @Sendable private func refresh(_ call: Call) async throws -> HTTPResponse {
        guard let token = (try? JSONValue.parse(call.request.body))?["refreshToken"]?.stringValue,
            token.contains(where: { !$0.isWhitespace })
        else { throw APIError.authenticationFailed }
        return .json(try await services.login.refresh(token, now: call.now))
    }

    @Sendable private func logout(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        services.revocations.revoke(session: principal.sessionID, now: call.now)
        return .empty(200)
    }

    // MARK: - The signed-in user

    @Sendable private func currentUser(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let user = try await services.users.find(principal.userID) else {
            throw APIError.notFound(.user, principal.userID.uuid)
        }
        return .json(user)
    }

    @Sendable private func changePassword(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let current = try body.text("currentPassword") ?? ""
        let new = try body.text("newPassword") ?? ""
        guard let user = try await services.users.find(principal.userID),
            let credentials = try await services.users.credentials(principal.userID)
        else { throw APIError.notFound(.user, principal.userID.uuid) }
        guard try await services.login.isPassword(current, of: credentials) else {
            throw APIError.invalid("Current password doesn't match!")
        }
        try await PasswordPolicy.load(from: services.database).check(new)
        if new == current { throw APIError.invalid("New password should be different from existing!") }
        try await services.users.setPassword(user.id, hash: try await services.login.hash(new))
        services.revocations.revokeAll(of: user.id, now: call.now)
        return .json(services.login.codec.issue(for: user, session: .random(), now: call.now))
    }

    // MARK: - Activation

    @Sendable private func passwordPolicy(_ call: Call) async throws -> HTTPResponse {
        let policy = try await PasswordPolicy.load(from: services.database)
        return .json { policy.write(to: &$0) }
    }

    @Sendable private func activate(_ call: Call) async throws -> HTTPResponse {
        let body = try call.object()
        let token = try body.text("activateToken") ?? ""
        let password = try body.text("password") ?? ""
        let unknown = APIError.invalid("Unable to find user credentials by activateToken [\(token)]")
        try await PasswordPolicy.load(from: services.database).check(password)
        guard let credentials = try await services.users.credentials(activateToken: token),
            let user = try await services.users.find(credentials.userID)
        else { throw unknown }
        if let expiry = credentials.activateTokenExpiry, expiry < call.now {
            throw APIError.invalid("Activation token expired")
        }
        let hash = try await services.login.hash(password)
        guard try await services.users.activate(user.id, token: token, passwordHash: hash) else { throw unknown }
        return .json(services.login.codec.issue(for: user, session: .random(), now: call.now))
    }

    /// Leads a browser from the link in a mail to the page where the first password is set.
    @Sendable private func openActivationLink(_ call: Call) async throws -> HTTPResponse {
        let token = try call.requiredText("activateToken")
        guard let credentials = try await services.users.credentials(activateToken: token) else { return .empty(409) }
        let isExpired = credentials.activateTokenExpiry.map { $0 < call.now } ?? false
        let location = isExpired ? "/activationLinkExpired" : "/login/createPassword?activateToken=\(token)"
        return HTTPResponse(status: 303, fields: [("Location", location)])
    }

    /// There are no other ways to sign in.
    @Sendable private func noClients(_ call: Call) async throws -> HTTPResponse { .json("[]") }
}
