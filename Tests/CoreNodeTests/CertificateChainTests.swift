import Testing

@testable import CoreNode

@Suite struct CertificateChainTests {
    @Test func theTextsOfAChainAreFound() {
        let pem = """
            -----BEGIN CERTIFICATE-----
            AAAA
            BBBB
            -----END CERTIFICATE-----
            noise
            -----BEGIN CERTIFICATE-----
            CCCC
            -----END CERTIFICATE-----
            -----BEGIN CERTIFICATE-----
            DDDD
            """
        #expect(CertificateChains.certificates(pem) == ["AAAABBBB", "CCCC"])
        #expect(CertificateChains.certificates("").isEmpty)
    }

    @Test func whatIsNoCertificateHasNoDeviceName() {
        #expect(CertificateChains.deviceName("AAAA", pattern: "(.*)") == nil)
        #expect(CertificateChains.deviceName("not base64!", pattern: "(.*)") == nil)
    }
}
