internal import GitAccess
internal import JSON
internal import Model

/// Where a tenant's entities would be kept in versions (`rest-api.md` 4.19), as clients send and see it.
struct RepositorySettings: Sendable {
    static let key = "entitiesVersionControl"
    static let schema = """
        repositoryUri:string! authMethod:choice(USERNAME_PASSWORD|PRIVATE_KEY) username:string password:string \
        privateKeyFileName:string privateKey:string privateKeyPassword:string defaultBranch:string readOnly:boolean \
        showMergeCommits:boolean localOnly:boolean
        """

    var uri: String
    var authMethod: String?
    var username: String?
    var password: String?
    var defaultBranch: String?
    var isReadOnly: Bool
    var showsMergeCommits: Bool

    /// Tokens of Git servers are longer than passwords.
    private static let longestText = 1024

    init(_ body: RequestObject) throws(APIError) {
        uri = try body.storedText("repositoryUri") ?? ""
        authMethod = try body.text("authMethod")
        username = try body.storedText("username")
        password = try body.storedText("password")
        defaultBranch = try body.storedText("defaultBranch")
        isReadOnly = try body.boolean("readOnly") ?? false
        showsMergeCommits = try body.boolean("showMergeCommits") ?? false
    }

    /// What was saved; `nil` when it cannot be read.
    init?(stored: JSONValue) {
        guard let members = stored.objectValue, let settings = try? RepositorySettings(RequestObject(members)) else {
            return nil
        }
        self = settings
    }

    func check() throws(APIError) {
        if uri.isEmpty { throw .invalid("Repository URI should be specified!") }
        switch authMethod {
        case nil, "USERNAME_PASSWORD": break
        case "PRIVATE_KEY":
            throw .invalid("Repositories over SSH are not supported: use HTTPS with a user name and a token!")
        case .some(let other): throw .malformedBody("unknown authMethod '\(other)'")
        }
        if GitRemote.origin(of: uri) == nil {
            throw .invalid("Repository URI should be an address of HTTP or HTTPS without credentials in it!")
        }
        for (name, text) in [("username", username), ("password", password)]
        where (text?.utf8.count ?? 0) > Self.longestText {
            throw .invalid("Validation error: \(name) length must be equal or less than \(Self.longestText)")
        }
        if let defaultBranch, !defaultBranch.isEmpty, !Self.isBranch(defaultBranch) {
            throw .invalid("Invalid branch name '\(defaultBranch)'!")
        }
    }

    /// What `git check-ref-format --branch` takes, but for its rarest forms.
    private static func isBranch(_ name: String) -> Bool {
        let forbidden = Set("~^:?*[\\".utf8)
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return name.utf8.count <= 255 && !name.hasPrefix("-") && !name.contains("..") && !name.contains("@{")
            && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !forbidden.contains($0) }
            && parts.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") && !$0.hasSuffix(".") && !$0.hasSuffix(".lock") }
    }

    /// Takes over the secret that clients never see again, unless it would go to another server.
    mutating func restoreSecret(of stored: RepositorySettings) {
        guard password == nil, authMethod == stored.authMethod,
            GitRemote.origin(of: uri) == GitRemote.origin(of: stored.uri)
        else { return }
        password = stored.password
    }

    func remote() throws(GitError) -> GitRemote {
        var remote = try GitRemote(url: uri)
        if authMethod == "USERNAME_PASSWORD" {
            remote.username = username
            remote.password = password
        }
        return remote
    }

    func write(secrets: Bool, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("repositoryUri", uri)
            writer.member("authMethod", authMethod)
            writer.member("username", username)
            writer.member("password", secrets ? password : nil)
            writer.member("privateKeyFileName", String?.none)
            writer.member("privateKey", String?.none)
            writer.member("privateKeyPassword", String?.none)
            writer.member("defaultBranch", defaultBranch)
            writer.member("readOnly", isReadOnly)
            writer.member("showMergeCommits", showsMergeCommits)
            writer.member("localOnly", false)
        }
    }
}
