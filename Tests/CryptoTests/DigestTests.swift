import Crypto
import Testing

@Suite struct DigestTests {
    @Test func `SHA3-256 gives the published value`() {
        #expect(
            Digest.sha3_256Hex("abc") == "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532")
        #expect(Digest.sha3_256Hex("") == "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a")
    }

    @Test func `SHA-256 gives the published value`() {
        #expect(
            Hex.encode(Digest.sha256(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func `HMAC-SHA512 gives the value of RFC 4231 case 2`() {
        let code = Digest.hmacSHA512(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
        #expect(
            Hex.encode(code) == "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                + "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737")
    }

    @Test func `equality compares every byte and the length`() {
        #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
        #expect(constantTimeEqual([], []))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
    }
}

@Suite struct Base64Tests {
    static let pairs: [(String, String)] = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy"),
    ]

    @Test(arguments: pairs) func `encodes and decodes the values of RFC 4648`(_ pair: (text: String, encoded: String)) {
        #expect(Base64.encode(Array(pair.text.utf8)) == pair.encoded)
        #expect(Base64.decode(pair.encoded) == Array(pair.text.utf8))
    }

    @Test func `the URL-safe form has no padding and other digits`() {
        #expect(Base64.encode([0xFB, 0xFF, 0xFE, 0xFF], .urlSafe) == "-__-_w")
        #expect(Base64.decode("-__-_w", .urlSafe) == [0xFB, 0xFF, 0xFE, 0xFF])
        #expect(Base64.decode("+//+/w==", .urlSafe) == nil)
    }

    @Test(arguments: ["A", "AAAAA", "A A=", "====", "AA=A", "AA===", "\u{e9}AAA"])
    func `text that is not base64 decodes to nothing`(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }
}

@Suite struct SecureRandomTests {
    @Test func `alphanumeric text has its length and alphabet`() {
        let text = SecureRandom.alphanumeric(2000)
        #expect(text.utf8.count == 2000)
        #expect(text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
        #expect(Set(text).count == 62)
    }

    @Test func `a link token of 30 bytes has 40 characters`() {
        #expect(SecureRandom.urlSafeToken(bytes: 30).utf8.count == 40)
    }
}
