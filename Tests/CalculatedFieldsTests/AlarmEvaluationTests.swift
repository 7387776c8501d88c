@testable import CalculatedFields
import AlarmRules
import JSON
import Model
import ScriptEngine
import Telemetry
import Testing

/// Alarm rules (`rule-engine.md` 7.2), values in, decisions out.
@Suite struct AlarmEvaluationTests {
    private static let above50 = condition(#""type":"SIMPLE""#, 50)
    private static let above30 = condition(#""type":"SIMPLE""#, 30)

    /// `t` above a number.
    private static func condition(_ members: String, _ limit: Int, more: String = "") -> String {
        """
        {\(members), "expression": {"type": "SIMPLE", "operation": "AND", "filters": [{"argument": "t",
          "valueType": "NUMERIC", "operation": "AND", "predicates": [
            {"type": "NUMERIC", "operation": "GREATER", "value": {"staticValue": \(limit)}}]}]}\(more)}
        """
    }

    private static func rules(_ create: [String: String], clear: String? = nil) throws -> FieldConfiguration {
        let rules = create.map { "\"\($0)\": {\"condition\": \($1), \"alarmDetails\": \"t is ${t}\"}" }
        let clear = clear.map { "{\"condition\": \($0)}" } ?? "null"
        return try FieldConfiguration(
            try JSONValue.parse(
                """
                {"type": "ALARM", "arguments": {
                    "n": {"refEntityKey": {"key": "n", "type": "TS_LATEST"}, "defaultValue": "3"},
                    "t": {"refEntityKey": {"key": "t", "type": "TS_LATEST"}}},
                 "createRules": {\(rules.joined(separator: ","))}, "clearRule": \(clear)}
                """), type: .alarm)
    }

    /// One entity over time.
    private struct Entity {
        let rules: AlarmFieldRules
        var values: FieldState
        var state = AlarmFieldState()
        var isActive = false

        init(_ configuration: FieldConfiguration) throws {
            guard case .alarm(let rules) = configuration.formula else { throw FieldError.invalid("no rules") }
            self.rules = rules
            values = FieldState(configuration.arguments, rollingLimit: 0, now: 0)
        }

        mutating func event(_ t: Int64, at time: Int64) async throws -> AlarmEvaluation.Decision {
            _ = values.update(1, .long(t), at: time, now: time)
            return try await decide(.event, time)
        }

        mutating func decide(_ cause: AlarmEvaluation.Cause, _ now: Int64) async throws -> AlarmEvaluation.Decision {
            let decision = try await AlarmEvaluation(rules, values, cause, now: now, scripts: [:])
                .decide(&state, isActive: isActive)
            if decision.raised != nil { isActive = true }
            if decision.isCleared { isActive = false }
            return decision
        }
    }

    @Test func theMostSevereRuleThatIsTrueWins() async throws {
        var entity = try Entity(try Self.rules(["MAJOR": Self.above30, "CRITICAL": Self.above50]))
        #expect(entity.rules.create.map(\.severity) == ["CRITICAL", "MAJOR"])
        let (low, high, none) = (
            try await entity.event(35, at: 1), try await entity.event(60, at: 2), try await entity.event(10, at: 3)
        )
        #expect(low.raised == 1)
        #expect(high.raised == 0)
        #expect(none.raised == nil && !none.isCleared)
    }

    @Test func theClearRuleIsAskedWhileAnAlarmIsActive() async throws {
        let below = Self.above30.replacing("GREATER", with: "LESS")
        var entity = try Entity(try Self.rules(["MAJOR": Self.above50], clear: below))
        let before = try await entity.event(10, at: 1)
        #expect(!before.isCleared)
        let raised = try await entity.event(60, at: 2)
        let between = try await entity.event(40, at: 3)
        let cleared = try await entity.event(10, at: 4)
        #expect(raised.raised == 0 && !between.isCleared && cleared.isCleared)
    }

    @Test func repeatingConditionsCountEventsInARow() async throws {
        let condition = Self.condition(#""type":"REPEATING","count":{"staticValue":3}"#, 50)
        var entity = try Entity(try Self.rules(["MAJOR": condition]))
        var raised: [Bool] = []
        for (time, value) in [60, 60, 10, 60, 60, 60, 60].enumerated() {
            raised.append(try await entity.event(Int64(value), at: Int64(time + 1)).raised != nil)
        }
        #expect(raised == [false, false, false, false, false, true, true])
        // Time counts nothing.
        let later = try await entity.decide(.time, 100)
        #expect(later.raised == nil)
    }

    @Test func theCountMayBeAnArgument() async throws {
        let condition = Self.condition(#""type":"REPEATING","count":{"dynamicValueArgument":"n"}"#, 50)
        var entity = try Entity(try Self.rules(["MAJOR": condition]))
        var last: AlarmEvaluation.Decision?
        for time in 1...3 { last = try await entity.event(60, at: Int64(time)) }
        #expect(last?.raised == 0 && last?.repeats == 3)
    }

    @Test func aDurationGoesOnWithoutEvents() async throws {
        let condition = Self.condition(#""type":"DURATION","unit":"SECONDS","value":{"staticValue":10}"#, 50)
        var entity = try Entity(try Self.rules(["MAJOR": condition]))
        let first = try await entity.event(60, at: 1_000)
        #expect(first.raised == nil && first.wait == 10_000)
        let early = try await entity.decide(.time, 6_000)
        #expect(early.raised == nil && early.wait == 5_000)
        let due = try await entity.decide(.time, 11_000)
        #expect(due.raised == 0 && due.duration == 10_000)
        let again = try await entity.decide(.time, 12_000)
        #expect(again.raised == nil)
        let event = try await entity.event(70, at: 13_000)
        #expect(event.raised == 0)
    }

    @Test func aFalseEventEndsADuration() async throws {
        let condition = Self.condition(#""type":"DURATION","unit":"SECONDS","value":{"staticValue":10}"#, 50)
        var entity = try Entity(try Self.rules(["MAJOR": condition]))
        _ = try await entity.event(60, at: 1_000)
        _ = try await entity.event(10, at: 5_000)
        let late = try await entity.decide(.time, 20_000)
        #expect(late.raised == nil)
        let anew = try await entity.event(60, at: 21_000)
        #expect(anew.wait == 10_000)
    }

    @Test func aScheduleRestsTheRule() async throws {
        // 1970-01-01 was a Thursday.
        let schedule =
            #","schedule":{"staticValue":{"type":"SPECIFIC_TIME","timezone":"UTC","daysOfWeek":[4],"startsOn":1000,"endsOn":5000}}"#
        var entity = try Entity(
            try Self.rules(["MAJOR": Self.condition(#""type":"SIMPLE""#, 50, more: schedule)]))
        #expect(entity.rules.create[0].isTimed && entity.rules.create[0].hasState)
        let before = try await entity.event(60, at: 500)
        #expect(before.raised == nil)
        // It comes into force while the value is still there.
        let into = try await entity.decide(.time, 1_500)
        #expect(into.raised == 0)
    }

    @Test func silenceIsNoticedByTime() async throws {
        let condition = """
            {"type": "SIMPLE", "expression": {"type": "SIMPLE", "filters": [{"argument": "t", "valueType": "NUMERIC",
              "predicates": [{"type": "NO_DATA", "unit": "SECONDS", "duration": {"staticValue": 30}}]}]}}
            """
        var entity = try Entity(try Self.rules(["MAJOR": condition]))
        let first = try await entity.event(1, at: 1_000)
        let early = try await entity.decide(.time, 20_000)
        let late = try await entity.decide(.time, 31_000)
        #expect(first.raised == nil && early.raised == nil && late.raised == 0)
    }

    @Test func detailsHaveValuesInThem() throws {
        let configuration = try Self.rules(["MAJOR": Self.above50])
        guard case .alarm(let rules) = configuration.formula else { return }
        var values = FieldState(configuration.arguments, rollingLimit: 0, now: 0)
        _ = values.update(1, .double(60.5), at: 1, now: 1)
        #expect(rules.details(of: rules.create[0], values, configuration.arguments) == ["data": "t is 60.5"])
    }

    @Test func statesAreKeptAsText() throws {
        var state = AlarmFieldState()
        state.alarm = "784f394c-42b6-435a-983c-b7beff2784f9"
        state["MAJOR"].events = 3
        state[nil].since = 5
        state[nil].isActive = true
        #expect(AlarmFieldState(state.document) == state)
        state.reset()
        #expect(state["MAJOR"].events == 0 && state.alarm == nil)
    }

    @Test(arguments: [
        (
            #"{"type":"ALARM","arguments":{"t":{"refEntityKey":{"key":"t","type":"TS_LATEST"}}}}"#,
            "createRules must not be empty"
        ),
        (
            #"{"type":"ALARM","arguments":{"t":{"refEntityKey":{"key":"t","type":"TS_LATEST"}}},"createRules":{"MAJOR":{}}}"#,
            "condition must not be null"
        ),
        (#"{"type":"ALARM","createRules":{"MAJOR":{}}}"#, "arguments must not be empty"),
    ])
    func whatIsMissingIsRefused(_ text: String, _ message: String) {
        #expect(throws: FieldError.violations([message])) {
            try FieldConfiguration(try JSONValue.parse(text), type: .alarm)
        }
    }

    @Test func argumentsThatAreNotThereAreRefused() {
        let condition = Self.condition(#""type":"REPEATING","count":{"dynamicValueArgument":"other"}"#, 50)
        #expect(throws: FieldError.invalid("Argument 'other' is missing")) { try Self.rules(["MAJOR": condition]) }
    }
}
