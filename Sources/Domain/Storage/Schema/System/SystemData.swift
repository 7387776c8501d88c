internal import Configuration
internal import Crypto
internal import Model
internal import Postgres

/// What every platform has from the start (`cluster.md` 10.2, `rest-api.md` 6).
enum SystemData {
    static let sysadminEmail = "sysadmin@thingsboard.org"
    static let defaultTenantProfileName = "Default"

    /// Runs in the caller's transaction, on empty tables.
    static func install(
        on connection: PostgresConnection, password: Secret, options: SchemaOptions
    ) throws(PostgresError) {
        var clock = EntityClock.starting()
        try connection.run(tenantProfiles(clock: &clock))
        let sysadmin = UserCreation(
            tenantID: .system, customerID: .null, authority: "SYS_ADMIN", email: sysadminEmail, firstName: nil,
            passwordHash: BCrypt.hash(password.revealed, cost: options.passwordCost), clock: &clock)
        try connection.run(sysadmin.statements)
        try connection.run(adminSettings(options: options, clock: &clock))
        try connection.run(options.queues.map { queue($0, tenantID: .system, clock: &clock) })
        // The views look the key up; it is there before the first device reports.
        try connection.query("INSERT INTO key_dictionary (key) VALUES ('active') ON CONFLICT DO NOTHING")
    }

    // MARK: - Tenant profiles

    private static func tenantProfiles(clock: inout EntityClock) -> [SQLStatement] {
        func profile(_ name: String, _ description: String, isDefault: Bool, isolated: Bool) -> SQLStatement {
            let (id, time) = clock.tick()
            return SQLStatement(
                """
                INSERT INTO tenant_profile
                    (id, created_time, name, profile_data, description, is_default, isolated_tb_rule_engine)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                """,
                [
                    .uuid(id), .int8(time), .text(name), .jsonb(profileData(isolated: isolated)), .text(description),
                    .boolean(isDefault), .boolean(isolated),
                ])
        }
        return [
            profile(defaultTenantProfileName, "Default tenant profile", isDefault: true, isolated: false),
            profile(
                "Isolated TB Rule Engine", "Isolated TB Rule Engine tenant profile", isDefault: false, isolated: true),
        ]
    }

    /// No limits; only the fraction of a limit from which people are warned is set.
    private static func profileData(isolated: Bool) -> String {
        let queues = isolated ? "[\(isolatedQueue(.main))]" : "null"
        return #"{"configuration":{"type":"DEFAULT","warnThreshold":0.8},"queueConfiguration":\#(queues)}"#
    }

    private static func isolatedQueue(_ queue: QueueDefaults) -> String {
        #"{"name":"\#(queue.name)","topic":"\#(queue.topic)","pollInterval":\#(queue.pollIntervalMilliseconds),"#
            + #""partitions":\#(queue.partitions),"consumerPerPartition":\#(queue.consumerPerPartition),"#
            + #""packProcessingTimeout":\#(queue.packProcessingTimeoutMilliseconds),"#
            + #""submitStrategy":\#(queue.submitStrategyJSON),"processingStrategy":\#(queue.processingStrategyJSON),"#
            + #""additionalInfo":{"customProperties":"","duplicateMsgToAllPartitions":false}}"#
    }

    // MARK: - Settings and queues

    private static func adminSettings(options: SchemaOptions, clock: inout EntityClock) -> [SQLStatement] {
        let key = options.jwtSigningKey?.revealed ?? Base64.encode(SecureRandom.bytes(64))
        return [
            ("general", #"{"baseUrl":"\#(options.baseURL)","prohibitDifferentUrl":false}"#),
            ("mail", mailSettings),
            ("connectivity", connectivitySettings),
            (
                "jwt",
                #"{"tokenExpirationTime":\#(options.jwtExpirationSeconds),"#
                    + #""refreshTokenExpTime":\#(options.jwtRefreshExpirationSeconds),"#
                    + #""tokenIssuer":"\#(options.jwtIssuer)","tokenSigningKey":"\#(key)"}"#
            ),
        ].map { key, value in
            let (id, time) = clock.tick()
            return SQLStatement(
                "INSERT INTO admin_settings (id, created_time, tenant_id, key, json_value) VALUES ($1, $2, $3, $4, $5)",
                [.uuid(id), .int8(time), .uuid(TenantID.system), .text(key), .text(value)])
        }
    }

    private static let mailSettings = """
        {"mailFrom":"ThingsBoard <sysadmin@localhost.localdomain>","smtpProtocol":"smtp","smtpHost":"localhost",\
        "smtpPort":"25","timeout":"10000","enableTls":false,"username":"","password":"","tlsVersion":"TLSv1.2",\
        "enableProxy":false,"showChangePassword":false}
        """

    private static let connectivitySettings = """
        {"http":{"enabled":true,"host":"","port":"8080"},"https":{"enabled":false,"host":"","port":"443"},\
        "mqtt":{"enabled":true,"host":"","port":"1883"},"mqtts":{"enabled":false,"host":"","port":"8883"},\
        "coap":{"enabled":true,"host":"","port":"5683"},"coaps":{"enabled":false,"host":"","port":"5684"}}
        """

    private static func queue(_ queue: QueueDefaults, tenantID: TenantID, clock: inout EntityClock) -> SQLStatement {
        let (id, time) = clock.tick()
        return SQLStatement(
            """
            INSERT INTO queue (id, created_time, tenant_id, name, topic, poll_interval, partitions,
                consumer_per_partition, pack_processing_timeout, submit_strategy, processing_strategy)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            """,
            [
                .uuid(id), .int8(time), .uuid(tenantID), .text(queue.name), .text(queue.topic),
                .int4(Int32(queue.pollIntervalMilliseconds)), .int4(Int32(queue.partitions)),
                .boolean(queue.consumerPerPartition), .int8(Int64(queue.packProcessingTimeoutMilliseconds)),
                .text(queue.submitStrategyJSON), .text(queue.processingStrategyJSON),
            ])
    }
}
