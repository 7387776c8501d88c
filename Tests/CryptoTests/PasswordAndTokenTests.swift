import Crypto
import Testing

@Suite struct BCryptTests {
    @Test func `a hash verifies its own password only`() {
        let hash = BCrypt.hash("secret \u{1F511}", cost: 4)
        #expect(hash.hasPrefix("$2a$04$"))
        #expect(hash.utf8.count == 60)
        #expect(BCrypt.verify("secret \u{1F511}", hash: hash))
        #expect(!BCrypt.verify("secret", hash: hash))
        #expect(!BCrypt.verify("", hash: hash))
    }

    @Test func `two hashes of one password differ`() {
        #expect(BCrypt.hash("tenant", cost: 4) != BCrypt.hash("tenant", cost: 4))
    }

    @Test(arguments: ["$2a$", "$2b$", "$2y$"])
    func `hashes of other implementations verify`(_ prefix: String) {
        let hash = prefix + "05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
        #expect(BCrypt.verify("U*U", hash: hash))
        #expect(!BCrypt.verify("U*V", hash: hash))
    }

    @Test(arguments: [
        "", "*0", "plain", "$2a$05$short", "$1$saltsalt$x",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    ])
    func `text that is not a bcrypt hash verifies nothing`(_ hash: String) {
        #expect(!BCrypt.verify("U*U", hash: hash))
    }

    @Test func `a zero byte does not cut a password short`() {
        let hash = BCrypt.hash("ab\u{0}cd", cost: 4)
        #expect(BCrypt.verify("ab\u{0}cd", hash: hash))
        #expect(!BCrypt.verify("ab", hash: hash))
        #expect(!BCrypt.verify("ab\u{0}xx", hash: hash))
    }

    @Test func `a password longer than the limit of the library is cut as bcrypt does`() {
        let long = String(repeating: "x", count: 5000)
        #expect(BCrypt.verify(long, hash: BCrypt.hash(long, cost: 4)))
    }
}

@Suite struct SignedTokenTests {
    private let key = [UInt8](repeating: 7, count: 64)

    @Test func `what was signed comes back and verifies under the same key only`() throws {
        let payload = Array(#"{"sub":"a@b"}"#.utf8)
        let token = try #require(SignedToken(SignedToken.sign(payload: payload, key: key)))
        #expect(token.header == Array(#"{"alg":"HS512"}"#.utf8))
        #expect(token.payload == payload)
        #expect(token.isSigned(with: key))
        #expect(!token.isSigned(with: [UInt8](repeating: 8, count: 64)))
    }

    @Test func `changed claims do not verify`() throws {
        let parts = SignedToken.sign(payload: Array("{}".utf8), key: key).split(separator: ".")
        let forged = parts[0] + "." + Base64.encode(Array(#"{"a":1}"#.utf8), .urlSafe) + "." + parts[2]
        #expect(try #require(SignedToken(String(forged))).isSigned(with: key) == false)
    }

    @Test func `an unsigned token is well formed and never verifies`() throws {
        let header = Base64.encode(Array(#"{"alg":"none"}"#.utf8), .urlSafe)
        let token = try #require(SignedToken(header + ".e30."))
        #expect(!token.isSigned(with: key))
    }

    @Test(arguments: ["", ".", "..", "a.b", "a.b.c.d", "###.e30.e30", "e30.e30.=", "not a token"])
    func `text that is not a token is nothing`(_ text: String) {
        #expect(SignedToken(text) == nil)
    }
}
