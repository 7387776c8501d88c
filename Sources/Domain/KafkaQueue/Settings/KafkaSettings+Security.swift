import Configuration
import Kafka

extension KafkaSettings {
    /// TLS and SASL (`cluster.md` 7.2). Stores are PEM files or, for the keystore, PKCS #12; a Java keystore is
    /// refused.
    mutating func readSecurity(_ settings: inout SettingsReader) {
        let usesTLS = settings.boolean("TB_KAFKA_SSL_ENABLED", default: false)
        let truststore = settings.optionalString("TB_KAFKA_SSL_TRUSTSTORE_LOCATION")
        let truststorePassword = settings.secret("TB_KAFKA_SSL_TRUSTSTORE_PASSWORD")
        let keystore = settings.optionalString("TB_KAFKA_SSL_KEYSTORE_LOCATION")
        let keystorePassword = settings.secret("TB_KAFKA_SSL_KEYSTORE_PASSWORD")
        let keyPassword = settings.secret("TB_KAFKA_SSL_KEY_PASSWORD")
        if usesTLS {
            common["security.protocol"] = "ssl"
            if let truststore {
                if Self.isJavaStore(truststore) {
                    settings.report("TB_KAFKA_SSL_TRUSTSTORE_LOCATION is \"\(truststore)\"; expected a PEM file")
                }
                if truststorePassword != nil {
                    settings.report("TB_KAFKA_SSL_TRUSTSTORE_PASSWORD is set; a PEM file needs no password")
                }
                common["ssl.ca.location"] = truststore
            }
            if let keystore { readKeystore(keystore, keystorePassword, keyPassword, &settings) }
        }
        readSASL(&settings)
    }

    private static func isJavaStore(_ path: String) -> Bool { path.lowercased().hasSuffix(".jks") }

    private mutating func readKeystore(
        _ path: String, _ password: Secret?, _ keyPassword: Secret?, _ settings: inout SettingsReader
    ) {
        let lower = path.lowercased()
        if lower.hasSuffix(".p12") || lower.hasSuffix(".pfx") {
            common["ssl.keystore.location"] = path
            if let password { common["ssl.keystore.password"] = password.revealed }
            return
        }
        if Self.isJavaStore(path) {
            settings.report("TB_KAFKA_SSL_KEYSTORE_LOCATION is \"\(path)\"; expected a PEM or PKCS #12 file")
            return
        }
        common["ssl.certificate.location"] = path
        common["ssl.key.location"] = path
        if let secret = keyPassword ?? password { common["ssl.key.password"] = secret.revealed }
    }

    private mutating func readSASL(_ settings: inout SettingsReader) {
        guard settings.boolean("TB_QUEUE_KAFKA_USE_CONFLUENT_CLOUD", default: false) else { return }
        let algorithm = settings.choice(
            "TB_QUEUE_KAFKA_CONFLUENT_SSL_ALGORITHM", default: "https", of: ["https", "none"])
        common["ssl.endpoint.identification.algorithm"] = algorithm
        common["sasl.mechanism"] = settings.choice(
            "TB_QUEUE_KAFKA_CONFLUENT_SASL_MECHANISM", default: "PLAIN",
            of: ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
        common["security.protocol"] = settings.choice(
            "TB_QUEUE_KAFKA_CONFLUENT_SECURITY_PROTOCOL", default: "SASL_SSL", of: ["SASL_SSL", "SASL_PLAINTEXT"])
        guard let jaas = settings.secret("TB_QUEUE_KAFKA_CONFLUENT_SASL_JAAS_CONFIG") else {
            settings.report("TB_QUEUE_KAFKA_CONFLUENT_SASL_JAAS_CONFIG is not set; expected username and password")
            return
        }
        guard let user = Self.jaasValue("username", in: jaas.revealed),
            let password = Self.jaasValue("password", in: jaas.revealed)
        else {
            settings.report(
                "TB_QUEUE_KAFKA_CONFLUENT_SASL_JAAS_CONFIG has no username=\"...\" and password=\"...\"")
            return
        }
        common["sasl.username"] = user
        common["sasl.password"] = password
    }

    /// The value of `name="value"` or `name='value'` in the text of a login module; a backslash quotes.
    static func jaasValue(_ name: String, in text: String) -> String? {
        let characters = Array(text)
        let wanted = Array(name + "=")
        var start = 0
        while start + wanted.count < characters.count {
            defer { start += 1 }
            guard Array(characters[start..<start + wanted.count]) == wanted else { continue }
            guard start == 0 || characters[start - 1].isWhitespace else { continue }
            let quote = characters[start + wanted.count]
            guard quote == "\"" || quote == "'" else { return nil }
            var value = ""
            var index = start + wanted.count + 1
            while index < characters.count, characters[index] != quote {
                if characters[index] == "\\", index + 1 < characters.count { index += 1 }
                value.append(characters[index])
                index += 1
            }
            return index < characters.count ? value : nil
        }
        return nil
    }
}
