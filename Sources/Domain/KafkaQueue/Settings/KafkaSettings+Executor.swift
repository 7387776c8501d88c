public import Configuration
import Kafka

extension KafkaSettings {
    /// What an executor of scripts reads by names of its own (`cluster.md` 7.2, 7.10), after the names that it shares with the
    /// services.
    public mutating func readExecutor(_ settings: inout SettingsReader) {
        common["client.id"] = settings.optionalString("KAFKA_CLIENT_ID") ?? common["client.id"]
        // Taken because shared configurations have them; the reference platform's executor counts batches in messages.
        if let compression = settings.optionalString("TB_QUEUE_KAFKA_COMPRESSION") {
            if ["none", "gzip", "lz4"].contains(compression) {
                producer["compression.type"] = compression
            } else {
                settings.report("TB_QUEUE_KAFKA_COMPRESSION is \"\(compression)\"; expected none, gzip or lz4")
            }
        }
        let certificate = settings.optionalString("TB_KAFKA_SSL_PEM_CERTIFICATE")
        let key = settings.optionalString("TB_KAFKA_SSL_PEM_KEY")
        let password = settings.secret("TB_KAFKA_SSL_PEM_KEY_PASSWORD")
        let authorities = settings.optionalString("TB_KAFKA_SSL_PEM_TRUSTS_CERTIFICATE")
        guard common["security.protocol"] == "ssl" else { return }
        if let authorities { common["ssl.ca.location"] = authorities }
        guard let certificate else { return }
        common["ssl.certificate.location"] = certificate
        common["ssl.key.location"] = key ?? certificate
        if let password { common["ssl.key.password"] = password.revealed }
    }
}
