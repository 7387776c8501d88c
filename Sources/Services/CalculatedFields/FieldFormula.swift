public import JSON
public import Model
public import ScriptEngine

/// The formula of a field, ready to be computed. Safe from any thread.
public enum FieldFormula: Sendable {
    case simple(ArithmeticExpression, usesLatestTime: Bool, FieldOutput)
    case script(Script, FieldOutput)
    /// With the scripts of its conditions, by their text.
    case alarm(AlarmFieldRules, [String: Script])

    /// Compiles the formula of a configuration.
    public init(
        _ configuration: FieldConfiguration, tenant: TenantID, _ engine: ScriptEngine
    ) async throws(FieldCalculationError) {
        let names = configuration.arguments.map(\.name)
        switch configuration.formula {
        case .simple(let text, let usesLatestTime, let output):
            do {
                self = .simple(
                    try ArithmeticExpression(text, variables: names), usesLatestTime: usesLatestTime, output)
            } catch {
                throw FieldCalculationError(
                    "Failed to initialize CF context. The expression has invalid syntax or unknown variables. "
                        + "Ensure all mathematical operators are correct. \(error.message)")
            }
        case .alarm(let rules):
            var scripts: [String: Script] = [:]
            for rule in rules.all {
                guard case .script(let body) = rule.expression, scripts[body] == nil else { continue }
                do {
                    scripts[body] = try await engine.prepare(.field(body, names, tenant), .tbel)
                } catch {
                    throw FieldCalculationError(
                        "Failed to initialize CF context. The script expression is invalid. Please check for syntax "
                            + "errors or unsupported functions. \(error.message)")
                }
            }
            self = .alarm(rules, scripts)
        case .script(let body, let output):
            do {
                self = .script(try await engine.prepare(.field(body, names, tenant), .tbel), output)
            } catch {
                throw FieldCalculationError(
                    "Failed to initialize CF context. The script expression is invalid. Please check for syntax errors "
                        + "or unsupported functions. \(error.message)")
            }
        }
    }

    /// Computes it.
    ///
    /// - Returns: The values of a message or a save: an object of values, one with a time, or what a script makes of it.
    public func result(of state: FieldState, now: Int64) async throws(FieldCalculationError) -> JSONValue {
        switch self {
        case .simple(let expression, let usesLatestTime, let output):
            let result: Double
            do {
                result = try expression.evaluate(try state.numbers())
            } catch let error as ArithmeticError {
                throw FieldCalculationError(error.message)
            } catch let error as FieldCalculationError {
                throw error
            } catch {
                throw FieldCalculationError("\(error)")
            }
            let values: JSONValue = .object([output.name: try Self.rounded(result, output.decimals)])
            guard usesLatestTime, output.target == .timeSeries, let time = state.latestTime else { return values }
            return ["ts": .integer(time), "values": values]
        case .alarm: throw FieldCalculationError("Alarm rules have no result")
        case .script(let script, _):
            do {
                return try await script.call(ScriptMessage(arguments: state.scriptArguments(now: now)))
            } catch {
                throw FieldCalculationError(error.message)
            }
        }
    }

    /// How many scripts run for one event at most.
    public var scripts: Int {
        switch self {
        case .simple: 0
        case .script: 1
        case .alarm(_, let scripts): scripts.count
        }
    }

    /// Without decimals an integer.
    static func rounded(_ value: Double, _ decimals: Int?) throws(FieldCalculationError) -> JSONValue {
        guard value.isFinite else { throw FieldCalculationError("The result is not a number: \(value)") }
        switch decimals {
        case nil: return .double(value)
        case 0?:
            // Halves go up, as Java rounds.
            let whole = (value + 0.5).rounded(.down)
            return .integer(Int64(exactly: whole) ?? (whole < 0 ? .min : .max))
        case let places?: return .double(DecimalRounding.round(value, places: places))
        }
    }
}

extension ScriptSource {
    /// A script of a field: it is given `ctx`, and its arguments by name.
    public static func field(_ body: String, _ arguments: [String], _ tenant: TenantID) -> ScriptSource {
        ScriptSource(tenant: tenant, body: body, ownArguments: ["ctx"] + arguments)
    }
}
