import AlarmRules
public import JSON
public import ScriptEngine
import Telemetry

/// Evaluates the rules of an alarm field for one entity (`rule-engine.md` 7.2).
public struct AlarmEvaluation: Sendable {
    public enum Cause: Sendable {
        /// A value came.
        case event
        /// The field is new or has changed.
        case begin
        /// Time went by.
        case time
    }

    enum Verdict: Equatable {
        case isTrue
        case isFalse
        /// It may be in so many milliseconds; 0: by events alone.
        case notYet(Int64)
        /// Nothing new.
        case nothing
    }

    /// What is to be done.
    public struct Decision: Sendable, Equatable {
        /// Index of the rule in ``AlarmFieldRules/create`` that is true.
        public var raised: Int?
        public var isCleared = false
        /// Of the rule that is true, for messages.
        public var repeats: Int64?
        public var duration: Int64?
        /// After how many milliseconds time may change it.
        public var wait: Int64?
    }

    let rules: AlarmFieldRules
    let values: FieldState
    let cause: Cause
    let now: Int64
    /// Scripts of conditions, by their text.
    let scripts: [String: Script]

    public init(
        _ rules: AlarmFieldRules, _ values: FieldState, _ cause: Cause, now: Int64, scripts: [String: Script]
    ) {
        self.rules = rules
        self.values = values
        self.cause = cause
        self.now = now
        self.scripts = scripts
    }

    /// Decides, and moves the state of the rules on.
    ///
    /// - Parameter isActive: Whether there is an alarm that is not cleared.
    public func decide(_ state: inout AlarmFieldState, isActive: Bool) async throws(FieldCalculationError) -> Decision {
        var decision = Decision()
        for (index, rule) in rules.create.enumerated() {
            var own = state[rule.severity]
            let (verdict, duration) = try await evaluate(rule, &own)
            if verdict == .isFalse { own.reset() }
            state[rule.severity] = own
            if case .notYet(let left) = verdict, left > 0 { decision.wait = min(decision.wait ?? left, left) }
            guard verdict == .isTrue else { continue }
            decision.raised = index
            note(rule, own, duration, in: &decision)
            break
        }
        guard let clear = rules.clear else { return decision }
        var own = state[nil]
        if decision.raised != nil {
            own.reset()
        } else if isActive {
            let (verdict, duration) = try await evaluate(clear, &own)
            if case .notYet(let left) = verdict, left > 0 { decision.wait = min(decision.wait ?? left, left) }
            if verdict == .isTrue {
                decision.isCleared = true
                note(clear, own, duration, in: &decision)
            }
            if verdict == .isTrue || verdict == .isFalse { own.reset() }
        }
        state[nil] = own
        if decision.isCleared { state.reset() }
        return decision
    }

    private func note(
        _ rule: AlarmFieldRules.Rule, _ state: AlarmFieldState.Rule, _ duration: Int64, in decision: inout Decision
    ) {
        switch rule.condition {
        case .simple: break
        case .repeating: decision.repeats = state.events
        case .duration: decision.duration = duration
        }
    }

    // MARK: - One rule

    private func evaluate(
        _ rule: AlarmFieldRules.Rule, _ state: inout AlarmFieldState.Rule
    ) async throws(FieldCalculationError) -> (Verdict, duration: Int64) {
        let isActive = try isInForce(rule, at: cause == .event ? values.latestTime ?? now : now)
        let wasActive = state.isActive
        state.isActive = isActive
        if cause == .time { return try await evaluateAgain(rule, &state, isActive, wasActive) }
        guard isActive else { return (.isFalse, 0) }
        guard try await holds(rule.expression) else { return (.isFalse, 0) }
        switch rule.condition {
        case .simple: return (.isTrue, 0)
        case .repeating(let count):
            if cause == .event { state.events += 1 }
            let required = try number(count)
            return (required > 0 && state.events >= required ? .isTrue : .notYet(0), 0)
        case .duration(let unit, let value):
            if state.since <= 0 { state.since = values.latestTime ?? now }
            state.checked = now
            let required = unit.milliseconds(try number(value))
            // What begins in the future has no duration yet.
            guard required > 0, state.since > 0 else { return (.notYet(0), 0) }
            let elapsed = max(0, now - state.since)
            return elapsed >= required ? (.isTrue, elapsed) : (.notYet(required - elapsed), elapsed)
        }
    }

