internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Login, tokens, and the signed-in user (`rest-api.md` 1.2 to 1.6).
struct AuthEndpoints: EndpointGroup {
    let services: Services

    static let schemas = [
        "LoginRequest": "username:string! password:string!", "RefreshTokenRequest": "refreshToken:string!",
        "PublicLoginRequest": "publicId:string!", "JwtPair": "token:string refreshToken:string scope:string",
        "ChangePasswordRequest": "currentPassword:string! newPassword:string!",
    ]

    var endpoints: [Endpoint] {
        [
            .open(.post, "/api/auth/login", login)
                .docs("Signs in by e-mail and password", body: "LoginRequest", answer: "JwtPair"),
            .open(.post, "/api/auth/login/public", loginPublic)
                .docs("Signs in as the tenant's public customer", body: "PublicLoginRequest", answer: "JwtPair"),
            .open(.post, "/api/auth/token", refresh)
                .docs("A new pair of tokens", body: "RefreshTokenRequest", answer: "JwtPair"),
            .open(.post, "/api/noauth/oauth2Clients", noClients)
                .docs("Other ways to sign in", query: [.text("platform"), .text("pkgName")], answer: .anything),
            Endpoint(.get, "/api/auth/user", roles: .everyone, currentUser)
                .docs("The signed-in user", answer: "User"),
            Endpoint(.post, "/api/auth/logout", roles: .everyone, logout)
                .docs("Ends the session of the token", answer: .nothing),
            Endpoint(.post, "/api/auth/changePassword", roles: .everyone, changePassword)
                .docs("Sets another password", body: "ChangePasswordRequest", answer: "JwtPair"),
        ] + wrongMethods
    }

    private var wrongMethods: [Endpoint] {
        ["/api/auth/login", "/api/auth/login/public", "/api/auth/token"].flatMap { path in
            [HTTPMethod.get, .put, .delete, .patch].map { .open($0, path, wrongMethod) }
        }
    }

    // MARK: - Tokens

    @Sendable private func login(_ call: Call) async throws -> HTTPResponse {
        guard let body = (try? JSONValue.parse(call.request.body))?.objectValue,
            let name = body["username"]?.stringValue, name.contains(where: { !$0.isWhitespace }),
            let password = body["password"]?.stringValue, !password.isEmpty
        else { throw APIError.authenticationFailed }
        let result = try await services.login.login(
            email: name, password: password, from: call.client, now: call.now)
        switch result {
        case .complete(let pair): return .json(pair)
        case .limited(let token, let scope):
            return .json { writer in
                writer.object { writer in
                    writer.member("token", token)
                    writer.member("scope", scope.rawValue)
                }
            }
        }
    }

    @Sendable private func wrongMethod(_ call: Call) async throws -> HTTPResponse {
        throw APIError(401, .authentication, "Authentication method not supported")
    }

    @Sendable private func loginPublic(_ call: Call) async throws -> HTTPResponse {
        guard let id = (try? JSONValue.parse(call.request.body))?["publicId"]?.stringValue else {
            throw APIError.authenticationFailed
        }
        return .json(try await services.login.loginPublic(id, now: call.now))
    }

    @Sendable private func refresh(_ call: Call) async throws -> HTTPResponse {
        guard let token = (try? JSONValue.parse(call.request.body))?["refreshToken"]?.stringValue,
            token.contains(where: { !$0.isWhitespace })
        else { throw APIError.authenticationFailed }
        return .json(try await services.login.refresh(token, now: call.now))
    }

    @Sendable private func logout(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await services.login.logout(principal, from: call.client, now: call.now)
        return .empty(200)
    }

    // MARK: - The signed-in user

    @Sendable private func currentUser(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard var user = try await services.users.find(principal.userID) else {
            throw APIError.notFound(.user, principal.userID.uuid)
        }
        guard var info = user.additionalInfo?.value.objectValue else { return .json(user) }
        for key in ["defaultDashboardId", "homeDashboardId"] {
            guard let id = info[key]?.stringValue, try await !isVisible(id, to: principal) else { continue }
            info.removeValue(forKey: key)
            user.additionalInfo = RawJSON(.object(info))
        }
        return .json(user)
    }

    /// Whether there is a dashboard of that id that the user may look at.
    private func isVisible(_ id: String, to principal: Principal) async throws -> Bool {
        guard let uuid = UUID128(id), let dashboard = try await services.dashboards.findInfo(DashboardID(uuid)) else {
            return false
        }
        var owner = Permissions.Owner(tenant: dashboard.tenantID)
        owner.isAssigned = principal.authority == .customerUser && dashboard.isAssigned(to: principal.customerID)
        return Permissions.allows(principal, .read, .dashboard, of: owner)
    }

    @Sendable private func changePassword(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let current = try body.text("currentPassword") ?? ""
        let new = try body.text("newPassword") ?? ""
        guard let user = try await services.users.find(principal.userID) else {
            throw APIError.notFound(.user, principal.userID.uuid)
        }
        let credentials = try await services.users.credentials(user.id)
        guard try await services.passwords.isPassword(current, of: credentials) else {
            throw APIError.invalid("Current password doesn't match!")
        }
        let policy = try await SecuritySettings.load(from: services.database).policy
        try policy.check(new)
        if new == current { throw APIError.invalid("New password should be different from existing!") }
        try await services.passwords.change(user.id, to: new, policy, now: call.now)
        try await services.revocations.revokeAll(of: user.id, now: CurrentTime.milliseconds)
        await services.actions.record(.onlyID(.credentialsUpdated, ActionSubject(user)), by: principal)
        return .json(services.login.issue(for: user, session: .random(), now: CurrentTime.milliseconds))
    }

    /// There are no other ways to sign in.
    @Sendable private func noClients(_ call: Call) async throws -> HTTPResponse { .json("[]") }
}

extension Call {
    /// Who sent the request, as far as that is known.
    var client: LoginClient {
        let forwarded = request.fields["X-Forwarded-For"].map { String($0.prefix { $0 != "," }) }
        let peer = request.peer.lastIndex(of: ":").map { String(request.peer[..<$0]) } ?? request.peer
        return LoginClient(
            address: String((forwarded ?? peer).unicodeScalars.prefix(64)),
            userAgent: request.fields["User-Agent"] ?? "")
    }
}
