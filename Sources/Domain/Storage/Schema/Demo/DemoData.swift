internal import Crypto
internal import Model
internal import Postgres

/// What a demonstration shows (`rest-api.md` 6). Its passwords and tokens are public.
enum DemoData {
    static let sysadminPassword = "sysadmin"
    static let tenantEmail = "tenant@thingsboard.org"

    /// Whether it was loaded before, judged by the tenant's administrator.
    static func isPresent(on connection: PostgresConnection) throws(PostgresError) -> Bool {
        try !connection.query("SELECT 1 FROM tb_user WHERE email = $1", [.text(tenantEmail)]).isEmpty
    }

    /// Runs in the caller's transaction, after the system data.
    static func install(on connection: PostgresConnection, options: SchemaOptions) throws(PostgresError) {
        var clock = EntityClock.starting()
        let tenant = try connection.createTenant(.init(title: "Tenant"), clock: &clock)
        func addUser(
            _ email: String, password: String, authority: String, customerID: CustomerID
        ) throws(PostgresError) {
            let user = UserCreation(
                tenantID: tenant.tenantID, customerID: customerID, authority: authority, email: email, firstName: nil,
                passwordHash: BCrypt.hash(password, cost: options.passwordCost), clock: &clock)
            try connection.run(user.statements)
        }
        try addUser(tenantEmail, password: "tenant", authority: "TENANT_ADMIN", customerID: .null)

        var customers: [String: CustomerID] = [:]
        for letter in ["A", "B", "C"] {
            let (id, time) = clock.tick()
            customers[letter] = CustomerID(id)
            try connection.query(
                "INSERT INTO customer (id, created_time, tenant_id, title) VALUES ($1, $2, $3, $4)",
                [.uuid(id), .int8(time), .uuid(tenant.tenantID), .text("Customer \(letter)")])
            let emails = letter == "A" ? ["customer", "customerA"] : ["customer\(letter)"]
            for name in emails {
                try addUser(
                    "\(name)@thingsboard.org", password: "customer", authority: "CUSTOMER_USER",
                    customerID: CustomerID(id))
            }
        }

        let thermostats = try addThermostatProfile(tenant.tenantID, on: connection, clock: &clock)
        for device in DemoDevice.all {
            try device.insert(
                on: connection, tenantID: tenant.tenantID,
                customerID: device.customer.flatMap { customers[$0] } ?? .null,
                profileID: device.isThermostat ? thermostats : tenant.deviceProfileID, clock: &clock)
        }
        for dashboard in DemoDashboard.all {
            let (id, time) = clock.tick()
            try connection.query(
                """
                INSERT INTO dashboard (id, created_time, tenant_id, title, configuration)
                VALUES ($1, $2, $3, $4, $5)
                """,
                [
                    .uuid(id), .int8(time), .uuid(tenant.tenantID), .text(dashboard.title),
                    .text(dashboard.configuration),
                ])
        }
    }

    private static func addThermostatProfile(
        _ tenantID: TenantID, on connection: PostgresConnection, clock: inout EntityClock
    ) throws(PostgresError) -> DeviceProfileID {
        let chain = RuleChainCreation(
            .root, tenantID: tenantID, name: "Thermostat", isRoot: false, additionalInfo: #"{"description":""}"#,
            clock: &clock)
        try connection.run(chain.statements)
        let profile = DeviceProfileCreation(
            tenantID: tenantID, name: "thermostat", description: "Thermostat device profile",
            ruleChainID: chain.ruleChainID, alarms: ThermostatAlarms.json, clock: &clock)
        try connection.run(profile.statements)
        return profile.profileID
    }
}
