import Configuration
import Testing

@Suite struct SettingsReaderTests {
    @Test func unsetNamesTakeTheirDefaults() {
        var reader = SettingsReader(environment: ["EMPTY": "", "BLANK": "  "])
        #expect(reader.string("A", default: "a") == "a")
        #expect(reader.string("EMPTY", default: "a") == "")
        #expect(reader.optionalString("EMPTY") == nil)
        #expect(reader.integer("EMPTY", default: 7, in: 1...10) == 7)
        #expect(reader.boolean("BLANK", default: true) == true)
        #expect(reader.milliseconds("C", default: 1500) == .milliseconds(1500))
        #expect(reader.choice("D", default: "x", of: ["x", "y"]) == "x")
        #expect(reader.secret("E") == nil)
        #expect(reader.problems.isEmpty)
    }

    @Test func setValuesAreRead() {
        var reader = SettingsReader(environment: [
            "PORT": " 1883 ", "FLAG": "TRUE", "WAIT": "250", "KIND": "kafka", "PASSWORD": "s3cret", "RATIO": "0.5",
        ])
        #expect(reader.integer("PORT", default: 1, in: 1...65_535) == 1883)
        #expect(reader.boolean("FLAG", default: false) == true)
        #expect(reader.milliseconds("WAIT", default: 1) == .milliseconds(250))
        #expect(reader.choice("KIND", default: "in-memory", of: ["in-memory", "Kafka"]) == "Kafka")
        #expect(reader.secret("PASSWORD")?.revealed == "s3cret")
        #expect(reader.double("RATIO", default: 1) == 0.5)
        #expect(reader.problems.isEmpty)
    }

    @Test func allProblemsAreReportedTogether() {
        var reader = SettingsReader(environment: [
            "MQTT_BIND_PORT": "abc", "HTTP_BIND_PORT": "70000", "FLAG": "maybe", "COUNT": "-1", "KIND": "z",
        ])
        #expect(reader.integer("MQTT_BIND_PORT", default: 1883, in: 1...65_535) == 1883)
        #expect(reader.integer("HTTP_BIND_PORT", default: 8080, in: 1...65_535) == 8080)
        #expect(reader.boolean("FLAG", default: false) == false)
        #expect(reader.integer("COUNT", default: 3) == 3)
        #expect(reader.choice("KIND", default: "x", of: ["x", "y"]) == "x")
        reader.report("COUNT and KIND exclude each other")
        #expect(
            reader.problems == [
                "MQTT_BIND_PORT is \"abc\"; expected 1 to 65535",
                "HTTP_BIND_PORT is \"70000\"; expected 1 to 65535",
                "FLAG is \"maybe\"; expected true or false",
                "COUNT is \"-1\"; expected a whole number of at least 0",
                "KIND is \"z\"; expected one of x, y",
                "COUNT and KIND exclude each other",
            ])
    }

    @Test func effectiveSettingsHideSecrets() {
        var reader = SettingsReader(environment: ["PASSWORD": "s3cret", "PORT": "1"])
        _ = reader.secret("PASSWORD")
        _ = reader.integer("PORT", default: 2)
        #expect(reader.effective.map { "\($0.name)=\($0.value)" } == ["PASSWORD=<redacted>", "PORT=1"])
    }

    @Test func secretsDoNotPrint() {
        let secret = Secret("s3cret")
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), String(describing: [secret]), dumped] {
            #expect(!text.contains("s3cret"), "\(text.count) characters")
        }
    }
}

@Suite struct ArgumentParserTests {
    private let parser = ArgumentParser(
        program: "needletail", summary: "An IoT platform.",
        commands: [
            Command(
                "standalone", summary: "Everything in one process.", discussion: "First paragraph.\n\nSecond one.",
                options: [
                    .string("data", placeholder: "DIR", default: "./data", help: "Data folder."),
                    .integer(
                        "http-port", placeholder: "PORT", default: 8080, in: 0...65_535, environment: "HTTP_BIND_PORT",
                        help: "Port of REST."),
                    .flag("demo", help: "Demo data."),
                    .choice("log-format", of: ["text", "JSON"], default: "text", help: "Form of log lines."),
                ]),
            Command("psql", summary: "A database shell.", operands: "ARGS"),
            Command("version", summary: "Versions."),
        ])

    private func run(_ arguments: [String], _ environment: [String: String] = [:]) throws -> ParsedArguments {
        guard case .run(let parsed) = parser.parse(arguments, environment: environment) else {
            throw Unexpected(outcome: "\(parser.parse(arguments, environment: environment))")
        }
        return parsed
    }

    private struct Unexpected: Error {
        var outcome: String
    }

    private func failure(_ arguments: String..., environment: [String: String] = [:]) -> String? {
        guard case .failure(let text) = parser.parse(arguments, environment: environment) else { return nil }
        return text
    }

