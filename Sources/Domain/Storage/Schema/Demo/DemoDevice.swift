internal import Model
internal import Postgres

/// A device of the demonstration, with its token and server attributes.
struct DemoDevice {
    enum AttributeValue {
        case boolean(Bool)
        case long(Int64)
        case double(Double)
    }

    var name: String
    var token: String
    /// The letter of its customer.
    var customer: String?
    var isThermostat = false
    var description: String?
    var attributes: [(key: String, value: AttributeValue)] = []

    static let all: [DemoDevice] = [
        DemoDevice(name: "Test Device A1", token: "A1_TEST_TOKEN", customer: "A"),
        DemoDevice(name: "Test Device A2", token: "A2_TEST_TOKEN", customer: "A"),
        DemoDevice(name: "Test Device A3", token: "A3_TEST_TOKEN", customer: "A"),
        DemoDevice(name: "Test Device B1", token: "B1_TEST_TOKEN", customer: "B"),
        DemoDevice(name: "Test Device C1", token: "C1_TEST_TOKEN", customer: "C"),
        DemoDevice(
            name: "DHT11 Demo Device", token: "DHT11_DEMO_TOKEN",
            description: "Demo device for sample applications that upload readings of a DHT11 sensor"),
        DemoDevice(
            name: "Raspberry Pi Demo Device", token: "RASPBERRY_PI_DEMO_TOKEN",
            description: "Demo device for the sample application that controls the pins of a Raspberry Pi"),
        thermostat("T1", latitude: 37.3948, longitude: -122.1503, temperature: 20, humidity: 50),
        thermostat("T2", latitude: 37.493801, longitude: -121.948769, temperature: 25, humidity: 30),
    ]

    private static func thermostat(
        _ name: String, latitude: Double, longitude: Double, temperature: Int64, humidity: Int64
    ) -> DemoDevice {
        DemoDevice(
            name: "Thermostat \(name)", token: "\(name)_TEST_TOKEN", isThermostat: true,
            description: "Demo device for the Thermostats dashboard",
            attributes: [
                ("latitude", .double(latitude)), ("longitude", .double(longitude)),
                ("temperatureAlarmFlag", .boolean(true)), ("humidityAlarmFlag", .boolean(true)),
                ("temperatureAlarmThreshold", .long(temperature)), ("humidityAlarmThreshold", .long(humidity)),
            ])
    }

    /// Writes device, credentials and attributes.
    func insert(
        on connection: PostgresConnection, tenantID: TenantID, customerID: CustomerID, profileID: DeviceProfileID,
        clock: inout EntityClock
    ) throws(PostgresError) {
        let (id, time) = clock.tick()
        try connection.query(
            """
            INSERT INTO device (id, created_time, tenant_id, customer_id, device_profile_id, device_data, type, name,
                additional_info)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                .uuid(id), .int8(time), .uuid(tenantID), .uuid(customerID), .uuid(profileID),
                .jsonb(#"{"configuration":{"type":"DEFAULT"},"transportConfiguration":{"type":"DEFAULT"}}"#),
                .text(isThermostat ? "thermostat" : "default"), .text(name),
                .optionalText(description.map { #"{"description":"\#($0)"}"# }),
            ])
        let credentials = clock.tick()
        try connection.query(
            """
            INSERT INTO device_credentials (id, created_time, device_id, credentials_type, credentials_id)
            VALUES ($1, $2, $3, 'ACCESS_TOKEN', $4)
            """,
            [.uuid(credentials.id), .int8(credentials.createdTime), .uuid(id), .text(token)])
        for (key, value) in [("active", .boolean(false))] + attributes {
            try insertAttribute(key, value, of: id, at: time, on: connection)
        }
    }

    private func insertAttribute(
        _ key: String, _ value: AttributeValue, of device: UUID128, at time: Int64, on connection: PostgresConnection
    ) throws(PostgresError) {
        // A conflict would burn a number of the key's sequence, so the key is looked for first.
        try connection.query(
            """
            INSERT INTO key_dictionary (key)
            SELECT $1::varchar WHERE NOT EXISTS (SELECT 1 FROM key_dictionary WHERE key = $1::varchar)
            """, [.text(key)])
        var boolean = PostgresParameter.null
        var long = PostgresParameter.null
        var double = PostgresParameter.null
        switch value {
        case .boolean(let value): boolean = .boolean(value)
        case .long(let value): long = .int8(value)
        case .double(let value): double = .double(value)
        }
        try connection.query(
            """
            INSERT INTO attribute_kv (entity_id, attribute_type, attribute_key, bool_v, long_v, dbl_v, last_update_ts,
                version)
            SELECT $1, $2, key_id, $4, $5, $6, $7, nextval('attribute_kv_version_seq')
            FROM key_dictionary WHERE key = $3
            """,
            [
                .uuid(device), .int4(AttributeScope.server.rawValue), .text(key), boolean, long, double, .int8(time),
            ])
    }
}
