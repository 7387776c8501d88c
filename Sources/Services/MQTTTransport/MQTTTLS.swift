public import Configuration
import Crypto
import Glibc
import Logging
public import Reactor
import Synchronization

/// Settings of MQTT over TLS (`device-api.md` 11.1): of its listener, and of what the listener of WebSockets over TLS shares
/// with it.
public struct MQTTTLSConfiguration: Sendable {
    /// `MQTT_SSL_ENABLED`: whether there is a listener of its own.
    public var listens = true
    /// `MQTT_SSL_BIND_ADDRESS`.
    public var bindAddress = "0.0.0.0"
    /// `MQTT_SSL_BIND_PORT`; 0 takes a free port.
    public var port = 8883
    /// `MQTT_SSL_PEM_CERT`: the server's certificate and those that lead to its authority.
    public var certificateFile = "mqttserver.pem"
    /// `MQTT_SSL_PEM_KEY`; the certificate's file when the key is in there.
    public var keyFile = "mqttserver_key.pem"
    /// `MQTT_SSL_PEM_KEY_PASSWORD`, for an encrypted key.
    public var keyPassword: Secret?
    /// `MQTT_SSL_PROTOCOL`: the oldest version spoken.
    public var minimumVersion = TLSVersion.v1_2
    /// `MQTT_SSL_SKIP_VALIDITY_CHECK_FOR_CLIENT_CERT`.
    public var skipsValidityCheck = false
    /// `TB_TRANSPORT_SSL_CERTIFICATE_RELOAD_CHECK_INTERVAL_SECONDS`; `nil` when certificates are not loaded again.
    public var reloadInterval: Duration? = .seconds(60)

    public init() {}

    /// `nil` when nobody needs it.
    ///
    /// - Parameter isNeeded: Whether certificates are needed without ``listens``.
    public init?(from settings: inout SettingsReader, isNeeded: Bool = false) {
        listens = settings.boolean("MQTT_SSL_ENABLED", default: false)
        guard listens || isNeeded else { return nil }
        bindAddress = settings.string("MQTT_SSL_BIND_ADDRESS", default: "0.0.0.0")
        port = settings.integer("MQTT_SSL_BIND_PORT", default: 8883, in: 0...65_535)
        _ = settings.choice("MQTT_SSL_CREDENTIALS_TYPE", default: "PEM", of: ["PEM"])
        let version = settings.choice("MQTT_SSL_PROTOCOL", default: "TLSv1.2", of: ["TLSv1.2", "TLSv1.3"])
        minimumVersion = version == "TLSv1.3" ? .v1_3 : .v1_2
        certificateFile = settings.string("MQTT_SSL_PEM_CERT", default: "mqttserver.pem")
        keyFile = settings.string("MQTT_SSL_PEM_KEY", default: "mqttserver_key.pem")
        keyPassword = settings.secret("MQTT_SSL_PEM_KEY_PASSWORD")
        skipsValidityCheck = settings.boolean("MQTT_SSL_SKIP_VALIDITY_CHECK_FOR_CLIENT_CERT", default: false)
        let reloads = settings.boolean("TB_TRANSPORT_SSL_CERTIFICATE_RELOAD_ENABLED", default: true)
        let interval = settings.seconds(
            "TB_TRANSPORT_SSL_CERTIFICATE_RELOAD_CHECK_INTERVAL_SECONDS", default: 60)
        reloadInterval = reloads ? max(.seconds(1), interval) : nil
    }

    /// Client certificates are asked for and not required; a chain must be consistent, and no authority is asked.
    var server: TLSConfiguration {
        var configuration = TLSConfiguration(
            certificateChain: .file(certificateFile), privateKey: .file(keyFile),
            privateKeyPassword: keyPassword?.revealed)
        configuration.minimumVersion = minimumVersion
        configuration.clientCertificates = .optional { CertificateChain.isConsistent($0) }
        return configuration
    }
}

/// The certificates of the TLS listener: loaded, and loaded again when their files change. Safe from any thread.
final class MQTTCertificates: Sendable {
    /// What tells that a file is another one.
    private struct Stamp: Equatable {
        var seconds: [Int]
        var nanoseconds: [Int]
        var sizes: [Int64]
        var inodes: [UInt]
    }

    let context: TLSContext
    private let configuration: MQTTTLSConfiguration
    private let logger: Logger
    private let loaded: Mutex<Stamp>
    private let isWatched = Mutex(false)

    init(_ configuration: MQTTTLSConfiguration, logger: Logger) throws(TLSError) {
        self.configuration = configuration
        self.logger = logger
        loaded = Mutex(Self.stamp(configuration))
        context = try TLSContext(configuration.server)
    }

    /// Looks at the files every now and then, on one loop. Called again, nothing happens.
    func watch(on loop: EventLoop) {
        guard let interval = configuration.reloadInterval else { return }
        let isFirst = isWatched.withLock { isWatched in
            defer { isWatched = true }
            return !isWatched
        }
        guard isFirst else { return }
        loop.schedule(after: interval, repeating: interval) { [self] in reloadIfChanged() }
    }

    /// Loads the files if they changed. What cannot be loaded is reported, and the old ones stay.
    func reloadIfChanged() {
        let stamp = Self.stamp(configuration)
        let isChanged = loaded.withLock { loaded in
            defer { loaded = stamp }
            return loaded != stamp
        }
        guard isChanged else { return }
        do throws(TLSError) {
            try context.reload(configuration.server)
            logger.notice("certificates loaded again")
        } catch {
            logger.error("changed certificates cannot be loaded", ["error": .string(error.description)])
        }
    }

    private static func stamp(_ configuration: MQTTTLSConfiguration) -> Stamp {
        var stamp = Stamp(seconds: [], nanoseconds: [], sizes: [], inodes: [])
        for path in [configuration.certificateFile, configuration.keyFile] {
            var status = stat()
            guard stat(path, &status) == 0 else { continue }
            stamp.seconds.append(status.st_mtim.tv_sec)
            stamp.nanoseconds.append(status.st_mtim.tv_nsec)
            stamp.sizes.append(Int64(status.st_size))
            stamp.inodes.append(UInt(status.st_ino))
        }
        return stamp
    }
}