    @Test func bothNotationsOfAValueAreTaken() throws {
        let parsed = try run(["standalone", "--data", "/d", "--http-port=81", "--demo"])
        #expect(parsed.command.name == "standalone")
        #expect(parsed.string("data") == "/d")
        #expect(parsed.integer("http-port") == 81)
        #expect(parsed.flag("demo"))
        #expect(parsed.string("log-format") == "text")
        #expect(parsed.isGiven("data") && !parsed.isGiven("log-format"))
    }

    @Test func aGivenOptionWinsOverTheEnvironmentAndThatOverTheDefault() throws {
        let environment = ["HTTP_BIND_PORT": "82"]
        #expect(try run(["standalone"]).integer("http-port") == 8080)
        #expect(try run(["standalone"], environment).integer("http-port") == 82)
        #expect(try run(["standalone", "--http-port", "83"], environment).integer("http-port") == 83)
    }

    @Test func givenOptionsBecomeEnvironmentNames() throws {
        let merged = try run(["standalone", "--http-port", "83", "--data", "x"]).overlaid(on: ["A": "1"])
        #expect(merged == ["A": "1", "HTTP_BIND_PORT": "83"])
    }

    @Test func choicesAreComparedWithoutCase() throws {
        #expect(try run(["standalone", "--log-format", "json"]).string("log-format") == "JSON")
    }

    @Test func whatFollowsTwoDashesIsPassedOn() throws {
        #expect(try run(["psql", "--", "-c", "select 1", "--help"]).operands == ["-c", "select 1", "--help"])
    }

    @Test func versionIsAlsoAnOption() throws {
        #expect(try run(["--version"]).command.name == "version")
    }

    @Test func mistakesAreExplained() throws {
        let see = "see needletail standalone --help"
        #expect(failure("standalone", "--dmeo") == "standalone has no option --dmeo; did you mean --demo?")
        #expect(failure("standalone", "--zzzzzz") == "standalone has no option --zzzzzz; \(see)")
        #expect(failure("standalone", "-d", "x")?.hasPrefix("standalone has no option -d") == true)
        #expect(failure("standalone", "--data") == "--data needs a value; \(see)")
        #expect(failure("standalone", "--http-port", "abc") == "--http-port is \"abc\"; expected 0 to 65535")
        #expect(failure("standalone", "--log-format=xml") == "--log-format is \"xml\"; expected one of text, JSON")
        #expect(failure("standalone", "x") == "standalone takes no operands, \"x\" is one; \(see)")
        #expect(failure("standallone") == "no command \"standallone\"; did you mean standalone?")
        #expect(failure("--data")?.hasPrefix("the first argument is a command") == true)
        #expect(failure()?.hasPrefix("no command given") == true)
        let wrong = failure("standalone", environment: ["HTTP_BIND_PORT": "99999"])
        #expect(wrong == "HTTP_BIND_PORT is \"99999\"; expected 0 to 65535")
    }

    @Test func undeclaredOptionsCannotBeRead() async throws {
        await #expect(processExitsWith: .failure) {
            let parser = ArgumentParser(program: "p", summary: "", commands: [Command("c", summary: "")])
            guard case .run(let parsed) = parser.parse(["c"], environment: [:]) else { return }
            _ = parsed.string("data")
        }
    }

    @Test(arguments: [["--help"], ["-h"], ["help"]])
    func helpListsTheCommands(_ arguments: [String]) {
        guard case .help(let text) = parser.parse(arguments, environment: [:]) else {
            Issue.record("no help")
            return
        }
        #expect(text.contains("  standalone  Everything in one process.\n"))
        #expect(text.contains("  psql        A database shell.\n"))
    }

    @Test(arguments: [["standalone", "--data", "x", "--help"], ["help", "standalone"]])
    func helpOfACommandShowsDefaultsAndEnvironmentNames(_ arguments: [String]) {
        guard case .help(let text) = parser.parse(arguments, environment: [:]) else {
            Issue.record("no help")
            return
        }
        #expect(
            text == """
                Everything in one process.

                Usage: needletail standalone [OPTIONS]

                First paragraph.

                Second one.

                Options:
                  --data DIR              Data folder. [default: ./data]
                  --http-port PORT        Port of REST. [default: 8080; environment: HTTP_BIND_PORT]
                  --demo                  Demo data.
                  --log-format text|JSON  Form of log lines. [default: text]
                  --help                  Print this help.

                """)
    }

    @Test func mistakesEndTheProcessWithTwo() async {
        await #expect(processExitsWith: .exitCode(2)) {
            let parser = ArgumentParser(program: "p", summary: "", commands: [Command("c", summary: "")])
            _ = parser.parseOrExit(["p", "d"], environment: [:])
        }
    }
}
