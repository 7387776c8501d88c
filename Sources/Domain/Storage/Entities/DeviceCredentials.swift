internal import Crypto
internal import JSON
public import Model
internal import Postgres

/// What kind of proof a device shows.
public enum DeviceCredentialsType: String, Sendable, CaseIterable {
    case accessToken = "ACCESS_TOKEN"
    case x509Certificate = "X509_CERTIFICATE"
    case mqttBasic = "MQTT_BASIC"
    case lwm2m = "LWM2M_CREDENTIALS"
}

/// How a device proves who it is. ``credentialsID`` is what it is looked up by and unique in the installation.
public struct DeviceCredentials: Sendable {
    public var id: UUID128
    public var createdTime: Int64
    public var deviceID: DeviceID
    public var type: DeviceCredentialsType
    /// The token, or a hash (`device-api.md` 1.2).
    public var credentialsID: String
    /// The certificate, or the JSON of a user name and password; `nil` for a token.
    public var credentialsValue: String?
    public var version: Int64

    public init(
        id: UUID128, createdTime: Int64, deviceID: DeviceID, type: DeviceCredentialsType, credentialsID: String,
        credentialsValue: String? = nil, version: Int64 = 1
    ) {
        self.id = id
        self.createdTime = createdTime
        self.deviceID = deviceID
        self.type = type
        self.credentialsID = credentialsID
        self.credentialsValue = credentialsValue
        self.version = version
    }

    /// A new access token for `device`; `token` or 20 random characters.
    public static func accessToken(_ token: String?, for device: DeviceID, now: Int64) -> DeviceCredentials {
        DeviceCredentials(
            id: .ordered(), createdTime: now, deviceID: device, type: .accessToken,
            credentialsID: token ?? SecureRandom.alphanumeric(20))
    }

    static let columns = "id, created_time, device_id, credentials_type, credentials_id, credentials_value, version"

    init(_ row: PostgresRow) {
        id = row.id(0) ?? .zero
        createdTime = row.int8(1) ?? 0
        deviceID = row.entity(2)
        type = row.text(3).flatMap(DeviceCredentialsType.init) ?? .accessToken
        credentialsID = row.text(4) ?? ""
        credentialsValue = row.text(5)
        version = row.int8(6) ?? 1
    }
}

// MARK: - Normal form

extension DeviceCredentials {
    /// The credentials with the id that follows from the value, as it is stored and looked up.
    ///
    /// - Throws: What is wrong with them, as ``EntityError/invalid(_:)``.
    public func normalized() throws(EntityError) -> DeviceCredentials {
        var normal = self
        switch type {
        case .accessToken:
            normal.credentialsValue = nil
            try Self.checkToken(credentialsID)
        case .x509Certificate:
            let text = Self.certificateText(credentialsValue ?? "")
            guard !text.isEmpty else { throw .invalid("Device credentials value should be specified!") }
            normal.credentialsValue = text
            normal.credentialsID = Digest.sha3_256Hex(text)
        case .mqttBasic:
            let basic = try BasicCredentials(credentialsValue ?? "")
            normal.credentialsID = basic.lookupKey
            normal.credentialsValue = basic.json
        case .lwm2m:
            guard !credentialsID.isEmpty else { throw .invalid("Device credentials id should be specified!") }
        }
        return normal
    }

    /// What a certificate is looked up by; `nil` for none.
    public static func certificateKey(_ pem: String) -> String? {
        let text = certificateText(pem)
        return text.isEmpty ? nil : Digest.sha3_256Hex(text)
    }

    private static func checkToken(_ token: String) throws(EntityError) {
        guard !token.isEmpty else { throw .invalid("Device credentials id should be specified!") }
        guard token.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            throw .invalid("Device credentials id should not contain control characters!")
        }
        guard token.unicodeScalars.count <= 255 else {
            throw .invalid("Validation error: credentialsId length must be equal or less than 255")
        }
    }

    /// The base64 of a certificate on one line, without the frame of its PEM form.
    static func certificateText(_ pem: String) -> String {
        var text = ""
        for line in pem.split(whereSeparator: \.isNewline) {
            let line = line.filter { !$0.isWhitespace }
            if line.hasPrefix("-----") { continue }
            text += line
        }
        return text
    }
}

/// Client id, user name and password of `MQTT_BASIC` (`device-api.md` 1.2).
struct BasicCredentials {
    var clientID: String?
    var userName: String?
    var password: String?

    init(_ json: String) throws(EntityError) {
        guard let object = (try? JSONValue.parse(json))?.objectValue else {
            throw .invalid("Invalid credentials body for simple mqtt credentials!")
        }
        clientID = object["clientId"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        userName = object["userName"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        password = object["password"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        if clientID == nil, userName == nil { throw .invalid("Both mqtt client id and user name are empty!") }
        if clientID != nil, userName == nil, password != nil {
            throw .invalid("Password cannot be specified along with client id")
        }
    }

    /// What a connecting client is looked up by.
    var lookupKey: String {
        switch (clientID, userName) {
        case (nil, let userName?): userName
        case (let clientID?, nil): Digest.sha3_256Hex(clientID)
        case (let clientID?, let userName?): Digest.sha3_256Hex(clientID + "|" + userName)
        case (nil, nil): preconditionFailure("checked when made")
        }
    }

    var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("clientId", clientID)
            writer.member("userName", userName)
            writer.member("password", password)
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
