public import JSON

/// What a script is given as an argument.
public enum TBELArgument: Sendable, Equatable {
    case value(JSONValue)
    /// Values of a time window, oldest first: scripts read `values` and `timeWindow`, go through it with `foreach`, and ask
    /// it for `mean()`, `max()` and so on (`rule-engine.md` 7.4, rolling arguments).
    case series(start: Int64, end: Int64, [TBELPoint])
    /// A map of arguments.
    case map([TBELMember])
}

/// A number and its time, in milliseconds since 1970.
public struct TBELPoint: Sendable, Equatable {
    public var time: Int64
    /// Not a number where the value was none.
    public var value: Double

    public init(time: Int64, value: Double) {
        self.time = time
        self.value = value
    }
}

/// One entry of a map of arguments.
public struct TBELMember: Sendable, Equatable {
    public var key: String
    public var value: TBELArgument

    public init(_ key: String, _ value: TBELArgument) {
        self.key = key
        self.value = value
    }
}

extension Value {
    init(_ argument: TBELArgument, _ machine: Machine) throws(TBELError) {
        switch argument {
        case .value(let json): self = try Value(json, machine)
        case .map(let members):
            let map = try MapObject(machine)
            for member in members { try map.put(.text(member.key), try Value(member.value, machine)) }
            self = .map(map)
        case .series(let start, let end, let points):
            try machine.reserve(points.count, of: 160)
            var values: [Value] = []
            values.reserveCapacity(points.count)
            for point in points {
                let map = try MapObject(machine)
                try map.put(.text("ts"), .long(point.time))
                try map.put(.text("value"), .double(point.value))
                values.append(.map(map))
            }
            self = .map(try SeriesMethods.series(.values, start: start, end: end, values, machine))
        }
    }
}
