public import JSON
public import ScriptEngine

/// The arguments with which a script is tried (`rest-api.md` 4.20, testScript): `{name: {type, ts, value}}`, or
/// `{type: TS_ROLLING, timeWindow, values}`.
public struct FieldScriptTest: Sendable {
    public let names: [String]
    /// For a call: `ctx` and the arguments.
    public let arguments: [ScriptArgument]

    private static let maximumPoints = 100_000

    public init(_ document: JSONValue?, now: Int64) throws(FieldError) {
        var names: [String] = []
        var (members, values): ([ScriptMember], [ScriptArgument]) = ([], [])
        var latest: Int64?
        let given = document == nil || document == .null ? nil : try FieldReader(document, "arguments")
        for (name, _) in given?.members ?? JSONObject() {
            guard let argument = try given?.object(name) else { continue }
            names.append(name)
            switch try argument.text("type") {
            case "SINGLE_VALUE":
                let time = try argument.integer("ts") ?? 0
                latest = max(latest ?? time, time)
                let value = argument.value("value") ?? .null
                members.append(
                    ScriptMember(
                        name, .value(["type": "SINGLE_VALUE", "ts": .integer(time), "value": value])))
                values.append(.value(value))
            case "TS_ROLLING":
                let series = try Self.series(argument)
                if case .series(_, _, let points) = series, let time = points.map(\.time).max() {
                    latest = max(latest ?? time, time)
                }
                members.append(ScriptMember(name, series))
                values.append(series)
            case let type:
                throw .malformed("unknown type '\(type ?? "null")' in 'arguments.\(name)'")
            }
        }
        self.names = names
        arguments =
            [
                .map([
                    ScriptMember("args", .map(members)), ScriptMember("latestTs", .value(.integer(latest ?? now))),
                ])
            ] + values
    }

    private static func series(_ argument: FieldReader) throws(FieldError) -> ScriptArgument {
        var points: [ScriptPoint] = []
        let values = try argument.elements("values") ?? []
        guard values.count <= maximumPoints else { throw .malformed("too many values in '\(argument.path)'") }
        for value in values {
            let point = try FieldReader(value, argument.path + ".values")
            let number = point.value("value")
            points.append(
                ScriptPoint(
                    time: try point.integer("ts") ?? 0,
                    value: number?.doubleValue ?? number?.stringValue.flatMap(Double.init) ?? .nan))
        }
        let window = try argument.object("timeWindow")
        return .series(
            start: try window?.integer("startTs") ?? 0, end: try window?.integer("endTs") ?? 0, points)
    }
}
