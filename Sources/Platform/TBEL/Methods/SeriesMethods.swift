/// Methods of rolling arguments, and of what `merge` makes of several (`rule-engine.md` 7.4).
///
/// A series is a map of `timeWindow` and `values` that knows what it is.
enum SeriesMethods {
    /// - Returns: `nil` for what a series shares with other maps, or does not have.
    static func call(
        _ map: MapObject, _ kind: MapObject.Series, _ method: MethodName, _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value? {
        let items = items(of: map)
        try machine.steps(items.count)
        switch (method, arguments.count) {
        case (.size, 0), (.getSize, 0): return Value(items.count)
        case (.values, 0), (.getValues, 0), (.getValue, 0): return map.get("values")
        case (.getTimeWindow, 0): return map.get("timeWindow")
        case (.merge, 1...2) where kind == .values: return try merged(map, [arguments[0]], arguments, machine)
        case (.mergeAll, 1...2) where kind == .values:
            return try merged(map, try arguments[0].collectionArgument(), arguments, machine)
        default: break
        }
        guard kind == .values, arguments.count <= 1 else { return nil }
        let numbers = Numbers(items.map(number), ignoresNaN: try arguments.flag(0, true))
        switch method {
        case .count: return Value(numbers.count)
        case .max: return .double(try numbers.maximum())
        case .min: return .double(try numbers.minimum())
        case .sum: return .double(try numbers.sum())
        case .avg, .mean: return .double(try numbers.mean())
        case .std: return .double(try numbers.deviation())
        case .median: return .double(try numbers.median())
        case .first: return .double(try numbers.first())
        case .last: return .double(try numbers.last())
        default: return nil
        }
    }

    /// `v1` to `v5` of what was merged.
    static func part(_ map: MapObject, _ name: String) throws(TBELError) -> Value? {
        guard name.utf8.count == 2, name.hasPrefix("v"), let digit = name.utf8.last, (0x31...0x35).contains(digit)
        else {
            return nil
        }
        let index = Int(digit - 0x31)
        guard case .list(let list) = map.get("values") else { return nil }
        guard index < list.count else {
            throw .runtime("Can't get value at index \(index). There are \(list.count) values present.")
        }
        return list[index]
    }

    static func items(of map: MapObject) -> [Value] {
        if case .list(let list) = map.get("values") { list.values } else { [] }
    }

    static func series(
        _ kind: MapObject.Series, start: Int64, end: Int64, _ items: [Value], _ machine: Machine
    ) throws(TBELError) -> MapObject {
        let window = try MapObject(machine)
        try window.put(.text("startTs"), .long(start))
        try window.put(.text("endTs"), .long(end))
        let list = try ListObject(items, machine)
        list.makeReadOnly()
        let map = try MapObject(machine)
        try map.put(.text("timeWindow"), .map(window))
        try map.put(.text("values"), .list(list))
        map.makeReadOnly()
        map.series = kind
        return map
    }

    private static func number(_ item: Value) -> Double {
        guard case .map(let map) = item, let number = Number(map.get("value")) else { return .nan }
        return number.double
    }

    private static func time(_ item: Value) -> Int64 {
        guard case .map(let map) = item else { return 0 }
        switch map.get("ts") {
        case .int(let time): return Int64(time)
        case .long(let time): return time
        default: return 0
        }
    }

    private static func bounds(_ window: Value) throws(TBELError) -> (start: Int64, end: Int64) {
        guard case .map(let map) = window else { throw .runtime("A timeWindow with startTs and endTs is expected") }
        return (try map.get("startTs").longArgument(), try map.get("endTs").longArgument())
    }

    /// At each time of any of them the values that all have then: the last ones.
    private static func merged(
        _ map: MapObject, _ others: [Value], _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value {
        var sources = [map]
        for other in others {
            guard case .map(let other) = other, other.series == .values else {
                throw .runtime("A rolling argument is expected")
            }
            sources.append(other)
        }
        var skipsNaN = true
        var window: (start: Int64, end: Int64)?
        if arguments.count == 2, case .map(let settings) = arguments[1] {
            if settings.contains(.text("ignoreNaN")) { skipsNaN = try settings.get("ignoreNaN").boolArgument() }
            if settings.contains(.text("timeWindow")) { window = try bounds(settings.get("timeWindow")) }
        }
        var events: [(time: Int64, source: Int, value: Double)] = []
        var (start, end) = (Int64.max, Int64.min)
        for (index, source) in sources.enumerated() {
            for item in items(of: source) { events.append((time(item), index, number(item))) }
            let own = try bounds(source.get("timeWindow"))
            (start, end) = (min(start, own.start), max(end, own.end))
        }
        try machine.steps(events.count * 16)
        events.sort { $0.time < $1.time }
        var latest = [Double](repeating: .nan, count: sources.count)
        var data: [Value] = []
        for (place, event) in events.enumerated() {
            latest[event.source] = event.value
            let isLastOfItsTime = place + 1 == events.count || events[place + 1].time > event.time
            guard isLastOfItsTime, window.map({ event.time >= $0.start && event.time < $0.end }) ?? true,
                !skipsNaN || !latest.contains(where: \.isNaN)
            else { continue }
            let point = try MapObject(machine)
            try point.put(.text("ts"), .long(event.time))
            try point.put(.text("values"), .list(try ListObject(latest.map { .double($0) }, of: .double, machine)))
            point.series = .point
            data.append(.map(point))
        }
        return .map(
            try series(.merged, start: window?.start ?? start, end: window?.end ?? end, data, machine))
    }

    /// What functions compute from.
    private struct Numbers {
        let all: [Double]
        /// Those that are numbers.
        let real: [Double]
        let ignoresNaN: Bool

        init(_ all: [Double], ignoresNaN: Bool) {
            self.all = all
            self.ignoresNaN = ignoresNaN
            real = all.filter { !$0.isNaN }
        }

        var count: Int { ignoresNaN ? real.count : all.count }
        private var isSpoilt: Bool { !ignoresNaN && real.count < all.count }

        private func check() throws(TBELError) {
            if all.isEmpty { throw .runtime("Rolling argument values are empty.") }
        }

        func maximum() throws(TBELError) -> Double {
            try check()
            return isSpoilt ? .nan : real.max() ?? -Double.greatestFiniteMagnitude
        }

        func minimum() throws(TBELError) -> Double {
            try check()
            return isSpoilt ? .nan : real.min() ?? Double.greatestFiniteMagnitude
        }

        func sum() throws(TBELError) -> Double {
            try check()
            return isSpoilt ? .nan : real.reduce(0, +)
        }

        func mean() throws(TBELError) -> Double { try sum() / Double(count) }

        func deviation() throws(TBELError) -> Double {
            let mean = try mean()
            if isSpoilt { return .nan }
            return (real.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)).squareRoot()
        }

        func median() throws(TBELError) -> Double {
            try check()
            if isSpoilt { return .nan }
            let sorted = real.sorted()
            guard let upper = sorted.indices.contains(sorted.count / 2) ? sorted[sorted.count / 2] : nil else {
                throw .runtime("Rolling argument values are empty.")
            }
            return sorted.count % 2 == 1 ? upper : (sorted[sorted.count / 2 - 1] + upper) / 2
        }

        func first() throws(TBELError) -> Double { try end(all.first, real.first) }
        func last() throws(TBELError) -> Double { try end(all.last, real.last) }

        private func end(_ plain: Double?, _ real: Double?) throws(TBELError) -> Double {
            guard let value = ignoresNaN ? real : plain else { throw .runtime("Rolling argument values are empty.") }
            return value
        }
    }
}
