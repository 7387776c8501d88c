import Testing

@testable import Configuration

@Suite struct ConfigurationFileTests {
    private func source(_ text: String, _ environment: [String: String] = [:]) throws -> SettingsSource {
        try ConfigurationFile(path: "x.yml", text: Array(text.utf8)).source(environment: environment)
    }

    private static let mqttPort = "transport:\n  mqtt:\n    bind_port: "

    @Test func aPlaceholderTakesTheVariableElseItsDefault() throws {
        let text = Self.mqttPort + "\"${MQTT_BIND_PORT:1884}\"\n"
        #expect(try source(text).values["MQTT_BIND_PORT"] == "1884")
        #expect(try source(text, ["MQTT_BIND_PORT": "1"]).values["MQTT_BIND_PORT"] == "1")
    }

    @Test func aLiteralHoldsWhateverTheEnvironmentSays() throws {
        let found = try source(Self.mqttPort + "1999\n", ["MQTT_BIND_PORT": "1"])
        var reader = SettingsReader(found)
        #expect(reader.integer("MQTT_BIND_PORT", default: 1883) == 1999)
    }

    @Test func anotherVariableMayStandForASetting() throws {
        let text = Self.mqttPort + "${OUR_PORT:${THEIR_PORT:5}}\n"
        #expect(try source(text, ["OUR_PORT": "3", "MQTT_BIND_PORT": "1"]).values["MQTT_BIND_PORT"] == "3")
        #expect(try source(text, ["THEIR_PORT": "4"]).values["MQTT_BIND_PORT"] == "4")
        #expect(try source(text).values["MQTT_BIND_PORT"] == "5")
    }

    @Test func textMayStandAroundPlaceholders() throws {
        let text = "spring:\n  datasource:\n    url: jdbc:postgresql://${DB_HOST:db}:5432/${DB:tb}\n"
        #expect(
            try source(text, ["DB_HOST": "pg"]).values["SPRING_DATASOURCE_URL"] == "jdbc:postgresql://pg:5432/tb")
    }

    @Test func aDefaultMayHoldColons() throws {
        let found = try source("a: ${TB_KAFKA_SERVERS:localhost:9092}\n")
        #expect(found.values["TB_KAFKA_SERVERS"] == "localhost:9092")
    }

    @Test func unknownKeyPathsAndVariablesAreLeftOut() throws {
        let found = try source("no:\n  such: 5\n  other: ${NO_SUCH:6}\n")
        #expect(found.ignored == ["no.such"])
        #expect(found.values["NO_SUCH"] == "6")
    }

    @Test func aWrongValueIsNamedWithFileAndLine() throws {
        var reader = SettingsReader(try source(Self.mqttPort + "abc\n"))
        _ = reader.integer("MQTT_BIND_PORT", default: 1883, in: 0...65_535)
        #expect(reader.problems == ["x.yml:3: MQTT_BIND_PORT is \"abc\"; expected 0 to 65535"])
    }

    @Test(arguments: ["a: ${X\n", "a: ${}\n", "a: ${X:${Y}\n"])
    func abrokenPlaceholderIsRefusedWithFileLineAndKey(_ text: String) {
        let error = #expect(throws: ConfigurationFileError.self) { try source(text) }
        #expect(error?.description.hasPrefix("x.yml:1: a is \"") == true)
    }

    @Test func aFileThatIsNotThereIsNamed() {
        let error = #expect(throws: ConfigurationFileError.self) { try ConfigurationFile(path: "/no/such.yml") }
        #expect(error?.description == "/no/such.yml: No such file or directory")
    }

    @Test func anOptionWinsOverTheFile() throws {
        let parser = ArgumentParser(
            program: "p", summary: "",
            commands: [Command("c", summary: "", options: [.integer("port", environment: "MQTT_BIND_PORT", help: "")])])
        guard case .run(let arguments) = parser.parse(["c", "--port", "7"], environment: [:]) else {
            Issue.record("not understood")
            return
        }
        let found = try source(Self.mqttPort + "1999\n").overlaid(by: arguments)
        #expect(found.values["MQTT_BIND_PORT"] == "7")
    }

    @Test func printedSettingsNameTheirOriginAndMaskSecrets() throws {
        let found = try source(
            Self.mqttPort + "1999\nno: 1\n", ["URL": "jdbc:x?user=a&password=b&ssl=true", "KEY": "k"])
        var reader = SettingsReader(found)
        _ = reader.integer("MQTT_BIND_PORT", default: 1883)
        _ = reader.string("URL", default: "")
        _ = reader.secret("KEY")
        _ = reader.integer("OTHER", default: 4)
        #expect(
            reader.printed(found) == [
                "KEY=<redacted>  # environment", "MQTT_BIND_PORT=1999  # x.yml:3", "OTHER=4  # default",
                "URL=jdbc:x?user=a&password=<redacted>&ssl=true  # environment", "# ignored: no",
            ])
    }
}
