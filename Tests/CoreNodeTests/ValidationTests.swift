import JSON
import Model
import Storage
import Telemetry
import Testing

@testable import CoreNode

@Suite struct ValidationTests {
    private func message(_ body: (inout Validation) -> Void) -> String? {
        var validation = Validation()
        body(&validation)
        do throws(APIError) {
            try validation.check()
            return nil
        } catch {
            return error.message
        }
    }

    @Test func `length is counted as the reference platform counts it`() {
        #expect(message { $0.text("name", String(repeating: "x", count: 255)) } == nil)
        #expect(
            message { $0.text("name", String(repeating: "x", count: 256)) }
                == "Validation error: name length must be equal or less than 255")
    }

    @Test func `violations are told together, in the order of the alphabet`() {
        let long = String(repeating: "x", count: 256)
        #expect(
            message {
                $0.text("name", long)
                $0.text("label", "<b>")
            } == "Validation error: label is malformed, name length must be equal or less than 255")
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "a<a href='x'>b", "<p>", "</p>", "<!-- x -->", "{{constructor}}", "x {{ y }} z",
        "<IMG SRC=x>",
    ])
    func `mark-up and templates are malformed`(_ text: String) { #expect(Validation.isMalformed(text)) }

    @Test(arguments: ["", "a < b", "a > b", "1 <2 and 3> 2", "{}", "{ {x} }", "}}{{", "x<", "<", "if a<=b"])
    func `lone brackets are fine`(_ text: String) { #expect(!Validation.isMalformed(text)) }

    @Test(arguments: ["a@b.org", "a.b-c+d@x-y.example.com", "u-1f@x.org", "o'neil!#$%&*/=?^`{|}~@x.org"])
    func `addresses are accepted`(_ text: String) { #expect(Validation.isEmail(text)) }

    @Test(arguments: [
        "", "bad", "a@b", "@b.org", "a@", "a@@b.org", "a b@c.org", "a@b..org", "a@.org", "a@b.c", "a@b.c1", "ä@b.org",
        "a@ö.org",
    ])
    func `what is no address is refused`(_ text: String) { #expect(!Validation.isEmail(text)) }

    @Test func `a name must be there and without zero`() throws {
        #expect(try Validation.name("Device name", "x") == "x")
        for name in [nil, "", "  "] {
            #expect(throws: APIError.invalid("Device name should be specified!")) {
                try Validation.name("Device name", name)
            }
        }
        #expect(throws: APIError.invalid("Device name should not contain 0x00 symbol!")) {
            try Validation.name("Device name", "a\u{0}b")
        }
    }

    // MARK: - Passwords

    @Test func `the default policy asks for six characters`() {
        let policy = PasswordPolicy()
        #expect(policy.violations(of: "abc") == ["Password must be 6 or more characters in length."])
        #expect(policy.violations(of: "secret").isEmpty)
        #expect(
            policy.violations(of: String(repeating: "x", count: 73))
                == ["Password must be no more than 72 characters in length."])
    }

    @Test func `a policy of the platform's settings is obeyed`() {
        let settings = SecuritySettings([
            "passwordPolicy": [
                "minimumLength": 3, "minimumUppercaseLetters": 1, "minimumLowercaseLetters": 1, "minimumDigits": 1,
                "minimumSpecialCharacters": 1, "allowWhitespaces": false,
            ],
            "maxFailedLoginAttempts": 5,
        ])
        let policy = settings.policy
        #expect(
            policy.violations(of: " x") == [
                "Password must be 3 or more characters in length.",
                "Password must contain 1 or more uppercase characters.",
                "Password must contain 1 or more digit characters.",
                "Password must contain 1 or more special characters.",
                "Password contains a whitespace character.",
            ])
        #expect(policy.violations(of: "aB1!").isEmpty)
        #expect(settings.maximumFailedLogins == 5)
        #expect(SecuritySettings([:]).maximumFailedLogins == nil)
    }

    // MARK: - Telemetry payloads

    private func error(timeseries body: String) -> String? {
        do throws(APIError) {
            try TelemetryPayload.timeseries(Array(body.utf8), now: 5).check()
            return nil
        } catch {
            return error.message
        }
    }

    @Test(arguments: [
        ("{}", "No time series data found in request body!"), ("[]", "No time series data found in request body!"),
        ("hello", #"Unable to parse time series payload. Invalid JSON body: Can't parse value: "hello""#),
        ("[1, 2]", "Unable to parse time series payload. Invalid JSON body: Can't parse value: 1"),
        ("5", "Unable to parse time series payload. Invalid JSON body: Can't parse value: 5"),
        (#"{"a":null}"#, "Unable to parse time series payload. Invalid JSON body: Can't parse value: null"),
        (#"{" ":1}"#, "Key cannot be blank"),
        (#"{"<b>":1}"#, "Validation error: key is malformed"),
        (#"{"a":"<script>x</script>"}"#, "Validation error: value is malformed"),
    ])
    func `wrong telemetry is explained`(_ body: String, _ message: String) {
        #expect(error(timeseries: body) == message)
    }

    @Test func `telemetry comes in all three forms`() throws {
        let payload = try TelemetryPayload.timeseries(
            Array(#"[{"a":1},{"ts":7,"values":{"b":"2.5"}},{}]"#.utf8), now: 5)
        #expect(payload.records.map(\.timestamp) == [5, 7])
        #expect(payload.arena.value(at: 1) == .double(2.5))
    }

    private func error(attributes body: String) -> String? {
        do throws(APIError) {
            try TelemetryPayload.attributes(Array(body.utf8)).check()
            return nil
        } catch {
            return error.message
        }
    }

    @Test(arguments: [
        ("[]", "Request is not a JSON object"), ("5", "Request is not a JSON object"), ("nope{", "Invalid JSON"),
        ("{}", "No attributes data found in request body!"),
        (#"{"a":null}"#, "No attributes data found in request body!"),
        (#"{"":1}"#, "Key cannot be blank"), (#"{"{{x}}":1}"#, "Validation error: key is malformed"),
    ])
    func `wrong attributes are explained`(_ body: String, _ message: String) {
        #expect(error(attributes: body) == message)
    }
}
