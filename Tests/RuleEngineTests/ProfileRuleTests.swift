import AlarmRules
import JSON
import Model
import Storage
import Telemetry
import Testing

@testable import RuleEngine

@Suite("Alarm rules of device profiles")
struct ProfileRuleTests {
    private static let now: Int64 = 1_800_000_000_000
    private static let temperature = RuleKey(.timeSeries, "temperature")

    private static func hot(_ spec: String, value: String = #"{"defaultValue":30}"#) -> String {
        """
        {"condition":{"condition":[{"key":{"type":"TIME_SERIES","key":"temperature"},"valueType":"NUMERIC",
          "predicate":{"type":"NUMERIC","operation":"GREATER","value":\(value)}}],"spec":\(spec)}}
        """
    }

    private static let simple = hot(#"{"type":"SIMPLE"}"#)
    private static let duration = hot(#"{"type":"DURATION","unit":"SECONDS","predicate":{"defaultValue":10}}"#)

    private func device(create: [String: String], clear: String? = nil) throws -> DeviceAlarms {
        let rules = create.map { "\"\($0)\":\($1)" }.joined(separator: ",")
        let text = """
            {"alarms":[{"id":"a1","alarmType":"Hot","createRules":{\(rules)},"clearRule":\(clear ?? "null")}]}
            """
        return DeviceAlarms(
            device: DeviceID(.random()), profileID: DeviceProfileID(.random()),
            profile: try ProfileAlarms(try JSONValue.parse(text)), ownership: 0, customer: nil)
    }

    private func place(_ action: DeviceAlarms.Action?) -> Int? {
        if case .raise(_, let rule) = action { rule } else { nil }
    }

    private func feed(_ device: DeviceAlarms, _ value: TelemetryValue, at time: Int64) throws -> DeviceAlarms.Action? {
        let changed = device.take([(Self.temperature, value)], at: time)
        return changed.isEmpty ? nil : try device.evaluate(0, .changed(changed), now: Self.now)
    }

    @Test func `rules are looked at from the worst severity on`() throws {
        let device = try device(create: ["WARNING": Self.simple, "CRITICAL": Self.simple, "MINOR": Self.simple])
        #expect(device.profile.alarms[0].createRules.map(\.severity) == [.critical, .minor, .warning])
        #expect(place(try feed(device, .long(31), at: 1)) == 0)
    }

    @Test func `what did not change is no event`() throws {
        let device = try device(create: ["MAJOR": Self.simple])
        #expect(place(try feed(device, .long(31), at: 5)) == 0)
        #expect(try feed(device, .long(31), at: 5) == nil)
        #expect(place(try feed(device, .long(31), at: 6)) == 0)
        #expect(device.take([(RuleKey(.timeSeries, "humidity"), .long(1))], at: 7).isEmpty)
    }

    @Test func `a duration is looked at when time passes, too`() throws {
        let device = try device(create: ["MAJOR": Self.duration])
        #expect(!device.waitsForTime)
        #expect(try feed(device, .long(31), at: 1_000) == nil)
        #expect(device.waitsForTime)
        #expect(try device.evaluate(0, .time(11_000), now: Self.now) == nil)
        #expect(place(try device.evaluate(0, .time(11_001), now: Self.now)) == 0)
        // A value that is not met ends it.
        #expect(try feed(device, .long(29), at: 12_000) == nil)
        #expect(!device.waitsForTime)
        #expect(try device.evaluate(0, .time(100_000), now: Self.now) == nil)
    }

    @Test func `older data do not count for a duration`() throws {
        let device = try device(create: ["MAJOR": Self.duration])
        #expect(try feed(device, .long(31), at: 20_000) == nil)
        #expect(try feed(device, .long(32), at: 5_000) == nil)
        #expect(device.progress[0].create[0] == RuleCounters(lastEventTs: 20_000, duration: 0))
    }

    @Test func `an alarm that is active is cleared where no rule raises it`() throws {
        let clear = Self.simple.replacing("GREATER", with: "LESS")
        let device = try device(create: ["MAJOR": Self.simple], clear: clear)
        #expect(try feed(device, .long(5), at: 1) == nil)
        let alarm = AlarmID(.random())
        device.progress[0].active = (alarm, .major)
        guard case .clear(alarm: 0) = try feed(device, .long(5), at: 2) else {
            Issue.record("the alarm is not cleared")
            return
        }
        device.forget(cleared: alarm)
        #expect(device.progress[0].active == nil)
    }

    @Test func `how far rules have come is stored and restored`() throws {
        let rules = [
            "MAJOR": Self.duration, "MINOR": Self.hot(#"{"type":"REPEATING","predicate":{"defaultValue":9}}"#),
        ]
        let first = try device(create: rules)
        _ = try feed(first, .long(31), at: 1_000)
        _ = try feed(first, .long(31), at: 3_000)
        let state = try #require(first.stored["alarmStates"]?["a1"])
        #expect(state["createRuleStates"]?["MAJOR"] == ["lastEventTs": 3000, "duration": 2000, "eventCount": 0])
        #expect(state["createRuleStates"]?["MINOR"] == ["lastEventTs": 0, "duration": 0, "eventCount": 2])
        #expect(state["clearRuleState"] == .null)
        let second = try device(create: rules)
        second.restore(first.stored)
        #expect(second.progress[0].create == first.progress[0].create)
    }

    @Test func `the number of a condition may be an attribute, which must be a number`() throws {
        let dynamic = """
            {"type":"REPEATING","predicate":{"defaultValue":5,
              "dynamicValue":{"sourceType":"CURRENT_DEVICE","sourceAttribute":"times"}}}
            """
        let device = try device(create: ["MAJOR": Self.hot(dynamic)])
        _ = device.take([(RuleKey(.attribute, "times"), .string("2"))], at: 1)
        #expect(try feed(device, .long(31), at: 2) == nil)
        #expect(place(try feed(device, .long(31), at: 3)) == 0)
        _ = device.take([(RuleKey(.attribute, "times"), .string("often"))], at: 4)
        let error = AlarmRuleError("Could not convert attribute 'times' with value 'often' to numeric value!")
        #expect(throws: error) { try feed(device, .long(31), at: 5) }
    }

    @Test func `an attribute that a device lacks may be its customer's or its tenant's`() throws {
        func device(_ source: String, inherits: Bool) throws -> DeviceAlarms {
            let value = """
                {"defaultValue":100,"dynamicValue":{"sourceType":"\(source)","sourceAttribute":"limit","inherit":\(inherits)}}
                """
            let device = try self.device(create: ["MAJOR": Self.hot(#"{"type":"SIMPLE"}"#, value: value)])
            device.values.tenant = ["limit": .long(30)]
            return device
        }
        #expect(place(try feed(try device("CURRENT_TENANT", inherits: false), .long(31), at: 1)) == 0)
        #expect(place(try feed(try device("CURRENT_CUSTOMER", inherits: true), .long(31), at: 1)) == 0)
        #expect(place(try feed(try device("CURRENT_DEVICE", inherits: true), .long(31), at: 1)) == 0)
        #expect(try feed(try device("CURRENT_CUSTOMER", inherits: false), .long(31), at: 1) == nil)
        #expect(try feed(try device("CURRENT_DEVICE", inherits: false), .long(31), at: 1) == nil)
        let own = try device("CURRENT_DEVICE", inherits: true)
        _ = own.take([(RuleKey(.attribute, "limit"), .long(40))], at: 1)
        #expect(try feed(own, .long(31), at: 2) == nil)
    }

    @Test func `constants are compared with dynamic values only`() throws {
        let rule = """
            {"condition":{"condition":[{"key":{"type":"CONSTANT","key":"limit"},"valueType":"NUMERIC","value":7,
              "predicate":{"type":"NUMERIC","operation":"LESS","value":{"defaultValue":100,
                "dynamicValue":{"sourceType":"CURRENT_DEVICE","sourceAttribute":"level"}}}}]}}
            """
        let device = try device(create: ["MAJOR": rule])
        let attribute = RuleKey(.attribute, "level")
        #expect(try device.evaluate(0, .changed([attribute]), now: Self.now) == nil)
        let changed = device.take([(attribute, .long(8))], at: 1)
        #expect(place(try device.evaluate(0, .changed(changed), now: Self.now)) == 0)
    }

    @Test(arguments: [
        #"{"alarms":[{"createRules":{"MAJOR":{"condition":{"condition":[{"key":{"type":"X"}}]}}}}]}"#,
        #"{"alarms":[{"clearRule":{"condition":{"condition":[],"spec":{"type":"DURATION"}}}}]}"#,
        #"{"alarms":[{"clearRule":{"condition":{"condition":[],"spec":{"type":"SOMETIMES"}}}}]}"#,
    ])
    func `rules that cannot be read are told`(text: String) throws {
        let json = try JSONValue.parse(text)
        #expect(throws: AlarmRuleError.self) { try ProfileAlarms(json) }
    }
}
