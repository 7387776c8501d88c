import Crypto
import JSON
import Model
import Postgres
import TestSupport
import Testing

@testable import Storage

extension SchemaSuite {
    /// What an installation with demo data holds.
    @Suite struct Content {
        @Test(arguments: [
            ("sysadmin@thingsboard.org", "sysadmin", "SYS_ADMIN"), ("tenant@thingsboard.org", "tenant", "TENANT_ADMIN"),
            ("customer@thingsboard.org", "customer", "CUSTOMER_USER"),
            ("customerA@thingsboard.org", "customer", "CUSTOMER_USER"),
            ("customerB@thingsboard.org", "customer", "CUSTOMER_USER"),
            ("customerC@thingsboard.org", "customer", "CUSTOMER_USER"),
        ])
        func demoLoginWorks(_ email: String, _ password: String, _ authority: String) throws {
            try SchemaSuite.withDemo { connection throws in
                let row = try connection.query(
                    """
                    SELECT c.password, c.enabled, u.authority FROM tb_user u JOIN user_credentials c ON c.user_id = u.id
                    WHERE u.email = $1
                    """, [.text(email)])[0]
                #expect(BCrypt.verify(password, hash: try #require(row.text(0))))
                #expect(row.bool(1) == true)
                #expect(row.text(2) == authority)
            }
        }

        @Test(arguments: [
            ("A1_TEST_TOKEN", "Test Device A1", "Customer A"), ("B1_TEST_TOKEN", "Test Device B1", "Customer B"),
            ("C1_TEST_TOKEN", "Test Device C1", "Customer C"), ("DHT11_DEMO_TOKEN", "DHT11 Demo Device", nil),
            ("RASPBERRY_PI_DEMO_TOKEN", "Raspberry Pi Demo Device", nil), ("T1_TEST_TOKEN", "Thermostat T1", nil),
        ])
        func demoDeviceIsFoundByItsToken(_ token: String, _ name: String, _ customer: String?) throws {
            try SchemaSuite.withDemo { connection throws in
                let row = try connection.query(
                    """
                    SELECT d.name, d.customer_title, d.active, d.customer_id, d.customer_is_public
                    FROM device_info_view d JOIN device_credentials c ON c.device_id = d.id
                    WHERE c.credentials_id = $1
                    """, [.text(token)])[0]
                #expect(row.text(0) == name)
                #expect(row.text(1) == customer)
                #expect(row.bool(2) == false)
                #expect((row.uuid128(3) == .null) == (customer == nil))
                #expect(row.bool(4) == false)
            }
        }

        @Test func thermostatHasItsThresholds() throws {
            try SchemaSuite.withDemo { connection throws in
                let rows = try connection.query(
                    """
                    SELECT k.key, a.bool_v, a.long_v, a.dbl_v FROM attribute_kv a
                        JOIN key_dictionary k ON k.key_id = a.attribute_key
                        JOIN device d ON d.id = a.entity_id
                    WHERE d.name = 'Thermostat T2' AND a.attribute_type = 2 ORDER BY k.key
                    """)
                #expect(
                    rows.map { $0.text(0) } == [
                        "active", "humidityAlarmFlag", "humidityAlarmThreshold", "latitude", "longitude",
                        "temperatureAlarmFlag", "temperatureAlarmThreshold",
                    ])
                #expect(rows[2].int8(2) == 30)
                #expect(rows[3].double(3) == 37.493801)
                #expect(rows[6].int8(2) == 25)
            }
        }

