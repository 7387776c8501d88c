internal import GitAccess
internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Looks at repositories that tenants name, on threads of its own.
struct RepositoryAccess: Sendable {
    let pool: BlockingPool
    let reachesOnlyPublicAddresses: Bool

    /// - Throws: What the client is told when the repository cannot be used as the settings want it.
    func check(_ settings: RepositorySettings) async throws {
        let isPublicOnly = reachesOnlyPublicAddresses
        let failure: GitError? = try await pool.run {
            do throws(GitError) {
                var remote = try settings.remote()
                remote.isPublicOnly = isPublicOnly
                try remote.reach(for: settings.isReadOnly ? .reading : .writing)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw APIError.invalid("Unable to access repository: \(failure)") }
    }
}

/// Settings of a tenant's repository (`rest-api.md` 4.19). Versions themselves are not kept.
struct RepositoryEndpoints: EndpointGroup {
    let services: Services

    static let schemas = ["RepositorySettings": RepositorySettings.schema]

    private static let path = "/api/admin/repositorySettings"

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, Self.path, roles: .tenant, read)
                .docs("The repository, without its secrets", answer: "RepositorySettings"),
            Endpoint(.get, Self.path + "/exists", roles: .tenant, exists).docs("Whether there is one"),
            Endpoint(.get, Self.path + "/info", roles: .tenant, info).docs("Whether a repository is configured"),
            Endpoint(.post, Self.path, roles: .tenant, save)
                .docs(
                    "Saves a repository that can be reached", body: "RepositorySettings", answer: "RepositorySettings"),
            Endpoint(.post, Self.path + "/checkAccess", roles: .tenant, checkAccess)
                .docs("Whether a repository can be reached", body: "RepositorySettings", answer: .nothing),
            Endpoint(.delete, Self.path, roles: .tenant, delete).docs("Forgets the repository", answer: .nothing),
        ]
    }

    private func stored(_ principal: Principal) async throws -> RepositorySettings? {
        try await services.settings.find(RepositorySettings.key, tenant: principal.tenantID)
            .flatMap { RepositorySettings(stored: $0.value) }
    }

    private func shown(_ settings: RepositorySettings) -> HTTPResponse {
        .json { settings.write(secrets: false, to: &$0) }
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let settings = try await stored(principal) else { throw APIError.itemNotFound }
        return shown(settings)
    }

    @Sendable private func exists(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await stored(principal) == nil ? "false" : "true")
    }

    @Sendable private func info(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let settings = try await stored(principal)
        return .json { writer in
            writer.object { writer in
                writer.member("configured", settings != nil)
                writer.member("readOnly", settings?.isReadOnly)
            }
        }
    }

    /// What the body says, with the secret that it leaves out, once the repository was reached with it.
    private func reached(_ call: Call, _ principal: Principal) async throws -> RepositorySettings {
        var settings = try RepositorySettings(try call.object())
        try settings.check()
        if let stored = try await stored(principal) { settings.restoreSecret(of: stored) }
        try await services.repositories.check(settings)
        return settings
    }

    @Sendable private func checkAccess(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        _ = try await reached(call, principal)
        return .empty(200)
    }

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let settings = try await reached(call, principal)
        var writer = JSONWriter()
        settings.write(secrets: true, to: &writer)
        let document = RawJSON(wellFormed: String(decoding: writer.bytes, as: UTF8.self))
        try await services.settings.save(
            RepositorySettings.key, tenant: principal.tenantID, document, now: call.now)
        return shown(settings)
    }

    /// Deleted or never there is the same.
    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        _ = try await services.settings.delete(RepositorySettings.key, tenant: principal.tenantID)
        return .empty(200)
    }
}
