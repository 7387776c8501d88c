internal import Crypto
internal import JSON
internal import Logging
internal import Messages
internal import Model
internal import Storage
internal import TBEL

/// Devices that are known by who signed their certificate (`device-api.md` 8.4).
struct CertificateChains: Sendable {
    let lookup: DeviceLookup
    let database: any TransactionRunner
    let creator: DeviceCreator
    let events: any DeviceEvents
    let logger: Logger

    private static let maximumCertificates = 10

    /// - Parameter pem: Leaf first.
    func validate(_ pem: String, now: Int64) async -> DeviceCredentialsResponse {
        let chain = Self.certificates(pem)
        guard let leaf = chain.first, chain.count <= Self.maximumCertificates else { return .refused }
        do {
            for certificate in chain {
                let hash = Digest.sha3_256Hex(certificate)
                if let found = try await lookup.device(credentialsID: hash),
                    found.credentialsType == "X509_CERTIFICATE"
                {
                    return .accepted(found.deviceInfo, found.profile.info)
                }
                if let profile = try await DeviceProfileRepository(database).find(provisionKey: hash),
                    profile.provisionType == "X509_CERTIFICATE_CHAIN"
                {
                    return try await provision(leaf, in: profile, now: now)
                }
            }
            return .refused
        } catch {
            logger.limited(
                .error, "a certificate chain cannot be checked", ["error": .string(String(describing: error))])
            return .unavailable
        }
    }

    /// The certificates' texts (`device-api.md` 1.2).
    static func certificates(_ pem: String) -> [String] {
        var certificates: [String] = []
        var current: String?
        for line in pem.split(whereSeparator: \.isNewline) {
            let line = line.filter { !$0.isWhitespace }
            if line.hasPrefix("-----BEGIN") {
                current = ""
            } else if line.hasPrefix("-----END") {
                if let text = current, !text.isEmpty { certificates.append(text) }
                current = nil
            } else {
                current?.append(contentsOf: line)
            }
        }
        return certificates
    }

    private func provision(
        _ leaf: String, in profile: DeviceProfile, now: Int64
    ) async throws -> DeviceCredentialsResponse {
        let configuration = profile.profileData.value["provisionConfiguration"]
        guard let name = Self.deviceName(leaf, pattern: configuration?["certificateRegExPattern"]?.stringValue ?? "")
        else { return .refused }
        let devices = DeviceRepository(database)
        var certificate = DeviceCredentials.accessToken(nil, for: .null, now: now)
        certificate.type = .x509Certificate
        certificate.credentialsValue = leaf
        if let device = try await devices.find(name: name, tenant: profile.tenantID) {
            guard device.deviceProfileID == profile.id,
                let stored = try await DeviceCredentialsRepository(database).find(device: device.id),
                stored.type == .x509Certificate
            else { return .refused }
            certificate.id = stored.id
            certificate.deviceID = device.id
            _ = try await DeviceCredentialsRepository(database).update(
                try certificate.normalized(), replacing: nil)
            await events.post(.credentialsChanged(tenant: device.tenantID, device: device.id))
            return try await accepted(leaf)
        }
        guard configuration?["allowCreateNewDevicesByX509Certificate"]?.boolValue ?? false else { return .refused }
        let device = creator.describe(name: name, profile: profile, now: now)
        certificate.deviceID = device.id
        do {
            try await creator.create(
                device,
                DeviceCreator.Extras(credentials: certificate, attributes: [("provisionState", "provisioned")]),
                now: now)
        } catch {
            guard error is EntityError || StorageFailure.violation(error) != nil else { throw error }
            return .refused
        }
        creator.announce(
            device, metadata: ["tenantId": device.tenantID.description], route: MessageRoute(), now: now)
        return try await accepted(leaf)
    }

    private func accepted(_ leaf: String) async throws -> DeviceCredentialsResponse {
        guard let found = try await lookup.device(credentialsID: Digest.sha3_256Hex(leaf)) else { return .refused }
        return .accepted(found.deviceInfo, found.profile.info)
    }

    /// Group 1 of the profile's pattern in the common name of the certificate. A pattern that takes long on it finds nothing.
    static func deviceName(_ certificate: String, pattern: String) -> String? {
        guard let der = Base64.decode(certificate), let commonName = Certificate(der: der)?.commonName,
            commonName.utf8.count <= 1_024, let expression = try? BoundedPattern(pattern),
            let name = try? expression.firstGroup(in: commonName), !name.isEmpty
        else { return nil }
        return name
    }
}
