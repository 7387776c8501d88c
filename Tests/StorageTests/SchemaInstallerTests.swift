import Configuration
import Crypto
import JSON
import Model
import Postgres
import TestSupport
import Testing

@testable import Storage

extension SchemaSuite {
    @Suite struct Installer {
        @Test func installationHasSystemDataAndNoKnownPassword() throws {
            try SchemaSuite.withEmptyDatabase { connection throws in
                #expect(try SchemaInstaller.currentVersion(on: connection) == nil)
                let report = try SchemaInstaller.install(on: connection, demo: false, options: SchemaSuite.options)
                guard case .installed = report.outcome else {
                    Issue.record("unexpected \(report.outcome)")
                    return
                }
                let password = try #require(report.generatedPassword)
                let hashes = try SchemaSuite.texts("SELECT password FROM user_credentials", connection)
                #expect(hashes.count == 1)
                let hash = try #require(hashes[0])
                #expect(BCrypt.verify(password.revealed, hash: hash))
                #expect(!BCrypt.verify("sysadmin", hash: hash))
                #expect(try SchemaInstaller.currentVersion(on: connection) == SchemaInstaller.version)
                try SchemaInstaller.check(on: connection)
                let users = try SchemaSuite.texts("SELECT email FROM tb_user", connection)
                #expect(users == ["sysadmin@thingsboard.org"])
            }
        }

        @Test func secondInstallationChangesNothing() throws {
            try SchemaSuite.withEmptyDatabase { connection throws in
                _ = try SchemaInstaller.install(on: connection, demo: true, options: SchemaSuite.options)
                let before = try SchemaSuite.count("SELECT count(*) FROM relation", connection)
                let report = try SchemaInstaller.install(on: connection, demo: true, options: SchemaSuite.options)
                guard case .alreadyCurrent = report.outcome else {
                    Issue.record("unexpected \(report.outcome)")
                    return
                }
                #expect(report.generatedPassword == nil)
                #expect(!report.hasLoadedDemo)
                let after = try SchemaSuite.count("SELECT count(*) FROM relation", connection)
                #expect(after == before)
            }
        }

        @Test func demoCanBeAddedLaterWithoutTouchingThePassword() throws {
            try SchemaSuite.withEmptyDatabase { connection throws in
                let first = try SchemaInstaller.install(on: connection, demo: false, options: SchemaSuite.options)
                let second = try SchemaInstaller.install(on: connection, demo: true, options: SchemaSuite.options)
                #expect(second.hasLoadedDemo)
                let hash = try SchemaSuite.texts(
                    """
                    SELECT password FROM user_credentials c JOIN tb_user u ON u.id = c.user_id
                    WHERE authority = 'SYS_ADMIN'
                    """, connection)[0]
                #expect(BCrypt.verify(try #require(first.generatedPassword).revealed, hash: try #require(hash)))
            }
        }

        @Test func chosenPasswordIsUsed() throws {
            var options = SchemaSuite.options
            options.sysadminPassword = Secret("chosen")
            try SchemaSuite.withEmptyDatabase { connection throws in
                let report = try SchemaInstaller.install(on: connection, demo: false, options: options)
                #expect(report.generatedPassword == nil)
                let hash = try SchemaSuite.texts("SELECT password FROM user_credentials", connection)[0]
                #expect(BCrypt.verify("chosen", hash: try #require(hash)))
            }
        }

        @Test func otherVersionsAreRefusedClearly() throws {
            try SchemaSuite.withEmptyDatabase { connection throws in
                let none = #expect(throws: SchemaError.self) { try SchemaInstaller.check(on: connection) }
                #expect(none?.description.contains("needletail install") == true)
                _ = try SchemaInstaller.install(on: connection, demo: false, options: SchemaSuite.options)

                try connection.execute("UPDATE tb_schema_settings SET schema_version = 1")
                let old = #expect(throws: SchemaError.self) { try SchemaInstaller.check(on: connection) }
                #expect(old?.description.contains("needletail upgrade") == true)

                try connection.execute("UPDATE tb_schema_settings SET schema_version = 9004000000")
                let newer = #expect(throws: SchemaError.self) { try SchemaInstaller.check(on: connection) }
                #expect(newer?.description.contains("9.4.0.0") == true)
                #expect(throws: SchemaError.self) { try SchemaInstaller.upgrade(on: connection) }

                try connection.execute("UPDATE tb_schema_settings SET product = 'CE'")
                let foreign = #expect(throws: SchemaError.self) { try SchemaInstaller.check(on: connection) }
                #expect(foreign?.description.contains("CE") == true)
            }
        }

        @Test func aDatabaseOfTheVersionBeforeIsUpgradedWithItsContents() throws {
            try SchemaSuite.withEmptyDatabase { connection throws in
                _ = try SchemaInstaller.install(on: connection, demo: true, options: SchemaSuite.options)
                let (queues, devices) = ("SELECT count(*) FROM queue", "SELECT count(*) FROM device")
                let before = try [queues, devices].map { try SchemaSuite.count($0, connection) }
                try connection.execute("DROP TABLE deleted_queue, calculated_field_state")
                for table in ["device", "asset"] {
                    try connection.execute(
                        """
                        DROP INDEX idx_\(table)_search_keys, idx_\(table)_sample;
                        ALTER TABLE \(table) DROP COLUMN search_text;
                        CREATE INDEX idx_\(table)_tenant_id_id ON \(table) (tenant_id, id);
                        CREATE INDEX idx_\(table)_tenant_id_created_time ON \(table) (tenant_id, created_time);
                        """)
                }
                try connection.execute("DROP FUNCTION search_keys")
                let older = SchemaVersion(1, 4).rawValue
                try connection.execute("UPDATE tb_schema_settings SET schema_version = \(older)")
                #expect(throws: SchemaError.self) { try SchemaInstaller.check(on: connection) }
                _ = try SchemaInstaller.upgrade(on: connection, options: SchemaSuite.options)
                try SchemaInstaller.check(on: connection)
                #expect(try [queues, devices].map { try SchemaSuite.count($0, connection) } == before)
                #expect(try SchemaSuite.count("SELECT count(*) FROM deleted_queue", connection) == 0)
            }
        }

