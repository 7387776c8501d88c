import Configuration
import Testing

@testable import Storage

@Suite struct DatabaseURLTests {
    @Test(arguments: [
        ("jdbc:postgresql://localhost:5432/thingsboard", "dbname='thingsboard' host='localhost' port='5432'"),
        ("jdbc:postgresql://db/tb", "dbname='tb' host='db'"),
        ("jdbc:postgresql://a:1,b:2/tb", "dbname='tb' host='a,b' port='1,2'"),
        ("jdbc:postgresql://a,b:2/tb", "dbname='tb' host='a,b' port=',2'"),
        ("jdbc:postgresql://[::1]:5433/tb", "dbname='tb' host='::1' port='5433'"),
        ("jdbc:postgresql:tb", "dbname='tb'"),
        ("jdbc:postgresql://db/tb?ssl=true", "dbname='tb' host='db' sslmode='verify-full'"),
        ("jdbc:postgresql://db/tb?sslmode=require&ssl=true", "dbname='tb' host='db' sslmode='require'"),
        ("jdbc:postgresql://db/tb?currentSchema=x", "dbname='tb' host='db' options='-c search_path=x'"),
        ("jdbc:postgresql://db/tb?targetServerType=primary", "dbname='tb' host='db' target_session_attrs='primary'"),
        ("jdbc:postgresql://db/tb?reWriteBatchedInserts=true", "dbname='tb' host='db'"),
        ("postgresql://u:p%27w@db/tb", "dbname='tb' host='db' password='p\\'w' user='u'"),
        ("postgresql:///tb?host=/run/postgresql", "dbname='tb' host='/run/postgresql'"),
        ("/run/postgresql", "host='/run/postgresql'"),
        ("host=db dbname=tb", "host=db dbname=tb"),
    ])
    func urlBecomesAConnectionString(_ url: String, _ expected: String) {
        #expect(DatabaseURL.conninfo(url: url, userName: nil, password: nil) == expected)
    }

    @Test func separateCredentialsComeFirst() {
        let conninfo = DatabaseURL.conninfo(
            url: "jdbc:postgresql://db/tb", userName: "u", password: Secret("a'b\\c"))
        #expect(conninfo == "user='u' password='a\\'b\\\\c' dbname='tb' host='db'")
    }

    @Test(arguments: [
        "mysql://db/tb", "", "tb", "jdbc:oracle:thin", "postgresql://db:99999/tb", "postgresql://db:x/tb",
        "postgresql://[::1/tb", "postgresql://db/%zz", "postgresql://db/%00",
    ])
    func otherTextIsRefused(_ url: String) {
        #expect(DatabaseURL.conninfo(url: url, userName: nil, password: nil) == nil)
    }

    @Test func poolerSettingTurnsPreparingOff() throws {
        #expect(try !DatabaseURL("jdbc:postgresql://db/tb?prepareThreshold=0").preparesStatements)
        #expect(try DatabaseURL("jdbc:postgresql://db/tb").preparesStatements)
    }

    @Test func settingsOfThePoolAreRead() {
        var settings = SettingsReader(environment: [
            "SPRING_DATASOURCE_MAXIMUM_POOL_SIZE": "5", "JAVAX_PERSISTENCE_QUERY_TIMEOUT": "1500",
        ])
        let configuration = DatabaseConfiguration(conninfo: "host=x", from: &settings)
        #expect(configuration.maximumConnections == 5)
        #expect(configuration.statementTimeout == .milliseconds(1500))
        #expect(settings.problems.isEmpty)
    }
}
