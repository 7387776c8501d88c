public import Configuration
public import Storage

/// Where PostgreSQL is and how it is used (`cluster.md` 7.5).
public struct DatabaseSettings: Sendable {
    /// `SPRING_DATASOURCE_URL`; without it `needletail` runs a private server.
    public var url: String?
    /// `SPRING_DATASOURCE_USERNAME`, `SPRING_DATASOURCE_PASSWORD`.
    public var userName: String
    public var password: Secret
    /// What an installation writes.
    public var schema: SchemaOptions
    private var pool: DatabaseConfiguration

    public init(from settings: inout SettingsReader) {
        url = settings.optionalString("SPRING_DATASOURCE_URL")
        userName = settings.optionalString("SPRING_DATASOURCE_USERNAME") ?? "postgres"
        password = settings.secret("SPRING_DATASOURCE_PASSWORD") ?? Secret("postgres")
        pool = DatabaseConfiguration(conninfo: "", from: &settings)
        schema = SchemaOptions(reading: &settings)
        if let url, DatabaseURL.conninfo(url: url, userName: userName, password: password) == nil {
            settings.report("SPRING_DATASOURCE_URL: expected jdbc:postgresql://host[:port]/database[?parameters]")
        }
    }

    /// libpq's connection string for ``url``; `nil` without a usable one.
    public var conninfo: String? {
        url.flatMap { DatabaseURL.conninfo(url: $0, userName: userName, password: password) }
    }

    public func configuration(_ conninfo: String) -> DatabaseConfiguration {
        var configuration = pool
        configuration.conninfo = conninfo
        return configuration
    }
}
