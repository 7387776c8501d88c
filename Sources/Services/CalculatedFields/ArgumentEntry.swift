public import ScriptEngine
public import Telemetry
import JSON

/// What a field knows of one argument.
public enum ArgumentEntry: Sendable, Equatable {
    case single(SingleArgument)
    case rolling(RollingArgument)
}

/// The value of an argument that has one.
public struct SingleArgument: Sendable, Equatable {
    /// Milliseconds since 1970.
    public var time: Int64
    /// `nil` when there is none.
    public var value: TelemetryValue?
    /// Whether it is the argument's default.
    public var isDefault: Bool

    public init(time: Int64, value: TelemetryValue?, isDefault: Bool = false) {
        self.time = time
        self.value = value
        self.isDefault = isDefault
    }

    /// What stands for a value that is not there: a number or a boolean where the text is one.
    init(default text: String?, now: Int64) {
        guard let text, !text.allSatisfy(\.isWhitespace) else {
            self.init(time: now, value: nil, isDefault: true)
            return
        }
        let value: TelemetryValue
        if let number = Double(text), number.isFinite, text.utf8.allSatisfy({ $0 < 0x3A }) {
            value = .double(number)
        } else if text.lowercased() == "true" || text.lowercased() == "false" {
            value = .boolean(text.lowercased() == "true")
        } else {
            value = .string(text)
        }
        self.init(time: now, value: value, isDefault: true)
    }

    var json: JSONValue { value.map(JSONValue.init(telemetry:)) ?? .null }
}

/// The values of a rolling argument, oldest first: at most ``limit``, and none older than ``window``.
public struct RollingArgument: Sendable, Equatable {
    public let limit: Int
    /// Milliseconds.
    public let window: Int64
    public private(set) var points: [ScriptPoint] = []

    public init(limit: Int, window: Int64) {
        self.limit = limit
        self.window = window
    }

    /// Adds a value; one of the same time is replaced. What is no number is none.
    public mutating func add(_ value: TelemetryValue, at time: Int64, now: Int64) {
        let number: Double =
            switch value {
            case .long(let value): Double(value)
            case .double(let value): value
            case .boolean(let value): value ? 1 : 0
            case .string(let text), .json(let text): Double(text) ?? .nan
            }
        let place = points.lastIndex { $0.time <= time }
        if let place, points[place].time == time {
            points[place].value = number
        } else {
            points.insert(ScriptPoint(time: time, value: number), at: place.map { $0 + 1 } ?? 0)
        }
        expire(now: now)
    }

    mutating func expire(now: Int64) {
        if points.count > limit { points.removeFirst(points.count - limit) }
        let start = now - window
        guard let first = points.first, first.time < start else { return }
        points.removeFirst(points.firstIndex { $0.time >= start } ?? points.count)
    }
}

extension JSONValue {
    /// A value as scripts see it: JSON as what it is.
    init(telemetry value: TelemetryValue) {
        switch value {
        case .boolean(let flag): self = .bool(flag)
        case .long(let number): self = .integer(number)
        case .double(let number): self = .double(number)
        case .string(let text): self = .string(text)
        case .json(let text): self = (try? JSONValue.parse(text)) ?? .string(text)
        }
    }
}