    /// When only time went by.
    private func evaluateAgain(
        _ rule: AlarmFieldRules.Rule, _ state: inout AlarmFieldState.Rule, _ isActive: Bool, _ wasActive: Bool?
    ) async throws(FieldCalculationError) -> (Verdict, duration: Int64) {
        guard case .duration(let unit, let value) = rule.condition else {
            guard isActive, (rule.schedule != nil && isActive != wasActive) || rule.asksForSilence else {
                return (.nothing, 0)
            }
            guard try await holds(rule.expression) else { return (.nothing, 0) }
            guard case .repeating(let count) = rule.condition else { return (.isTrue, 0) }
            let required = try number(count)
            return (required > 0 && state.events >= required ? .isTrue : .nothing, 0)
        }
        guard isActive else { return (.isFalse, 0) }
        let required = unit.milliseconds(try number(value))
        guard required > 0, state.since > 0, now > state.since else { return (.nothing, 0) }
        let before = state.checked - state.since
        state.checked = now
        let elapsed = now - state.since
        if elapsed < required { return (.notYet(required - elapsed), elapsed) }
        // It was true before.
        return before >= required ? (.nothing, elapsed) : (.isTrue, elapsed)
    }

    private func isInForce(_ rule: AlarmFieldRules.Rule, at time: Int64) throws(FieldCalculationError) -> Bool {
        do {
            switch rule.schedule {
            case nil: return true
            case .fixed(let schedule): return try schedule.isActive(at: time)
            case .argument(let index):
                guard let text = value(index)?.ruleText, let json = try? JSONValue.parse(text) else {
                    throw FieldCalculationError("Failed to parse alarm schedule")
                }
                return try AlarmSchedule(json).isActive(at: time)
            }
        } catch let error as AlarmRuleError {
            throw FieldCalculationError(error.message)
        } catch let error as FieldCalculationError {
            throw error
        } catch {
            throw FieldCalculationError("\(error)")
        }
    }

    private func holds(_ expression: AlarmFieldRules.Expression) async throws(FieldCalculationError) -> Bool {
        switch expression {
        case .script(let text):
            guard let script = scripts[text] else { throw FieldCalculationError("The condition was not compiled") }
            do throws(ScriptError) {
                let result = try await script.call(ScriptMessage(arguments: values.scriptArguments(now: now)))
                if let truth = result.boolValue { return truth }
                throw .runtime(
                    "Condition expression returned non-boolean value: '\(result.serializedString)'")
            } catch {
                throw FieldCalculationError(error.message)
            }
        case .filters(let filters, let isAny):
            do throws(AlarmRuleError) {
                for filter in filters where try holds(filter) == isAny { return isAny }
                return !isAny
            } catch {
                throw FieldCalculationError(error.message)
            }
        }
    }

    private func holds(_ filter: AlarmFieldRules.Filter) throws(AlarmRuleError) -> Bool {
        guard case .single(let single) = values.entries[filter.argument], let value = single.value else { return false }
        let resolver = Resolver(evaluation: self)
        for predicate in filter.predicates
        where try predicate.holds(for: value, age: now - single.time, resolver) == filter.isAny {
            return filter.isAny
        }
        return !filter.isAny
    }

    private func value(_ index: Int) -> TelemetryValue? {
        if case .single(let single) = values.entries[index] { single.value } else { nil }
    }

    private func number(_ operand: AlarmFieldRules.Operand) throws(FieldCalculationError) -> Int64 {
        do {
            return try Resolver(evaluation: self).resolve(operand) { $0.ruleInteger } ?? 0
        } catch {
            throw FieldCalculationError(error.message)
        }
    }

    private struct Resolver: OperandResolver {
        let evaluation: AlarmEvaluation

        func resolve<Value>(
            _ operand: AlarmFieldRules.Operand, _ convert: (TelemetryValue) -> Value?
        ) throws(AlarmRuleError) -> Value? {
            switch operand {
            case .constant(let value): return convert(value)
            case .argument(let index):
                guard let value = evaluation.value(index).flatMap(convert) else {
                    throw AlarmRuleError("No proper value found for an argument")
                }
                return value
            }
        }
    }
}

extension AlarmFieldRules {
    /// The details of an alarm: the rule's text with values in it, and its dashboard; `nil`: those that it has stay.
    public func details(of rule: Rule, _ values: FieldState, _ arguments: [FieldArgument]) -> JSONValue? {
        var object = JSONObject()
        if var text = rule.details, !text.isEmpty {
            for (argument, entry) in zip(arguments, values.entries) {
                guard case .single(let single) = entry else { continue }
                text = text.replacing("${\(argument.name)}", with: single.value?.ruleText ?? "null")
            }
            object["data"] = .string(text)
        }
        if let dashboard = rule.dashboard { object["dashboardId"] = .string(dashboard) }
        return object.isEmpty ? nil : .object(object)
    }
}
