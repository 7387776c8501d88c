internal import Crypto
internal import HTTPServer
internal import JSON
internal import Logging
internal import Model
internal import Storage

/// Users (`rest-api.md` 4.1).
struct UserEndpoints: EndpointGroup {
    let services: Services

    /// A link with less left is replaced when it is asked for.
    private static let linkReserve: Int64 = 15 * 60_000

    static let schemas = [
        "User": """
        id:id(USER) createdTime:integer tenantId:id(TENANT) customerId:id(CUSTOMER) email:string! authority:choice(SYS_ADMIN|TENANT_ADMIN|CUSTOMER_USER)! \
        firstName:string lastName:string phone:string version:integer name:string additionalInfo:object
        """,
        "UserEmailInfo": "id:id(USER) email:string firstName:string lastName:string",
        "UserActivationLink": "value:string ttlMs:integer",
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/user/{userId}", roles: .everyone, read).docs("A user", answer: "User"),
            Endpoint(.post, "/api/user", roles: .everyone, save)
                .docs(
                    "Creates or changes a user", query: [.boolean("sendActivationMail")], body: "User", answer: "User"),
            Endpoint(.delete, "/api/user/{userId}", roles: [.system, .tenant], delete)
                .docs("Deletes a user", answer: .nothing),
            Endpoint(.get, "/api/user/{userId}/activationLink", roles: [.system, .tenant], activationLink)
                .docs("The link by which the user sets the first password", answer: .text),
            Endpoint(.get, "/api/user/{userId}/activationLinkInfo", roles: [.system, .tenant], activationLinkInfo)
                .docs("The activation link, and how long it works", answer: "UserActivationLink"),
            Endpoint(.post, "/api/user/sendActivationMail", roles: [.system, .tenant], sendActivationMail)
                .docs("Sends the activation link", query: [.text("email").required], answer: .nothing),
            Endpoint(.post, "/api/user/{userId}/userCredentialsEnabled", roles: [.system, .tenant], setEnabled)
                .docs(
                    "Whether the user may sign in", query: [.boolean("userCredentialsEnabled")], answer: .nothing),
            Endpoint(.get, "/api/user/tokenAccessEnabled", roles: [.system, .tenant], isTokenAccessEnabled)
                .docs("Whether administrators may sign in as others"),
            Endpoint(.get, "/api/user/{userId}/token", roles: [.system, .tenant], token)
                .docs("Signs in as the user", answer: "JwtPair"),
            Endpoint(.get, "/api/users", roles: [.tenant, .customer], list)
                .docs("Users of the tenant or customer", query: .page, answer: .page("User")),
            Endpoint(.get, "/api/users/list", roles: [.tenant, .customer], byIDs)
                .docs("Users by their ids", query: [.uuids("userIds").required], answer: .list("User")),
            Endpoint(.get, "/api/users/info", roles: [.tenant, .customer], listInfos)
                .docs("Names and addresses of users", query: .page, answer: .page("UserEmailInfo")),
            Endpoint(.get, "/api/users/assign/{alarmId}", roles: [.tenant, .customer], listForAlarm)
                .docs("Who an alarm may be assigned to", query: .page, answer: .page("UserEmailInfo")),
            Endpoint(.get, "/api/tenant/{tenantId}/users", roles: .system, listOfTenant)
                .docs("Administrators of a tenant", query: .page, answer: .page("User")),
            Endpoint(.get, "/api/customer/{customerId}/users", roles: .tenant, listOfCustomer)
                .docs("Users of a customer", query: .page, answer: .page("User")),
        ]
    }

    private func find(
        _ id: UserID, for principal: Principal, _ operation: Permissions.Operation
    ) async throws -> User {
        guard let user = try await services.users.find(id) else { throw APIError.notFound(.user, id.uuid) }
        try Permissions.require(principal, operation, .user, of: Permissions.Owner(user))
        return user
    }

    // MARK: - Reading

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        var user = try await find(try call.id("userId"), for: principal, .read)
        let credentials = try await services.users.credentials(user.id)
        var info = user.additionalInfo?.value.objectValue ?? [:]
        info["userCredentialsEnabled"] = .bool(credentials?.isEnabled ?? false)
        info["userActivated"] = .bool(credentials?.passwordHash != nil)
        info["lastLoginTs"] = credentials?.lastLogin.map { .integer($0) } ?? .null
        user.additionalInfo = RawJSON(.object(info))
        return .json(user)
    }

    /// One path for two: with `userIds` the users of those ids.
    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if call.query.first("userIds") != nil { return try await byIDs(call, principal) }
        let customer = principal.authority == .customerUser ? principal.customerID : nil
        return .json(
            try await services.users.page(tenant: principal.tenantID, customer: customer, try call.pageLink()))
    }

    @Sendable private func byIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = principal.authority == .customerUser ? principal.customerID : nil
        return .json(
            try await services.users.find(
                try call.requiredIDs("userIds"), tenant: principal.tenantID, customer: customer))
    }

    /// Names that are not there are empty, as values of entity queries are.
    @Sendable private func listInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = principal.authority == .customerUser ? principal.customerID : nil
        let page = try await services.users.infoPage(
            tenant: principal.tenantID, customer: customer, try call.pageLink())
        return .json { $0.page(page) { user, writer in user.writeInfo(absent: "", to: &writer) } }
    }

    /// Tenant administrators, and the users of the customer whose the alarm is.
    @Sendable private func listForAlarm(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let alarm = try await AlarmAccess(services: services).find(call, principal, .read).alarm
        let link = try call.pageLink()
        let page =
            principal.authority == .customerUser
            ? try await services.users.infoPage(tenant: alarm.tenantID, customer: principal.customerID, link)
            : try await services.users.infoPage(tenant: alarm.tenantID, seeing: alarm.customerID ?? .null, link)
        return .json { $0.page(page) { user, writer in user.writeInfo(to: &writer) } }
    }

    @Sendable private func listOfTenant(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await services.users.administratorPage(tenant: try call.id("tenantId"), try call.pageLink()))
    }

    @Sendable private func listOfCustomer(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: CustomerID = try call.id("customerId")
        guard let customer = try await services.customers.find(id) else { throw APIError.notFound(.customer, id.uuid) }
        try Permissions.require(
            principal, .read, .customer, of: Permissions.Owner(tenant: customer.tenantID, customer: id))
        return .json(try await services.users.page(tenant: principal.tenantID, customer: id, try call.pageLink()))
    }

    // MARK: - Saving

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        if let id: UserID = try body.id("id") { return try await update(id, body, principal) }
        return try await create(call, body, principal)
    }

    private func create(_ call: Call, _ body: RequestObject, _ principal: Principal) async throws -> HTTPResponse {
        if principal.authority == .customerUser { throw APIError.permissionDenied }
        var user = try await checked(body, principal)
        user.id = UserID(.ordered())
        user.createdTime = call.now
        let sendsMail = try call.boolean("sendActivationMail") ?? true
        let created = user
        let hours = try await SecuritySettings.load(from: services.database).activationTokenLifetime
        let token = SecureRandom.urlSafeToken(bytes: 30)
        do {
            try await services.database.inTransaction { transaction in
                let users = UserRepository(transaction)
                if !created.tenantID.isNull {
                    try await EntityLimits(transaction).check(.user, tenant: created.tenantID)
                }
                if !created.customerID.isNull,
                    try await !CustomerRepository(transaction).hold(created.customerID)
                {
                    throw APIError.invalid("User is referencing to non-existent customer!")
                }
                try await users.insert(created)
                try await users.insertCredentials(
                    created.id, activateToken: token, expiry: call.now + hours * 3_600_000, now: call.now)
            }
        } catch {
            throw emailError(error, created.email)
        }
        if sendsMail { try await mailLink(token, to: created, hours, call, removingUser: true) }
        await services.actions.record(.added(ActionSubject(created)), by: principal)
        return .json(created)
    }

    private func update(_ id: UserID, _ body: RequestObject, _ principal: Principal) async throws -> HTTPResponse {
        let stored = try await find(id, for: principal, .write)
        var user = try await checked(body, principal)
        if let tenant: TenantID = try body.id("tenantId"), tenant != stored.tenantID {
            throw APIError.invalid("Can't update user tenant id!")
        }
        if let customer: CustomerID = try body.id("customerId"), !customer.isNull, customer != stored.customerID {
            throw APIError.invalid("Can't update user customer id!")
        }
        if user.authority != stored.authority { throw APIError.invalid("Can't update user authority!") }
        user.id = id
        user.createdTime = stored.createdTime
        user.tenantID = stored.tenantID
        user.customerID = stored.customerID
        let updated: User
        do {
            updated = try await services.users.update(user, replacing: try body.integer("version"))
        } catch {
            throw emailError(error, user.email)
        }
        await services.actions.record(.updated(ActionSubject(updated)), by: principal)
        return .json(updated)
    }

    /// The user that `body` describes, as far as it can be checked alone.
    private func checked(_ body: RequestObject, _ principal: Principal) async throws -> User {
        let sent = try body.storedText("email") ?? ""
        if !sent.contains(where: { !$0.isWhitespace }) { throw APIError.invalid("User email should be specified!") }
        let email = services.login.normalized(email: sent)
        if !Validation.isEmail(email) { throw APIError.invalid("Invalid email address format '\(email)'!") }
        guard let name = try body.text("authority") else { throw APIError.invalid("User authority isn't defined!") }
        guard let authority = Authority(rawValue: name) else {
            throw APIError.malformedBody("unknown authority '\(name)'")
        }
        let tenant = try await tenant(of: authority, body, principal)
        let user = User(
            id: .null, createdTime: 0, tenantID: tenant,
            customerID: try await customer(of: authority, tenant, body), email: email, authority: authority,
            firstName: try body.storedText("firstName"), lastName: try body.storedText("lastName"),
            phone: try body.storedText("phone"), additionalInfo: body.document("additionalInfo"))
        var validation = Validation()
        validation.text("firstName", user.firstName, called: "first name")
        validation.text("lastName", user.lastName, called: "last name")
        validation.text("phone", user.phone)
        try validation.check()
        return user
    }

    private func tenant(
        of authority: Authority, _ body: RequestObject, _ principal: Principal
    ) async throws -> TenantID {
        switch principal.authority {
        case .systemAdministrator:
            if authority == .systemAdministrator { return .system }
            if authority == .customerUser { throw APIError.permissionDenied }
            guard let tenant: TenantID = try body.id("tenantId"), try await services.tenants.find(tenant) != nil else {
                throw APIError.invalid("Tenant administrator should be assigned to tenant!")
            }
            return tenant
        case .tenantAdministrator, .customerUser:
            if authority == .systemAdministrator { throw APIError.permissionDenied }
            return principal.tenantID
        }
    }

    private func customer(
        of authority: Authority, _ tenant: TenantID, _ body: RequestObject
    ) async throws -> CustomerID {
        let given: CustomerID? = try body.id("customerId")
        let id = given.flatMap { $0.isNull ? nil : $0 }
        guard authority == .customerUser else {
            if id != nil { throw APIError.invalid("Tenant administrator can't be assigned to customer!") }
            return .null
        }
        guard let id else { throw APIError.invalid("Customer user should be assigned to customer!") }
        guard let customer = try await services.customers.find(id) else {
            throw APIError.invalid("User is referencing to non-existent customer!")
        }
        if customer.tenantID != tenant {
            throw APIError.invalid("User can't be assigned to customer from different tenant!")
        }
        return id
    }

    private func emailError(_ error: any Error, _ email: String) -> any Error {
        guard case .invalid(let message)? = (error as? EntityError) ?? StorageFailure.violation(error),
            message.contains("email")
        else { return error }
        return APIError.invalid("User with email '\(email)' already present in database!")
    }

    // MARK: - Credentials

    /// The link of a user who has no password yet, and how long it works, in milliseconds.
    private func link(for user: User, _ call: Call) async throws -> (url: String, lifetime: Int64) {
        guard let credentials = try await services.users.credentials(user.id), credentials.passwordHash == nil else {
            throw APIError.invalid("User is already activated!")
        }
        var token = credentials.activateToken ?? ""
        var expiry = credentials.activateTokenExpiry ?? 0
        if token.isEmpty || expiry < call.now + Self.linkReserve {
            let hours = try await SecuritySettings.load(from: services.database).activationTokenLifetime
            token = SecureRandom.urlSafeToken(bytes: 30)
            expiry = call.now + hours * 3_600_000
            try await services.users.renewActivateToken(user.id, token: token, expiry: expiry)
        }
        return (try await activationURL(token, call), expiry - call.now)
    }

    private func activationURL(_ token: String, _ call: Call) async throws -> String {
        "\(try await services.baseURL(call))/api/noauth/activate?activateToken=\(token)"
    }

    /// The text is the link alone: clients cut it after `activateToken=`.
    @Sendable private func activationLink(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let user = try await find(try call.id("userId"), for: principal, .read)
        return .text(try await link(for: user, call).url)
    }

    @Sendable private func activationLinkInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let user = try await find(try call.id("userId"), for: principal, .read)
        let link = try await link(for: user, call)
        return .json { writer in
            writer.object { writer in
                writer.member("value", link.url)
                writer.member("ttlMs", link.lifetime)
            }
        }
    }

    @Sendable private func sendActivationMail(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let email = services.login.normalized(email: try call.requiredText("email"))
        guard !email.utf8.contains(0), let user = try await services.users.find(email: email) else {
            throw APIError.itemNotFound
        }
        try Permissions.require(principal, .read, .user, of: Permissions.Owner(user))
        let link = try await link(for: user, call)
        let token = String(link.url.split(separator: "=").last ?? "")
        try await mailLink(token, to: user, max(1, link.lifetime / 3_600_000), call, removingUser: false)
        return .empty(200)
    }

    /// - Parameter removingUser: Whether nobody could activate the user without the mail.
    private func mailLink(
        _ token: String, to user: User, _ hours: Int64, _ call: Call, removingUser: Bool
    ) async throws {
        do {
            try await services.mail.send(
                .activation(link: try await activationURL(token, call), hours: hours), to: user.email)
        } catch {
            services.logger.limited(.warning, "an activation mail was not sent", ["error": .string("\(error)")])
            if removingUser {
                try await services.database.inTransaction { transaction in
                    _ = try await UserRepository(transaction).delete(user.id, tenant: user.tenantID)
                }
            }
            throw APIError(500, .general, "Couldn't send user activation email")
        }
    }

    // MARK: - Signing in as somebody

    @Sendable private func isTokenAccessEnabled(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json("\(services.isTokenAccessEnabled)")
    }

    /// The platform's administrator for those of tenants, those for the users of their customers.
    @Sendable private func token(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard services.isTokenAccessEnabled else { throw APIError.permissionDenied }
        let id: UserID = try call.id("userId")
        guard let user = try await services.users.find(id) else { throw APIError.itemNotFound }
        try Permissions.require(principal, .read, .user, of: Permissions.Owner(user))
        let isBelow: Bool =
            switch principal.authority {
            case .systemAdministrator: user.authority == .tenantAdministrator
            case .tenantAdministrator: user.authority == .customerUser
            case .customerUser: false
            }
        guard isBelow else { throw APIError.permissionDenied }
        return .json(try await services.login.impersonate(user, from: call.client, now: call.now))
    }

    @Sendable private func setEnabled(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let user = try await find(try call.id("userId"), for: principal, .write)
        let isEnabled = try call.boolean("userCredentialsEnabled") ?? true
        if isEnabled, try await services.users.credentials(user.id)?.passwordHash == nil {
            throw APIError.invalid("Enabled user credentials should have password!")
        }
        try await services.users.setEnabled(user.id, isEnabled)
        if !isEnabled { try await services.revocations.revokeAll(of: user.id, now: CurrentTime.milliseconds) }
        await services.actions.record(
            .onlyID(isEnabled ? .activated : .suspended, ActionSubject(user)), by: principal)
        return .empty(200)
    }

    // MARK: - Deleting

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let user = try await find(try call.id("userId"), for: principal, .delete)
        if user.authority == .systemAdministrator, user.id == principal.userID {
            throw APIError.invalid("Sysadmin is not allowed to delete himself")
        }
        if user.authority == .tenantAdministrator,
            try await services.users.countAdministrators(tenant: user.tenantID) <= 1
        {
            throw APIError.invalid("At least one tenant administrator must remain!")
        }
        try await services.database.inTransaction { transaction in
            _ = try await UserRepository(transaction).delete(user.id, tenant: user.tenantID)
        }
        try await services.revocations.revokeAll(of: user.id, now: CurrentTime.milliseconds)
        await services.actions.record(.deleted(ActionSubject(user)), by: principal)
        services.housekeeper.entityDeleted(user.id.uuid, of: user.tenantID)
        return .empty(200)
    }
}

extension Permissions.Owner {
    init(_ user: User) {
        self.init(tenant: user.tenantID, customer: user.customerID, authority: user.authority, user: user.id)
    }
}
