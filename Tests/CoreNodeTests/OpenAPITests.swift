import HTTPServer
import JSON
import TestSupport
import Testing

@testable import CoreNode

/// The description that the API gives of itself, and conventions of all answers (`rest-api.md` 2.1).
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct OpenAPITests {
    private let api: TestService

    init() async throws { api = try await TestService() }

    @Test func everyEndpointIsDescribed() async throws {
        let document = try await api.send(.get, "/v3/api-docs").body
        #expect(document["openapi"] == "3.0.3")
        let paths = try #require(document["paths"]?.objectValue)
        let operations = paths.reduce(0) { $0 + ($1.value.objectValue?.count ?? 0) }
        // Paths that differ in a slash at their end only are one.
        let served = api.service.endpoints.filter { $0.pattern.hasPrefix("/api/") }.map { endpoint -> String in
            let segments = endpoint.pattern.split(separator: "/").map { $0.first == "{" ? "{}" : String($0) }
            return endpoint.method.name + " " + segments.joined(separator: "/")
        }
        #expect(operations == Set(served).count)
        let undescribed = api.service.endpoints.filter { $0.pattern.hasPrefix("/api/") && $0.documentation == nil }
        // Methods that a login does not take.
        let allowed = ["/api/auth/login", "/api/auth/token"]
        let others = undescribed.filter { endpoint in !allowed.contains { endpoint.pattern.hasPrefix($0) } }
        #expect(others.isEmpty, "\(others.map(\.pattern))")
    }

    @Test func everySchemaThatIsNamedIsThereAndOperationsAreUnique() async throws {
        let document = try await api.send(.get, "/v3/api-docs").body
        let schemas = try #require(document["components"]?["schemas"]?.objectValue)
        let text = document.serializedString
        for part in text.split(separator: "#").dropFirst() where part.hasPrefix("/components/schemas/") {
            let name = String(part.dropFirst(20).prefix { $0 != "\"" })
            #expect(schemas[name] != nil, "\(name)")
        }
        var ids: Set<String> = []
        for (path, methods) in document["paths"]?.objectValue ?? [:] {
            for (method, operation) in methods.objectValue ?? [:] {
                let id = try #require(operation["operationId"]?.stringValue)
                #expect(ids.insert(id).inserted, "\(method) \(path): \(id)")
            }
        }
    }

    @Test func thePageIsServedByTheServerAlone() async throws {
        let page = try await api.send(.get, "/swagger-ui/index.html")
        #expect(page.status == 200)
        #expect(!page.text.contains("https://"))
        #expect(try await api.send(.get, "/swagger-ui.html").response.field("Location") == "/swagger-ui/index.html")
    }

    @Test func longAnswersAreCompressedWhereTheClientTakesIt() async throws {
        let plain = try await api.send(.get, "/v3/api-docs")
        #expect(plain.response.field("Content-Encoding") == nil)
        let packed = try await api.send(.get, "/v3/api-docs", fields: [("Accept-Encoding", "br, gzip")])
        #expect(packed.response.field("Content-Encoding") == "gzip")
        #expect(packed.response.body.count < plain.response.body.count / 4)
        #expect(packed.response.body.prefix(2) == [0x1F, 0x8B])
        let refused = try await api.send(.get, "/v3/api-docs", fields: [("Accept-Encoding", "gzip;q=0")])
        #expect(refused.response.field("Content-Encoding") == nil)
        let short = try await api.send(.get, "/api/nope", fields: [("Accept-Encoding", "gzip")])
        #expect(short.response.field("Content-Encoding") == nil)
    }
}