        @Test func devicesOfAnOlderDatabaseAreFoundByTextsAfterItsUpgrade() throws {
            try SchemaSuite.withEmptyDatabase { connection throws in
                let old = SchemaVersion(1, 4)
                for migration in Migrations.all where migration.version <= old {
                    for script in migration.scripts { try connection.execute(script) }
                }
                // Alone: without the profile that it would have.
                try connection.execute(
                    """
                    INSERT INTO tb_schema_settings (schema_version, product) VALUES (\(old.rawValue), 'NT');
                    SET session_replication_role = replica;
                    INSERT INTO device (id, created_time, tenant_id, customer_id, device_profile_id, type, name)
                        SELECT gen_random_uuid(), n, '13814000-1dd2-11b2-8080-808080808080',
                            '13814000-1dd2-11b2-8080-808080808080', gen_random_uuid(), 't', 'Older ' || n
                        FROM generate_series(1, 100) n;
                    SET session_replication_role = origin
                    """)
                _ = try SchemaInstaller.upgrade(on: connection, options: SchemaSuite.options)
                try SchemaInstaller.check(on: connection)
                let found = """
                    SELECT name FROM device WHERE search_keys(tenant_id, search_text)
                        @> ARRAY[hashtextextended('r 7', uuid_hash_extended(tenant_id, 0))] ORDER BY created_time
                    """
                let names = try SchemaSuite.texts(found, connection)
                #expect(names == ["Older 7"] + (70...79).map { "Older \($0)" })
                let indexes = try SchemaSuite.texts(
                    "SELECT indexname::text FROM pg_indexes WHERE tablename IN ('device', 'asset')", connection
                ).compactMap { $0 }
                #expect(Set(indexes).isSuperset(of: ["idx_device_search_keys", "idx_asset_search_keys"]))
                #expect(!indexes.contains { $0.contains("trgm") })
            }
        }

        @Test func tenantsThatWereIsolatedBeforeGetTheQueuesOfTheirProfile() throws {
            try SchemaSuite.withEmptyDatabase { connection throws in
                _ = try SchemaInstaller.install(on: connection, demo: true, options: SchemaSuite.options)
                try connection.execute(
                    """
                    UPDATE tenant SET tenant_profile_id = (SELECT id FROM tenant_profile WHERE isolated_tb_rule_engine);
                    UPDATE tenant_profile SET profile_data = jsonb_set(profile_data, '{queueConfiguration}',
                        (profile_data->'queueConfiguration') || '[{"name":"NoTopic","partitions":3}, 7]'::jsonb)
                        WHERE isolated_tb_rule_engine;
                    """)
                try connection.execute(IsolatedQueues.sql)
                let made = """
                    SELECT q.name || ' ' || q.topic || ' ' || q.partitions || ' ' || (q.submit_strategy::jsonb->>'type')
                    FROM queue q JOIN tenant t ON t.id = q.tenant_id
                    """
                #expect(try SchemaSuite.texts(made, connection) == ["Main tb_rule_engine.main 10 BURST"])
                // Once is enough.
                try connection.execute(IsolatedQueues.sql)
                #expect(try SchemaSuite.texts(made, connection).count == 1)
            }
        }

        @Test func interruptedInstallationLeavesNothing() throws {
            try SchemaSuite.withEmptyDatabase { connection throws in
                // A table of the same name makes a late step fail.
                try connection.execute("CREATE TABLE ts_kv_latest (a int)")
                #expect(throws: SchemaError.self) {
                    try SchemaInstaller.install(on: connection, demo: false, options: SchemaSuite.options)
                }
                #expect(try SchemaInstaller.currentVersion(on: connection) == nil)
                let tables = try SchemaSuite.texts(
                    "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
                    connection)
                #expect(tables == ["ts_kv_latest"])
            }
        }

        @Test func stateViewFollowsTheSetting() throws {
            var options = SchemaSuite.options
            options.persistsStateToTelemetry = true
            try SchemaSuite.withEmptyDatabase { connection throws in
                _ = try SchemaInstaller.install(on: connection, demo: false, options: options)
                let first = try SchemaSuite.texts("SELECT pg_get_viewdef('device_info_view')", connection)[0]
                #expect(first?.contains("device_info_active_ts_view") == true)
                _ = try SchemaInstaller.install(on: connection, demo: false, options: SchemaSuite.options)
                let second = try SchemaSuite.texts("SELECT pg_get_viewdef('device_info_view')", connection)[0]
                #expect(second?.contains("device_info_active_attribute_view") == true)
            }
        }

        @Test func settingsOfQueuesAndTokensComeFromTheEnvironment() {
            var settings = SettingsReader(environment: [
                "TB_QUEUE_RE_MAIN_PARTITIONS": "6", "TB_QUEUE_RE_HP_CONSUMER_PER_PARTITION": "false",
                "JWT_TOKEN_SIGNING_KEY": "thingsboardDefaultSigningKey", "TB_QUEUE_RE_SQ_PARTITIONS": "x",
            ])
            let options = SchemaOptions(reading: &settings)
            #expect(options.queues[0].partitions == 6)
            #expect(options.queues[1].consumerPerPartition == false)
            #expect(options.jwtSigningKey == nil)
            #expect(settings.problems.count == 1)
        }
    }
}
