import HTTPServer
import Testing

@Suite struct BodyLimitsTests {
    @Test(arguments: [
        ("/api/image*/**", "/api/images/public/x", true), ("/api/image*/**", "/api/image", true),
        ("/api/image*/**", "/api/imagx/y", false), ("/api/**", "/api", true), ("/api/**", "/apis", false),
        ("/api/v1/*/rpc/**", "/api/v1/token/rpc", true), ("/api/v1/*/rpc/**", "/api/v1/token/rpc/12", true),
        ("/api/v1/*/rpc/**", "/api/v1/a/b/rpc", false), ("/**/end", "/a/b/end", true), ("/**/end", "/end", true),
        ("/a?c", "/abc", true), ("/a?c", "/ac", false), ("/*a*b", "/xaab", true), ("/*a*b", "/xaac", false),
        ("/**", "/", true),
    ])
    func patternMatches(_ pattern: String, _ path: String, _ expected: Bool) {
        #expect(AntPattern(pattern).matches(path) == expected)
    }

    @Test func theFirstPatternThatMatchesDecides() throws {
        let limits = try #require(BodyLimits(parsing: "/a/**=10;/a/b=20;/c=30", otherwise: 5))
        #expect(limits.limit(for: "/a/b") == 10)
        #expect(limits.limit(for: "/c") == 30)
        #expect(limits.limit(for: "/d") == 5)
    }

    @Test(arguments: ["/a", "/a=x", "=5", "/a=-1", "/a=1;b"])
    func anotherFormIsNotRead(_ text: String) {
        #expect(BodyLimits(parsing: text) == nil)
    }

    @Test func defaultsAreThoseOfTheReference() {
        let limits = BodyLimits.devices.followed(by: .administration)
        #expect(limits.limit(for: "/api/v1/t/rpc/1") == 65_536)
        #expect(limits.limit(for: "/api/v1/t/telemetry") == 52_428_800)
        #expect(limits.limit(for: "/api/device") == 16_777_216)
        #expect(limits.limit(for: "/api/resource/x") == 52_428_800)
    }
}