        @Test func rootChainHasItsNodesAndConnections() throws {
            try SchemaSuite.withDemo { connection throws in
                let chains = try connection.query(
                    "SELECT name, type, root FROM rule_chain ORDER BY name")
                #expect(chains.map { $0.text(0) } == ["Edge Root Rule Chain", "Root Rule Chain", "Thermostat"])
                #expect(chains.map { $0.text(1) } == ["EDGE", "CORE", "CORE"])
                #expect(chains.map { $0.bool(2) } == [true, true, false])
                let connections = try SchemaSuite.texts(
                    """
                    SELECT r.relation_type || ' > ' || t.name FROM rule_chain c
                        JOIN rule_node f ON f.id = c.first_rule_node_id
                        JOIN relation r ON r.from_id = f.id AND r.relation_type_group = 'RULE_NODE'
                        JOIN rule_node t ON t.id = r.to_id
                    WHERE c.name = 'Root Rule Chain' ORDER BY 1
                    """, connection)
                #expect(
                    connections == [
                        "Other > Log Other", "Post attributes > Save Client Attributes",
                        "Post telemetry > Save Timeseries", "RPC Request from Device > Log RPC from Device",
                        "RPC Request to Device > RPC Call Request",
                    ])
                let members = try SchemaSuite.count(
                    """
                    SELECT count(*) FROM relation r JOIN rule_chain c ON c.id = r.from_id
                    WHERE r.relation_type_group = 'RULE_CHAIN' AND r.relation_type = 'Contains'
                    """, connection)
                #expect(members == 20)
            }
        }

        @Test(arguments: [
            "SELECT configuration FROM rule_node", "SELECT additional_info FROM rule_node",
            "SELECT configuration FROM dashboard", "SELECT json_value FROM admin_settings",
            "SELECT submit_strategy FROM queue", "SELECT processing_strategy FROM queue",
            "SELECT profile_data::text FROM device_profile", "SELECT profile_data::text FROM tenant_profile",
            "SELECT additional_info FROM device WHERE additional_info IS NOT NULL",
        ])
        func storedDocumentsAreJSON(_ sql: String) throws {
            try SchemaSuite.withDemo { connection throws in
                let documents = try connection.query("SELECT jsonb_typeof(t.d::jsonb) FROM (\(sql)) AS t (d)")
                #expect(!documents.isEmpty)
                #expect(documents.allSatisfy { $0.text(0) == "object" })
            }
        }

        @Test func queuesAreTheThreeOfTheRuleEngine() throws {
            try SchemaSuite.withDemo { connection throws in
                let rows = try connection.query(
                    """
                    SELECT name, topic, partitions, tenant_id, submit_strategy::json ->> 'type'
                    FROM queue ORDER BY name
                    """)
                #expect(rows.map { $0.text(0) } == ["HighPriority", "Main", "SequentialByOriginator"])
                #expect(rows.map { $0.text(1) } == ["tb_rule_engine.hp", "tb_rule_engine.main", "tb_rule_engine.sq"])
                #expect(rows.allSatisfy { $0.int4(2) == 10 && $0.uuid128(3) == .null })
                #expect(rows[2].text(4) == "SEQUENTIAL_BY_ORIGINATOR")
            }
        }

        @Test func signingKeyIsRandomAndLongEnough() throws {
            try SchemaSuite.withDemo { connection throws in
                let key = try SchemaSuite.texts(
                    "SELECT json_value::json ->> 'tokenSigningKey' FROM admin_settings WHERE key = 'jwt'",
                    connection)[0]
                #expect(Base64.decode(try #require(key))?.count == 64)
            }
        }

        @Test func profilesAndDashboardsAreThere() throws {
            try SchemaSuite.withDemo { connection throws in
                #expect(
                    try SchemaSuite.texts("SELECT name FROM tenant_profile ORDER BY is_default DESC", connection)
                        == ["Default", "Isolated TB Rule Engine"])
                #expect(
                    try SchemaSuite.texts("SELECT title FROM dashboard ORDER BY created_time", connection)
                        == ["Thermostats", "Firmware", "Software", "Rule Engine Statistics"])
                #expect(
                    try SchemaSuite.texts(
                        """
                        SELECT p.name || ' ' || COALESCE(c.name, '-') FROM device_profile p
                            LEFT JOIN rule_chain c ON c.id = p.default_rule_chain_id ORDER BY p.name
                        """, connection) == ["default -", "thermostat Thermostat"])
                #expect(try SchemaSuite.texts("SELECT name FROM asset_profile", connection) == ["default"])
                #expect(try SchemaSuite.texts("SELECT transport FROM api_usage_state", connection) == ["ENABLED"])
            }
        }

        @Test func secondActiveAlarmOfATypeIsRefused() throws {
            try SchemaSuite.withEmptyDatabase { connection throws in
                _ = try SchemaInstaller.install(on: connection, demo: false, options: SchemaSuite.options)
                let insert = """
                    INSERT INTO alarm (id, created_time, tenant_id, originator_id, originator_type, type, severity,
                        start_ts, end_ts, cleared)
                    VALUES ($1, 1, $1, $2, 5, 'hot', 'MAJOR', 1, 1, $3)
                    """
                let originator = UUID128.random()
                try connection.query(insert, [.uuid(.random()), .uuid(originator), true])
                try connection.query(insert, [.uuid(.random()), .uuid(originator), false])
                let error = #expect(throws: PostgresError.self) {
                    try connection.query(insert, [.uuid(.random()), .uuid(originator), false])
                }
                #expect(error?.constraint == "idx_alarm_originator_alarm_type_active_unq")
                let names = try SchemaSuite.texts("SELECT originator_name || ' ' || status FROM alarm_info", connection)
                #expect(Set(names) == ["Deleted CLEARED_UNACK", "Deleted ACTIVE_UNACK"])
            }
        }
    }
}
