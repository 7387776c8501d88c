import Crypto
import Model
import Testing

@testable import Storage

/// How credentials are looked up (`device-api.md` 1.2).
@Suite struct EntitiesCredentialsTests {
    private func normal(
        _ type: DeviceCredentialsType, id: String = "", value: String? = nil
    ) throws(EntityError) -> DeviceCredentials {
        try DeviceCredentials(
            id: .zero, createdTime: 0, deviceID: .null, type: type, credentialsID: id, credentialsValue: value
        ).normalized()
    }

    @Test func aTokenIsItsOwnKeyAndHasNoValue() throws {
        let credentials = try normal(.accessToken, id: "tok", value: "x")
        #expect(credentials.credentialsID == "tok")
        #expect(credentials.credentialsValue == nil)
    }

    @Test func aGeneratedTokenHas20Characters() {
        #expect(DeviceCredentials.accessToken(nil, for: .null, now: 0).credentialsID.utf8.count == 20)
    }

    @Test(arguments: [
        (#"{"clientId":"c","userName":null,"password":null}"#, Digest.sha3_256Hex("c")),
        (#"{"userName":"u","password":"p"}"#, "u"),
        (#"{"clientId":"c","userName":"u","password":"p"}"#, Digest.sha3_256Hex("c|u")),
        (#"{"clientId":"","userName":"u"}"#, "u"),
    ])
    func basicCredentialsAreFoundByClientAndUser(_ value: String, _ key: String) throws {
        #expect(try normal(.mqttBasic, value: value).credentialsID == key)
    }

    @Test func aCertificateIsHashedAsOneLineOfBase64() throws {
        let pem = "-----BEGIN CERTIFICATE-----\r\nQUJD\r\nREVG\r\n-----END CERTIFICATE-----\r\n"
        let credentials = try normal(.x509Certificate, value: pem)
        #expect(credentials.credentialsValue == "QUJDREVG")
        #expect(credentials.credentialsID == Digest.sha3_256Hex("QUJDREVG"))
        #expect(try normal(.x509Certificate, value: "QUJD\nREVG").credentialsID == credentials.credentialsID)
    }

    @Test(arguments: [
        (DeviceCredentialsType.accessToken, "", nil, "Device credentials id should be specified!"),
        (.accessToken, "a\u{1}b", nil, "Device credentials id should not contain control characters!"),
        (.mqttBasic, "", "{}", "Both mqtt client id and user name are empty!"),
        (.mqttBasic, "", #"{"clientId":"c","password":"p"}"#, "Password cannot be specified along with client id"),
        (.mqttBasic, "", "nope", "Invalid credentials body for simple mqtt credentials!"),
        (.mqttBasic, "", nil, "Invalid credentials body for simple mqtt credentials!"),
        (.x509Certificate, "", nil, "Device credentials value should be specified!"),
    ])
    func wrongCredentialsAreRefused(_ type: DeviceCredentialsType, _ id: String, _ value: String?, _ message: String) {
        #expect(throws: EntityError.invalid(message)) { try normal(type, id: id, value: value) }
    }
}
