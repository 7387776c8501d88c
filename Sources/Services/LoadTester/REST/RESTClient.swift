internal import HTTPClient
internal import JSON
internal import Reactor
internal import Synchronization

/// Management calls as one signed-in user. Safe from any thread.
final class RESTClient: Sendable {
    private let http: HTTPClient
    private let username: String
    private let password: String
    private let token = Mutex<String?>(nil)

    init(url: ServerURL, username: String, password: String, loops: [EventLoop]) throws(RESTError) {
        do {
            http = try HTTPClient(
                baseURL: url.description, loops: loops, maximumConnections: Provisioning.parallelCalls + 1)
        } catch {
            throw .transport("\(error)")
        }
        self.username = username
        self.password = password
    }

    func close() { http.close() }

    /// Signs in; done again by itself when the token has run out.
    func logIn() async throws(RESTError) {
        let body: JSONValue = ["username": .string(username), "password": .string(password)]
        let answer = try await send("POST", "/api/auth/login", body: body.serialized(), token: nil)
        guard answer.status == 200 else { throw Self.failure(answer, "POST /api/auth/login") }
        guard let token = (try? JSONValue.parse(answer.body))?["token"]?.stringValue else {
            throw .unexpectedAnswer(call: "POST /api/auth/login")
        }
        self.token.withLock { $0 = token }
    }

    /// The body of a 200, as JSON; `null` when it is empty.
    func call(_ method: String, _ path: String, body: JSONValue? = nil) async throws(RESTError) -> JSONValue {
        let answer = try await authorised(method, path, body: body?.serialized() ?? [])
        guard answer.status == 200 else { throw Self.failure(answer, "\(method) \(path)") }
        return try Self.parse(answer.body, "\(method) \(path)")
    }

    /// The same; `nil` when the answer is 404.
    func callUnlessAbsent(_ method: String, _ path: String) async throws(RESTError) -> JSONValue? {
        let answer = try await authorised(method, path, body: [])
        if answer.status == 404 { return nil }
        guard answer.status == 200 else { throw Self.failure(answer, "\(method) \(path)") }
        return try Self.parse(answer.body, "\(method) \(path)")
    }

    /// The body of a 200 as it came.
    func bytes(_ method: String, _ path: String) async throws(RESTError) -> [UInt8] {
        let answer = try await authorised(method, path, body: [])
        guard answer.status == 200 else { throw Self.failure(answer, "\(method) \(path)") }
        return answer.body
    }

    // MARK: - Helpers

    /// Sends with the token, and once more after a new login when the server does not take it.
    private func authorised(
        _ method: String, _ path: String, body: [UInt8]
    ) async throws(RESTError) -> HTTPClientResponse {
        let answer = try await send(method, path, body: body, token: token.withLock { $0 })
        guard answer.status == 401 else { return answer }
        try await logIn()
        return try await send(method, path, body: body, token: token.withLock { $0 })
    }

    private func send(
        _ method: String, _ path: String, body: [UInt8], token: String?
    ) async throws(RESTError) -> HTTPClientResponse {
        var fields: [(String, String)] = []
        if !body.isEmpty { fields.append(("Content-Type", "application/json")) }
        if let token { fields.append(("X-Authorization", "Bearer \(token)")) }
        do {
            return try await http.request(method, path, fields: fields, body: body)
        } catch {
            throw .transport("\(method) \(path): \(error)")
        }
    }

    private static func parse(_ body: [UInt8], _ call: String) throws(RESTError) -> JSONValue {
        if body.isEmpty { return .null }
        do {
            return try JSONValue.parse(body)
        } catch {
            throw .unexpectedAnswer(call: call)
        }
    }

    private static func failure(_ answer: HTTPClientResponse, _ call: String) -> RESTError {
        let message = (try? JSONValue.parse(answer.body))?["message"]?.stringValue
        return .status(answer.status, call: call, message: message ?? String(answer.bodyText.prefix(200)))
    }
}

/// A client with an event loop of its own, for the length of a run.
final class RESTSession: Sendable {
    let client: RESTClient
    private let group: EventLoopGroup

    init(options: LoadTestOptions) throws {
        group = try EventLoopGroup(count: 1, name: "rest")
        group.start()
        client = try RESTClient(
            url: options.restURL, username: options.username, password: options.password, loops: group.loops)
    }

    func close() {
        client.close()
        group.stop()
        group.join()
    }
}
