public import JSON
public import ScriptEngine
public import Telemetry

/// What a field knows of one entity: an entry for each argument, in their order (`rule-engine.md` 7.4).
public struct FieldState: Sendable {
    private let arguments: [FieldArgument]
    public private(set) var entries: [ArgumentEntry]

    /// Of arguments without values.
    ///
    /// - Parameter rollingLimit: Values of a rolling argument at most; no limit when 0 or less.
    public init(_ arguments: [FieldArgument], rollingLimit: Int64, now: Int64) {
        self.arguments = arguments
        let most = rollingLimit > 0 ? Int(clamping: rollingLimit) : Self.mostPoints
        entries = arguments.map { argument in
            guard case .rolling(let limit, let window) = argument.source else {
                return .single(SingleArgument(default: argument.defaultValue, now: now))
            }
            return .rolling(RollingArgument(limit: limit > 0 ? min(limit, most) : most, window: window))
        }
    }

    private static let mostPoints = 100_000

    /// Takes a value of an argument.
    ///
    /// - Returns: Whether it is new: a value older than the one that is known changes nothing.
    public mutating func update(_ index: Int, _ value: TelemetryValue, at time: Int64, now: Int64) -> Bool {
        switch entries[index] {
        case .single(let known):
            if !known.isDefault, time < known.time { return false }
            entries[index] = .single(SingleArgument(time: time, value: value))
        case .rolling(var known):
            known.add(value, at: time, now: now)
            entries[index] = .rolling(known)
        }
        return true
    }

    /// Forgets rolling values that are too old now.
    public mutating func expire(now: Int64) {
        for index in entries.indices {
            guard case .rolling(var rolling) = entries[index] else { continue }
            rolling.expire(now: now)
            entries[index] = .rolling(rolling)
        }
    }

    /// Names of arguments without any value.
    public var missing: [String] {
        zip(arguments, entries).compactMap { argument, entry in
            switch entry {
            case .single(let single): single.value == nil ? argument.name : nil
            case .rolling(let rolling): rolling.points.isEmpty ? argument.name : nil
            }
        }
    }

    /// The newest time of a value; of defaults only where there is nothing else. `nil` for none.
    public var latestTime: Int64? {
        let isDefaultOnly = entries.allSatisfy {
            if case .single(let single) = $0 { single.isDefault } else { false }
        }
        return entries.compactMap { entry in
            switch entry {
            case .single(let single): single.isDefault && !isDefaultOnly ? nil : single.time
            case .rolling(let rolling): rolling.points.last?.time
            }
        }.max()
    }

    /// Bytes that it takes, roughly.
    public var size: Int {
        var size = 0
        for (argument, entry) in zip(arguments, entries) {
            size += argument.name.utf8.count + 16
            switch entry {
            case .single(let single):
                switch single.value {
                case .string(let text), .json(let text): size += text.utf8.count
                default: size += 8
                }
            case .rolling(let rolling): size += rolling.points.count * 18
            }
        }
        return size
    }

    // MARK: - For formulas

    /// The values as numbers, in the order of the arguments.
    func numbers() throws(FieldCalculationError) -> [Double] {
        var numbers: [Double] = []
        for (argument, entry) in zip(arguments, entries) {
            let number: Double?
            switch entry {
            case .rolling: number = nil
            case .single(let single):
                switch single.value {
                case .long(let value): number = Double(value)
                case .double(let value): number = value
                case .boolean(let value): number = value ? 1 : 0
                case .string(let text), .json(let text): number = Double(text)
                case nil: number = nil
                }
            }
            guard let number else { throw FieldCalculationError("Argument '\(argument.name)' is not a number.") }
            numbers.append(number)
        }
        return numbers
    }

    /// What a script is given: `ctx`, and each argument.
    public func scriptArguments(now: Int64) -> [ScriptArgument] {
        var (members, values): ([ScriptMember], [ScriptArgument]) = ([], [])
        for (argument, entry) in zip(arguments, entries) {
            let (whole, value) = Self.scriptArguments(of: entry, now: now)
            members.append(ScriptMember(argument.name, whole))
            values.append(value)
        }
        let context = ScriptArgument.map([
            ScriptMember("args", .map(members)), ScriptMember("latestTs", .value(.integer(latestTime ?? now))),
        ])
        return [context] + values
    }

    private static func scriptArguments(
        of entry: ArgumentEntry, now: Int64
    ) -> (whole: ScriptArgument, value: ScriptArgument) {
        switch entry {
        case .single(let single):
            let whole: JSONValue = ["type": "SINGLE_VALUE", "ts": .integer(single.time), "value": single.json]
            return (.value(whole), .value(single.json))
        case .rolling(let rolling):
            let series = ScriptArgument.series(start: now - rolling.window, end: now, rolling.points)
            return (series, series)
        }
    }

    /// The arguments as events show them.
    public func document(now: Int64) -> JSONValue {
        var object = JSONObject()
        for (argument, entry) in zip(arguments, entries) {
            switch entry {
            case .single(let single):
                guard single.value != nil else { continue }
                object[argument.name] = ["type": "SINGLE_VALUE", "ts": .integer(single.time), "value": single.json]
            case .rolling(let rolling):
                guard !rolling.points.isEmpty else { continue }
                object[argument.name] = [
                    "type": "TS_ROLLING",
                    "timeWindow": ["startTs": .integer(now - rolling.window), "endTs": .integer(now)],
                    "values": .array(
                        rolling.points.map {
                            ["ts": .integer($0.time), "value": $0.value.isNaN ? .string("NaN") : .double($0.value)]
                        }),
                ]
            }
        }
        return .object(object)
    }
}

/// Why a field has no result.
public struct FieldCalculationError: Error, Sendable, Equatable {
    public var message: String

    public init(_ message: String) { self.message = message }
}
