import HTTPServer
import Testing

@Suite struct RouteTableTests {
    private func table(_ routes: (HTTPMethod, String)...) -> RouteTable<String> {
        var table = RouteTable<String>()
        for (method, pattern) in routes { table.add(method, pattern, "\(method) \(pattern)") }
        return table
    }

    private func find(_ table: RouteTable<String>, _ method: HTTPMethod, _ path: String) -> String {
        switch table.match(method, HTTPRequest(method, path).segments) {
        case .found(let value, let pattern, let parameters):
            #expect(value.hasSuffix(" " + pattern))
            let names = pattern.split(separator: "/").filter { $0.first == "{" }.map {
                String($0.dropFirst().dropLast($0.hasSuffix("...}") ? 4 : 1))
            }
            return value + names.map { " \($0)=\(parameters[$0])" }.joined()
        case .methodNotAllowed(let methods): return "405 " + methods.map(\.name).joined(separator: ",")
        case .notFound: return "404"
        }
    }

    @Test func literalSegmentsWinOverVariables() {
        let routes = table((.get, "/api/device/{deviceId}"), (.get, "/api/device/types"))
        #expect(find(routes, .get, "/api/device/types") == "GET /api/device/types")
        #expect(find(routes, .get, "/api/device/17") == "GET /api/device/{deviceId} deviceId=17")
    }

    @Test func aLiteralThatLeadsNowhereGivesWayToTheVariable() {
        let routes = table((.get, "/api/device/info/{id}"), (.get, "/api/device/{id}/credentials"))
        #expect(find(routes, .get, "/api/device/info/credentials") == "GET /api/device/info/{id} id=credentials")
        #expect(find(routes, .get, "/api/device/x/credentials") == "GET /api/device/{id}/credentials id=x")
        let ambiguous = table((.get, "/a/b/c"), (.get, "/a/{x}/d"))
        #expect(find(ambiguous, .get, "/a/b/d") == "GET /a/{x}/d x=b")
    }

    @Test func variablesMayHaveOtherNamesInOtherRoutes() {
        let routes = table((.get, "/e/{type}/{id}"), (.post, "/e/{kind}/{key}"))
        #expect(find(routes, .get, "/e/DEVICE/1") == "GET /e/{type}/{id} type=DEVICE id=1")
        #expect(find(routes, .post, "/e/DEVICE/1") == "POST /e/{kind}/{key} kind=DEVICE key=1")
    }

    @Test func theLastSegmentCanTakeTheRest() {
        let routes = table((.get, "/static/{path...}"), (.get, "/static/index"))
        #expect(find(routes, .get, "/static/css/a.css") == "GET /static/{path...} path=css/a.css")
        #expect(find(routes, .get, "/static/index") == "GET /static/index")
        #expect(find(routes, .get, "/static") == "404")
    }

    @Test func otherMethodsOfThePathAreNamed() {
        let routes = table((.get, "/a/{id}"), (.delete, "/a/{id}"), (.post, "/a"))
        #expect(find(routes, .put, "/a/1") == "405 DELETE,GET,HEAD")
        #expect(find(routes, .get, "/a") == "405 POST")
        #expect(find(routes, .get, "/b") == "404")
    }

    @Test func methodsOfAllPatternsThatMatchAreCounted() {
        let routes = table((.post, "/a/b"), (.get, "/a/{x}"))
        #expect(find(routes, .get, "/a/b") == "GET /a/{x} x=b")
        #expect(find(routes, .put, "/a/b") == "405 GET,HEAD,POST")
    }

    @Test func headIsAnsweredByTheRouteOfGet() {
        #expect(find(table((.get, "/a")), .head, "/a") == "GET /a")
    }

    @Test(arguments: ["/a/", "/a//", "//a", "/a/b/c", "", "*"])
    func segmentsMustBeThere(_ path: String) {
        #expect(find(table((.get, "/a"), (.get, "/a/{b}")), .get, path) == "404")
    }

    @Test func parametersAreDecoded() {
        #expect(find(table((.get, "/a/{b}/c")), .get, "/a/x%2Fy%20z/c") == "GET /a/{b}/c b=x/y z")
    }
}
