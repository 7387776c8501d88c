import HTTPClient
import HTTPServer
import Reactor
import Testing

@Suite struct HTTPTLSTests {
    @Test func requestsAreAnsweredOverTLS() async throws {
        let context = try TLSContext(
            TLSConfiguration(
                certificateChain: .text(HTTPTLSTests.certificate), privateKey: .text(HTTPTLSTests.privateKey)))
        var trust = TLSClientConfiguration()
        trust.trust = .authorities(.text(HTTPTLSTests.certificate))
        let tls = try TLSClient(serverName: "localhost", configuration: trust)
        try await withServer {
            $0.tls = context
        } _: { server in
            let client = try HTTPClient(
                baseURL: "https://127.0.0.1:\(server.port)", loops: server.loops, maximumConnections: 1, tls: tls)
            let body = [UInt8](repeating: 0x61, count: 300_000)
            for _ in 0..<3 {
                let answer = try await client.request("POST", "/secure", body: body)
                #expect(answer.bodyText == "POST /secure [" + String(decoding: body, as: UTF8.self) + "]")
            }
            #expect(server.metric(#"http_connections{server="test"}"#) == 1)
            client.close()
        }
    }

    @Test func aServerThatIsNotTrustedIsRefused() async throws {
        let context = try TLSContext(
            TLSConfiguration(
                certificateChain: .text(HTTPTLSTests.certificate), privateKey: .text(HTTPTLSTests.privateKey)))
        let tls = try TLSClient(serverName: "localhost")
        try await withServer {
            $0.tls = context
        } _: { server in
            let client = try HTTPClient(baseURL: "https://127.0.0.1:\(server.port)", loops: server.loops, tls: tls)
            do throws(HTTPClientError) {
                _ = try await client.request("GET", "/")
                Issue.record("the certificate was accepted")
            } catch {
                guard case .connectFailed = error else { throw error }
            }
        }
    }

    /// Self-signed, for `localhost` and 127.0.0.1, made for these tests.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBmzCCAUGgAwIBAgIUBGGuTDw9j0abADZAb31fpMQivskwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA1NTAzMloYDzIxMjYxMDI4
        MDU1MDMyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAAS+AwytoKRMNR3Ej4W9udZq14pzgAFee7MkFS/wyEArzRxAesM8UVfD
        NMCEj4d+hqK0FD74umEZ1x/2DrH/J0Xqo28wbTAdBgNVHQ4EFgQUf4bf2sNz1eeO
        0eUHGBXiT2d+etUwHwYDVR0jBBgwFoAUf4bf2sNz1eeO0eUHGBXiT2d+etUwDwYD
        VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
        zj0EAwIDSAAwRQIhAJ+I79PrP2YEtVyHBTguCh/7wIU5KipvXQoWsficyezWAiAQ
        4XtxJ7J8RrXOzJ4sLE0E20ijBom/BMqEoSbyKU/3BA==
        -----END CERTIFICATE-----
        """

    private static let privateKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgqhj0wbeRobIigoqE
        wbT/++gXCrRbZ17rKZOjWpm2Ib2hRANCAAS+AwytoKRMNR3Ej4W9udZq14pzgAFe
        e7MkFS/wyEArzRxAesM8UVfDNMCEj4d+hqK0FD74umEZ1x/2DrH/J0Xq
        -----END PRIVATE KEY-----
        """
}
